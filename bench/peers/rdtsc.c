/* A reference: R, the time stamp counter and nothing else, as rill reads it. */
#include <rill/static/prim.h>

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

BENCH_LOOP(read_ticks, (void)i; BENCH_USE(rill__ticks());)

struct bench_peer bench_peer = {
	.version = BENCH_PEER_VERSION,
	.name = "rdtsc",
	.init = start,
	.w1 = read_ticks,
	.w4 = read_ticks,
	.close = stop,
};
