/* The end of a program: it comes soon, whatever the sinks do, and what was emitted is written, or
 * left where it is found, or counted. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "core/core.h"
#include "core/decode.h"
#include "dump/dump.h"
#include "support/files.h"
#include "support/run.h"
#include "support/streams.h"
#include "support/traced.h"

#define SOON_MS 100 /* as promised, on a machine that has a core to spare */
#define TRIES   5   /* this one may have none: the best of so many counts */

struct ended {
	struct run_result run;
	char *folder;
	uint64_t took_ms; /* from the last thing that the program did itself */
	uint64_t emitted; /* events that passed the gate, by its witness page */
	uint64_t written; /* records in the dumps */
	uint64_t lost;    /* by their counts */
	uint64_t left;    /* records in the files of rings */
};

static uint64_t sum_of_words(const char *path)
{
	size_t size;
	const char *bytes = file_load(path, &size);
	uint64_t sum = 0, word;
	for (size_t i = 0; i + 8 <= size; i += 8) {
		memcpy(&word, bytes + i, 8);
		sum += word;
	}
	return sum;
}

static uint64_t records_in(const char *path)
{
	size_t size;
	char *bytes = file_load(path, &size);
	struct ring_file *file = (struct ring_file *)(void *)bytes;
	struct raw_record raw;
	uint64_t n = 0;
	/* The process ended while it was making this one. */
	if (size <= sizeof *file || !file->magic[0])
		return 0;
	cr_assert_eq(memcmp(file->magic, RING_MAGIC, sizeof file->magic), 0, "%s", path);
	char *data = malloc(2 * file->data_bytes);
	memcpy(data, bytes + file->header_bytes, file->data_bytes);
	memcpy(data + file->data_bytes, data, file->data_bytes);
	for (uint64_t at = file->tail; at < file->head; at += raw.size, n++)
		cr_assert_eq(raw_record_read(&raw,
					     (unsigned char *)data + (at & (file->data_bytes - 1)),
					     file->head - at),
			     0, "%s: no record at %zu", path, (size_t)at);
	free(data);
	free(bytes);
	return n;
}

/* In the rings of a runtime directory below the folder, if there is one. */
static uint64_t records_left(const char *folder)
{
	uint64_t n = 0;
	DIR *entries = opendir(folder);
	for (struct dirent *entry; entries && (entry = readdir(entries)) != NULL;) {
		char *path = format("%s/%s", folder, entry->d_name);
		if (strncmp(entry->d_name, "rill-", 5) == 0)
			n += records_left(path);
		else if (strncmp(entry->d_name, "ring-", 5) == 0)
			n += records_in(path);
		free(path);
	}
	if (entries)
		closedir(entries);
	return n;
}

static void read_dumps(struct ended *ended)
{
	char error[512];
	struct dump_reader *dump;
	struct dump_record record;
	char *folder = format("%s/dump", ended->folder);
	if (!file_exists(folder))
		return;
	cr_assert_eq(dump_open(&dump, folder, error, sizeof error), 0, "%s", error);
	while (dump_next(dump, &record) == 1)
		ended->written++;
	for (size_t f = 0; f < dump_file_count(dump); f++) {
		const struct dump_file *file = dump_file(dump, f);
		for (size_t i = 0; i < file->ncounts; i++)
			ended->lost += file->counts[i].filtered + file->counts[i].discarded +
				       file->counts[i].failed;
	}
	dump_reader_close(dump);
}

/* Runs tests/programs/exits. sinks: with %s in place of the folder. */
static struct ended end(const char *folder, const char *how, const char *sinks, const char *hang,
			const char *setting)
{
	struct ended ended = {.folder = strdup(folder)};
	char *all = strdup(sinks), *witness = format("%s/witness", folder);
	for (char *at; (at = strstr(all, "%s")) != NULL;) {
		*at = 0;
		all = format("%s%s%s", all, folder, at + 2);
	}
	const struct run_options options = {
		.env = (const char *const[]){"RILL_FILTER=*=trace", format("RILL_SINKS=%s", all),
					     format("RILL_RUNTIME_DIR=%s", folder),
					     format("ADDED=dump:%s/dump", folder),
					     setting ? setting : "RILL_RING_SIZE=1MiB", NULL},
		.timeout_ms = 20000};
	ended.run = RUN(&options, built("tests/programs/exits"), how, "2000", witness, hang);
	uint64_t now = now_ms();
	const char *leaving = strstr(ended.run.out, "leaving ");
	cr_assert(leaving, "%s ended by %d, code %d, and said: %s", how, ended.run.signal,
		  ended.run.code, ended.run.err);
	ended.took_ms = now - strtoull(leaving + 8, NULL, 10) / 1000000;
	ended.emitted = sum_of_words(witness);
	ended.left = records_left(folder);
	read_dumps(&ended);
	return ended;
}

