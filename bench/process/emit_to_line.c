/*
 * Time from rill_event() to the line that a text sink writes.
 *
 * A file on tmpfs is watched by the emitting thread itself, which reads on until the line is there:
 * no other thread has to be woken to see it. A pipe is read by a thread that blocks in read(2), so
 * its figures hold rill's writer thread and the reader's own wake-up as well.
 *
 * emit_to_line.parked: the collector sleeps without a time limit when the event comes.
 * emit_to_line.RATE: RATE events a second, evenly. At 1 it is parked each time, at 100 and 10,000
 * it lingers.
 */
#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "process.h"

#define MAX_SAMPLES  200000u
#define MIN_SAMPLES  8u
#define PARKED_RATE  0
#define PARK_NS      400000000u
#define SLEEP_MIN_NS 300000u /* between events nearer than this the thread does not sleep */
#define STALL_NS     2000000000u

struct load {
	const char *name;
	unsigned rate; /* events a second, or PARKED_RATE */
	double seconds;
	bool pipe;
};

static uint64_t emitted_ns[MAX_SAMPLES], latency_ns[MAX_SAMPLES];
static size_t emitted, seen;
static char path[4096];
static int watched = -1;

static void emit(void)
{
	emitted_ns[emitted] = now_ns();
	__atomic_store_n(&emitted, emitted + 1, __ATOMIC_RELEASE);
	rill_event(smtp_ehlo, spanId(emitted), hostname("mail.example.org"));
}

/* Counts lines: one thread emits, so they come in its order, one an event. */
static void look(void)
{
	char text[65536];
	ssize_t got = read(watched, text, sizeof text);
	if (got < 0)
		give_up(path, errno);
	uint64_t now = now_ns();
	for (const char *at = text; got > 0 && (at = memchr(at, '\n', (size_t)(text + got - at)));
	     at++) {
		if (seen == __atomic_load_n(&emitted, __ATOMIC_ACQUIRE))
			give_up("more lines than events", EPROTO);
		latency_ns[seen] = now - emitted_ns[seen];
		__atomic_store_n(&seen, seen + 1, __ATOMIC_RELEASE);
	}
}

static void *watch(void *unused)
{
	pin_producer();
	for (;;)
		look();
	return unused;
}

static void open_watched(const struct load *load)
{
	pthread_t thread;
	snprintf(path, sizeof path, "%s/%s.%s", scratch(), load->name, load->pipe ? "pipe" : "log");
	if (load->pipe ? mkfifo(path, 0600) != 0 : creat(path, 0600) < 0)
		give_up(path, errno);
	watched = open(path, load->pipe ? O_RDWR : O_RDONLY); /* O_RDWR: no end of file */
	if (watched < 0)
		give_up(path, errno);
	if (load->pipe && pthread_create(&thread, NULL, watch, NULL) != 0)
		give_up("pthread_create", errno);
}

static bool all_seen(void)
{
	return __atomic_load_n(&seen, __ATOMIC_ACQUIRE) == emitted;
}

static void wait_seen(const struct load *load)
{
	uint64_t until_ns = now_ns() + STALL_NS;
	while (!all_seen()) {
		if (load->pipe)
			sleep_for(100000);
		else
			look();
		if (now_ns() > until_ns)
			give_up("a line is missing", ETIMEDOUT);
	}
}

static void wait_until(const struct load *load, uint64_t until_ns)
{
	while (now_ns() < until_ns) {
		bool sleeps = until_ns - now_ns() > SLEEP_MIN_NS;
		if (sleeps && (load->pipe || all_seen()))
			sleep_until(until_ns);
		else if (!load->pipe)
			look();
	}
}

static void paced(const struct load *load)
{
	uint64_t gap_ns = 1000000000u / load->rate;
	size_t count = (size_t)(load->seconds * load->rate) + 2;
	uint64_t next_ns = now_ns() + gap_ns;
	for (size_t i = 0; i < count && i + 1 < MAX_SAMPLES; i++, next_ns += gap_ns) {
		wait_until(load, next_ns);
		emit();
	}
	wait_seen(load);
}

/* Each sample one that really had to wake the collector: others are not kept. */
static void from_parked(const struct load *load)
{
	uint64_t end_ns = now_ns() + (uint64_t)(load->seconds * 1e9);
	unsigned random = 12345;
	size_t kept = 0;
	while (now_ns() < end_ns || kept < MIN_SAMPLES) {
		if (!wait_parked(PARK_NS) || now_ns() > end_ns + 5 * STALL_NS)
			give_up("no event finds the collector parked", ETIMEDOUT);
		sleep_for(1000000 + (unsigned)rand_r(&random) % 3000000u); /* its core goes idle */
		uint64_t wakes = wakes_made();
		size_t mine = emitted;
		emit();
		bool woke = wakes_made() != wakes;
		wait_seen(load);
		if (woke)
			latency_ns[kept++] = latency_ns[mine];
	}
	emitted = seen = kept;
}

static void measure(const void *argument)
{
	const struct load *load = argument;
	char sink[4200], name[64];
	pin_producer();
	open_watched(load);
	snprintf(sink, sizeof sink, "text:%s", path);
	start_rill(sink, "smtp.ehlo=trace");
	emit(); /* makes the ring and wakes everybody once */
	pin_collector();
	wait_seen(load);
	if (!wait_parked(PARK_NS))
		give_up("the collector does not park", ETIMEDOUT);
	if (load->rate == PARKED_RATE) {
		from_parked(load);
	} else {
		size_t first = seen;
		paced(load);
		emitted = seen -= first;
		memmove(latency_ns, latency_ns + first, seen * sizeof *latency_ns);
	}
	if (lost_events() != 0)
		give_up("events were lost", EPROTO);
	snprintf(name, sizeof name, "emit_to_line.%s%s", load->pipe ? "pipe." : "", load->name);
	figure_percentiles(latency_ns, seen, name);
}

int main(void)
{
	bool quick = is_quick();
	const struct load loads[] = {
		{"parked", PARKED_RATE, quick ? 0.9 : 5, false},
		{"1", 1, quick ? 0 : 4, false},
		{"100", 100, quick ? 0.3 : 2, false},
		{"10000", 10000, quick ? 0.2 : 2, false},
		{"parked", PARKED_RATE, quick ? 0.6 : 5, true},
		{"100", 100, quick ? 0.3 : 2, true},
		{"10000", 10000, quick ? 0.2 : 2, true},
	};
	scratch();
	for (size_t i = 0; i < sizeof loads / sizeof *loads; i++)
		run_apart(measure, &loads[i]);
	scratch_remove();
	return 0;
}
