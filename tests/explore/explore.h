/*
 * The explorer: runs the real code of the ring, the gate and the collector in all interleavings of
 * a few threads, up to bounds, with the stale values that C11 lets a load return.
 *
 * The code under test is compiled with -fsanitize=thread and linked with tsan.c instead of the
 * sanitizer's library: each atomic operation is then a call, at which another thread may go on
 * (schedule.c), and which is carried out on a simulated memory (memory.c). Threads are coroutines
 * of one thread of the system. The operating system is prims.c.
 */
#ifndef EXPLORE_H
#define EXPLORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define THREADS 4u

/* --- scenarios ----------------------------------------------------------------------------- */

struct bounds {
	unsigned preemptions; /* switches away from a thread that could go on; at most MOST */
	unsigned stale;       /* loads that return another value than the newest; at most MOST */
	unsigned signals;     /* that arrive */
};
#define MOST 7u

struct scenario {
	const char *name;
	/* Before the first execution, once: what it leaves in memory is where each one begins. */
	void (*setup)(void);
	void (*threads[THREADS])(void);
	/* A signal handler that may interrupt a thread before any access to memory. */
	void (*handler)(void);
	unsigned handler_thread;
	unsigned spurious;       /* how many futex waits may return early */
	uint64_t tick_ns;        /* that pass at each look at the clock */
	bool without_membarrier; /* the kernel has none: it fences only who calls it */
	bool without_timeouts;   /* of waits for room: what sleeps there was not woken */
	void (*stored)(const void *address); /* after each atomic store */
	void (*monitor)(void);               /* when everything has come to rest */
	bool (*as_expected)(void);           /* after the last execution; NULL: it is */
	struct bounds bounds[2];             /* short tier, medium tier */
};
extern const struct scenario scenarios[], litmus[];
extern const unsigned nscenarios, nlitmus;

/* --- schedule.c ---------------------------------------------------------------------------- */

/* The thread that runs; -1: none (setup, monitor). */
extern int current;
extern uint64_t now_ns;
extern unsigned stale_left;
extern bool tracing;
extern const struct scenario *scenario;

/* One of `count` ways to go on: all of them, one execution after the other. 0 comes first. */
unsigned choose(unsigned count);
/* What was taken for one thread's own is not: the search begins anew. */
void begin_again(void) __attribute__((noreturn));
/* Before an operation that others can see: they may go on first. */
void point(void);
/* Before any access: a signal may arrive. */
void interrupt_here(void);
void block_signals(bool block);
/* Goes on when others have. */
void yield(void);
/* Sleeps until wake() for the address, at most timeout_ns (UINT64_MAX: for ever). */
void block(const void *address, uint64_t timeout_ns);
void wake(const void *address, unsigned count);
bool is_asleep(unsigned thread, const void *address);

/* The thread begins with this as its rill__me. */
void begin_with(unsigned thread, void *me);
/* Bytes of the explorer's own that an execution changes: set back after each, part of its state. */
void keep_state(void *state, size_t size);

/* The execution has shown a fault: says so and ends it. */
void broken(const char *pattern, ...) __attribute__((format(printf, 1, 2), noreturn));
#define CHECK(condition, ...) ((condition) ? (void)0 : broken(__VA_ARGS__))
void trace(const char *pattern, ...) __attribute__((format(printf, 1, 2)));

/* --- memory.c ------------------------------------------------------------------------------ */

void memory_reset(void);
/* All of it that can make a difference. */
uint64_t memory_hash(void);
uint64_t hash_bytes(uint64_t seed, const void *bytes, size_t size);

uint64_t memory_load(const void *address, size_t size, int order);
void memory_store(void *address, size_t size, uint64_t value, int order);
enum rmw { RMW_EXCHANGE, RMW_ADD, RMW_SUB, RMW_OR, RMW_AND };
uint64_t memory_rmw(void *address, size_t size, enum rmw how, uint64_t value, int order);
bool memory_swap(void *address, size_t size, uint64_t *expected, uint64_t value, int order,
		 int failure_order);
void memory_fence(int order);
/* A full fence of every thread, here and now. */
void memory_membarrier(void);
/* A plain access, about to happen. */
void memory_plain(const void *address, size_t size, bool write);

/* What is loaded by bytes and stored by words. */
void memory_wide(const void *from, size_t size);
/* A thread's own: no other one looks there. */
void memory_private(const void *from, size_t size);
bool memory_is_private(const void *address);
/* Not known to be of one thread only, or to be never stored to: what others do there matters. */
bool memory_is_shared(const void *address);
/* Mapped again `size` bytes behind itself. */
void memory_twice(const void *from, size_t size);

/* --- prims.c ------------------------------------------------------------------------------- */

/* What rill's thread_exit() is called with at the end of the running thread. */
void end_thread(void);
void prims_begin(void);
/* This thread has emitted before: rill's thread_exit() is called with the value. */
void ends_with(unsigned thread, void *value);
#endif
