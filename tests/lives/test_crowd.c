/* Many threads: short ones, all at once, more than there may be rings. Memory is bounded, and given
 * back. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "support/files.h"
#include "support/traced.h"

static bool is_short(void)
{
	const char *tier = getenv("RILL_TEST_TIER");
	return !tier || strcmp(tier, "short") == 0;
}

static void expect_account(struct traced *t)
{
	struct traced_record record;
	uint64_t there = 0;
	while (traced_next(t, &record))
		there += strcmp(record.event, "smtp.ehlo") == 0;
	struct traced_counts counts = traced_counts(t);
	cr_expect_eq(there + counts.discarded + counts.filtered, traced_number(t, "emitted"));
	cr_expect_eq(counts.discarded, traced_number(t, "discarded"));
	cr_expect_eq(traced_number(t, "later"), 0, "no room again");
}

/* Rings, their mappings and their memory. */
static void expect_given_back(const struct traced *t)
{
	cr_expect_leq(traced_number(t, "after-rings"), 40);
	cr_expect_leq(traced_number(t, "after-shared"), 16384, "KiB");
}

Test(crowd, short_threads, .timeout = 300)
{
	struct traced t = TRACED(0, ENV("RILL_RING_SIZE=64KiB"), "crowd",
				 is_short() ? "100" : "1000", "100", "3");
	cr_expect_eq(traced_number(&t, "discarded"), 0);
	expect_account(&t);
	expect_given_back(&t);
	traced_end(&t);
}

Test(crowd, all_at_once, .timeout = 300)
{
	const char *many = is_short() ? "2000" : "10000";
	struct traced t = TRACED(0, ENV("RILL_RING_SIZE=64KiB"), "crowd", "1", many, "10");
	uint64_t rings = strtoull(many, NULL, 10);
	cr_expect_eq(traced_number(&t, "discarded"), 0);
	cr_expect_geq(traced_number(&t, "during-rings"), rings);
	cr_expect_leq(traced_number(&t, "during-rings"), rings + 40);
	/* 64 KiB and a head; what is mapped twice is seen twice. */
	cr_expect_leq(traced_number(&t, "during-shared"), (rings + 40) * 2 * 80);
	expect_account(&t);
	expect_given_back(&t);
	traced_end(&t);
}

Test(crowd, more_than_their_memory, .timeout = 300)
{
	struct traced t = TRACED(0, ENV("RILL_RING_SIZE=64KiB", "RILL_RING_MEMORY=4MiB"), "crowd",
				 "2", "200", "10");
	cr_expect_gt(traced_number(&t, "discarded"), 0);
	cr_expect_leq(traced_number(&t, "during-rings"), 64);
	expect_account(&t);
	expect_given_back(&t);
	traced_end(&t);
}

/* The bound of their number, or half of the mappings that a process may have. */
Test(crowd, more_than_there_may_be, .timeout = 600)
{
	if (is_short())
		cr_skip_test("17,000 threads: medium tier");
	struct traced t = TRACED(0, ENV("RILL_RING_SIZE=64KiB", "RILL_RING_MEMORY=4GiB"), "crowd",
				 "1", "16100", "10");
	cr_expect_leq(traced_number(&t, "during-rings"), 16384);
	expect_account(&t);
	expect_given_back(&t);
	traced_end(&t);
}
