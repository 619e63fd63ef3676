/* Some threads emit as fast as they can, and wait where the buffers are full. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench/sustained/sustained.h"

struct emitter {
	pthread_t thread;
	pthread_barrier_t *start;
	struct bench_tables *tables;
	emit_fn *emit;
	int cpu;
	double seconds;
	uint64_t events, emitted;
	uint64_t started_ns;
};

#define BLOCKS_A_LOOK 8 /* at the clock */

static void *emit(void *argument)
{
	struct emitter *emitter = argument;
	struct bench_tables *tables = emitter->tables;

	pin(0, emitter->cpu);
	pthread_barrier_wait(emitter->start);
	emitter->started_ns = now_ns();
	uint64_t until = emitter->started_ns + (uint64_t)(emitter->seconds * 1e9);
	for (unsigned blocks = 1;; blocks++) {
		emitter->emit(&tables->data, BENCH_TABLE);
		emitter->emitted += BENCH_TABLE;
		tables_renew(tables);
		if (emitter->events ? emitter->emitted >= emitter->events
				    : blocks % BLOCKS_A_LOOK == 0 && now_ns() >= until)
			return NULL;
	}
}

static uint64_t realtime_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void start_emitters(struct emitter *emitters, pthread_barrier_t *start,
			   const struct bench_loaded *loaded, const struct bench_options *options,
			   const struct run *run)
{
	int cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);

	for (int i = 0; i < run->threads; i++) {
		emit_fn *function;
		memcpy(&function, (const char *)loaded->peer + run->workload->emit,
		       sizeof function);
		emitters[i] = (struct emitter){
			.start = start,
			.tables = tables_make((unsigned)i + 1, run->workload->numbers,
					      run->workload->unique),
			.emit = function,
			.cpu = (options->producer_cpu + i) % cpus,
			.seconds = run->seconds,
			.events = run->events / (unsigned)run->threads,
		};
		if (pthread_create(&emitters[i].thread, NULL, emit, &emitters[i]) != 0)
			abort();
	}
}

/*
 * All that was emitted was recorded. Not all peers can promise that (LTTng-UST loses events in
 * spite of its blocking mode when threads are preempted in the middle of one): then the figure is
 * that of what was recorded, and the loss another.
 */
static bool is_lossless(const struct bench_loaded *loaded, uint64_t recorded, struct run *run)
{
	const struct bench_peer *peer = loaded->peer;
	uint64_t lost = peer->lost ? peer->lost() : 0;

	if (lost == 0 && (!peer->recorded || recorded == run->emitted))
		return true;
	fprintf(stderr, "%s: not lossless: %llu emitted, %llu lost, %llu recorded\n", peer->name,
		(unsigned long long)run->emitted, (unsigned long long)lost,
		(unsigned long long)recorded);
	if (peer->strict || lost >= run->emitted)
		return false;
	run->lost_percent = 100.0 * (double)lost / (double)run->emitted;
	run->emitted -= lost;
	return true;
}

bool run_peer(struct bench_loaded *loaded, const struct bench_options *options, struct run *run)
{
	struct bench_peer *peer = loaded->peer;
	struct emitter emitters[MAX_THREADS];
	pthread_barrier_t start;
	uint64_t first_ns = UINT64_MAX;

	/* One producer has a processor for itself; several share them all with what collects. */
	peer_pin(loaded, run->threads == 1 ? options->collector_cpu : -1);
	pthread_barrier_init(&start, NULL, (unsigned)run->threads + 1);
	start_emitters(emitters, &start, loaded, options, run);
	uint64_t collector_ns = peer_collector_ns(loaded);
	pthread_barrier_wait(&start);
	run->emitted = 0;
	run->lost_percent = 0;
	for (int i = 0; i < run->threads; i++) {
		pthread_join(emitters[i].thread, NULL);
		run->emitted += emitters[i].emitted;
		if (emitters[i].started_ns < first_ns)
			first_ns = emitters[i].started_ns;
		free(emitters[i].tables);
	}
	pthread_barrier_destroy(&start);
	uint64_t last_ns = now_ns(), real_ns = realtime_ns();
	if (peer->flush && peer->flush() != 0) {
		fprintf(stderr, "%s: its buffers are not emptied\n", peer->name);
		return false;
	}
	/* A flush may look seldom whether it is done: the files know better when that was. */
	uint64_t flush_ns = now_ns() - last_ns, written_ns = trace_written_ns(loaded->dir);
	uint64_t rest_ns = written_ns > real_ns ? written_ns - real_ns : 0;
	run->took_s =
		(double)(last_ns - first_ns + (rest_ns < flush_ns ? rest_ns : flush_ns)) / 1e9;
	run->collector_ns = peer_collector_ns(loaded) - collector_ns;
	uint64_t recorded = peer->recorded ? peer->recorded() : 0;
	return peer_stop(loaded) && is_lossless(loaded, recorded, run);
}
