/*
 * The slow path of an event: the thread's first, a handler's, a child's, a ring that wraps or is
 * full, a gate that has closed meanwhile. Signal-safe, keeps errno.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "core/clock.h"
#include "core/core.h"
#include "core/diagnose.h"

/* A thread before its first event: odd for ever, so that every emit takes the slow path. */
static struct rill__producer nobody = {.state = 1};

__thread struct rill__producer *rill__me = &nobody;

/* The thread is in producer_reserve(). */
static __thread bool reserving __attribute__((tls_model("initial-exec")));

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
	if (!producer_fences()) {
		/* Without a process nobody emits, and nothing has been registered. */
		if (!process_peek() || prim_membarrier())
			return true;
		if (!__atomic_exchange_n(&without_membarrier, true, __ATOMIC_RELAXED))
			rill__diagnose(__func__,
				       "the kernel does not offer membarrier(2) any more: each "
				       "event takes a full fence, and the collector looks at the "
				       "rings 100 times a second");
	}
	/* The caller's own half: the other one is in enter(). */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
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
	if (ring->ending) {
		ring->ending = false;
		__atomic_sub_fetch(&process->ending, 1, __ATOMIC_RELAXED);
	}
	struct rill__producer *producer = &ring->producer;
	/* Cancelled, or left by siglongjmp(): what was being written was never published. */
	if (producer->state & 1) {
		__atomic_add_fetch(&process->repaired, 1, __ATOMIC_RELAXED);
		leave(producer);
	}
	__atomic_store_n(&ring->status, RING_LEFT, __ATOMIC_RELEASE);
	rill__notify(producer);
}

