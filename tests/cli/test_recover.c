/* rill recover: what a killed process had committed is in its dump afterwards, once. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/dead.h"
#include "support/files.h"

#define KILLED 500u

static char *folder, *dump, *other;

static void start(void)
{
	folder = dead_folder();
	dump = format("%s/dump", folder);
	other = format("%s/other", folder);
}

static void end(void)
{
	folder_remove(folder);
}

TestSuite(recover, .init = start, .fini = end, .timeout = 120);

static void recover_well(const char *option, const char *value, const char *says)
{
	struct run_result run = DEAD_RECOVER(folder, 0, option, value);
	cr_assert_str_empty(run.err);
	cr_expect(strstr(run.out, says), "%s\nis not in\n%s", says, run.out);
	run_free(&run);
}

static size_t entries_of(const char *path)
{
	DIR *entries = opendir(path);
	size_t n = 0;
	cr_assert_not_null(entries, "%s", path);
	for (struct dirent *entry; (entry = readdir(entries));)
		n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(entries);
	return n;
}

static void expect_all(const char *path)
{
	struct dead_content content = dead_content(path);
	cr_expect_eq(content.noops, KILLED);
	cr_expect_eq(content.rsets, KILLED);
	cr_expect_eq(content.written, 2 * KILLED);
}

Test(recover, what_was_in_the_rings_is_the_next_file_of_the_dump)
{
	dead_killed(folder, format("dump:%s", dump));
	cr_expect_eq(dead_content(dump).rsets, 0);
	recover_well(NULL, NULL, "500 records written to");
	expect_all(dump);
	cr_expect_eq(dead_content(dump).files, 2);
	cr_expect_eq(entries_of(format("%s/run", folder)), 0);
	cr_expect_eq(entries_of(dump), 2);
	recover_well(NULL, NULL, "no process of this user left anything");
}

Test(recover, what_is_kept_is_not_recovered_twice)
{
	dead_killed(folder, format("dump:%s", dump));
	recover_well("--dry-run", NULL, "500 records would be written");
	cr_expect_eq(dead_content(dump).files, 1);
	recover_well("--keep", NULL, "500 records written to");
	recover_well("--keep", NULL, "all of it is in its dump");
	cr_expect_eq(dead_content(dump).files, 2);
	expect_all(dump);
	recover_well("-o", other, "all of it is in its dump");
	cr_expect_eq(entries_of(other), 0);
}

Test(recover, into_another_folder_and_what_went_there_is_found_again)
{
	dead_killed(folder, format("dump:%s", dump));
	struct run_result run = DEAD_RECOVER(folder, 0, "--keep", "-o", other);
	cr_expect_eq(dead_content(dump).files, 1);
	cr_expect_eq(dead_content(other).rsets, KILLED);
	recover_well(NULL, NULL, "all of it is in its dump");
	cr_expect_eq(dead_content(dump).files, 1);
	run_free(&run);
}

Test(recover, without_a_dump_it_becomes_one)
{
	dead_killed(folder, format("text:%s/log", folder));
	recover_well("--keep", NULL, "500 records written to");
	recover_well("--keep", NULL, "all of it is in its dump");
	struct dead_content content = dead_content(folder);
	cr_expect_eq(content.noops, 0);
	cr_expect_eq(content.rsets, KILLED);
	cr_expect_eq(content.written, KILLED);
	struct run_result run = RUN(NULL, built("rill"), "verify", folder);
	cr_expect_eq(run.code, 0, "%s", run.out);
	run_free(&run);
}

Test(recover, each_of_two_dumps)
{
	char *second = format("%s/second", folder);
	dead_killed(folder, format("dump:%s,dump:%s?zstd=3", dump, second));
	recover_well(NULL, NULL, "500 records written to");
	expect_all(dump);
	expect_all(second);
}

Test(recover, a_live_process_is_left_alone)
{
	char *run = format("%s/run/rill-%u-1-1", folder, (unsigned)geteuid());
	cr_assert_eq(mkdir(run, 0700), 0);
	int fd = open(format("%s/lock", run), O_RDWR | O_CREAT, 0600);
	cr_assert_eq(flock(fd, LOCK_EX), 0);
	recover_well(NULL, NULL, "1 process is alive");
	struct run_result result = DEAD_RECOVER(folder, 1, run);
	cr_expect(strstr(result.err, "alive"), "%s", result.err);
	cr_expect(file_exists(run));
	run_free(&result);
}

/* --- where it cannot write ----------------------------------------------------------------- */

Test(recover, a_full_disk_leaves_everything_as_it_was)
{
	dead_killed(folder, format("dump:%s", dump));
	/* A file of more than 32 KiB cannot be written: its catalogs alone are larger. */
	const struct run_options options = {.env = dead_environment(folder, "text:stderr")};
	struct run_result run =
		RUN(&options, "sh", "-c",
		    format("trap '' XFSZ; ulimit -f 64; exec %s recover", built("rill")));
	cr_expect_eq(run.code, 1);
	cr_expect(strstr(run.err, "File too large"), "%s", run.err);
	cr_expect_eq(entries_of(dump), 1);
	recover_well(NULL, NULL, "500 records written to");
	expect_all(dump);
}

Test(recover, a_folder_that_is_gone_is_told)
{
	dead_killed(folder, format("dump:%s", dump));
	folder_remove(dump);
	struct run_result run = DEAD_RECOVER(folder, 1, NULL);
	cr_expect(strstr(run.err, "is gone; say with --output"), "%s", run.err);
	recover_well("-o", other, "records written to");
	cr_expect_eq(dead_content(other).rsets, KILLED);
	run_free(&run);
}

Test(recover, a_folder_that_cannot_be_made_is_told)
{
	dead_killed(folder, format("dump:%s", dump));
	struct run_result run = DEAD_RECOVER(folder, 1, "-o", "/proc/nowhere");
	cr_expect(strstr(run.err, "/proc/nowhere"), "%s", run.err);
	recover_well(NULL, NULL, "500 records written to");
	run_free(&run);
}

Test(recover, wrong_usage)
{
	struct run_result run = DEAD_RECOVER(folder, 2, "--nothing");
	run = DEAD_RECOVER(folder, 1, "/nowhere");
	cr_expect(strstr(run.err, "/nowhere: No such file"), "%s", run.err);
	run = DEAD_RECOVER(folder, 1, folder);
	cr_expect(strstr(run.err, "no runtime directory"), "%s", run.err);
}
