/* What sites.c exports. */
#ifndef BENCH_LTTNG_SITES_H
#define BENCH_LTTNG_SITES_H

#include "bench/peers/peer.h"

struct lttng_sites {
	void (*off)(const struct bench_data *data, size_t n);
	void (*w1)(const struct bench_data *data, size_t n);
	void (*w4)(const struct bench_data *data, size_t n);
	void (*w8)(const struct bench_data *data, size_t n);
	void (*pair)(const struct bench_data *data, size_t n);
	void (*mix)(const struct bench_data *data, size_t n);
};

extern const struct lttng_sites lttng_sites;

#endif
