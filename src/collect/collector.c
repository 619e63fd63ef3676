/* The collector's thread: its rounds, its messages, its sleep. */
#include "collect/collector.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collect/state.h"
#include "core/diagnose.h"

#define CLOCK_EVERY_NS  100000000u
#define COUNTS_EVERY_NS 1000000000u

/* --- active rings -------------------------------------------------------------------------- */

bool collector_room(struct collector *collector, uint32_t capacity)
{
	struct ring **active = realloc(collector->active, capacity * sizeof *active);
	if (active)
		collector->active = active;
	struct cursor *cursors = realloc(collector->cursors, capacity * sizeof *cursors);
	if (cursors)
		collector->cursors = cursors;
	if (!active || !cursors)
		return false;
	collector->capacity = capacity;
	return true;
}

static bool make_capacity(struct collector *collector)
{
	return collector->nactive < collector->capacity ||
	       collector_room(collector, 2 * collector->capacity);
}

static void activate(struct collector *collector, struct ring *ring)
{
	/* A pending bit may be older than the ring's thread: it may even be a spare by now. Or it
	 * was set by an event that a fork in a handler has brought here. */
	if (!ring || !ring_file(ring))
		return;
	/* Without memory it is its turn when another one has been let go. */
	if (!ring->active && !make_capacity(collector)) {
		__atomic_fetch_or(&collector->process->pending[ring->index / 64],
				  UINT64_C(1) << ring->index % 64, __ATOMIC_RELAXED);
		return;
	}
	__atomic_store_n(&ring->producer.armed, 0, __ATOMIC_RELAXED);
	if (ring->active)
		return;
	ring->active = true;
	ring->idle_since_ns = 0;
	collector->active[collector->nactive++] = ring;
}

static void take_pending(struct collector *collector)
{
	struct process *process = collector->process;
	uint32_t words = (ring_count(process) + 63) / 64;
	for (uint32_t w = 0; w < words; w++) {
		if (!__atomic_load_n(&process->pending[w], __ATOMIC_RELAXED))
			continue;
		uint64_t bits = __atomic_exchange_n(&process->pending[w], 0, __ATOMIC_ACQ_REL);
		for (; bits; bits &= bits - 1)
			activate(collector,
				 ring_at(process, w * 64 + (uint32_t)__builtin_ctzll(bits)));
	}
}

static bool any_pending(struct process *process)
{
	uint32_t words = (ring_count(process) + 63) / 64;
	for (uint32_t w = 0; w < words; w++)
		if (__atomic_load_n(&process->pending[w], __ATOMIC_SEQ_CST))
			return true;
	return false;
}

static void activate_all(struct collector *collector)
{
	for (uint32_t i = 0; i < ring_count(collector->process); i++) {
		struct ring *ring = ring_at(collector->process, i);
		if (ring_file(ring) &&
		    __atomic_load_n(&ring->file->head, __ATOMIC_ACQUIRE) != ring->tail)
			activate(collector, ring);
	}
}

static bool is_empty(const struct ring *ring)
{
	return __atomic_load_n(&ring->file->head, __ATOMIC_ACQUIRE) == ring->tail;
}

/*
 * Lets go of the rings that have been empty for a while: arms each, makes sure by membarrier that a
 * producer that missed it has its record seen here, and looks again.
 */
static void disarm_idle(struct collector *collector, uint64_t now_ns)
{
	uint32_t candidates = 0;
	for (uint32_t i = 0; i < collector->nactive; i++) {
		struct ring *ring = collector->active[i];
		bool left = __atomic_load_n(&ring->status, __ATOMIC_ACQUIRE) == RING_LEFT;
		if (!is_empty(ring))
			ring->idle_since_ns = 0;
		else if (!ring->idle_since_ns)
			ring->idle_since_ns = now_ns;
		if (ring->idle_since_ns && (left || now_ns - ring->idle_since_ns >= LINGER_NS)) {
			__atomic_store_n(&ring->producer.armed, 1, __ATOMIC_RELAXED);
			candidates++;
		}
	}
	if (!candidates)
		return;
	/* Pairs with the barrier in rill__commit(). Without, all rings are looked at anyway. */
	(void)producer_membarrier();
	uint32_t kept = 0;
	for (uint32_t i = 0; i < collector->nactive; i++) {
		struct ring *ring = collector->active[i];
		if (!__atomic_load_n(&ring->producer.armed, __ATOMIC_RELAXED)) {
			collector->active[kept++] = ring;
			continue;
		}
		/* Before the look at head: once the thread has left, head is final. */
		bool left = __atomic_load_n(&ring->status, __ATOMIC_ACQUIRE) == RING_LEFT;
		if (!is_empty(ring)) {
			__atomic_store_n(&ring->producer.armed, 0, __ATOMIC_RELAXED);
			ring->idle_since_ns = 0;
			collector->active[kept++] = ring;
			continue;
		}
		ring->active = false;
		if (left)
			ring_recycle(collector->process, ring);
	}
	collector->nactive = kept;
}