/* Several times, until one is over in time: the others show no more than that others wanted the
 * cores. */
static struct ended end_soon(const char *how, const char *sinks, const char *hang, int code)
{
	struct ended ended = {.took_ms = UINT64_MAX};
	for (int i = 0; i < TRIES && ended.took_ms >= SOON_MS; i++) {
		ended = end(strdup(folder_make()), how, sinks, hang, NULL);
		int was = ended.run.signal ? 128 + ended.run.signal : ended.run.code;
		cr_assert_eq(was, code, "%s: %d, said: %s", how, was, ended.run.err);
		cr_expect_lt(ended.took_ms, 2500, "%s, %s took %zu ms", how, sinks,
			     (size_t)ended.took_ms);
		folder_remove(ended.folder);
	}
	cr_expect_lt(ended.took_ms, SOON_MS, "%s, %s took %zu ms at best", how, sinks,
		     (size_t)ended.took_ms);
	return ended;
}

/* --- events at unusual moments ---------------------------------------------------------------- */

/* The places are those of tests/programs/moments.c. */
Test(exit, events_from_everywhere_in_a_programs_life, .timeout = 120)
{
	char *witness = format("%s/witness", folder_make());
	struct traced t = TRACED(0, ENV("RILL_POLICY=block", "RILL_BLOCK_TIMEOUT=60s"), "moments",
				 witness, "2000");
	struct traced_record record;
	uint64_t found[64] = {0}, emitted[64], rounds = traced_number(&t, "rounds");
	memcpy(emitted, file_load(witness, NULL), sizeof emitted);
	while (traced_next(&t, &record))
		found[traced_u64(&record, "id")]++;
	cr_expect_eq(emitted[0], 3, "constructors");
	cr_expect_eq(emitted[1], 2, "destructors");
	cr_expect_eq(emitted[2], 2, "exit handlers");
	cr_expect_eq(emitted[3], 1000, "threads");
	cr_expect_eq(emitted[4], 2000 * 4 * rounds, "destructors of keys");
	cr_expect_eq(emitted[5], 2000, "destructors of thread-local objects");
	for (int i = 0; i < 6; i++)
		cr_expect_eq(found[i], emitted[i], "place %d: %zu of %zu", i, (size_t)found[i],
			     (size_t)emitted[i]);
	/* Each of the three may be between the gate's two looks; then it is off. */
	cr_expect_gt(emitted[6], 0);
	cr_expect(found[6] <= emitted[6] && found[6] + 3 >= emitted[6], "%zu of %zu",
		  (size_t)found[6], (size_t)emitted[6]);
	cr_expect_eq(found[7], emitted[7], "off when rill has stopped");
	cr_expect_lt(traced_number(&t, "rings"), 64, "rings of threads that have ended");
	traced_end(&t);
}

/* --- ways to end, with a dump that takes everything ------------------------------------------ */

/* open: so many events may have passed the gate's first look only when the process ended. */
static void expect_all(const char *how, int code, uint64_t open)
{
	struct ended ended = end_soon(how, "dump:%s/dump", "0", code);
	uint64_t found = ended.written + ended.lost + ended.left;
	cr_expect(found <= ended.emitted && ended.emitted - found <= open,
		  "%s: %zu emitted, %zu written, %zu lost and counted, %zu in the rings", how,
		  (size_t)ended.emitted, (size_t)ended.written, (size_t)ended.lost,
		  (size_t)ended.left);
	cr_expect_geq(ended.emitted, 1000);
}

Test(exit, by_return_and_by_exit, .timeout = 60)
{
	expect_all("return", 0, 0);
	expect_all("exit", 0, 0);
}

/* An event of an atexit handler, and exit() called once more by one. */
Test(exit, from_an_atexit_handler, .timeout = 60)
{
	expect_all("atexit", 0, 0);
	expect_all("twice", 3, 0);
}

/* Where nothing of rill runs, the records are in the rings. */
Test(exit, without_a_word_to_rill, .timeout = 60)
{
	expect_all("quick_exit", 0, 0);
	expect_all("_exit", 0, 0);
	expect_all("abort", 128 + SIGABRT, 0);
	expect_all("segv", 128 + SIGSEGV, 0);
}

