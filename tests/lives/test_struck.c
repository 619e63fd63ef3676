/*
 * A signal at every instruction of an event, of a thread's first and last one, of a flush: handlers
 * that emit, fork, clone, jump out. Every record whole, every one counted, nobody hangs.
 *
 * In the short tier only some of the instructions, spread evenly.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/files.h"
#include "support/stepper.h"
#include "support/streams.h"
#include "support/traced.h"

#define MAX_STEPS    100000u
#define CHILD_EVENTS 3u

struct strikes {
	const char *path;
	const char *action;
	unsigned some;   /* strikes of the short tier, at most */
	unsigned medium; /* the same; 0: at every instruction */
	bool others;     /* threads run while this one steps */
};

static unsigned at_most(const struct strikes *how)
{
	const char *tier = getenv("RILL_TEST_TIER");
	bool is_short = !tier || strcmp(tier, "short") == 0;
	return is_short ? how->some : how->medium ? how->medium : MAX_STEPS;
}

/* From mark 1 on. False: it came to mark 2, or its end, before that many instructions. */
static bool step_to(struct stepper *stepper, pid_t tid, unsigned steps, bool others)
{
	for (unsigned i = 0; i < steps; i++) {
		enum stepper_result result = stepper_step(stepper, tid, others);
		if (result != STEPPER_STEPPED)
			return false;
	}
	if (others)
		stepper_halt(stepper);
	return true;
}

static unsigned count_steps(struct stepper *stepper, const struct strikes *how)
{
	unsigned steps = 0;
	pid_t tid = stepper_run_to(stepper, 1);
	cr_assert_neq(tid, 0, "it does not come to its mark");
	while (steps < MAX_STEPS && stepper_step(stepper, tid, how->others) == STEPPER_STEPPED)
		steps++;
	if (how->others)
		stepper_halt(stepper);
	return steps;
}

/* Returns how often. */
static unsigned strike(struct stepper *stepper, const struct strikes *how, const char *output)
{
	unsigned steps = 0;
	for (int i = 0; i < 4; i++) /* the first ones find an empty ring, no spare one */
		steps = count_steps(stepper, how);
	unsigned most = at_most(how), stride = steps > most ? steps / most : 1, struck = 0;
	for (unsigned k = 0; k <= steps; k += stride) {
		pid_t tid = stepper_run_to(stepper, 1);
		cr_assert_neq(tid, 0, "%s, %s: it hangs after a signal at instruction %u",
			      how->path, how->action, k);
		if (!step_to(stepper, tid, k, how->others))
			continue;
		stepper_signal(stepper, tid, SIGUSR1);
		struck++;
	}
	pid_t tid = stepper_run_to(stepper, 1);
	cr_assert_neq(tid, 0, "%s, %s: it hangs after the last signal", how->path, how->action);
	kill(stepper->pid, SIGUSR2);
	cr_assert_eq(stepper_finish(stepper), STEPPER_ENDED, "%s, %s: it does not end", how->path,
		     how->action);
	const char *said = file_load(output, NULL);
	cr_assert(WIFEXITED(stepper->status) && WEXITSTATUS(stepper->status) == 0,
		  "%s, %s: status %x: %s", how->path, how->action, stepper->status, said);
	cr_log_info("%s, %s: %u instructions, struck at %u", how->path, how->action, steps, struck);
	return struck;
}

/* What the dumps hold. */
struct seen {
	uint64_t main;      /* the program's events, each once */
	uint64_t handler;   /* its handler's */
	uint64_t twice;     /* events that a child went on with */
	uint64_t children;  /* with all their events */
	uint64_t discarded; /* by what the dumps say */
	uint64_t others;
};

struct numbers {
	bool *there;
	uint64_t size;
};

static void note(struct numbers *numbers, uint64_t number, const char *event)
{
	if (number >= numbers->size) {
		uint64_t size = 2 * number + 1024;
		numbers->there = realloc(numbers->there, size);
		cr_assert(numbers->there);
		memset(numbers->there + numbers->size, 0, size - numbers->size);
		numbers->size = size;
	}
	cr_assert_not(numbers->there[number], "%s %llu is there twice", event,
		      (unsigned long long)number);
	numbers->there[number] = true;
}