/* --- clock and counts ---------------------------------------------------------------------- */

static void keep_clock(struct collector *collector, uint64_t now_ns)
{
	if (now_ns >= collector->clock_due_ns) {
		clock_calibrate_next(&collector->clock, true);
		collector->clock_due_ns = now_ns + CLOCK_EVERY_NS;
		dumps_clock(collector);
	}
	if (now_ns >= collector->counts_due_ns) {
		collector->counts_due_ns = now_ns + COUNTS_EVERY_NS;
		dumps_counts(collector);
	}
}

/* --- rounds -------------------------------------------------------------------------------- */

/* Everything that is published now, from every ring. */
static uint64_t drain_published(struct collector *collector)
{
	take_pending(collector);
	activate_all(collector);
	return drain_pass(collector, true);
}

static int flush(struct collector *collector)
{
	int result = 0;
	drain_published(collector);
	dumps_counts(collector);
	for (uint32_t i = 0; i < collector->noutputs; i++)
		collector->outputs[i].flush(collector->outputs[i].state);
	for (uint32_t i = 0; i < collector->ndumps; i++) {
		int error = sync_now(&collector->dumps[i]);
		result = result ? result : error;
	}
	return result;
}

static void close_all(struct collector *collector)
{
	pipeline_end(collector->pipeline, collector->outputs, collector->noutputs);
	collector->tell_due_ns = UINT64_MAX; /* rill_stop() tells the sum */
	for (uint32_t i = 0; i < collector->noutputs; i++) {
		collector->outputs[i].flush(collector->outputs[i].state);
		collector->outputs[i].close(collector->outputs[i].state);
	}
	dumps_close(collector);
	collector->noutputs = 0;
}

/* False: it was told to stop. */
static bool obey(struct collector *collector, struct message *message)
{
	bool go_on = true;
	switch (message->kind) {
	case MESSAGE_OUTPUT:
		if (collector->noutputs == MAX_OUTPUTS) {
			message->output.close(message->output.state);
			message->result = -ENOSPC;
		} else {
			collector->outputs[collector->noutputs++] = message->output;
		}
		break;
	case MESSAGE_DUMP:
		if (collector->ndumps == MAX_DUMPS) {
			message->result = -ENOSPC;
		} else {
			message->result = dumps_add(collector, message->target);
		}
		if (message->result)
			dump_target_free(message->target);
		break;
	case MESSAGE_EPOCH:
		dumps_epoch(collector, &message->epoch, message->expression);
		message->expression = NULL;
		break;
	case MESSAGE_FLUSH:
		message->result = flush(collector);
		break;
	case MESSAGE_COUNTS:
		message->counts = collector->counts;
		message->counts.bad += pipeline_bad_records(collector->pipeline);
		break;
	case MESSAGE_STOP:
		while (drain_published(collector) > 0)
			; /* it ends: all gates are closed */
		close_all(collector);
		go_on = false;
		break;
	}
	__atomic_store_n(&message->done, 1, __ATOMIC_RELEASE);
	prim_futex_wake(&message->done, 1);
	message_release(message);
	return go_on;
}

static bool read_mail(struct collector *collector)
{
	if (!__atomic_load_n(&collector->mailbox, __ATOMIC_RELAXED))
		return true;
	struct message *newest = __atomic_exchange_n(&collector->mailbox, NULL, __ATOMIC_ACQ_REL);
	struct message *first = NULL;
	while (newest) {
		struct message *next = newest->next;
		newest->next = first;
		first = newest;
		newest = next;
	}
	bool go_on = true;
	while (first) {
		struct message *next = first->next;
		go_on = obey(collector, first) && go_on;
		first = next;
	}
	return go_on;
}

