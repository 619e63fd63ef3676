/*
 * Latency of single calls: rdtsc around each, less what rdtsc around the empty loop takes. Buffers
 * are drained long before they are full.
 */
#include <stdio.h>
#include <stdlib.h>

#include <rill/static/prim.h>

#include "bench/hot/hot.h"

#define CALLS_UNTIL_DRAIN 500

double ticks_per_ns(void)
{
	uint64_t from_ns = now_ns(), from = rill__ticks();

	pause_ns(20000000);
	uint64_t ticks = rill__ticks() - from;
	return (double)ticks / (double)(now_ns() - from_ns);
}

static void take(emit_fn *emit, struct bench_tables *tables, double *samples, size_t count)
{
	struct bench_data data = tables->data;

	for (size_t i = 0; i < count; i++) {
		/* Other values each time. */
		data.sessions = tables->session_order + i;
		data.texts = tables->text_order + i;
		uint64_t from = rill__ticks();
		emit(&data, 1);
		samples[i] = (double)(rill__ticks() - from);
	}
}

static void print_quantiles(const char *who, const char *workload, double *samples, size_t count,
			    double empty, double scale)
{
	static const struct {
		const char *name;
		double share;
	} quantiles[] = {{"p50", 0.5}, {"p99", 0.99}, {"p999", 0.999}, {"max", 1}};

	for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles; i++) {
		char figure[64];
		double ticks = quantile(samples, count, quantiles[i].share) - empty;

		snprintf(figure, sizeof figure, "latency.%s.%s", workload, quantiles[i].name);
		print_figure(figure, who, ticks / scale, "ns");
	}
}

void emit_nothing(const struct bench_data *data, size_t n)
{
	for (size_t i = 0; i < n; i++)
		__asm__ __volatile__("" : : "r"(data) : "memory");
}

static void run_workload(struct bench_peers *peers, int workload, size_t calls, double scale)
{
	struct bench_tables *tables = tables_make(2, NUMBERS_COUNT, false);
	double *all[MAX_PEERS] = {NULL}, *empty = calloc(calls, sizeof *empty);

	if (!empty)
		abort();
	for (size_t i = 0; i < peers->count; i++) {
		all[i] = calloc(calls, sizeof **all);
		if (!all[i])
			abort();
	}
	/* Turns of a few thousand calls, so that all see the same machine. */
	for (size_t done = 0; done < calls; done += 20 * CALLS_UNTIL_DRAIN) {
		for (size_t k = done; k < done + 20 * CALLS_UNTIL_DRAIN; k += CALLS_UNTIL_DRAIN)
			take(emit_nothing, tables, empty + k, CALLS_UNTIL_DRAIN);
		for (size_t i = 0; i < peers->count; i++) {
			emit_fn *emit = emit_of(peers->at[i].peer, workload);
			for (size_t k = 0; emit && !peers->at[i].failed && k < 20; k++) {
				/* A collector that slept is woken by one that is not counted. */
				emit(&tables->data, 1);
				take(emit, tables, all[i] + done + k * CALLS_UNTIL_DRAIN,
				     CALLS_UNTIL_DRAIN);
				drain(&peers->at[i]);
			}
		}
	}
	double nothing = quantile(empty, calls, 0.5);
	for (size_t i = 0; i < peers->count; i++) {
		if (!peers->at[i].failed && emit_of(peers->at[i].peer, workload))
			print_quantiles(peers->at[i].peer->name, workloads[workload].name, all[i],
					calls, nothing, scale);
		free(all[i]);
	}
	free(empty);
	free(tables);
}

void latency_run(struct bench_peers *peers, const struct bench_options *options)
{
	double scale = ticks_per_ns();
	size_t calls = options->quick ? 40000 : 200000;

	run_workload(peers, W1, calls, scale);
	run_workload(peers, W4, calls, scale);
}
