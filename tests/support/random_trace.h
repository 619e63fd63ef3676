/* A dump of random records with durations and spans, good and bad, from three threads: for what
 * computes figures of them. */
#ifndef TESTS_RANDOM_TRACE_H
#define TESTS_RANDOM_TRACE_H

#include <stddef.h>
#include <stdint.h>

#define RANDOM_TRACE_START_NS UINT64_C(1700000000000000000)

struct random_trace {
	const char *folder;
	const char *file;
	uint64_t seed;
	uint32_t pid;
	size_t records;
	double work_ns;   /* typical `elapsed` of conn.work; 0: 40000 */
	double work_part; /* of all records; 0: 0.5 */
	double tempo;     /* records a second, in thousands; 0: 100 */
	double burst;     /* in one of 8 stretches of 50 ms conn.work takes so many times as long */
	const char *name; /* of what is conn.work otherwise; NULL: that */
};

void random_trace_write(const struct random_trace *trace);

#endif
