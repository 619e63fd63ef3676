/* The tracepoint of the LTTng-UST subject and of its plugin, which are providers of their own.
 * Included several times by LTTng's own headers. */
#undef LTTNG_UST_TRACEPOINT_PROVIDER
#ifdef TRUST_PLUGIN
#define LTTNG_UST_TRACEPOINT_PROVIDER rill_trust_plugin
#else
#define LTTNG_UST_TRACEPOINT_PROVIDER rill_trust
#endif

#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "bench/trust/lttng/provider.h"

#if !defined(BENCH_TRUST_PROVIDER_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define BENCH_TRUST_PROVIDER_H

#include <lttng/tracepoint.h>
#include <stdint.h>

/* clang-format off */
#ifdef TRUST_PLUGIN
LTTNG_UST_TRACEPOINT_EVENT(rill_trust_plugin, event,
	LTTNG_UST_TP_ARGS(uint64_t, who, uint64_t, number),
	LTTNG_UST_TP_FIELDS(
		lttng_ust_field_integer(uint64_t, id, who)
		lttng_ust_field_integer(uint64_t, total, number)
	)
)
#else
LTTNG_UST_TRACEPOINT_EVENT(rill_trust, event,
	LTTNG_UST_TP_ARGS(uint64_t, who, uint64_t, number),
	LTTNG_UST_TP_FIELDS(
		lttng_ust_field_integer(uint64_t, id, who)
		lttng_ust_field_integer(uint64_t, total, number)
	)
)
#endif
/* clang-format on */

#endif

#include <lttng/tracepoint-event.h>
