/* What `rill export` leaves behind: a whole file or none. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/exported.h"
#include "../support/files.h"
#include "../support/mixed.h"

struct fixture {
	char *folder;
	char *dump;
	struct run_options options;
};

static struct fixture begin(size_t count)
{
	struct fixture f = {.folder = folder_make()};
	f.dump = format("%s/dump", f.folder);
	f.options = (struct run_options){.directory = f.folder};
	mixed_write(f.dump, count, 1);
	return f;
}

#define EXPORT(f, ...) RUN(&(f).options, built("rill"), "export", __VA_ARGS__)

/* Names in the folder but the dump's own. */
static char *left(const struct fixture *f)
{
	struct run_result r = RUN(&f->options, "sh", "-c", "ls -A | grep -v '^dump$'");
	return r.out;
}

Test(export, usage_is_told_and_has_code_2)
{
	struct fixture f = begin(100);
	static const char *const wrong[][4] = {
		{"--to=xml", "dump", NULL},
		{"dump", NULL},
		{"--to=ctf", "dump", NULL},
		{"--to=ctf", "-o", "-", "dump"},
		{"--to=chrome", NULL},
		{"--to=chrome", "--nothing", "dump"},
		{"--to=chrome", "--level=x", "dump"},
		{"--to=chrome", "--since=x", "dump"},
	};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		const char *argv[7] = {built("rill"), "export"};
		for (size_t k = 0; k < 4 && wrong[i][k]; k++)
			argv[2 + k] = wrong[i][k];
		struct run_result r = run_command(argv, &f.options);
		cr_expect_eq(r.code, 2, "%zu: %d", i, r.code);
		cr_expect(strstr(r.err, "rill export: "), "%zu: %s", i, r.err);
	}
	cr_assert_str_empty(left(&f));
	folder_remove(f.folder);
}

Test(export, a_file_appears_whole_and_only_for_its_owner)
{
	struct fixture f = begin(1000);
	file_store_text(format("%s/c", f.folder), "old");
	struct run_result r = EXPORT(f, "--to=chrome", "-o", "c", "dump");
	cr_assert_eq(r.code, 0, "%s", r.err);
	cr_assert_str_eq(left(&f), "c\n");
	r = RUN(&f.options, "sh", "-c", "stat -c %a c; jq '.traceEvents | length > 1000' c");
	cr_assert_str_eq(r.out, "600\ntrue\n");
	/* The same to standard output, without a file. */
	r = RUN(&f.options, "sh", "-c",
		format("%s export --to=chrome dump | cmp - c", built("rill")));
	cr_assert_eq(r.code, 0, "%s%s", r.out, r.err);
	folder_remove(f.folder);
}

Test(export, a_directory_replaces_nothing_but_an_empty_one)
{
	struct fixture f = begin(1000);
	struct run_result r = RUN(&f.options, "mkdir", "empty", "full", "full/x");
	r = EXPORT(f, "--to=ctf", "-o", "full", "dump");
	cr_assert_eq(r.code, 1);
	cr_assert_str_eq(r.err, "rill: full: Directory not empty\n");
	r = EXPORT(f, "--to=ctf", "-o", "empty", "dump");
	cr_assert_eq(r.code, 0, "%s", r.err);
	r = EXPORT(f, "--to=chrome", "-o", "empty", "dump");
	cr_assert_eq(r.code, 1);
	cr_assert(file_exists(format("%s/empty/metadata", f.folder)));
	cr_assert_str_eq(left(&f), "empty\nfull\n");
	folder_remove(f.folder);
}

Test(export, what_is_no_file_is_written_to_and_stays)
{
	struct fixture f = begin(1000);
	struct run_result r = RUN(&f.options, "mkfifo", "pipe");
	r = RUN(&f.options, "sh", "-c",
		format("%s export --to=chrome -o pipe dump & jq '.traceEvents | length > 1000' "
		       "pipe;"
		       " wait $!; echo $?; test -p pipe; echo $?",
		       built("rill")));
	cr_assert_str_eq(r.out, "true\n0\n0\n", "%s", r.err);
	r = EXPORT(f, "--to=perfetto", "-o", "/dev/full", "dump");
	cr_assert_eq(r.code, 1);
	cr_assert_str_eq(r.err, "rill: /dev/full: No space left on device\n");
	/* Who stops reading is told nothing. */
	r = RUN(&f.options, "sh", "-c",
		format("%s export --to=chrome dump | head -c 10", built("rill")));
	cr_assert_str_eq(r.out, "{\"displayT");
	cr_assert_str_empty(r.err);
	folder_remove(f.folder);
}

Test(export, a_damaged_dump_is_exported_as_far_as_it_goes)
{
	struct fixture f = begin(20000);
	struct run_result r = RUN(&f.options, "sh", "-c", "truncate -s -200000 dump/*.rill");
	r = EXPORT(f, "--to=chrome", "-o", "c", "dump");
	cr_assert_eq(r.code, 1);
	cr_assert(strstr(r.err, ".rill: "), "%s", r.err);
	r = RUN(&f.options, "sh", "-c",
		format("jq '[.traceEvents[] | select(.ph == \"i\")] | length' c;"
		       "%s cat -f json dump 2>/dev/null | grep -c '^{\"kind\":\"event\"'",
		       built("rill")));
	char *second = strchr(r.out, '\n') + 1;
	cr_assert_gt(atol(r.out), 1000);
	cr_assert_eq(atol(r.out), atol(second), "%s", r.out);
	folder_remove(f.folder);
}

Test(export, nothing_found_is_code_1)
{
	struct fixture f = begin(100);
	struct run_result r = EXPORT(f, "--to=chrome", "-o", "c", "--event=no.such", "dump");
	cr_assert_eq(r.code, 1);
	cr_assert_str_eq(r.err, "rill: nothing found\n");
	r = RUN(&f.options, "jq", "-c", "[.traceEvents[] | select(.ph != \"M\")]", "c");
	cr_assert_str_eq(r.out, "[]\n");
	folder_remove(f.folder);
}

/* Waits until something but the dump is in the folder. */
static void wait_for_output(const struct fixture *f)
{
	for (int i = 0, names = 0; i < 60000 && names < 4; i++, names = 0) {
		DIR *folder = opendir(f->folder);
		while (folder && readdir(folder))
			names++;
		closedir(folder);
		if (names < 4)
			usleep(100);
	}
}

/* False: it was done before the signal came. */
static bool interrupted(const char *to, int number, size_t records)
{
	struct fixture f = begin(records);
	pid_t child = fork();
	if (child == 0) {
		if (chdir(f.folder))
			_exit(126);
		execl(built("rill"), "rill", "export", format("--to=%s", to), "-o", "out", "dump",
		      (char *)NULL);
		_exit(127);
	}
	int status;
	wait_for_output(&f);
	kill(child, number);
	cr_assert_eq(waitpid(child, &status, 0), child);
	bool done = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	if (!done) {
		cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == number, "%s: status %x", to,
			  status);
		cr_assert_str_empty(left(&f), "%s", to);
	}
	folder_remove(f.folder);
	return !done;
}

/* On a busy machine the signal may come late: then it gets a longer work to interrupt. */
static void interrupt_it(const char *to, int number)
{
	size_t records = 100000;
	while (!interrupted(to, number, records)) {
		records *= 4;
		cr_assert_lt(records, 10000000, "%s is never interrupted", to);
	}
}

Test(export, an_interrupt_leaves_nothing, .timeout = 120)
{
	interrupt_it("ctf", SIGINT);
	interrupt_it("perfetto", SIGTERM);
	interrupt_it("chrome", SIGHUP);
}
