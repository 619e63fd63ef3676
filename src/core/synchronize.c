/* Waiting until no thread is inside a section that began before: after a filter change, before an
 * object is unloaded. */
#include <errno.h>
#include <sched.h>

#include "core/core.h"
#include "core/stopping.h"

#define PATIENCE_NS       UINT64_C(10000000000)
#define BRIEF_PATIENCE_NS UINT64_C(30000000)
/* In spite of brief patience a thread that was interrupted in its section gets a core: its record
 * would be lost. It runs for less than this until it has left the section. (A handler that
 * interrupted it and calls exit() does not leave it.) */
#define SECTION_CPU_NS UINT64_C(5000000)
#define WANTS_CORE_NS  UINT64_C(1000000000)

/* The same frame may be in its next section: then head or slow_seq has moved. */
static struct section section_of(const struct ring *ring)
{
	const struct rill__producer *producer = &ring->producer;
	struct section section = {__atomic_load_n(&producer->state, __ATOMIC_ACQUIRE), 0, 0};
	if (section.state & 1) {
		section.head = __atomic_load_n(&ring_file(ring)->head, __ATOMIC_ACQUIRE);
		section.seq = __atomic_load_n(&producer->slow_seq, __ATOMIC_ACQUIRE);
	}
	return section;
}

static bool same_section(struct section a, struct section b)
{
	return a.state == b.state && a.head == b.head && a.seq == b.seq;
}

/* The patience of a wait. */
struct patience {
	uint64_t began_ns;
	bool brief;
};

static bool patience_ends(const struct patience *patience, const struct ring *ring, uint64_t cpu_ns)
{
	uint64_t waited_ns = prim_monotonic_ns() - patience->began_ns;
	if (waited_ns < BRIEF_PATIENCE_NS)
		return false;
	if (!patience->brief && !stopping())
		return waited_ns >= PATIENCE_NS;
	return !prim_thread_runs(ring->tid) ||
	       prim_thread_cpu_ns(ring->tid) - cpu_ns >= SECTION_CPU_NS ||
	       waited_ns >= WANTS_CORE_NS;
}

/* Waits until this section is over. One that was given up on before is not waited for again. */
static bool section_over(struct ring *ring, const struct patience *patience)
{
	struct section first = section_of(ring);
	if (!(first.state & 1) || __atomic_load_n(&ring->abandoned, __ATOMIC_ACQUIRE))
		return true;
	if (same_section(first, ring->given_up))
		return false;
	uint64_t cpu_ns = prim_thread_cpu_ns(ring->tid);
	for (unsigned tries = 0; same_section(first, section_of(ring)); tries++) {
		if (tries < 64) {
			sched_yield();
		} else if (!patience_ends(patience, ring, cpu_ns)) {
			prim_sleep(50000);
		} else {
			ring->given_up = first;
			return false;
		}
	}
	return true;
}

/* No store waits in a core's buffer for so long: instead of a membarrier(2) that has failed. */
#define STORE_BUFFER_NS 2000000u

int producer_synchronize(bool briefly)
{
	int result = 0;
	/* Pairs with the barrier after a section's first store. */
	if (!producer_membarrier())
		prim_sleep(STORE_BUFFER_NS);
	struct process *process = process_peek();
	if (!process)
		return 0;
	const struct patience patience = {prim_monotonic_ns(), briefly};
	for (uint32_t i = 0; i < ring_count(process); i++)
		if (!section_over(ring_at(process, i), &patience))
			result = -EBUSY;
	return result;
}
