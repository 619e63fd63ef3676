/* The loop that all peers emit in: the same registers, the same loads. */
#ifndef BENCH_EMIT_H
#define BENCH_EMIT_H

#include "bench/peers/peer.h"

/* Defines the function `name`: n times the statement, which sees `data` and the index `i`. Memory
 * may have changed each time, so that nothing is computed before the loop. */
#define BENCH_LOOP(name, ...)                                                                      \
	static void name(const struct bench_data *data, size_t n)                                  \
	{                                                                                          \
		for (size_t i = 0; i < n; i++) {                                                   \
			__asm__ __volatile__("" : : "r"(data) : "memory");                         \
			__VA_ARGS__                                                                \
		}                                                                                  \
	}

/* The value was computed, and nothing was done with it. */
#define BENCH_USE(value) __asm__ __volatile__("" : : "r"(value))

#endif
