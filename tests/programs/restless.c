/*
 * restless SECONDS [stop]: eight threads emit, short-lived ones come and go, and meanwhile the
 * filter changes, somebody flushes and, with `stop`, the runtime stops and starts again. Prints
 * what was emitted, counted here, and what rill says it did not record. A plain main(): it also
 * runs under ThreadSanitizer.
 */
#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define EMITTERS 8
#define BRIEF    6
#define RESTARTS 50 /* each makes a dump file, whose name must be new */

static bool over;
static uint64_t emitted;

static bool is_over(void)
{
	return __atomic_load_n(&over, __ATOMIC_RELAXED);
}

/* An argument is evaluated once, and only when the event is on: so this counts emitted events. */
static uint64_t counted(uint64_t *count)
{
	return ++*count;
}

static void *emit(void *argument)
{
	uint64_t count = 0;
	while (!is_over()) {
		for (int i = 0; i < 100; i++)
			rill_event(smtp_ehlo, total(counted(&count)), hostname("restless"));
		usleep(200);
	}
	__atomic_add_fetch(&emitted, count, __ATOMIC_RELAXED);
	return argument;
}

static void *emit_briefly(void *argument)
{
	uint64_t count = 0;
	for (int i = 0; i < 3; i++)
		rill_event(smtp_rset, total(counted(&count)));
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
	}
	return argument;
}

static void *flush(void *argument)
{
	while (!is_over()) {
		if (rill_flush(UINT64_C(20000000000)) != 0)
			abort();
		usleep(3000);
	}
	return argument;
}

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void stop_and_start(void)
{
	rill_stop();
	if (rill_sink_add(getenv("RILL_SINKS")) != 0)
		abort();
}

int main(int argc, char **argv)
{
	static const char *const filters[] = {"*=trace", "*=trace,smtp.rset=off", "*=off",
					      "smtp.*=trace"};
	bool stops = argc > 2 && strcmp(argv[2], "stop") == 0;
	pthread_t threads[EMITTERS + 2];
	for (int i = 0; i < EMITTERS; i++)
		pthread_create(&threads[i], NULL, emit, NULL);
	pthread_create(&threads[EMITTERS], NULL, come_and_go, NULL);
	pthread_create(&threads[EMITTERS + 1], NULL, flush, NULL);

	double end = now() + (argc > 1 ? atof(argv[1]) : 1);
	for (unsigned round = 0, restarts = 0; now() < end; round++) {
		if (rill_filter_apply(filters[round % 4]) != 0)
			abort();
		usleep(round % 4 == 2 ? 100 : 1000);
		if (stops && round % 16 == 15 && restarts++ < RESTARTS)
			stop_and_start();
	}
	__atomic_store_n(&over, true, __ATOMIC_RELAXED);
	for (int i = 0; i < EMITTERS + 2; i++)
		pthread_join(threads[i], NULL);

	struct rill_counts counts;
	rill_stop();
	rill_counts_get(&counts);
	printf("emitted %" PRIu64 " filtered %" PRIu64 " discarded %" PRIu64 " rings %" PRIu64 "\n",
	       emitted, counts.filtered, counts.discarded, counts.rings);
	return 0;
}