Test(exit, of_the_main_thread_while_another_emits, .timeout = 60)
{
	struct ended ended = end_soon("main_thread", "dump:%s/dump", "0", 0);
	cr_expect_eq(ended.emitted, 4001);
	cr_expect_eq(ended.written, 4001);
	cr_expect_eq(ended.left, 0);
}

/* Each of four threads may be between the gate's two looks. */
Test(exit, while_threads_emit, .timeout = 60)
{
	expect_all("threads", 0, 4);
}

/* The handler interrupts an event that is then never finished: nobody waits for that. */
Test(exit, in_a_signal_handler, .timeout = 60)
{
	unsigned slow = 0;
	expect_all("handler", 0, 1);
	for (int i = 0; i < 10; i++) {
		char *folder = folder_make();
		struct ended ended = end(folder, "handler", "dump:%s/dump", "0", NULL);
		slow += ended.took_ms > 700;
		cr_expect_leq(ended.emitted - ended.written - ended.lost - ended.left, 1);
		folder_remove(folder);
	}
	cr_expect_leq(slow, 3, "%u of 10 waited", slow);
}

Test(exit, while_another_thread_flushes, .timeout = 60)
{
	expect_all("flush", 0, 0);
}

Test(exit, while_another_thread_changes_the_filter, .timeout = 60)
{
	struct ended ended = end_soon("filter", "dump:%s/dump", "0", 0);
	cr_expect(!strstr(ended.run.err, "recording is not stopped"), "%s", ended.run.err);
	cr_expect_eq(ended.written + ended.lost, ended.emitted);
}

Test(exit, while_another_thread_adds_sinks, .timeout = 60)
{
	struct ended ended = end_soon("sink", "json:%s/log", "0", 0);
	cr_expect_eq(ended.left, 0);
}

Test(exit, after_an_event_that_was_abandoned, .timeout = 60)
{
	expect_all("abandon", 0, 1);
}

/* --- sinks that do not take what they get ---------------------------------------------------- */

static size_t failures_told(const struct ended *ended)
{
	const char *at = strstr(ended->run.err, " events and ");
	if (!at)
		return 0;
	while (at > ended->run.err && at[-1] >= '0' && at[-1] <= '9')
		at--;
	return strtoull(at, NULL, 10);
}

/* Everything went to the queue; what the reader did not get is told, and a dump beside it is whole.
 */
static void expect_pipe(const char *spec, const char *how)
{
	struct ended ended = end_soon(how, format("%s,dump:%%s/dump", spec), "0", 0);
	cr_expect_eq(ended.written, ended.emitted, "%zu of %zu", (size_t)ended.written,
		     (size_t)ended.emitted);
	cr_expect_gt(failures_told(&ended), 0, "%s", ended.run.err);
	cr_expect_eq(ended.left, 0);
}

Test(exit, with_a_pipe_that_nobody_reads, .timeout = 60)
{
	int reader;
	char *folder = folder_make(), *fifo = make_fifo(folder, &reader);
	expect_pipe(format("json:%s", fifo), "exit");
	/* A flush was waiting for it. */
	expect_pipe(format("json:%s", fifo), "flush");
	folder_remove(folder);
}

/* One after the other they would need as many times as long. */
Test(exit, with_four_pipes_that_nobody_reads, .timeout = 60)
{
	char *spec = NULL;
	for (int i = 0, reader; i < 4; i++) {
		char *fifo = make_fifo(folder_make(), &reader);
		spec = spec ? format("%s,json:%s", spec, fifo) : format("json:%s", fifo);
	}
	expect_pipe(spec, "exit");
}

Test(exit, with_a_fifo_that_has_no_reader, .timeout = 60)
{
	int reader;
	char *folder = folder_make(), *fifo = make_fifo(folder, &reader);
	close(reader);
	struct ended ended = end_soon("exit", format("json:%s,dump:%%s/dump", fifo), "0", 0);
	cr_expect_eq(ended.written, ended.emitted);
	cr_expect(strstr(ended.run.err, "2001 events were not written"), "%s", ended.run.err);
	folder_remove(folder);
}

/* ^S was typed, or a pager's user reads. */
Test(exit, with_a_terminal_that_was_stopped, .timeout = 60)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY);
	cr_assert(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	char *path = strdup(ptsname(master));
	int slave = open(path, O_RDWR | O_NOCTTY);
	cr_assert(slave >= 0 && tcflow(slave, TCOOFF) == 0);
	expect_pipe(format("text:%s", path), "exit");
}

