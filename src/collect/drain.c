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
#include "core/secrets.h"

#define FEED 256u

/* What clock_jump() has found. */
struct jump {
	int64_t ticks;
	uint64_t middle;
};

/* --- a counter that is not what it should be ----------------------------------------------- */

/* Steps of a thread's stamps that are not told: the CPU reads its counter early or late. */
#define STEP_BACK_NS UINT64_C(1000)

static void distrust_clock(struct collector *collector)
{
	collector->restamps = true;
	collector->clock.broken = true;
}

/* Where a thread's stamps go back, its cores' counters differ. */
static void clock_differs(struct collector *collector, uint64_t ticks)
{
	if (collector->restamps || ticks < (STEP_BACK_NS << 32) / collector->clock.point.rate)
		return;
	rill__diagnose(__func__,
		       "the counter of the CPU (%s) has gone back for a thread, by %llu ticks: its "
		       "cores may differ; the trace keeps the order within each thread, and says "
		       "so",
		       clock_name(), (unsigned long long)ticks);
	distrust_clock(collector);
}

/* A counter that stands still jumps a thousand times a second. */
static void tell_jump(struct collector *collector, int64_t ticks)
{
	uint64_t now_ns = prim_monotonic_ns();
	if (now_ns < collector->jump_due_ns)
		return;
	collector->jump_due_ns = now_ns + TELL_EVERY_NS;
	rill__diagnose(__func__,
		       "the counter of the CPU (%s) is %llu ticks %s where it should be: from here "
		       "on it is corrected by the system's clock, and the trace says so",
		       clock_name(),
		       (unsigned long long)(ticks < 0 ? 0 - (uint64_t)ticks : (uint64_t)ticks),
		       ticks < 0 ? "behind" : "ahead of");
}

static uint64_t ticks_at(const struct ring *ring, uint64_t at)
{
	uint64_t ticks;
	memcpy(&ticks, ring->data + (at & (ring->data_bytes - 1)), sizeof ticks);
	return ticks;
}

static uint32_t size_at(const struct ring *ring, uint64_t at, uint64_t end)
{
	struct raw_record raw;
	const unsigned char *bytes = ring->data + (at & (ring->data_bytes - 1));
	return raw_record_read(&raw, bytes, end - at) == 0 ? raw.size : 0;
}

/* The end of the records that were stamped before the counter went wrong. */
static uint64_t end_before(const struct ring *ring, uint64_t from, uint64_t head,
			   const struct jump *jump)
{
	uint64_t at = from;
	while (at < head) {
		uint32_t size = size_at(ring, at, head);
		int64_t beyond = (int64_t)(ticks_at(ring, at) + clock_offset() - jump->middle);
		if (!size || (jump->ticks < 0 ? beyond < 0 : beyond > 0))
			return size ? at : head;
		at += size;
	}
	return head;
}

/* Once a counter was wrong: gives records the ticks that they should have, in the ring itself, so
 * that all that reads them agrees. They are the collector's until it advances tail. */
static void restamp(struct ring *ring, uint64_t from, uint64_t end)
{
	uint64_t offset = clock_offset();
	for (uint64_t at = from; at < end;) {
		uint32_t size = size_at(ring, at, end);
		if (!size)
			return;
		uint64_t ticks = ticks_at(ring, at) + offset;
		if ((int64_t)(ticks - ring->newest_ticks) < 0)
			ticks = ring->newest_ticks;
		memcpy(ring->data + (at & (ring->data_bytes - 1)), &ticks, sizeof ticks);
		ring->newest_ticks = ticks;
		at += size;
	}
}

/* --- cursors ------------------------------------------------------------------------------- */

/* Only a stray store of the program's can do this. The rest of the stretch is lost. */
static void bad_stretch(struct collector *collector, struct cursor *cursor, uint64_t at)
{
	rill__diagnose(__func__, "ring %llu holds bytes that are no record: %llu bytes lost",
		       (unsigned long long)cursor->ring->serial,
		       (unsigned long long)(cursor->end - at));
	collector->counts.bad++;
	cursor->end = at;
}

/* Reads the record at cursor->at. False: the pass has taken all, or the bytes are not a record. */
static bool cursor_read(struct collector *collector, struct cursor *cursor)
{
	struct ring *ring = cursor->ring;
	if (cursor->at == cursor->end)
		return false;
	const unsigned char *bytes = ring->data + (cursor->at & (ring->data_bytes - 1));
	if (raw_record_read(&cursor->raw, bytes, cursor->end - cursor->at) != 0) {
		bad_stretch(collector, cursor, cursor->at);
		return false;
	}
	/* As in a dump: dump_pack_hooks.forward. */
	if (cursor->raw.ticks < cursor->order) {
		clock_differs(collector, cursor->order - cursor->raw.ticks);
		cursor->raw.ticks = cursor->order;
	}
	cursor->order = cursor->raw.ticks;
	ring->newest_ticks = cursor->order;
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

static void feed(struct collector *collector, struct pipeline_input *inputs, size_t count)
{
	pipeline_feed(collector->pipeline, inputs, count, collector->outputs, collector->noutputs);
	if (collector->ndumps == 0)
		collector->counts.drained += count;
}

static void give_back(struct collector *collector, uint32_t ncursors)
{
	for (uint32_t i = 0; i < ncursors; i++)
		advance(collector->cursors[i].ring, collector->cursors[i].at);
}

static void merge(struct collector *collector, uint32_t ncursors, struct cursor **heap)
{
	struct pipeline_input inputs[FEED];
	size_t count = 0, fed = 0;
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
			feed(collector, inputs, count);
			count = 0;
			/* With many rings each has given little: a look at all would cost more. */
			if (++fed * FEED >= ncursors) {
				give_back(collector, ncursors);
				fed = 0;
			}
		}
		if (!cursor_read(collector, cursor))
			heap[0] = heap[--left];
		heap_down(heap, left, 0);
	}
	feed(collector, inputs, count);
}

