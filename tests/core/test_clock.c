/* The line from ticks to time: continuous, close to the system's clock, and calm. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/prim/prim.h"
#include "support/files.h"
#include "support/run.h"

#define TICKS_PER_S 2700000000.0

/* A system whose counter runs as it likes: its clock at a tick, read with some jitter. */
static uint64_t system_ns(uint64_t ticks)
{
	return UINT64_C(1700000000000000000) + (uint64_t)((double)ticks / TICKS_PER_S * 1e9);
}

/* What is read at a tick when the system's clock was set forward by `set_ns` some time ago. */
static struct clock_reading reading(uint64_t ticks, int64_t set_ns)
{
	return (struct clock_reading){ticks, system_ns(ticks) + (uint64_t)set_ns,
				      system_ns(ticks) - UINT64_C(1699999999000000000)};
}

static void next(struct clock_maker *maker, uint64_t ticks, int64_t set_ns, bool steer)
{
	const struct clock_reading now = reading(ticks, set_ns);
	clock_next_point(maker, &now, steer);
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
	maker.offset_ns = UINT64_C(1699999999000000000);
	return maker;
}

Test(clock, settles_and_stays, .timeout = 60)
{
	struct clock_maker maker = maker_with_error(100);
	uint64_t ticks = 1000;
	for (int i = 0; i < 20000; i++) {
		ticks += 270000000 + (uint64_t)(rand() % 1000000);
		uint64_t before = clock_ns(&maker.point, ticks);
		next(&maker, ticks, jitter(), true);
		cr_assert_eq(clock_ns(&maker.point, ticks), before, "no jump");
		cr_assert_eq(maker.point.flags, 0, "nobody set the clock");
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
		next(&maker, ticks, jitter(), i != 299);
	}
	uint64_t morning = ticks + (uint64_t)(8 * 3600 * TICKS_PER_S);
	cr_expect_leq(distance(&maker, morning), 8 * 3600 * 200, "0.2 ppm: %lld ns off",
		      (long long)distance(&maker, morning));
}

/* Set by an hour, forward and back: the line goes on, and knows by how much it is off. */
Test(clock, goes_on_when_the_clock_is_set)
{
	const int64_t hour = INT64_C(3600000000000), sets[] = {0, hour, hour, -hour, -hour, 0, 0};
	struct clock_maker maker = maker_with_error(0);
	for (size_t i = 1; i < sizeof sets / sizeof *sets; i++) {
		uint64_t ticks = 1000 + 270000000 * i;
		uint64_t before = clock_ns(&maker.point, ticks);
		next(&maker, ticks, sets[i], true);
		cr_expect_eq(clock_ns(&maker.point, ticks), before, "no jump");
		cr_expect_eq(maker.point.flags, sets[i] != sets[i - 1] ? CLOCK_STEPPED : 0);
		cr_expect_leq(llabs(maker.set_ns - sets[i]), 1000, "%lld", (long long)maker.set_ns);
		cr_expect_leq(distance(&maker, ticks), 1000);
	}
}

/* A clock that may not be read any more: the line goes on as it was. */
Test(clock, does_without_a_clock)
{
	struct clock_maker maker = maker_with_error(0);
	struct clock_point before = maker.point;
	const struct clock_reading none = {2701000, 0, 0};
	clock_next_point(&maker, &none, true);
	cr_expect_eq(memcmp(&maker.point, &before, sizeof before), 0);
}

/* --- a counter that is not what it should be ----------------------------------------------- */

static struct clock_maker maker_that_looked(uint64_t ticks)
{
	struct clock_maker maker = maker_with_error(0);
	maker.seen_ticks = ticks;
	maker.seen_ns = reading(ticks, 0).steady_ns;
	return maker;
}

static int64_t look(struct clock_maker *maker, uint64_t ticks, int64_t wrong, uint64_t *middle)
{
	return clock_jump_at(maker, ticks + (uint64_t)wrong, reading(ticks, 0).steady_ns, middle);
}

