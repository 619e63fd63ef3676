/* A reference: the loop with its loads, and no event in it. */
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

BENCH_LOOP(off, (void)i;)
BENCH_LOOP(w1, BENCH_USE(BENCH_NUMBER(data, i));)
BENCH_LOOP(w4, {
	const struct bench_session *s = BENCH_SESSION(data, i);
	const struct bench_text *text = BENCH_TEXT(data, i);

	BENCH_USE(s->id);
	BENCH_USE(s->address);
	BENCH_USE(s->port);
	BENCH_USE(text->at);
	BENCH_USE(text->length);
})

struct bench_peer bench_peer = {
	.version = BENCH_PEER_VERSION,
	.name = "loop",
	.init = start,
	.off = off,
	.w1 = w1,
	.w4 = w4,
	.close = stop,
};
