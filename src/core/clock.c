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

uint64_t clock_ns(const struct clock_point *point, uint64_t ticks)
{
	int64_t distance = (int64_t)(ticks - point->ticks);
	__int128 ns = (__int128)distance * (int64_t)point->rate;
	return point->ns + (uint64_t)(int64_t)(ns >> 32);
}

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

/* Both clocks at one moment: the try in which the counter moved least while the time was read. */
static void read_both(uint64_t *ticks, uint64_t *ns, uint64_t (*time_ns)(void))
{
	uint64_t best = UINT64_MAX;
	for (int i = 0; i < 8; i++) {
		uint64_t before = clock_now_ticks();
		uint64_t now = time_ns();
		uint64_t after = clock_now_ticks();
		if (after - before < best) {
			best = after - before;
			*ticks = before + best / 2;
			*ns = now;
		}
	}
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
		uint64_t ticks[2], ns[2];
		read_both(&ticks[0], &ns[0], prim_monotonic_ns);
		prim_sleep(FIRST_MEASURE_NS);
		read_both(&ticks[1], &ns[1], prim_monotonic_ns);
		point->rate = rate_between(ticks[1], ns[1], ticks[0], ns[0]);
	}
	read_both(&point->ticks, &point->ns, prim_realtime_ns);
	set_base(maker, point->ticks, point->ns);
}

/*
 * The new point lies on the old line, so that time has no jump. Its rate is the true one, measured
 * over the last seconds, and what brings the distance down; correcting the old rate by the distance
 * alone would swing about the truth for ever. A distance of more than a second means that somebody
 * set the clock: then the line does jump.
 */
void clock_next_point(struct clock_maker *maker, uint64_t ticks, uint64_t ns, bool steer)
{
	struct clock_point *point = &maker->point;
	if (ticks <= point->ticks)
		return;
	uint64_t line = clock_ns(point, ticks);
	int64_t behind = (int64_t)(ns - line);
	point->ticks = ticks;
	point->ns = line;
	if (behind > 1000000000 || behind < -1000000000) {
		point->ns = ns;
		set_base(maker, ticks, ns);
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
	uint64_t ticks, ns;
	read_both(&ticks, &ns, prim_realtime_ns);
	clock_next_point(maker, ticks, ns, steer);
}
