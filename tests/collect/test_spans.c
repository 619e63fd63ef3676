/* The span tracker, case by case. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "../support/records.h"
#include "collect/pipeline.h"

#define MAX_SEEN 2000

/* What a sink was given, copied. */
struct seen {
	bool is_span;
	uint64_t ns; /* of the record, or the span's end */
	const char *name;
	uint64_t span_id; /* of the record's span, or the span's own; 0: none */
	const char *span_name;
	uint64_t parent_id;
	bool has_parent;
	uint64_t trace_id[2];
	uint64_t start_ns;
	uint64_t nevents;
	uint32_t state;
	uint32_t nstart_items;
	uint32_t nend_items;
	struct rill_item start_item; /* the first */
	char note[64];               /* start's KEY_NOTE */
	uint32_t note_size;
};

static struct seen seen[MAX_SEEN];
static size_t nseen;
static struct pipeline *pipeline;
static const struct rill_catalog *const catalogs[] = {&records_catalog, &records_catalog_other};
static const struct rill_catalogs both = {catalogs, 2};

static void note_span(struct seen *to, const struct rill_span *span)
{
	to->span_id = span->id;
	to->span_name = span->span->name;
	to->parent_id = span->parent_id;
	to->has_parent = span->parent != NULL;
	to->trace_id[0] = span->trace_id[0];
	to->trace_id[1] = span->trace_id[1];
	to->start_ns = span->start_ns;
	to->nevents = span->nevents;
	to->state = span->state;
	to->nstart_items = span->nstart_items;
	to->nend_items = span->nend_items;
	if (span->nstart_items)
		to->start_item = span->start_items[0];
	for (size_t i = 0; i < span->nstart_items; i++) {
		const struct rill_item *item = &span->start_items[i];
		if (item->key != KEY_NOTE)
			continue;
		to->note_size = item->size;
		memcpy(to->note, item->bytes, item->size < 63 ? item->size : 63);
	}
}

static void take(void *state, const struct rill_batch *batch)
{
	(void)state;
	for (size_t i = 0; i < batch->count; i++) {
		const struct rill_entry *entry = &batch->entries[i];
		cr_assert_neq(!entry->record, !entry->span);
		cr_assert_lt(nseen, MAX_SEEN);
		struct seen *to = &seen[nseen++];
		memset(to, 0, sizeof *to);
		if (entry->span) {
			cr_assert_neq(entry->span->state, RILL_SPAN_OPEN);
			cr_assert_neq(entry->span->id, 0);
			to->is_span = true;
			to->name = entry->span->span->name;
			to->ns = entry->span->end_ns;
			note_span(to, entry->span);
		} else {
			to->name = entry->record->event->name;
			to->ns = entry->record->time_ns;
			if (entry->record->span)
				note_span(to, entry->record->span);
		}
	}
}

static const struct output output = {.write = take};

static void begin(uint32_t max_open_spans)
{
	struct pipeline_options options = {
		.pid = 5, .process_id = {6, 7}, .max_open_spans = max_open_spans};
	nseen = 0;
	pipeline = pipeline_new(&options, &both);
	cr_assert(pipeline);
}

static void end(void)
{
	pipeline_end(pipeline, &output, 1);
	pipeline_free(pipeline);
}

static void feed_slots(uint64_t ns, uint8_t catalog, uint16_t event, const struct slot *slots,
		       size_t nslots)
{
	static unsigned char bytes[70000];
	struct pipeline_input input = {.ns = ns, .tid = 9};
	size_t size = record_put(bytes, ns, catalog, event, slots, nslots);
	cr_assert_eq(raw_record_read(&input.raw, bytes, size), 0);
	pipeline_feed(pipeline, &input, 1, &output, 1);
	/* Nothing that was kept may point here. */
	memset(bytes, 0xaa, size);
}

static void feed(uint64_t ns, uint16_t event, uint16_t key, uint64_t value)
{
	struct slot slot = slot_u64(key, value);
	feed_slots(ns, 0, event, &slot, 1);
}

