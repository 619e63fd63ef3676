/*
 * How values spread: buckets that are linear within each power of two, as in an HDR histogram. A
 * value that is read back is at most HISTOGRAM_ERROR of itself away from the one that was put in;
 * as long as there are few, it is that value.
 */
#ifndef RILL_CLI_HISTOGRAM_H
#define RILL_CLI_HISTOGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_BITS    9u /* buckets in a power of two: 2^9, and the middle of one is told */
#define HISTOGRAM_ERROR   0.001
#define HISTOGRAM_EXACT   256u /* so many values are kept as they are */
#define HISTOGRAM_OCTAVES (64 - HISTOGRAM_BITS)

struct histogram {
	uint64_t count;
	uint64_t min; /* of no values: 0 */
	uint64_t max;
	double sum;
	uint64_t unplaced; /* counted, but there was no memory for their bucket */
	size_t *memory;    /* bytes that histograms may still take: shared */
	uint64_t *exact;   /* the first values; NULL once there are more */
	bool sorted;       /* those are */
	bool poured;       /* into the buckets */
	uint64_t *octaves[HISTOGRAM_OCTAVES];
};

void histogram_free(struct histogram *histogram);
void histogram_add_slowly(struct histogram *histogram, uint64_t value);

static inline uint32_t histogram_octave(uint64_t value)
{
	return value >> (HISTOGRAM_BITS + 1)
		       ? 63 - HISTOGRAM_BITS - (uint32_t)__builtin_clzll(value)
		       : 0;
}

/* The first octave holds twice as many: every value below its end by itself. */
static inline uint32_t histogram_bucket(uint64_t value, uint32_t octave)
{
	return (uint32_t)(value >> octave) - (octave ? 1u << HISTOGRAM_BITS : 0);
}

static inline void histogram_add(struct histogram *histogram, uint64_t value)
{
	uint32_t octave = histogram_octave(value);
	uint64_t *buckets = histogram->octaves[octave];
	if (!buckets) {
		histogram_add_slowly(histogram, value);
		return;
	}
	histogram->count++;
	histogram->sum += (double)value;
	if (value < histogram->min)
		histogram->min = value;
	if (value > histogram->max)
		histogram->max = value;
	buckets[histogram_bucket(value, octave)]++;
}

/* Whether every value has its bucket: only then is there anything to be asked below. */
static inline bool histogram_is_whole(const struct histogram *histogram)
{
	return histogram->count && !histogram->unplaced;
}

/* The value at a rank, 1 to count, of all in order. */
uint64_t histogram_at(struct histogram *histogram, uint64_t rank);
/* The least value that so many of 100,000 are not greater than (nearest rank). */
uint64_t histogram_quantile(struct histogram *histogram, uint32_t per_100000);

/* Calls back with each bucket that is not empty, in order of `value`, its middle. */
void histogram_each(struct histogram *histogram,
		    void (*callback)(void *context, uint64_t value, uint64_t count), void *context);

#endif
