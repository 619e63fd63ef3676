#include "core/clock.h"

#include <rill/static/prim.h>

#include "core/prim/prim.h"

/* Long enough for a rate within a few ppm, short enough to be waited for at start. */
#define FIRST_MEASURE_NS 5000000u

/* The true rate is measured over one to two of these. */
#define BASE_NS 4000000000u

/* How long a point takes to lead back to the true time. */
#define STEER_NS 1000000000

/* How fast a point steers back to the true time, at most: 500 ppm, as adjtime(3) does. */
#define MAX_SLEW_PPM 500u

/* The two clocks of the system are read one after the other: less than this may be a pause. */
#define STEP_NS 1000000

/* A step of the system's clock by more than this would take too long to be steered away. */
#define LEFT_OUT_NS 1000000000

/* What a counter may be off by before it counts as broken: this, and a part of the time since it
 * was looked at last: twice what the line's rate may be from the true one. */
#define JUMP_NS       1000000u
#define JUMP_FRACTION 1000

const struct clock_point *clock_find(const struct clock_point *points, size_t count, uint64_t ticks)
{
	size_t low = 0, high = count;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;
		if (points[middle].ticks <= ticks)
			low = middle;
		else
			high = middle;
	}
	return &points[low];
}

/* Asked once: CPUID takes microseconds in a virtual machine. */
bool clock_counter_usable(void)
{
	static uint32_t known; /* 1: no; 2: yes */
	uint32_t usable = __atomic_load_n(&known, __ATOMIC_RELAXED);
	if (!usable) {
		usable = prim_counter_invariant() ? 2 : 1;
		__atomic_store_n(&known, usable, __ATOMIC_RELAXED);
	}
	return usable == 2;
}

/* A child's counter is its parent's. */
static uint64_t offset;

uint64_t clock_offset(void)
{
	return __atomic_load_n(&offset, __ATOMIC_RELAXED);
}

void clock_shift(int64_t ticks)
{
	__atomic_fetch_add(&offset, (uint64_t)ticks, __ATOMIC_RELAXED);
}

uint64_t clock_now_ticks(void)
{
	return (clock_counter_usable() ? rill__ticks() : prim_monotonic_ns()) + clock_offset();
}

const char *clock_name(void)
{
	return clock_counter_usable() ? prim_counter_name() : "monotonic";
}

/* All at one moment: the try in which the counter moved least meanwhile. */
static struct clock_reading read_clocks(void)
{
	struct clock_reading reading = {0, 0, 0};
	uint64_t best = UINT64_MAX;
	for (int i = 0; i < 8; i++) {
		uint64_t before = clock_now_ticks();
		uint64_t realtime = prim_realtime_ns();
		uint64_t after = clock_now_ticks();
		uint64_t steady = prim_steady_ns();
		uint64_t took = clock_now_ticks() - before;
		if (took < best) {
			best = took;
			reading = (struct clock_reading){before + (after - before) / 2, realtime,
							 steady};
		}
	}
	return reading;
}

static uint64_t rate_between(uint64_t ticks, uint64_t ns, uint64_t ticks0, uint64_t ns0)
{
	return (uint64_t)(((unsigned __int128)(ns - ns0) << 32) / (ticks - ticks0));
}

static void set_base(struct clock_maker *maker, uint64_t ticks, uint64_t ns)
{
	maker->base_ticks[0] = maker->base_ticks[1] = ticks;
	maker->base_ns[0] = maker->base_ns[1] = ns;
}

/* Of a counter that nobody knows the frequency of, and that may even stand still meanwhile. */
static uint64_t first_rate(void)
{
	struct clock_reading first = read_clocks();
	prim_sleep(FIRST_MEASURE_NS);
	struct clock_reading last = read_clocks();
	if (last.ticks <= first.ticks || last.steady_ns <= first.steady_ns)
		return UINT64_C(1) << 32;
	return rate_between(last.ticks, last.steady_ns, first.ticks, first.steady_ns);
}

void clock_calibrate_first(struct clock_maker *maker)
{
	struct clock_point *point = &maker->point;
	if (!clock_counter_usable())
		point->rate = UINT64_C(1) << 32;
	else if (prim_counter_hz())
		point->rate = rate_between(prim_counter_hz(), 1000000000u, 0, 0);
	else
		point->rate = first_rate();
	struct clock_reading now = read_clocks();
	point->ticks = now.ticks;
	point->ns = now.realtime_ns;
	point->error_us = prim_clock_error_us();
	maker->offset_ns = now.realtime_ns - now.steady_ns;
	maker->seen_ticks = now.ticks;
	maker->seen_ns = now.steady_ns;
	set_base(maker, point->ticks, point->ns);
}

