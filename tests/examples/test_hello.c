/* examples/hello counts words, and its events say so. */
#include <criterion/criterion.h>
#include <string.h>

#include "support/files.h"
#include "support/run.h"

Test(hello, counts_words_and_tells, .timeout = 60)
{
	char *folder = folder_make(), *text = format("%s/text", folder);
	file_store_text(text, "one two\nthree\n");
	const struct run_options options = {.env = (const char *const[]){"RILL_FILTER=*=debug",
									 "RILL_SINKS=text:stderr",
									 NULL}};
	struct run_result run =
		RUN(&options, built("examples/hello"), text, format("%s/none", folder));
	cr_expect_eq(run.code, 1, "one file is missing");
	cr_expect_eq(strncmp(run.out, "3 ", 2), 0, "%s", run.out);
	cr_expect(strstr(run.err, "count.end"), "%s", run.err);
	cr_expect(strstr(run.err, "words=3"), "%s", run.err);
	cr_expect(strstr(run.err, "count.failed"), "%s", run.err);
	cr_expect(strstr(run.err, "SPAN"), "%s", run.err);
	folder_remove(folder);
}

/* Thirty lines or so, or it is no example. */
Test(hello, stays_small)
{
	size_t lines = 0;
	for (char *c = file_load(source("examples/hello/hello.c"), NULL); *c; c++)
		lines += *c == '\n';
	cr_expect_leq(lines, 40);
}
