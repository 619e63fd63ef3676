/* A plugin with a catalog of its own. */
#define RILL_CATALOG wares
#include "wares.h"

void wares_work(uint64_t number);

__attribute__((constructor)) static void came(void)
{
	rill_event(ware_came, number(0));
}

__attribute__((destructor)) static void went(void)
{
	rill_event(ware_went, number(0));
}

__attribute__((visibility("default"))) void wares_work(uint64_t number)
{
	rill_event(ware_made, number(number));
}
