/* The benchmark harness: its arithmetic, its complaints, and the peer that docs/benchmarks.md
 * shows.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "support/files.h"
#include "support/run.h"

static const struct run_options in_source = {.timeout_ms = 120000};

/* A folder with a suite and targets; the runner writes its results there, too. */
static char *folder_with(const char *suite, const char *targets)
{
	char *folder = folder_make();

	file_store_text(format("%s/suite", folder), suite);
	file_store_text(format("%s/targets", folder), targets);
	return folder;
}

static struct run_result bench(const char *folder, const char *more, const char *value)
{
	return RUN(&in_source, built("bench/run/run"), "--suite", format("%s/suite", folder),
		   "--targets", format("%s/targets", folder), "--results", folder, "--name", "it",
		   more, value);
}

/* What jq finds in the results, without the newline. */
static char *results(const char *folder, const char *filter)
{
	struct run_result r = RUN(NULL, "jq", "-cr", filter, format("%s/it.json", folder));

	cr_assert_eq(r.code, 0, "%s", r.err);
	r.out[strcspn(r.out, "\n")] = 0;
	return r.out;
}

/* Prints the figures of one round: another number of the list each time. */
static void store_counter(const char *folder)
{
	file_store_text(format("%s/fake.sh", folder),
			"cd \"$1\"; echo x >>rounds; n=$(wc -l <rounds)\n"
			"set -- 10 40 20 30; a=$(eval echo \\$$n)\n"
			"set -- 1 8 1 3; b=$(eval echo \\$$n)\n"
			"printf 'warm.w1\\trill\\t%s\\tns\\nwarm.w1\\trdtsc\\t%s\\tns\\n' $a $b\n");
}

Test(harness, medians_over_rounds_and_targets_round_by_round)
{
	char *folder = folder_with("", "over | warm.w1[rill] - warm.w1[rdtsc] | <= 23 ns\n"
				       "ratio | (warm.w1[rill] + 2*1) / warm.w1[rdtsc] | >= 11 x\n"
				       "other | warm.w1[rill] + other[rill] | <= 30 ns\n"
				       "none | warm.w1[nobody] | <= 1 ns\n");
	file_store_text(format("%s/suite", folder),
			format("# a comment\n\nfake 1 4 sh %s/fake.sh %s\n"
			       "other 1 1 printf 'other\\trill\\t5\\tns\\n'\n",
			       folder, folder));
	store_counter(folder);
	struct run_result r = bench(folder, NULL, NULL);
	cr_assert_eq(r.code, 0, "%s%s", r.out, r.err);

	cr_expect_str_eq(
		results(folder, "[.figures[0] | .figure, .who, .unit, .median, .min, .max]"),
		"[\"warm.w1\",\"rill\",\"ns\",25,10,40]");
	cr_expect_str_eq(results(folder, ".figures[0].samples | tostring"), "[10,40,20,30]");
	/* Differences 9 32 19 27; ratios 12 5.25 22 10.67: not those of the medians, 23 and 13.5.
	 */
	cr_expect_str_eq(results(folder, ".targets[0] | [.seen, .at_most, .met] | tostring"),
			 "[23,23,true]");
	cr_expect_str_eq(results(folder, ".targets[1] | [.seen, .at_least, .met] | tostring"),
			 "[11.3333,11,true]");
	/* Of two rows: medians. 25 + 5. */
	cr_expect_str_eq(results(folder, ".targets[2] | [.seen, .met] | tostring"), "[30,true]");
	cr_expect_str_eq(results(folder, ".targets[3] | [.seen, .met] | tostring"), "[null,null]");
	cr_expect_neq(strstr(r.out, "no figure warm.w1[nobody]"), NULL, "%s", r.out);
	cr_expect_str_eq(results(folder, "[.failed, .quick, .machine.cores > 0] | tostring"),
			 "[[],false,true]");
	run_free(&r);
	folder_remove(folder);
}

Test(harness, a_target_that_is_not_met_is_shown_and_fails_nothing)
{
	char *folder = folder_with("one 1 1 printf 'off\\trill\\t2\\tns\\n'\n",
				   "low | off[rill] | <= 1.9 ns\nhigh | off[rill] | >= 2.1 ns\n");
	struct run_result r = bench(folder, "--quick", NULL);

	cr_expect_eq(r.code, 0, "%s", r.err);
	cr_expect_str_eq(results(folder, "[.targets[].met] | tostring"), "[false,false]");
	cr_expect_neq(strstr(r.out, "NOT MET"), NULL, "%s", r.out);
	run_free(&r);
	folder_remove(folder);
}

