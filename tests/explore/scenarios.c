/* The scenarios. */
#include <string.h>

#include "explore/scenario.h"

#define MS UINT64_C(1000000)

static void keep_happened(void)
{
	keep_state(&happened, sizeof happened);
}

static void ended(void)
{
	happened.ended++;
}

/* --- publish and take, around the end of the ring, until it is full ------------------------ */

static void nearly_full(void)
{
	scene_make(3, 2);
	scene_attach(1, 2 * the_scene.ring_bytes - 7 * LARGE, 6);
	keep_happened();
}

/* The second one comes to the reserve, which the third one may not take, and the fourth one may. */
static void emits_to_the_end(void)
{
	emit(0, LARGE / 2);
	emit(0, LARGE);
	emit(0, LARGE);
	emit(1, LARGE / 2);
	ended();
}

static void emits_three_large(void)
{
	for (int i = 0; i < 3; i++)
		emit(0, LARGE);
	ended();
}

/* --- park ---------------------------------------------------------------------------------- */

static void threads_without_rings(void)
{
	scene_make(3, 2);
	keep_happened();
}

static void emits_two(void)
{
	emit(0, SMALL);
	emit(0, SMALL);
	ended();
}

/* Its end would tell the collector too. */
static void emits_two_and_stays(void)
{
	emits_two();
	block(&happened, UINT64_MAX);
}

static void emits_one(void)
{
	emit(0, SMALL);
	ended();
}

/* --- an end, and its ring for the next ----------------------------------------------------- */

/* There is one ring. The counts say that there are spares enough, so none is made. */
static void one_ring(void)
{
	scene_make(1, 0);
	the_process.nspares[RING_MAIN] += 2;
	the_process.nspares[RING_NESTED] += 2;
	keep_happened();
}

/* There are too many spares: the collector unmaps one. */
static void too_many_spares(void)
{
	scene_make(1, 0);
	the_process.nspares[RING_MAIN] += 16;
	the_process.nspares[RING_NESTED] += 2;
	keep_happened();
}

/* Under the control lock, which keeps rings mapped. */
static void looks_at_rings(void)
{
	struct ring_rest rest;
	control_lock();
	ring_rest(&the_process, &rest);
	control_unlock();
	ended();
}

/* --- nap ----------------------------------------------------------------------------------- */

static struct ring *napping;

static void one_record(void)
{
	scene_make(3, 2);
	napping = scene_attach(1, 0, 1);
	keep_happened();
}

static void fills_up_its_ring(void)
{
	const struct ring_file *file = napping->file;
	for (int i = 0; i < 8; i++) {
		emit(0, LARGE);
		CHECK(!is_asleep(0, &the_process.wake) || the_process.wake != WAKE_NAPPING ||
			      file->head - file->tail < 7 * LARGE,
		      "the collector naps, and a ring is full");
	}
	ended();
}

/* --- policy block -------------------------------------------------------------------------- */

static void full_and_blocking(void)
{
	rill__settings.policy = RILL_BLOCK;
	rill__settings.block_timeout_ns = 1000000 * MS;
	scene_make(3, 2);
	scene_attach(1, 0, 6);
	keep_happened();
}

static void all_committed(void)
{
	check_rest();
	CHECK(happened.losses == 0, "an event is lost although it may wait");
}

/* --- signal handlers ----------------------------------------------------------------------- */

static void handler(void)
{
	emit_in_handler(0, SMALL);
}

static void thread_with_ring(void)
{
	scene_make(2, 2);
	scene_attach(0, 0, 0);
	keep_happened();
}

static void taken_at_last(void)
{
	collect_pass();
	check_counts();
}

/* --- the gate ------------------------------------------------------------------------------ */

static void gate_and_ring(void)
{
	scene_make(1, 0);
	scene_attach(1, 0, 0);
	keep_happened();
}

static void gate_and_new_thread(void)
{
	scene_make(1, 0);
	keep_happened();
}

static void gate_without_membarrier(void)
{
	producer_new_process();
	gate_and_ring();
}

/* Event 0 is on in the filters with an even number, event 1 in the others. */
static void one_of_two(const struct rill_catalog *catalog, unsigned char *bits, void *number)
{
	(void)catalog;
	bits[0] = (unsigned char)(1u << *(unsigned *)number % 2);
}

static void changes_filter(void)
{
	struct epoch epoch;
	for (unsigned number = 1; number <= 2; number++) {
		happened.changing = 1;
		registry_publish(one_of_two, &number, false, &epoch);
		happened.changing = 0;
		happened.confirmed = (uint8_t)number;
		trace("filter %u is confirmed", number);
	}
	ended();
}

static void emits_both(void)
{
	emit(0, SMALL);
	emit(1, SMALL);
	emit(0, SMALL);
	ended();
}

/* After the return of a change, and before the next begins, nothing comes that is off. */
static void no_late_commit(const void *address)
{
	const struct ring *ring = ring_with_head(address);
	if (!ring || happened.confirmed == 0 || happened.changing)
		return;
	const struct rill__record *record = (const void *)(ring->data + ring->file->head - SMALL);
	CHECK(record->event == happened.confirmed % 2,
	      "a record of event %u is committed after filter %u was confirmed", record->event,
	      happened.confirmed);
}

/* --- spares -------------------------------------------------------------------------------- */

static void three_spares(void)
{
	scene_make(3, 0);
	keep_happened();
}