/* By pthread_exit(): from now on the collector looks whether there is anybody left but itself. */
static void main_ended(struct process *process)
{
	uint32_t sleeping = WAKE_SLEEPING;
	__atomic_store_n(&process->main_ended, 1, __ATOMIC_SEQ_CST);
	if (__atomic_compare_exchange_n(&process->wake, &sleeping, WAKE_TOLD, false,
					__ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		prim_futex_wake(&process->wake, 1);
}

/* A ring with those that the thread had before it, and those of its handlers. */
static void give_up_all(struct process *process, struct ring *ring)
{
	for (struct ring *older; ring; ring = older) {
		struct rill__producer *nested = ring->producer.nested;
		older = ring->older;
		if (nested)
			give_up_all(process, ring_of(nested));
		give_up(process, ring);
	}
}

/* This thread's end was noticed: its other keys' destructors may emit, and only so often is this
 * one called again (PTHREAD_DESTRUCTOR_ITERATIONS). */
static __thread bool ending __attribute__((tls_model("initial-exec")));

static void thread_exit(void *value)
{
	sigset_t before;
	(void)value;
	ending = true;
	prim_block_signals(&before);
	struct rill__producer *me = rill__me;
	struct process *process = process_peek();
	if (process && prim_tid() == process->pid)
		main_ended(process);
	/* Without a ring it is of a parent's: wiped. */
	if (process && me->ring) {
		rill__me = &nobody;
		give_up_all(process, ring_of(me));
	}
	prim_restore_signals(&before);
}

void producer_reap(struct process *process)
{
	for (uint32_t i = 0; i < ring_count(process); i++) {
		struct ring *ring = ring_at(process, i);
		if (__atomic_load_n(&ring->status, __ATOMIC_ACQUIRE) == RING_OWNED &&
		    ring->ending && !prim_thread_exists(ring->tid))
			give_up_all(process, ring);
	}
}

/* Beyond so many keys of the program's, glibc takes memory for the first value of one. */
#define KEYS_WITHOUT_MALLOC 32u

/* Has the ring given up at its thread's end. */
static void notice_exit(struct ring *ring)
{
	if (!__atomic_load_n(&thread_key_made, __ATOMIC_ACQUIRE) ||
	    (thread_key >= KEYS_WITHOUT_MALLOC && prim_in_signal_handler()))
		return;
	ring->noticed = pthread_setspecific(thread_key, ring) == 0;
	if (!ring->noticed)
		rill__diagnose(__func__, "no memory to learn of a thread's end: its ring is kept");
}

/*
 * A ring in the place of `found`, which is what *link was when that was decided. Signals are
 * blocked, so that neither a handler nor a fork() in one comes in between; if one came before,
 * *link has what it left there. NULL: the bounds are reached.
 */
static struct rill__producer *attach(struct rill__producer **link, struct rill__producer *found,
				     enum ring_kind kind, struct ring *older)
{
	sigset_t before;
	prim_block_signals(&before);
	struct rill__producer *producer = *link;
	if (producer == found) {
		struct ring *ring = ring_take(process_get(), kind);
		if (ring)
			ring->older = older;
		if (ring && kind == RING_MAIN)
			notice_exit(ring);
		if (ring && ending && kind == RING_MAIN) {
			ring->ending = true;
			__atomic_add_fetch(&process_get()->ending, 1, __ATOMIC_RELAXED);
		}
		producer = ring ? &ring->producer : NULL;
		if (ring)
			*link = producer;
	}
	prim_restore_signals(&before);
	return producer;
}

/*
 * An emit found its ring inside a section: this is a handler that interrupted it, or the section
 * was left for good (siglongjmp, a C++ throw). A handler's frames lie below the interrupted one's,
 * or on another stack. What lies above on the same stack is left for good, and the ring is used
 * again. Else that is a guess, and if it is wrong - stacks that handlers switch - nothing breaks:
 * the old ring stays mapped and is drained, and is given up only with its thread; a filter change
 * does not wait for it any more. The handler's own ring may be inside a section in turn.
 */
static struct rill__producer *interrupted(struct rill__producer *me, uint64_t mark)
{
	struct rill__producer **link = &rill__me, *producer = me;
	for (uint32_t level = 0; level < RING_LEVELS; level++) {
		enum ring_kind kind = level == 0 ? RING_MAIN : RING_NESTED;
		if (!producer)
			return attach(link, NULL, kind, NULL);
		uint64_t saved = __atomic_load_n(&producer->state, __ATOMIC_RELAXED);
		if (!(saved & 1))
			return producer;
		if (mark >= saved && !prim_on_other_signal_stack(saved)) {
			struct ring *left = ring_of(producer);
			__atomic_add_fetch(&process_get()->repaired, 1, __ATOMIC_RELAXED);
			if (prim_one_stack(saved, mark)) {
				/* It may have been left when its record was published already. */
				producer->position =
					__atomic_load_n(producer->head, __ATOMIC_RELAXED);
				leave(producer);
				return producer;
			}
			__atomic_store_n(&left->abandoned, 1, __ATOMIC_RELEASE);
			return attach(link, producer, kind, left);
		}
		link = &producer->nested;
		producer = *link;
	}
	return NULL;
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
	uint32_t state =
		process ? __atomic_load_n(&process->collector, __ATOMIC_RELAXED) : COLLECTOR_NONE;
	return state == COLLECTOR_STARTING || state == COLLECTOR_STARTED;
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

/* A child is without a collector until an event that is no handler's: starting one takes memory,
 * which a handler may have interrupted. Not for one that shares its parent's memory (vfork). */
static void seek_collector(struct process *process)
{
	if (__atomic_load_n(&process->collector, __ATOMIC_RELAXED) == COLLECTOR_NONE &&
	    (!process->forked_pid || process->forked_pid == prim_pid()) &&
	    !prim_in_signal_handler())
		rill__need_collector(process);
}

struct rill__place producer_reserve(const struct rill__gate *gate, uint32_t event, uint64_t size,
				    uint64_t mark, uint64_t inside)
{
	int saved_errno = errno, cancel_state;
	bool outer = reserving; /* a handler interrupted that */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state); /* or it dies with a lock */
	reserving = true;
	RILL__COMPILER_BARRIER(); /* pairs with producer_inside(), in a handler */
	struct rill__producer *me = rill__me;

	if (!me->ring) /* nobody, or on a wiped page: a child */
		me = attach(&rill__me, me, RING_MAIN, NULL);
	else if (__atomic_load_n(&me->state, __ATOMIC_RELAXED) & 1)
		me = interrupted(me, mark);
	struct rill__place place =
		me ? reserve(me, gate, event, size, inside) : lost(NULL, gate, event, false);
	if (me && !ring_of(me)->noticed && ring_of(me)->kind == RING_MAIN)
		notice_exit(ring_of(me));
	RILL__COMPILER_BARRIER();
	reserving = outer;
	struct process *process = process_peek();
	if (!place.producer && process)
		seek_collector(process);
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
	seek_collector(process);
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

/* --- fork ---------------------------------------------------------------------------------- */

struct rill__producer *producer_inside(void)
{
	struct rill__producer *me = rill__me;
	return me->ring && (reserving || (me->state & 1)) ? me : NULL;
}

void producer_detach(void)
{
	rill__me = &nobody;
}

/* --- start-up ------------------------------------------------------------------------------ */

__attribute__((constructor(101))) static void producer_init(void)
{
	if (pthread_key_create(&thread_key, thread_exit) != 0)
		return;
	__atomic_store_n(&thread_key_made, true, __ATOMIC_RELEASE);
	/* Its end is to be seen even if it never emits. */
	if (prim_tid() == prim_pid())
		pthread_setspecific(thread_key, &nobody);
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
