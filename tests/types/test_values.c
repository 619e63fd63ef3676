/* What rill_event() and rill_event_compact() write for every type of value, by a program in C and
 * C++ of its own. */
#include <criterion/criterion.h>
#include <string.h>

#include "support/compile.h"
#include "support/files.h"

/* values.c fills its ring on purpose, and rill tells of it. A failed check would say something
 * else. */
static bool only_losses(const char *err)
{
	for (const char *line = err; *line; line = strchr(line, '\n') + 1) {
		const char *end = strchr(line, '\n');
		const char *word = strstr(line, "discarded");
		if (!end || !word || word > end)
			return false;
	}
	return true;
}

/* Compiles tests/data/types/values.c with its catalog against librill.a, and runs it. */
static void expect_values(const struct compiler *compiler, const char *const *flags)
{
	char *folder = folder_make(), *how = format("%s", compiler->name);
	const char *all[24] = {format("-I%s", folder), "-Wall", "-Wextra", "-Werror"};
	size_t n = 4;

	for (; *flags; flags++) {
		all[n++] = *flags;
		how = format("%s %s", how, *flags);
	}
	struct run_result r = RUN(&(struct run_options){.directory = folder}, built("rill-gen"),
				  "--name", "kinds", "--lock", "kinds.ids", "--header", "kinds.h",
				  "--source", "kinds.c", source("tests/data/types/kinds.md"));
	cr_assert_eq(r.code, 0, "%s", r.err);
	run_free(&r);
	/* The catalog apart, as C: in C++ its constant would be the file's own. */
	char *program = format("%s/values", folder), *catalog = format("%s/kinds.o", folder);
	r = RUN(NULL, "gcc", "-c", "-o", catalog, format("-I%s", source("include")),
		format("%s/kinds.c", folder));
	cr_assert_eq(r.code, 0, "%s", r.err);
	run_free(&r);
	const char *const link[] = {"-x",       "none", catalog,  built("librill.a"),
				    "-pthread", "-lm",  "-lzstd", "-o",
				    program};
	for (size_t i = 0; i < sizeof link / sizeof *link; i++)
		all[n++] = link[i];
	all[n] = NULL;
	r = compile(compiler, source("tests/data/types/values.c"), all);
	cr_assert_eq(r.code, 0, "%s:\n%s", how, r.err);
	run_free(&r);
	r = RUN(NULL, program);
	cr_expect(r.code == 0 && only_losses(r.err), "%s: exit code %d, signal %d:\n%s", how,
		  r.code, r.signal, r.err);
	run_free(&r);
	folder_remove(folder);
}

/* In both forms. */
#define EXPECT_VALUES(i, ...)                                                                      \
	do {                                                                                       \
		expect_values(&compilers[i], (const char *const[]){__VA_ARGS__, NULL});            \
		expect_values(&compilers[i],                                                       \
			      (const char *const[]){"-DCOMPACT", __VA_ARGS__, NULL});              \
	} while (0)

Test(values, unoptimised, .timeout = 120)
{
	for (size_t i = 0; i < STRICT_COMPILERS; i++)
		EXPECT_VALUES(i, "-O0");
}

Test(values, optimised, .timeout = 120)
{
	for (size_t i = 0; i < COMPILERS; i++)
		EXPECT_VALUES(i, i % 2 ? "-O2" : "-O3");
}

Test(values, position_independent, .timeout = 120)
{
	for (size_t i = 0; i < 2; i++)
		EXPECT_VALUES(i, "-O2", "-fPIC");
}

Test(values, sanitized, .timeout = 480)
{
	for (size_t i = 0; i < STRICT_COMPILERS; i++)
		EXPECT_VALUES(i, "-O0", "-fsanitize=address,undefined",
			      "-fno-sanitize-recover=all");
}