/* Waits, for a moment, until no section is open that may hold a time stamp before now. */
static void wait_for_sections(struct collector *collector)
{
	uint64_t deadline_ns = 0;
	(void)producer_membarrier(); /* without, what is not seen here comes late, and is marked */
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
		uint64_t ticks = raw.ticks + clock_offset();
		if (ticks > until && ticks - until < second_ticks)
			break;
		at += raw.size;
	}
	return at;
}

/* --- to the dumps -------------------------------------------------------------------------- */

/* Writes what is packed. When no output is to see it as well, its room is given back. */
static void put(struct collector *collector, uint32_t ncursors)
{
	if (dump_pack_back(collector->pack))
		clock_differs(collector, dump_pack_back(collector->pack));
	dumps_put(collector);
	for (uint32_t i = 0; i < ncursors && collector->noutputs == 0; i++)
		advance(collector->cursors[i].ring, collector->cursors[i].packed);
}

/* Packs the stretch of the newest cursor; the dictionaries may point into those of the others. */
static void pack(struct collector *collector, uint32_t ncursors)
{
	struct cursor *cursor = &collector->cursors[ncursors - 1];
	const struct ring *ring = cursor->ring;
	while (cursor->packed < cursor->end) {
		const struct dump_chunk chunk = {ring->serial, ring->tid, cursor->packed,
						 cursor->end};
		bool bad = false;
		cursor->packed =
			dump_pack_add(collector->pack, &chunk,
				      ring->data + (cursor->packed & (ring->data_bytes - 1)), &bad);
		if (bad)
			bad_stretch(collector, cursor, cursor->packed);
		else if (cursor->packed < cursor->end)
			put(collector, ncursors);
	}
	cursor->ring->newest_ticks = dump_pack_newest(collector->pack);
}

/* Without any sink: counts what is thrown away. */
static void count_drained(struct collector *collector, struct cursor *cursor)
{
	while (cursor_read(collector, cursor)) {
		cursor->at += cursor->raw.size;
		collector->counts.drained++;
	}
}

/* --- the pass ------------------------------------------------------------------------------ */

/* What of a ring belongs to this pass. Returns its bytes. jump: NULL, or only what was before it.
 */
static uint64_t cursor_begin(struct collector *collector, struct cursor *cursor, struct ring *ring,
			     uint64_t until, const struct jump *jump)
{
	uint64_t head = __atomic_load_n(&ring->file->head, __ATOMIC_ACQUIRE);
	if (head == ring->tail)
		return 0;
	RILL_ASSERT(head - ring->tail <= ring->data_bytes, "a ring's head left its tail behind");
	uint64_t end = head;
	if (jump)
		end = end_before(ring, ring->tail, head, jump);
	else if (until != UINT64_MAX)
		end = end_until(ring, ring->tail, head, until,
				(UINT64_C(1000000000) << 32) / collector->clock.point.rate);
	if (ticks_at(ring, ring->tail) + clock_offset() < ring->newest_ticks)
		clock_differs(collector, ring->newest_ticks - ticks_at(ring, ring->tail));
	if (collector->restamps)
		restamp(ring, ring->tail, end);
	if (secrets_known(registry_catalogs(), &collector->catalogs_seen, &collector->secrets))
		secrets_mask(ring->data + (ring->tail & (ring->data_bytes - 1)), end - ring->tail,
			     registry_catalogs());
	ring->idle_since_ns = 0;
	*cursor = (struct cursor){
		.ring = ring, .at = ring->tail, .packed = ring->tail, .end = end, .taken = end};
	uint64_t share = ((end - ring->tail) << FILL_SHIFT) / ring->data_bytes;
	if (share > collector->fill)
		collector->fill = share;
	return end - ring->tail;
}

static uint64_t pass(struct collector *collector, bool all, const struct jump *jump)
{
	uint64_t taken = 0, until = UINT64_MAX;
	bool ordered = collector->noutputs > 0;
	collector->fill = 0;
	if (ordered && collector->nactive > 1) {
		until = clock_now_ticks();
		wait_for_sections(collector);
		if (all)
			until = UINT64_MAX;
	}
	uint32_t ncursors = 0;
	for (uint32_t i = 0; i < collector->nactive; i++) {
		struct cursor *cursor = &collector->cursors[ncursors];
		uint64_t bytes = cursor_begin(collector, cursor, collector->active[i], until, jump);
		if (!bytes)
			continue;
		taken += bytes;
		ncursors++;
		if (collector->ndumps > 0)
			pack(collector, ncursors);
		else if (!ordered)
			count_drained(collector, cursor);
	}
	if (collector->ndumps > 0 && !dump_pack_empty(collector->pack))
		put(collector, ncursors);
	if (ordered && ncursors > 0) {
		struct cursor *heap[ncursors];
		merge(collector, ncursors, heap);
	}
	for (uint32_t i = 0; i < ncursors; i++)
		advance(collector->cursors[i].ring, collector->cursors[i].taken);
	return taken;
}

uint64_t drain_pass(struct collector *collector, bool all)
{
	struct jump jump;
	if (!__atomic_load_n(&collector->begun, __ATOMIC_ACQUIRE))
		return 0;
	jump.ticks = clock_jump(&collector->clock, &jump.middle);
	if (!jump.ticks)
		return pass(collector, all, NULL);
	tell_jump(collector, jump.ticks);
	uint64_t taken = pass(collector, all, &jump);
	clock_shift(-jump.ticks);
	distrust_clock(collector);
	return taken + pass(collector, all, NULL);
}
