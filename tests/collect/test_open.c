/* The spans that a dump repeats where its reader may begin, and what is told of those that are
 * over.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "collect/open.h"
#include "support/blocks.h"
#include "support/files.h"
#include "support/parts.h"
#include "support/records.h"

#define SECOND UINT64_C(1000000000)

/* Ticks are nanoseconds since 1970. */
static const struct clock_point plain = {.rate = UINT64_C(1) << 32};

struct world {
	struct open_spans *open;
	struct line line;
	struct rill_catalogs catalogs;
	uint64_t ended;
	uint64_t headless;
	uint64_t sum_ns;
	uint32_t files; /* of the last */
	uint16_t span;
};

static void on_end(void *context, const struct open_ended *ended)
{
	struct world *world = context;
	world->ended += !ended->headless;
	world->headless += ended->headless;
	world->sum_ns += ended->ns;
	world->files = ended->files;
	world->span = ended->span;
}

static struct world *world_new(uint32_t max_spans)
{
	static const struct rill_catalog *const catalogs[] = {&records_catalog};
	struct world *world = calloc(1, sizeof *world);
	const struct open_options options = {
		.max_spans = max_spans, .seed = 5, .ended = on_end, .context = world};
	world->catalogs = (struct rill_catalogs){.catalog = catalogs, .count = 1};
	world->open = open_new(&options, &world->catalogs);
	cr_assert(world->open);
	line_add(&world->line, &plain, 0);
	return world;
}

static void world_free(struct world *world)
{
	open_free(world->open);
	free(world);
}

/* A record of thread `tid`, written to file 1 unless said otherwise. */
static void follow_in(struct world *world, uint32_t files, uint32_t tid, uint64_t ticks,
		      uint16_t event, struct slot slot)
{
	static unsigned char bytes[1 << 21];
	size_t size = record_put(bytes, ticks, 0, event, &slot, slot.type ? 1 : 0);
	const struct dump_watched watched = {bytes, (uint32_t)size, tid};
	cr_assert(open_watches(world->open, 0, event));
	open_follow(world->open, &watched, &world->line, files);
	memset(bytes, 0xaa, size);
}

static void follow(struct world *world, uint64_t ticks, uint16_t event, struct slot slot)
{
	follow_in(world, 1, 7, ticks, event, slot);
}

/* The set as a dump holds it: its blocks, one after the other. */
struct set {
	struct part_record *records;
	size_t count;
	size_t nblocks;
	struct clock_point points[64];
	size_t npoints;
};

static struct set set_of(struct world *world)
{
	const struct dump_process process = {.pid = 1, .program = "open"};
	struct dump_writer *writer;
	struct set set = {0};
	struct parts parts = {0};
	char error[256], *folder = folder_make();
	cr_assert_eq(dump_create(&writer, folder, &process, error, sizeof error), 0, "%s", error);
	cr_assert_eq(dump_put_catalog(writer, 0, &records_catalog), 0);
	cr_assert_eq(open_put_clock(world->open, writer, &world->line), 0);
	cr_assert_eq(open_put(world->open, writer), 0);
	cr_assert_eq(dump_close(writer), 0);
	parts_load(&parts, format("%s/*.rill", folder));
	cr_assert_eq(parts.count, 1);
	struct part_block block;
	for (size_t at = PART_FIRST; part_next(&parts.part[0], &at, &block);) {
		if (block.type == BLOCK_CLOCK && set.npoints < 64)
			set.points[set.npoints++] = (struct clock_point){
				block_get(block.body, 8), block_get(block.body + 8, 8),
				block_get(block.body + 16, 8),
				(uint32_t)block_get(block.body + 24, 4),
				(uint32_t)block_get(block.body + 28, 4)};
		if (block.type != BLOCK_OPEN)
			continue;
		size_t n;
		struct part_record *records = part_records(&block, &n);
		set.records = realloc(set.records, (set.count + n + 1) * sizeof *records);
		memcpy(set.records + set.count, records, n * sizeof *records);
		set.count += n;
		set.nblocks++;
	}
	folder_remove(folder);
	return set;
}

static size_t set_size(struct world *world)
{
	struct set set = set_of(world);
	free(set.records);
	return set.count;
}