Test(clock, sees_where_a_counter_should_be)
{
	const int64_t wrongs[] = {-27000000, -2700000000, -INT64_C(270000000000000), 27000000,
				  INT64_C(270000000000000)};
	for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
		uint64_t ticks = UINT64_C(1) << 50, middle = 0;
		struct clock_maker maker = maker_that_looked(ticks);
		ticks += 2700000;
		cr_expect_eq(look(&maker, ticks, 0, &middle), 0);
		cr_expect_not(maker.broken);
		ticks += 2700000;
		int64_t found = look(&maker, ticks, wrongs[i], &middle);
		cr_expect_leq(llabs(found - wrongs[i]), 10000, "%lld for %lld", (long long)found,
			      (long long)wrongs[i]);
		cr_expect_leq(llabs((int64_t)(middle - ticks) - wrongs[i] / 2), 10000);
		cr_expect(maker.broken);
		/* Corrected, it is right again. */
		cr_expect_eq(look(&maker, ticks + 2700000, wrongs[i] - found, &middle), 0);
	}
}

/* A counter that stands still is seen as soon as it is a millisecond behind. */
Test(clock, sees_a_counter_that_stands_still)
{
	uint64_t ticks = UINT64_C(1) << 50, middle;
	struct clock_maker maker = maker_that_looked(ticks);
	int64_t passed = 0;
	while (passed < 27000000 && look(&maker, ticks + (uint64_t)passed, -passed, &middle) == 0)
		passed += 270000;
	cr_expect(passed > 2700000 && passed < 3300000, "%lld ticks", (long long)passed);
}

/* A rate that is off by 500 ppm, over an hour without a look, is no jump. */
Test(clock, knows_a_rate_that_is_not_exact)
{
	uint64_t ticks = UINT64_C(1) << 50, hour = (uint64_t)(3600 * TICKS_PER_S), middle;
	struct clock_maker maker = maker_that_looked(ticks);
	cr_expect_eq(look(&maker, ticks + hour, (int64_t)(hour / 2000), &middle), 0);
	maker = maker_that_looked(ticks);
	cr_expect_neq(look(&maker, ticks + hour, (int64_t)(hour / 500), &middle), 0);
}

/* Half a second is not jumped but steered to, at the rate that is allowed: it was once measured
 * into the rate itself, which then was off by a tenth. */
Test(clock, leans_towards_a_clock_that_was_set_a_little)
{
	struct clock_maker maker = maker_with_error(0);
	uint64_t ticks = 1000, rate = maker.point.rate;
	for (int i = 0; i < 200; i++) {
		ticks += 270000000;
		uint64_t before = clock_ns(&maker.point, ticks);
		next(&maker, ticks, i < 50 ? 0 : 500000000, true);
		cr_assert_eq(clock_ns(&maker.point, ticks), before, "no jump");
		cr_assert_eq(maker.point.flags, i == 50 ? CLOCK_STEPPED : 0, "point %d", i);
		int64_t ppm = ((int64_t)maker.point.rate - (int64_t)rate) * 1000000 / (int64_t)rate;
		cr_assert(ppm >= -1100 && ppm <= 1100, "point %d: %lld ppm", i, (long long)ppm);
	}
}

Test(clock, knows_its_host)
{
	struct clock_maker maker = {0};
	clock_calibrate_first(&maker);
	clock_calibrate_next(&maker, true);
	cr_expect_eq(maker.point.flags, 0);
	uint64_t boot[2], again[2];
	char host[256], *said = file_load("/proc/sys/kernel/random/boot_id", NULL);
	prim_boot_id(boot);
	prim_boot_id(again);
	unsigned char bytes[16];
	memcpy(bytes, boot, sizeof bytes);
	char text[64];
	size_t n = 0;
	for (int i = 0; i < 16; i++)
		n += (size_t)sprintf(text + n, "%s%02x",
				     i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", bytes[i]);
	cr_expect_eq(strncmp(text, said, 36), 0, "%s is not %s", text, said);
	cr_expect_eq(memcmp(boot, again, sizeof boot), 0);
	prim_host_name(host, sizeof host);
	struct run_result run = RUN(NULL, "uname", "-n");
	cr_expect_str_eq(format("%s\n", host), run.out);
	run_free(&run);
}

Test(clock, a_counter_that_goes_back_changes_nothing)
{
	struct clock_maker maker = maker_with_error(0);
	struct clock_point before = maker.point;
	next(&maker, 500, 0, true);
	cr_expect_eq(maker.point.ticks, before.ticks);
	cr_expect_eq(maker.point.rate, before.rate);
}
