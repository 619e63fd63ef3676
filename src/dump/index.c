/* The second pass: every record of every chunk, so that the merge finds only what is whole. */
#include <inttypes.h>
#include <stdlib.h>

#include "dump/reader.h"

static int by_ring_and_position(const void *left, const void *right)
{
	const struct chunk *a = left, *b = right;
	if (a->ring != b->ring)
		return a->ring < b->ring ? -1 : 1;
	if (a->from != b->from)
		return a->from < b->from ? -1 : 1;
	return (a->at > b->at) - (a->at < b->at);
}

static uint64_t time_of(const struct file *file, uint64_t ticks)
{
	if (!file->npoints)
		return ticks;
	return clock_ns(clock_find(file->points, file->npoints, ticks), ticks);
}

/* Times of a chunk whose ticks belong to several lines of the clock, which need not meet. */
static void index_times(const struct file *file, struct chunk *chunk)
{
	const unsigned char *at = file->map + chunk->at;
	const unsigned char *end = at + (chunk->to - chunk->from);
	struct raw_record raw;
	uint64_t last = 0;
	chunk->min_ns = UINT64_MAX;
	chunk->sorted = true;
	for (; at < end && !raw_record_read(&raw, at, (size_t)(end - at)); at += raw.size) {
		uint64_t ns = time_of(file, raw.ticks);
		if (ns < last)
			chunk->sorted = false;
		if (ns < chunk->min_ns)
			chunk->min_ns = ns;
		last = ns;
	}
}

/* Finds the whole records of a chunk, from the ring's position `seen` on. */
static void index_chunk(struct file *file, struct chunk *chunk, uint64_t seen)
{
	const unsigned char *start = file->map + chunk->at;
	const unsigned char *end = start + (chunk->to - chunk->from);
	const unsigned char *at = start, *first = NULL;
	uint64_t last = 0, low = UINT64_MAX, high = 0;
	bool rising = true, broken = false;
	struct raw_record raw;
	for (; at < end; at += raw.size) {
		if (raw_record_read(&raw, at, (size_t)(end - at))) {
			broken = true;
			break;
		}
		if (chunk->from + (uint64_t)(at - start) < seen)
			continue;
		if (!first)
			first = at;
		rising = rising && raw.ticks >= last;
		low = raw.ticks < low ? raw.ticks : low;
		high = raw.ticks > high ? raw.ticks : high;
		last = raw.ticks;
		chunk->nrecords++;
	}
	/* Of a chunk that the end of the file cuts, the scan has told already. */
	if (broken && !chunk->cut)
		file_damage(file,
			    "no record stands at byte %" PRIu64 ": %" PRIu64
			    " bytes up to the next block are lost",
			    chunk->at + (uint64_t)(at - start), (uint64_t)(end - at));
	if (!first)
		first = at;
	chunk->to = chunk->from + (uint64_t)(at - start);
	chunk->from += (uint64_t)(first - start);
	chunk->at += (uint64_t)(first - start);
	chunk->sorted = rising;
	if (!chunk->nrecords)
		return;
	chunk->min_ns = time_of(file, low);
	if (file->npoints > 1 && clock_find(file->points, file->npoints, low) !=
					 clock_find(file->points, file->npoints, high))
		index_times(file, chunk);
}

void file_index(struct file *file)
{
	if (file->nchunks)
		qsort(file->chunks, file->nchunks, sizeof *file->chunks, by_ring_and_position);
	size_t kept = 0;
	uint64_t seen = 0, ring = 0;
	for (size_t i = 0; i < file->nchunks; i++) {
		struct chunk chunk = file->chunks[i];
		if (i == 0 || chunk.ring != ring) {
			file->info.nrings++;
			ring = chunk.ring;
			seen = chunk.from;
		}
		if (chunk.from > seen)
			file_damage(file,
				    "%" PRIu64 " bytes of the records of ring %" PRIu64
				    " are missing before byte %" PRIu64,
				    chunk.from - seen, chunk.ring, chunk.at);
		index_chunk(file, &chunk, seen);
		if (chunk.to > seen)
			seen = chunk.to;
		if (chunk.nrecords) {
			file->info.nrecords += chunk.nrecords;
			file->chunks[kept++] = chunk;
		}
	}
	file->nchunks = kept;
}