/* The number under the first key. */
static uint64_t id_of(const struct part_record *record)
{
	struct rill_item items[RILL_MAX_ITEMS];
	cr_assert_gt(raw_record_items(&record->raw, items), 0);
	return items[0].u64;
}

Test(open, what_began_and_did_not_end)
{
	struct world *world = world_new(100);
	for (uint64_t i = 0; i < 10; i++)
		follow_in(world, 1, (uint32_t)(20 + i), 100 + i, EVENT_CONN_START,
			  slot_u64(KEY_ID, i));
	for (uint64_t i = 0; i < 10; i += 2)
		follow(world, 200 + i, EVENT_CONN_END, slot_u64(KEY_ID, i));
	cr_expect_eq(open_count(world->open), 5);
	cr_expect_eq(world->ended, 5);
	cr_expect_eq(world->sum_ns, 500);
	struct set set = set_of(world);
	cr_assert_eq(set.count, 5);
	for (size_t i = 0; i < 5; i++) {
		cr_expect_eq(id_of(&set.records[i]), 2 * i + 1);
		cr_expect_eq(set.records[i].tid, 20 + 2 * i + 1);
		cr_expect_eq(set.records[i].raw.ticks, 100 + 2 * i + 1);
		cr_expect_eq(set.records[i].raw.event, EVENT_CONN_START);
	}
	world_free(world);
}

Test(open, none_is_a_set_as_well)
{
	struct world *world = world_new(100);
	struct set set = set_of(world);
	cr_expect_eq(set.count, 0);
	cr_expect_eq(set.nblocks, 1);
	world_free(world);
}

/* Kinds of spans are apart, and so are values by type, key and bytes; a span may have no key. */
Test(open, spans_are_told_apart)
{
	struct world *world = world_new(100);
	unsigned char ip[4] = {1, 2, 3, 4};
	follow(world, 1, EVENT_CONN_START, slot_u64(KEY_ID, 5));
	follow(world, 2, EVENT_IDLE_START, slot_u64(KEY_ID, 5));
	follow(world, 3, EVENT_CONN_START, slot_text(KEY_ID, "5"));
	follow(world, 4, EVENT_CONN_START, slot_bytes(KEY_ID, "5", 1));
	follow(world, 5, EVENT_CONN_START, slot_text(KEY_ID, "a longer text than a word"));
	follow(world, 6, EVENT_CONN_START, slot_ip4(KEY_ID, ip));
	follow(world, 7, EVENT_SERVER_START, (struct slot){0});
	follow(world, 8, EVENT_JOB_START, slot_u64(KEY_ID, 5)); /* lacks its key */
	cr_expect_eq(open_count(world->open), 7);
	follow(world, 11, EVENT_CONN_END, slot_text(KEY_ID, "a longer text than a word"));
	cr_expect_eq(world->sum_ns, 6);
	follow(world, 12, EVENT_IDLE_END, slot_u64(KEY_ID, 5));
	cr_expect_eq(world->span, 1);
	follow(world, 13, EVENT_SERVER_STOP, (struct slot){0});
	cr_expect_eq(world->span, 3);
	follow(world, 14, EVENT_CONN_END, slot_ip4(KEY_ID, ip));
	cr_expect_eq(open_count(world->open), 3);
	cr_expect_eq(world->ended, 4);
	cr_expect_eq(world->headless, 0);
	world_free(world);
}

/* Another ring's records are written later: an end waits for its start. */
Test(open, an_end_waits_for_its_start)
{
	struct world *world = world_new(100);
	follow_in(world, 2, 7, 500, EVENT_CONN_END, slot_text(KEY_ID, "x"));
	cr_expect_eq(world->ended + world->headless, 0);
	follow_in(world, 1, 8, 100, EVENT_CONN_START, slot_text(KEY_ID, "x"));
	cr_expect_eq(world->ended, 1);
	cr_expect_eq(world->sum_ns, 400);
	cr_expect_eq(world->files, 2, "where the end stands");
	cr_expect_eq(open_count(world->open), 0);
	/* An end from before the start belongs to another span of the same value. */
	follow(world, 50, EVENT_CONN_END, slot_u64(KEY_ID, 1));
	follow(world, 60, EVENT_CONN_START, slot_u64(KEY_ID, 1));
	cr_expect_eq(open_count(world->open), 1);
	follow(world, 70, EVENT_CONN_END, slot_u64(KEY_ID, 1));
	cr_expect_eq(world->ended, 2);
	world_free(world);
}

