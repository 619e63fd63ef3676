#include "numbers.h"

#include <stdlib.h>

static int by_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

static int by_f64(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

void sort_u64(uint64_t *values, size_t count)
{
	qsort(values, count, sizeof *values, by_u64);
}

void sort_f64(double *values, size_t count)
{
	qsort(values, count, sizeof *values, by_f64);
}

uint64_t percentile(const uint64_t *sorted, size_t count, double share)
{
	size_t rank = (size_t)(share * (double)count);
	if ((double)rank < share * (double)count)
		rank++;
	return sorted[rank ? rank - 1 : 0];
}

/*
 * The k-th smallest and the k-th largest enclose the median unless fewer than k of `count` tosses
 * of a coin show heads, or fewer than k show tails: k is the greatest for which each of that has a
 * probability of at most 2.5 %.
 */
static size_t outer_rank(size_t count)
{
	double term = 1, sum = 0;
	for (size_t i = 0; i < count; i++)
		term /= 2;
	for (size_t k = 0; k < count / 2; k++) {
		sum += term;
		if (sum > 0.025)
			return k;
		term *= (double)(count - k) / (double)(k + 1);
	}
	return count / 2;
}

struct estimate estimate(double *ratios, size_t count)
{
	sort_f64(ratios, count);
	size_t k = outer_rank(count);
	return (struct estimate){
		.median = (ratios[(count - 1) / 2] + ratios[count / 2]) / 2,
		.low = ratios[k ? k - 1 : 0],
		.high = ratios[k ? count - k : count - 1],
	};
}
