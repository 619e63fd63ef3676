/* Handlers that interrupt an emitting thread and each other, and exceptions that leave events. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "support/compile.h"
#include "support/files.h"
#include "support/traced.h"

#define LEVELS    3
#define FROM_MAIN 9u

static bool is_short(void)
{
	const char *tier = getenv("RILL_TEST_TIER");
	return !tier || strcmp(tier, "short") == 0;
}

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

Test(nested, three_levels_whole_and_accounted_for, .timeout = 900)
{
	struct traced t = TRACED(0, NULL, "nested", is_short() ? "1000000" : "100000000");
	struct traced_record record;
	uint64_t last = 0, from_main = 0, from_handlers = 0, handled = 0;
	bool *seen[LEVELS];
	static const char *const words[LEVELS] = {"first", "second", "third"};
	uint64_t most[LEVELS];
	for (int level = 0; level < LEVELS; level++) {
		most[level] = traced_number(&t, words[level]);
		handled += most[level];
		seen[level] = calloc(most[level] + 1, 1);
	}
	while (traced_next(&t, &record)) {
		uint64_t level = traced_u64(&record, "spanId"),
			 number = traced_u64(&record, "total");
		if (level == FROM_MAIN) {
			expect_text(&record, "from main");
			cr_assert_gt(number, last);
			last = number;
			from_main++;
			continue;
		}
		cr_assert_lt(level, LEVELS);
		cr_assert_leq(number, most[level]);
		expect_text(&record, "from a handler");
		cr_assert_not(seen[level][number], "twice");
		seen[level][number] = true;
		from_handlers++;
	}
	struct traced_counts counts = traced_counts(&t);
	cr_expect_eq(counts.written, from_main + from_handlers);
	cr_expect_eq(counts.written + counts.discarded + counts.filtered,
		     traced_number(&t, "main") + handled);
	cr_expect_gt(handled, 100, "the timers did not do their work");
	cr_expect_gt(from_handlers, 0);
	cr_expect_eq(traced_number(&t, "repaired"), 0);
	traced_end(&t);
}

/* An event that is left before its section was never one; one that is left inside is repaired. */
static void expect_thrown(const struct compiler *compiler)
{
	char *folder = folder_make(), *program = format("%s/thrown", folder), error[512];
	const char *most = is_short() ? "300" : "20000";
	struct run_result built_it =
		COMPILE(compiler, source("tests/lives/thrown.cc"), "-O2", "-pthread",
			"-fnon-call-exceptions", "-fasynchronous-unwind-tables", "-o", program,
			"-x", "none", built("librill.a"), "-lzstd", "-lm");
	cr_assert_eq(built_it.code, 0, "%s", built_it.err);
	const struct run_options options = {.env = ENV("RILL_FILTER=*=trace",
						       format("RILL_SINKS=dump:%s/dump", folder),
						       format("RILL_RUNTIME_DIR=%s", folder))};
	struct run_result run = RUN(&options, program, most);
	cr_assert_eq(run.code, 0, "signal %d: %s", run.signal, run.err);
	struct traced t = {.run = run, .folder = folder};
	int result = dump_open(&t.dump, format("%s/dump", folder), error, sizeof error);
	cr_assert_eq(result, 0, "%s", error);
	struct traced_record record;
	uint64_t whole = 0, left = 0, last = 0;
	while (traced_next(&t, &record)) {
		if (strcmp(record.event, "smtp.ehlo") == 0) {
			expect_text(&record, "thrown");
			whole++;
			continue;
		}
		expect_text(&record, "thrown out of");
		uint64_t number = traced_u64(&record, "total");
		cr_assert_gt(number, last);
		last = number;
		left++;
	}
	struct traced_counts counts = traced_counts(&t);
	uint64_t begun = traced_number(&t, "begun"), times = traced_number(&t, "handler");
	cr_expect_eq(whole, traced_number(&t, "emitted"));
	cr_expect_eq(traced_number(&t, "emitted") + traced_number(&t, "arguments"), times);
	cr_expect_leq(left + counts.discarded, begun);
	cr_expect_geq(left + counts.discarded + times, begun);
	cr_expect_leq(traced_number(&t, "repaired"), times);
	traced_end(&t);
}

Test(thrown, out_of_events_of_gcc, .timeout = 120)
{
	expect_thrown(&compilers[1]);
}

Test(thrown, out_of_events_of_clang, .timeout = 120)
{
	expect_thrown(&compilers[3]);
}
