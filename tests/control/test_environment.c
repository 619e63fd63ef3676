/* What a user writes into the environment: what works, and what is told when it does not. */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/files.h"
#include "support/run.h"

#define ENV(...) ((const char *const[]){__VA_ARGS__, NULL})

static struct run_result threads(const char *const *env)
{
	const struct run_options options = {.env = env};
	return RUN(&options, built("tests/programs/threads"), "1", "10");
}

static size_t lines(const char *text)
{
	size_t n = 0;
	for (; *text; text++)
		n += *text == '\n';
	return n;
}

Test(environment, nothing_configured_records_nothing)
{
	struct run_result run = threads(ENV("LANG=C"));
	cr_expect_eq(run.code, 0);
	cr_expect_str_eq(run.err, "");
	cr_expect(strstr(run.out, "emitted 0 drained 0"), "%s", run.out);
}

Test(environment, a_filter_alone_writes_text_to_stderr)
{
	struct run_result run = threads(ENV("RILL_FILTER=smtp.*=trace"));
	cr_expect_eq(run.code, 0);
	cr_expect_eq(lines(run.err), 10, "%s", run.err);
	cr_expect(strstr(run.err, "smtp.ehlo"));
}

Test(environment, sinks_alone_record_info_and_above)
{
	struct run_result run = threads(ENV("RILL_SINKS=json:stderr"));
	cr_expect_eq(lines(run.err), 10, "smtp.ehlo is info: %s", run.err);
	const struct run_options options = {.env = ENV("RILL_SINKS=json:stderr")};
	struct run_result token = RUN(&options, built("tests/programs/token"), "2", "10");
	cr_expect_str_eq(token.err, "", "smtp.noop is debug");
}

Test(environment, the_last_rule_that_matches_decides)
{
	struct run_result run = threads(ENV("RILL_FILTER=*=trace,smtp.*=off"));
	cr_expect_str_eq(run.err, "");
	run = threads(ENV("RILL_FILTER=smtp.*=off, smtp.ehlo"));
	cr_expect_eq(lines(run.err), 10);
	run = threads(ENV("RILL_FILTER=*=warn"));
	cr_expect_str_eq(run.err, "");
}

/* The program goes on long enough for the catalogs of all its objects to be there. */
Test(environment, a_rule_without_an_event_suggests_the_nearest)
{
	const struct run_options options = {
		.env = ENV("RILL_FILTER=*=error,smtp.elho=trace", "RILL_SINKS=text:/dev/null")};
	struct run_result run = RUN(&options, built("tests/programs/idle"), "1");
	cr_expect_eq(run.code, 0);
	cr_expect(strstr(run.err, "'smtp.elho' matches no event"), "%s", run.err);
	cr_expect(strstr(run.err, "did you mean smtp.ehlo"), "%s", run.err);
}

/* A program that is over before the catalogs are looked at a second time. */
Test(environment, a_short_program_is_told_of_a_rule_without_an_event)
{
	struct run_result run = threads(ENV("RILL_FILTER=*=error,smtp.elho=trace"));
	cr_expect_eq(lines(run.err), 1, "%s", run.err);
	cr_expect(strstr(run.err, "did you mean smtp.ehlo"), "%s", run.err);
	run = threads(ENV("RILL_FILTER=smtp.*=error,queue.*=info"));
	cr_expect_str_eq(run.err, "");
}

Test(environment, what_is_empty_is_not_set)
{
	struct run_result run = threads(ENV("RILL_FILTER=", "RILL_SINKS="));
	cr_expect_str_eq(run.err, "");
	cr_expect(strstr(run.out, "emitted 0 drained 0"), "%s", run.out);
}

/* A server runs for months: it hears of its losses while it runs, once a minute at most. */
Test(environment, losses_are_told_while_they_happen)
{
	const struct run_options no_memory = {
		.env = ENV("RILL_RING_MEMORY=1", "RILL_SINKS=text:/dev/null")};
	struct run_result run = RUN(&no_memory, built("tests/programs/threads"), "1", "10");
	cr_expect(strstr(run.err, "events are being discarded, 10 so far"), "%s", run.err);
	cr_expect_eq(lines(run.err), 2, "then once more, at the end: %s", run.err);
}

/* Text and JSON do not show what never reached them; so the end of the program does. */
Test(environment, losses_are_told_at_the_end)
{
	const struct run_options no_memory = {
		.env = ENV("RILL_RING_MEMORY=1", "RILL_SINKS=text:/dev/null")};
	struct run_result run = RUN(&no_memory, built("tests/programs/threads"), "1", "10");
	cr_expect(strstr(run.err, "10 events were discarded"), "%s", run.err);
	run = threads(ENV("RILL_SINKS=text:/dev/full"));
	cr_expect(strstr(run.err, "10 events and 0 spans were not written"), "%s", run.err);
}

Test(environment, a_glob_without_an_event_suggests_the_nearest_subsystem)
{
	struct run_result run =
		threads(ENV("RILL_FILTER=smpt.*=trace", "RILL_SINKS=text:/dev/null"));
	cr_expect(strstr(run.err, "did you mean smtp.*"), "%s", run.err);
}

