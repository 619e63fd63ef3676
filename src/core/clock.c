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

int clock_counter_usable(void)
{
	return prim_counter_invariant();
}

uint64_t clock_now_ticks(void)
{
	return clock_counter_usable() ? rill__ticks() : prim_monotonic_ns();
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
		uint64_t monotonic = prim_monotonic_ns();
		uint64_t took = clock_now_ticks() - before;
		if (took < best) {
			best = took;
			reading = (struct clock_reading){before + (after - before) / 2, realtime,
							 monotonic};
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

void clock_calibrate_first(struct clock_maker *maker)
{
	struct clock_point *point = &maker->point;
	if (!clock_counter_usable()) {
		point->rate = UINT64_C(1) << 32;
	} else if (prim_counter_hz()) {
		point->rate = rate_between(prim_counter_hz(), 1000000000u, 0, 0);
	} else {
		struct clock_reading first = read_clocks();
		prim_sleep(FIRST_MEASURE_NS);
		struct clock_reading last = read_clocks();
		point->rate = rate_between(last.ticks, last.monotonic_ns, first.ticks,
					   first.monotonic_ns);
	}
	struct clock_reading now = read_clocks();
	point->ticks = now.ticks;
	point->ns = now.realtime_ns;
	point->error_us = prim_clock_error_us();
	maker->offset_ns = now.realtime_ns - now.monotonic_ns;
	set_base(maker, point->ticks, point->ns);
}

/* Whether somebody set the clock since the point before; what only steers it moves both alike. */
static bool was_set(struct clock_maker *maker, const struct clock_reading *reading)
{
	uint64_t offset = reading->realtime_ns - reading->monotonic_ns;
	int64_t change = (int64_t)(offset - maker->offset_ns);
	maker->offset_ns = offset;
	return change > STEP_NS || change < -STEP_NS;
}

/*
 * The new point lies on the old line, so that time has no jump. Its rate is the true one, measured
 * over the last seconds, and what brings the distance down; correcting the old rate by the distance
 * alone would swing about the truth for ever. After somebody set the clock it is measured anew; a
 * distance of more than a second is not steered away: then the line does jump.
 */
void clock_next_point(struct clock_maker *maker, const struct clock_reading *reading, bool steer)
{
	struct clock_point *point = &maker->point;
	uint64_t ticks = reading->ticks, ns = reading->realtime_ns;
	if (ticks <= point->ticks)
		return;
	uint64_t line = clock_ns(point, ticks);
	int64_t behind = (int64_t)(ns - line);
	point->ticks = ticks;
	point->ns = line;
	bool jumps = behind > 1000000000 || behind < -1000000000;
	point->flags = was_set(maker, reading) || jumps ? CLOCK_STEPPED : 0;
	if (point->flags)
		set_base(maker, ticks, ns);
	if (jumps) {
		point->ns = ns;
		return;
	}
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
	int64_t change = (int64_t)((__int128)behind * (int64_t)point->rate / STEER_NS);
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
