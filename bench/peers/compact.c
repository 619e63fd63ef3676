/* rill by its compact form: the same events, each by one call of the library. */
#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#include "bench/peers/emit.h"

/* The runtime, its sink and its filter are those of the peer rill, which stands beside it. */
extern struct bench_peer bench_peer_rill;

static int start(const struct bench_setup *setup)
{
	return bench_peer_rill.init(setup);
}

BENCH_LOOP(off, rill_event_compact(smtp_noop, spanId(BENCH_NUMBER(data, i)));)

BENCH_LOOP(w1, rill_event_compact(smtp_ehlo, spanId(BENCH_NUMBER(data, i)));)

BENCH_LOOP(w4, {
	const struct bench_session *s = BENCH_SESSION(data, i);
	const struct bench_text *text = BENCH_TEXT(data, i);
	const struct in_addr address = {s->address};

	rill_event_compact(smtp_ehlo, spanId(s->id), remoteIp(address), remotePort(s->port),
			   hostname(text->at, text->length));
})

static int flush(void)
{
	return bench_peer_rill.flush();
}

static int stop(void)
{
	return bench_peer_rill.close();
}

struct bench_peer bench_peer = {
	.version = BENCH_PEER_VERSION,
	.name = "rill-compact",
	.init = start,
	.off = off,
	.w1 = w1,
	.w4 = w4,
	.flush = flush,
	.close = stop,
};