Test(harness, a_row_that_fails_is_named_and_the_others_are_reported)
{
	char *folder = folder_with("good 1 1 printf 'off\\trill\\t2\\tns\\n'\n"
				   "half 1 1 printf 'off\\tring\\t2\\tns\\n'; exit 7\n"
				   "killed 1 1 kill -9 $$\n"
				   "words 1 1 echo hello\n"
				   "unit 1 1 printf 'off\\trill\\t2\\tus\\n'\n"
				   "number 1 1 printf 'off\\trill\\tfast\\tns\\n'\n",
				   "");
	struct run_result r = bench(folder, NULL, NULL);

	cr_expect_eq(r.code, 1);
	cr_expect_str_eq(results(folder, ".failed | tostring"),
			 "[\"half\",\"killed\",\"words\",\"unit\",\"number\"]");
	cr_expect_str_eq(results(folder, "[.figures[] | .who, .median] | tostring"),
			 "[\"rill\",2,\"ring\",2]");
	cr_expect_neq(strstr(r.err, "exit code 7"), NULL, "%s", r.err);
	cr_expect_neq(strstr(r.err, "signal 9"), NULL, "%s", r.err);
	cr_expect_neq(strstr(r.err, "line 1 of its output: a figure is"), NULL, "%s", r.err);
	cr_expect_neq(strstr(r.err, "had another unit"), NULL, "%s", r.err);
	cr_expect_neq(strstr(r.err, "the value is no number"), NULL, "%s", r.err);
	cr_expect_neq(strstr(r.out, "row killed FAILED"), NULL, "%s", r.out);
	run_free(&r);
	folder_remove(folder);
}

Test(harness, a_bad_line_is_an_error_with_its_place)
{
	static const struct {
		const char *suite, *targets, *says;
	} cases[] = {
		{"# a\n\none x 1 true\n", "", "suite:3: 'x' is no number of rounds"},
		{"one 1\n", "", "suite:1: '' is no number of rounds"},
		{"one 1 -1 true\n", "", "suite:1: '-1' is no number of rounds"},
		{"one 1 1\n", "", "suite:1: row 'one' has no command"},
		{"one 1 1 true\none 1 1 true\n", "", "suite:2: there is a row 'one' already"},
		{"# nothing\n", "", "suite:1: there are no rows"},
		{"one 1 1 true\n", "a | b[c]\n", "targets:1: a target is TITLE"},
		{"one 1 1 true\n", "\na | b | <= 1 ns\n", "targets:2: 'b': a figure is written"},
		{"one 1 1 true\n", "a | (b[c] | <= 1 ns\n", "a ) is missing"},
		{"one 1 1 true\n", "a | b[c] b[c] | <= 1 ns\n", "something else stands behind"},
		{"one 1 1 true\n", "a | b[c] | < 1 ns\n", "targets:1: '< 1 ns' is no bound"},
		{"one 1 1 true\n", "a | b[c] | <= x ns\n", "no number behind <="},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *folder = folder_with(cases[i].suite, cases[i].targets);
		struct run_result r = bench(folder, NULL, NULL);

		cr_expect_eq(r.code, 2, "case %zu", i);
		cr_expect_neq(strstr(r.err, cases[i].says), NULL, "case %zu: %s", i, r.err);
		cr_expect(!file_exists(format("%s/it.json", folder)), "case %zu", i);
		run_free(&r);
		folder_remove(folder);
	}
}

Test(harness, what_is_interrupted_is_stopped_with_all_that_it_has_started)
{
	char *folder = folder_with("", "");

	file_store_text(format("%s/suite", folder),
			format("long 1 1 echo $BENCH_DIR >%s/dir; sleep 50 & echo $! >%s/pid; "
			       "sleep 60; echo over >%s/over\n",
			       folder, folder, folder));
	file_store_text(format("%s/go.sh", folder),
			"\"$@\" & p=$!\n"
			"while [ ! -s pid ]; do sleep 0.02; done\n"
			"kill -TERM $p; wait $p; code=$?\n"
			"sleep 0.2; grep '^State:.*[RSD] ' /proc/$(cat pid)/status 2>/dev/null\n"
			"[ -e $(cat dir) ] && echo left\necho $code\n");
	const struct run_options options = {.directory = folder, .timeout_ms = 30000};
	struct run_result r =
		RUN(&options, "sh", "go.sh", built("bench/run/run"), "--suite", "suite",
		    "--targets", "targets", "--results", ".", "--name", "it");
	cr_expect_str_eq(r.out, "130\n", "%s%s", r.out, r.err);
	cr_expect(!file_exists(format("%s/it.json", folder)));
	cr_expect(!file_exists(format("%s/over", folder)));
	run_free(&r);
	folder_remove(folder);
}

