/* rill cat of dumps that brought different catalogs. */
#include <criterion/criterion.h>
#include <string.h>

#include "support/files.h"
#include "support/run.h"

static char *cat(const char *format_option, const char *first, const char *second)
{
	struct run_result run = RUN(NULL, built("rill"), "cat", format_option, first, second);
	cr_assert_eq(run.code, 0, "%s", run.err);
	return run.out;
}

static void trace(const char *program, const char *argument, const char *dump)
{
	char *sinks = format("RILL_SINKS=dump:%s", dump);
	const struct run_options options = {
		.env = (const char *const[]){"RILL_FILTER=*=trace", sinks, NULL}};
	struct run_result run = RUN(&options, built(program), argument);
	cr_assert_eq(run.signal, 0, "%s", run.err);
}

/* What was made for the first one's lines is not used for the second one's. */
Test(cat, one_dump_after_the_other)
{
	static const char *const formats[] = {"--format=text", "--format=json"};
	char *folder = folder_make();
	char *hello = format("%s/hello", folder), *restarted = format("%s/restarted", folder);
	char *text = format("%s/text", folder);
	file_store_text(text, "one two\nthree\n");
	trace("examples/hello", text, hello);
	trace("tests/programs/restarted", restarted, format("%s/none", folder));
	for (size_t i = 0; i < 2; i++) {
		char *first = cat(formats[i], hello, NULL),
		     *second = cat(formats[i], restarted, NULL);
		cr_expect(strstr(first, "count.end"), "%s", first);
		cr_expect(strstr(second, "smtp.noop"), "%s", second);
		cr_expect_str_eq(cat(formats[i], hello, restarted), format("%s%s", first, second));
		cr_expect_str_eq(cat(formats[i], restarted, hello), format("%s%s", second, first));
	}
	folder_remove(folder);
}
