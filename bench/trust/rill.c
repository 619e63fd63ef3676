/* rill: configured by its environment. Also the plugin. */
#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#include "bench/trust/subject.h"

void subject_open(void)
{
}

void subject_emit(uint64_t who, uint64_t number)
{
	rill_event(smtp_noop, id(who), total(number));
}

__attribute__((visibility("default"))) void plugin_emit(uint64_t who, uint64_t number)
{
	rill_event(smtp_noop, id(who), total(number));
}
