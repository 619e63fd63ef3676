/* kill -9 at any moment: what was committed is there, once, in order. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/files.h"
#include "support/stepper.h"
#include "support/witnessed.h"

static uint64_t random_state;

static uint64_t random_below(uint64_t bound)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % bound;
}

static unsigned kills(unsigned in_short, unsigned else_so_many)
{
	const char *tier = getenv("RILL_TEST_TIER");
	return !tier || strcmp(tier, "short") == 0 ? in_short : else_so_many;
}

static const char *const options[] = {"rotate=64KiB", "rotate=64KiB&zstd=1", "rotate=256KiB",
				      "rotate=1MiB&zstd=3"};

/* Events in a process that was killed after so long, once it was at work or before. */
static uint64_t kill_once(void)
{
	struct witnessed w = witnessed_make(options[random_below(4)], random_below(2) == 0);
	const char *arguments[] = {format("threads=%lu", 1 + random_below(WITNESS_SLOTS)),
				   "rate=2000", random_below(4) == 0 ? "churn" : "",
				   random_below(4) == 0 ? "flush" : "", NULL};
	if (random_below(2))
		witnessed_env(&w, "RILL_RING_SIZE=64KiB");
	pid_t pid = witnessed_start(&w, arguments);
	if (random_below(8) > 0)
		witnessed_wait(&w, pid);
	usleep((useconds_t)random_below(40000));
	int status = witnessed_kill(pid);
	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	uint64_t recovered = witnessed_recovered(&w);
	witnessed_end(&w);
	return recovered;
}

static void kill_many(uint64_t seed)
{
	uint64_t events = 0;
	unsigned times = kills(15, 500);
	random_state = seed;
	for (unsigned i = 0; i < times; i++)
		events += kill_once();
	cr_log_info("%u kills, %lu events", times, events);
}

/* In four parts, for those who wait. */
Test(kill, at_any_moment_1, .timeout = 600)
{
	kill_many(88172645463325252u);
}

Test(kill, at_any_moment_2, .timeout = 600)
{
	kill_many(2463534242u);
}

Test(kill, at_any_moment_3, .timeout = 600)
{
	kill_many(123456789u);
}

Test(kill, at_any_moment_4, .timeout = 600)
{
	kill_many(977u);
}

/* --- other sudden ends ----------------------------------------------------------------------- */

/* The process ends by itself, by this signal. */
static void expect_end(const char *end, int signal, const char *const *cgroup)
{
	struct witnessed w = witnessed_make("rotate=64KiB", false);
	const char *arguments[] = {"threads=3", "rate=2000", format("end=%s", end),
				   format("ms=%lu", 20 + random_below(20)), NULL};
	pid_t pid = witnessed_start(&w, arguments);
	int status = 0;
	w.starved = cgroup != NULL;
	if (cgroup)
		file_store_text(format("%s/cgroup.procs", *cgroup), format("%d", pid));
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == signal, "%s: %x", end, status);
	cr_expect_gt(witnessed_recovered(&w), 0);
	witnessed_end(&w);
}

Test(kill, segmentation_fault_in_another_thread, .timeout = 300)
{
	random_state = 362436069;
	for (unsigned i = 0; i < kills(5, 100); i++)
		expect_end("segv", SIGSEGV, NULL);
}

Test(kill, abort, .timeout = 300)
{
	random_state = 521288629;
	for (unsigned i = 0; i < kills(5, 100); i++)
		expect_end("abort", SIGABRT, NULL);
}

/* A group of control with little memory, of version 1 or 2; NULL: this machine gives none. */
static char *small_group(void)
{
	static const char *const places[][2] = {{"/sys/fs/cgroup/memory", "memory.limit_in_bytes"},
						{"/sys/fs/cgroup", "memory.max"}};
	for (size_t i = 0; i < 2; i++) {
		char *path = format("%s/rill-test-%d", places[i][0], getpid());
		char *limit = format("%s/%s", path, places[i][1]);
		if (mkdir(path, 0700) != 0)
			continue;
		if (access(limit, W_OK) == 0) {
			file_store_text(limit, "100663296");
			return path;
		}
		rmdir(path);
	}
	return NULL;
}

Test(kill, out_of_memory, .timeout = 300)
{
	const char *group = small_group();
	if (!group)
		cr_skip_test("no group of control can be made here");
	random_state = 88675123;
	for (unsigned i = 0; i < kills(3, 20); i++)
		expect_end("memory", SIGKILL, &group);
	/* The last one may still be leaving it. */
	for (int i = 0; i < 1000 && rmdir(group) != 0; i++)
		usleep(1000);
}

/* kill -9 while rill_stop() runs, or is about to, or is over: what came after it is not recorded,
 * or counted as filtered. */
Test(kill, while_it_stops, .timeout = 300)
{
	random_state = 5783321;
	for (unsigned i = 0; i < kills(10, 200); i++) {
		struct witnessed w = witnessed_make(options[random_below(4)], true);
		const char *arguments[] = {"threads=3", "rate=2000", "stop=15", NULL};
		pid_t pid = witnessed_start(&w, arguments);
		witnessed_wait(&w, pid);
		usleep((useconds_t)(13000 + random_below(6000)));
		witnessed_kill(pid);
		witnessed_recovered(&w);
		witnessed_end(&w);
	}
}

/* --- the recovery itself --------------------------------------------------------------------- */

/* Kills `rill recover` at its k-th stop at a system call, and recovers again. False: it had ended
 * before. */
static bool kill_recovery(unsigned k)
{
	struct witnessed w = witnessed_make("rotate=64KiB", k % 2);
	const char *arguments[] = {"threads=2", "rate=2000", NULL};
	const char *argv[] = {built("rill"), "recover", NULL};
	pid_t pid = witnessed_start(&w, arguments);
	witnessed_wait(&w, pid);
	usleep(10000);
	witnessed_kill(pid);
	struct stepper *stepper = stepper_start(argv, w.env, format("%s/said", w.folder));
	enum stepper_result result = STEPPER_AT_EXIT;
	for (unsigned i = 0; i < k && result != STEPPER_ENDED; i++)
		result = stepper_syscall(stepper, stepper->pid, false);
	stepper_kill(stepper);
	stepper_end(stepper);
	witnessed_recovered(&w);
	witnessed_end(&w);
	return result != STEPPER_ENDED;
}

Test(kill, the_recovery_at_each_system_call, .timeout = 300)
{
	unsigned k = 1;
	/* Its first ones load the program; then it reads, writes, and removes. */
	while (kill_recovery(k))
		k += kills(17, 1);
	cr_assert_gt(k, 100, "only %u system calls", k);
}
