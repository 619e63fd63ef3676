/* From bytes to records: what is handed on is what was put in, whatever stands beside it. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "../support/records.h"
#include "collect/pipeline.h"

#define RECORDS    3000
#define MAX_RECORD 256

static const struct rill_catalog *const catalogs[] = {&records_catalog};
static const struct rill_catalogs one = {catalogs, 1};

static unsigned char bytes[RECORDS][MAX_RECORD];
static struct pipeline_input inputs[RECORDS];
static size_t nseen;

static uint64_t random_u64(void)
{
	static uint64_t state = 88172645463325252u; /* Marsaglia's xorshift64 */
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* 0 to 16 items; each says which record and which place is its own. */
static size_t nitems_of(size_t i)
{
	return i * 7 % 17;
}

static void check_batch(void *state, const struct rill_batch *batch)
{
	(void)state;
	for (size_t i = 0; i < batch->count; i++, nseen++) {
		const struct rill_record *record = batch->entries[i].record;
		cr_assert_not_null(record);
		cr_assert_eq(record->time_ns, 1000 + nseen);
		cr_assert_eq(record->tid, nseen % 5);
		cr_assert_eq(record->pid, 99);
		cr_assert_eq(record->event, &records_catalog.events[EVENT_WORK]);
		cr_assert_eq(record->nitems, nitems_of(nseen));
		for (size_t k = 0; k < record->nitems; k++)
			cr_assert_eq(record->items[k].u64, nseen << 8 | k);
	}
}

Test(pipeline, records_of_any_size_stand_side_by_side)
{
	struct pipeline_options options = {.pid = 99, .max_open_spans = 10};
	struct pipeline *pipeline = pipeline_new(&options, &one);
	struct output output = {.write = check_batch};
	for (size_t i = 0; i < RECORDS; i++) {
		struct slot slots[16];
		for (size_t k = 0; k < nitems_of(i); k++)
			slots[k] = slot_u64(KEY_NOTE, i << 8 | k);
		size_t size = record_put(bytes[i], i, 0, EVENT_WORK, slots, nitems_of(i));
		cr_assert_leq(size, MAX_RECORD);
		cr_assert_eq(raw_record_read(&inputs[i].raw, bytes[i], size), 0);
		inputs[i].ns = 1000 + i;
		inputs[i].tid = (uint32_t)(i % 5);
	}
	pipeline_feed(pipeline, inputs, RECORDS / 2, &output, 1);
	pipeline_feed(pipeline, inputs + RECORDS / 2, RECORDS / 2, &output, 1);
	cr_expect_eq(nseen, RECORDS);
	pipeline_free(pipeline);
}

struct spans {
	uint64_t ids; /* their sum */
	uint64_t states[RILL_SPAN_HEADLESS + 1];
};

static void add_span(void *context, const struct rill_span *span)
{
	struct spans *spans = context;
	spans->ids += span->id;
	spans->states[span->state]++;
}

/* Spans from all records, or from those that decide. */
static struct spans spans_of(size_t count, bool all)
{
	struct pipeline_options options = {.pid = 99, .max_open_spans = 1000};
	struct pipeline *pipeline = pipeline_new(&options, &one);
	struct spans spans = {0};
	pipeline_on_span(pipeline, add_span, &spans);
	for (size_t i = 0; i < count; i++)
		if (all || pipeline_decides_spans(pipeline, &inputs[i].raw))
			pipeline_feed(pipeline, &inputs[i], 1, NULL, 0);
	pipeline_end(pipeline, NULL, 0);
	cr_assert_eq(pipeline_bad_records(pipeline), 0);
	pipeline_free(pipeline);
	return spans;
}

Test(pipeline, records_that_decide_no_span_can_be_left_out)
{
	for (size_t i = 0; i < RECORDS; i++) {
		uint16_t event = (uint16_t)(random_u64() % EVENT_COUNT);
		uint16_t key =
			event == EVENT_JOB_START || event == EVENT_JOB_END ? KEY_JOB : KEY_ID;
		struct slot slots[] = {slot_u64(key, random_u64() % 9), slot_text(KEY_NOTE, "x")};
		size_t size = record_put(bytes[i], i, 0, event, slots, 2);
		cr_assert_eq(raw_record_read(&inputs[i].raw, bytes[i], size), 0);
		inputs[i].ns = i;
	}
	struct spans all = spans_of(RECORDS, true), some = spans_of(RECORDS, false);
	cr_expect_gt(all.states[RILL_SPAN_ENDED], 50);
	cr_expect_eq(memcmp(&all, &some, sizeof all), 0);
}

/* Records with some bytes changed: whether they can be decoded is known without decoding them. */
Test(pipeline, what_can_be_decoded_is_told_beforehand)
{
	size_t good = 0, bad = 0;
	for (size_t i = 0; i < 200000; i++) {
		const unsigned char ip[4] = {1, 2, 3, 4};
		struct slot slots[] = {slot_u64(KEY_ID, i), slot_text(KEY_NOTE, "some text"),
				       slot_ip4(KEY_REMOTE_IP, ip),
				       slot_bytes(KEY_TAGS, "0123456789abcdef", 16)};
		struct rill_item items[RILL_MAX_ITEMS];
		struct raw_record raw;
		size_t size = record_put(bytes[0], i, 0, EVENT_WORK, slots, 4);
		if (i % 3 == 0) /* an IPv6 address, in the tail */
			bytes[0][16 + 4 * 3 + 2] = RILL_TYPE_IP, bytes[0][32 + 8 * 3 + 4] = 16;
		for (uint64_t n = random_u64() % 3; n > 0; n--)
			bytes[0][16 + random_u64() % (size - 16)] =
				(unsigned char)(random_u64() % 2 ? random_u64()
								 : random_u64() % 32);
		cr_assert_eq(raw_record_read(&raw, bytes[0], size), 0);
		int nitems = raw_record_items(&raw, items);
		bool should = nitems >= 0;
		for (int k = 0; k < nitems; k++)
			should = should && items[k].key < KEY_COUNT;
		cr_assert_eq(raw_record_decodes(&raw, KEY_COUNT), should);
		*(should ? &good : &bad) += 1;
	}
	cr_expect_gt(good, 10000);
	cr_expect_gt(bad, 10000);
}
