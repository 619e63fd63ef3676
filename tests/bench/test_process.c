/*
 * The programs of bench/process: each yields its rows, with values that can be true, and leaves
 * nothing behind. How fast anything is is not judged here. What the programs look at themselves is:
 * a run in which an event, a line or a mail is missing fails.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../bench/process/numbers.h"
#include "support/files.h"
#include "support/run.h"

#define MAX_ROWS 64u

struct row {
	char figure[64], who[32], unit[16];
	double value;
};

static struct row rows[MAX_ROWS];
static size_t nrows;
static char *scratch;

static void make(void)
{
	scratch = folder_make();
}

static void clean(void)
{
	cr_expect_eq(rmdir(scratch), 0, "%s is not empty", scratch);
}

TestSuite(process, .init = make, .fini = clean, .timeout = 120);

static void read_rows(const char *text)
{
	nrows = 0;
	while (*text) {
		struct row *row = &rows[nrows++];
		int used = 0;
		cr_assert_leq(nrows, MAX_ROWS);
		cr_assert_eq(sscanf(text, "%63[^\t\n]\t%31[^\t\n]\t%lf\t%15[^\t\n]%n", row->figure,
				    row->who, &row->value, row->unit, &used),
			     4, "not a row: %.80s", text);
		cr_assert_eq(text[used], '\n', "not a row: %.80s", text);
		cr_expect_str_eq(row->who, "rill");
		cr_expect(isfinite(row->value), "%s: %g", row->figure, row->value);
		text += used + 1;
	}
}

static void run(const char *name)
{
	const char *const env[] = {"BENCH_QUICK=1", format("BENCH_DIR=%s", scratch), NULL};
	const struct run_options options = {.env = env, .timeout_ms = 100000};
	struct run_result result = RUN(&options, built(format("bench/process/%s", name)));
	cr_assert_eq(result.code, 0, "%s: %s", name, result.err);
	cr_expect_str_empty(result.err, "%s: %s", name, result.err);
	read_rows(result.out);
	run_free(&result);
}

/* The value of the row, which is there once, in this unit and within these bounds. */
static double value(const char *figure, const char *unit, double least, double most)
{
	const struct row *found = NULL;
	for (size_t i = 0; i < nrows; i++) {
		if (strcmp(rows[i].figure, figure) != 0)
			continue;
		cr_expect_null(found, "%s stands there twice", figure);
		found = &rows[i];
	}
	cr_assert_not_null(found, "%s is missing", figure);
	cr_expect_str_eq(found->unit, unit, "%s is in %s", figure, found->unit);
	cr_expect(found->value >= least && found->value <= most, "%s: %g", figure, found->value);
	return found->value;
}

static void percentiles(const char *name)
{
	double median = value(format("%s.p50", name), "us", 0.01, 1e7);
	value(format("%s.p99", name), "us", median, 1e7);
}

static void uncertain(const char *name)
{
	double median = value(name, "%", -99, 1000);
	value(format("%s.low", name), "%", -99, median);
	value(format("%s.high", name), "%", median, 1000);
}

Test(process, emit_to_line)
{
	static const char *const loads[] = {"parked",      "1",        "100",       "10000",
					    "pipe.parked", "pipe.100", "pipe.10000"};
	run("emit_to_line");
	for (size_t i = 0; i < sizeof loads / sizeof *loads; i++)
		percentiles(format("emit_to_line.%s", loads[i]));
	cr_expect_eq(nrows, 14);
}

Test(process, wakes)
{
	static const char *const rates[] = {"1",      "10",      "20",      "50",
					    "100",    "200",     "1000",    "10000",
					    "100000", "1000000", "3000000", "free"};
	run("wakes");
	for (size_t i = 0; i < sizeof rates / sizeof *rates; i++)
		value(format("wakes.%s", rates[i]), "count", 0, 1e6);
	/* One event a second finds the collector parked: that is a wake, or nothing is counted. */
	value("wakes.1", "count", 0.9, 1.1);
	double ten = value("wakes.10", "count", 5, 11);
	value("wakes.worst", "count", ten, 1e6);
	value("share.text.1000", "%", 0.001, 100);
	value("share.dump.1000", "%", 0.001, 100);
	percentiles("wake.cost");
	percentiles("wake.none");
	cr_expect_eq(nrows, 19);
}

Test(process, idle)
{
	run("idle");
	for (unsigned threads = 1; threads <= 10000; threads *= 10000) {
		value(format("idle.wakeups.%u", threads), "count", 0, 1e6);
		value(format("idle.cpu.%u", threads), "us", 0, 1e7);
	}
	cr_expect_eq(nrows, 4);
}