/* The line is left as it is for as long as nothing happens: without a bend that would grow. */
static void straighten_clock(struct collector *collector)
{
	clock_calibrate_next(&collector->clock, false);
	dumps_clock(collector);
	collector->clock_due_ns = 0;
}

static bool main_has_ended(const struct collector *collector)
{
	return __atomic_load_n(&collector->process->main_ended, __ATOMIC_SEQ_CST);
}

#define REAP_EVERY_NS UINT64_C(20000000)

/* Some of them without another word. */
static bool threads_end(const struct collector *collector)
{
	return __atomic_load_n(&collector->process->ending, __ATOMIC_RELAXED) != 0;
}

/* Until a producer or a message tells, or a dump is too old. Nothing is held back here: every
 * active ring was let go. */
static void sleep_until_told(struct collector *collector, uint64_t until_ns)
{
	uint64_t now_ns = prim_monotonic_ns(), most_ns = UINT64_MAX;
	if (until_ns != UINT64_MAX)
		most_ns = until_ns > now_ns ? until_ns - now_ns : 0;
	if (producer_fences() && most_ns > 10 * (uint64_t)NAP_NS)
		most_ns = 10 * (uint64_t)NAP_NS;
	struct process *process = collector->process;
	__atomic_store_n(&process->wake, WAKE_SLEEPING, __ATOMIC_SEQ_CST);
	/* Pairs with rill__notify() and post(): they leave word and then look at wake. */
	bool told = any_pending(process) ||
		    __atomic_load_n(&collector->mailbox, __ATOMIC_SEQ_CST) ||
		    (until_ns == UINT64_MAX && main_has_ended(collector));
	if (!told)
		prim_futex_wait(&process->wake, WAKE_SLEEPING, most_ns);
	__atomic_store_n(&process->wake, WAKE_RUNNING, __ATOMIC_SEQ_CST);
	if (producer_fences())
		activate_all(collector);
}

/* A ring may have come to the mark at which its producer tells while nobody was napping. */
static bool fills_up(const struct collector *collector)
{
	for (uint32_t i = 0; i < collector->nactive; i++) {
		const struct ring *ring = collector->active[i];
		if (__atomic_load_n(&ring->file->head, __ATOMIC_ACQUIRE) - ring->tail >=
		    ring->data_bytes / 4)
			return true;
	}
	return false;
}

static void nap(struct collector *collector, uint64_t ns)
{
	struct process *process = collector->process;
	if (producer_fences()) /* a producer may have missed that it was armed */
		activate_all(collector);
	__atomic_store_n(&process->wake, WAKE_NAPPING, __ATOMIC_SEQ_CST);
	/* Pairs with the fence of producer_kick(): it publishes, and then looks at wake. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	take_pending(collector); /* one that is not active may fill up as well */
	if (!__atomic_load_n(&collector->mailbox, __ATOMIC_SEQ_CST) && !fills_up(collector))
		prim_futex_wait(&process->wake, WAKE_NAPPING, ns);
	__atomic_store_n(&process->wake, WAKE_RUNNING, __ATOMIC_SEQ_CST);
}

/*
 * When to look again: when the fullest ring, filling as it did since the last pass, has come to AIM
 * of its size. Looking more often would take its lines from the producer, and small stretches pack
 * badly; looking later risks that it is full.
 */
#define AIM (3u << (FILL_SHIFT - 3))

static uint64_t due_ns(struct collector *collector, uint64_t start_ns)
{
	uint64_t wait_ns = collector->noutputs > 0 ? NAP_NS : DUMP_NAP_NS;
	uint64_t passed_ns = start_ns - collector->pass_ns;
	if (collector->fill && passed_ns < wait_ns && passed_ns * AIM / collector->fill < wait_ns)
		wait_ns = passed_ns * AIM / collector->fill;
	collector->pass_ns = start_ns;
	return start_ns + wait_ns;
}

/* Shorter than this is waited for awake: a sleep costs more, and ends when it likes. */
#define AWAKE_NS 15000u
/*
 * Up to this it sleeps without a word: at such a rate a producer would tell in each nap that ends
 * late, at eight times the cost of a look at its ring. A message waits no longer than that.
 */
#define SILENT_NS 100000u

