#include "crowd.h"

#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "process.h"

#define STACK_BYTES 65536u

static unsigned ready;

static void *idle(void *unused)
{
	rill_event(server_startup, total(1));
	__atomic_add_fetch(&ready, 1, __ATOMIC_RELEASE);
	for (;;)
		pause();
	return unused;
}

/* All stacks in one mapping, without guards: ten thousand threads with two rings' mappings each
 * come near to the number of mappings that a process may have. */
void crowd_start(unsigned threads)
{
	if (threads == 0)
		return;
	char *stacks = mmap(NULL, (size_t)threads * STACK_BYTES, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (stacks == MAP_FAILED)
		give_up("mmap", errno);
	for (unsigned i = 0; i < threads; i++) {
		pthread_attr_t attributes;
		pthread_t thread;
		pthread_attr_init(&attributes);
		pthread_attr_setstack(&attributes, stacks + (size_t)i * STACK_BYTES, STACK_BYTES);
		int error = pthread_create(&thread, &attributes, idle, NULL);
		pthread_attr_destroy(&attributes);
		if (error)
			give_up("pthread_create", error);
		while (i + 1 - __atomic_load_n(&ready, __ATOMIC_ACQUIRE) > 64)
			sleep_for(100000);
	}
	while (__atomic_load_n(&ready, __ATOMIC_ACQUIRE) != threads)
		sleep_for(1000000);
}
