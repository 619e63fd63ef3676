/*
 * clocks MODE: three threads emit while the counter and the clocks of the machine do what MODE
 * says. Each event has its thread and number, and the true time, which nothing here changes. It is
 * linked with a librill whose counter and clocks are the functions below (tests/faults.mk).
 */
#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define THREADS   3
#define SECOND    INT64_C(1000000000)
#define HOUR      (3600 * SECOND)
#define BEFORE_US 150000u
#define AFTER_US  250000u

bool prim_counter_invariant(void);
uint64_t prim_realtime_ns(void);
uint64_t prim_steady_ns(void);

static bool absent;      /* no counter */
static int64_t shift;    /* of the counter, in nanoseconds */
static int64_t core_ns;  /* of each core but the first, besides */
static uint64_t frozen;  /* not 0: what it stands still at */
static int64_t set_ns;   /* of the system's clock */
static int64_t slept_ns; /* of the steady one, and the system's */
static bool over;
static double ticks_per_ns;

static uint64_t clock_at(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

#define LOAD(place)         __atomic_load_n(&(place), __ATOMIC_SEQ_CST)
#define STORE(place, value) __atomic_store_n(&(place), value, __ATOMIC_SEQ_CST)

/* Far from zero, and from where it wraps. */
uint64_t test_ticks(void)
{
	uint64_t still = LOAD(frozen);
	if (still)
		return still;
	int64_t moved_ns = LOAD(shift);
	if (LOAD(core_ns) && sched_getcpu() > 0)
		moved_ns += core_ns;
	return real_ticks() + (UINT64_C(1) << 60) +
	       (uint64_t)(int64_t)((double)moved_ns * ticks_per_ns);
}

bool prim_counter_invariant(void)
{
	return !absent;
}

uint64_t prim_realtime_ns(void)
{
	return clock_at(CLOCK_REALTIME) + (uint64_t)(LOAD(set_ns) + LOAD(slept_ns));
}

uint64_t prim_steady_ns(void)
{
	return clock_at(CLOCK_BOOTTIME) + (uint64_t)LOAD(slept_ns);
}

/* Both at one moment: the try that took the shortest. */
static void read_both(uint64_t *ticks, uint64_t *ns)
{
	uint64_t best = UINT64_MAX;
	for (int i = 0; i < 50; i++) {
		uint64_t before = real_ticks(), now = clock_at(CLOCK_MONOTONIC);
		uint64_t took = real_ticks() - before;
		if (took < best) {
			best = took;
			*ticks = before + took / 2;
			*ns = now;
		}
	}
}

static void measure(void)
{
	uint64_t ticks[2], ns[2];
	read_both(&ticks[0], &ns[0]);
	usleep(50000);
	read_both(&ticks[1], &ns[1]);
	ticks_per_ns = (double)(ticks[1] - ticks[0]) / (double)(ns[1] - ns[0]);
}

/* The next core, of those that there are. */
static void move_on(unsigned turn)
{
	cpu_set_t one;
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	CPU_ZERO(&one);
	CPU_SET(turn % (unsigned)cores, &one);
	sched_setaffinity(0, sizeof one, &one);
}

/* The time that has passed since the program's start, as a person beside the machine sees it. */
static uint64_t true_ns(void)
{
	return clock_at(CLOCK_MONOTONIC) + (uint64_t)LOAD(slept_ns);
}

static void *emit(void *argument)
{
	uint64_t id = (uint64_t)(uintptr_t)argument << 32;
	for (unsigned round = 0; !LOAD(over); round++) {
		if (LOAD(core_ns) && round % 4 == 3)
			move_on(round / 4);
		rill_event(smtp_connection_start, spanId(id), total(true_ns()));
		for (int i = 0; i < 5; i++)
			rill_event(smtp_ehlo, spanId(id), total(true_ns()));
		rill_event(smtp_connection_end, spanId(id), total(true_ns()));
		id++;
		usleep(1000);
	}
	return NULL;
}

static void misbehave(const char *mode)
{
	if (strcmp(mode, "back") == 0) {
		STORE(shift, -5 * SECOND);
	} else if (strcmp(mode, "far-back") == 0) {
		STORE(shift, -10 * HOUR);
	} else if (strcmp(mode, "back-a-little") == 0) {
		STORE(shift, -60 * SECOND / 1000);
	} else if (strcmp(mode, "ahead") == 0) {
		STORE(shift, 5 * SECOND);
	} else if (strcmp(mode, "far-ahead") == 0) {
		STORE(shift, 10 * HOUR);
	} else if (strcmp(mode, "stop") == 0) {
		STORE(frozen, test_ticks());
		usleep(AFTER_US);
		STORE(shift, -(int64_t)AFTER_US * 1000);
		STORE(frozen, 0);
	} else if (strcmp(mode, "cores") == 0) {
		STORE(core_ns, -SECOND / 50);
	} else if (strcmp(mode, "cores-a-little") == 0) {
		STORE(core_ns, -50 * 1000);
	} else if (strcmp(mode, "sleep-stopped") == 0) {
		STORE(slept_ns, HOUR);
	} else if (strcmp(mode, "sleep") == 0) {
		STORE(shift, HOUR);
		STORE(slept_ns, HOUR);
	} else if (strcmp(mode, "set") == 0) {
		STORE(set_ns, HOUR);
		usleep(AFTER_US);
		STORE(set_ns, -HOUR);
	}
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS];
	const char *mode = argc > 1 ? argv[1] : "";
	absent = strcmp(mode, "absent") == 0;
	measure();
	if (rill_sink_add(getenv("CLOCKS_DUMP")) != 0 || rill_sink_add(getenv("CLOCKS_TEXT")) != 0)
		return 1;
	rill_filter_apply("*=trace");
	for (uintptr_t i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, emit, (void *)(i + 1)) != 0)
			return 1;
	usleep(BEFORE_US);
	misbehave(mode);
	usleep(AFTER_US);
	STORE(over, true);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	struct rill_counts counts;
	rill_flush(UINT64_C(5000000000));
	rill_counts_get(&counts);
	rill_stop();
	printf("drained %llu late %llu lost %llu\n", (unsigned long long)counts.drained,
	       (unsigned long long)counts.late,
	       (unsigned long long)(counts.discarded + counts.filtered + counts.bad));
	return 0;
}
