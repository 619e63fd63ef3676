/* The scene of every scenario, and what is checked at the end of each. */
#include "core/secrets.h"
#include "explore/scenario.h"

#include <string.h>

#include <rill/static/encode.h>

struct collector the_collector;
struct rill__gate the_gate = {.bits = rill__closed};
struct happened happened;
struct scene the_scene;

static const struct rill_catalog_event events[] = {
	{.name = "a", .brief = "", .text = ""},
	{.name = "b", .brief = "", .text = "", .flags = RILL_LOSS_NEVER},
};
static const struct rill_catalog catalog = {
	.layout = RILL_CATALOG_LAYOUT,
	.size = sizeof catalog,
	.name = "explored",
	.events = events,
	.nevents = 2,
};

static void all_on(const struct rill_catalog *of, unsigned char *bits, void *context)
{
	(void)of;
	(void)context;
	bits[0] = 3;
}

static void make_rings(unsigned count, enum ring_kind kind)
{
	struct ring *rings[8];
	for (unsigned i = 0; i < count; i++)
		rings[i] = ring_take(&the_process, kind);
	while (count-- > 0)
		ring_recycle(&the_process, rings[count]);
}

void scene_make(unsigned main_rings, unsigned nested_rings)
{
	the_scene.ring_bytes = rill__settings.ring_size_bytes = prim_page_size();
	rill__settings.ring_memory_bytes = UINT64_MAX;
	struct epoch epoch;
	rill__register(&the_gate, &catalog, RILL_CATALOG_LAYOUT, sizeof the_gate);
	registry_publish(all_on, NULL, false, &epoch);
	make_rings(main_rings, RING_MAIN);
	make_rings(nested_rings, RING_NESTED);
	rill__settings.ring_memory_bytes = 0;

	the_collector.process = &the_process;
	the_collector.begun = 1;
	the_collector.capacity = 16;
	the_collector.active = calloc(16, sizeof *the_collector.active);
	the_collector.cursors = calloc(16, sizeof *the_collector.cursors);
	the_collector.ndumps = !the_scene.outputs;
	the_collector.noutputs = the_scene.outputs;
	the_collector.clock.point.rate = UINT64_C(1) << 32;
	/* A part of a bitmap is loaded by bytes and stored by words. */
	const struct catalog_entry *entry = registry_entry(0);
	memory_wide(entry->bits < entry->bits_spare ? entry->bits : entry->bits_spare,
		    2 * entry->bits_bytes);
}

/* --- emitting ------------------------------------------------------------------------------ */

static bool emit_from(unsigned source, uint32_t event, uint64_t size)
{
	unsigned n = happened.emitted[source]++;
	uint64_t id = (uint64_t)source << 32 | n;
	int result = emit_record(&the_gate, event, size, id);
	trace("event %x is %s", (unsigned)n, result > 0 ? "committed" : result ? "off" : "lost");
	if (result > 0)
		happened.committed[source] |= UINT64_C(1) << n;
	else if (result == 0)
		happened.losses++;
	return result > 0;
}

struct ring *scene_attach(unsigned thread, uint64_t position, unsigned unread)
{
	struct ring *ring = ring_take(&the_process, RING_MAIN);
	ring->file->head = ring->file->tail = ring->tail = position;
	ring->producer.position = position;
	struct rill__producer *nobody = rill__me;
	rill__me = &ring->producer;
	for (unsigned n = 0; n < unread; n++)
		emit_from(thread, 0, LARGE);
	rill__me = nobody;
	begin_with(thread, &ring->producer);
	ends_with(thread, ring);
	return ring;
}

bool emit(uint32_t event, uint64_t size)
{
	return emit_from((unsigned)current, event, size);
}

bool emit_in_handler(uint32_t event, uint64_t size)
{
	return emit_from((unsigned)current + THREADS, event, size);
}

/* --- taking -------------------------------------------------------------------------------- */

static void look_at(const unsigned char *at, uint64_t size, uint64_t *id)
{
	memory_plain(at, size, false);
	memcpy(id, at + RILL__WORDS_AT(1), 8);
	for (uint64_t i = RILL__WORDS_AT(1); i < size; i += 8) {
		uint64_t word;
		memcpy(&word, at + i, 8);
		CHECK(word == *id, "a record is not whole");
	}
}

static void take(uint64_t id)
{
	unsigned source = (unsigned)(id >> 32), n = (unsigned)(id & 63);
	trace("takes %llx", (unsigned long long)id);
	CHECK(source < SOURCES && n < happened.emitted[source], "a record that nobody wrote");
	/* A handler that another one interrupts commits after it. */
	uint64_t later = source < THREADS ? happened.taken[source] >> n >> 1 : 0;
	CHECK(!later, "a record is taken out of order");
	CHECK(!(happened.taken[source] >> n & 1), "a record is taken twice");
	happened.taken[source] |= UINT64_C(1) << n;
}