/* "name" or "+name" for a span. */
static void expect_order(const char *names)
{
	char order[4096] = "";
	for (size_t i = 0; i < nseen; i++) {
		strcat(order, i ? " " : "");
		strcat(order, seen[i].is_span ? "+" : "");
		strcat(order, seen[i].name);
	}
	cr_assert_str_eq(order, names);
}

Test(spans, from_start_to_end)
{
	begin(10);
	feed(100, EVENT_CONN_START, KEY_ID, 1);
	feed(200, EVENT_WORK, KEY_ID, 1);
	feed(250, EVENT_WORK, KEY_ID, 2);
	feed(300, EVENT_CONN_END, KEY_ID, 1);
	feed(400, EVENT_WORK, KEY_ID, 1);
	expect_order("conn.start conn.work conn.work conn.end +conn conn.work");
	const struct seen *span = &seen[4];
	cr_expect_eq(span->state, RILL_SPAN_ENDED);
	cr_expect(span->start_ns == 100 && span->ns == 300);
	cr_expect_eq(span->nevents, 3);
	cr_expect(span->nstart_items == 1 && span->nend_items == 1);
	cr_expect_eq(span->start_item.u64, 1);
	cr_expect(!span->has_parent && span->parent_id == 0);
	cr_expect(span->trace_id[0] && span->trace_id[1]);
	for (size_t i = 0; i < 4; i++)
		cr_expect_eq(seen[i].span_id, i == 2 ? 0 : span->span_id, "record %zu", i);
	cr_expect_eq(seen[5].span_id, 0);
	end();
	cr_expect_eq(nseen, 6);
}

Test(spans, idle_in_connection)
{
	begin(10);
	feed(100, EVENT_CONN_START, KEY_ID, 1);
	feed(110, EVENT_IDLE_START, KEY_ID, 1);
	feed(120, EVENT_WORK, KEY_ID, 1);
	feed(130, EVENT_IDLE_END, KEY_ID, 1);
	feed(140, EVENT_WORK, KEY_ID, 1);
	feed(150, EVENT_CONN_END, KEY_ID, 1);
	expect_order("conn.start idle.start conn.work idle.end +idle conn.work conn.end +conn");
	const struct seen *idle = &seen[4], *conn = &seen[7];
	cr_expect_eq(idle->parent_id, conn->span_id);
	cr_expect(idle->has_parent);
	cr_expect_neq(idle->span_id, conn->span_id);
	cr_expect(!memcmp(idle->trace_id, conn->trace_id, sizeof conn->trace_id));
	cr_expect_eq(seen[1].span_id, idle->span_id);
	cr_expect_eq(seen[2].span_id, idle->span_id);
	cr_expect_eq(seen[3].span_id, idle->span_id);
	cr_expect_eq(seen[5].span_id, conn->span_id);
	cr_expect_eq(idle->nevents, 3);
	cr_expect_eq(conn->nevents, 6);
	end();
}

Test(spans, outer_one_ends_first)
{
	begin(10);
	feed(100, EVENT_CONN_START, KEY_ID, 1);
	feed(110, EVENT_IDLE_START, KEY_ID, 1);
	feed(120, EVENT_CONN_END, KEY_ID, 1);
	feed(130, EVENT_WORK, KEY_ID, 1);
	feed(140, EVENT_IDLE_END, KEY_ID, 1);
	expect_order("conn.start idle.start conn.end +conn conn.work idle.end +idle");
	cr_expect_eq(seen[2].span_id, seen[3].span_id);
	cr_expect_eq(seen[4].span_id, seen[6].span_id);
	/* Its parent's id stays, the parent itself is gone. */
	cr_expect_eq(seen[6].parent_id, seen[3].span_id);
	cr_expect_not(seen[6].has_parent);
	end();
}