Test(open, an_end_does_not_wait_for_ever)
{
	struct world *world = world_new(100);
	follow(world, SECOND, EVENT_CONN_END, slot_u64(KEY_ID, 1));
	follow(world, 2 * SECOND, EVENT_CONN_START, slot_u64(KEY_ID, 2));
	cr_expect_eq(world->headless, 0);
	follow(world, 2 * SECOND + 1, EVENT_CONN_START, slot_u64(KEY_ID, 3));
	cr_expect_eq(world->headless, 1);
	follow(world, SECOND / 2, EVENT_CONN_START, slot_u64(KEY_ID, 1));
	cr_expect_eq(world->ended, 0);
	/* Nor do too many of them. */
	for (uint64_t i = 0; i < OPEN_MAX_EARLY + 5; i++)
		follow(world, 2 * SECOND, EVENT_JOB_END, slot_u64(KEY_JOB, i));
	cr_expect_eq(world->headless, 1 + 5);
	world_free(world);
}

/* The file ends first: it counts the end as headless, and no other one counts it again. */
Test(open, an_end_is_settled_with_its_file)
{
	struct world *world = world_new(100);
	follow_in(world, 3, 7, 500, EVENT_CONN_END, slot_u64(KEY_ID, 1));
	open_settle(world->open, 1);
	cr_expect_eq(world->headless, 1);
	cr_expect_eq(world->files, 1);
	open_settle(world->open, 1);
	cr_expect_eq(world->headless, 1, "once");
	follow(world, 100, EVENT_CONN_START, slot_u64(KEY_ID, 1));
	cr_expect_eq(world->ended, 1, "in the other file");
	cr_expect_eq(world->files, 2);
	cr_expect_eq(open_count(world->open), 0);
	world_free(world);
}

Test(open, a_second_start_takes_the_place_of_the_first)
{
	struct world *world = world_new(100);
	follow(world, 100, EVENT_CONN_START, slot_u64(KEY_ID, 1));
	follow(world, 300, EVENT_CONN_START, slot_u64(KEY_ID, 1));
	follow(world, 200, EVENT_CONN_START, slot_u64(KEY_ID, 1)); /* late */
	cr_expect_eq(open_count(world->open), 1);
	follow(world, 310, EVENT_CONN_END, slot_u64(KEY_ID, 1));
	cr_expect_eq(world->sum_ns, 10);
	cr_expect_eq(open_count(world->open), 0);
	world_free(world);
}

/* Both bounds: the oldest go first. */
Test(open, the_oldest_is_dropped)
{
	struct world *world = world_new(10);
	for (uint64_t i = 0; i < 25; i++)
		follow(world, i, EVENT_CONN_START, slot_u64(KEY_ID, i));
	cr_expect_eq(open_count(world->open), 10);
	struct set set = set_of(world);
	for (size_t i = 0; i < 10; i++)
		cr_expect_eq(id_of(&set.records[i]), 15 + i);
	world_free(world);

	world = world_new(100000);
	static unsigned char text[600000];
	for (uint64_t i = 0; i < 100; i++) {
		memcpy(text, &i, sizeof i);
		follow(world, i, EVENT_CONN_START, slot_bytes(KEY_ID, text, sizeof text));
		cr_expect_leq(open_bytes(world->open), OPEN_MAX_BYTES);
	}
	cr_expect_eq(open_count(world->open), OPEN_MAX_BYTES / (sizeof text + 400));
	/* One that is much of it alone is not kept. */
	static unsigned char large[OPEN_MAX_BYTES / 16];
	follow(world, 200, EVENT_CONN_START, slot_bytes(KEY_ID, large, sizeof large));
	cr_expect_eq(open_count(world->open), OPEN_MAX_BYTES / (sizeof text + 400));
	world_free(world);
	world = world_new(0);
	follow(world, 1, EVENT_CONN_START, slot_u64(KEY_ID, 1));
	cr_expect_eq(open_count(world->open), 0);
	world_free(world);
}

