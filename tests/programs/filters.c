/*
 * filters N: three threads emit at full speed while the filter is changed N times, on and off by
 * turns. total() carries the generation: even while the event may be on, odd from when
 * rill_filter_apply() has returned that it is off. The argument is read after the first look at the
 * gate and before the second, so a record with an odd generation was decided under an old filter.
 */
#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t generation;
static int stop;

static void *emit(void *argument)
{
	(void)argument;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		rill_event(smtp_ehlo, total(__atomic_load_n(&generation, __ATOMIC_ACQUIRE)));
	return NULL;
}

int main(int argc, char **argv)
{
	int changes = argc > 1 ? atoi(argv[1]) : 1000;
	pthread_t threads[3];
	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, emit, NULL);
	int failed = 0;
	for (int i = 0; i < changes; i += 2) {
		failed += rill_filter_apply("*=off,smtp.rset=trace") != 0;
		__atomic_add_fetch(&generation, 1, __ATOMIC_RELEASE);
		for (volatile int pause = 0; pause < 300; pause++)
			;
		__atomic_add_fetch(&generation, 1, __ATOMIC_RELEASE);
		failed += rill_filter_apply("smtp.*=trace") != 0;
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	printf("changes %d failed %d\n", changes, failed);
	return failed != 0;
}
