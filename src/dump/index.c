/* After the scan: which segments follow which, and which of their records count. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "dump/reader.h"

static int by_ring_and_position(const void *left, const void *right)
{
	const struct segment *a = left, *b = right;
	if (a->ring != b->ring)
		return a->ring < b->ring ? -1 : 1;
	if (a->from != b->from)
		return a->from < b->from ? -1 : 1;
	if (a->chunk != b->chunk)
		return a->chunk < b->chunk ? -1 : 1;
	return (a->offset > b->offset) - (a->offset < b->offset);
}

/* Its ticks may belong to several lines of the clock, which need not meet. */
static void index_times(const struct file *file, struct segment *segment)
{
	const struct clock_point *end = file->points + file->npoints;
	if (!file->npoints) {
		segment->min_ns = segment->low;
		return;
	}
	const struct clock_point *line = clock_find(file->points, file->npoints, segment->low);
	segment->min_ns = clock_ns(line, segment->low);
	for (; line + 1 < end && line[1].ticks <= segment->high; line++) {
		if (line[1].ticks <= segment->low)
			continue;
		if (line[1].ns < segment->min_ns)
			segment->min_ns = line[1].ns;
		if (clock_ns(line, line[1].ticks) > line[1].ns)
			segment->sorted = false;
	}
}

/* Counts the records that are whole and not before segment->seen, where the header does not tell.
 */
static int index_records(struct cache *cache, struct segment *segment)
{
	struct chunk *chunk = segment->chunk;
	struct raw_record raw;
	int error = cache_take(cache, chunk);
	if (error)
		return error;
	uint64_t whole = chunk->whole > segment->offset ? chunk->whole - segment->offset : 0;
	if (segment->to - segment->from > whole)
		segment->to = segment->from + whole;
	segment->nrecords = 0;
	for (uint64_t at = segment->from; at < segment->to; at += raw.size) {
		const unsigned char *bytes = chunk->raw + segment->offset + (at - segment->from);
		if (raw_record_read(&raw, bytes, segment->to - at))
			break;
		segment->nrecords += at >= segment->seen;
	}
	cache_release(cache, chunk);
	cache_trim(cache);
	return 0;
}

int file_index(struct file *file, struct cache *cache)
{
	/* Chunks have found their places in memory. */
	for (size_t i = 0; i < file->nsegments; i++)
		file->segments[i].chunk = &file->chunks[file->segments[i].index];
	if (file->nsegments)
		qsort(file->segments, file->nsegments, sizeof *file->segments,
		      by_ring_and_position);
	size_t kept = 0;
	uint64_t seen = 0, ring = 0;
	for (size_t i = 0; i < file->nsegments; i++) {
		struct segment segment = file->segments[i];
		if (i == 0 || segment.ring != ring) {
			file->info.nrings++;
			ring = segment.ring;
			seen = segment.from;
		}
		if (segment.from > seen)
			file_damage(file,
				    "%" PRIu64 " bytes of the records of ring %" PRIu64
				    " are missing before the block at byte %" PRIu64,
				    segment.from - seen, segment.ring, segment.chunk->position);
		segment.seen = seen;
		if (segment.to <= seen)
			continue;
		if (segment.from < seen || segment.chunk->cut) {
			int error = index_records(cache, &segment);
			if (error)
				return error;
		}
		index_times(file, &segment);
		if (segment.to > seen)
			seen = segment.to;
		if (segment.nrecords) {
			file->info.nrecords += segment.nrecords;
			file->segments[kept++] = segment;
		}
	}
	file->nsegments = kept;
	return 0;
}
