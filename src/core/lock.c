/*
 * The control lock: of everything that a child keeps.
 *
 * fork() holds it, so that a child finds that whole. Whoever holds it is said by one word, so that
 * a handler that calls fork() may interrupt its own thread at any instruction of these functions;
 * and the word lies on the wiped pages, so that a child of clone() or _Fork() finds it free
 * although a thread that the child does not have was holding it. For that case what it protects is
 * changed in steps that are whole by themselves.
 */
#include <pthread.h>

#include "core/core.h"
#include "core/stopping.h"

#define WAIT_NS 10000000u

/* A thread that is cancelled in here would leave the lock taken for ever. */
static int cancel_off(void)
{
	int before;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
	return before;
}

/* The word: the owner's thread in the lower half, above it how often it has taken it. */
#define ONCE (UINT64_C(1) << 32)

static uint32_t *owner_of(struct process *process)
{
	return (uint32_t *)(void *)&process->control; /* the lower half: all are little-endian */
}

static uint64_t look(const struct process *process)
{
	return __atomic_load_n(&process->control, __ATOMIC_RELAXED);
}

/* A handler that takes it and lets it go, in between, leaves the word as it was. */
static bool try_lock(struct process *process, uint32_t tid, int cancel_state)
{
	uint64_t word = 0;
	if (__atomic_compare_exchange_n(&process->control, &word, ONCE | tid, false,
					__ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
		/* A handler may have forked since the caller asked for its number. */
		for (uint32_t now = prim_tid(); now != tid; now = prim_tid()) {
			tid = now;
			__atomic_store_n(&process->control, ONCE | tid, __ATOMIC_RELAXED);
		}
		process->control_cancel_state = cancel_state;
		return true;
	}
	if ((uint32_t)word != tid)
		return false;
	__atomic_store_n(&process->control, word + ONCE, __ATOMIC_RELAXED);
	return true;
}

/* Whoever changes filters all the time would have the lock again before rill_stop() gets it. */
static void let_stop_go_first(const struct process *process, uint32_t tid)
{
	if (stopping() && (uint32_t)look(process) != tid)
		prim_sleep(2000000);
}

void control_lock(void)
{
	struct process *process = process_page();
	int cancel_state = cancel_off();
	uint32_t tid = prim_tid();
	let_stop_go_first(process, tid);
	while (!try_lock(process, tid, cancel_state)) {
		__atomic_add_fetch(&process->control_waiters, 1, __ATOMIC_SEQ_CST);
		uint32_t owner = (uint32_t)look(process);
		if (owner)
			prim_futex_wait(owner_of(process), owner, WAIT_NS);
		__atomic_sub_fetch(&process->control_waiters, 1, __ATOMIC_RELAXED);
	}
}

bool control_trylock(void)
{
	int cancel_state = cancel_off();
	if (try_lock(process_page(), prim_tid(), cancel_state))
		return true;
	pthread_setcancelstate(cancel_state, NULL);
	return false;
}

void control_unlock(void)
{
	struct process *process = process_page();
	uint64_t word = look(process);
	/* Not its own: this is a child that was made under the lock. */
	if ((uint32_t)word != prim_tid())
		return;
	if (word >= 2 * ONCE) {
		__atomic_store_n(&process->control, word - ONCE, __ATOMIC_RELAXED);
		return;
	}
	int cancel_state = process->control_cancel_state;
	__atomic_store_n(&process->control, 0, __ATOMIC_SEQ_CST);
	/* Pairs with the add in control_lock(), which comes before the kernel's look at the word.
	 */
	if (__atomic_load_n(&process->control_waiters, __ATOMIC_SEQ_CST))
		prim_futex_wake(owner_of(process), 1);
	pthread_setcancelstate(cancel_state, NULL);
}

/* --- fork ---------------------------------------------------------------------------------- */

static int fork_cancel_state;

static void before_fork(void)
{
	control_lock();
	fork_cancel_state = process_page()->control_cancel_state;
	forked_before();
}

/* All of the lock was wiped. */
static void in_child(void)
{
	process_in_child();
	forked_in_child();
	pthread_setcancelstate(fork_cancel_state, NULL);
}

__attribute__((constructor(101))) static void hold_lock_over_fork(void)
{
	pthread_atfork(before_fork, control_unlock, in_child);
}
