/* rill stats: its figures are those that come out of sorting every line of rill cat. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/files.h"
#include "../support/random_trace.h"
#include "../support/run.h"
#include "cli/histogram.h"

static const char *const environment[] = {"COLUMNS=110", "LC_ALL=C.UTF-8", "TZ=UTC", NULL};

/* The check has to have had so many durations of events and of spans at least. */
static void check(const char *folder, const char *paths, unsigned events, unsigned spans)
{
	struct run_options options = {.directory = folder, .env = environment};
	char *script = format("set -e; %s stats --json %s >stats; %s cat --format=json %s >lines; "
			      "python3 %s stats <lines",
			      built("rill"), paths, built("rill"), paths,
			      source("tests/cli/stats_check.py"));
	struct run_result r = RUN(&options, "sh", "-c", script);
	cr_assert_eq(r.code, 0, "%s%s", r.out, r.err);
	unsigned of_events, of_spans;
	cr_assert_eq(sscanf(r.out, "%u %u", &of_events, &of_spans), 2, "%s", r.out);
	cr_assert_geq(of_events, events);
	cr_assert_geq(of_spans, spans);
}

static void write_trace(const char *folder, const char *file, uint64_t seed, size_t records)
{
	random_trace_write(&(struct random_trace){.folder = folder,
						  .file = file,
						  .seed = seed,
						  .pid = (uint32_t)(100 * seed),
						  .records = records});
}

Test(stats, figures_are_those_of_the_lines)
{
	static const size_t sizes[] = {1, 2, 9, 100, 513, 3000, 30000};
	for (uint64_t i = 0; i < 7; i++) {
		char *folder = folder_make();
		write_trace(folder, "a.rill", i + 1, sizes[i]);
		check(folder, "a.rill", (unsigned)sizes[i] / 4, (unsigned)sizes[i] / 50);
	}
}

Test(stats, several_processes_as_one)
{
	char *folder = folder_make();
	write_trace(folder, "a.rill", 1, 5000);
	write_trace(folder, "b.rill", 2, 7000);
	write_trace(folder, "c.rill", 3, 200);
	check(folder, ".", 5000, 250);
	struct run_options options = {.directory = folder, .env = environment};
	struct run_result one = RUN(&options, built("rill"), "stats", "--json", "b.rill");
	struct run_result each = RUN(&options, built("rill"), "stats", "-pj", "a.rill", "b.rill");
	char *second = strchr(each.out, '\n') + 1;
	cr_expect_str_eq(second, one.out);
}

/* A value is told with the error that is promised, whatever its size, and at every rank. */
Test(stats, histogram_errs_by_a_thousandth_at_most)
{
	size_t memory = 64u << 20;
	struct histogram histogram = {.memory = &memory};
	double worst = 0;
	uint64_t values = 0;
	for (uint64_t value = 1; value < (UINT64_C(1) << 62); value += value / 777 + 1, values++)
		histogram_add(&histogram, value);
	cr_assert_gt(values, 10 * HISTOGRAM_EXACT);
	uint64_t value = 1;
	for (uint64_t rank = 1; rank <= values; rank++, value += value / 777 + 1) {
		double told = (double)histogram_at(&histogram, rank);
		worst = fmax(worst, fabs(told - (double)value) / (double)value);
	}
	cr_expect_leq(worst, HISTOGRAM_ERROR);
	cr_expect_geq(worst, HISTOGRAM_ERROR / 2); /* there are no more buckets than it takes */
	histogram_free(&histogram);
}

Test(stats, histograms_have_a_bound)
{
	size_t memory = 40000, room = memory;
	struct histogram histogram = {.memory = &memory};
	for (uint64_t value = 1; value < (UINT64_C(1) << 62); value += value / 777 + 1)
		histogram_add(&histogram, value);
	cr_expect_leq(memory, room);
	cr_expect_gt(histogram.unplaced, 0);
	cr_expect_not(histogram_is_whole(&histogram));
	histogram_free(&histogram);
	size_t none = 0;
	histogram.memory = &none;
	histogram_add(&histogram, 5);
	cr_expect(histogram.count == 1 && histogram.unplaced == 1);
}

Test(stats, text_shows_durations)
{
	char *folder = folder_make();
	struct run_options options = {.directory = folder, .env = environment};
	write_trace(folder, "a.rill", 4, 20000);
	struct run_result r = RUN(&options, built("rill"), "stats", "a.rill");
	cr_expect(strstr(r.out, "DURATION OF"), "%s", r.out);
	cr_expect(strstr(r.out, "  span conn "), "%s", r.out);
	cr_expect_not(strstr(r.out, "UP TO"));
	r = RUN(&options, built("rill"), "stats", "--event=conn.work", "--ascii", "a.rill");
	cr_expect(strstr(r.out, "UP TO") && strstr(r.out, "100.00 %  #"), "%s", r.out);
	cr_expect_not(strstr(r.out, "job.start"));
	cr_expect_not(strstr(r.out, "\xe2\x96"));
	r = RUN(&options, built("rill"), "stats", "--histogram", "a.rill");
	cr_expect(strstr(strstr(r.out, "UP TO") + 1, "UP TO"), "%s", r.out);
}
