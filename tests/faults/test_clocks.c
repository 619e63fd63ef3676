/*
 * Counters and clocks that misbehave (clocks.c): the order of a thread's events stays as it was,
 * times are about the true ones, no span lasts less than nothing, and the trace says what happened.
 */
#include <criterion/criterion.h>
#include <glob.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "dump/dump.h"
#include "support/dump_lines.h"
#include "support/files.h"
#include "support/run.h"
#include "support/traced.h"

#define THREADS     3
#define IN_A_ROUND  7 /* events of a span */
#define MOST_EVENTS 20000
#define MILLISECOND INT64_C(1000000)
#define HOUR_NS     INT64_C(3600000000000)

struct expected {
	const char *mode;
	int64_t off_ns;     /* how far times may be from the true ones, on a machine that is busy */
	bool broken;        /* the counter was wrong, and that is said */
	bool set;           /* the host's clock was set */
	bool sure;          /* by so much that it is seen whatever the machine does */
	bool second_reader; /* is asked as well: it takes its time */
	/* Events in a thousand whose stamps do not tell how wrong they are. */
	uint64_t unknown;
};

static struct traced run_clocks(const char *mode)
{
	struct traced traced = {.folder = folder_make()};
	const struct run_options options = {
		.env = ENV(format("CLOCKS_DUMP=dump:%s/dump?rotate=128KiB", traced.folder),
			   format("CLOCKS_TEXT=text:%s/text", traced.folder),
			   format("RILL_RUNTIME_DIR=%s", traced.folder))};
	traced.run = RUN(&options, built("tests/programs/clocks"), mode);
	cr_assert_eq(traced.run.code, 0, "%s: %s", mode, traced.run.err);
	char error[512];
	int result = dump_open(&traced.dump, format("%s/dump", traced.folder), error, sizeof error);
	cr_assert_eq(result, 0, "%s", error);
	return traced;
}

static size_t count_flags(const struct traced *traced, uint32_t flag)
{
	size_t n = 0;
	for (size_t f = 0; f < dump_file_count(traced->dump); f++) {
		const struct dump_file *file = dump_file(traced->dump, f);
		for (size_t i = 0; i < file->npoints; i++)
			n += (file->points[i].flags & flag) != 0;
	}
	return n;
}

/* Each thread's spans in order, their times never going back, and all about right. Returns how many
 * events there are. */
static uint64_t expect_order(struct traced *traced, const struct expected *expected)
{
	uint64_t next[THREADS] = {0}, last_ns = 0, first_ns = 0, first_true = 0, n = 0;
	uint64_t unknown = 0;
	struct traced_record record;
	for (; traced_next(traced, &record); n++) {
		uint64_t id = traced_u64(&record, "spanId"), was = traced_u64(&record, "total");
		uint64_t *thread = &next[(id >> 32) - 1];
		cr_assert_eq((uint32_t)id, *thread / IN_A_ROUND,
			     "%s: span %u after %" PRIu64 " events", expected->mode, (uint32_t)id,
			     *thread);
		bool starts = *thread % IN_A_ROUND == 0, ends = *thread % IN_A_ROUND == 6;
		cr_assert_str_eq(record.event, starts ? "smtp.connection-start"
					       : ends ? "smtp.connection-end"
						      : "smtp.ehlo");
		++*thread;
		cr_assert_geq(record.at.ns, last_ns, "%s", expected->mode);
		last_ns = record.at.ns;
		if (!n) {
			first_ns = record.at.ns;
			first_true = was;
		}
		int64_t off = (int64_t)(record.at.ns - first_ns - (was - first_true));
		if (off <= expected->off_ns && off >= -expected->off_ns)
			continue;
		cr_assert_leq(++unknown * 1000, expected->unknown * MOST_EVENTS,
			      "%s: event %" PRIu64 " is %" PRId64 " us off", expected->mode, n,
			      off / 1000);
	}
	cr_expect_leq(unknown * 1000, expected->unknown * n, "%s: %" PRIu64 " of %" PRIu64 " off",
		      expected->mode, unknown, n);
	return n;
}

/* The log of live outputs: a thread's spans in order, times that do not go back for it. */
static void expect_log(const struct traced *traced, uint64_t events)
{
	char *text = file_load(format("%s/text", traced->folder), NULL);
	char last[THREADS][32] = {""};
	uint64_t next[THREADS] = {0}, n = 0;
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		const char *at = strstr(line, "spanId=");
		if (!at || strstr(line, " SPAN "))
			continue;
		uint64_t id = strtoull(at + 7, NULL, 10), thread = (id >> 32) - 1;
		cr_assert_eq((uint32_t)id, next[thread]++ / IN_A_ROUND, "%s", line);
		cr_assert_geq(strncmp(line, last[thread], 31), 0, "%s", line);
		strncpy(last[thread], line, 31);
		last[thread][31] = 0;
		n++;
	}
	cr_expect_eq(n, events);
}