/* The example of the page as FOLDER/mine.so, of this version of the interface. */
static char *example(const char *folder, const char *version)
{
	char *page = file_load(source("docs/benchmarks.md"), NULL);
	char *begin = strstr(page, "```c\n"), *end = begin ? strstr(begin + 5, "```") : NULL;
	char *file = format("%s/mine.c", folder), *object = format("%s/mine.so", folder);

	cr_assert_not_null(end);
	*end = 0;
	char *at = strstr(begin, "BENCH_PEER_VERSION");
	cr_assert_not_null(at);
	*at = 0;
	file_store_text(file,
			format("%s%s%s", begin + 5, version, at + strlen("BENCH_PEER_VERSION")));
	struct run_result r = RUN(NULL, TEST_CC, "-Wall", "-Wextra", "-Werror", "-O2", "-fPIC",
				  "-shared", "-I", source(""), "-o", object, file);
	cr_assert_eq(r.code, 0, "%s", r.err);
	run_free(&r);
	free(page);
	return object;
}

static void expect_row(const struct run_result *r, const char *row)
{
	cr_expect_neq(strstr(r->out, row), NULL, "no %s in:\n%s%s", row, r->out, r->err);
}

Test(harness, the_peer_of_the_page_is_measured_beside_the_others, .timeout = 120)
{
	char *folder = folder_make(), *object = example(folder, "BENCH_PEER_VERSION");
	const struct run_options options = {.env = (const char *const[]){"BENCH_QUICK=1", NULL},
					    .timeout_ms = 100000};
	struct run_result r = RUN(&options, built("bench/hot/hot"), "--peer", object, "--only",
				  "loop,rdtsc,ring,rill,rill-pic,stdio", "warm");

	cr_expect_eq(r.code, 0, "%s", r.err);
	expect_row(&r, "warm.w1\tstdio\t");
	expect_row(&r, "warm.w4\tstdio\t");
	expect_row(&r, "warm.w1\trill\t");
	expect_row(&r, "warm.w8\trill-pic\t");
	expect_row(&r, "warm.pair\trill\t");
	expect_row(&r, "warm.w4\tring\t");
	expect_row(&r, "warm.w1\trdtsc\t");
	cr_expect_eq(strstr(r.out, "warm.w8\tstdio"), NULL, "it has none");
	run_free(&r);
	folder_remove(folder);
}

Test(harness, the_runner_hands_the_peer_on, .timeout = 120)
{
	char *folder = folder_with("bytes 1 1 $BUILD/bench/sustained/sustained --only "
				   "rill,stdio bytes w1\n",
				   "ratio | bytes.w1[stdio] / bytes.w1[rill] | >= 0 x\n");
	struct run_result r = bench(folder, "--peer", example(folder, "BENCH_PEER_VERSION"));

	cr_expect_eq(r.code, 0, "%s%s", r.out, r.err);
	/* "smtp.ehlo spanId=" and a newline, and a counter of one to seven digits. */
	cr_expect_str_eq(results(folder, "[.figures[] | select(.figure == \"bytes.w1\" and "
					 ".who == \"stdio\") | .median > 19 and .median < 26]"
					 " | tostring"),
			 "[true]");
	cr_expect_str_eq(results(folder, ".targets[0].met"), "true");
	run_free(&r);
	folder_remove(folder);
}

Test(harness, a_peer_of_another_version_is_refused)
{
	char *folder = folder_make();
	struct run_result r = RUN(&in_source, built("bench/hot/hot"), "--only", "loop,stdio",
				  "--peer", example(folder, "2"), "off");

	cr_expect_eq(r.code, 1);
	cr_expect_neq(strstr(r.err, "is of version 2 of the interface, not 1"), NULL, "%s", r.err);
	expect_row(&r, "off\tloop\t");
	run_free(&r);
	folder_remove(folder);
}

/* Throughput without loss, from two threads, with all that a run of it checks. */
Test(harness, nothing_is_lost_when_nothing_may_be, .timeout = 120)
{
	const struct run_options options = {.env = (const char *const[]){"BENCH_QUICK=1", NULL},
					    .timeout_ms = 100000};
	static const char *const workloads[] = {"w1", "w4", "w4.unique", "mix"};

	for (size_t i = 0; i < sizeof workloads / sizeof *workloads; i++) {
		struct run_result r =
			RUN(&options, built("bench/sustained/sustained"), "--only", "rill", "speed",
			    workloads[i], strcmp(workloads[i], "mix") == 0 ? "1" : "2");
		cr_expect_eq(r.code, 0, "%s: %s", workloads[i], r.err);
		expect_row(&r, format("sustained.%s.%s\trill\t", workloads[i],
				      strcmp(workloads[i], "mix") == 0 ? "1t" : "2t"));
		run_free(&r);
	}
}
