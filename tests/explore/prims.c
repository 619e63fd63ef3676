/*
 * The operating system and the rooms of rill that are not under test, as the explorer has them:
 * instead of src/core/prim, process.c, clock.c and the dump's side of the collector.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "collect/state.h"
#include "core/diagnose.h"
#include "core/stopping.h"
#include "explore/explore.h"
#include "explore/scenario.h"

/* --- threads ------------------------------------------------------------------------------- */

/* What the code under test calls instead of the functions of that name. */
int explore_pthread_key_create(pthread_key_t *key, void (*destructor)(void *));
int explore_pthread_setspecific(pthread_key_t key, const void *value);
int explore_pthread_setcancelstate(int state, int *before);
int explore_sched_yield(void);

static void (*at_exit)(void *);
static void *exit_value[THREADS], *first_value[THREADS];

int explore_pthread_key_create(pthread_key_t *key, void (*destructor)(void *))
{
	*key = 0;
	at_exit = destructor;
	return 0;
}

int explore_pthread_setspecific(pthread_key_t key, const void *value)
{
	(void)key;
	if (current >= 0)
		memcpy(&exit_value[current], &value, sizeof value);
	return 0;
}

int explore_pthread_setcancelstate(int state, int *before)
{
	if (before)
		*before = state;
	return 0;
}

void end_thread(void)
{
	if (exit_value[current])
		at_exit(exit_value[current]);
}

void ends_with(unsigned thread, void *value)
{
	first_value[thread] = value;
}

void prims_begin(void)
{
	memcpy(exit_value, first_value, sizeof exit_value);
}

int explore_sched_yield(void)
{
	yield();
	return 0;
}

void prim_sleep(uint64_t ns)
{
	now_ns += ns;
	yield();
}

uint32_t prim_tid(void)
{
	return (uint32_t)current + 1;
}

uint32_t prim_pid(void)
{
	return 1;
}

bool prim_thread_exists(uint32_t tid)
{
	(void)tid;
	return true;
}

/* The program has threads: the process does not end by itself. */
bool prim_alone(void)
{
	return false;
}

int prim_thread_start(void (*run)(void *), void *argument, const char *name)
{
	(void)run;
	(void)argument;
	(void)name;
	return -ENOSYS;
}

bool prim_thread_runs(uint32_t tid)
{
	(void)tid;
	return true;
}

uint64_t prim_thread_cpu_ns(uint32_t tid)
{
	(void)tid;
	return now_ns;
}

bool stopping(void)
{
	return false;
}

void process_grow_losses(void)
{
}

/* Only children ask. */
bool prim_in_signal_handler(void)
{
	return false;
}

bool prim_one_stack(uint64_t low, uint64_t high)
{
	(void)low;
	(void)high;
	return true;
}

bool prim_on_other_signal_stack(uint64_t address)
{
	(void)address;
	return false;
}

void prim_block_signals(sigset_t *before)
{
	(void)before;
	block_signals(true);
}

void prim_restore_signals(const sigset_t *before)
{
	(void)before;
	block_signals(false);
}

/* --- the kernel's part of synchronisation -------------------------------------------------- */

bool prim_membarrier_register(void)
{
	return !scenario->without_membarrier;
}

bool prim_membarrier(void)
{
	point();
	if (scenario->without_membarrier)
		memory_fence(__ATOMIC_SEQ_CST);
	else
		memory_membarrier();
	return !scenario->without_membarrier;
}

/* The kernel reads the newest value: a wake-up that belongs to a newer one is still to come. */
void prim_futex_wait(uint32_t *word, uint32_t value, uint64_t timeout_ns)
{
	point();
	if (current < 0 || *word != value)
		return;
	block(word, scenario->without_timeouts && value != WAKE_NAPPING ? UINT64_MAX : timeout_ns);
}

void prim_futex_wake(uint32_t *word, int count)
{
	point();
	trace("wakes %p", (void *)word);
	wake(word, (unsigned)count);
}

static uint32_t control;

bool control_trylock(void)
{
	uint64_t none = 0;
	point();
	return memory_swap(&control, sizeof control, &none, 1, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

void control_lock(void)
{
	while (!control_trylock())
		if (control)
			block(&control, UINT64_MAX);
}

void control_unlock(void)
{
	point();
	memory_store(&control, sizeof control, 0, __ATOMIC_RELEASE);
	wake(&control, THREADS);
}

/* --- time ---------------------------------------------------------------------------------- */

uint64_t prim_monotonic_ns(void)
{
	if (current >= 0)
		now_ns += scenario->tick_ns;
	return now_ns;
}

uint64_t clock_now_ticks(void)
{
	now_ns += current >= 0;
	return now_ns;
}

bool clock_counter_usable(void)
{
	return true;
}

uint64_t clock_offset(void)
{
	return 0;
}

const char *clock_name(void)
{
	return "explored";
}

int64_t clock_jump(struct clock_maker *maker, uint64_t *middle)
{
	(void)maker;
	(void)middle;
	return 0;
}

void clock_shift(int64_t ticks)
{
	broken("the clock is shifted by %lld", (long long)ticks);
}

void clock_calibrate_first(struct clock_maker *maker)
{
	maker->point.rate = UINT64_C(1) << 32;
}

void clock_calibrate_next(struct clock_maker *maker, bool steer)
{
	(void)maker;
	(void)steer;
}

/* --- memory -------------------------------------------------------------------------------- */

size_t prim_page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

int prim_ring_file(const char *path, size_t size_bytes)
{
	(void)path;
	CHECK(current < 0, "a ring is made where none should be");
	int fd = memfd_create("ring", MFD_CLOEXEC);
	CHECK(fd >= 0 && ftruncate(fd, (off_t)size_bytes) == 0, "no memory");
	return fd;
}

int prim_map_ring(int fd, size_t head_bytes, size_t data_bytes, void **address)
{
	const int access = PROT_READ | PROT_WRITE;
	size_t total = head_bytes + 2 * data_bytes;
	char *base = mmap(NULL, total, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(base != MAP_FAILED && mmap(base, head_bytes + data_bytes, access,
					 MAP_SHARED | MAP_FIXED, fd, 0) != MAP_FAILED,
	      "no memory");
	CHECK(mmap(base + head_bytes + data_bytes, data_bytes, access, MAP_SHARED | MAP_FIXED, fd,
		   (off_t)head_bytes) != MAP_FAILED,
	      "no memory");
	memory_twice(base + head_bytes, data_bytes);
	*address = base;
	return 0;
}

/* It stays where it is: who looks at it nevertheless is told by unmapped(). */
void prim_unmap_ring(void *address, size_t head_bytes, size_t data_bytes)
{
	memory_plain(address, head_bytes + data_bytes, true);
}

void *prim_wiped_pages(size_t size_bytes)
{
	return calloc(1, size_bytes);
}

/* --- process.c ----------------------------------------------------------------------------- */

struct process the_process = {
	.stage = PROCESS_READY, .collector = COLLECTOR_STARTED, .max_rings = MAX_RINGS};

struct settings rill__settings;

struct process *process_get(void)
{
	return &the_process;
}

struct process *process_peek(void)
{
	return &the_process;
}

void process_remove_directory(struct process *process)
{
	(void)process;
}

void rill__broken(const char *file, int line, const char *message)
{
	broken("%s:%d: %s", file, line, message);
}

void rill__diagnose(const char *where, const char *pattern, ...)
{
	(void)where;
	(void)pattern;
}

void rill__configure(void)
{
}

void rill__need_collector(struct process *process)
{
	(void)process;
}

void sweep(void)
{
}
