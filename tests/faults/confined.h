/* What confined.c says, on a page that it shares with its test. */
#ifndef TESTS_CONFINED_H
#define TESTS_CONFINED_H

#include <stdint.h>

struct confined_page {
	uint64_t emitted;
	uint64_t drained;
	uint64_t lost; /* filtered and discarded */
	uint64_t interrupts;
	uint64_t over;
};

#endif
