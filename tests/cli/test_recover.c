/* rill recover: what a killed process had committed is in its dump afterwards, once. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dump/dump.h"
#include "support/files.h"
#include "support/run.h"

#define KILLED 500u

static char *folder; /* in memory: a slow disk must not decide what is in the rings */

static void start(void)
{
	char name[] = "/dev/shm/rill-test-XXXXXX";
	cr_assert_not_null(mkdtemp(name));
	folder = format("%s", name);
	cr_assert_eq(mkdir(format("%s/run", folder), 0700), 0);
}

static void end(void)
{
	folder_remove(folder);
}

TestSuite(recover, .init = start, .fini = end, .timeout = 120);

/* --- running ------------------------------------------------------------------------------- */

static const char *const *environment(const char *sinks)
{
	static const char *env[8];
	size_t n = 0;
	env[n++] = format("RILL_RUNTIME_DIR=%s/run", folder);
	env[n++] = "RILL_FILTER=*=trace";
	env[n++] = "RILL_POLICY=block";
	env[n++] = "RILL_BLOCK_TIMEOUT=60s";
	env[n++] = format("RILL_SINKS=%s", sinks);
	env[n] = NULL;
	return env;
}

/* Half of its 1000 events are written; the others were committed in the instant before. */
static void run_killed(const char *sinks)
{
	const struct run_options options = {.env = environment(sinks)};
	struct run_result run = RUN(&options, built("tests/programs/killed"), "500");
	cr_assert_eq(run.signal, SIGKILL, "%s", run.err);
	run_free(&run);
}

static struct run_result recover(const char *option, const char *value)
{
	const struct run_options options = {.env = environment("text:stderr"), .directory = folder};
	return RUN(&options, built("rill"), "recover", option, value);
}

static void recover_well(const char *option, const char *value, const char *says)
{
	struct run_result run = recover(option, value);
	cr_assert_eq(run.code, 0, "%s%s", run.out, run.err);
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
		n += entry->d_name[0] != '.';
	closedir(entries);
	return n;
}

/* --- reading ------------------------------------------------------------------------------- */

struct content {
	uint64_t noops; /* flushed before the kill */
	uint64_t rsets; /* after that */
	uint64_t written;
	size_t files;
};

/* Numbers of each kind must be 0, 1, 2, ... */
static struct content read_dump(const char *path)
{
	struct content content = {0};
	struct dump_reader *reader;
	struct dump_record record;
	char error[256];
	cr_assert_eq(dump_open(&reader, path, error, sizeof error), 0, "%s", error);
	while (dump_next(reader, &record) == 1) {
		const struct rill_catalog *catalog =
			dump_origin(reader, record.origin)->catalogs.catalog[record.raw.catalog];
		struct rill_item items[RILL_MAX_ITEMS];
		cr_assert_eq(raw_record_items(&record.raw, items), 1);
		bool noop = strcmp(catalog->events[record.raw.event].name, "smtp.noop") == 0;
		uint64_t *next = noop ? &content.noops : &content.rsets;
		cr_assert_eq(items[0].u64, *next);
		++*next;
	}
	content.files = dump_file_count(reader);
	const struct dump_file *last = dump_file(reader, content.files - 1);
	for (size_t i = 0; i < last->ncounts; i++)
		content.written += last->counts[i].written;
	dump_reader_close(reader);
	return content;
}

static void expect_all(const char *path)
{
	struct content content = read_dump(path);
	cr_expect_eq(content.noops, KILLED);
	cr_expect_eq(content.rsets, KILLED);
	cr_expect_eq(content.written, 2 * KILLED);
}

static void expect_recovered_alone(const char *path)
{
	struct content content = read_dump(path);
	cr_expect_eq(content.noops, 0);
	cr_expect_eq(content.rsets, KILLED);
	cr_expect_eq(content.written, KILLED);
	struct run_result run = RUN(NULL, built("rill"), "verify", path);
	cr_expect_eq(run.code, 0, "%s", run.out);
	run_free(&run);
}

/* --- tests --------------------------------------------------------------------------------- */

Test(recover, what_was_in_the_rings_is_the_next_file_of_the_dump)
{
	char *dump = format("%s/dump", folder);
	run_killed(format("dump:%s", dump));
	cr_expect_eq(read_dump(dump).rsets, 0);
	recover_well(NULL, NULL, "500 records written to");
	expect_all(dump);
	cr_expect_eq(read_dump(dump).files, 2);
	cr_expect_eq(entries_of(format("%s/run", folder)), 0);
	recover_well(NULL, NULL, "no process of this user left anything");
}

Test(recover, what_is_kept_is_not_recovered_twice)
{
	char *dump = format("%s/dump", folder);
	run_killed(format("dump:%s", dump));
	recover_well("--dry-run", NULL, "500 records would be written");
	cr_expect_eq(read_dump(dump).files, 1);
	recover_well("--keep", NULL, "500 records written to");
	recover_well("--keep", NULL, "all of it is in its dump");
	cr_expect_eq(read_dump(dump).files, 2);
	expect_all(dump);
	recover_well("-o", format("%s/other", folder), "all of it is in its dump");
	cr_expect_eq(entries_of(format("%s/other", folder)), 0);
}

Test(recover, into_another_folder_and_what_went_there_is_found_again)
{
	char *dump = format("%s/dump", folder), *other = format("%s/other", folder);
	run_killed(format("dump:%s", dump));
	struct run_result run = RUN(&((struct run_options){.env = environment("text:stderr")}),
				    built("rill"), "recover", "--keep", "-o", other);
	cr_assert_eq(run.code, 0, "%s", run.err);
	cr_expect_eq(read_dump(dump).files, 1);
	cr_expect_eq(read_dump(other).rsets, KILLED);
	recover_well(NULL, NULL, "all of it is in its dump");
	cr_expect_eq(read_dump(dump).files, 1);
}

Test(recover, without_a_dump_it_becomes_one)
{
	run_killed(format("text:%s/log", folder));
	recover_well("--keep", NULL, "500 records written to");
	recover_well("--keep", NULL, "all of it is in its dump");
	expect_recovered_alone(folder);
}

Test(recover, each_of_two_dumps)
{
	char *one = format("%s/one", folder), *two = format("%s/two", folder);
	run_killed(format("dump:%s,dump:%s?zstd=3", one, two));
	recover_well(NULL, NULL, "500 records written to");
	expect_all(one);
	expect_all(two);
}

Test(recover, a_live_process_is_left_alone)
{
	char *run = format("%s/run/rill-%u-1-1", folder, (unsigned)geteuid());
	cr_assert_eq(mkdir(run, 0700), 0);
	int fd = open(format("%s/lock", run), O_RDWR | O_CREAT, 0600);
	cr_assert_eq(flock(fd, LOCK_EX), 0);
	recover_well(NULL, NULL, "1 process is alive");
	struct run_result result = recover(run, NULL);
	cr_expect_eq(result.code, 1);
	cr_expect(strstr(result.err, "alive"), "%s", result.err);
	cr_expect(file_exists(run));
}
