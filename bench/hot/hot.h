/* What a single event costs the thread that emits it. */
#ifndef BENCH_HOT_H
#define BENCH_HOT_H

#include "bench/common/common.h"

typedef void emit_fn(const struct bench_data *data, size_t n);

struct workload {
	const char *name;
	size_t burst; /* events that fit into half of every peer's buffers */
};

enum { W1, W4, W8, PAIR, OFF, WORKLOADS };

extern const struct workload workloads[WORKLOADS];

/* NULL: the peer has none. */
emit_fn *emit_of(const struct bench_peer *peer, int workload);
/* Until what was emitted is out of the buffers. Ends the program when that fails. */
void drain(struct bench_loaded *loaded);

/* Ticks of rill__ticks() in a nanosecond. */
double ticks_per_ns(void);
/* The loop of an emit_fn, and nothing in it. */
void emit_nothing(const struct bench_data *data, size_t n);

void warm_run(struct bench_peers *peers, const struct bench_options *options);
void off_run(struct bench_peers *peers, const struct bench_options *options);
void cold_run(struct bench_peers *peers, const struct bench_options *options);
void latency_run(struct bench_peers *peers, const struct bench_options *options);

#endif