Test(open, many_are_several_blocks)
{
	struct world *world = world_new(20000);
	for (uint64_t i = 0; i < 20000; i++)
		follow_in(world, 1, (uint32_t)i, i, EVENT_CONN_START, slot_u64(KEY_ID, i * i));
	struct set set = set_of(world);
	cr_expect_gt(set.nblocks, 1);
	cr_assert_eq(set.count, 20000);
	for (uint64_t i = 0; i < 20000; i++) {
		cr_expect_eq(id_of(&set.records[i]), i * i);
		cr_expect_eq(set.records[i].tid, i);
	}
	free(set.records);
	world_free(world);
}

/* An event that starts spans of two kinds stands there once. */
Test(open, a_record_stands_there_once)
{
	static const struct rill_catalog_span spans[] = {
		{"conn", EVENT_CONN_START, EVENT_CONN_END, KEY_ID},
		{"twin", EVENT_CONN_START, EVENT_IDLE_END, KEY_ID},
	};
	struct rill_catalog twins = records_catalog;
	twins.spans = spans;
	twins.nspans = 2;
	const struct rill_catalog *catalogs[] = {&twins};
	struct world *world = world_new(100);
	world->catalogs.catalog = catalogs;
	follow(world, 1, EVENT_CONN_START, slot_u64(KEY_ID, 1));
	follow(world, 2, EVENT_CONN_START, slot_u64(KEY_ID, 2));
	cr_expect_eq(open_count(world->open), 4);
	cr_expect_eq(set_size(world), 2);
	follow(world, 3, EVENT_CONN_END, slot_u64(KEY_ID, 1));
	cr_expect_eq(set_size(world), 2, "the twin is open");
	follow(world, 4, EVENT_IDLE_END, slot_u64(KEY_ID, 1));
	cr_expect_eq(set_size(world), 1);
	world_free(world);
}

/* The times of starts are known by points of their own, however long ago they were. */
Test(open, the_clock_of_the_past)
{
	struct world *world = world_new(100);
	struct clock_point point = plain;
	for (uint64_t i = 1; i <= 200; i++) {
		/* Each hundredth second the rate is another one; once the clock is set. */
		point.ns = clock_ns(&point, i * SECOND / 100) + (i == 50 ? SECOND : 0);
		point.ticks = i * SECOND / 100;
		point.rate = (UINT64_C(1) << 32) + i * 1000003;
		point.flags = i == 50 ? CLOCK_STEPPED : 0;
		line_add(&world->line, &point, 0);
		if (i % 20 == 0)
			follow(world, point.ticks + 12345, EVENT_CONN_START, slot_u64(KEY_ID, i));
	}
	struct set set = set_of(world);
	cr_assert_eq(set.count, 10);
	cr_assert_eq(set.npoints, 9 + 4, "the last start is among the last four");
	for (size_t i = 0; i < set.count; i++) {
		uint64_t n = (i + 1) * 20, ticks = n * SECOND / 100 + 12345;
		const struct clock_point *found = clock_find(set.points, set.npoints, ticks);
		cr_expect_eq(found->ticks, n * SECOND / 100);
		cr_expect_eq(found->rate, (UINT64_C(1) << 32) + n * 1000003);
		cr_expect_eq(found->flags, n == 60 ? CLOCK_STEPPED : 0, "point %zu", i);
		cr_expect_eq(set.records[i].raw.ticks, ticks);
	}
	/* A record that was made before the last point has the time of the one before. */
	follow(world, 199 * SECOND / 100 + 5, EVENT_CONN_END, slot_u64(KEY_ID, 180));
	const struct clock_point *before = clock_find(set.points, set.npoints, 199 * SECOND / 100);
	uint64_t start_ticks = 180 * SECOND / 100 + 12345;
	cr_expect_eq(
		world->sum_ns,
		clock_ns(before, 199 * SECOND / 100 + 5) -
			clock_ns(clock_find(set.points, set.npoints, start_ticks), start_ticks));
	world_free(world);
}
