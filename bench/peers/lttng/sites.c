/* Call sites and tracepoints of the LTTng-UST peer: an object by itself, because LTTng-UST reads
 * the environment when it is loaded, and lttng.c has to set it first. */
#include "bench/mix/mix.h"
#include "bench/peers/emit.h"

#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "bench/peers/lttng/provider.h"
#include "bench/peers/lttng/sites.h"

BENCH_LOOP(off, lttng_ust_tracepoint(rill_bench, off, BENCH_NUMBER(data, i));)

BENCH_LOOP(w1, lttng_ust_tracepoint(rill_bench, w1, BENCH_NUMBER(data, i));)

BENCH_LOOP(w4, {
	const struct bench_session *s = BENCH_SESSION(data, i);
	const struct bench_text *text = BENCH_TEXT(data, i);

	lttng_ust_tracepoint(rill_bench, w4, s->id, s->address, s->port, text->at, text->length);
})

BENCH_LOOP(w8, {
	const struct bench_text *text = BENCH_LONG(data, i);

	lttng_ust_tracepoint(rill_bench, w8, BENCH_SESSION(data, i), text->at, text->length);
})

BENCH_LOOP(pair, {
	const struct bench_session *s = BENCH_SESSION(data, i);

	lttng_ust_tracepoint(rill_bench, start, s->id, s->address);
	lttng_ust_tracepoint(rill_bench, end, s->id, s->elapsed_ns);
})

static void emit_mix(uint32_t site, const struct mix_value *v)
{
	switch (site) {
#include "mix_lttng.h"
	}
}

BENCH_LOOP(mix, {
	const struct mix_event *event = mix_take(data->mix + i);

	emit_mix(event->site, mix_values + event->first);
})

const struct lttng_sites lttng_sites = {off, w1, w4, w8, pair, mix};