Test(spans, same_thing_within_one_batch)
{
	unsigned char bytes[1024];
	struct pipeline_input inputs[6] = {0};
	static const uint16_t events[] = {EVENT_CONN_START, EVENT_IDLE_START, EVENT_WORK,
					  EVENT_CONN_END,   EVENT_WORK,       EVENT_IDLE_END};
	size_t size = 0;
	begin(10);
	for (size_t i = 0; i < 6; i++) {
		struct slot slot = slot_u64(KEY_ID, 1);
		size_t one = record_put(bytes + size, 100 + i, 0, events[i], &slot, 1);
		inputs[i].ns = 100 + i;
		cr_assert_eq(raw_record_read(&inputs[i].raw, bytes + size, one), 0);
		size += one;
	}
	pipeline_feed(pipeline, inputs, 6, &output, 1);
	expect_order("conn.start idle.start conn.work conn.end +conn conn.work idle.end +idle");
	cr_expect(seen[2].has_parent, "handed out before its parent ended");
	cr_expect_not(seen[5].has_parent);
	end();
}

Test(spans, values_and_types_are_told_apart)
{
	struct slot text = slot_text(KEY_ID, "1"), longer = slot_text(KEY_ID, "10");
	begin(10);
	feed(100, EVENT_CONN_START, KEY_ID, 1);
	feed_slots(110, 0, EVENT_CONN_START, &text, 1);
	feed_slots(120, 0, EVENT_CONN_START, &longer, 1);
	feed_slots(130, 1, 0, &text, 1); /* the other catalog's key of the same name */
	feed_slots(200, 0, EVENT_WORK, &text, 1);
	feed_slots(210, 0, EVENT_WORK, &longer, 1);
	feed(220, EVENT_WORK, KEY_ID, 1);
	feed_slots(230, 1, 1, &text, 1);
	for (size_t i = 0; i < 4; i++)
		for (size_t j = 0; j < i; j++)
			cr_expect_neq(seen[i].span_id, seen[j].span_id);
	cr_expect_eq(seen[4].span_id, seen[1].span_id);
	cr_expect_eq(seen[5].span_id, seen[2].span_id);
	cr_expect_eq(seen[6].span_id, seen[0].span_id);
	cr_expect_eq(seen[7].span_id, seen[3].span_id);
	cr_expect_eq(seen[8].start_ns, 130);
	end();
}

Test(spans, long_string_keys)
{
	char a[5000], b[5000];
	memset(a, 'x', sizeof a);
	memset(b, 'x', sizeof b);
	a[4999] = b[4999] = 0;
	b[4998] = 'y';
	struct slot first = slot_text(KEY_JOB, a), second = slot_text(KEY_JOB, b);
	begin(10);
	feed_slots(1, 0, EVENT_JOB_START, &first, 1);
	feed_slots(2, 0, EVENT_JOB_START, &second, 1);
	feed_slots(3, 0, EVENT_WORK, &first, 1);
	feed_slots(4, 0, EVENT_JOB_END, &second, 1);
	feed_slots(5, 0, EVENT_JOB_END, &first, 1);
	expect_order("job.start job.start conn.work job.end +job job.end +job");
	cr_expect_eq(seen[2].span_id, seen[0].span_id);
	cr_expect(seen[4].start_ns == 2 && seen[6].start_ns == 1);
	end();
}

Test(spans, several_keys_belong_to_the_latest_started)
{
	struct slot keys[] = {slot_u64(KEY_ID, 1), slot_u64(KEY_JOB, 2), slot_u64(KEY_ID, 1)};
	begin(10);
	feed(100, EVENT_JOB_START, KEY_JOB, 2);
	feed(200, EVENT_CONN_START, KEY_ID, 1);
	feed_slots(300, 0, EVENT_WORK, keys, 3);
	cr_expect_eq(seen[2].span_id, seen[1].span_id);
	feed(400, EVENT_CONN_END, KEY_ID, 1);
	feed_slots(500, 0, EVENT_WORK, keys, 3);
	cr_expect_eq(seen[5].span_id, seen[0].span_id);
	feed(600, EVENT_JOB_END, KEY_JOB, 2);
	cr_expect_eq(seen[4].nevents, 3, "the same value twice counts once");
	cr_expect_eq(seen[7].nevents, 4);
	end();
}