static struct ring *take_spare(void)
{
	struct ring *ring = ring_take(&the_process, RING_MAIN);
	if (ring)
		CHECK(!happened.owned[ring->index]++, "ring %u has two owners", ring->index);
	return ring;
}

static void takes_two_returns_one(void)
{
	struct ring *first = take_spare();
	take_spare();
	if (first) {
		happened.owned[first->index]--;
		ring_recycle(&the_process, first);
	}
}

static void takes_one(void)
{
	take_spare();
}

static void none_is_lost(void)
{
	unsigned owned = 0;
	while (ring_take(&the_process, RING_MAIN))
		owned++;
	for (unsigned i = 0; i < sizeof happened.owned; i++)
		owned += happened.owned[i];
	CHECK(owned == 3, "%u rings are left of 3", owned);
}

/* --- order of time ------------------------------------------------------------------------- */

static void two_rings_and_an_output(void)
{
	the_scene.outputs = true;
	scene_make(2, 0);
	scene_attach(1, 0, 1);
	scene_attach(2, 0, 1);
	collect_pass(); /* takes both under its eyes */
	keep_happened();
}

static void two_passes(void)
{
	collect_pass();
	collect_pass();
}

const struct scenario scenarios[] = {
	{
		.name = "publish",
		.setup = nearly_full,
		.threads = {collect, emits_to_the_end},
		.tick_ns = 70 * MS,
		.monitor = check_rest,
		.bounds = {{2, 1}, {3, 1}},
	},
	{
		.name = "park",
		.setup = threads_without_rings,
		.threads = {collect, emits_two},
		.tick_ns = 70 * MS,
		.monitor = check_rest,
		.bounds = {{3, 1}, {4, 2}},
	},
	{
		.name = "park-stay",
		.setup = threads_without_rings,
		.threads = {collect, emits_two_and_stays},
		.tick_ns = 70 * MS,
		.monitor = check_rest,
		.bounds = {{3, 1}, {4, 2}},
	},
	{
		.name = "park-two",
		.setup = threads_without_rings,
		.threads = {collect, emits_one, emits_one},
		.tick_ns = 70 * MS,
		.monitor = check_rest,
		.bounds = {{1, 1}, {2, 1}},
	},
	{
		.name = "reuse",
		.setup = one_ring,
		.threads = {collect, emits_one, emits_one},
		.tick_ns = 70 * MS,
		.monitor = check_rest,
		.bounds = {{2, 1}, {3, 2}},
	},
	{
		.name = "unmap",
		.setup = too_many_spares,
		.threads = {collect, emits_one, emits_one},
		.tick_ns = 70 * MS,
		.monitor = check_rest,
		.bounds = {{2, 1}, {3, 2}},
	},
	{
		.name = "unmap-later",
		.setup = too_many_spares,
		.threads = {collect, emits_one, looks_at_rings},
		.tick_ns = 70 * MS,
		.monitor = check_rest,
		.bounds = {{2, 1}, {3, 2}},
	},
	{
		.name = "nap",
		.setup = one_record,
		.threads = {collect, fills_up_its_ring},
		.tick_ns = 1000,
		.monitor = check_rest,
		.bounds = {{2, 1}, {3, 2}},
	},
	{
		.name = "room",
		.setup = full_and_blocking,
		.threads = {collect, emits_three_large},
		.tick_ns = 70 * MS,
		.spurious = 1,
		.without_timeouts = true,
		.monitor = all_committed,
		.bounds = {{1, 1}, {2, 2}},
	},
	{
		.name = "handler",
		.setup = thread_with_ring,
		.threads = {emits_two},
		.handler = handler,
		.monitor = taken_at_last,
		.bounds = {{0, 0, 2}, {0, 0, 3}},
	},
	{
		.name = "handler-first",
		.setup = threads_without_rings,
		.threads = {emits_two},
		.handler = handler,
		.monitor = taken_at_last,
		.bounds = {{0, 0, 2}, {0, 0, 2}},
	},
	{
		.name = "gate",
		.setup = gate_and_ring,
		.threads = {changes_filter, emits_both},
		.tick_ns = 1000,
		.stored = no_late_commit,
		.monitor = taken_at_last,
		.bounds = {{3, 2}, {4, 3}},
	},
	{
		.name = "gate-first",
		.setup = gate_and_new_thread,
		.threads = {changes_filter, emits_both},
		.tick_ns = 1000,
		.stored = no_late_commit,
		.monitor = taken_at_last,
		.bounds = {{3, 2}, {4, 3}},
	},
	{
		.name = "gate-fences",
		.setup = gate_without_membarrier,
		.threads = {changes_filter, emits_both},
		.tick_ns = 1000,
		.without_membarrier = true,
		.stored = no_late_commit,
		.monitor = taken_at_last,
		.bounds = {{3, 2}, {4, 3}},
	},
	{
		.name = "spares",
		.setup = three_spares,
		.threads = {takes_two_returns_one, takes_one, takes_one},
		.monitor = none_is_lost,
		.bounds = {{2, 1}, {3, 2}},
	},
	{
		.name = "order",
		.setup = two_rings_and_an_output,
		.threads = {two_passes, emits_one, emits_one},
		.tick_ns = 1000,
		.monitor = taken_at_last,
		.bounds = {{3, 1}, {4, 2}},
	},
};
const unsigned nscenarios = sizeof scenarios / sizeof *scenarios;
