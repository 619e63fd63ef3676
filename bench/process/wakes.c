/*
 * What telling the collector costs the producer, and what looking costs the collector.
 *
 * wakes.RATE: wake-ups (futex calls of the emitting thread) a second at that many events a second;
 * `free`: as fast as it can; `worst`: the most of all these. wake.cost: time of an emit that finds
 * the collector parked; wake.none: of the emits between, at the same pace. share.SINK.1000: CPU
 * time of the collector at 1,000 events a second.
 */
#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "process.h"

#define SLEEP_MIN_NS 300000u
#define PARK_NS      400000000u
#define MAX_SAMPLES  4096u
#define MIN_SAMPLES  8u
#define STALL_NS     10000000000u

struct load {
	uint64_t rate; /* 0: as fast as it can */
	uint64_t ns;
	const char *sink;
};

static char folder[4096];
static double *worst; /* wakes a second, of all rates: the processes share it */

/* A sink for the process that calls this, as a specification. */
static void start(const char *sink)
{
	char spec[4200];
	snprintf(folder, sizeof folder, "%s/%s-%d", scratch(), sink, (int)getpid());
	snprintf(spec, sizeof spec, "%s:%s", sink, folder);
	pin_producer();
	start_rill(spec, "smtp.ehlo=trace");
	rill_event(smtp_ehlo, spanId(0));
}

static void emit_paced(uint64_t rate, uint64_t ns)
{
	uint64_t begin_ns = now_ns(), now = begin_ns, count = 0;
	while (now - begin_ns < ns) {
		rill_event(smtp_ehlo, spanId(count), hostname("mail.example.org"));
		count++;
		uint64_t next_ns =
			rate ? begin_ns + (uint64_t)(1e9 / (double)rate * (double)count) : now;
		if (next_ns > now_ns() + SLEEP_MIN_NS)
			sleep_until(next_ns);
		do
			now = now_ns();
		while (now < next_ns);
	}
}

static void count_wakes(const void *argument)
{
	const struct load *load = argument;
	char name[32] = "free";
	expect_losses(); /* at the highest rates */
	start(load->sink);
	pin_collector();
	sleep_for(5000000); /* it has woken up for the first event */
	if (!wait_parked(PARK_NS))
		give_up("the collector does not park", ETIMEDOUT);
	uint64_t wakes = wakes_made(), begin_ns = now_ns();
	emit_paced(load->rate, load->ns);
	double seconds = (double)(now_ns() - begin_ns) / 1e9;
	if (load->rate)
		snprintf(name, sizeof name, "%llu", (unsigned long long)load->rate);
	double each = (double)(wakes_made() - wakes) / seconds;
	figure(each, "count", "wakes.%s", name);
	if (each > *worst)
		*worst = each;
}

static void collector_share(const void *argument)
{
	const struct load *load = argument;
	start(load->sink);
	pid_t collector = pin_collector();
	emit_paced(load->rate, 200000000);
	uint64_t cpu_ns = thread_cpu_ns(collector), begin_ns = now_ns();
	emit_paced(load->rate, load->ns);
	cpu_ns = thread_cpu_ns(collector) - cpu_ns;
	figure(100.0 * (double)cpu_ns / (double)(now_ns() - begin_ns), "%", "share.%s.%llu",
	       load->sink, (unsigned long long)load->rate);
	if (lost_events() != 0)
		give_up("events were lost", EPROTO);
}

static void cost(const void *argument)
{
	static uint64_t woken_ns[MAX_SAMPLES], other_ns[MAX_SAMPLES];
	const struct load *load = argument;
	size_t woken = 0, other = 0;
	unsigned random = 54321;
	start(load->sink);
	pin_collector();
	for (uint64_t end_ns = now_ns() + load->ns; now_ns() < end_ns || woken < MIN_SAMPLES;) {
		if (!wait_parked(PARK_NS) || now_ns() > end_ns + STALL_NS)
			give_up("no event finds the collector parked", ETIMEDOUT);
		/* The first finds it parked, the others find it awake, all after a pause. */
		for (int i = 0; i < 4 && woken < MAX_SAMPLES && other < MAX_SAMPLES; i++) {
			sleep_for(2000000 + (unsigned)rand_r(&random) % 2000000u);
			uint64_t wakes = wakes_made(), begin_ns = now_ns();
			rill_event(smtp_ehlo, spanId(begin_ns), hostname("mail.example.org"));
			uint64_t took_ns = now_ns() - begin_ns;
			if (wakes_made() != wakes)
				woken_ns[woken++] = took_ns;
			else
				other_ns[other++] = took_ns;
		}
	}
	figure_percentiles(woken_ns, woken, "wake.cost");
	figure_percentiles(other_ns, other, "wake.none");
}

int main(void)
{
	static const uint64_t rates[] = {1,    10,    20,     50,      100,     200,
					 1000, 10000, 100000, 1000000, 3000000, 0};
	const uint64_t ms = 1000000;
	bool quick = is_quick();
	worst = mmap(NULL, sizeof *worst, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	if (worst == MAP_FAILED)
		give_up("mmap", errno);
	scratch();
	for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
		struct load load = {rates[i], (quick ? 200 : 1000) * ms, "dump"};
		run_apart(count_wakes, &load);
	}
	figure(*worst, "count", "wakes.worst");
	struct load load = {1000, (quick ? 400 : 2000) * ms, "text"};
	run_apart(collector_share, &load);
	load.sink = "dump";
	run_apart(collector_share, &load);
	load.ns = (quick ? 800 : 5000) * ms;
	run_apart(cost, &load);
	scratch_remove();
	return 0;
}
