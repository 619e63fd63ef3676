/* Processes as they come: forking, early and late events, plugins, sudden death, idleness. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "support/files.h"
#include "support/traced.h"

/* Each process has a dump of its own, with what it emitted itself and nothing of its parent's. */
static void expect_forks(const char *how)
{
	/* What a child leaves to its parent's threads looks leaked. */
	struct traced t = TRACED(0, ENV("ASAN_OPTIONS=detect_leaks=0"), "forks", how);
	struct traced_record record;
	uint64_t found[16] = {0};
	cr_assert_eq(dump_file_count(t.dump), 5, "one parent, four children");
	while (traced_next(&t, &record))
		found[record.at.file]++;
	for (size_t i = 0; i < 5; i++) {
		const struct dump_file *file = dump_file(t.dump, i);
		char *word = format("pid %u emitted", file->process.pid);
		cr_expect_eq(found[i], traced_number(&t, word), "pid %u", file->process.pid);
		cr_expect(file->finished, "pid %u did not finish its dump", file->process.pid);
	}
	traced_end(&t);
}

Test(lives, fork_while_other_threads_emit, .timeout = 60)
{
	expect_forks("fork");
}

Test(lives, clone_without_fork_handlers, .timeout = 60)
{
	expect_forks("clone");
}

/* The sink that a child adds comes to those that it has from its parent. */
Test(lives, a_child_adds_a_sink, .timeout = 60)
{
	char *folder = folder_make();
	struct traced t = TRACED(0, ENV("ASAN_OPTIONS=detect_leaks=0"), "child-sink", folder);
	struct traced_record record;
	uint64_t of_parent = 0, of_child = 0, added = 0;
	while (traced_next(&t, &record))
		*(strcmp(record.event, "smtp.noop") == 0 ? &of_parent : &of_child) += 1;
	cr_expect_eq(of_parent, 1);
	cr_expect_eq(of_child, 100);
	dump_reader_close(t.dump);
	char error[512];
	cr_assert_eq(dump_open(&t.dump, folder, error, sizeof error), 0, "%s", error);
	while (traced_next(&t, &record))
		added++;
	cr_expect_eq(added, 100);
	traced_end(&t);
	folder_remove(folder);
}

Test(lives, events_before_main_and_after_it, .timeout = 60)
{
	static const uint64_t expected[] = {1, 2, 3, 4, 4, 6, 7, 8};
	struct traced t = TRACED(0, NULL, "lifetimes");
	struct traced_record record;
	size_t n = 0;
	while (traced_next(&t, &record)) {
		cr_assert_lt(n, 8);
		cr_expect_eq(traced_u64(&record, "total"), expected[n]);
		n++;
	}
	cr_expect_eq(n, 8);
	traced_end(&t);
}

Test(lives, a_plugin_comes_and_goes, .timeout = 60)
{
	struct traced t = TRACED(0, NULL, "loader", built("tests/programs/plugin.so"), "50");
	struct traced_record record;
	uint64_t n = 0;
	while (traced_next(&t, &record)) {
		cr_expect_str_eq(record.event, n % 2 ? "smtp.noop" : "smtp.rset");
		cr_expect_eq(traced_u64(&record, "total"), n / 2);
		n++;
	}
	cr_expect_eq(n, 100);
	cr_expect_eq(dump_file(t.dump, 0)->catalogs.count, 1, "the same catalog each time");
	traced_end(&t);
}

/* The program holds librill.a, its plugin librill.so: each copy records what is emitted through it.
 */
Test(lives, two_copies_of_the_library, .timeout = 60)
{
	struct traced t = TRACED(0, NULL, "loader-static", built("tests/programs/plugin.so"), "50");
	struct traced_record record;
	uint64_t found[2] = {0, 0};
	cr_assert_eq(dump_file_count(t.dump), 2);
	while (traced_next(&t, &record))
		found[record.at.file]++;
	cr_expect_eq(found[0], 50);
	cr_expect_eq(found[1], 50);
	traced_end(&t);
}

/* What was flushed is there, and the dump says that its process was killed. */
Test(lives, kill_9_keeps_what_was_flushed, .timeout = 60)
{
	struct traced t = TRACED(128 + SIGKILL, NULL, "killed", "1000");
	struct traced_record record;
	uint64_t n = 0;
	while (traced_next(&t, &record)) {
		if (n < 1000) {
			cr_assert_str_eq(record.event, "smtp.noop");
			cr_assert_eq(traced_u64(&record, "total"), n);
		}
		n++;
	}
	cr_expect_geq(n, 1000);
	cr_expect_not(dump_file(t.dump, 0)->finished);
	cr_expect(dump_file(t.dump, 0)->damage != NULL);
	traced_end(&t);
}

Test(lives, an_idle_process_rests, .timeout = 60)
{
	char *folder = folder_make();
	char *sinks = format("RILL_SINKS=text:%s/log,json:%s/json", folder, folder);
	struct traced t = TRACED(0, NULL, "idle", "10000");
	cr_expect_eq(traced_number(&t, "switches"), 0);
	cr_expect_eq(traced_number(&t, "ticks"), 0);
	cr_expect_geq(traced_number(&t, "threads"), 1);
	traced_end(&t);
	const struct run_options options = {.env = ENV("RILL_FILTER=*=trace", sinks)};
	struct run_result run = RUN(&options, built("tests/programs/idle"), "10000");
	cr_expect(strstr(run.out, "switches 0 ticks 0"), "%s", run.out);
	run_free(&run);
	folder_remove(folder);
}
