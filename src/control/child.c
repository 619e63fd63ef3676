#include "control/child.h"

#include <stdlib.h>

#include "core/core.h"

#define TIMEOUT_NS UINT64_C(100000000)

/* Of which the C library gets one from a list, one from its heap and one from the kernel. */
static const size_t sizes[] = {64, 20000, 400000};
#define SIZES (sizeof sizes / sizeof sizes[0])

static void take_memory(void)
{
	void *volatile taken[SIZES];
	for (size_t i = 0; i < SIZES; i++)
		taken[i] = calloc(1, sizes[i]);
	for (size_t i = 0; i < SIZES; i++)
		free(taken[i]);
}

static void other_thread(void *word)
{
	take_memory();
	__atomic_store_n((uint32_t *)word, 1, __ATOMIC_RELEASE);
	prim_futex_wake(word, 1);
}

/* In a copy, which is killed when this does not return. */
static void try_it(void)
{
	static uint32_t done;
	take_memory();
	if (prim_thread_start(other_thread, &done, "rill-try") != 0)
		abort();
	while (!__atomic_load_n(&done, __ATOMIC_ACQUIRE))
		prim_futex_wait(&done, 0, UINT64_MAX);
}

bool child_can_start(void)
{
	return prim_returns_in_copy(try_it, TIMEOUT_NS);
}

bool child_has_memory(void)
{
	const struct process *process = process_page();
	uint32_t state = __atomic_load_n(&process->collector, __ATOMIC_RELAXED);
	return !process_is_child() || process->forked_pid ||
	       (state != COLLECTOR_NONE && state != COLLECTOR_NEVER);
}