Test(process, rings)
{
	run("rings");
	for (unsigned rate = 1000; rate <= 1000000; rate *= 1000) {
		value(format("rings.%u.0", rate), "ns", 1, 1e6);
		value(format("rings.%u.10000", rate), "ns", 1, 1e7);
		value(format("rings.%u.ratio", rate), "x", 0.01, 1000);
	}
	cr_expect_eq(nrows, 6);
}

/* A thread's ring alone has 256 KiB. */
Test(process, memory)
{
	run("memory");
	for (unsigned threads = 1; threads <= 10000; threads *= 100) {
		double least = 262144.0 * threads;
		value(format("memory.%u", threads), "bytes", least, 4 * least + 1e8);
		value(format("memory.%u.thread", threads), "bytes", 262144, 1e7);
	}
	cr_expect_eq(nrows, 6);
}

Test(process, filter)
{
	run("filter");
	percentiles("filter.10");
	percentiles("filter.free");
	uncertain("filter.10.slowdown");
	uncertain("filter.free.slowdown");
	value("filter.event", "ns", 1, 1e6);
	value("filter.discarded", "count", 0, 1e9);
	cr_expect_eq(nrows, 12);
}

Test(process, smtpd)
{
	run("smtpd");
	value("smtpd.off", "ms", 1, 1e5);
	value("smtpd.on", "ms", 1, 1e5);
	uncertain("smtpd.overhead");
	value("smtpd.collector", "%", 0, 1000);
	value("smtpd.events", "count", 20, 40); /* a mail over a connection of its own */
	cr_expect_eq(nrows, 7);
}

/* Ends a running program by a signal; its status, once nothing of its process group is left. */
static int end_by(const char *name, int signal)
{
	const struct timespec while_it_runs = {0, 700000000}, moment = {0, 20000000};
	int status = 0;
	char *program = built(format("bench/process/%s", name));
	pid_t pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		setenv("BENCH_DIR", scratch, 1);
		execl(program, program, (char *)NULL);
		_exit(127);
	}
	nanosleep(&while_it_runs, NULL);
	cr_assert_eq(kill(pid, signal), 0);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	for (int i = 0; i < 100 && kill(-pid, 0) == 0; i++)
		nanosleep(&moment, NULL);
	bool left = kill(-pid, 0) == 0;
	if (left)
		kill(-pid, SIGKILL);
	cr_expect(!left, "%s left processes behind", name);
	return status;
}

/* Told to end, a program takes its processes with it and its files. */
Test(process, told_to_end)
{
	static const char *const names[] = {"smtpd", "rings"};
	for (size_t i = 0; i < 2; i++) {
		int status = end_by(names[i], SIGTERM);
		cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 128 + SIGTERM, "%s: %d",
			  names[i], status);
	}
}

/* Killed, it leaves its files. */
Test(process, killed)
{
	static const char *const names[] = {"smtpd", "rings", "emit_to_line"};
	for (size_t i = 0; i < 3; i++)
		cr_expect(WIFSIGNALED(end_by(names[i], SIGKILL)));
	folder_remove(scratch);
	scratch = folder_make();
}

Test(numbers, percentile)
{
	uint64_t values[100];
	for (size_t i = 0; i < 100; i++)
		values[i] = 100 - i;
	sort_u64(values, 100);
	cr_expect_eq(percentile(values, 100, 0.50), 50);
	cr_expect_eq(percentile(values, 100, 0.99), 99);
	cr_expect_eq(percentile(values, 100, 1.0), 100);
	cr_expect_eq(percentile(values, 10, 0.99), 10);
	cr_expect_eq(percentile(values, 1, 0.5), 1);
}

/* Ranks as tables of the sign test's interval have them. */
Test(numbers, interval)
{
	static const struct {
		size_t count;
		double median, low, high;
	} cases[] = {{1, 1, 1, 1},      {5, 3, 1, 5},    {6, 3.5, 1, 6},     {10, 5.5, 2, 9},
		     {20, 10.5, 6, 15}, {25, 13, 8, 18}, {100, 50.5, 40, 61}};
	for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
		double values[100];
		for (size_t i = 0; i < cases[c].count; i++)
			values[i] = (double)(cases[c].count - i);
		struct estimate found = estimate(values, cases[c].count);
		cr_expect_eq(found.median, cases[c].median, "%zu", cases[c].count);
		cr_expect_eq(found.low, cases[c].low, "%zu: %g", cases[c].count, found.low);
		cr_expect_eq(found.high, cases[c].high, "%zu: %g", cases[c].count, found.high);
	}
}
