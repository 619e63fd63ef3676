/*
 * kill -9 at chosen points: at each instruction of an event, by a stepper, at each system call of
 * the collector, and at each of its steps from what it wrote to the room that it gives back.
 *
 * The short tier takes samples; which ones is the same each time.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/core.h"
#include "support/files.h"
#include "support/stepper.h"
#include "support/witnessed.h"

static bool is_short(void)
{
	const char *tier = getenv("RILL_TEST_TIER");
	return !tier || strcmp(tier, "short") == 0;
}

static struct stepper *start(const struct witnessed *w, const char *first, const char *second,
			     const char *third)
{
	const char *argv[] = {
		built("tests/programs/committing"), w->page_path, first, second, third, NULL};
	return stepper_start(argv, w->env, format("%s/said", w->folder));
}

static void killed(struct stepper *stepper, struct witnessed *w)
{
	stepper_kill(stepper);
	cr_assert(WIFSIGNALED(stepper->status) && WTERMSIG(stepper->status) == SIGKILL);
	witnessed_recovered(w);
	stepper_end(stepper);
	witnessed_end(w);
}

/* --- an event ------------------------------------------------------------------------------ */

/* One thread, led from just before an event to behind it. */
static struct stepper *before_event(struct witnessed *w, const char *place, const char *looks,
				    pid_t *tid)
{
	*w = witnessed_make("rotate=64KiB", true);
	witnessed_env(w, "RILL_RING_SIZE=64KiB");
	struct stepper *stepper = start(w, format("at=%s", place), format("looks=%s", looks), "");
	if (strcmp(place, "full") == 0) {
		*tid = stepper_run_to(stepper, 3);
		cr_assert_eq(stepper_run(stepper, *tid, false), STEPPER_MARKED);
	} else {
		*tid = stepper_run_to(stepper, 1);
	}
	cr_assert(*tid && stepper->mark == 1, "%s: it does not come to mark 1", place);
	return stepper;
}

/* Kills after 0, every, 2 every, ... instructions. A first event starts the collector: the others
 * run. */
static void kill_in_event(const char *place, const char *looks, unsigned least, unsigned every)
{
	bool others = strcmp(place, "first") == 0;
	for (unsigned k = 0, done = 0; !done; k += every) {
		struct witnessed w;
		pid_t tid;
		struct stepper *stepper = before_event(&w, place, looks, &tid);
		for (unsigned i = 0; i < k && !done; i++) {
			enum stepper_result result = stepper_step(stepper, tid, others);
			cr_assert(result == STEPPER_STEPPED || result == STEPPER_MARKED, "%s: %u",
				  place, i);
			if (result == STEPPER_MARKED)
				done = i + 1;
		}
		cr_assert(!done || done > least, "%s: only %u instructions", place, done);
		killed(stepper, &w);
	}
}

Test(points, each_instruction_of_a_fast_event, .timeout = 300)
{
	kill_in_event("fast", "0", 40, is_short() ? 7 : 1);
}

Test(points, each_instruction_of_an_event_that_wakes_the_collector, .timeout = 300)
{
	kill_in_event("armed", "0", 100, is_short() ? 29 : 1);
}

/* The half-full mark; the end of the ring's double mapping. */
Test(points, each_instruction_of_a_look_at_the_consumer, .timeout = 300)
{
	kill_in_event("slow", "1", 200, is_short() ? 97 : 1);
	kill_in_event("slow", "3", 200, is_short() ? 97 : 1);
}

Test(points, each_instruction_of_a_discarded_event, .timeout = 300)
{
	kill_in_event("full", "0", 50, is_short() ? 13 : 1);
}

Test(points, each_instruction_of_a_first_event, .timeout = 300)
{
	kill_in_event("first", "0", 1000, is_short() ? 199 : 5);
}

/* A handler interrupts the event after k instructions, emits one of its own, and the process is
 * killed when both are done; at some k within the handler's. */
static void kill_after_handler(unsigned k, unsigned inside)
{
	struct witnessed w;
	pid_t tid;
	struct stepper *stepper = before_event(&w, "fast", "0", &tid);
	for (unsigned i = 0; i < k; i++)
		if (stepper_step(stepper, tid, false) == STEPPER_MARKED)
			break;
	stepper_signal(stepper, tid, SIGUSR1);
	cr_assert_eq(stepper_run_to(stepper, 4), tid);
	for (unsigned i = 0; i < inside; i++)
		if (stepper_step(stepper, tid, true) == STEPPER_MARKED)
			break;
	if (!inside)
		cr_assert_eq(stepper_run_to(stepper, 6), tid);
	killed(stepper, &w);
}

Test(points, each_instruction_interrupted_by_a_handler_that_emits, .timeout = 300)
{
	for (unsigned k = 0; k < 80; k += is_short() ? 7 : 1)
		kill_after_handler(k, 0);
	for (unsigned inside = 1; inside < 600; inside += is_short() ? 53 : 3)
		kill_after_handler(20, inside);
}

/* --- the collector's system calls ----------------------------------------------------------- */

/* Those that others can see something of: files that grow, come, are locked, synced, finished. */
static const long calls[] = {SYS_pwritev, SYS_openat, SYS_flock, SYS_fdatasync, SYS_close};
#define CALLS (sizeof calls / sizeof *calls)

/* To the collector's next such stop; which call it is. */
static size_t next_call(struct stepper *stepper, pid_t tid)
{
	for (;;) {
		enum stepper_result result = stepper_syscall(stepper, tid, true);
		cr_assert(result == STEPPER_AT_ENTRY || result == STEPPER_AT_EXIT);
		for (size_t i = 0; i < CALLS; i++)
			if ((long)stepper->call.number == calls[i])
				return i;
	}
}

