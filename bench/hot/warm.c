/*
 * Warm: bursts that fit the buffers, each drained before the next. The peers take turns; a turn is
 * some bursts in a row, of which the first, which finds caches cold and collectors asleep, is not
 * counted. The figure is the median of a peer's bursts.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bench/hot/hot.h"

#define BURSTS 5

struct samples {
	double *at;
	size_t count;
};

static double burst_ns(emit_fn *emit, const struct bench_data *data, size_t n)
{
	uint64_t from = now_ns();

	emit(data, n);
	return (double)(now_ns() - from) / (double)n;
}

static void take_turn(struct bench_loaded *loaded, int workload, struct bench_tables *tables,
		      struct samples *samples)
{
	emit_fn *emit = emit_of(loaded->peer, workload);

	for (int burst = 0; burst <= BURSTS; burst++) {
		double ns = burst_ns(emit, &tables->data, workloads[workload].burst);
		if (workload != OFF)
			drain(loaded);
		tables_renew(tables);
		if (burst > 0)
			samples->at[samples->count++] = ns;
	}
}

static void run_workload(struct bench_peers *peers, int workload, int turns)
{
	char figure[64];

	struct bench_tables *tables = tables_make(1, NUMBERS_COUNT, false);
	struct samples samples[MAX_PEERS] = {0};

	for (size_t i = 0; i < peers->count; i++) {
		samples[i].at = calloc((size_t)turns * BURSTS, sizeof *samples[i].at);
		if (!samples[i].at)
			abort();
	}
	snprintf(figure, sizeof figure, "%s%s", workload == OFF ? "" : "warm.",
		 workloads[workload].name);
	for (int turn = 0; turn < turns; turn++) {
		for (size_t i = 0; i < peers->count; i++) {
			/* Back and forth: nobody is always the first to wake a collector. */
			size_t k = turn % 2 ? peers->count - 1 - i : i;
			struct bench_loaded *loaded = &peers->at[k];
			if (!loaded->failed && emit_of(loaded->peer, workload))
				take_turn(loaded, workload, tables, &samples[k]);
		}
	}
	for (size_t i = 0; i < peers->count; i++) {
		const char *who = peers->at[i].peer->name;
		if (samples[i].count > 0)
			print_figure(figure, who, quantile(samples[i].at, samples[i].count, 0.5),
				     "ns");
		free(samples[i].at);
	}
	free(tables);
}

void warm_run(struct bench_peers *peers, const struct bench_options *options)
{
	int turns = options->quick ? 10 : 30;

	run_workload(peers, W1, turns);
	run_workload(peers, W4, turns);
	run_workload(peers, W8, turns);
	run_workload(peers, PAIR, turns);
	run_workload(peers, MIX, turns);
}

void off_run(struct bench_peers *peers, const struct bench_options *options)
{
	run_workload(peers, OFF, options->quick ? 20 : 60);
}