Test(exit, with_a_full_disk, .timeout = 60)
{
	struct ended ended = end_soon("exit", "text:/dev/full,dump:%s/dump", "0", 0);
	cr_expect_eq(ended.written, ended.emitted);
	cr_expect_eq(failures_told(&ended), ended.emitted, "%s", ended.run.err);
}

/* Nothing can be said of what a write that hangs has done. The rings have it all. */
static void expect_left(const char *sinks, const char *how, uint64_t open)
{
	struct ended ended = end_soon(how, sinks, "all", 0);
	uint64_t found = ended.written + ended.left + ended.lost;
	cr_expect(found <= ended.emitted && ended.emitted - found <= open,
		  "%s %s: %zu emitted, %zu written, %zu lost, %zu left; %s", sinks, how,
		  (size_t)ended.emitted, (size_t)ended.written, (size_t)ended.lost,
		  (size_t)ended.left, ended.run.err);
	cr_expect_geq(ended.left, 2000);
	cr_expect(strstr(ended.run.err, "left behind in /"), "%s", ended.run.err);
}

Test(exit, with_a_disk_that_hangs, .timeout = 60)
{
	expect_left("dump:%s/dump", "exit", 0);
	expect_left("dump:%s/dump", "flush", 0);
	expect_left("dump:%s/dump,dump:%s/other", "filter", 0);
}

/* Adding a sink waits for the collector, with the lock that the end needs. */
Test(exit, with_a_disk_that_hangs_while_a_sink_is_added, .timeout = 60)
{
	struct ended ended = end_soon("sink", "json:%s/log", "all", 0);
	cr_expect_geq(ended.left, 2000);
}

static void expect_time(const char *setting, uint64_t least_ms, uint64_t most_ms)
{
	uint64_t best_ms = UINT64_MAX;
	for (int i = 0; i < TRIES && best_ms >= most_ms; i++) {
		struct ended ended = end(folder_make(), "exit", "dump:%s/dump", "all", setting);
		cr_expect_geq(ended.took_ms, least_ms, "%s", setting);
		if (ended.took_ms < best_ms)
			best_ms = ended.took_ms;
		folder_remove(ended.folder);
	}
	cr_expect_lt(best_ms, most_ms, "%s: %zu ms", setting, (size_t)best_ms);
}

Test(exit, waits_as_long_as_configured, .timeout = 60)
{
	expect_time("RILL_EXIT_TIMEOUT=400ms", 400, 450);
	expect_time("RILL_EXIT_TIMEOUT=20ms", 20, 60);
}

/* --- sinks that are slow --------------------------------------------------------------------- */

/* A disk that takes 30 ms for each block: it needs longer than what a hanging one gets, and nothing
 * is lost. */
Test(exit, waits_for_a_slow_disk, .timeout = 60)
{
	struct ended ended = end(folder_make(), "exit", "dump:%s/dump", "30", NULL);
	cr_expect_gt(ended.took_ms, SOON_MS, "this disk was too fast to show anything");
	cr_expect_eq(ended.written, ended.emitted);
	cr_expect_eq(ended.left, 0);
	cr_expect_str_eq(ended.run.err, "");
	folder_remove(ended.folder);
}

static void *read_slowly(void *argument)
{
	int *reader = argument;
	char bytes[16384];
	for (;;) {
		ssize_t n = read(*reader, bytes, sizeof bytes);
		if (n > 0)
			__atomic_add_fetch(&reader[1], (int)n, __ATOMIC_RELAXED);
		sleep_ms(20);
	}
	return NULL;
}

/* On a machine whose cores others want, this thread may get none for longer than is waited for it.
 */
Test(exit, waits_for_a_slow_reader, .timeout = 60)
{
	bool all_read = false;
	for (int i = 0; i < 2 * TRIES && !all_read; i++) {
		int reader[2] = {0, 0};
		pthread_t thread;
		char *folder = folder_make(), *fifo = make_fifo(folder, &reader[0]);
		pthread_create(&thread, NULL, read_slowly, reader);
		struct ended ended = end(folder, "exit", format("json:%s", fifo), "0", NULL);
		cr_expect_gt(ended.took_ms, SOON_MS, "this reader was too fast");
		sleep_ms(200);
		all_read = !ended.run.err[0] &&
			   __atomic_load_n(&reader[1], __ATOMIC_RELAXED) > 2000 * 50;
		pthread_cancel(thread);
		pthread_join(thread, NULL);
		folder_remove(folder);
	}
	cr_expect(all_read);
}