Test(environment, a_malformed_filter_is_told_and_the_default_applies)
{
	struct run_result run = threads(ENV("RILL_FILTER=smtp.*=loud", "RILL_SINKS=text:stderr"));
	cr_expect_eq(run.code, 0);
	cr_expect(strstr(run.err, "unknown level 'loud'"), "%s", run.err);
	cr_expect(strstr(run.err, "character 8"), "%s", run.err);
	cr_expect_eq(lines(run.err), 11, "a sentence and ten lines: %s", run.err);
}

Test(environment, settings_out_of_range_are_told)
{
	static const char *const bad[][2] = {
		{"RILL_RING_SIZE=100", "RILL_RING_SIZE: '100' is no size of a ring"},
		{"RILL_RING_SIZE=a lot", "no size"},
		{"RILL_RING_MEMORY=0", "RILL_RING_MEMORY: '0' is no size"},
		{"RILL_MAX_OPEN_SPANS=0", "no number above 0"},
		{"RILL_MAX_OPEN_SPANS=1KiB", "no number above 0"},
		{"RILL_BLOCK_TIMEOUT=0s", "no duration"},
		{"RILL_POLICY=perhaps", "no policy"},
		{"RILL_BLOCK_TIMEOUT=5 minutes", "no duration"},
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct run_result run = threads(ENV(bad[i][0], "RILL_SINKS=text:/dev/null"));
		cr_expect_eq(run.code, 0);
		cr_expect(strstr(run.err, bad[i][1]), "%s: %s", bad[i][0], run.err);
		cr_expect(strstr(run.out, "emitted 10 drained 10"), "%s", run.out);
	}
}

/* The program runs on, the other sink works, and what was not written is counted. */
Test(environment, an_unwritable_sink_is_told_and_counts_its_loss)
{
	struct run_result run =
		threads(ENV("RILL_SINKS=json:/nowhere/to/be/found.json,text:stderr"));
	cr_expect_eq(run.code, 0);
	cr_expect(strstr(run.err, "/nowhere/to/be/found.json"), "%s", run.err);
	cr_expect(strstr(run.err, "10 events were not written"), "%s", run.err);
	cr_expect(strstr(run.out, "drained 10"), "%s", run.out);
	cr_expect(strstr(run.err, "smtp.ehlo"), "%s", run.err);

	run = threads(ENV("RILL_SINKS=dump:/proc/no-such-place"));
	cr_expect_eq(run.code, 0);
	cr_expect(strstr(run.err, "dump:/proc/no-such-place"), "%s", run.err);
	cr_expect(strstr(run.err, "10 events were not written"), "%s", run.err);
}

Test(environment, an_unknown_sink_is_told)
{
	struct run_result run = threads(ENV("RILL_SINKS=telepathy:all"));
	cr_expect_eq(run.code, 0);
	cr_expect(strstr(run.err, "rill: sink \"telepathy:all\": no type is called \"telepathy\"; "
				  "there are text, json and dump\n"),
		  "%s", run.err);
	run = threads(ENV("RILL_SINKS=dump:/tmp/x?level=warn"));
	cr_expect(strstr(run.err, "no option is called \"level\""), "%s", run.err);
}

/* Each is told with what it may be; no folder is made, and nothing else happens. */
Test(environment, a_malformed_option_of_a_dump_is_told)
{
	static const char *const cases[][2] = {
		{"rotate=63KiB", "rotate is not \"63KiB\" but the size of a file, 64KiB at least"},
		{"rotate=1MB", "rotate is not \"1MB\" but"},
		{"rotate=-1", "rotate is not \"-1\" but"},
		{"rotate=99999999999GiB", "rotate is not \"99999999999GiB\" but"},
		{"every=999ms", "every is not \"999ms\" but the age of a file, 1s at least"},
		{"every=5", "every is not \"5\" but"},
		{"keep=0", "keep is not \"0\" but a number of files, 1 at least"},
		{"keep=all", "keep is not \"all\" but"},
		{"keep-size=0", "keep-size is not \"0\" but the size of all files"},
		{"keep-age=1w", "keep-age is not \"1w\" but how long files stay"},
		{"zstd=20", "zstd is not \"20\" but a level of zstd, 1 to 19"},
		{"rotate=1MiB&rotate=2MiB", "option \"rotate\" is given twice"},
		{"rotate", "option \"rotate\" is not NAME=VALUE"},
		{"", "is not NAME=VALUE"},
	};
	char *folder = folder_make();
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct run_result run =
			threads(ENV(format("RILL_SINKS=dump:%s/d?%s", folder, cases[i][0])));
		cr_expect_eq(run.code, 0);
		cr_expect(strstr(run.err, cases[i][1]), "%s: %s", cases[i][0], run.err);
		cr_expect_not(file_exists(format("%s/d", folder)), "%s", cases[i][0]);
	}
	folder_remove(folder);
}

