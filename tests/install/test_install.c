/* `make install` into a folder, and a program built from what is there, as the README has it. */
#include <criterion/criterion.h>
#include <string.h>

#include "support/files.h"
#include "support/run.h"

/* What is installed is not meant to be linked with a sanitizer. */
static void skip_when_sanitized(void)
{
#ifdef __SANITIZE_ADDRESS__
	cr_skip_test("built with AddressSanitizer");
#endif
}

/* The fenced block of README.md that follows this text. */
static char *readme_block(const char *after)
{
	char *text = file_load(source("README.md"), NULL);
	char *at = strstr(text, after);
	cr_assert(at, "README.md has no '%s'", after);
	char *start = strstr(at, "```");
	start = strchr(start, '\n') + 1;
	*strstr(start, "```") = 0;
	return start;
}

Test(install, the_readme_program_builds_and_runs, .timeout = 120)
{
	skip_when_sanitized();
	char *root = folder_make(), *usr = format("%s/usr", root);
	struct run_result run =
		RUN(NULL, "make", "-s", "-C", source(""), format("BUILD=%s", built("")), "install",
		    format("DESTDIR=%s", root), "PREFIX=/usr");
	cr_assert_eq(run.code, 0, "%s%s", run.out, run.err);
	char *package = file_load(format("%s/lib/pkgconfig/rill.pc", usr), NULL);
	cr_expect_eq(strncmp(package, "prefix=/usr\n", 12), 0, "%s", package);
	static const char *const completions[] = {"bash-completion/completions/rill",
						  "zsh/site-functions/_rill",
						  "fish/vendor_completions.d/rill.fish"};
	for (size_t i = 0; i < 3; i++) {
		char *text = file_load(format("%s/share/%s", usr, completions[i]), NULL);
		cr_expect(strstr(text, "__complete"), "%s: %s", completions[i], text);
	}
	file_store_text(format("%s/shop.md", root), readme_block("A page of your own"));
	file_store_text(format("%s/shop.c", root), readme_block("A program, `shop.c`"));
	char *commands = readme_block("```sh\nrill-gen");

	char *script = format("set -eu\nPATH=%s/bin:$PATH\n"
			      "export CPATH=%s/include LIBRARY_PATH=%s/lib LD_LIBRARY_PATH=%s/lib\n"
			      "rm -rf /tmp/shop\n%s",
			      usr, usr, usr, usr, commands);
	const struct run_options options = {.directory = root};
	run = RUN(&options, "bash", "-c", script);
	cr_assert_eq(run.code, 0, "%s%s", run.out, run.err);
	cr_expect(strstr(run.err, "Order placed"), "%s", run.err);
	cr_expect(strstr(run.out, "orderId=3"), "%s", run.out);
	cr_expect(strstr(run.out, "3 spans"), "%s", run.out);
	folder_remove("/tmp/shop");
	folder_remove(root);
}

Test(install, the_libraries_show_only_their_own_names, .timeout = 60)
{
	skip_when_sanitized();
	struct run_result run = RUN(NULL, "nm", "-g", "--defined-only", built("librill.a"));
	cr_assert_eq(run.code, 0);
	for (char *line = strtok(run.out, "\n"); line; line = strtok(NULL, "\n")) {
		char *name = strrchr(line, ' ');
		if (name)
			cr_expect(strncmp(name + 1, "rill_", 5) == 0, "%s", line);
	}
	run = RUN(NULL, "nm", "-D", "--defined-only", built("librill.so"));
	for (char *line = strtok(run.out, "\n"); line; line = strtok(NULL, "\n"))
		cr_expect(strstr(line, " rill_") || strstr(line, " RILL_"), "%s", line);
}

Test(install, librill_needs_nothing_but_libc_and_a_compressor, .timeout = 60)
{
	skip_when_sanitized();
	struct run_result run = RUN(NULL, "objdump", "-p", built("librill.so"));
	for (char *line = strtok(run.out, "\n"); line; line = strtok(NULL, "\n"))
		if (strstr(line, "NEEDED"))
			cr_expect(strstr(line, "libc.so.6") || strstr(line, "libm.so.6") ||
					  strstr(line, "libzstd.so.1") || strstr(line, "ld-linux"),
				  "%s", line);
}

/* One public header at a time, C11 and C++17, nothing included before it. */
Test(install, each_public_header_stands_alone, .timeout = 120)
{
	static const char *const headers[] = {"catalog", "control", "rill",    "sink",
					      "types",   "value",   "stalwart"};
	for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
		char *text = format("#include <rill/%s.h>\nint x;\n", headers[i]);
		const struct run_options options = {.input = text};
		struct run_result c =
			RUN(&options, "gcc", "-std=c11", "-Wall", "-Wextra", "-Werror",
			    "-D_DEFAULT_SOURCE", "-fsyntax-only", format("-I%s", source("include")),
			    format("-I%s", built("include")), "-xc", "-");
		cr_expect_eq(c.code, 0, "%s: %s", headers[i], c.err);
		struct run_result cxx =
			RUN(&options, "g++", "-std=c++17", "-Wall", "-Wextra", "-Werror",
			    "-fsyntax-only", format("-I%s", source("include")),
			    format("-I%s", built("include")), "-xc++", "-");
		cr_expect_eq(cxx.code, 0, "%s: %s", headers[i], cxx.err);
	}
}
