/*
 * A filter change while as many threads emit as there are cores.
 *
 * filter.10.p50 and .p99: how long rill_filter_apply() takes, at ten changes a second; filter.free:
 * one after the other. .slowdown: CPU time an event of the emitting threads in windows of 50 ms
 * with a change (or with changes all the time) against the windows beside them without, in percent;
 * median of the pairs, and .low and .high, between which the true median lies with a probability of
 * 95 %.
 *
 * The events are on before and after each change; the change is about others. Threads emit in
 * bursts that fit a ring and rest in between, so that none is discarded. What counts is CPU time,
 * so that being preempted by the collector is not taken for a slow event.
 */
#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "process.h"

#define MAX_THREADS 256u
#define MAX_PAIRS   256u
#define WINDOW_NS   50000000u
#define MAX_CHANGES 200000u
#define BURST       400u
#define COMPUTE_NS  500000u

enum changes { NONE, ONE, MANY }; /* in a window */

static struct emitter {
	_Alignas(64) uint64_t events, cpu_ns;
} emitters[MAX_THREADS];
static unsigned nemitters;
static bool stop;

static uint64_t my_cpu_ns(void)
{
	struct timespec used;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
	return (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec;
}

static void *emit(void *argument)
{
	struct emitter *emitter = argument;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		uint64_t begin_ns = my_cpu_ns();
		for (unsigned i = 0; i < BURST; i++)
			rill_event(smtp_ehlo, spanId(i));
		uint64_t took_ns = my_cpu_ns() - begin_ns;
		__atomic_store_n(&emitter->cpu_ns, emitter->cpu_ns + took_ns, __ATOMIC_RELAXED);
		__atomic_store_n(&emitter->events, emitter->events + BURST, __ATOMIC_RELEASE);
		for (uint64_t until_ns = now_ns() + COMPUTE_NS; now_ns() < until_ns;)
			;
	}
	return NULL;
}

static struct emitter sum(void)
{
	struct emitter sum = {0, 0};
	for (unsigned i = 0; i < nemitters; i++) {
		sum.events += __atomic_load_n(&emitters[i].events, __ATOMIC_ACQUIRE);
		sum.cpu_ns += __atomic_load_n(&emitters[i].cpu_ns, __ATOMIC_RELAXED);
	}
	return sum;
}

static uint64_t took_ns[MAX_CHANGES];
static size_t nchanges;

static void change(void)
{
	static const char *const filters[] = {"smtp.*=trace", "smtp.*=trace,store.*=trace"};
	uint64_t begin_ns = now_ns();
	int error = rill_filter_apply(filters[nchanges % 2]);
	if (error)
		give_up("rill_filter_apply", -error);
	took_ns[nchanges++] = now_ns() - begin_ns;
}

/* CPU time an event in a window. */
static double window(enum changes changes)
{
	struct emitter before = sum();
	uint64_t begin_ns = now_ns(), end_ns = begin_ns + WINDOW_NS;
	if (changes == ONE) {
		sleep_until(begin_ns + WINDOW_NS / 2);
		change();
	}
	while (changes == MANY && now_ns() < end_ns && nchanges < MAX_CHANGES)
		change();
	sleep_until(end_ns);
	struct emitter after = sum();
	return (double)(after.cpu_ns - before.cpu_ns) / (double)(after.events - before.events);
}

static void compare(const char *name, enum changes changes, size_t pairs)
{
	double ratios[MAX_PAIRS];
	nchanges = 0;
	for (size_t i = 0; i < pairs; i++) {
		bool first = i % 2; /* neither is always the first */
		double with = first ? window(changes) : 0;
		double without = window(NONE);
		if (!first)
			with = window(changes);
		ratios[i] = with / without;
	}
	figure_percentiles(took_ns, nchanges, name);
	struct estimate found = estimate(ratios, pairs);
	figure(100 * (found.median - 1), "%", "%s.slowdown", name);
	figure(100 * (found.low - 1), "%", "%s.slowdown.low", name);
	figure(100 * (found.high - 1), "%", "%s.slowdown.high", name);
}

static void measure(const void *argument)
{
	bool quick = *(const bool *)argument;
	pthread_t threads[MAX_THREADS];
	cpu_set_t cores;
	char sink[4200];
	snprintf(sink, sizeof sink, "dump:%s/filter", scratch());
	expect_losses(); /* filter.discarded tells them */
	start_rill(sink, "smtp.*=trace");
	if (sched_getaffinity(0, sizeof cores, &cores) != 0)
		give_up("sched_getaffinity", errno);
	nemitters = (unsigned)CPU_COUNT(&cores);
	for (unsigned i = 0; i < nemitters; i++) {
		int error = pthread_create(&threads[i], NULL, emit, &emitters[i]);
		if (error)
			give_up("pthread_create", error);
	}
	sleep_for(100000000);
	compare("filter.10", ONE, quick ? 20 : 200);
	compare("filter.free", MANY, quick ? 10 : 80);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < nemitters; i++)
		pthread_join(threads[i], NULL);
	struct rill_counts counts;
	rill_counts_get(&counts);
	figure((double)counts.discarded, "count", "filter.discarded");
	figure((double)sum().cpu_ns / (double)sum().events, "ns", "filter.event");
}

int main(void)
{
	bool quick = is_quick();
	scratch();
	run_apart(measure, &quick);
	scratch_remove();
	return 0;
}
