/*
 * threads N M: N threads emit M events each, numbered. Prints what was emitted, counted here and
 * not by rill, and then what rill says that it lost.
 */
#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t events;
static uint64_t emitted;

/* An argument is evaluated once, and only when the event is on: so this counts emitted events. */
static uint64_t counted(uint64_t *count, uint64_t value)
{
	++*count;
	return value;
}

static void *emit(void *argument)
{
	uint64_t thread = (uint64_t)(uintptr_t)argument, count = 0;
	for (uint64_t i = 0; i < events; i++)
		rill_event(smtp_ehlo, spanId(thread), total(counted(&count, i)));
	__atomic_add_fetch(&emitted, count, __ATOMIC_RELAXED);
	return NULL;
}

int main(int argc, char **argv)
{
	int threads = argc > 1 ? atoi(argv[1]) : 1;
	events = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	pthread_t ids[64];
	for (int i = 0; i < threads; i++)
		pthread_create(&ids[i], NULL, emit, (void *)(uintptr_t)i);
	for (int i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	struct rill_counts counts;
	rill_flush(UINT64_C(60000000000));
	rill_counts_get(&counts);
	printf("emitted %" PRIu64 " drained %" PRIu64 " filtered %" PRIu64 " discarded %" PRIu64
	       "\n",
	       emitted, counts.drained, counts.filtered, counts.discarded);
	return 0;
}
