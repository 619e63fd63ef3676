/*
 * witness THREADS FILE: threads that emit numbered events until the process is killed. Each writes
 * to FILE, outside of rill, how many of its events are committed, and which span it has open: 0,
 * or 1 + its number. A span begins with every 64th event and ends half way to the next.
 */
#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* A line of the CPU's cache for each thread. */
struct seen {
	uint64_t committed;
	uint64_t open;
	uint64_t tid;
	uint64_t padding[5];
};

static struct seen *seen;

static void *emit(void *argument)
{
	uint64_t thread = (uint64_t)(uintptr_t)argument;
	struct seen *mine = &seen[thread];
	mine->tid = (uint64_t)gettid();
	for (uint64_t i = 0;; i++) {
		uint64_t span = thread << 40 | i / 64;
		if (i % 64 == 0)
			rill_event(smtp_connection_start, spanId(span), total(i));
		else if (i % 64 == 32)
			rill_event(smtp_connection_end, spanId(span), total(i));
		else
			rill_event(smtp_noop, spanId(span), total(i));
		if (i % 64 == 0)
			__atomic_store_n(&mine->open, 1 + span, __ATOMIC_RELEASE);
		else if (i % 64 == 32)
			__atomic_store_n(&mine->open, 0, __ATOMIC_RELEASE);
		__atomic_store_n(&mine->committed, i + 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	uint64_t threads = argc > 2 ? strtoull(argv[1], NULL, 10) : 0;
	int fd = threads ? open(argv[2], O_RDWR | O_CREAT, 0600) : -1;
	if (fd < 0 || ftruncate(fd, (off_t)(threads * sizeof *seen)))
		return 1;
	seen = mmap(NULL, threads * sizeof *seen, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (seen == MAP_FAILED)
		return 1;
	for (uint64_t i = 1; i < threads; i++) {
		pthread_t thread;
		if (pthread_create(&thread, NULL, emit, (void *)(uintptr_t)i))
			return 1;
	}
	emit(NULL);
}
