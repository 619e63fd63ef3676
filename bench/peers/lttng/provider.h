/* The tracepoints of the LTTng-UST peer. Included several times by LTTng's own headers. */
#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER rill_bench

#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "bench/peers/lttng/provider.h"

#if !defined(BENCH_LTTNG_PROVIDER_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define BENCH_LTTNG_PROVIDER_H

#include <lttng/tracepoint.h>
#include <stdint.h>

/* clang-format off */
LTTNG_UST_TRACEPOINT_EVENT(rill_bench, off,
	LTTNG_UST_TP_ARGS(uint64_t, span_id),
	LTTNG_UST_TP_FIELDS(
		lttng_ust_field_integer(uint64_t, spanId, span_id)
	)
)

LTTNG_UST_TRACEPOINT_EVENT(rill_bench, w1,
	LTTNG_UST_TP_ARGS(uint64_t, span_id),
	LTTNG_UST_TP_FIELDS(
		lttng_ust_field_integer(uint64_t, spanId, span_id)
	)
)

LTTNG_UST_TRACEPOINT_EVENT(rill_bench, w4,
	LTTNG_UST_TP_ARGS(uint64_t, span_id, uint32_t, address, uint16_t, port,
			  const char *, text, uint32_t, length),
	LTTNG_UST_TP_FIELDS(
		lttng_ust_field_integer(uint64_t, spanId, span_id)
		lttng_ust_field_integer_network_hex(uint32_t, remoteIp, address)
		lttng_ust_field_integer(uint16_t, remotePort, port)
		lttng_ust_field_sequence_text(char, hostname, text, uint8_t, length)
	)
)

LTTNG_UST_TRACEPOINT_EVENT(rill_bench, w8,
	LTTNG_UST_TP_ARGS(const struct bench_session *, s, const char *, text, uint32_t, length),
	LTTNG_UST_TP_FIELDS(
		lttng_ust_field_integer(uint64_t, spanId, s->id)
		lttng_ust_field_integer_network_hex(uint32_t, remoteIp, s->address)
		lttng_ust_field_integer(uint16_t, remotePort, s->port)
		lttng_ust_field_integer(uint8_t, tls, s->tls)
		lttng_ust_field_integer(uint64_t, size, s->size)
		lttng_ust_field_integer(uint64_t, elapsed, s->elapsed_ns)
		lttng_ust_field_integer(uint32_t, code, s->code)
		lttng_ust_field_sequence_text(char, hostname, text, uint8_t, length)
	)
)

LTTNG_UST_TRACEPOINT_EVENT(rill_bench, start,
	LTTNG_UST_TP_ARGS(uint64_t, span_id, uint32_t, address),
	LTTNG_UST_TP_FIELDS(
		lttng_ust_field_integer(uint64_t, spanId, span_id)
		lttng_ust_field_integer_network_hex(uint32_t, remoteIp, address)
	)
)

LTTNG_UST_TRACEPOINT_EVENT(rill_bench, end,
	LTTNG_UST_TP_ARGS(uint64_t, span_id, uint64_t, elapsed_ns),
	LTTNG_UST_TP_FIELDS(
		lttng_ust_field_integer(uint64_t, spanId, span_id)
		lttng_ust_field_integer(uint64_t, elapsed, elapsed_ns)
	)
)
/* clang-format on */

#include "mix_provider.h"

#endif

#include <lttng/tracepoint-event.h>
