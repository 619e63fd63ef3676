/* The collector's thread as it is, and a pass of it alone. */
#include "collect/collector.c"

#include "explore/scenario.h"

void collect_pass(void)
{
	take_pending(&the_collector);
	drain_pass(&the_collector, false);
}