static struct seen look(struct traced *traced, pid_t parent)
{
	struct seen seen = {0};
	struct traced_record record;
	struct numbers events = {0}, handlers = {0};
	size_t nfiles = dump_file_count(traced->dump);
	unsigned *of_child = calloc(nfiles, sizeof *of_child);
	while (traced_next(traced, &record)) {
		uint64_t number = traced_u64(&record, "total");
		bool in_parent =
			dump_file(traced->dump, record.at.file)->process.pid == (uint32_t)parent;
		if (strcmp(record.event, "smtp.noop") == 0) {
			cr_assert_not(in_parent);
			cr_assert_eq(number, of_child[record.at.file]++, "in a child's order");
			seen.children += number == CHILD_EVENTS - 1;
		} else if (!in_parent) {
			seen.twice++;
		} else if (strcmp(record.event, "smtp.rset") == 0) {
			note(&handlers, number, record.event);
			seen.handler++;
		} else {
			note(&events, number, record.event);
			seen.main++;
		}
	}
	for (size_t f = 0; f < nfiles; f++) {
		const struct dump_file *file = dump_file(traced->dump, f);
		bool in_parent = file->process.pid == (uint32_t)parent;
		cr_expect(file->finished, "pid %u", file->process.pid);
		for (size_t i = 0; i < file->ncounts; i++)
			*(in_parent ? &seen.discarded : &seen.others) += file->counts[i].discarded;
	}
	free(of_child);
	free(events.there);
	free(handlers.there);
	return seen;
}

/* Runs it all. What its output says is in traced->run. */
static struct seen run(struct traced *traced, const struct strikes *how, unsigned *struck)
{
	*traced = (struct traced){.folder = strdup("/dev/shm/rill-test-XXXXXX")};
	cr_assert(mkdtemp(traced->folder));
	char *output = format("%s/output", traced->folder), error[512];
	const char *env[] = {
		"RILL_FILTER=*=trace", format("RILL_SINKS=dump:%s/dump", traced->folder),
		format("RILL_RUNTIME_DIR=%s", traced->folder), "RILL_RING_SIZE=64KiB", NULL};
	const char *argv[] = {built("tests/programs/struck"), how->path, how->action, NULL};
	struct stepper *stepper = stepper_start(argv, env, output);
	stepper->patience_ms = 8000;
	pid_t pid = stepper->pid;
	*struck = strike(stepper, how, output);
	stepper_end(stepper);
	traced->run.out = file_load(output, NULL);
	int result =
		dump_open(&traced->dump, format("%s/dump", traced->folder), error, sizeof error);
	cr_assert_eq(result, 0, "%s", error);
	return look(traced, pid);
}

static void expect_exact(const struct strikes *how)
{
	struct traced traced;
	unsigned struck;
	struct seen seen = run(&traced, how, &struck);
	uint64_t emitted = traced_number(&traced, "emitted"),
		 handler = traced_number(&traced, "handler"),
		 children = traced_number(&traced, "children");
	/* At its very end a thread takes no signals any more. */
	cr_expect_leq(handler + children, struck);
	if (strcmp(how->path, "exit") != 0)
		cr_expect_eq(handler + children, struck);
	cr_expect_eq(seen.main + seen.handler + seen.discarded, emitted + handler,
		     "%s, %s: emitted %llu and %llu, there %llu and %llu, discarded %llu",
		     how->path, how->action, (unsigned long long)emitted,
		     (unsigned long long)handler, (unsigned long long)seen.main,
		     (unsigned long long)seen.handler, (unsigned long long)seen.discarded);
	/* A copy of a process that was in the middle of malloc() cannot start a collector. */
	size_t kept = count_text(traced.run.out, "its events stay in its rings");
	cr_expect(kept == 0 || strcmp(how->action, "copy") == 0, "%s", traced.run.out);
	cr_expect_eq(seen.children + kept, children, "%s, %s: %llu of %llu children; %s", how->path,
		     how->action, (unsigned long long)seen.children, (unsigned long long)children,
		     traced.run.out);
	cr_expect_leq(seen.twice, children);
	cr_expect_eq(seen.others, 0, "a child counts a loss");
	cr_expect_eq(traced_number(&traced, "repaired"), 0);
	traced_end(&traced);
}

