/* Included before everything else: the counter of the CPU is clocks.c's. */
#ifndef TESTS_TICKS_H
#define TESTS_TICKS_H

#include <rill/static/prim.h>

uint64_t test_ticks(void);
static inline uint64_t real_ticks(void)
{
	return rill__ticks();
}
#define rill__ticks test_ticks

#endif
