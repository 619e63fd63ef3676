/*
 * Processes that are made while threads emit, filters change and recording stops and starts: each
 * has its own records, all of them once, and the first one's account is exact.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "support/compile.h"
#include "support/files.h"
#include "support/streams.h"
#include "support/traced.h"

#define EVENTS   20u
#define EMITTERS 4u

static bool is_short(void)
{
	const char *tier = getenv("RILL_TEST_TIER");
	return !tier || strcmp(tier, "short") == 0;
}

/* What a child leaves to its parent's threads looks leaked. */
#define NO_LEAKS "ASAN_OPTIONS=detect_leaks=0"
/* Sixty children at once share two cores: that is no sink that hangs. */
#define PATIENT "RILL_EXIT_TIMEOUT=20s"

struct family {
	uint64_t first;    /* records of the first process's threads */
	uint64_t vforked;  /* of its children that share its memory */
	uint64_t children; /* with all their events, in order, and no others */
};

static uint32_t first_pid(const struct traced *traced)
{
	return (uint32_t)traced_number(traced, "pid");
}

static struct family look(struct traced *traced)
{
	struct family family = {0, 0, 0};
	struct traced_record record;
	uint64_t last[EMITTERS] = {0}, last_vforked = 0;
	uint64_t *of_child = calloc(dump_file_count(traced->dump), sizeof *of_child);
	const uint32_t first = first_pid(traced);
	while (traced_next(traced, &record)) {
		uint64_t number = traced_u64(&record, "total");
		bool is_first = dump_file(traced->dump, record.at.file)->process.pid == first;
		if (strcmp(record.event, "smtp.noop") == 0) {
			cr_assert_not(is_first);
			cr_assert_eq(number, of_child[record.at.file]++, "pid %u, %llu, %s",
				     dump_file(traced->dump, record.at.file)->process.pid,
				     (unsigned long long)number, traced->run.err);
			family.children += number == EVENTS - 1;
		} else if (strcmp(record.event, "smtp.rset") == 0) {
			cr_assert(is_first);
			cr_assert_gt(number, last_vforked);
			last_vforked = number;
			family.vforked++;
		} else if (is_first) {
			uint64_t thread = traced_u64(&record, "spanId");
			cr_assert_lt(thread, EMITTERS);
			cr_assert_gt(number, last[thread], "twice, or in a wrong order");
			last[thread] = number;
			family.first++;
		} /* else: an event that a handler's fork() came in before its section */
	}
	free(of_child);
	return family;
}

static struct traced_counts counts_of(const struct traced *traced, bool of_first)
{
	struct traced_counts sum = {0, 0, 0, 0};
	const uint32_t first = first_pid(traced);
	for (size_t f = 0; f < dump_file_count(traced->dump); f++) {
		const struct dump_file *file = dump_file(traced->dump, f);
		cr_expect(file->finished, "pid %u did not finish its dump", file->process.pid);
		if ((file->process.pid == first) != of_first)
			continue;
		for (size_t i = 0; i < file->ncounts; i++) {
			sum.written += file->counts[i].written;
			sum.discarded += file->counts[i].discarded;
			sum.filtered += file->counts[i].filtered;
		}
	}
	return sum;
}

static void expect_family(const char *how, bool with_dumps)
{
	const char *most = is_short() ? "60" : "500";
	struct traced t = TRACED(0, ENV(NO_LEAKS, PATIENT), "forking", how, most);
	struct family family = look(&t);
	uint64_t made = traced_number(&t, "made"), emitted = traced_number(&t, "emitted");
	cr_expect_geq(made, strtoull(most, NULL, 10));
	cr_expect_eq(family.vforked, traced_number(&t, "vforked"));
	if (with_dumps)
		cr_expect_eq(family.children, strcmp(how, "grand") == 0 ? 2 * made : made,
			     "%llu of %llu; %s", (unsigned long long)family.children,
			     (unsigned long long)made, t.run.err);
	struct traced_counts counts = counts_of(&t, true), of_children = counts_of(&t, false);
	cr_expect_eq(counts.written, family.first + family.vforked);
	cr_expect_eq(counts.written + counts.discarded + counts.filtered, emitted + family.vforked,
		     "written %llu, discarded %llu, filtered %llu, emitted %llu",
		     (unsigned long long)counts.written, (unsigned long long)counts.discarded,
		     (unsigned long long)counts.filtered, (unsigned long long)emitted);
	cr_expect_eq(of_children.discarded + of_children.filtered, 0, "a child counts a loss");
	traced_end(&t);
}

Test(fork, from_threads_while_others_emit, .timeout = 120)
{
	expect_family("fork", true);
}

