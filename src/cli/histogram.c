#include "cli/histogram.h"

#include <stdlib.h>

static size_t octave_size(uint32_t octave)
{
	return (octave ? (size_t)1 : (size_t)2) << HISTOGRAM_BITS;
}

static void *take(struct histogram *histogram, size_t count)
{
	size_t bytes = count * sizeof(uint64_t);
	if (bytes > *histogram->memory)
		return NULL;
	void *memory = calloc(count, sizeof(uint64_t));
	if (memory)
		*histogram->memory -= bytes;
	return memory;
}

/* Counts it in its bucket. */
static void place(struct histogram *histogram, uint64_t value)
{
	uint32_t octave = histogram_octave(value);
	uint64_t **buckets = &histogram->octaves[octave];
	if (!*buckets)
		*buckets = take(histogram, octave_size(octave));
	if (*buckets)
		(*buckets)[histogram_bucket(value, octave)]++;
	else
		histogram->unplaced++;
}

static void pour(struct histogram *histogram)
{
	histogram->poured = true;
	for (size_t i = 0; histogram->exact && i < HISTOGRAM_EXACT; i++)
		place(histogram, histogram->exact[i]);
	if (histogram->exact)
		*histogram->memory += HISTOGRAM_EXACT * sizeof(uint64_t);
	free(histogram->exact);
	histogram->exact = NULL;
}

void histogram_add_slowly(struct histogram *histogram, uint64_t value)
{
	if (!histogram->count || value < histogram->min)
		histogram->min = value;
	if (value > histogram->max)
		histogram->max = value;
	histogram->sum += (double)value;
	if (!histogram->count && !(histogram->exact = take(histogram, HISTOGRAM_EXACT)))
		histogram->poured = true;
	if (histogram->count == HISTOGRAM_EXACT && !histogram->poured)
		pour(histogram);
	if (histogram->poured)
		place(histogram, value);
	else
		histogram->exact[histogram->count] = value;
	histogram->sorted = false;
	histogram->count++;
}

void histogram_free(struct histogram *histogram)
{
	free(histogram->exact);
	for (size_t i = 0; i < HISTOGRAM_OCTAVES; i++)
		free(histogram->octaves[i]);
	*histogram = (struct histogram){.memory = histogram->memory};
}

static int by_value(const void *left, const void *right)
{
	const uint64_t *a = left, *b = right;
	return (*a > *b) - (*a < *b);
}

static void sort_exact(struct histogram *histogram)
{
	if (!histogram->sorted)
		qsort(histogram->exact, histogram->count, sizeof(uint64_t), by_value);
	histogram->sorted = true;
}

/* Between the least and the greatest value, which are known exactly. */
static uint64_t middle(const struct histogram *histogram, uint32_t octave, uint64_t bucket)
{
	uint64_t low = (bucket + (octave ? 1u << HISTOGRAM_BITS : 0)) << octave;
	uint64_t value = octave ? low + ((uint64_t)1 << (octave - 1)) : low;
	return value < histogram->min   ? histogram->min
	       : value > histogram->max ? histogram->max
					: value;
}

uint64_t histogram_at(struct histogram *histogram, uint64_t rank)
{
	if (rank >= histogram->count)
		return histogram->max;
	if (histogram->exact) {
		sort_exact(histogram);
		return histogram->exact[rank - 1];
	}
	for (uint32_t octave = 0; octave < HISTOGRAM_OCTAVES; octave++) {
		const uint64_t *buckets = histogram->octaves[octave];
		for (size_t i = 0; buckets && i < octave_size(octave); i++) {
			if (buckets[i] >= rank)
				return middle(histogram, octave, i);
			rank -= buckets[i];
		}
	}
	return histogram->max;
}

uint64_t histogram_quantile(struct histogram *histogram, uint32_t per_100000)
{
	unsigned __int128 product = (unsigned __int128)histogram->count * per_100000;
	uint64_t rank = (uint64_t)((product + 99999) / 100000);
	return histogram_at(histogram, rank ? rank : 1);
}

void histogram_each(struct histogram *histogram,
		    void (*callback)(void *context, uint64_t value, uint64_t count), void *context)
{
	if (histogram->exact) {
		sort_exact(histogram);
		for (size_t i = 0; i < histogram->count; i++)
			callback(context, histogram->exact[i], 1);
		return;
	}
	for (uint32_t octave = 0; octave < HISTOGRAM_OCTAVES; octave++) {
		const uint64_t *buckets = histogram->octaves[octave];
		for (size_t i = 0; buckets && i < octave_size(octave); i++)
			if (buckets[i])
				callback(context, middle(histogram, octave, i), buckets[i]);
	}
}
