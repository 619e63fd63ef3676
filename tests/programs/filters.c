/*
 * filters N: three threads emit at full speed while the filter is changed N times, on and off by
 * turns. Now and then a thread gives way between the first look at the gate and the second, so that
 * a change happens in between.
 */
#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "support/form.h"

static int stop;

/* An argument: evaluated after the first look at the gate and before the second. */
static uint64_t give_way(uint64_t *calls)
{
	if (++*calls % 64 == 0)
		sched_yield();
	return *calls;
}

static void *emit(void *argument)
{
	uint64_t calls = 0;
	(void)argument;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		rill_event(smtp_ehlo, total(give_way(&calls)));
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
		usleep(20); /* a thread that was in between goes on while the event is off */
		failed += rill_filter_apply("smtp.*=trace") != 0;
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	printf("changes %d failed %d\n", changes, failed);
	return failed != 0;
}
