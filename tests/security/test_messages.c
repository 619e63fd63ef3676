/* Messages of the runtime and of rill-gen: one line each, whatever stands in the environment, on a
 * page, or in a path. */
#include <criterion/criterion.h>
#include <string.h>

#include "../support/files.h"
#include "../support/gen.h"
#include "../support/hostile.h"
#include "../support/run.h"

static void check_lines(const struct run_result *r, const char *begin, const char *what)
{
	long at = unclean_at(r->err, r->err_bytes, "", false);
	cr_expect_eq(at, -1, "%s: byte %02x at %ld: %s", what,
		     at < 0 ? 0u : (unsigned char)r->err[at], at, r->err);
	cr_expect_gt(r->err_bytes, 0, "%s says nothing", what);
	char *rest = r->err;
	for (char *line; (line = strsep(&rest, "\n")) && *line;)
		cr_expect(strncmp(line, begin, strlen(begin)) == 0, "%s: forged: %s", what, line);
}

Test(messages, of_the_runtime, .timeout = 60)
{
	static const char *const variables[] = {"RILL_RING_SIZE=%s",
						"RILL_RING_MEMORY=%s",
						"RILL_POLICY=%s",
						"RILL_BLOCK_TIMEOUT=%s",
						"RILL_MAX_OPEN_SPANS=%s",
						"RILL_RUNTIME_DIR=/no%s",
						"RILL_FILTER=%s",
						"RILL_FILTER=smtp.x%.60s",
						"RILL_FILTER=*=%s",
						"RILL_SINKS=%s",
						"RILL_SINKS=text:/no/such%s/x",
						"RILL_SINKS=json:%s",
						"RILL_SINKS=dump:/dev/null/%s",
						"RILL_SINKS=text:stderr?color=%s",
						"RILL_SINKS=dump:/tmp?rotate=%s"};
	char *folder = folder_make();
	for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		const char *environment[] = {"RILL_FILTER=*=error", "RILL_SINKS=text:/dev/null",
					     format(variables[i], hostile_text), NULL};
#pragma GCC diagnostic pop
		const struct run_options options = {.env = environment, .directory = folder};
		struct run_result r = RUN(&options, built("tests/programs/threads"), "1", "10");
		cr_expect_eq(r.code, 0, "%s: %s", variables[i], r.err);
		check_lines(&r, "rill: ", variables[i]);
	}
	folder_remove(folder);
}

Test(messages, of_rill_gen, .timeout = 60)
{
	/* Without what would end a name of a file. */
	char *name = format("%.140s.md", hostile_text);
	char *table = format(
		"## Part\n\n| Event | Level | Short | Long |\n|-|-|-|-|\n"
		"| a\xe2\x80\x8b | inf\xe2\x80\xa8o | x | y |\n| b | \xe2\x80\x8f | x | y |\n");
	const char *const pages[] = {table, hostile_text, NULL};
	char *folder = folder_make();
	for (size_t i = 0; i < 3; i++) {
		if (pages[i])
			file_store_text(format("%s/%s", folder, name), pages[i]);
		const struct run_options options = {.directory = folder};
		struct run_result r =
			RUN(&options, built("rill-gen"), "--name", "x", "--header", "x.h",
			    "--source", "x.c", pages[i] ? name : format("no%s", name));
		cr_expect_eq(r.code, 1, "%s", r.err);
		long at = unclean_at(r.err, r.err_bytes, "", false);
		cr_expect_eq(at, -1, "page %zu: byte at %ld: %s", i, at, r.err);
		char *rest = r.err;
		for (char *line; (line = strsep(&rest, "\n")) && *line;)
			cr_expect(strstr(line, ".md:") || strstr(line, ".ids:") ||
					  strstr(line, "more errors"),
				  "page %zu: forged: %s", i, line);
	}
	folder_remove(folder);
}
