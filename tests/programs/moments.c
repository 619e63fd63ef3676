/*
 * moments WITNESS THREADS: events from everywhere in a program's life: constructors and destructors
 * of several priorities, exit handlers given early and late, destructors of thread-local storage in
 * each of their rounds, detached threads that never end. WITNESS counts those that passed the gate,
 * a word for each place. Says how many rings there are when the threads have ended.
 */
#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <rill/control.h>

#define KEYS 4

enum place {
	CONSTRUCTOR,
	DESTRUCTOR,
	EXIT_HANDLER,
	THREAD,
	KEY_DESTRUCTOR,
	THREAD_LOCAL,
	DETACHED,
	AFTER_STOP,
	PLACES = 64,
};

static uint64_t early[PLACES]; /* before there is a witness */
static uint64_t *witness = early;

static uint64_t count(enum place place)
{
	return __atomic_add_fetch(&witness[place], 1, __ATOMIC_RELAXED);
}

#define EMIT(place) rill_event(smtp_noop, total(count(place)), id((uint64_t)(place)))

static void early_handler(void)
{
	EMIT(EXIT_HANDLER);
}

static void late_handler(void)
{
	EMIT(EXIT_HANDLER);
}

__attribute__((constructor(101))) static void first(void)
{
	atexit(early_handler);
	EMIT(CONSTRUCTOR);
}

__attribute__((constructor(102))) static void second(void)
{
	EMIT(CONSTRUCTOR);
}

__attribute__((constructor)) static void third(void)
{
	EMIT(CONSTRUCTOR);
}

__attribute__((destructor)) static void last_but_one(void)
{
	EMIT(DESTRUCTOR);
}

__attribute__((destructor(102))) static void last(void)
{
	EMIT(DESTRUCTOR);
}

/* After rill's own, or before: that is the linker's choice. */
__attribute__((destructor(101))) static void beyond(void)
{
	EMIT(AFTER_STOP);
}

static pthread_key_t keys[KEYS];

static void key_destructor(void *value)
{
	pthread_key_t *key = value;
	EMIT(KEY_DESTRUCTOR);
	pthread_setspecific(*key, key);
}

static void thread_local_destructor(void *value)
{
	(void)value;
	EMIT(THREAD_LOCAL);
}

/* What a C++ compiler calls for `thread_local` (Itanium C++ ABI). */
extern int __cxa_thread_atexit_impl(void (*destructor)(void *), void *object, void *dso);
extern void *__dso_handle;

static void *thread(void *argument)
{
	static char object;
	__cxa_thread_atexit_impl(thread_local_destructor, &object, &__dso_handle);
	for (int i = 0; i < KEYS; i++)
		pthread_setspecific(keys[i], &keys[i]);
	if (argument) /* else its first event is in a destructor */
		EMIT(THREAD);
	return NULL;
}

static void *detached(void *argument)
{
	(void)argument;
	for (;;) {
		EMIT(DETACHED);
		usleep(20);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 9;
	int fd = open(argv[1], O_RDWR | O_CREAT, 0600);
	if (fd < 0 || ftruncate(fd, sizeof early) != 0)
		return 9;
	uint64_t *page = mmap(NULL, sizeof early, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED)
		return 9;
	for (int i = 0; i < PLACES; i++)
		page[i] = early[i];
	witness = page;
	for (int i = 0; i < KEYS; i++)
		pthread_key_create(&keys[i], key_destructor);
	for (int i = 0; i < atoi(argv[2]); i++) {
		pthread_t id;
		if (pthread_create(&id, NULL, thread, i % 2 ? argv : NULL) != 0)
			return 9;
		pthread_join(id, NULL);
	}
	struct rill_counts counts;
	usleep(300000); /* the last of them are seen to be gone */
	rill_counts_get(&counts);
	printf("rings %llu rounds %d\n", (unsigned long long)counts.rings,
	       PTHREAD_DESTRUCTOR_ITERATIONS);
	fflush(stdout);
	for (int i = 0; i < 3; i++) {
		pthread_t id;
		if (pthread_create(&id, NULL, detached, NULL) != 0)
			return 9;
		pthread_detach(id);
	}
	usleep(20000);
	atexit(late_handler);
	return 0;
}
