/* The line from ticks to time: continuous, close to the system's clock, and calm. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "core/clock.h"

#define TICKS_PER_S 2700000000.0

/* A system whose counter runs as it likes: its clock at a tick, read with some jitter. */
static uint64_t system_ns(uint64_t ticks)
{
	return UINT64_C(1700000000000000000) + (uint64_t)((double)ticks / TICKS_PER_S * 1e9);
}

static int64_t jitter(void)
{
	return rand() % 200 - 100;
}

static int64_t distance(const struct clock_maker *maker, uint64_t ticks)
{
	return llabs((int64_t)(clock_ns(&maker->point, ticks) - system_ns(ticks)));
}

static struct clock_maker maker_with_error(double ppm)
{
	struct clock_maker maker = {
		.point = {.ticks = 1000,
			  .ns = system_ns(1000),
			  .rate = (uint64_t)(1e9 / TICKS_PER_S * (1 + ppm / 1e6) * 4294967296.0)}};
	maker.base_ticks[0] = maker.base_ticks[1] = maker.point.ticks;
	maker.base_ns[0] = maker.base_ns[1] = maker.point.ns;
	return maker;
}

Test(clock, settles_and_stays, .timeout = 60)
{
	struct clock_maker maker = maker_with_error(100);
	uint64_t ticks = 1000;
	for (int i = 0; i < 20000; i++) {
		ticks += 270000000 + (uint64_t)(rand() % 1000000);
		uint64_t before = clock_ns(&maker.point, ticks);
		clock_next_point(&maker, ticks, system_ns(ticks) + (uint64_t)jitter(), true);
		cr_assert_eq(clock_ns(&maker.point, ticks), before, "no jump");
		if (i > 100)
			cr_assert_leq(distance(&maker, ticks), 1000, "point %d: %lld ns off", i,
				      (long long)distance(&maker, ticks));
	}
}

/* Straightened before a night, it is still right in the morning. */
Test(clock, keeps_its_distance_over_a_long_rest, .timeout = 60)
{
	struct clock_maker maker = maker_with_error(20);
	uint64_t ticks = 1000;
	for (int i = 0; i < 300; i++) {
		ticks += 270000000;
		clock_next_point(&maker, ticks, system_ns(ticks) + (uint64_t)jitter(), i != 299);
	}
	uint64_t morning = ticks + (uint64_t)(8 * 3600 * TICKS_PER_S);
	cr_expect_leq(distance(&maker, morning), 8 * 3600 * 200, "0.2 ppm: %lld ns off",
		      (long long)distance(&maker, morning));
}

Test(clock, follows_a_clock_that_was_set)
{
	struct clock_maker maker = maker_with_error(0);
	clock_next_point(&maker, 2701000, system_ns(2701000) + UINT64_C(3600000000000), true);
	cr_expect_eq(clock_ns(&maker.point, 2701000), system_ns(2701000) + UINT64_C(3600000000000));
}

Test(clock, a_counter_that_goes_back_changes_nothing)
{
	struct clock_maker maker = maker_with_error(0);
	struct clock_point before = maker.point;
	clock_next_point(&maker, 500, system_ns(500), true);
	cr_expect_eq(maker.point.ticks, before.ticks);
	cr_expect_eq(maker.point.rate, before.rate);
}
