/* What a review found broken once: each by its name. */
#include <criterion/criterion.h>

#include "support/files.h"
#include "support/traced.h"

static void expect_nobody_held_up(const char *program, const char *argument)
{
	static const uint64_t expected[] = {1, 2, 3};
	struct traced t = TRACED(0, NULL, program, argument);
	cr_expect_eq(traced_number(&t, "result"), 0);
	cr_expect_lt(traced_number(&t, "change"), 5000);
	cr_expect_lt(traced_number(&t, "stop"), 5000);
	cr_expect_eq(traced_number(&t, "repaired"), 1);
	struct traced_record record;
	size_t n = 0;
	while (traced_next(&t, &record)) {
		cr_assert_lt(n, 3);
		cr_expect_eq(traced_u64(&record, "total"), expected[n]);
		n++;
	}
	cr_expect_eq(n, 3);
	traced_end(&t);
}

/* The section that siglongjmp() left open held up every filter change for ten seconds. */
Test(review, an_abandoned_event_holds_nobody_up, .timeout = 120)
{
	expect_nobody_held_up("abandoned", NULL);
	expect_nobody_held_up("abandoned-compact", NULL);
}

/* The next event of the function that was left was taken for a handler's if its values lay on the
 * stack: those pushed lay below the section's mark. It was never repaired. */
Test(review, an_event_with_values_on_the_stack_repairs_as_well, .timeout = 120)
{
	expect_nobody_held_up("abandoned", "wide");
	expect_nobody_held_up("abandoned-compact", "wide");
}

/* A thread that was cancelled inside open() took the lock of the rings with it. */
Test(review, cancelled_first_events_leave_no_lock, .timeout = 60)
{
#ifdef __SANITIZE_ADDRESS__
	cr_skip_test("AddressSanitizer reports its own thread's end after a cancellation");
#endif
	struct traced t = TRACED(0, NULL, "cancelled");
	struct traced_record record;
	uint64_t n = 0;
	while (traced_next(&t, &record))
		n++;
	cr_expect_eq(n, 7);
	traced_end(&t);
}

/* Rings that the first collector had on its list were never drained by the second. */
Test(review, recording_starts_again_after_a_stop, .timeout = 60)
{
	char *folder = folder_make();
	struct traced t = TRACED(0, NULL, "restarted", folder);
	struct traced_record record;
	uint64_t n = 0;
	while (traced_next(&t, &record))
		cr_assert_eq(traced_u64(&record, "total"), n++);
	cr_expect_eq(n, 1000);
	dump_reader_close(t.dump);
	char error[512];
	cr_assert_eq(dump_open(&t.dump, folder, error, sizeof error), 0, "%s", error);
	while (traced_next(&t, &record))
		cr_assert_eq(traced_u64(&record, "total"), n++);
	cr_expect_eq(n, 2000);
	traced_end(&t);
	folder_remove(folder);
}

/* Records were put into a dump that had no room for their catalog, and counted as written. */
Test(review, records_need_their_catalog, .timeout = 60)
{
	char *folder = folder_make();
	struct traced t = TRACED(0, NULL, "full", folder);
	cr_expect_eq(traced_number(&t, "added"), 0);
	dump_reader_close(t.dump);
	char error[512];
	cr_assert_eq(dump_open(&t.dump, folder, error, sizeof error), 0, "%s", error);
	const struct dump_file *file = dump_file(t.dump, 0);
	cr_expect_eq(file->catalogs.count, 0);
	cr_expect_eq(file->nrecords, 0);
	traced_end(&t);
	folder_remove(folder);
}
