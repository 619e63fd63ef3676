/* The tree is clean: formatted, spelled, without what clang-tidy and cppcheck find; files fit one
 * head; nothing is left unfinished. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "support/files.h"
#include "support/run.h"

Test(lint, make_lint_is_silent, .timeout = 900)
{
	const struct run_options options = {.timeout_ms = 800000};
	struct run_result run = RUN(&options, "make", "-s", "-C", source(""), "lint",
				    format("BUILD=%s", built("")));
	cr_expect_eq(run.code, 0, "%s%s", run.out, run.err);
}

/* In a clone; a tarball has no list of files. */
static struct run_result tracked(const char *pattern)
{
	const struct run_options options = {.directory = source("")};
	return RUN(&options, "git", "ls-files", "--", pattern);
}

Test(lint, files_fit_one_head, .timeout = 60)
{
	struct run_result run = tracked("*.[ch]");
	for (char *name = strtok(run.out, "\n"); name; name = strtok(NULL, "\n")) {
		size_t lines = 0;
		if (strstr(name, "tests/data/"))
			continue;
		char *text = file_load(source(name), NULL);
		for (char *c = text; *c; c++)
			lines += *c == '\n';
		cr_expect_leq(lines, 520, "%s has %zu lines", name, lines);
		free(text);
	}
}

Test(lint, nothing_is_left_unfinished, .timeout = 60)
{
	const struct run_options options = {.directory = source("")};
	struct run_result run = RUN(&options, "git", "grep", "-nwE", "TO[D]O|FIX[M]E|XX[X]|HA[C]K",
				    "--", "*.c", "*.h", "*.md", "*.sh", "Makefile");
	cr_expect_eq(run.code, 1, "%s", run.out);
}

/* src/ROOM may include from rooms below it only: the order of the list. */
Test(lint, arrows_point_one_way, .timeout = 60)
{
	static const char *const rooms[] = {"core", "dump", "collect", "sink", "control", "cli"};
	const struct run_options options = {.directory = source("")};
	for (size_t low = 0; low < 6; low++)
		for (size_t high = low + 1; high < 6; high++) {
			struct run_result run = RUN(&options, "git", "grep", "-n",
						    format("#include \"%s/", rooms[high]), "--",
						    format("src/%s", rooms[low]));
			cr_expect_eq(run.code, 1, "%s", run.out);
		}
	struct run_result run =
		RUN(&options, "git", "grep", "-nE", "#include \"[a-z]+/", "--", "include/");
	cr_expect_eq(run.code, 1, "%s", run.out);
}
