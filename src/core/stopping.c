#include "core/stopping.h"

#include "core/core.h"

/* Together with what else a program does at its end it stays below 0.1 s. */
#define STALL_NS UINT64_C(80000000)
#define MOST_NS  UINT64_C(2000000000)

void stopping_begin(void)
{
	struct process *process = process_peek();
	if (!process || __atomic_fetch_add(&process->stops, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	uint64_t now_ns = prim_monotonic_ns();
	__atomic_store_n(&process->stop_moved_ns, now_ns, __ATOMIC_RELAXED);
	__atomic_store_n(&process->stop_began_ns, now_ns, __ATOMIC_RELEASE);
}

void stopping_end(void)
{
	struct process *process = process_peek();
	if (process)
		__atomic_fetch_sub(&process->stops, 1, __ATOMIC_ACQ_REL);
}

bool stopping(void)
{
	const struct process *process = process_peek();
	return process && __atomic_load_n(&process->stops, __ATOMIC_ACQUIRE) != 0;
}

void stopping_moved(void)
{
	struct process *process = process_peek();
	if (process && __atomic_load_n(&process->stops, __ATOMIC_RELAXED) != 0)
		__atomic_store_n(&process->stop_moved_ns, prim_monotonic_ns(), __ATOMIC_RELAXED);
}

/* share: a number of quarters. */
static uint64_t until_ns(uint64_t moved_ns, bool runs, unsigned share)
{
	const struct process *process = process_peek();
	uint64_t began_ns =
		process ? __atomic_load_n(&process->stop_began_ns, __ATOMIC_ACQUIRE) : 0;
	uint64_t set_ns = rill__settings.exit_timeout_ns;
	uint64_t end_ns = began_ns + (set_ns ? set_ns : MOST_NS) / 4 * share;
	if (set_ns || runs)
		return end_ns;
	uint64_t stalled_ns = (moved_ns > began_ns ? moved_ns : began_ns) + STALL_NS / 4 * share;
	return stalled_ns < end_ns ? stalled_ns : end_ns;
}

uint64_t stopping_until_ns(bool runs)
{
	const struct process *process = process_peek();
	return until_ns(process ? __atomic_load_n(&process->stop_moved_ns, __ATOMIC_RELAXED) : 0,
			runs, 4);
}

uint64_t stopping_sink_until_ns(uint64_t moved_ns, bool runs)
{
	return until_ns(moved_ns, runs, 3);
}