/* By how much somebody set the clock since the point before; what only steers it moves both alike.
 */
static int64_t set_since(struct clock_maker *maker, const struct clock_reading *reading)
{
	uint64_t offset_ns = reading->realtime_ns - reading->steady_ns;
	int64_t change = (int64_t)(offset_ns - maker->offset_ns);
	maker->offset_ns = offset_ns;
	return change > STEP_NS || change < -STEP_NS ? change : 0;
}

/*
 * The new point lies on the old line, so that time has no jump. Its rate is the true one, measured
 * over the last seconds, and what brings the distance down; correcting the old rate by the distance
 * alone would swing about the truth for ever. A step of the system's clock by less than a second is
 * steered away, and the rate measured anew; a larger one is left out for good.
 */
void clock_next_point(struct clock_maker *maker, const struct clock_reading *reading, bool steer)
{
	struct clock_point *point = &maker->point;
	uint64_t ticks = reading->ticks;
	if (ticks <= point->ticks || !reading->realtime_ns || !reading->steady_ns)
		return;
	uint64_t line = clock_ns(point, ticks);
	int64_t set = set_since(maker, reading);
	point->flags = (set ? CLOCK_STEPPED : 0) | (maker->broken ? CLOCK_BROKEN : 0);
	maker->broken = false;
	maker->seen_ticks = ticks;
	maker->seen_ns = reading->steady_ns;
	if (set > LEFT_OUT_NS || set < -LEFT_OUT_NS)
		maker->set_ns += set;
	uint64_t ns = reading->realtime_ns - (uint64_t)maker->set_ns;
	int64_t behind = (int64_t)(ns - line);
	point->ticks = ticks;
	point->ns = line;
	if (point->flags)
		set_base(maker, ticks, ns);
	if (ticks > maker->base_ticks[0] && ns > maker->base_ns[0])
		point->rate = rate_between(ticks, ns, maker->base_ticks[0], maker->base_ns[0]);
	if (ns - maker->base_ns[1] > BASE_NS) {
		maker->base_ticks[0] = maker->base_ticks[1];
		maker->base_ns[0] = maker->base_ns[1];
		maker->base_ticks[1] = ticks;
		maker->base_ns[1] = ns;
	}
	if (!steer)
		return;
	int64_t limit = (int64_t)(point->rate / (1000000u / MAX_SLEW_PPM));
	__int128 change = (__int128)behind * (int64_t)point->rate / STEER_NS;
	if (change > limit)
		change = limit;
	if (change < -limit)
		change = -limit;
	point->rate += (uint64_t)change;
}

void clock_calibrate_next(struct clock_maker *maker, bool steer)
{
	struct clock_reading reading = read_clocks();
	clock_next_point(maker, &reading, steer);
	maker->point.error_us = prim_clock_error_us();
}

/* --- a counter that is not what it should be ----------------------------------------------- */

static uint64_t ticks_of(const struct clock_maker *maker, uint64_t ns)
{
	return (uint64_t)(((unsigned __int128)ns << 32) / maker->point.rate);
}

int64_t clock_jump_at(struct clock_maker *maker, uint64_t ticks, uint64_t steady_ns,
		      uint64_t *middle)
{
	if (!maker->seen_ns || steady_ns < maker->seen_ns) {
		maker->seen_ticks = ticks;
		maker->seen_ns = steady_ns;
		return 0;
	}
	uint64_t passed = ticks_of(maker, steady_ns - maker->seen_ns);
	uint64_t expected = maker->seen_ticks + passed;
	int64_t ahead = (int64_t)(ticks - expected);
	int64_t most = (int64_t)(ticks_of(maker, JUMP_NS) + passed / JUMP_FRACTION);
	if (ahead <= most && ahead >= -most)
		return 0;
	maker->seen_ticks = expected;
	maker->seen_ns = steady_ns;
	maker->broken = true;
	*middle = expected + (uint64_t)(ahead / 2);
	return ahead;
}

int64_t clock_jump(struct clock_maker *maker, uint64_t *middle)
{
	/* Both at one moment; else another time. */
	for (int i = 0; i < 3; i++) {
		uint64_t before = clock_now_ticks();
		uint64_t steady_ns = prim_steady_ns();
		uint64_t took = clock_now_ticks() - before;
		if (!steady_ns)
			return 0;
		if (took <= ticks_of(maker, JUMP_NS / 10))
			return clock_jump_at(maker, before + took / 2, steady_ns, middle);
	}
	return 0;
}
