/*
 * rotating ROUNDS [kill]: three threads begin and end spans, while the filter changes. Some stay
 * open until the end, some are ended by another thread, and some ends have no start. Prints what
 * was emitted, counted here. With `kill` it flushes, says what was emitted until then, goes on and
 * ends itself.
 */
#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS 3

static uint64_t rounds;
static int ends[2];      /* a pipe: spans for the other thread to end */
static uint64_t emitted; /* all threads' */

/* An argument is evaluated once, and only when the event is on: so this counts emitted events. */
static uint64_t counted(uint64_t *count, uint64_t value)
{
	++*count;
	return value;
}

static void *emit(void *argument)
{
	uint64_t thread = (uint64_t)(uintptr_t)argument, count = 0;
	for (uint64_t i = 0; i < rounds; i++) {
		uint64_t id = thread << 32 | i;
		rill_event(smtp_connection_start, spanId(counted(&count, id)), remotePort(i % 999));
		rill_event(smtp_ehlo, spanId(counted(&count, id)), hostname("rotating"), total(i));
		rill_event(smtp_noop, spanId(counted(&count, id)), total(i * i));
		if (i % 5 == 4 && i % 97 != 0) {
			if (write(ends[1], &id, sizeof id) != sizeof id)
				abort();
		} else if (i % 97 != 0) {
			rill_event(smtp_connection_end, spanId(counted(&count, id)));
		}
		if (i % 1000 == 7)
			rill_event(smtp_connection_end, spanId(counted(&count, id + rounds)));
		if (i % 64 == 0)
			usleep(200);
		__atomic_add_fetch(&emitted, count, __ATOMIC_RELAXED);
		count = 0;
	}
	for (uint64_t i = 0; i < rounds; i += 97)
		rill_event(smtp_connection_end, spanId(counted(&count, thread << 32 | i)));
	__atomic_add_fetch(&emitted, count, __ATOMIC_RELAXED);
	return NULL;
}

static void *end_spans(void *argument)
{
	uint64_t id, count = 0;
	while (read(ends[0], &id, sizeof id) == sizeof id)
		rill_event(smtp_connection_end, spanId(counted(&count, id)));
	__atomic_add_fetch(&emitted, count, __ATOMIC_RELAXED);
	return argument;
}

static void kill_in_the_middle(void)
{
	uint64_t before;
	/* Each round is three events at least. */
	while ((before = __atomic_load_n(&emitted, __ATOMIC_RELAXED)) < rounds * THREADS)
		usleep(1000);
	printf("flush %d emitted %" PRIu64 "\n", rill_flush(UINT64_C(10000000000)), before);
	fflush(stdout);
	usleep(20000);
	raise(SIGKILL);
}

int main(int argc, char **argv)
{
	static const char *const filters[] = {"*=trace,smtp.noop=off", "*=trace"};
	bool kills = argc > 2 && strcmp(argv[2], "kill") == 0;
	pthread_t threads[THREADS + 1];
	rounds = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
	if (pipe(ends) != 0)
		abort();
	pthread_create(&threads[THREADS], NULL, end_spans, NULL);
	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, emit, (void *)i);
	for (unsigned i = 0; i < 20; i++) {
		usleep(5000);
		if (rill_filter_apply(filters[i % 2]) != 0)
			abort();
	}
	if (kills)
		kill_in_the_middle();
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	close(ends[1]);
	pthread_join(threads[THREADS], NULL);
	struct rill_counts counts;
	rill_stop();
	rill_counts_get(&counts);
	printf("emitted %" PRIu64 " filtered %" PRIu64 " discarded %" PRIu64 "\n", emitted,
	       counts.filtered, counts.discarded);
	return 0;
}