Test(environment, options_of_a_dump)
{
	char *folder = folder_make();
	struct run_result run = threads(ENV(
		format("RILL_SINKS=dump:%s/100%%25%%3F?rotate=1GiB&every=15m&keep=3&keep-size=2G"
		       "&keep-age=7d",
		       folder)));
	cr_expect_str_eq(run.err, "");
	cr_expect(file_exists(format("%s/100%%?", folder)));
	folder_remove(folder);
}

/* No room for ring files: anonymous memory, a diagnostic, and every event all the same. */
Test(environment, without_a_runtime_directory_rings_are_anonymous)
{
	struct run_result run =
		threads(ENV("RILL_RUNTIME_DIR=/nowhere/at/all", "RILL_SINKS=text:/dev/null"));
	cr_expect_eq(run.code, 0);
	cr_expect(strstr(run.err, "/nowhere/at/all"), "%s", run.err);
	cr_expect(strstr(run.out, "emitted 10 drained 10"), "%s", run.out);
}

Test(environment, nothing_is_left_behind_by_a_program_that_ends)
{
	char *folder = folder_make(), *runtime = format("RILL_RUNTIME_DIR=%s", folder);
	struct run_result run = threads(ENV(runtime, "RILL_SINKS=text:/dev/null"));
	cr_expect_eq(run.code, 0);
	struct run_result left = RUN(NULL, "find", folder, "-mindepth", "1");
	cr_expect_str_eq(left.out, "");
	folder_remove(folder);
}

/* What a killed program leaves is removed by the next one, once it is not young any more: at once
 * when all of it was drained. */
Test(environment, the_next_start_sweeps_what_the_dead_left)
{
	char *folder = folder_make(), *runtime = format("RILL_RUNTIME_DIR=%s", folder);
	const struct run_options options = {.env = ENV(runtime, "RILL_SINKS=text:/dev/null")};
	struct run_result killed = RUN(&options, built("tests/programs/killed"), "0");
	cr_expect_neq(killed.signal, 0);
	struct run_result left = RUN(NULL, "find", folder, "-mindepth", "1", "-maxdepth", "1");
	cr_assert_eq(lines(left.out), 1, "%s", left.out);
	*strchr(left.out, '\n') = 0;

	threads(ENV(runtime, "RILL_SINKS=text:/dev/null"));
	cr_expect(file_exists(left.out), "it is young: its owner might still be starting");
	file_make_old(left.out);
	threads(ENV(runtime, "RILL_SINKS=text:/dev/null"));
	cr_expect_not(file_exists(left.out));
	folder_remove(folder);
}

/* Where head and tail stand: docs/ring-file.md. */
#define HEAD_AT 128
#define TAIL_AT 256

/* Leaves what a killed program does, in a directory whose name it returns, with a ring that has
 * records and one that has none. */
static char *leave_one(const char *runtime, const char *folder)
{
	const struct run_options options = {.env = ENV(runtime, "RILL_SINKS=text:/dev/null")};
	struct run_result killed = RUN(&options, built("tests/programs/killed"), "10");
	cr_assert_neq(killed.signal, 0);
	struct run_result left =
		RUN(NULL, "sh", "-c", format("ls -dt %s/rill-* | head -1", folder));
	*strchr(left.out, '\n') = 0;
	size_t size;
	char *ring = file_load(format("%s/ring-1", left.out), &size);
	memcpy(ring + HEAD_AT, ring + TAIL_AT, 8);
	file_store(format("%s/ring-100", left.out), ring, size);
	ring[HEAD_AT + 7]++;
	file_store(format("%s/ring-1", left.out), ring, size);
	return left.out;
}

static bool has_ring(const char *directory, const char *name)
{
	return file_exists(format("%s/%s", directory, name));
}

Test(environment, what_the_dead_left_undrained_stays_up_to_a_bound)
{
	enum { DEAD = 5 };
	char *folder = folder_make(), *runtime = format("RILL_RUNTIME_DIR=%s", folder), *left[DEAD];
	for (int i = 0; i < DEAD; i++)
		left[i] = leave_one(runtime, folder);
	for (int i = 0; i < DEAD; i++) {
		cr_assert(has_ring(left[i], "ring-1") && has_ring(left[i], "ring-100"));
		file_make_old(left[i]);
	}
	struct run_result run = threads(ENV(runtime, "RILL_SINKS=text:/dev/null"));
	cr_expect_str_empty(run.err);
	for (int i = 0; i < DEAD; i++) {
		cr_expect(has_ring(left[i], "ring-1"), "its records were not recovered");
		cr_expect_not(has_ring(left[i], "ring-100"), "nothing was in it");
		file_make_old(left[i]);
	}
	/* Each has its ring of 256 KiB, and its catalogs. */
	run = threads(ENV(runtime, "RILL_SINKS=text:/dev/null", "RILL_REMAINS_MEMORY=512KiB"));
	for (int i = 0; i < DEAD - 1; i++)
		cr_expect_not(file_exists(left[i]), "the last one died after it");
	cr_expect(has_ring(left[DEAD - 1], "ring-1"));
	cr_expect(strstr(run.err, "4 dead processes left"), "%s", run.err);
	folder_remove(folder);
}
