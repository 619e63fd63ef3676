/* rill recover: a dump whose end is torn, a recovery that is interrupted, kills at any moment. */
#include <criterion/criterion.h>
#include <glob.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dump/dump.h"
#include "support/dead.h"
#include "support/files.h"
#include "support/stepper.h"

#define KILLED 500u
#define SECTOR 512u

static char *folder, *dump;

static void start(void)
{
	folder = dead_folder();
	dump = format("%s/dump", folder);
}

static void end(void)
{
	folder_remove(folder);
}

TestSuite(recover_torn, .init = start, .fini = end, .timeout = 200);

static bool is_medium(void)
{
	const char *tier = getenv("RILL_TEST_TIER");
	return tier && strcmp(tier, "short") != 0;
}

static char *only_file(const char *path)
{
	glob_t found;
	cr_assert_eq(glob(format("%s/*.rill", path), 0, NULL, &found), 0);
	cr_assert_eq(found.gl_pathc, 1);
	return format("%s", found.gl_pathv[0]);
}

static void expect_all(const char *what, size_t at)
{
	struct dead_content content = dead_content(dump);
	cr_assert_eq(content.noops, KILLED, "%s at %zu: %u", what, at, (unsigned)content.noops);
	cr_assert_eq(content.rsets, KILLED, "%s at %zu", what, at);
	cr_assert_eq(content.written, 2 * KILLED, "%s at %zu: %u", what, at,
		     (unsigned)content.written);
}

/* Removes all files of the dump but this one, which gets these bytes. */
static void restore(const char *path, const char *bytes, size_t size)
{
	folder_remove(dump);
	cr_assert_eq(mkdir(dump, 0700), 0);
	file_store(path, bytes, size);
}

/* --- torn writes --------------------------------------------------------------------------- */

/* The rings still hold all that the program ever wrote: so whatever the dump has lost comes back.
 */
Test(recover_torn, a_dump_that_is_cut_anywhere)
{
	size_t size, step = is_medium() ? 8 : SECTOR;
	dead_killed(folder, format("dump:%s", dump));
	char *path = only_file(dump), *bytes = file_load(path, &size);
	for (size_t cut = SECTOR; cut <= size; cut += cut + 4096 < size ? 8 * SECTOR : step) {
		restore(path, bytes, cut);
		struct run_result run = DEAD_RECOVER(folder, 0, "--keep");
		expect_all("cut", cut);
		run_free(&run);
	}
}

Test(recover_torn, a_dump_whose_last_sectors_are_zero)
{
	size_t size, step = is_medium() ? 64 : SECTOR;
	dead_killed(folder, format("dump:%s", dump));
	char *path = only_file(dump), *bytes = file_load(path, &size), *zeroed = malloc(size);
	for (size_t at = SECTOR; at < size; at += at + 4096 < size ? 16 * SECTOR : step) {
		memcpy(zeroed, bytes, at);
		memset(zeroed + at, 0, size - at);
		restore(path, zeroed, size);
		struct run_result run = DEAD_RECOVER(folder, 0, "--keep");
		expect_all("zero", at);
		run_free(&run);
	}
}

/* Records that were written after the last COUNTS are counted, though there is none to recover. */
Test(recover_torn, counts_that_are_older_than_the_end)
{
	glob_t files;
	size_t size, last = 0;
	dead_killed(folder, format("dump:%s", dump));
	struct run_result run = DEAD_RECOVER(folder, 0, "--keep");
	cr_assert_eq(glob(format("%s/*.rill", dump), 0, NULL, &files), 0);
	cr_assert_eq(files.gl_pathc, 2);
	char *bytes = file_load(files.gl_pathv[1], &size);
	for (size_t at = 0; at + 8 <= size; at += 8)
		if (memcmp(bytes + at, "RBLK\5\0", 6) == 0)
			last = at;
	cr_assert_gt(last, 0);
	file_store(files.gl_pathv[1], bytes, last);
	cr_assert_eq(dead_content(dump).written, KILLED);
	run = DEAD_RECOVER(folder, 0, "--keep");
	expect_all("without its counts", last);
	cr_expect_eq(dead_content(dump).files, 3);
	run = DEAD_RECOVER(folder, 0, NULL);
	cr_expect_eq(dead_content(dump).files, 3);
	run_free(&run);
}

/* --- a recovery that is killed ------------------------------------------------------------- */

/* At the entry or the exit of a system call. Returns how many of these it came by: fewer than n if
 * it was over before. */
static unsigned recover_up_to(unsigned n)
{
	const char *const argv[] = {built("rill"), "recover", NULL};
	struct stepper *stepper =
		stepper_start(argv, dead_environment(folder, "text:stderr"), "/dev/null");
	enum stepper_result result = STEPPER_AT_EXIT;
	unsigned i = 0;
	while (i < n && (result == STEPPER_AT_EXIT || result == STEPPER_AT_ENTRY)) {
		result = stepper_syscall(stepper, stepper->thread[0].tid, false);
		i++;
	}
	if (!stepper->ended)
		stepper_kill(stepper);
	stepper_end(stepper);
	return i;
}

/* All of them in the medium tier; in the short one every so many, and more where files are given
 * their names and removed. */
static unsigned next_call(unsigned n, unsigned all)
{
	if (is_medium())
		return n + 1;
	return n + (n + 90 < all ? 61 : 3);
}