/* What is packed stays where it is until it is put: it is looked at again then. */
uint64_t dump_pack_add(struct dump_pack *pack, const struct dump_chunk *chunk, const void *bytes,
		       bool *bad)
{
	const unsigned char *at = bytes;
	(void)pack;
	(void)bad;
	for (uint64_t position = chunk->from; position < chunk->to;) {
		struct rill__record record;
		memory_plain(at, sizeof record, false);
		memcpy(&record, at, sizeof record);
		uint64_t size = record.catalog_size & 0xffffff;
		CHECK(size >= SMALL && position + size <= chunk->to, "bytes that are no record");
		happened.packed[happened.npacked].at = at;
		happened.packed[happened.npacked].size = size;
		look_at(at, size, &happened.packed[happened.npacked++].id);
		at += size;
		position += size;
	}
	return chunk->to;
}

bool dump_pack_empty(const struct dump_pack *pack)
{
	(void)pack;
	return happened.npacked == 0;
}

void dumps_put(struct collector *collector)
{
	(void)collector;
	for (unsigned i = 0; i < happened.npacked; i++) {
		uint64_t id;
		look_at(happened.packed[i].at, happened.packed[i].size, &id);
		CHECK(id == happened.packed[i].id, "a record has changed while it was taken");
		take(id);
	}
	happened.npacked = 0;
}

void pipeline_feed(struct pipeline *pipeline, const struct pipeline_input *inputs, size_t count,
		   const struct output *outputs, size_t noutputs)
{
	(void)pipeline;
	(void)outputs;
	(void)noutputs;
	for (size_t i = 0; i < count; i++) {
		uint64_t id;
		look_at(inputs[i].raw.bytes, inputs[i].raw.size, &id);
		CHECK(!inputs[i].late, "a record comes late");
		take(id);
	}
}

/* --- the rest of the collector ------------------------------------------------------------- */

void dumps_clock(struct collector *collector)
{
	(void)collector;
}

void dumps_counts(struct collector *collector)
{
	(void)collector;
}

/* Once a round. Others get a core at last, even beside a collector that does not sleep. */
#define ROUNDS_IN_A_ROW 16u
uint64_t dumps_rotate_old(struct collector *collector)
{
	(void)collector;
	if (++happened.rounds % ROUNDS_IN_A_ROW == 0)
		yield();
	return UINT64_MAX;
}

uint64_t dump_pack_back(const struct dump_pack *pack)
{
	(void)pack;
	return 0;
}

uint64_t dump_pack_newest(const struct dump_pack *pack)
{
	(void)pack;
	return 0;
}

bool secrets_known(const struct rill_catalogs *catalogs, uint32_t *seen, bool *known)
{
	(void)catalogs;
	(void)seen;
	(void)known;
	return false;
}

/* Nobody leaves messages: none of these is called. */
#define NOT_HERE(type, name, ...)                                                                  \
	__attribute__((noreturn)) type name(__VA_ARGS__)                                           \
	{                                                                                          \
		broken("%s() is called", __func__);                                                \
	}
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
NOT_HERE(int, dumps_add, struct collector *collector, struct dump_target *target)
NOT_HERE(void, dump_target_free, struct dump_target *target)
NOT_HERE(void, dumps_epoch, struct collector *collector, const struct epoch *epoch, char *text)
NOT_HERE(int, sync_now, struct dump_slot *dump)
NOT_HERE(void, secrets_mask, unsigned char *records, size_t size,
	 const struct rill_catalogs *catalogs)
NOT_HERE(uint64_t, pipeline_bad_records, const struct pipeline *pipeline)
NOT_HERE(void, pipeline_end, struct pipeline *pipeline, const struct output *outputs, size_t n)
NOT_HERE(void, dumps_close, struct collector *collector)
NOT_HERE(void, message_release, struct message *message)
#pragma GCC diagnostic pop

void collect(void)
{
	collector_run(&the_collector);
}

/* --- at rest ------------------------------------------------------------------------------- */

void check_counts(void)
{
	struct event_loss losses[2] = {{0, 0}, {0, 0}};
	ring_losses(&the_process, losses, 2);
	uint64_t counted =
		losses[0].filtered + losses[0].discarded + losses[1].filtered + losses[1].discarded;
	for (unsigned i = 0; i < SOURCES; i++)
		CHECK(happened.taken[i] == happened.committed[i],
		      "source %u committed %llx, and %llx was taken", i,
		      (unsigned long long)happened.committed[i],
		      (unsigned long long)happened.taken[i]);
	CHECK(counted == happened.losses, "%llu losses are counted instead of %u",
	      (unsigned long long)counted, happened.losses);
}

void check_rest(void)
{
	unsigned threads = 0;
	while (threads < THREADS && scenario->threads[threads])
		threads += 1;
	for (unsigned i = 0; i < ring_count(&the_process); i++) {
		const struct ring *ring = ring_at(&the_process, i);
		if (!ring->file)
			continue;
		CHECK(ring->file->head == ring->tail,
		      "the collector sleeps, and ring %u holds %llu bytes", i,
		      (unsigned long long)(ring->file->head - ring->tail));
		CHECK(ring->status != RING_LEFT, "the collector sleeps, and ring %u is left", i);
	}
	CHECK(happened.ended == threads - 1, "%u of %u threads have ended", happened.ended,
	      threads - 1);
	check_counts();
}

struct ring *ring_with_head(const void *address)
{
	for (unsigned i = 0; i < the_process.nrings; i++)
		if (address == &the_process.rings[i]->file->head)
			return the_process.rings[i];
	return NULL;
}