Test(spans, duplicate_start_abandons_the_old_one)
{
	begin(10);
	feed(100, EVENT_CONN_START, KEY_ID, 1);
	feed(150, EVENT_WORK, KEY_ID, 1);
	feed(200, EVENT_CONN_START, KEY_ID, 1);
	feed(300, EVENT_CONN_END, KEY_ID, 1);
	expect_order("conn.start conn.work conn.start +conn conn.end +conn");
	cr_expect_eq(seen[3].state, RILL_SPAN_ABANDONED);
	cr_expect(seen[3].start_ns == 100 && seen[3].nevents == 2);
	cr_expect_eq(seen[3].nend_items, 0);
	cr_expect_eq(seen[5].state, RILL_SPAN_ENDED);
	cr_expect(seen[5].start_ns == 200 && seen[5].nevents == 2);
	cr_expect_eq(seen[2].span_id, seen[5].span_id);
	cr_expect_neq(seen[2].span_id, seen[3].span_id);
	end();
}

Test(spans, end_without_start_is_headless)
{
	begin(10);
	feed(100, EVENT_CONN_END, KEY_ID, 1);
	expect_order("conn.end +conn");
	cr_expect_eq(seen[1].state, RILL_SPAN_HEADLESS);
	cr_expect(seen[1].start_ns == 100 && seen[1].ns == 100 && seen[1].nevents == 1);
	cr_expect(seen[1].nstart_items == 0 && seen[1].nend_items == 1);
	cr_expect_eq(seen[0].span_id, seen[1].span_id);
	/* A start that is later is a span of its own. */
	feed(200, EVENT_CONN_START, KEY_ID, 1);
	feed(300, EVENT_CONN_END, KEY_ID, 1);
	cr_expect_eq(seen[4].state, RILL_SPAN_ENDED);
	cr_expect_neq(seen[4].span_id, seen[1].span_id);
	end();
	cr_expect_eq(nseen, 5);
}

Test(spans, end_before_start_by_lateness_is_completed)
{
	begin(10);
	feed(500, EVENT_CONN_END, KEY_ID, 1);
	feed(100, EVENT_CONN_START, KEY_ID, 1);
	expect_order("conn.end +conn conn.start +conn");
	cr_expect_eq(seen[1].state, RILL_SPAN_HEADLESS);
	cr_expect_eq(seen[3].state, RILL_SPAN_ENDED);
	cr_expect(seen[3].start_ns == 100 && seen[3].ns == 500 && seen[3].nevents == 2);
	cr_expect(seen[3].nstart_items == 1 && seen[3].nend_items == 1);
	cr_expect_eq(seen[3].span_id, seen[1].span_id, "the second report replaces the first");
	/* The end is used up: another late start is open. */
	feed(90, EVENT_CONN_START, KEY_ID, 1);
	cr_expect_eq(nseen, 5);
	end();
	cr_expect_eq(nseen, 6);
	cr_expect_eq(seen[5].state, RILL_SPAN_ABANDONED);
}

Test(spans, late_end_of_an_earlier_span_leaves_the_new_one_open)
{
	begin(10);
	feed(100, EVENT_CONN_START, KEY_ID, 1);
	feed(200, EVENT_CONN_START, KEY_ID, 1);
	feed(150, EVENT_CONN_END, KEY_ID, 1);
	feed(300, EVENT_CONN_END, KEY_ID, 1);
	expect_order("conn.start conn.start +conn conn.end +conn conn.end +conn");
	cr_expect_eq(seen[4].state, RILL_SPAN_HEADLESS);
	cr_expect_eq(seen[6].state, RILL_SPAN_ENDED);
	cr_expect(seen[6].start_ns == 200 && seen[6].nevents == 2);
	end();
}

