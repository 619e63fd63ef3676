/*
 * A sink on a pipe whose reader pauses at random, opened and closed several times: for
 * ThreadSanitizer and LeakSanitizer. Exit code 0: what was read is what was counted as written.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sink/sink.h"

#define ROUNDS  10
#define RECORDS 3000

static const struct rill_catalog_event event = {"race.step", "Step", "", NULL, 0, 0, RILL_INFO, 0};
static const struct rill_catalog_key key = {"text", "", RILL_SET_STRING, 0, RILL_NO_KEY};
static const struct rill_catalog catalog = {
	.name = "race", .events = &event, .keys = &key, .nevents = 1, .nkeys = 1};
static const struct rill_catalog *const catalogs[] = {&catalog};

struct reader {
	int fd;
	unsigned seed;
	size_t lines;
	bool stop;
};

/* Counts newlines; now and then sleeps for long enough to fill pipe and queue. */
static void *read_lines(void *argument)
{
	struct reader *reader = argument;
	char bytes[8192];
	for (;;) {
		bool stop = __atomic_load_n(&reader->stop, __ATOMIC_ACQUIRE);
		ssize_t n = read(reader->fd, bytes, sizeof bytes);
		for (ssize_t i = 0; i < n; i++)
			reader->lines += bytes[i] == '\n';
		if (n <= 0 && stop)
			return NULL;
		if (n <= 0 || rand_r(&reader->seed) % 16 == 0)
			usleep((useconds_t)(rand_r(&reader->seed) % 4000));
	}
}

static bool run_round(const char *path, unsigned seed)
{
	struct reader reader = {open(path, O_RDONLY | O_NONBLOCK), seed, 0, false};
	char spec[256], error[256] = "", text[2000];
	struct rill_record record = {.catalog = &catalog, .event = &event, .nitems = 1};
	struct rill_entry entry = {&record, NULL};
	struct rill_batch batch = {&entry, 1, {catalogs, 1}};
	struct sink_totals totals;
	struct sink *sink;
	pthread_t thread;
	snprintf(spec, sizeof spec, "%s:%s?queue=16KiB", seed % 2 ? "text" : "json", path);
	if (sink_open(&sink, spec, error, sizeof error)) {
		fprintf(stderr, "%s\n", error);
		return false;
	}
	pthread_create(&thread, NULL, read_lines, &reader);
	memset(text, 'x', sizeof text);
	for (int i = 0; i < RECORDS; i++) {
		struct rill_item item = {.type = RILL_TYPE_STRING,
					 .bytes = (const unsigned char *)text};
		item.size = item.original_size = (uint32_t)rand_r(&seed) % sizeof text;
		record.items[0] = item;
		sink_write(sink, &batch);
		if (rand_r(&seed) % 500 == 0)
			sink_flush(sink);
	}
	bool good = sink_flush(sink) == 0;
	sink_totals(sink, &totals);
	sink_close(sink);
	__atomic_store_n(&reader.stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	close(reader.fd);
	good = good && totals.records.written == reader.lines &&
	       totals.records.written + totals.records.failed == RECORDS;
	if (!good)
		fprintf(stderr, "round %u: %zu lines read, %zu written, %zu failed of %d\n", seed,
			reader.lines, (size_t)totals.records.written, (size_t)totals.records.failed,
			RECORDS);
	return good;
}

int main(void)
{
	char folder[] = "/tmp/rill-race.XXXXXX", path[64];
	bool good = true;
	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof path, "%s/fifo", folder);
	if (mkfifo(path, 0600) != 0)
		return 1;
	for (unsigned i = 1; i <= ROUNDS && good; i++)
		good = run_round(path, i);
	unlink(path);
	rmdir(folder);
	return good ? 0 : 1;
}
