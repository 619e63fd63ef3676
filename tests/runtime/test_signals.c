/* A handler that emits ten thousand times a second into an emitting thread. */
#include <criterion/criterion.h>
#include <string.h>

#include "support/traced.h"

static void expect_text(const struct traced_record *record, const char *text)
{
	for (int i = 0; i < record->nitems; i++)
		if (record->items[i].type == RILL_TYPE_STRING) {
			cr_assert_eq(record->items[i].size, strlen(text));
			cr_assert_eq(memcmp(record->items[i].bytes, text, strlen(text)), 0);
			return;
		}
	cr_assert_fail("%s without its text", record->event);
}

static void expect_whole(const char *program)
{
	struct traced t = TRACED(0, NULL, program, "2");
	struct traced_record record;
	uint64_t from_main = 0, from_handler = 0, last_main = 0, last_handler = 0;
	while (traced_next(&t, &record)) {
		uint64_t number = traced_u64(&record, "total");
		if (strcmp(record.event, "smtp.rset") == 0) {
			expect_text(&record, "from the handler");
			cr_assert_gt(number, last_handler);
			last_handler = number;
			from_handler++;
		} else {
			expect_text(&record, "from main");
			cr_assert_gt(number, last_main);
			last_main = number;
			from_main++;
		}
	}
	struct traced_counts counts = traced_counts(&t);
	uint64_t emitted = traced_number(&t, "main") + traced_number(&t, "handler");
	cr_expect_geq(traced_number(&t, "handler"), 5000, "the timer did not do its work");
	cr_expect_gt(from_handler, 0);
	cr_expect_eq(counts.written, from_main + from_handler);
	cr_expect_eq(counts.written + counts.discarded + counts.filtered, emitted);
	cr_expect_eq(traced_number(&t, "repaired"), 0);
	traced_end(&t);
}

Test(signals, every_record_whole_and_accounted_for, .timeout = 120)
{
	expect_whole("signals");
}

Test(signals, every_compact_record_whole_and_accounted_for, .timeout = 120)
{
	expect_whole("signals-compact");
}