/* The program with its collector standing, which was just born, or has written for a while. */
static struct stepper *at_collector(struct witnessed *w, unsigned variant, pid_t *tid)
{
	static const char *const options[] = {"rotate=64KiB", "rotate=64KiB&zstd=1"};
	*w = witnessed_make(options[variant % 2], variant / 2 % 2);
	struct stepper *stepper = start(w, "threads=2", "rate=4000", "flush");
	for (*tid = 0; !*tid;) {
		cr_assert(stepper_run_for(stepper, 1));
		if (variant / 4 % 2 || __atomic_load_n(&w->page->ready, __ATOMIC_ACQUIRE))
			*tid = stepper_find(stepper, "rill-collector");
	}
	return stepper;
}

Test(points, each_kind_of_system_call_of_the_collector, .timeout = 300)
{
	for (unsigned variant = 0; variant < 4; variant++)
		for (unsigned i = 0; i < 2 * CALLS; i++) {
			struct witnessed w;
			pid_t tid;
			struct stepper *stepper = at_collector(&w, variant, &tid);
			for (unsigned n = 0; n <= variant;)
				n += next_call(stepper, tid) == i / 2 &&
				     stepper->call.over == i % 2;
			killed(stepper, &w);
		}
}

Test(points, each_system_call_of_the_collector, .timeout = 300)
{
	for (unsigned k = 0; k < 400; k += is_short() ? 13 : 1) {
		struct witnessed w;
		pid_t tid;
		struct stepper *stepper = at_collector(&w, k, &tid);
		for (unsigned i = 0; i <= k; i++)
			next_call(stepper, tid);
		killed(stepper, &w);
	}
}

/* --- the collector's steps ------------------------------------------------------------------- */

#define HEAD_BYTES 12288u /* with losses of some 700 events */

/* The head of the ring file of this thread, where positions and losses stand. */
static const unsigned char *ring_of(const struct witnessed *w, pid_t tid)
{
	const unsigned char *ring = NULL;
	glob_t found;
	cr_assert_eq(glob(format("%s/rill-*/ring-*", w->folder), 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc && !ring; i++) {
		int fd = open(found.gl_pathv[i], O_RDONLY | O_CLOEXEC);
		const struct ring_file *head = mmap(NULL, HEAD_BYTES, PROT_READ, MAP_SHARED, fd, 0);
		cr_assert_neq(head, MAP_FAILED);
		close(fd);
		if (head->tid == (uint32_t)tid)
			ring = (const unsigned char *)head;
		else
			munmap((void *)(uintptr_t)head, HEAD_BYTES);
	}
	globfree(&found);
	cr_assert(ring, "no ring of thread %d", tid);
	return ring;
}

/* The collector's next instruction that changes the ring's head. False: it is not near. */
static bool step_to_change(struct stepper *stepper, pid_t tid, const unsigned char *ring)
{
	unsigned char seen[HEAD_BYTES];
	memcpy(seen, ring, HEAD_BYTES);
	for (unsigned steps = 0; steps < 100000; steps++) {
		if (stepper_step(stepper, tid, false) != STEPPER_STEPPED)
			return false;
		if (memcmp(seen, ring, HEAD_BYTES) != 0)
			return true;
	}
	return false;
}

#define CHUNK_BYTES 1000 /* of the events in a ring, at least; what is written else is less */

/* Behind its next system call with this number. */
static void run_behind_call(struct stepper *stepper, pid_t tid, long number)
{
	do
		cr_assert_neq(stepper_syscall(stepper, tid, false), STEPPER_STUCK);
	while (!stepper->call.over || (long)stepper->call.number != number);
}

/*
 * A thread has left its ring, full or nearly empty. The collector writes what is in it, gives the
 * room back, and the ring to whoever comes; it is killed behind the n-th of its instructions that
 * changes the ring's head: the first comes behind a write, the others behind a membarrier. False:
 * there are no so many.
 */
static bool kill_at_change(const char *place, unsigned n)
{
	struct witnessed w = witnessed_make("rotate=64KiB", true);
	witnessed_env(&w, "RILL_RING_SIZE=64KiB");
	struct stepper *stepper = start(&w, format("at=%s", place), "", "");
	bool lossy = strcmp(place, "lossy") == 0, found = true;
	pid_t leaving = stepper_run_to(stepper, lossy ? 3 : 1);
	cr_assert(!lossy || stepper_run(stepper, leaving, false) == STEPPER_MARKED);
	cr_assert_eq(stepper_run(stepper, leaving, false), STEPPER_GONE);
	pid_t tid = stepper_find(stepper, "rill-collector");
	const unsigned char *ring = ring_of(&w, leaving);
	stepper->patience_ms = 500;
	do
		run_behind_call(stepper, tid, SYS_pwritev);
	while (stepper->call.result < CHUNK_BYTES);
	cr_assert(step_to_change(stepper, tid, ring));
	for (unsigned change = 2; change <= n && found; change++) {
		if (change == 2)
			run_behind_call(stepper, tid, SYS_membarrier);
		found = step_to_change(stepper, tid, ring);
	}
	munmap((void *)(uintptr_t)ring, HEAD_BYTES);
	killed(stepper, &w);
	return found;
}

/* tail, and then the ring becomes a spare: losses, head, serial and tail. */
Test(points, each_change_that_the_collector_makes_to_a_ring, .timeout = 300)
{
	if (is_short()) {
		for (unsigned n = 1; n < 9; n += 3)
			cr_assert(kill_at_change("lossy", n));
		return;
	}
	unsigned left = 1, lossy = 1;
	while (kill_at_change("left", left))
		left++;
	while (kill_at_change("lossy", lossy))
		lossy++;
	cr_assert_geq(left, 5);
	cr_assert_geq(lossy, 8);
}
