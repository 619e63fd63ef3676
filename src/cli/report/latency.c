#include <stdlib.h>

#include "cli/report/report.h"

bool latency_add(struct latency *latency, uint64_t ns)
{
	unsigned octave = 0, sub = (unsigned)ns;
	if (ns >= LATENCY_SUB) {
		octave = 64 - (unsigned)__builtin_clzll(ns) - LATENCY_SUB_BITS;
		sub = (unsigned)(ns >> (octave - 1)) - LATENCY_SUB;
	}
	uint64_t **buckets = &latency->octaves[octave];
	if (!*buckets && !(*buckets = calloc(LATENCY_SUB, sizeof **buckets)))
		return false;
	(*buckets)[sub]++;
	if (!latency->count || ns < latency->min_ns)
		latency->min_ns = ns;
	if (ns > latency->max_ns)
		latency->max_ns = ns;
	latency->count++;
	latency->sum_ns += (double)ns;
	return true;
}

uint64_t latency_lower(unsigned octave, unsigned sub)
{
	return octave ? (uint64_t)(LATENCY_SUB + sub) << (octave - 1) : sub;
}

uint64_t latency_percentile(const struct latency *latency, double share)
{
	uint64_t rank = (uint64_t)(share * (double)latency->count), below = 0;
	if (rank >= latency->count)
		return latency->max_ns;
	for (unsigned octave = 0; octave < LATENCY_OCTAVES; octave++) {
		for (unsigned sub = 0; latency->octaves[octave] && sub < LATENCY_SUB; sub++) {
			below += latency->octaves[octave][sub];
			if (below <= rank)
				continue;
			uint64_t half = octave > 1 ? (uint64_t)1 << (octave - 2) : 0;
			uint64_t middle = latency_lower(octave, sub) + half;
			return middle < latency->min_ns   ? latency->min_ns
			       : middle > latency->max_ns ? latency->max_ns
							  : middle;
		}
	}
	return latency->max_ns;
}

void latency_free(struct latency *latency)
{
	for (unsigned octave = 0; octave < LATENCY_OCTAVES; octave++)
		free(latency->octaves[octave]);
}