Test(spans, late_start_of_an_earlier_span_does_not_end_the_new_one)
{
	begin(10);
	feed(200, EVENT_CONN_START, KEY_ID, 1);
	feed(100, EVENT_CONN_START, KEY_ID, 1);
	feed(300, EVENT_CONN_END, KEY_ID, 1);
	expect_order("conn.start conn.start +conn conn.end +conn");
	cr_expect(seen[2].state == RILL_SPAN_ABANDONED && seen[2].start_ns == 100);
	cr_expect(seen[4].state == RILL_SPAN_ENDED && seen[4].start_ns == 200);
	end();
}

Test(spans, too_many_open_abandons_the_one_used_least_lately)
{
	begin(3);
	feed(1, EVENT_CONN_START, KEY_ID, 1);
	feed(2, EVENT_CONN_START, KEY_ID, 2);
	feed(3, EVENT_CONN_START, KEY_ID, 3);
	feed(4, EVENT_WORK, KEY_ID, 1);
	feed(5, EVENT_CONN_START, KEY_ID, 4);
	feed(6, EVENT_CONN_START, KEY_ID, 5);
	expect_order(
		"conn.start conn.start conn.start conn.work conn.start +conn conn.start +conn");
	cr_expect(seen[5].state == RILL_SPAN_ABANDONED && seen[5].start_ns == 2);
	cr_expect(seen[7].state == RILL_SPAN_ABANDONED && seen[7].start_ns == 3);
	feed(7, EVENT_CONN_END, KEY_ID, 1);
	cr_expect_eq(seen[9].state, RILL_SPAN_ENDED);
	end();
	cr_expect_eq(nseen, 12);
}

Test(spans, key_none_is_one_at_a_time_and_outlives_the_bound)
{
	begin(1);
	feed_slots(1, 0, EVENT_SERVER_START, NULL, 0);
	feed(2, EVENT_CONN_START, KEY_ID, 1);
	feed(3, EVENT_CONN_START, KEY_ID, 2);
	feed_slots(4, 0, EVENT_SERVER_STOP, NULL, 0);
	expect_order("server.start conn.start conn.start +conn server.stop +server");
	cr_expect_eq(seen[1].parent_id, 0);
	cr_expect(seen[5].state == RILL_SPAN_ENDED && seen[5].nevents == 2);
	cr_expect_eq(seen[0].span_id, seen[5].span_id);
	feed_slots(5, 0, EVENT_SERVER_START, NULL, 0);
	feed_slots(6, 0, EVENT_SERVER_START, NULL, 0);
	cr_expect(seen[8].is_span && seen[8].state == RILL_SPAN_ABANDONED);
	cr_expect_eq(seen[8].nevents, 1);
	end();
	cr_expect_eq(nseen, 11);
}

Test(spans, trace_ends_with_open_spans_inner_first)
{
	begin(10);
	feed(1, EVENT_CONN_START, KEY_ID, 1);
	feed(2, EVENT_IDLE_START, KEY_ID, 1);
	feed(3, EVENT_JOB_START, KEY_JOB, 1);
	end();
	expect_order("conn.start idle.start job.start +idle +conn +job");
	for (size_t i = 3; i < 6; i++)
		cr_expect_eq(seen[i].state, RILL_SPAN_ABANDONED);
	cr_expect(seen[3].has_parent);
}

Test(spans, start_without_its_key_is_counted_and_handed_on)
{
	begin(10);
	feed(1, EVENT_CONN_START, KEY_JOB, 1);
	feed_slots(2, 0, EVENT_CONN_START, NULL, 0);
	feed_slots(3, 0, EVENT_CONN_END, NULL, 0);
	expect_order("conn.start conn.start conn.end");
	cr_expect_eq(pipeline_untracked_spans(pipeline), 2);
	cr_expect_eq(pipeline_bad_records(pipeline), 0);
	end();
}

Test(spans, no_room_for_spans_at_all)
{
	begin(0);
	feed(1, EVENT_CONN_START, KEY_ID, 1);
	feed(2, EVENT_CONN_END, KEY_ID, 1);
	cr_expect_eq(pipeline_untracked_spans(pipeline), 1);
	expect_order("conn.start conn.end +conn");
	end();
}

