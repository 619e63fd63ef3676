/*
 * What a traced process does while nothing happens: idle.wakeups.N and idle.cpu.N, context switches
 * and CPU time a second of all threads but the main one, with the rings of N threads.
 */
#include <errno.h>
#include <stdio.h>

#include <rill/control.h>

#include "crowd.h"
#include "process.h"

struct load {
	unsigned threads;
	uint64_t ns;
};

static void measure(const void *argument)
{
	const struct load *load = argument;
	const struct rill_settings settings = {.ring_memory_bytes = UINT64_C(4) << 30};
	char sink[4200];
	snprintf(sink, sizeof sink, "dump:%s/%u", scratch(), load->threads);
	if (rill_settings_apply(&settings) != 0)
		give_up("rill_settings_apply", EINVAL);
	start_rill(sink, "*=trace");
	crowd_start(load->threads);
	sleep_for(10000000);
	if (!wait_parked(5000000000))
		give_up("the collector does not park", ETIMEDOUT);
	struct activity before = others_activity();
	sleep_for(load->ns);
	struct activity after = others_activity();
	double seconds = (double)load->ns / 1e9;
	figure((double)(after.switches - before.switches) / seconds, "count", "idle.wakeups.%u",
	       load->threads);
	figure((double)(after.cpu_ns - before.cpu_ns) / seconds / 1e3, "us", "idle.cpu.%u",
	       load->threads);
	if (lost_events() != 0 || after.threads != load->threads + 1)
		give_up("not every thread has a ring", EPROTO);
}

int main(void)
{
	uint64_t ns = is_quick() ? 1000000000 : 5000000000;
	scratch();
	run_apart(measure, &(struct load){1, ns});
	run_apart(measure, &(struct load){10000, ns});
	scratch_remove();
	return 0;
}
