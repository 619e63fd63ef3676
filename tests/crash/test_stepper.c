/* The instrument first: that the stepper of tests/support does what its header says. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "support/files.h"
#include "support/stepper.h"

struct led {
	struct stepper *stepper;
	char *folder;
	volatile uint64_t *counters; /* the program's: its thread's, its handler's */
	pid_t tid;                   /* of the thread that has come to mark 1 */
};

static struct led led_start(void)
{
	static const uint64_t zeros[512];
	struct led led = {.folder = folder_make()};
	char *path = format("%s/counters", led.folder);
	file_store(path, zeros, sizeof zeros);
	int fd = open(path, O_RDWR);
	void *page = mmap(NULL, sizeof zeros, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	cr_assert_neq(page, MAP_FAILED);
	led.counters = page;
	const char *argv[] = {built("tests/programs/stepped"), path, NULL};
	led.stepper = stepper_start(argv, NULL, NULL);
	led.tid = stepper_run_to(led.stepper, 1);
	cr_assert_neq(led.tid, 0, "it does not come to its first mark");
	return led;
}

static void led_end(struct led *led)
{
	stepper_end(led->stepper);
	folder_remove(led->folder);
}

/* Instructions until this mark; `others` run meanwhile. */
static unsigned steps_to(struct led *led, int mark, bool others)
{
	unsigned steps = 0;
	for (;; steps++) {
		enum stepper_result result = stepper_step(led->stepper, led->tid, others);
		if (result == STEPPER_MARKED && led->stepper->mark == mark)
			return steps;
		cr_assert_eq(result, STEPPER_STEPPED, "step %u", steps);
		cr_assert_lt(steps, 10000);
	}
}

Test(stepper, executes_one_instruction_at_a_time, .timeout = 60)
{
	struct led led = led_start();
	unsigned with_ten = steps_to(&led, 2, false);
	cr_assert_eq(stepper_run_to(led.stepper, 3), led.tid);
	unsigned without = steps_to(&led, 4, false);
	cr_expect_eq(with_ten, without + 10);
	led_end(&led);
}

Test(stepper, others_stand_or_run, .timeout = 60)
{
	struct led led = led_start();
	uint64_t before = led.counters[0];
	for (int i = 0; i < 10; i++)
		stepper_step(led.stepper, led.tid, false);
	cr_expect_eq(led.counters[0], before, "the other thread has run");
	cr_assert_eq(stepper_step(led.stepper, led.tid, true), STEPPER_STEPPED);
	for (int i = 0; i < 1000 && led.counters[0] == before; i++)
		usleep(1000);
	cr_expect_gt(led.counters[0], before, "the other thread has not run");
	stepper_halt(led.stepper);
	before = led.counters[0];
	usleep(10000);
	cr_expect_eq(led.counters[0], before, "the other thread has run");
	led_end(&led);
}

Test(stepper, leads_a_thread_found_by_name, .timeout = 60)
{
	struct led led = led_start();
	pid_t other = stepper_find(led.stepper, "counter");
	cr_assert_neq(other, 0);
	cr_assert_neq(other, led.tid);
	cr_expect_eq(stepper_find(led.stepper, "nobody"), 0);
	uint64_t before = led.counters[0];
	for (int i = 0; i < 1000; i++)
		cr_assert_eq(stepper_step(led.stepper, other, false), STEPPER_STEPPED);
	cr_expect_gt(led.counters[0], before);
	cr_expect_lt(led.counters[0], before + 1000);
	led_end(&led);
}

Test(stepper, stops_at_each_entry_and_exit_of_a_system_call, .timeout = 60)
{
	struct led led = led_start();
	cr_assert_eq(stepper_run_to(led.stepper, 2), led.tid);
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(stepper_syscall(led.stepper, led.tid, false), STEPPER_AT_ENTRY);
		cr_expect_eq(led.stepper->call.number, SYS_getppid);
		cr_assert_eq(stepper_syscall(led.stepper, led.tid, true), STEPPER_AT_EXIT);
		cr_expect_eq(led.stepper->call.number, SYS_getppid);
		cr_expect_eq(led.stepper->call.result, getpid());
	}
	led_end(&led);
}

/* The handler runs before the next instruction, and the count of instructions goes on after it. */
Test(stepper, hands_a_signal_at_an_instruction, .timeout = 60)
{
	for (unsigned k = 0; k < 20; k++) {
		struct led led = led_start();
		for (unsigned i = 0; i < k; i++)
			stepper_step(led.stepper, led.tid, false);
		stepper_signal(led.stepper, led.tid, SIGUSR1);
		cr_expect_eq(led.counters[1], 0);
		for (int i = 0; i < 100 && led.counters[1] == 0; i++)
			cr_assert_eq(stepper_step(led.stepper, led.tid, false), STEPPER_STEPPED);
		cr_expect_eq(led.counters[1], 1);
		cr_assert_eq(stepper_run_to(led.stepper, 4), led.tid);
		cr_expect_eq(stepper_finish(led.stepper), STEPPER_ENDED);
		cr_expect(WIFEXITED(led.stepper->status) && WEXITSTATUS(led.stepper->status) == 7);
		cr_expect_eq(led.counters[1], 1);
		led_end(&led);
	}
}

Test(stepper, kills_where_it_stands, .timeout = 60)
{
	struct led led = led_start();
	stepper_step(led.stepper, led.tid, false);
	stepper_kill(led.stepper);
	cr_expect(WIFSIGNALED(led.stepper->status) && WTERMSIG(led.stepper->status) == SIGKILL);
	cr_expect_eq(stepper_step(led.stepper, led.tid, false), STEPPER_ENDED);
	cr_expect_eq(kill(led.stepper->pid, 0), -1, "it lives");
	led_end(&led);
}

Test(stepper, says_what_does_not_come, .timeout = 60)
{
	struct led led = led_start();
	led.stepper->patience_ms = 100;
	pid_t other = stepper_find(led.stepper, "counter");
	cr_expect_eq(stepper_syscall(led.stepper, other, false), STEPPER_STUCK);
	stepper_halt(led.stepper);
	cr_expect_eq(stepper_run_to(led.stepper, 9), 0);
	cr_expect_eq(stepper_step(led.stepper, other, false), STEPPER_ENDED);
	led_end(&led);
}
