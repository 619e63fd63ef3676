/* The command line of rill-gen, --check, and what happens to its output files. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/files.h"
#include "../support/gen.h"

#define PAGE                                                                                       \
	"## A\n\n| Event | Level | Short | Long |\n|---|---|---|---|\n"                            \
	"| a.one | info | One | The first. |\n"
#define OLD_NS INT64_C(1000000000000000000)

static char *path(const char *folder, const char *name)
{
	return format("%s/%s", folder, name);
}

static void expect_usage(const char *const *arguments, const char *error)
{
	const char *argv[16] = {built("rill-gen")};
	struct run_result r;

	for (size_t i = 0; arguments[i]; i++)
		argv[i + 1] = arguments[i];
	r = run_command(argv, NULL);
	cr_expect_eq(r.code, 2, "exit code %d", r.code);
	cr_expect(strstr(r.err, error), "%s\nshould say %s", r.err, error);
	cr_expect(strstr(r.err, "Try 'rill-gen --help'."), "%s", r.err);
	cr_expect_str_empty(r.out);
	run_free(&r);
}

#define EXPECT_USAGE(error, ...) expect_usage((const char *const[]){__VA_ARGS__, NULL}, error)

Test(command, wrong_usage)
{
	EXPECT_USAGE("which page?", "--name", "x");
	EXPECT_USAGE("which page?", NULL);
	EXPECT_USAGE("one page at a time", "--name", "x", "a.md", "b.md");
	EXPECT_USAGE("--name is missing", "--check", "a.md");
	EXPECT_USAGE("unrecognized option '--frob'", "--frob", "a.md");
	EXPECT_USAGE("requires an argument", "a.md", "--name");
	EXPECT_USAGE("--header and --source are both needed", "--name", "x", "a.md");
	EXPECT_USAGE("--header and --source are both needed", "--name", "x", "--header", "h",
		     "a.md");
	EXPECT_USAGE("must be four files: b", "--name", "x", "--header", "b", "--source", "b",
		     "a.md");
	EXPECT_USAGE("must be four files", "--name", "x", "--header", "a.ids", "--source", "c",
		     "a.md");
	EXPECT_USAGE("must be four files", "--name", "x", "--header", "a.md", "--source", "c",
		     "a.md");
}

Test(command, name_must_be_an_identifier)
{
	static const char *const names[] = {
		"",    "9a",
		"a-b", "a b",
		"a.b", "\xc3\xa4",
		"a\n", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", /* 64 */
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		EXPECT_USAGE("--name must be a C identifier of at most 63 characters", "--name",
			     names[i], "--header", "h", "--source", "c", "a.md");
}

Test(command, help)
{
	struct run_result r = RUN(NULL, built("rill-gen"), "--help");

	cr_expect_eq(r.code, 0);
	cr_expect_str_empty(r.err);
	cr_expect(strstr(r.out, "Usage: rill-gen --name NAME --header FILE"), "%s", r.out);
	cr_expect(strstr(r.out, "Exit codes: 0 done"), "%s", r.out);
	run_free(&r);
}

/* Every option of --help is in the manual page, and the other way round. */
Test(command, help_and_manual_agree)
{
	static const char *const options[] = {"name",   "header", "source", "lock",
					      "locked", "check",  "help",   "version"};
	struct run_result r = RUN(NULL, built("rill-gen"), "--help");
	const char *manual = file_load(source("docs/rill-gen.1"), NULL);
	size_t items = 0;

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		cr_expect(strstr(r.out, format("\n  --%s", options[i])), "%s", options[i]);
		cr_expect(strstr(manual, format("\n.It Fl -%s", options[i])), "%s", options[i]);
	}
	for (const char *at = manual; (at = strstr(at, "\n.It Fl -")); at++)
		items++;
	cr_expect_eq(items, sizeof(options) / sizeof(options[0]));
	run_free(&r);
}

