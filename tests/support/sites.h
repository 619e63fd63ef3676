/* Event sites in compiled code: what runs while every event is off. */
#ifndef TESTS_SITES_H
#define TESTS_SITES_H

#include "disasm.h"

/*
 * Load of the gate's pointer, test of one bit behind it, a conditional branch that is not taken
 * when the bit is 0. The compiler may schedule instructions of the program between the three.
 */
struct site {
	size_t load, test, branch; /* indexes in the function */
	unsigned size_bytes;       /* of the three together */
	size_t nspills;            /* stores to the stack between load and branch */
};

#define SITES_MAX 64

struct sites {
	struct site site[SITES_MAX];
	size_t count;
	bool *reached; /* by index: the instructions that can run while every event is off */
	size_t nreached;
	size_t ncalls;   /* of those */
	size_t nwrites;  /* of the stack, of those */
	char wrong[200]; /* a look at a gate that is no such site; empty: there is none */
};

/* Follows the function from its first instruction. */
struct sites sites_find(const struct disasm_function *function);

/* The largest loop among the instructions reached. */
struct site_loop {
	size_t ninsns;
	size_t nreads; /* of the stack */
	size_t nwrites;
};
struct site_loop sites_loop(const struct disasm_function *function, const struct sites *sites);

#endif
