/* Everything at once: emitting, threads that come and go, filter changes, flushes, restarts. Every
 * event is accounted for; and ThreadSanitizer, which builds the runtime anew, has nothing to say.
 */
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

static void expect_all_accounted_for(const char *mode)
{
	struct traced t = TRACED(0, NULL, "restless", is_short() ? "2" : "30", mode);
	struct traced_record record;
	uint64_t records = 0;
	while (traced_next(&t, &record))
		records++;
	cr_expect_eq(records + traced_number(&t, "filtered") + traced_number(&t, "discarded"),
		     traced_number(&t, "emitted"), "%llu records and %s",
		     (unsigned long long)records, t.run.out);
	/* Threads come and go by the thousand, at most sixteen at a time. */
	cr_expect_lt(traced_number(&t, "rings"), 500);
	traced_end(&t);
}

Test(restless, runs, .timeout = 300)
{
	expect_all_accounted_for("run");
}

Test(restless, stops_and_starts, .timeout = 300)
{
	expect_all_accounted_for("stop");
}

/* No suppression: what races by design is an atomic access in the source, or RILL__LOAD(). */
static void expect_no_race(const char *mode)
{
	if (is_short())
		cr_skip_test("builds the runtime with ThreadSanitizer");
	char *folder = folder_make(), *build = built("tsan");
	struct run_options options = {.timeout_ms = 600000};
	struct run_result make =
		RUN(&options, "make", "-s", format("BUILD=%s", build), "SANITIZE=thread",
		    "OPT=-O1 -g", format("%s/tests/programs/restless", build));
	cr_assert_eq(make.code, 0, "%s", make.err);

	options.env = ENV("RILL_FILTER=*=trace", format("RILL_SINKS=dump:%s/dump", folder),
			  format("RILL_RUNTIME_DIR=%s", folder));
	/* gcc's runtime knows only the usual addresses. */
	struct run_result run = RUN(&options, "setarch", "-R",
				    format("%s/tests/programs/restless", build), "10", mode);
	cr_expect_eq(run.code, 0, "%s%s", run.out, run.err);
	cr_expect(!strstr(run.err, "ThreadSanitizer"), "%s", run.err);
	folder_remove(folder);
}

Test(restless, thread_sanitizer_runs, .timeout = 900)
{
	expect_no_race("run");
}

Test(restless, thread_sanitizer_stops_and_starts, .timeout = 900)
{
	expect_no_race("stop");
}
