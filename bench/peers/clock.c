/* A reference: clock_gettime(CLOCK_MONOTONIC) and nothing else. */
#include <time.h>

#include "bench/peers/emit.h"

static int start(const struct bench_setup *setup)
{
	(void)setup;
	return 0;
}

static int stop(void)
{
	return 0;
}

BENCH_LOOP(read_clock, {
	struct timespec now;

	(void)i;
	clock_gettime(CLOCK_MONOTONIC, &now);
	BENCH_USE(&now);
})

struct bench_peer bench_peer = {
	.version = BENCH_PEER_VERSION,
	.name = "clock_gettime",
	.init = start,
	.w1 = read_clock,
	.w4 = read_clock,
	.close = stop,
};
