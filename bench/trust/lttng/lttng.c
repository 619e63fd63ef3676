/* LTTng-UST: the session is made by whoever starts this. Also the plugin (TRUST_PLUGIN). */
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "bench/trust/lttng/provider.h"
#include "bench/trust/subject.h"

#ifdef TRUST_PLUGIN
void plugin_emit(uint64_t who, uint64_t number)
{
	lttng_ust_tracepoint(rill_trust_plugin, event, who, number);
}
#else
void subject_open(void)
{
}

void subject_emit(uint64_t who, uint64_t number)
{
	lttng_ust_tracepoint(rill_trust, event, who, number);
}
#endif