Test(fork, grandchildren, .timeout = 120)
{
	expect_family("grand", true);
}

Test(fork, daemons, .timeout = 120)
{
	expect_family("daemon", true);
}

Test(fork, vfork_emits_as_its_parent, .timeout = 120)
{
	expect_family("vfork", false);
}

Test(fork, posix_spawn_leaves_no_trace, .timeout = 120)
{
	expect_family("spawn", false);
}

Test(fork, in_a_handler, .timeout = 120)
{
	expect_family("handler", true);
}

/* Each start is a dump of its own; a child that is made between a stop and a start has none. */
Test(fork, while_recording_stops_and_starts, .timeout = 120)
{
	struct traced t =
		TRACED(0, ENV(NO_LEAKS, PATIENT), "forking", "sinks", is_short() ? "60" : "500");
	struct family family = look(&t);
	cr_expect_gt(family.first, 0);
	cr_expect_leq(family.children, traced_number(&t, "made"));
	traced_end(&t);
}

/* --- a first event in a handler -------------------------------------------------------------- */

static void expect_born(const char *how, const char *handler)
{
	const char *children = is_short() ? "20" : "300";
	struct traced t = TRACED(0, ENV(NO_LEAKS, PATIENT), "born", children, how, handler);
	struct traced_record record;
	uint64_t from_children = 0;
	while (traced_next(&t, &record))
		from_children += strcmp(record.event, "smtp.ehlo") != 0;
	struct traced_counts of_children = counts_of(&t, false);
	cr_expect_eq(traced_number(&t, "hung"), 0);
	/* Where malloc() is locked for ever the records are in the rings' files, and it is told. */
	size_t kept = count_text(t.run.err, "its events stay in its rings");
	cr_expect(kept == 0 || strcmp(how, "fork") != 0, "%s", t.run.err);
	if (kept == 0)
		cr_expect_eq(from_children + of_children.discarded, traced_number(&t, "emitted"),
			     "%s", t.run.err);
	else
		cr_expect_leq(from_children + of_children.discarded, traced_number(&t, "emitted"));
	cr_expect_lt(kept, strtoull(children, NULL, 10));
	traced_end(&t);
}

Test(born, in_a_handler_that_interrupts_malloc, .timeout = 300)
{
	expect_born("fork", "plain");
}

Test(born, in_a_handler_whose_signal_is_not_blocked, .timeout = 300)
{
	expect_born("fork", "nodefer");
}

Test(born, in_a_handler_on_a_stack_of_its_own, .timeout = 300)
{
	expect_born("fork", "stack");
}

Test(born, by_clone_while_a_thread_takes_memory, .timeout = 300)
{
	expect_born("clone", "plain");
}

Test(born, by_underscore_Fork_while_a_thread_takes_memory, .timeout = 300)
{
	expect_born("_Fork", "nodefer");
}

/* --- an application that uses liburcu itself -------------------------------------------------- */

static void expect_urcu(const char *flavour)
{
	char *folder = folder_make(), *program = format("%s/urcu", folder), error[512];
	struct run_result built_it = COMPILE(
		&compilers[4], source("tests/lives/urcu.c"), "-O2", "-pthread",
		format("-DFLAVOUR_%s", flavour), "-o", program, "-x", "none", built("librill.a"),
		format("-lurcu-%s", flavour), "-lurcu-common", "-lzstd", "-lm");
	cr_assert_eq(built_it.code, 0, "%s", built_it.err);
	const struct run_options options = {.env = ENV("RILL_FILTER=*=trace",
						       format("RILL_SINKS=dump:%s/dump", folder),
						       format("RILL_RUNTIME_DIR=%s", folder))};
	struct run_result run = RUN(&options, program, is_short() ? "30" : "300");
	cr_assert_eq(run.code, 0, "signal %d: %s", run.signal, run.err);
	struct traced t = {.run = run, .folder = folder};
	int result = dump_open(&t.dump, format("%s/dump", folder), error, sizeof error);
	cr_assert_eq(result, 0, "%s", error);
	struct traced_record record;
	uint64_t events[2] = {0, 0};
	while (traced_next(&t, &record))
		events[strcmp(record.event, "smtp.noop") == 0]++;
	struct traced_counts counts = traced_counts(&t);
	cr_expect_eq(events[0] + counts.discarded, traced_number(&t, "emitted"));
	cr_expect_eq(events[1], EVENTS * traced_number(&t, "children"));
	traced_end(&t);
}

Test(urcu, memb, .timeout = 120)
{
	expect_urcu("memb");
}

Test(urcu, bp, .timeout = 120)
{
	expect_urcu("bp");
}
