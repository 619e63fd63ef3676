/*
 * The slow path of an event: the thread's first, a handler's, a child's, a ring that wraps or is
 * full, a gate that has closed meanwhile. Signal-safe, keeps errno.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "core/clock.h"
#include "core/core.h"
#include "core/diagnose.h"

/* Their state is odd for ever, so that every emit takes the slow path. */
static struct rill__producer nobody = {.state = 1};    /* a thread before its first event */
static struct rill__producer attaching = {.state = 1}; /* making its ring: a handler gets none */

__thread struct rill__producer *rill__me = &nobody;

static pthread_key_t thread_key;
static bool thread_key_made;
static bool without_membarrier; /* from the start, or from now on */
static bool without_counter;

bool producer_fences(void)
{
	return __atomic_load_n(&without_membarrier, __ATOMIC_RELAXED);
}

/*
 * A filter that came after the start may have taken membarrier(2) away. From then on every event
 * takes the slow path, with its fence; a thread that is still on the fast one gets there when it
 * next looks for room.
 */
bool producer_membarrier(void)
{
	if (producer_fences())
		return false;
	/* Without a process nobody emits, and nothing has been registered. */
	if (!process_peek() || prim_membarrier())
		return true;
	if (!__atomic_exchange_n(&without_membarrier, true, __ATOMIC_RELAXED))
		rill__diagnose(__func__,
			       "the kernel does not offer membarrier(2) any more: each event takes "
			       "a full fence, and the collector looks at the rings 100 times a "
			       "second");
	return false;
}

static struct ring *ring_of(struct rill__producer *producer)
{
	return (struct ring *)producer->ring;
}

/* --- sections ------------------------------------------------------------------------------ */

/* With a full fence, which costs nothing here: so a thread's first section needs no membarrier. */
static void enter(struct rill__producer *producer, uint64_t mark)
{
	__atomic_store_n(&producer->state, mark, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST); /* pairs with producer_synchronize() */
}

static void leave(struct rill__producer *producer)
{
	__atomic_store_n(&producer->slow_seq, producer->slow_seq + 1, __ATOMIC_RELAXED);
	__atomic_store_n(&producer->state, 0, __ATOMIC_RELEASE);
}

static uint64_t now_ticks(void)
{
	return without_counter ? prim_monotonic_ns() : rill__ticks();
}

/* --- a thread's rings ---------------------------------------------------------------------- */

/* Hands a ring to the collector. The thread is not inside a section of it any more. */
static void give_up(struct process *process, struct ring *ring)
{
	struct rill__producer *producer = &ring->producer;
	/* Cancelled, or left by siglongjmp(): what was being written was never published. */
	if (producer->state & 1) {
		__atomic_add_fetch(&process->repaired, 1, __ATOMIC_RELAXED);
		leave(producer);
	}
	__atomic_store_n(&ring->status, RING_LEFT, __ATOMIC_RELEASE);
	rill__notify(producer);
}

static void thread_exit(void *value)
{
	struct rill__producer *me = rill__me;
	struct process *process = process_peek();
	(void)value;
	if (!process || me == &nobody || me == &attaching || !me->ring)
		return; /* of a parent's: wiped */
	rill__me = &nobody;
	for (struct ring *ring = ring_of(me), *older; ring; ring = older) {
		older = ring->older;
		if (ring->producer.nested)
			give_up(process, ring_of(ring->producer.nested));
		give_up(process, ring);
	}
}

/*
 * The calling thread's first event in this process: a ring, and notice when the thread ends.
 * `found` is what rill__me was when that was decided: a handler may have attached since.
 */