static void expect_survival(const struct strikes *how)
{
	struct traced traced;
	unsigned struck;
	struct seen seen = run(&traced, how, &struck);
	uint64_t emitted = traced_number(&traced, "emitted");
	/* An event that was left is there, or not; of all others each is. */
	cr_expect_leq(seen.main, emitted);
	cr_expect_geq(seen.main + struck + seen.discarded, emitted);
	cr_expect_eq(traced_number(&traced, "jumps"), struck);
	cr_expect_leq(traced_number(&traced, "repaired"), struck);
	traced_end(&traced);
}

#define STRIKES(path, action, some, medium, others)                                                \
	&(const struct strikes)                                                                    \
	{                                                                                          \
		path, action, some, medium, others                                                 \
	}

Test(struck, fast_emit, .timeout = 300)
{
	expect_exact(STRIKES("fast", "emit", 60, 0, false));
}
Test(struck, fast_fork, .timeout = 300)
{
	expect_exact(STRIKES("fast", "fork", 40, 0, false));
}
Test(struck, fast_leave, .timeout = 300)
{
	expect_exact(STRIKES("fast", "leave", 20, 0, false));
}
Test(struck, fast_jump, .timeout = 300)
{
	expect_survival(STRIKES("fast", "jump", 60, 0, false));
}
Test(struck, fast_copy, .timeout = 300)
{
	expect_exact(STRIKES("fast", "copy", 20, 0, false));
}
Test(struck, compact_emit, .timeout = 300)
{
	expect_exact(STRIKES("compact", "emit", 60, 0, false));
}
Test(struck, compact_fork, .timeout = 300)
{
	expect_exact(STRIKES("compact", "fork", 60, 0, false));
}
Test(struck, string_emit, .timeout = 300)
{
	expect_exact(STRIKES("string", "emit", 60, 0, false));
}
Test(struck, string_fork, .timeout = 300)
{
	expect_exact(STRIKES("string", "fork", 60, 0, false));
}
Test(struck, wrap_emit, .timeout = 300)
{
	expect_exact(STRIKES("wrap", "emit", 60, 0, false));
}
Test(struck, wrap_fork, .timeout = 300)
{
	expect_exact(STRIKES("wrap", "fork", 60, 0, false));
}
Test(struck, wrap_jump, .timeout = 300)
{
	expect_survival(STRIKES("wrap", "jump", 60, 0, false));
}
Test(struck, full_emit, .timeout = 300)
{
	expect_exact(STRIKES("full", "emit", 60, 0, false));
}
Test(struck, full_fork, .timeout = 300)
{
	expect_exact(STRIKES("full", "fork", 60, 0, false));
}
Test(struck, first_emit, .timeout = 300)
{
	expect_exact(STRIKES("first", "emit", 60, 0, true));
}
Test(struck, first_fork, .timeout = 300)
{
	expect_exact(STRIKES("first", "fork", 60, 0, true));
}
Test(struck, first_leave, .timeout = 300)
{
	expect_exact(STRIKES("first", "leave", 60, 0, true));
}
Test(struck, first_jump, .timeout = 300)
{
	expect_survival(STRIKES("first", "jump", 60, 0, true));
}
Test(struck, first_cancel, .timeout = 300)
{
	expect_survival(STRIKES("first", "cancel", 60, 0, true));
}
Test(struck, fast_cancel, .timeout = 300)
{
	expect_survival(STRIKES("fast", "cancel", 60, 0, true));
}
Test(struck, exit_emit, .timeout = 300)
{
	expect_exact(STRIKES("exit", "emit", 60, 0, true));
}
Test(struck, exit_leave, .timeout = 300)
{
	expect_exact(STRIKES("exit", "leave", 60, 0, true));
}
Test(struck, flush_emit, .timeout = 300)
{
	expect_exact(STRIKES("flush", "emit", 60, 0, true));
}
Test(struck, flush_copy, .timeout = 300)
{
	expect_exact(STRIKES("flush", "copy", 60, 0, true));
}
