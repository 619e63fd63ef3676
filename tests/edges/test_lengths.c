/* Strings of all lengths up to and beyond what is written in one pass, an address between them, in
 * a ring that is passed through often. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <string.h>

#include "support/files.h"
#include "support/lengths.h"
#include "support/traced.h"

#define EVENTS 20000

static void expect_bytes(const struct rill_item *item, const void *bytes, size_t size, uint64_t n)
{
	cr_assert_eq(item->size, size, "event %" PRIu64 ": %u bytes, not %zu", n, item->size, size);
	cr_assert_eq(item->original_size, size, "event %" PRIu64 ": was %u", n,
		     item->original_size);
	cr_assert_eq(memcmp(item->bytes, bytes, size), 0, "event %" PRIu64 ": other bytes", n);
}

static void expect_all(const char *program)
{
	static char text[LENGTHS_TEXT + 1];
	lengths_fill(text);
	struct traced t = TRACED(
		0, ENV("RILL_RING_SIZE=64KiB", "RILL_POLICY=block", "RILL_BLOCK_TIMEOUT=60s"),
		program, format("%d", EVENTS));
	struct traced_record record;
	for (uint64_t n = 0; n < EVENTS; n++) {
		uint8_t address[16] = {0};
		for (int i = 0; i < 8; i++)
			address[8 + i] = (uint8_t)(n >> 8 * i);
		cr_assert(traced_next(&t, &record), "only %" PRIu64, n);
		cr_assert_eq(record.nitems, 4);
		cr_assert_eq(traced_u64(&record, "total"), n);
		expect_bytes(&record.items[1], text + lengths_from(n), lengths_sized(n), n);
		expect_bytes(&record.items[2], address, sizeof address, n);
		expect_bytes(&record.items[3], text + LENGTHS_TEXT - lengths_text(n),
			     lengths_text(n), n);
		cr_assert(traced_next(&t, &record), "only %" PRIu64, n);
		cr_assert_eq(record.nitems, 5);
		for (unsigned i = 0; i < 5; i++)
			expect_bytes(&record.items[i], text + LENGTHS_TEXT - lengths_long(n, i),
				     lengths_long(n, i), n);
	}
	cr_expect_not(traced_next(&t, &record));
	traced_end(&t);
}

Test(lengths, inline_and_behind_the_call, .timeout = 120)
{
	expect_all("lengths");
}

Test(lengths, compact, .timeout = 120)
{
	expect_all("lengths-compact");
}
