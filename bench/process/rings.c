/*
 * What idle rings cost while one thread is busy: CPU time of the collector an event, with no other
 * ring and with ten thousand, in interleaved windows of two processes.
 *
 * rings.RATE.N: nanoseconds an event at RATE events a second beside N idle rings; rings.RATE.ratio:
 * median of the ratios of neighbouring windows.
 */
#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crowd.h"
#include "process.h"

#define RINGS      10000u
#define MAX_ROUNDS 64u

struct order { /* to a process: measure a window; rate 0: end */
	uint64_t rate;
	uint64_t ns;
};

struct process {
	pid_t pid;
	unsigned idle_rings;
	int orders, answers;
};

/* In bursts, one a millisecond when there is more than one event a millisecond. */
static uint64_t emit(const struct order *order)
{
	uint64_t gap_ns = order->rate > 1000 ? 1000000 : 1000000000 / order->rate;
	uint64_t burst = order->rate * gap_ns / 1000000000, count = 0;
	uint64_t next_ns = now_ns(), end_ns = next_ns + order->ns;
	for (; next_ns < end_ns; next_ns += gap_ns) {
		for (uint64_t i = 0; i < (burst ? burst : 1); i++)
			rill_event(smtp_ehlo, spanId(count++));
		sleep_until(next_ns + gap_ns);
	}
	return count;
}

static void serve(const struct process *process)
{
	const struct rill_settings settings = {
		.ring_memory_bytes = UINT64_C(4) << 30,
		.policy = RILL_BLOCK + 1, /* on a machine that others use, too */
		.block_timeout_ns = 5000000000,
	};
	struct order order;
	char sink[4200];
	snprintf(sink, sizeof sink, "dump:%s/%u", scratch(), process->idle_rings);
	if (rill_settings_apply(&settings) != 0)
		give_up("rill_settings_apply", EINVAL);
	start_rill(sink, "*=trace");
	crowd_start(process->idle_rings);
	pin_producer();
	rill_event(smtp_ehlo, spanId(0));
	pid_t collector = pin_collector();
	sleep_for(10000000);
	if (!wait_parked(5000000000))
		give_up("the collector does not park", ETIMEDOUT);
	while (read(process->orders, &order, sizeof order) == sizeof order && order.rate) {
		uint64_t cpu_ns = thread_cpu_ns(collector), count = emit(&order);
		sleep_for(5000000); /* the last of them are taken */
		double each_ns = (double)(thread_cpu_ns(collector) - cpu_ns) / (double)count;
		if (lost_events() != 0)
			give_up("events were lost", EPROTO);
		if (write(process->answers, &each_ns, sizeof each_ns) != sizeof each_ns)
			give_up("write", errno);
		if (!wait_parked(5000000000))
			give_up("the collector does not park", ETIMEDOUT);
	}
}

static struct process process_start(unsigned idle_rings)
{
	int orders[2], answers[2];
	struct process process = {.idle_rings = idle_rings};
	if (pipe(orders) != 0 || pipe(answers) != 0)
		give_up("pipe", errno);
	process.pid = fork_bound();
	if (process.pid == 0) {
		close(orders[1]), close(answers[0]);
		process.orders = orders[0], process.answers = answers[1];
		serve(&process);
		exit(0);
	}
	close(orders[0]), close(answers[1]);
	process.orders = orders[1], process.answers = answers[0];
	return process;
}

static double ask(const struct process *process, uint64_t rate, uint64_t ns)
{
	const struct order order = {rate, ns};
	double answer = 0;
	if (write(process->orders, &order, sizeof order) != sizeof order ||
	    (rate && read(process->answers, &answer, sizeof answer) != sizeof answer))
		give_up("a process of this benchmark ended", EPIPE);
	return answer;
}

static void compare(const struct process both[2], uint64_t rate, uint64_t ns, size_t rounds)
{
	double each_ns[2][MAX_ROUNDS], ratios[MAX_ROUNDS];
	for (size_t round = 0; round < rounds; round++) {
		for (size_t i = 0; i < 2; i++) {
			size_t which = (round + i) % 2; /* neither is always the first */
			each_ns[which][round] = ask(&both[which], rate, ns);
		}
		ratios[round] = each_ns[1][round] / each_ns[0][round];
	}
	for (size_t i = 0; i < 2; i++)
		figure(estimate(each_ns[i], rounds).median, "ns", "rings.%llu.%u",
		       (unsigned long long)rate, both[i].idle_rings);
	figure(estimate(ratios, rounds).median, "x", "rings.%llu.ratio", (unsigned long long)rate);
}

static void measure(const void *quick)
{
	uint64_t ns = *(const bool *)quick ? 100000000 : 500000000;
	size_t rounds = *(const bool *)quick ? 3 : 8;
	const struct process both[2] = {process_start(0), process_start(RINGS)};
	ask(&both[0], 1000, 10000000);
	ask(&both[1], 1000, 10000000);
	compare(both, 1000, ns, rounds);
	compare(both, 1000000, ns, rounds);
	for (size_t i = 0; i < 2; i++) {
		int status;
		ask(&both[i], 0, 0);
		if (waitpid(both[i].pid, &status, 0) != both[i].pid || status != 0)
			give_up("a process of this benchmark failed", ECHILD);
	}
}

int main(void)
{
	bool quick = is_quick();
	scratch();
	run_apart(measure, &quick);
	scratch_remove();
	return 0;
}