/* The commands and the second reader see the same, and say what happened. */
static void expect_said(const struct traced *traced, const struct expected *expected)
{
	char *rill = built("rill"), *folder = format("%s/dump", traced->folder);
	struct run_result info = RUN(NULL, rill, "info", folder);
	cr_expect_eq(info.code, 0);
	if (expected->sure) {
		cr_expect_eq(strstr(info.out, "the counter was wrong") != NULL, expected->broken,
			     "%s: %s", expected->mode, info.out);
		cr_expect_eq(strstr(traced->run.err, "rill: the counter of the CPU") != NULL,
			     expected->broken, "%s: %s", expected->mode, traced->run.err);
		cr_expect_eq(count_flags(traced, CLOCK_BROKEN) > 0, expected->broken, "%s",
			     expected->mode);
	}
	cr_expect_eq(strstr(info.out, "of these times") != NULL, expected->set, "%s: %s",
		     expected->mode, info.out);
	cr_expect_eq(count_flags(traced, CLOCK_STEPPED) > 0, expected->set, "%s", expected->mode);
	run_free(&info);
	glob_t files;
	cr_assert_eq(glob(format("%s/*.rill", folder), 0, NULL, &files), 0);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		struct run_result verify = RUN(NULL, rill, "verify", files.gl_pathv[i]);
		cr_expect_eq(verify.code, 0, "%s: %s", expected->mode, verify.out);
		run_free(&verify);
		if (expected->second_reader)
			free(readers_agree(files.gl_pathv[i]));
	}
	globfree(&files);
}

static void expect_right(struct expected expected)
{
	struct traced traced = run_clocks(expected.mode);
	uint64_t events = expect_order(&traced, &expected);
	cr_expect_gt(events, 100);
	cr_expect_eq(events, traced_number(&traced, "drained"), "%" PRIu64 " events: %s", events,
		     traced.run.out);
	cr_expect_eq(traced_number(&traced, "lost"), 0);
	expect_log(&traced, events);
	expect_said(&traced, &expected);
	dump_reader_close(traced.dump);
	folder_remove(traced.folder);
}

Test(clocks, as_they_should_be, .timeout = 60)
{
	expect_right((struct expected){"right", 5 * MILLISECOND, false, false, false, false, 0});
}

Test(clocks, a_counter_goes_back, .timeout = 60)
{
	expect_right((struct expected){"back", 50 * MILLISECOND, true, false, true, true, 0});
	expect_right((struct expected){"far-back", 50 * MILLISECOND, true, false, true, false, 0});
	expect_right(
		(struct expected){"back-a-little", 150 * MILLISECOND, true, false, true, false, 0});
}

Test(clocks, a_counter_jumps_ahead, .timeout = 60)
{
	expect_right((struct expected){"ahead", 50 * MILLISECOND, true, false, true, false, 0});
	expect_right((struct expected){"far-ahead", 50 * MILLISECOND, true, false, true, false, 0});
}

Test(clocks, a_counter_stands_still, .timeout = 60)
{
	expect_right((struct expected){"stop", 100 * MILLISECOND, true, false, true, false, 0});
}

/* Which core the collector and each thread are on is the kernel's to say. */
Test(clocks, cores_have_counters_of_their_own, .timeout = 60)
{
	expect_right((struct expected){"cores", 100 * MILLISECOND, true, false, false, false, 0});
	expect_right((struct expected){"cores-a-little", 20 * MILLISECOND, true, false, false,
				       false, 0});
}

Test(clocks, there_is_no_counter, .timeout = 60)
{
	expect_right((struct expected){"absent", 20 * MILLISECOND, false, false, true, false, 0});
}

/* The machine sleeps for an hour; with it its counter, or not. */
Test(clocks, the_machine_sleeps, .timeout = 60)
{
	expect_right((struct expected){"sleep-stopped", 100 * MILLISECOND, true, false, true, false,
				       100});
	expect_right((struct expected){"sleep", HOUR_NS / 10000, false, false, true, false, 10});
}

/* By an hour forward, and then two back, while files are rotated. */
Test(clocks, the_clock_of_the_host_is_set, .timeout = 60)
{
	expect_right((struct expected){"set", 20 * MILLISECOND, false, true, true, true, 0});
}
