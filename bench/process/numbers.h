/* Percentiles, and medians with their uncertainty. */
#ifndef BENCH_PROCESS_NUMBERS_H
#define BENCH_PROCESS_NUMBERS_H

#include <stddef.h>
#include <stdint.h>

void sort_u64(uint64_t *values, size_t count);
void sort_f64(double *values, size_t count);
/* Of sorted values, the smallest that this share of them does not exceed. */
uint64_t percentile(const uint64_t *sorted, size_t count, double share);

/*
 * Median of paired ratios and the interval that holds the true median with a probability of 95 % or
 * more: order statistics, so that no distribution is supposed. Less than six ratios cannot say that
 * much: theirs is from the smallest to the largest. Sorts the ratios.
 */
struct estimate {
	double median, low, high;
};
struct estimate estimate(double *ratios, size_t count);

#endif