Test(spans, start_items_are_kept_up_to_a_bound)
{
	char *text = malloc(20001);
	/* Two-byte characters; an odd one first puts the bound inside of one. */
	for (size_t i = 0; i < 20000; i += 2)
		memcpy(text + i, "\xc3\xa9", 2);
	text[0] = 'a';
	text[1] = 'b';
	text[20000] = 0;
	struct slot slots[] = {slot_u64(KEY_ID, 1), slot_text(KEY_NOTE, "short"),
			       slot_text(KEY_REMOTE_IP, text)};
	begin(10);
	feed_slots(1, 0, EVENT_CONN_START, slots, 3);
	feed(2, EVENT_CONN_END, KEY_ID, 1);
	cr_expect_str_eq(seen[2].note, "short");
	cr_expect_eq(seen[2].nstart_items, 3);
	slots[1] = slot_text(KEY_NOTE, text + 1);
	feed_slots(3, 0, EVENT_CONN_START, slots, 2);
	feed(4, EVENT_CONN_END, KEY_ID, 1);
	/* 16384 would end within a character. */
	cr_expect_eq(seen[5].note_size, 16383);
	end();
	free(text);
}

Test(spans, bad_records_are_counted_and_not_handed_on)
{
	unsigned char bytes[256];
	struct pipeline_input input = {.ns = 1};
	struct slot slot = slot_u64(KEY_COUNT, 1); /* no such key */
	begin(10);
	feed_slots(1, 0, EVENT_WORK, &slot, 1);
	feed_slots(1, 0, EVENT_COUNT, NULL, 0); /* no such event */
	feed_slots(1, 2, EVENT_WORK, NULL, 0);  /* no such catalog */
	slot = slot_u64(KEY_ID, 1);
	size_t size = record_put(bytes, 1, 0, EVENT_WORK, &slot, 1);
	bytes[18] = RILL_TYPE_COUNT;
	cr_assert_eq(raw_record_read(&input.raw, bytes, size), 0);
	pipeline_feed(pipeline, &input, 1, &output, 1);
	cr_expect_eq(pipeline_bad_records(pipeline), 4);
	cr_expect_eq(nseen, 0);
	end();
}

Test(spans, ids_are_the_same_in_another_run_and_differ_between_processes)
{
	uint64_t first;
	begin(10);
	feed(100, EVENT_CONN_START, KEY_ID, 1);
	first = seen[0].span_id;
	end();
	begin(2);
	feed(90, EVENT_CONN_START, KEY_ID, 3);
	feed(100, EVENT_CONN_START, KEY_ID, 1);
	cr_expect_eq(seen[1].span_id, first);
	end();
	struct pipeline_options options = {.pid = 5, .process_id = {6, 8}, .max_open_spans = 9};
	nseen = 0;
	pipeline = pipeline_new(&options, &both);
	feed(100, EVENT_CONN_START, KEY_ID, 1);
	cr_expect_neq(seen[0].span_id, first);
	end();
}

/* Many spans in random order, against the number of starts: none leaks, none is reported twice. */
Test(spans, every_start_is_reported_once, .timeout = 60)
{
	uint64_t state = 12345, starts = 0, reported = 0;
	begin(50);
	for (uint64_t i = 1; i <= 200000; i++) {
		state = state * 6364136223846793005u + 1442695040888963407u;
		static const uint16_t events[] = {EVENT_CONN_START, EVENT_CONN_END,
						  EVENT_IDLE_START, EVENT_IDLE_END, EVENT_WORK};
		uint16_t event = events[(state >> 33) % 5];
		starts += event == EVENT_CONN_START || event == EVENT_IDLE_START;
		feed(i, event, KEY_ID, (state >> 40) % 100);
		for (size_t s = 0; s < nseen; s++)
			reported += seen[s].is_span && seen[s].state != RILL_SPAN_HEADLESS;
		nseen = 0;
	}
	end();
	for (size_t s = 0; s < nseen; s++)
		reported += seen[s].is_span && seen[s].state != RILL_SPAN_HEADLESS;
	cr_expect_eq(reported, starts);
}
