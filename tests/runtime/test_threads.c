/* Eight threads, rings of 64 KiB: nothing lost by policy block, everything accounted for by
 * discard. */
#include <criterion/criterion.h>
#include <string.h>

#include "support/files.h"
#include "support/traced.h"

#define THREADS 8
#define EVENTS  1000000

Test(threads, block_loses_nothing, .timeout = 120)
{
	struct traced t = TRACED(
		0, ENV("RILL_RING_SIZE=64KiB", "RILL_POLICY=block", "RILL_BLOCK_TIMEOUT=60s"),
		"threads", "8", "1000000");
	struct traced_record record;
	uint64_t next[THREADS] = {0}, total = 0;
	while (traced_next(&t, &record)) {
		uint64_t thread = traced_u64(&record, "spanId");
		cr_assert_lt(thread, THREADS);
		cr_assert_eq(traced_u64(&record, "total"), next[thread],
			     "a thread's events in its own order");
		next[thread]++;
		total++;
	}
	cr_expect_eq(total, (uint64_t)THREADS * EVENTS);
	cr_expect_eq(traced_number(&t, "emitted"), (uint64_t)THREADS * EVENTS);
	struct traced_counts counts = traced_counts(&t);
	cr_expect_eq(counts.written, total);
	cr_expect_eq(counts.discarded + counts.filtered + counts.failed, 0);
	traced_end(&t);
}

Test(threads, discard_counts_each_loss, .timeout = 120)
{
	struct traced t = TRACED(0, ENV("RILL_RING_SIZE=64KiB"), "threads", "8", "1000000");
	struct traced_record record;
	uint64_t last[THREADS] = {0}, total = 0;
	while (traced_next(&t, &record)) {
		uint64_t thread = traced_u64(&record, "spanId"),
			 value = traced_u64(&record, "total");
		cr_assert(value >= last[thread], "a thread's events in its own order");
		last[thread] = value;
		total++;
	}
	struct traced_counts counts = traced_counts(&t);
	cr_expect_eq(traced_number(&t, "emitted"), (uint64_t)THREADS * EVENTS);
	cr_expect_eq(counts.written, total);
	cr_expect_gt(counts.discarded, 0, "a ring that never fills shows nothing: make it smaller");
	cr_expect_eq(counts.written + counts.discarded, (uint64_t)THREADS * EVENTS);

	/* By event id, and shown: the one event of the program bears them all. */
	struct run_result stats = RUN(NULL, built("rill"), "stats", format("%s/dump", t.folder));
	cr_assert_eq(stats.code, 0, "%s", stats.err);
	char *line = strstr(stats.out, "smtp.ehlo");
	cr_assert(line, "%s", stats.out);
	*strchr(line, '\n') = 0;
	cr_expect(strstr(line, format("%llu", (unsigned long long)counts.discarded)),
		  "discarded %llu in: %s", (unsigned long long)counts.discarded, line);
	run_free(&stats);
	traced_end(&t);
}