static void pause_until(uint64_t due)
{
	while (prim_monotonic_ns() < due)
		prim_cpu_relax();
}

#define HOUSEKEEPING_NS 10000000u

/* How often it looks for the sinks that it is to begin with. */
#define BEGIN_LOOK_NS 200000u

/* Also beside a thread that never pauses: others end and leave their rings. False: memory is still
 * to be given back. */
static bool keep_house(struct collector *collector, uint64_t now_ns)
{
	if (now_ns >= collector->reap_due_ns && threads_end(collector)) {
		producer_reap(collector->process);
		collector->reap_due_ns = now_ns + REAP_EVERY_NS;
	}
	disarm_idle(collector, now_ns);
	collector->house_due_ns = now_ns + HOUSEKEEPING_NS;
	return ring_balance_spares(collector->process);
}

/* What an earlier collector of this process left: it is the rings' only consumer now. */
static void take_over(struct collector *collector)
{
	for (uint32_t i = 0; i < ring_count(collector->process); i++) {
		struct ring *ring = ring_at(collector->process, i);
		uint32_t status = __atomic_load_n(&ring->status, __ATOMIC_ACQUIRE);
		ring->active = false;
		ring->idle_since_ns = 0;
		if (ring_file(ring) && (status == RING_OWNED || status == RING_LEFT))
			activate(collector, ring);
	}
}

/*
 * A program whose main thread has ended by pthread_exit() ends with its last thread, by exit(0).
 * That would be this one, which never ends: so somebody else calls exit() for it.
 */
#define ALONE_EVERY_NS UINT64_C(50000000)

static void exit_for_all(void *argument)
{
	(void)argument;
	exit(0);
}

static void leave_if_alone(struct collector *collector, uint64_t now_ns)
{
	if (now_ns < collector->alone_due_ns)
		return;
	collector->alone_due_ns = now_ns + ALONE_EVERY_NS;
	if (prim_alone() && prim_thread_start(exit_for_all, NULL, "rill-exit") == 0)
		collector->alone_due_ns = UINT64_MAX;
}

/* Until when it may sleep at most: for a dump's age, or the ends of threads. */
static uint64_t wakes_ns(const struct collector *collector, uint64_t now_ns, uint64_t old_ns)
{
	uint64_t wakes_ns = old_ns;
	if (main_has_ended(collector) && wakes_ns > now_ns + ALONE_EVERY_NS)
		wakes_ns = now_ns + ALONE_EVERY_NS;
	if (threads_end(collector) && wakes_ns > now_ns + REAP_EVERY_NS)
		wakes_ns = now_ns + REAP_EVERY_NS;
	return wakes_ns;
}

void collector_run(void *argument)
{
	struct collector *collector = argument;
	__atomic_store_n(&collector->tid, prim_tid(), __ATOMIC_RELEASE);
	clock_calibrate_first(&collector->clock);
	dumps_clock(collector);
	take_over(collector);
	sweep();
	while (read_mail(collector)) {
		if (!__atomic_load_n(&collector->begun, __ATOMIC_ACQUIRE)) {
			prim_futex_wait(&collector->begun, 0, BEGIN_LOOK_NS);
			continue;
		}
		take_pending(collector);
		uint64_t start_ns = prim_monotonic_ns();
		uint64_t taken = drain_pass(collector, false);
		uint64_t now_ns = prim_monotonic_ns();
		keep_clock(collector, now_ns);
		uint64_t old_ns = dumps_rotate_old(collector);
		uint64_t due = due_ns(collector, start_ns);
		if (main_has_ended(collector))
			leave_if_alone(collector, now_ns);
		bool naps = due > now_ns + SILENT_NS, tidy = true;
		if (naps || now_ns >= collector->house_due_ns)
			tidy = keep_house(collector, now_ns);
		if (collector->nactive == 0 && taken == 0 && tidy) {
			straighten_clock(collector);
			dumps_counts(collector);
			sleep_until_told(collector, wakes_ns(collector, now_ns, old_ns));
		} else if (naps) {
			nap(collector, due - now_ns);
		} else if (due > now_ns + AWAKE_NS) {
			prim_sleep(due - now_ns);
		} else {
			pause_until(due);
		}
	}
	__atomic_store_n(&collector->stopped, 1, __ATOMIC_RELEASE);
}
