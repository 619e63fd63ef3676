/*
 * Cold: before each call, whatever it needs is driven out of the core's caches, by walks over more
 * memory and more code than they hold. Less what the empty loop takes after the same walks.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <rill/static/prim.h>

#include "bench/hot/hot.h"

#define LINE       64u
#define CODE_BYTES (512u << 10) /* more than any first-level instruction cache */
#define LEAST_DATA (4u << 20)

static unsigned char *code, *memory;
static size_t memory_bytes;

static void make_walks(void)
{
	long second_level = sysconf(_SC_LEVEL2_CACHE_SIZE);

	memory_bytes = second_level > 0 ? 3 * (size_t)second_level : LEAST_DATA;
	memory_bytes = memory_bytes < LEAST_DATA ? LEAST_DATA : memory_bytes;
	memory = malloc(memory_bytes);
	code = mmap(NULL, CODE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (!memory || code == MAP_FAILED)
		abort();
	memset(memory, 1, memory_bytes);
	memset(code, 0xc3, CODE_BYTES); /* ret */
	if (mprotect(code, CODE_BYTES, PROT_READ | PROT_EXEC) != 0)
		abort();
}

static void flush_caches(void)
{
	for (size_t i = 0; i < CODE_BYTES; i += LINE) {
		void (*function)(void);
		unsigned char *at = code + i;

		memcpy(&function, &at, sizeof function);
		function();
	}
	for (size_t i = 0; i < memory_bytes; i += LINE)
		(void)*(volatile unsigned char *)(memory + i);
}

static double one_ns(emit_fn *emit, const struct bench_data *data, double scale)
{
	flush_caches();
	uint64_t from = rill__ticks();
	emit(data, 1);
	return (double)(rill__ticks() - from) / scale;
}

static void run_workload(struct bench_peers *peers, int workload, size_t calls, double scale)
{
	struct bench_tables *tables = tables_make(3, NUMBERS_COUNT, false);
	char figure[64];
	double *samples[MAX_PEERS], *empty = calloc(calls, sizeof *empty);

	if (!empty)
		abort();
	snprintf(figure, sizeof figure, "cold.%s", workloads[workload].name);
	for (size_t i = 0; i < peers->count; i++) {
		samples[i] = calloc(calls, sizeof **samples);
		if (!samples[i])
			abort();
	}
	for (size_t k = 0; k < calls; k++) {
		emit_nothing(&tables->data, 1);
		empty[k] = one_ns(emit_nothing, &tables->data, scale);
		for (size_t i = 0; i < peers->count; i++) {
			emit_fn *emit = emit_of(peers->at[i].peer, workload);
			if (!emit || peers->at[i].failed)
				continue;
			/* Its collector is awake: what waking it costs is another figure. */
			emit(&tables->data, 1);
			samples[i][k] = one_ns(emit, &tables->data, scale);
		}
		for (size_t i = 0; k % 100 == 99 && i < peers->count; i++) {
			if (!peers->at[i].failed)
				drain(&peers->at[i]);
		}
	}
	double nothing = quantile(empty, calls, 0.5);
	for (size_t i = 0; i < peers->count; i++) {
		if (emit_of(peers->at[i].peer, workload) && !peers->at[i].failed)
			print_figure(figure, peers->at[i].peer->name,
				     quantile(samples[i], calls, 0.5) - nothing, "ns");
		free(samples[i]);
	}
	free(empty);
	free(tables);
}

void cold_run(struct bench_peers *peers, const struct bench_options *options)
{
	double scale = ticks_per_ns();
	size_t calls = options->quick ? 100 : 400;

	make_walks();
	run_workload(peers, W1, calls, scale);
	run_workload(peers, W4, calls, scale);
	munmap(code, CODE_BYTES);
	free(memory);
}
