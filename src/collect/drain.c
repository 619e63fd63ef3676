/*
 * One pass: what the active rings hold goes to the dumps as it is, and to the outputs in the order
 * of time.
 *
 * Order for outputs: T is now; membarrier; whoever began an event before T is then seen inside its
 * section, and is waited for a moment. So everything stamped before T has been published, and the
 * pass merges up to T. What still comes later is marked late.
 */
#include <sched.h>
#include <string.h>

#include "collect/state.h"
#include "core/diagnose.h"

#define FEED 256u

/* --- cursors ------------------------------------------------------------------------------- */

/* Reads the record at cursor->at. False: the pass has taken all, or the bytes are not a record. */
static bool cursor_read(struct collector *collector, struct cursor *cursor)
{
	struct ring *ring = cursor->ring;
	if (cursor->at == cursor->end)
		return false;
	const unsigned char *bytes = ring->data + (cursor->at & (ring->data_bytes - 1));
	if (raw_record_read(&cursor->raw, bytes, cursor->end - cursor->at) != 0) {
		/* Only a stray store of the program's can do this. The rest of the stretch is lost.
		 */
		rill__diagnose(__func__,
			       "ring %llu holds bytes that are no record: %llu bytes lost",
			       (unsigned long long)ring->serial,
			       (unsigned long long)(cursor->end - cursor->at));
		collector->counts.bad++;
		cursor->at = cursor->end;
		return false;
	}
	if (cursor->raw.ticks > cursor->order)
		cursor->order = cursor->raw.ticks;
	return true;
}

static void heap_down(struct cursor **heap, uint32_t count, uint32_t i)
{
	for (;;) {
		uint32_t least = i, left = 2 * i + 1, right = left + 1;
		if (left < count && heap[left]->order < heap[least]->order)
			least = left;
		if (right < count && heap[right]->order < heap[least]->order)
			least = right;
		if (least == i)
			return;
		struct cursor *swap = heap[i];
		heap[i] = heap[least];
		heap[least] = swap;
		i = least;
	}
}

/* --- giving room back ---------------------------------------------------------------------- */

static void advance(struct ring *ring, uint64_t tail)
{
	if (ring->tail == tail)
		return;
	ring->tail = tail;
	__atomic_store_n(&ring->file->tail, tail, __ATOMIC_RELEASE);
	producer_room(ring);
}

/* --- to the outputs ------------------------------------------------------------------------ */

static void feed(struct collector *collector, struct pipeline_input *inputs, size_t count,
		 uint32_t ncursors)
{
	pipeline_feed(collector->pipeline, inputs, count, collector->outputs, collector->noutputs);
	for (uint32_t i = 0; i < ncursors; i++)
		advance(collector->cursors[i].ring, collector->cursors[i].at);
}

static void merge(struct collector *collector, uint32_t ncursors, struct cursor **heap)
{
	struct pipeline_input inputs[FEED];
	size_t count = 0;
	uint32_t left = 0;
	for (uint32_t i = 0; i < ncursors; i++)
		if (cursor_read(collector, &collector->cursors[i]))
			heap[left++] = &collector->cursors[i];
	for (uint32_t i = left / 2; i-- > 0;)
		heap_down(heap, left, i);
	while (left > 0) {
		struct cursor *cursor = heap[0];
		bool late = cursor->raw.ticks < collector->watermark;
		inputs[count++] = (struct pipeline_input){
			.raw = cursor->raw,
			.ns = clock_ns(&collector->clock.point, cursor->raw.ticks),
			.tid = cursor->ring->tid,
			.late = late,
		};
		if (late)
			collector->counts.late++;
		else
			collector->watermark = cursor->raw.ticks;
		cursor->at += cursor->raw.size;
		if (count == FEED) {
			feed(collector, inputs, count, ncursors);
			count = 0;
		}
		if (!cursor_read(collector, cursor))
			heap[0] = heap[--left];
		heap_down(heap, left, 0);
	}
	feed(collector, inputs, count, ncursors);
}

/* Waits, for a moment, until no section is open that may hold a time stamp before now. */
static void wait_for_sections(struct collector *collector)
{
	uint64_t deadline_ns = 0;
	prim_membarrier();
	for (uint32_t i = 0; i < collector->nactive; i++) {
		struct rill__producer *producer = &collector->active[i]->producer;
		uint64_t state = __atomic_load_n(&producer->state, __ATOMIC_ACQUIRE);
		if (!(state & 1))
			continue;
		if (!deadline_ns)
			deadline_ns = prim_monotonic_ns() + PATIENCE_NS;
		uint64_t head =
			__atomic_load_n(&collector->active[i]->file->head, __ATOMIC_ACQUIRE);
		while (__atomic_load_n(&producer->state, __ATOMIC_ACQUIRE) == state &&
		       __atomic_load_n(&collector->active[i]->file->head, __ATOMIC_ACQUIRE) ==
			       head &&
		       prim_monotonic_ns() < deadline_ns)
			sched_yield();
	}
}

/*
 * The end of the records that are stamped up to `until`: time stamps grow along a ring. One that is
 * more than a second ahead was not stamped after `until`: the counter has gone back since.
 */
static uint64_t end_until(const struct ring *ring, uint64_t from, uint64_t head, uint64_t until,
			  uint64_t second_ticks)
{
	struct raw_record raw;
	uint64_t at = from;
	while (at < head) {
		const unsigned char *bytes = ring->data + (at & (ring->data_bytes - 1));
		if (raw_record_read(&raw, bytes, head - at) != 0)
			return head;
		if (raw.ticks > until && raw.ticks - until < second_ticks)
			break;
		at += raw.size;
	}
	return at;
}

/* --- the pass ------------------------------------------------------------------------------ */

static uint64_t count_drained(struct collector *collector, const struct ring *ring, uint64_t from,
			      uint64_t to)
{
	struct raw_record raw;
	uint64_t records = 0;
	for (uint64_t at = from; at < to; at += raw.size, records++)
		if (raw_record_read(&raw, ring->data + (at & (ring->data_bytes - 1)), to - at) != 0)
			break;
	collector->counts.drained += records;
	return records;
}

uint64_t drain_pass(struct collector *collector, bool all)
{
	uint64_t taken = 0, until = UINT64_MAX;
	bool ordered = collector->noutputs > 0;
	if (ordered && collector->nactive > 1) {
		until = clock_now_ticks();
		wait_for_sections(collector);
		if (all)
			until = UINT64_MAX;
	}
	uint32_t ncursors = 0;
	for (uint32_t i = 0; i < collector->nactive; i++) {
		struct ring *ring = collector->active[i];
		uint64_t head = __atomic_load_n(&ring->file->head, __ATOMIC_ACQUIRE);
		if (head == ring->tail)
			continue;
		RILL_ASSERT(head - ring->tail <= ring->data_bytes,
			    "a ring's head left its tail behind");
		uint64_t end = head;
		if (until != UINT64_MAX)
			end = end_until(ring, ring->tail, head, until,
					(UINT64_C(1000000000) << 32) / collector->clock.point.rate);
		if (end == ring->tail)
			continue;
		taken += end - ring->tail;
		count_drained(collector, ring, ring->tail, end);
		dumps_records(collector, ring, ring->tail, end);
		if (ordered)
			collector->cursors[ncursors++] =
				(struct cursor){.ring = ring, .at = ring->tail, .end = end};
		else
			advance(ring, end);
	}
	if (ncursors > 0) {
		struct cursor *heap[ncursors];
		merge(collector, ncursors, heap);
	}
	return taken;
}
