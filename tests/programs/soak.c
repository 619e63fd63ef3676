/*
 * soak SECONDS FOLDER CSV: everything at full rate for a long time. One thread emits as fast as it
 * can, two begin and end spans, short-lived ones come and go; the filter changes, somebody flushes;
 * a reader of FOLDER/fifo stalls and goes away; and now and then FOLDER/second, where a dump is, is
 * no folder. A line of CSV each second tells memory and latency. Prints what was emitted, counted
 * here, and what rill counted.
 */
#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BRIEF   4
#define BUCKETS 64  /* of latencies: quarter octaves from 16 ns on */
#define PROBE   512 /* each so many events one is timed */

static bool over;
static uint64_t emitted;         /* all threads' */
static uint64_t lasted[BUCKETS]; /* timed events of this second, by how long they took */
static uint64_t longest;         /* of this second, in ns */
static char *folder;

static bool is_over(void)
{
	return __atomic_load_n(&over, __ATOMIC_RELAXED);
}

/* An argument is evaluated once, and only when the event is on: so this counts emitted events. */
static uint64_t counted(uint64_t *count, uint64_t value)
{
	++*count;
	return value;
}

static uint64_t now_ns(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* --- emitters ----------------------------------------------------------------------------------
 */

static void note(uint64_t ns)
{
	uint64_t bucket = 0;
	for (double edge = 16; edge < (double)ns && bucket < BUCKETS - 1; edge *= 1.189207115)
		bucket++;
	__atomic_add_fetch(&lasted[bucket], 1, __ATOMIC_RELAXED);
	if (ns > __atomic_load_n(&longest, __ATOMIC_RELAXED))
		__atomic_store_n(&longest, ns, __ATOMIC_RELAXED);
}

static void *emit(void *argument)
{
	uint64_t total = 0;
	while (!is_over()) {
		uint64_t count = 0;
		for (int i = 1; i < PROBE; i++)
			rill_event(smtp_noop, total(counted(&count, total + count)));
		uint64_t start_ns = now_ns();
		rill_event(smtp_noop, total(counted(&count, total + count)));
		note(now_ns() - start_ns);
		total += count;
		__atomic_add_fetch(&emitted, count, __ATOMIC_RELAXED);
	}
	return argument;
}

static void *emit_spans(void *argument)
{
	uint64_t id = (uint64_t)(uintptr_t)argument << 40;
	while (!is_over()) {
		uint64_t count = 0;
		for (int i = 0; i < 10; i++, id++) {
			rill_event(smtp_connection_start, spanId(counted(&count, id)),
				   remotePort(25));
			rill_event(smtp_ehlo, spanId(counted(&count, id)), hostname("soak"));
			rill_event(smtp_noop, spanId(counted(&count, id)));
			/* Some stay open, and are given up when there are too many. */
			if (id % 1000)
				rill_event(smtp_connection_end, spanId(counted(&count, id)));
		}
		__atomic_add_fetch(&emitted, count, __ATOMIC_RELAXED);
		usleep(100);
	}
	return argument;
}

static void *emit_briefly(void *argument)
{
	uint64_t count = 0;
	for (int i = 0; i < 3; i++)
		rill_event(smtp_rset, total(counted(&count, count)));
	__atomic_add_fetch(&emitted, count, __ATOMIC_RELAXED);
	return argument;
}

static void *come_and_go(void *argument)
{
	while (!is_over()) {
		pthread_t brief[BRIEF];
		for (int i = 0; i < BRIEF; i++)
			pthread_create(&brief[i], NULL, emit_briefly, NULL);
		for (int i = 0; i < BRIEF; i++)
			pthread_join(brief[i], NULL);
		usleep(1000);
	}
	return argument;
}

/* --- what disturbs -------------------------------------------------------------------------------
 */

static void *change(void *argument)
{
	static const char *const filters[] = {"*=trace", "*=trace,smtp.rset=off", "smtp.*=trace"};
	for (unsigned round = 0; !is_over(); round++) {
		if (rill_filter_apply(filters[round % 3]) != 0)
			abort();
		/* It says so when it could not sync a folder that is none at this moment. */
		if (round % 10 == 9)
			rill_flush(UINT64_C(20000000000));
		usleep(100000);
	}
	return argument;
}

/* Reads for a second, stalls for another one, goes away for a third. */
static void *read_sometimes(void *argument)
{
	static char text[65536];
	char path[4096];
	snprintf(path, sizeof path, "%s/fifo", folder);
	while (!is_over()) {
		int fd = open(path, O_RDONLY | O_NONBLOCK);
		uint64_t end_ns = now_ns() + 1000000000;
		while (fd >= 0 && now_ns() < end_ns && !is_over())
			if (read(fd, text, sizeof text) <= 0)
				usleep(1000);
		usleep(1000000);
		if (fd >= 0)
			close(fd);
		usleep(1000000);
	}
	return argument;
}

/* Where the second dump wants to begin its next file is a file for a while. Both are exchanged at
 * once: in between it would make the folder anew. */
static void *spoil(void *argument)
{
	char here[4096], other[4096];
	snprintf(here, sizeof here, "%s/second", folder);
	snprintf(other, sizeof other, "%s/other", folder);
	int fd = open(other, O_WRONLY | O_CREAT, 0600);
	if (fd < 0)
		abort();
	close(fd);
	while (!is_over()) {
		usleep(2000000);
		if (renameat2(AT_FDCWD, other, AT_FDCWD, here, RENAME_EXCHANGE) != 0)
			abort();
		usleep(500000);
		if (renameat2(AT_FDCWD, other, AT_FDCWD, here, RENAME_EXCHANGE) != 0)
			abort();
	}
	return argument;
}

/* --- what is looked at ---------------------------------------------------------------------------
 */

static uint64_t resident_kib(void)
{
	unsigned long pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");
	if (file && fscanf(file, "%*u %lu", &pages) != 1)
		pages = 0;
	if (file)
		fclose(file);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
}

static unsigned entries(const char *path)
{
	unsigned n = 0;
	DIR *directory = opendir(path);
	while (directory && readdir(directory))
		n++;
	if (directory)
		closedir(directory);
	return n;
}

/* The upper edge of the bucket below which this share of them lies, in ns. */
static double quantile(const uint64_t *of, double share)
{
	uint64_t sum = 0, below = 0;
	for (int i = 0; i < BUCKETS; i++)
		sum += of[i];
	double edge = 16;
	for (int i = 0; i < BUCKETS; i++, edge *= 1.189207115) {
		below += of[i];
		if ((double)below >= share * (double)sum)
			return edge;
	}
	return edge;
}

static void tell(FILE *csv, unsigned second, uint64_t of_second)
{
	uint64_t now[BUCKETS];
	for (int i = 0; i < BUCKETS; i++)
		now[i] = __atomic_exchange_n(&lasted[i], 0, __ATOMIC_RELAXED);
	uint64_t most = __atomic_exchange_n(&longest, 0, __ATOMIC_RELAXED);
	struct rill_counts counts;
	struct rusage usage;
	rill_counts_get(&counts);
	getrusage(RUSAGE_SELF, &usage);
	fprintf(csv,
		"%u,%" PRIu64 ",%" PRIu64 ",%u,%u,%" PRIu64 ",%.0f,%.0f,%.0f,%" PRIu64 ",%" PRIu64
		",%ld\n",
		second, of_second, resident_kib(), entries("/proc/self/fd"),
		entries("/proc/self/task"), counts.rings, quantile(now, 0.5), quantile(now, 0.99),
		quantile(now, 0.999), most, counts.discarded,
		usage.ru_utime.tv_sec + usage.ru_stime.tv_sec);
	fflush(csv);
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	unsigned seconds = (unsigned)atoi(argv[1]);
	folder = argv[2];
	FILE *csv = fopen(argv[3], "w");
	if (!csv)
		return 2;
	void *(*const work[])(void *) = {emit,   emit_spans,     emit_spans, come_and_go,
					 change, read_sometimes, spoil};
	const size_t n = sizeof work / sizeof *work;
	pthread_t threads[sizeof work / sizeof *work];
	fputs("second,events,rss_kib,fds,threads,rings,p50_ns,p99_ns,p999_ns,max_ns,discarded,cpu_"
	      "s\n",
	      csv);
	for (size_t i = 0; i < n; i++)
		pthread_create(&threads[i], NULL, work[i], (void *)(uintptr_t)(i + 1));
	uint64_t before = 0;
	for (unsigned second = 1; second <= seconds; second++) {
		usleep(1000000);
		uint64_t sum = __atomic_load_n(&emitted, __ATOMIC_RELAXED);
		tell(csv, second, sum - before);
		before = sum;
	}
	__atomic_store_n(&over, true, __ATOMIC_RELAXED);
	for (size_t i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	fclose(csv);
	rill_stop();
	printf("emitted %" PRIu64 "\n", emitted);
	return 0;
}
