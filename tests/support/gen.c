#include "gen.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/stat.h>

#include "files.h"

#define MAX_ARGUMENTS 24

char *gen_folder(const char *page, const char *lock)
{
	char *folder = folder_make();

	if (page)
		file_store_text(format("%s/page.md", folder), page);
	if (lock)
		file_store_text(format("%s/page.ids", folder), lock);
	return folder;
}

struct run_result gen_run(const char *folder, const char *const *arguments)
{
	const char *argv[MAX_ARGUMENTS] = {built("rill-gen"), "--name",   "demo",  "--header",
					   "page.h",          "--source", "page.c"};
	size_t n = 7;

	while (*arguments && n < MAX_ARGUMENTS - 2)
		argv[n++] = *arguments++;
	argv[n] = "page.md";
	return run_command(argv, &(struct run_options){.directory = folder});
}

char *gen_load(const char *folder, const char *name)
{
	return file_load(format("%s/%s", folder, name), NULL);
}

void gen_expect(struct run_result *r, int code, const char *err)
{
	cr_expect_str_eq(r->err, err, "standard error is\n%s\nbut should be\n%s", r->err, err);
	cr_expect_str_empty(r->out);
	cr_expect_eq(r->code, code, "exit code %d, not %d (signal %d)", r->code, code, r->signal);
	run_free(r);
}

/* The library's header, or before there is one what a catalog's header needs of it. */
static const char stub[] = "#include <rill/catalog.h>\n"
			   "#define RILL_CATALOG_OBJECT(name) "
			   "extern const struct rill_catalog rill_catalog_##name;\n"
			   "#define rill_event(...) ((void)0)\n";

static bool have_library(void)
{
	return file_exists(source("include/rill/rill.h"));
}

static void compile(const char *folder, const char *compiler, const char *standard,
		    const char *file)
{
	struct run_result r =
		RUN(&(struct run_options){.directory = folder}, compiler, standard, "-x",
		    strstr(standard, "++") ? "c++" : "c", "-Wall", "-Wextra", "-Wshadow",
		    "-Wconversion", "-Werror", have_library() ? "-Wunused" : "-Wno-unused",
		    have_library() ? "-Wextra" : "-Wno-unused-parameter", "-D_GNU_SOURCE",
		    "-fsyntax-only", "-I.", format("-I%s", source("include")), "-Istub", file);

	cr_expect_eq(r.code, 0, "%s %s %s:\n%s", compiler, standard, file, r.err);
	run_free(&r);
}

void gen_expect_compiles(const char *folder, const char *use)
{
	static const char *const compilers[][2] = {
		{"gcc", "-std=c11"},   {"gcc", "-std=gnu11"},   {"g++", "-std=c++17"},
		{"clang", "-std=c11"}, {"clang", "-std=gnu11"}, {"clang++", "-std=c++17"},
	};

	if (!have_library()) {
		mkdir(format("%s/stub", folder), 0777);
		mkdir(format("%s/stub/rill", folder), 0777);
		file_store_text(format("%s/stub/rill/rill.h", folder), stub);
	}
	file_store_text(format("%s/use.c", folder), use);
	for (size_t i = 0; i < sizeof(compilers) / sizeof(compilers[0]); i++) {
		struct run_result there = RUN(NULL, compilers[i][0], "--version");
		bool found = there.code == 0;

		run_free(&there);
		if (!found) {
			cr_log_warn("no %s here: not tried", compilers[i][0]);
			continue;
		}
		compile(folder, compilers[i][0], compilers[i][1], "page.c");
		compile(folder, compilers[i][0], compilers[i][1], "use.c");
	}
}