Test(outputs, unchanged_header_is_left_alone_and_source_is_stamped)
{
	char *folder = gen_folder(PAGE, NULL), *before;
	struct run_result r = GEN_RUN(folder, NULL);

	gen_expect(&r, 0, "");
	before = gen_load(folder, "page.c");
	file_make_old(path(folder, "page.h"));
	file_make_old(path(folder, "page.c"));
	r = GEN_RUN(folder, NULL);
	gen_expect(&r, 0, "");
	cr_expect_eq(file_time_ns(path(folder, "page.h")), OLD_NS);
	cr_expect_gt(file_time_ns(path(folder, "page.c")), OLD_NS);
	cr_expect_str_eq(gen_load(folder, "page.c"), before);
	file_store_text(path(folder, "page.md"), PAGE "| a.two | info | Two | The second. |\n");
	r = GEN_RUN(folder, NULL);
	gen_expect(&r, 0, "");
	cr_expect_gt(file_time_ns(path(folder, "page.h")), OLD_NS);
	folder_remove(folder);
}

Test(outputs, get_the_usual_mode)
{
	char *folder = gen_folder(PAGE, NULL);
	struct run_result r;
	struct stat st;

	umask(027);
	r = GEN_RUN(folder, NULL);
	gen_expect(&r, 0, "");
	cr_assert_eq(stat(path(folder, "page.c"), &st), 0);
	cr_expect_eq(st.st_mode & 0777, 0640, "%o", st.st_mode);
	chmod(path(folder, "page.c"), 0604);
	r = GEN_RUN(folder, NULL);
	gen_expect(&r, 0, "");
	cr_assert_eq(stat(path(folder, "page.c"), &st), 0);
	cr_expect_eq(st.st_mode & 0777, 0604, "%o", st.st_mode);
	folder_remove(folder);
}

/* One output that can't be written: none is, and nothing is left lying about. */
Test(outputs, all_or_none)
{
	char *folder = gen_folder(PAGE, NULL);
	struct run_result r = GEN_RUN(folder, "--source", "none/page.c");

	gen_expect(&r, 1,
		   "none/page.c:1: error: the file cannot be written: No such file or directory\n");
	mkdir(path(folder, "page.c"), 0777);
	r = GEN_RUN(folder, NULL);
	gen_expect(&r, 1, "page.c:1: error: the file cannot be written: Is a directory\n");
	r = RUN(NULL, "ls", folder);
	cr_expect_str_eq(r.out, "page.c\npage.md\n");
	run_free(&r);
	folder_remove(folder);
}

Test(check, all_is_up_to_date)
{
	char *folder = gen_folder(PAGE, NULL);
	struct run_result r = GEN_RUN(folder, NULL);

	gen_expect(&r, 0, "");
	file_make_old(path(folder, "page.c"));
	r = GEN_RUN(folder, "--check");
	gen_expect(&r, 0, "");
	r = RUN((&(struct run_options){.directory = folder}), built("rill-gen"), "--check",
		"--name", "demo", "page.md");
	gen_expect(&r, 0, "");
	cr_expect_eq(file_time_ns(path(folder, "page.c")), OLD_NS);
	folder_remove(folder);
}

Test(check, an_output_is_not)
{
	char *folder = gen_folder(PAGE, NULL);
	struct run_result r = GEN_RUN(folder, NULL);

	gen_expect(&r, 0, "");
	file_store_text(path(folder, "page.h"), format("%s ", gen_load(folder, "page.h")));
	unlink(path(folder, "page.c"));
	r = GEN_RUN(folder, "--check");
	gen_expect(&r, 1,
		   "page.h:1: error: not what rill-gen writes for this page; run rill-gen without "
		   "--check\n"
		   "page.c:1: error: not what rill-gen writes for this page; run rill-gen without "
		   "--check\n");
	cr_expect_not(file_exists(path(folder, "page.c")));
	r = GEN_RUN(folder, "--check", "--name", "other");
	cr_expect_eq(r.code, 1);
	run_free(&r);
	folder_remove(folder);
}

Test(check, the_lock_file_is_not)
{
	char *folder = gen_folder(PAGE, "subsystem 0 A\n");
	struct run_result r = GEN_RUN(folder, "--check");

	gen_expect(&r, 1,
		   "page.md:5: error: event 'a.one' is not in page.ids; run rill-gen without "
		   "--locked and "
		   "--check, and commit the lock file with the page\n");
	cr_expect_str_eq(gen_load(folder, "page.ids"), "subsystem 0 A\n");
	folder_remove(folder);
}

Test(check, this_repository)
{
	struct run_result r = RUN(NULL, built("rill-gen"), "--check", "--name", "stalwart",
				  "--header", built("include/rill/stalwart.h"), "--source",
				  built("gen/stalwart.c"), source("docs/events.md"));

	gen_expect(&r, 0, "");
}