static struct rill__producer *attach(struct rill__producer *found, struct ring *older)
{
	struct rill__producer *before =
		__atomic_exchange_n(&rill__me, &attaching, __ATOMIC_RELAXED);
	if (before != found) {
		rill__me = before;
		return before == &attaching ? NULL : before;
	}
	struct process *process = process_get();
	struct ring *ring = ring_take(process, RING_MAIN);
	if (!ring) {
		rill__me = found;
		return NULL;
	}
	ring->older = older;
	if (__atomic_load_n(&thread_key_made, __ATOMIC_ACQUIRE) &&
	    pthread_setspecific(thread_key, ring) != 0)
		rill__diagnose(__func__, "no memory to learn of a thread's end: its ring is kept");
	rill__me = &ring->producer;
	uint32_t none = COLLECTOR_NONE;
	if (__atomic_load_n(&process->collector, __ATOMIC_RELAXED) == COLLECTOR_NONE &&
	    __atomic_compare_exchange_n(&process->collector, &none, COLLECTOR_STARTING, false,
					__ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		rill__need_collector(process);
	return rill__me;
}

/*
 * An emit found its ring inside a section: this is a handler that interrupted it, or the section
 * was left for good (siglongjmp, a C++ throw). A handler's frames lie below the interrupted one's,
 * or on another stack. If the guess `left` is wrong - stacks that handlers switch - nothing breaks:
 * the old ring stays mapped and is drained, and is given up only with its thread; a filter change
 * does not wait for it any more.
 */
static struct rill__producer *interrupted(struct rill__producer *me, uint64_t mark)
{
	struct process *process = process_get();
	uint64_t saved = __atomic_load_n(&me->state, __ATOMIC_RELAXED);
	if (mark >= saved && !prim_on_other_signal_stack(saved)) {
		__atomic_add_fetch(&process->repaired, 1, __ATOMIC_RELAXED);
		__atomic_store_n(&ring_of(me)->abandoned, 1, __ATOMIC_RELEASE);
		return attach(me, ring_of(me));
	}
	if (!me->nested) {
		struct rill__producer *none = NULL;
		struct ring *ring = ring_take_nested(process);
		if (!ring)
			return NULL;
		/* A second handler may have been here since the look. */
		if (!__atomic_compare_exchange_n(&me->nested, &none, &ring->producer, false,
						 __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			ring_give_back(process, ring);
	}
	/* A handler that interrupts a handler's emit: there is no third ring. */
	return __atomic_load_n(&me->nested->state, __ATOMIC_RELAXED) & 1 ? NULL : me->nested;
}

/* --- room ---------------------------------------------------------------------------------- */

void producer_kick(struct process *process)
{
	uint32_t napping = WAKE_NAPPING;
	__atomic_thread_fence(__ATOMIC_SEQ_CST); /* pairs with the one in the collector's nap() */
	if (__atomic_load_n(&process->wake, __ATOMIC_RELAXED) == WAKE_NAPPING &&
	    __atomic_compare_exchange_n(&process->wake, &napping, WAKE_TOLD, false,
					__ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		prim_futex_wake(&process->wake, 1);
}

/*
 * Sets write and limit for a record of size bytes at head. False: there is no room.
 *
 * limit stops short of three things: the room that tail leaves (less the reserve), the end of the
 * double mapping, and once on the way the half-full mark, where a napping collector is told.
 */
static bool make_room(struct rill__producer *producer, uint64_t head, uint64_t size, bool reserve)
{
	struct ring *ring = ring_of(producer);
	uint64_t tail = __atomic_load_n(&ring->file->tail, __ATOMIC_ACQUIRE);
	uint64_t base = head & ~(ring->data_bytes - 1);
	uint64_t room = tail + ring->data_bytes - ring->data_bytes / RESERVE_FRACTION;
	uint64_t half = tail + ring->data_bytes / 2;
	producer->write = ring->data - base;
	uint64_t limit = room;
	if (head + size <= half)
		limit = half;
	else
		producer_kick(process_get());
	if (limit > base + 2 * ring->data_bytes)
		limit = base + 2 * ring->data_bytes;
	/* Without membarrier or a usable counter every record comes this way. */
	producer->limit = producer_fences() || without_counter ? 0 : limit;
	return head + size <= (reserve ? tail + ring->data_bytes : limit);
}

/* A collector that is at work makes room within its next stretch: less than a sleep would take. */
#define SPIN_FOR_ROOM_NS 40000u
/* One that is not at work, with more threads than cores for instance, needs the core. */
#define SLEEPS_AFTER_SPIN 16u

static bool room_soon(const struct ring *ring, uint64_t needed, uint64_t until_ns)
{
	do {
		for (int i = 0; i < 64; i++)
			prim_cpu_relax();
		if ((int64_t)(__atomic_load_n(&ring->file->tail, __ATOMIC_ACQUIRE) - needed) >= 0)
			return true;
	} while (prim_monotonic_ns() < until_ns);
	return false;
}

/* Policy `block`: waits, outside any section, until the collector has made room. */
static bool wait_for_room(struct ring *ring, uint64_t head, uint64_t size, uint64_t deadline_ns)
{
	uint64_t needed = head + size + ring->data_bytes / RESERVE_FRACTION - ring->data_bytes;
	for (;;) {
		uint64_t now = prim_monotonic_ns();
		if (now >= deadline_ns)
			return false;
		producer_kick(process_get());
		if (ring->sleeps > 0)
			ring->sleeps--;
		else if (room_soon(ring, needed, now + SPIN_FOR_ROOM_NS))
			return true;
		else
			ring->sleeps = SLEEPS_AFTER_SPIN;
		uint32_t room = __atomic_load_n(&ring->room, __ATOMIC_ACQUIRE);
		__atomic_store_n(&ring->waiting, 1, __ATOMIC_SEQ_CST);
		if ((int64_t)(__atomic_load_n(&ring->file->tail, __ATOMIC_SEQ_CST) - needed) >= 0)
			return true;
		uint64_t left = deadline_ns - now;
		prim_futex_wait(&ring->room, room, left < 10000000 ? left : 10000000);
	}
}

/* Collector, after it has stored tail. Pairs with the SEQ_CST store and load in wait_for_room(). */
void producer_room(struct ring *ring)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(&ring->waiting, __ATOMIC_RELAXED)) {
		__atomic_store_n(&ring->waiting, 0, __ATOMIC_RELAXED);
		__atomic_add_fetch(&ring->room, 1, __ATOMIC_RELEASE);
		prim_futex_wake(&ring->room, 1);
	}
}

/* --- the slow path ------------------------------------------------------------------------- */

static const struct rill__place no_place;

static struct rill__place lost(struct rill__producer *me, const struct rill__gate *gate,
			       uint32_t event, bool filtered)
{
	ring_count_loss(me && me->ring ? ring_of(me) : NULL, gate->catalog_tag >> 24, event,
			filtered);
	return no_place;
}

/* False: nobody would ever make room. */
static bool collector_runs(void)
{
	struct process *process = process_peek();
	return process && __atomic_load_n(&process->collector, __ATOMIC_RELAXED) != COLLECTOR_NONE;
}

static bool never_lost(const struct rill__gate *gate, uint32_t event)
{
	const struct catalog_entry *entry = registry_entry(gate->catalog_tag >> 24);
	return entry && (entry->catalog->events[event].flags & RILL_LOSS_NEVER);
}

/* Outside a section of `me`: enter, look again, find room; by policy wait for it. */
static struct rill__place reserve(struct rill__producer *me, const struct rill__gate *gate,
				  uint32_t event, uint64_t size, uint64_t mark)
{
	struct ring *ring = ring_of(me);
	uint64_t deadline_ns = 0;
	for (;;) {
		enter(me, mark);
		if (!rill__gate_open(gate, event)) {
			leave(me);
			return lost(me, gate, event, true);
		}
		uint64_t position = me->position;
		if (size <= ring_max_record(ring) &&
		    make_room(me, position, size, never_lost(gate, event))) {
			__atomic_store_n(&me->slow_seq, me->slow_seq + 1, __ATOMIC_RELAXED);
			me->ticks = now_ticks();
			return (struct rill__place){me, position};
		}
		leave(me);
		if (ring->kind == RING_NESTED || rill__settings.policy != RILL_BLOCK ||
		    size > ring_max_record(ring) || !collector_runs())
			return lost(me, gate, event, false);
		if (!deadline_ns)
			deadline_ns = prim_monotonic_ns() + rill__settings.block_timeout_ns;
		if (!wait_for_room(ring, position, size, deadline_ns))
			return lost(me, gate, event, false);
	}
}

struct rill__place producer_reserve(const struct rill__gate *gate, uint32_t event, uint64_t size,
				    uint64_t mark, uint64_t inside)
{
	int saved_errno = errno, cancel_state;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state); /* or it dies with a lock */
	struct rill__producer *me = rill__me;

	if (me == &attaching)
		me = NULL;
	else if (!me->ring) /* nobody, or on a wiped page: a child */
		me = attach(me, NULL);
	else if (__atomic_load_n(&me->state, __ATOMIC_RELAXED) & 1)
		me = interrupted(me, mark);
	struct rill__place place =
		me ? reserve(me, gate, event, size, inside) : lost(NULL, gate, event, false);
	pthread_setcancelstate(cancel_state, NULL);
	errno = saved_errno;
	return place;
}

/* --- telling the collector ----------------------------------------------------------------- */

/* How long a WAKE_TOLD may stand before somebody else tells again: its teller may have died. */
#define TELL_AGAIN_NS 1000000u

/*
 * The record is published. `armed` stays 1 until the collector has taken the ring: only it writes
 * that word, so that a teller that is slow or dies here leaves nothing behind.
 */
void rill__notify(struct rill__producer *producer)
{
	struct process *process = process_peek();
	struct ring *ring = ring_of(producer);
	if (!process || !ring)
		return;
	int saved_errno = errno;
	uint64_t *word = &process->pending[ring->index / 64];
	uint64_t bit = UINT64_C(1) << ring->index % 64;
	/* Pairs with collector_sleep(): it stores WAKE_SLEEPING and then reads pending. */
	if (!(__atomic_load_n(word, __ATOMIC_RELAXED) & bit))
		__atomic_fetch_or(word, bit, __ATOMIC_SEQ_CST);
	uint32_t wake = __atomic_load_n(&process->wake, __ATOMIC_SEQ_CST);
	if (wake == WAKE_SLEEPING) {
		if (__atomic_compare_exchange_n(&process->wake, &wake, WAKE_TOLD, false,
						__ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) {
			__atomic_store_n(&process->told_ticks, prim_monotonic_ns(),
					 __ATOMIC_RELAXED);
			prim_futex_wake(&process->wake, 1);
		}
	} else if (wake == WAKE_TOLD) {
		uint64_t now = prim_monotonic_ns();
		if (now - __atomic_load_n(&process->told_ticks, __ATOMIC_RELAXED) > TELL_AGAIN_NS) {
			__atomic_store_n(&process->told_ticks, now, __ATOMIC_RELAXED);
			prim_futex_wake(&process->wake, 1);
		}
	}
	errno = saved_errno;
}

/* --- waiting for sections ------------------------------------------------------------------ */

/* No store waits in a core's buffer for so long: instead of a membarrier(2) that has failed. */
#define STORE_BUFFER_NS  2000000u
#define PATIENCE_NS      UINT64_C(10000000000)
#define EXIT_PATIENCE_NS UINT64_C(100000000)

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

/* Waits until this section is over. One that was given up on before is not waited for again. */
static bool section_over(struct ring *ring, uint64_t deadline_ns)
{
	struct section first = section_of(ring);
	if (!(first.state & 1) || __atomic_load_n(&ring->abandoned, __ATOMIC_ACQUIRE))
		return true;
	if (same_section(first, ring->given_up))
		return false;
	for (unsigned tries = 0; same_section(first, section_of(ring)); tries++) {
		if (tries < 64) {
			sched_yield();
		} else if (prim_monotonic_ns() < deadline_ns) {
			prim_sleep(50000);
		} else {
			ring->given_up = first;
			return false;
		}
	}
	return true;
}

int producer_synchronize(bool at_exit)
{
	int result = 0;
	/* Pairs with the barrier after a section's first store. */
	if (!producer_membarrier())
		prim_sleep(STORE_BUFFER_NS);
	struct process *process = process_peek();
	if (!process)
		return 0;
	uint64_t deadline_ns = prim_monotonic_ns() + (at_exit ? EXIT_PATIENCE_NS : PATIENCE_NS);
	for (uint32_t i = 0; i < ring_count(process); i++)
		if (!section_over(ring_at(process, i), deadline_ns))
			result = -EBUSY;
	return result;
}

/*
 * fork() in a handler that interrupted an emit.
 *
 * The child returns into that emit, whose producer is wiped. What it still writes goes here, to
 * nobody. (If it had its addresses in registers already, it writes once more what the parent's
 * thread writes there too.)
 */
static unsigned char scratch[MIN_RING_BYTES];
static uint64_t scratch_head;
static struct rill__producer *interrupted_by_fork;
static uint64_t interrupted_position;

void producer_before_fork(void)
{
	struct rill__producer *me = rill__me;
	bool inside = me != &nobody && me != &attaching && me->ring && (me->state & 1) &&
		      ring_max_record(ring_of(me)) <= sizeof scratch;
	interrupted_by_fork = inside ? me : NULL;
	interrupted_position = inside ? me->position : 0;
}

void producer_in_child(void)
{
	struct rill__producer *me = interrupted_by_fork;
	if (!me)
		return;
	me->write = (unsigned char *)((uintptr_t)scratch - interrupted_position);
	me->head = &scratch_head;
	rill__me = &nobody; /* its next event makes it a ring */
}

/* --- start-up ------------------------------------------------------------------------------ */

__attribute__((constructor(101))) static void producer_init(void)
{
	if (pthread_key_create(&thread_key, thread_exit) == 0)
		__atomic_store_n(&thread_key_made, true, __ATOMIC_RELEASE);
	else
		rill__diagnose(__func__,
			       "the process has no thread-specific key left: the rings of threads "
			       "that end are kept");
}

void producer_new_process(void)
{
	without_counter = !clock_counter_usable();
	without_membarrier = !prim_membarrier_register();
	if (without_membarrier)
		rill__diagnose(__func__,
			       "the kernel offers no membarrier(2): each event takes a full "
			       "fence, and the collector looks at the rings 100 times a second");
}