Test(recover_torn, a_recovery_that_is_killed_anywhere_is_done_by_the_next_one)
{
	dead_killed(folder, format("dump:%s", dump));
	unsigned all = recover_up_to(UINT_MAX);
	for (unsigned n = 1; n < all; n = next_call(n, all)) {
		folder_remove(folder);
		start();
		dead_killed(folder, format("dump:%s", dump));
		recover_up_to(n);
		struct run_result run = DEAD_RECOVER(folder, 0, NULL);
		cr_assert_str_empty(run.err);
		expect_all("killed", n);
		run_free(&run);
		/* The program's file and the recovered one, and nothing else. */
		struct run_result left = RUN(NULL, "find", folder, "-type", "f", "-not", "-path",
					     format("%s/*.rill", dump));
		cr_assert_str_empty(left.out, "%s", left.out);
		run_free(&left);
	}
}

/* --- kills at any moment ------------------------------------------------------------------- */

#define THREADS 3

/* As tests/programs/witness.c leaves it. */
struct seen {
	uint64_t committed;
	uint64_t open;
	uint64_t tid;
	uint64_t padding[5];
};

struct found {
	uint64_t next; /* its events are 0, 1, 2, ... */
	uint64_t open;
};

static void take_record(struct found *found, const struct dump_record *record,
			const struct rill_catalog *catalog)
{
	struct rill_item items[RILL_MAX_ITEMS];
	cr_assert_eq(raw_record_items(&record->raw, items), 2);
	uint64_t span = items[0].u64;
	const char *event = catalog->events[record->raw.event].name;
	cr_assert_lt(span >> 40, THREADS);
	struct found *thread = &found[span >> 40];
	cr_assert_eq(items[1].u64, thread->next, "thread %u", (unsigned)(span >> 40));
	thread->next++;
	if (strcmp(event, "smtp.connection-start") == 0)
		thread->open = 1 + span;
	else if (strcmp(event, "smtp.connection-end") == 0)
		thread->open = 0;
}

static uint64_t read_all(struct found *found)
{
	struct dump_reader *reader;
	struct dump_record record;
	uint64_t n = 0, written = 0;
	char error[256];
	cr_assert_eq(dump_open(&reader, dump, error, sizeof error), 0, "%s", error);
	while (dump_next(reader, &record) == 1) {
		take_record(found, &record,
			    dump_origin(reader, record.origin)->catalogs.catalog[0]);
		n++;
	}
	const struct dump_file *last = dump_file(reader, dump_file_count(reader) - 1);
	for (size_t i = 0; i < last->ncounts; i++)
		written += last->counts[i].written;
	cr_assert_eq(written, n);
	dump_reader_close(reader);
	return n;
}

static void run_and_kill(const char *options, unsigned long microseconds)
{
	const char *const *env = dead_environment(folder, format("dump:%s%s", dump, options));
	char *program = built("tests/programs/witness"), *witness = format("%s/witness", folder);
	pid_t pid = fork();
	cr_assert_geq(pid, 0);
	if (pid == 0) {
		for (size_t i = 0; env[i]; i++)
			putenv((char *)(uintptr_t)env[i]);
		execl(program, program, "3", witness, NULL);
		_exit(127);
	}
	usleep((useconds_t)microseconds);
	kill(pid, SIGKILL);
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
}

/* What the list of open spans says of a thread: its span, and at which event it stands. */
static void expect_listed(const char *out, const struct found *thread, bool any)
{
	char *line = format("spanId=%llu:", (unsigned long long)(thread->open - 1));
	const char *at = any ? strstr(out, line) : NULL;
	cr_assert(at || !any, "%s is not in\n%s", line, out);
	const char *stage =
		thread->next % 64 == 1 ? "last smtp.connection-start, " : "last smtp.noop, ";
	const char *end_of_line = at ? strchr(at, '\n') : NULL;
	cr_assert(!at || (strstr(at, stage) && strstr(at, stage) < end_of_line), "%s", out);
}

static uint64_t kill_once(const char *options, unsigned long microseconds)
{
	struct found found[THREADS] = {0};
	struct seen seen[THREADS] = {0};
	size_t size, open = 0;
	run_and_kill(options, microseconds);
	struct run_result run = DEAD_RECOVER(folder, 0, NULL);
	cr_assert_str_empty(run.err);
	glob_t files;
	uint64_t n = 0;
	if (glob(format("%s/*.rill", dump), 0, NULL, &files) == 0)
		n = read_all(found);
	char *witness = format("%s/witness", folder);
	if (file_exists(witness)) {
		char *bytes = file_load(witness, &size);
		memcpy(seen, bytes, size < sizeof seen ? size : sizeof seen);
		free(bytes);
	}
	for (int i = 0; i < THREADS; i++) {
		cr_assert_geq(found[i].next, seen[i].committed,
			      "thread %d after %lu us: %u of %u\n%s", i, microseconds,
			      (unsigned)found[i].next, (unsigned)seen[i].committed, run.out);
		cr_assert_leq(found[i].next, seen[i].committed + 1);
		open += found[i].open != 0;
		expect_listed(run.out, &found[i], found[i].open != 0);
	}
	char *listed = format("%zu span%s open:", open, open == 1 ? " was" : "s were");
	cr_assert(!n || strstr(run.out, open ? listed : "no span was open"), "%s", run.out);
	run_free(&run);
	return n;
}

Test(recover_torn, what_was_committed_is_there_whenever_it_is_killed)
{
	static const char *const options[] = {"", "?rotate=64KiB", "?rotate=256KiB&zstd=1"};
	unsigned rounds = is_medium() ? 300 : 12;
	uint64_t n = 0;
	srandom(20261123);
	for (unsigned i = 0; i < rounds; i++) {
		/* Some die while they start. */
		unsigned long most = i % 4 == 0 ? 10000 : 60000;
		folder_remove(folder);
		start();
		n += kill_once(options[i % 3], (unsigned long)random() % most);
	}
	printf("%u kills, %llu events\n", rounds, (unsigned long long)n);
	cr_expect_gt(n, 0);
}
