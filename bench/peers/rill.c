/*
 * rill. Compiled into the programs (rill) and, with -fPIC, into a shared object (rill-pic), which
 * then uses the programs' librill: one runtime, two kinds of call sites.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>

#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#include "bench/mix/mix.h"
#include "bench/peers/emit.h"

#if defined(__PIC__) && !defined(__PIE__)
#define NAME "rill-pic"
#else
#define NAME "rill"
#endif

#define SECOND_NS UINT64_C(1000000000)

/* One for both: the shared object's is that of the program. Whoever comes first has the sink. */
__attribute__((weak, visibility("default"))) int bench_rill_users;

static struct rill_counts at_start;

static int start(const struct bench_setup *setup)
{
	const struct rill_settings settings = {
		.policy = (setup->lossless ? RILL_BLOCK : RILL_DISCARD) + 1,
		.block_timeout_ns = 20 * SECOND_NS,
	};
	char sink[PATH_MAX];

	rill_counts_get(&at_start);
	if (bench_rill_users++ > 0)
		return 0;
	snprintf(sink, sizeof sink, setup->text ? "text:%s/log" : "dump:%s", setup->dir);
	int error = rill_settings_apply(&settings);
	error = error ? error : rill_sink_add(sink);
	return error ? error : rill_filter_apply("*=trace,smtp.noop=off");
}

BENCH_LOOP(off, rill_event(smtp_noop, spanId(BENCH_NUMBER(data, i)));)

BENCH_LOOP(w1, rill_event(smtp_ehlo, spanId(BENCH_NUMBER(data, i)));)

BENCH_LOOP(w4, {
	const struct bench_session *s = BENCH_SESSION(data, i);
	const struct bench_text *text = BENCH_TEXT(data, i);
	const struct in_addr address = {s->address};

	rill_event(smtp_ehlo, spanId(s->id), remoteIp(address), remotePort(s->port),
		   hostname(text->at, text->length));
})

BENCH_LOOP(w8, {
	const struct bench_session *s = BENCH_SESSION(data, i);
	const struct bench_text *text = BENCH_LONG(data, i);
	const struct in_addr address = {s->address};

	rill_event(smtp_ehlo, spanId(s->id), remoteIp(address), remotePort(s->port), tls(s->tls),
		   size(s->size), elapsed(s->elapsed_ns), code(s->code),
		   hostname(text->at, text->length));
})

BENCH_LOOP(pair, {
	const struct bench_session *s = BENCH_SESSION(data, i);
	const struct in_addr address = {s->address};

	rill_event(smtp_connection_start, spanId(s->id), remoteIp(address));
	rill_event(smtp_connection_end, spanId(s->id), elapsed(s->elapsed_ns));
})

static inline struct in_addr mix_address(uint64_t word)
{
	const struct in_addr address = {(uint32_t)word};

	return address;
}

static void emit_mix(uint32_t site, const struct mix_value *v)
{
	switch (site) {
#include "mix_rill.h"
	}
}

BENCH_LOOP(mix, {
	const struct mix_event *event = mix_take(data->mix + i);

	emit_mix(event->site, mix_values + event->first);
})

static int flush(void)
{
	return rill_flush(20 * SECOND_NS);
}

static uint64_t lost(void)
{
	struct rill_counts counts;

	rill_counts_get(&counts);
	return counts.discarded - at_start.discarded + counts.bad - at_start.bad;
}

static uint64_t recorded(void)
{
	struct rill_counts counts;

	rill_counts_get(&counts);
	return counts.drained - at_start.drained;
}

static int stop(void)
{
	int error = flush();

	if (--bench_rill_users == 0)
		rill_stop();
	return error;
}

struct bench_peer bench_peer = {
	.version = BENCH_PEER_VERSION,
	.name = NAME,
	.init = start,
	.off = off,
	.w1 = w1,
	.w4 = w4,
	.w8 = w8,
	.pair = pair,
	.mix = mix,
	.flush = flush,
	.close = stop,
	.strict = true,
	.lost = lost,
	.recorded = recorded,
};
