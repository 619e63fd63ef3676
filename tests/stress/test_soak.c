/* Full rate, rotation, filter changes, thread churn and sink faults for a long time: every event is
 * accounted for in each dump, and neither memory nor latency grows. `make soak` draws what it
 * looked like. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "dump/dump.h"
#include "support/files.h"
#include "support/run.h"
#include "support/traced.h"

/* The figures of a line of its CSV that are looked at here. */
struct second {
	double rss_kib, fds, threads, rings, p50_ns, p99_ns;
	double rest_kib; /* resident but for the rings, which are counted by themselves */
};

/* Its data are mapped twice; a head of some pages. */
#define RING_KIB (2 * 256 + 16)

static const char *tier(void)
{
	const char *tier = getenv("RILL_TEST_TIER");
	return tier ? tier : "short";
}

static unsigned long seconds_to_run(void)
{
	const char *seconds = getenv("RILL_SOAK_SECONDS");
	if (seconds)
		return strtoul(seconds, NULL, 10);
	return strcmp(tier(), "long") == 0 ? 7200 : strcmp(tier(), "medium") == 0 ? 120 : 8;
}

static size_t read_csv(const char *path, struct second *seconds, size_t max)
{
	size_t n = 0;
	char *text = file_load(path, NULL), *line = strchr(text, '\n');
	for (; line && n < max; line = strchr(line + 1, '\n')) {
		struct second *s = &seconds[n];
		n += sscanf(line + 1, "%*u,%*u,%lf,%lf,%lf,%lf,%lf,%lf", &s->rss_kib, &s->fds,
			    &s->threads, &s->rings, &s->p50_ns, &s->p99_ns) == 6;
		s->rest_kib = s->rss_kib - s->rings * RING_KIB;
	}
	free(text);
	return n;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* Of a member of struct second, over the lines from..to. */
static double median(const struct second *seconds, size_t from, size_t to, size_t offset)
{
	double *values = malloc((to - from) * sizeof *values);
	for (size_t i = from; i < to; i++)
		memcpy(&values[i - from], (const char *)&seconds[i] + offset, sizeof *values);
	qsort(values, to - from, sizeof *values, by_value);
	double middle = values[(to - from) / 2];
	free(values);
	return middle;
}

/* The second quarter, when all has warmed up, against the last one. */
static void expect_flat(const struct second *seconds, size_t n, size_t offset, const char *name,
			double factor, double more)
{
	double before = median(seconds, n / 4, n / 2, offset);
	double after = median(seconds, n - n / 4, n, offset);
	cr_expect_leq(after, before * factor + more, "%s grew from %.0f to %.0f", name, before,
		      after);
}

/* The last file's counts are those of the whole time, whatever files are gone. */
static void expect_accounted(const char *folder, const struct run_result *run)
{
	struct traced t = {.run = *run};
	char error[512];
	int result = dump_open(&t.dump, folder, error, sizeof error);
	cr_assert_eq(result, 0, "%s", error);
	uint64_t sum = 0, failed = 0;
	uint32_t last = 0;
	for (size_t f = 0; f < dump_file_count(t.dump); f++) {
		const struct dump_file *file = dump_file(t.dump, f);
		if (file->process.part < last)
			continue;
		last = file->process.part;
		sum = failed = 0;
		for (size_t i = 0; i < file->ncounts; i++) {
			const struct dump_count *c = &file->counts[i];
			sum += c->written + c->filtered + c->discarded + c->overwritten + c->failed;
			failed += c->failed;
		}
	}
	dump_reader_close(t.dump);
	cr_expect_eq(sum, traced_number(&t, "emitted"), "%s: %llu", folder,
		     (unsigned long long)sum);
	cr_expect_eq(failed, 0, "%s", folder);
}

Test(soak, everything_stays_flat_and_counted, .timeout = 8000)
{
	char *folder = folder_make(), *seconds = format("%lu", seconds_to_run());
	const char *csv = built("tests/soak.csv");
	cr_assert_eq(mkfifo(format("%s/fifo", folder), 0600), 0);
	const struct run_options options = {
		.timeout_ms = (unsigned)seconds_to_run() * 1000 + 60000,
		.env = ENV(
			"RILL_FILTER=*=trace", "RILL_MAX_OPEN_SPANS=4096",
			format("RILL_RUNTIME_DIR=%s", folder),
			format("RILL_SINKS=dump:%s/first?rotate=16MiB&keep-size=64MiB,"
			       "dump:%s/second?rotate=4MiB&keep=2&zstd=1,text:%s/fifo?level=info",
			       folder, folder, folder))};
	struct run_result run = RUN(&options, built("tests/programs/soak"), seconds, folder, csv);
	cr_assert_eq(run.code, 0, "code %d, signal %d: %s", run.code, run.signal, run.err);

	struct second *lines = calloc(seconds_to_run(), sizeof *lines);
	size_t n = read_csv(csv, lines, seconds_to_run());
	cr_assert_eq(n, seconds_to_run());
	if (n >= 60) {
#define FLAT(member, factor, more)                                                                 \
	expect_flat(lines, n, offsetof(struct second, member), #member, factor, more)
		FLAT(rest_kib, 1.05, 1024);
		FLAT(fds, 1, 2);
		FLAT(threads, 1, 3);
		FLAT(rings, 1, 16);
		FLAT(p50_ns, 1.5, 0);
		FLAT(p99_ns, 2, 0);
	}
	expect_accounted(format("%s/first", folder), &run);
	expect_accounted(format("%s/second", folder), &run);
	folder_remove(folder);
}
