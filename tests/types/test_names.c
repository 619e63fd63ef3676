/* Names: those that are macros elsewhere, and those that no catalog has. */
#include <criterion/criterion.h>

#include <string.h>

#include "support/compile.h"
#include "support/files.h"

/* Generates a catalog of tests/data/types in the folder, and compiles it there. */
static void make_catalog(const char *folder, const char *name)
{
	struct run_result r =
		RUN(&(struct run_options){.directory = folder}, built("rill-gen"), "--name", name,
		    "--lock", "page.ids", "--header", format("%s.h", name), "--source",
		    format("%s.c", name), source(format("tests/data/types/%s.md", name)));

	cr_assert_eq(r.code, 0, "%s", r.err);
	run_free(&r);
	r = RUN(&(struct run_options){.directory = folder}, "gcc", "-c",
		format("-I%s", source("include")), format("%s.c", name));
	cr_assert_eq(r.code, 0, "%s", r.err);
	run_free(&r);
}

Test(names, macros_of_others, .timeout = 120)
{
	char *folder = folder_make();

	make_catalog(folder, "names");
	for (size_t i = 0; i < 2 * COMPILERS; i++) {
		const struct compiler *compiler = &compilers[i / 2];
		char *program = format("%s/names", folder);
		struct run_result r =
			COMPILE(compiler, source("tests/data/types/names.c"),
				format("-I%s", folder), "-Wall", "-Wextra", "-Wno-keyword-macro",
				"-Werror", i % 2 ? "-DCOMPACT" : "-UCOMPACT", "-x", "none",
				format("%s/names.o", folder), built("librill.a"), "-pthread", "-lm",
				"-lzstd", "-o", program);

		cr_assert_eq(r.code, 0, "%s:\n%s", compiler->name, r.err);
		run_free(&r);
		r = RUN(NULL, program);
		cr_expect_eq(r.code, 0, "%s: exit code %d\n%s", compiler->name, r.code, r.err);
		run_free(&r);
	}
	folder_remove(folder);
}

/* Every kind of key, in every statement, without a word of any compiler. */
Test(names, no_warning, .timeout = 240)
{
	static const char *const levels[] = {"-O0", "-O2", "-O3"};
	char *folder = folder_make();

	make_catalog(folder, "kinds");
	for (size_t i = 0; i < COMPILERS * 6; i++) {
		const struct compiler *compiler = &compilers[i / 6];
		bool cxx = compiler_is_cxx(compiler), gcc = compiler->command[0] == 'g';
		struct run_result r = COMPILE(
			compiler, source("tests/data/types/quiet.c"), format("-I%s", folder),
			levels[i % 3], i % 6 < 3 ? "-DCOMPACT" : "-UCOMPACT", "-c", "-o",
			format("%s/quiet.o", folder), "-Wall", "-Wextra", "-Wpedantic",
			"-Wconversion", "-Wsign-conversion", "-Wshadow", "-Wundef", "-Wcast-qual",
			"-Wcast-align", "-Wmissing-declarations",
			cxx ? "-Wold-style-cast" : "-Wstrict-prototypes",
			cxx && gcc ? "-Wuseless-cast" : "-Wpointer-arith");

		cr_expect(r.code == 0 && r.err_bytes == 0, "%s %s:\n%s", compiler->name,
			  levels[i % 3], r.err);
		run_free(&r);
	}
	folder_remove(folder);
}

/* Compiles one statement, which is wrong: some error message says `what`. */
static void expect_error(const struct compiler *compiler, const char *statement, const char *what)
{
	char *folder = folder_make(), *file = format("%s/use.c", folder);

	file_store_text(file, format("#define RILL_CATALOG stalwart\n"
				     "#include <rill/stalwart.h>\n"
				     "void use(void);\n"
				     "void use(void)\n{\n\t%s;\n}\n",
				     statement));
	struct run_result r = COMPILE(compiler, file, "-fsyntax-only");
	bool said = false;

	cr_expect_neq(r.code, 0, "%s takes %s", compiler->name, statement);
	for (char *rest = r.err, *line; (line = strsep(&rest, "\n"));)
		said |= strstr(line, "error: ") && strstr(line, what);
	cr_expect(said, "%s: %s: no error says `%s'", compiler->name, statement, what);
	run_free(&r);
	folder_remove(folder);
}

Test(names, unknown, .timeout = 120)
{
	for (size_t i = 0; i < STRICT_COMPILERS; i++) {
		const struct compiler *c = &compilers[i];

		expect_error(c, "rill_event(smtp_ehlo, spanId(1), colour(2))", "colour");
		expect_error(c, "rill_event(smtp_ehlo, colour(2))", "no such key");
		expect_error(c, "rill_event(smtp_ehlo, colour)", "colour");
		expect_error(c, "rill_event(smtp_unheard)", "smtp_unheard");
		expect_error(c, "rill_event(smtp_unheard, spanId(1))", "smtp_unheard");
		expect_error(c, "rill_event_in(absent, smtp_ehlo)", "absent");
		expect_error(c, "rill_event_compact(smtp_ehlo, spanId(1), colour(2))", "colour");
		expect_error(c, "rill_event_compact(smtp_ehlo, colour(2))", "no such key");
		expect_error(c, "rill_event_compact(smtp_unheard, spanId(1))", "smtp_unheard");
		expect_error(c, "rill_event_compact_in(absent, smtp_ehlo)", "absent");
		expect_error(c, "rill_event(smtp_error, causedBy(rill_nested(smtp_unheard)))",
			     "smtp_unheard");
		expect_error(c,
			     "rill_event(smtp_error, causedBy(rill_nested(smtp_ehlo, colour(2))))",
			     "colour");
	}
}
