/* How many events a second reach the file, what that costs, and how large the file is. */
#ifndef BENCH_SUSTAINED_H
#define BENCH_SUSTAINED_H

#include "bench/common/common.h"

#define MAX_THREADS 64

typedef void emit_fn(const struct bench_data *data, size_t n);

struct workload {
	const char *name;
	enum bench_numbers numbers;
	bool unique;
	size_t emit; /* offset of the function in struct bench_peer */
};

/* One run of one peer: until `seconds` are over or, if that is 0, until there are `events`. */
struct run {
	const struct workload *workload;
	int threads;
	double seconds;
	uint64_t events;
	bool text;

	uint64_t emitted; /* less what was lost */
	double lost_percent;
	double took_s;         /* from the first event until all were in the file */
	uint64_t collector_ns; /* CPU time of what collects */
};

/* False: told on standard error. The peer has been started, and is stopped. */
bool run_peer(struct bench_loaded *loaded, const struct bench_options *options, struct run *run);

/* Bytes of the trace below the folder; `packed`: through zstd -1. */
uint64_t trace_bytes(const char *folder, bool packed);
/* When the last of those files was written, CLOCK_REALTIME; 0: there are none. */
uint64_t trace_written_ns(const char *folder);

#endif
