/* A shared object with events of its own, for loader.c. */
#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

void plugin_work(uint64_t value);

__attribute__((visibility("default"))) void plugin_work(uint64_t value)
{
	rill_event(smtp_rset, total(value));
}
