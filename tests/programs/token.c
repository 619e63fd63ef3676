/*
 * token N M: a token goes round N threads under a mutex, M times, with an event at each hand-over:
 * total(turn) grows in the order in which things happened.
 */
#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t passed = PTHREAD_COND_INITIALIZER;
static uint64_t threads, turns, turn;

static void *play(void *argument)
{
	uint64_t mine = (uint64_t)(uintptr_t)argument;
	pthread_mutex_lock(&lock);
	for (;;) {
		while (turn < turns && turn % threads != mine)
			pthread_cond_wait(&passed, &lock);
		if (turn >= turns)
			break;
		rill_event(smtp_noop, spanId(mine), total(turn));
		turn++;
		pthread_cond_broadcast(&passed);
	}
	pthread_mutex_unlock(&lock);
	return NULL;
}

int main(int argc, char **argv)
{
	threads = argc > 1 ? strtoull(argv[1], NULL, 10) : 8;
	turns = argc > 2 ? strtoull(argv[2], NULL, 10) : 1000;
	pthread_t ids[64];
	for (uint64_t i = 0; i < threads; i++)
		pthread_create(&ids[i], NULL, play, (void *)(uintptr_t)i);
	for (uint64_t i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	printf("emitted %llu\n", (unsigned long long)turn);
	return 0;
}
