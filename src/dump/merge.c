/*
 * All records of all files by time. A segment becomes a run of the heap when the merge reaches its
 * earliest record, so the heap holds about one run a ring, and a time stamp that steps back from
 * one segment of a ring to the next is still put in its place. A chunk is decoded for as long as
 * one of its segments is a run.
 */
#include <errno.h>
#include <stdlib.h>

#include "dump/reader.h"

struct position {
	uint64_t ns;
	uint64_t at; /* in the segment */
};

struct run {
	/* The record that is next, in the order of comparison. */
	uint64_t ns;
	uint64_t position;
	const struct segment *segment;
	struct raw_record raw;
	const unsigned char *start;
	const unsigned char *end;
	const struct file *file;
	/* The clock's line for ticks in [line_from, line_to). */
	const struct clock_point *line;
	uint64_t line_from;
	uint64_t line_to;
	/* A segment that is not in order: its records by time. */
	struct position *order;
	uint64_t next;
	uint64_t norder;
	struct run *free;
};

struct merge {
	struct cache *cache;
	const struct segment *segments;
	size_t nsegments;
	size_t next_segment;
	struct run **heap;
	size_t nruns;
	size_t room;
	struct run *free;
};

static uint64_t run_time(struct run *run, uint64_t ticks)
{
	const struct file *file = run->file;
	if (!file->npoints)
		return ticks;
	if (!run->line || ticks < run->line_from || ticks >= run->line_to) {
		run->line = clock_find(file->points, file->npoints, ticks);
		size_t i = (size_t)(run->line - file->points);
		run->line_from = i ? run->line->ticks : 0;
		run->line_to = i + 1 < file->npoints ? file->points[i + 1].ticks : UINT64_MAX;
	}
	return clock_ns(run->line, ticks);
}

static bool run_before(const struct run *a, const struct run *b)
{
	if (a->ns != b->ns)
		return a->ns < b->ns;
	if (a->file != b->file)
		return a->file->index < b->file->index;
	if (a->segment->ring != b->segment->ring)
		return a->segment->ring < b->segment->ring;
	return a->position < b->position;
}

/* Reads the record at a place of the segment. False: it has no more. */
static bool run_load(struct run *run, const unsigned char *at)
{
	if (at >= run->end || raw_record_read(&run->raw, at, (size_t)(run->end - at)))
		return false;
	run->position = run->segment->from + (uint64_t)(at - run->start);
	run->ns = run_time(run, run->raw.ticks);
	return true;
}

static bool run_advance(struct run *run)
{
	if (!run->order)
		return run_load(run, run->raw.bytes + run->raw.size);
	if (++run->next >= run->norder)
		return false;
	return run_load(run, run->start + run->order[run->next].at);
}

static int by_time(const void *left, const void *right)
{
	const struct position *a = left, *b = right;
	if (a->ns != b->ns)
		return a->ns < b->ns ? -1 : 1;
	return (a->at > b->at) - (a->at < b->at);
}

/* From `at` on. 0; -ENOMEM. */
static int run_sort(struct run *run, const unsigned char *at)
{
	size_t most = (size_t)(run->end - at) / sizeof(struct rill__record) + 1;
	run->order = malloc(most * sizeof *run->order);
	if (!run->order)
		return -ENOMEM;
	for (; run_load(run, at); at += run->raw.size)
		run->order[run->norder++] = (struct position){run->ns, (uint64_t)(at - run->start)};
	if (run->norder)
		qsort(run->order, run->norder, sizeof *run->order, by_time);
	return 0;
}

static void sift_up(struct merge *merge, size_t i)
{
	struct run *run = merge->heap[i];
	while (i > 0 && run_before(run, merge->heap[(i - 1) / 2])) {
		merge->heap[i] = merge->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	merge->heap[i] = run;
}

static void sift_down(struct merge *merge)
{
	struct run *run = merge->heap[0];
	size_t i = 0;
	for (;;) {
		size_t child = 2 * i + 1;
		if (child >= merge->nruns)
			break;
		if (child + 1 < merge->nruns &&
		    run_before(merge->heap[child + 1], merge->heap[child]))
			child++;
		if (!run_before(merge->heap[child], run))
			break;
		merge->heap[i] = merge->heap[child];
		i = child;
	}
	merge->heap[i] = run;
}

static struct run *run_new(struct merge *merge)
{
	if (merge->nruns == merge->room) {
		size_t room = merge->room ? 2 * merge->room : 64;
		struct run **heap = realloc(merge->heap, room * sizeof(struct run *));
		if (!heap)
			return NULL;
		merge->heap = heap;
		merge->room = room;
	}
	struct run *run = merge->free;
	if (run)
		merge->free = run->free;
	else
		run = malloc(sizeof *run);
	return run;
}

static void run_release(struct merge *merge, struct run *run)
{
	cache_release(merge->cache, run->segment->chunk);
	free(run->order);
	run->free = merge->free;
	merge->free = run;
}

/* Finds the segment's first record. 1; 0: it has none; -ENOMEM. */
static int run_begin(struct run *run)
{
	const struct segment *segment = run->segment;
	const struct chunk *chunk = segment->chunk;
	uint64_t whole = chunk->whole > segment->offset ? chunk->whole - segment->offset : 0;
	uint64_t size = segment->to - segment->from;
	const unsigned char *at = run->start = chunk->raw + segment->offset;
	run->end = at + (size < whole ? size : whole);
	bool loaded = run_load(run, at);
	while (loaded && run->position < segment->seen)
		loaded = run_load(run, at += run->raw.size);
	if (!loaded)
		return 0;
	if (segment->sorted)
		return 1;
	if (run_sort(run, at))
		return -ENOMEM;
	return run->norder && run_load(run, run->start + run->order[0].at);
}

/* Makes the next segment a run. 0; -ENOMEM, and it is still the next one. */
static int merge_activate(struct merge *merge)
{
	const struct segment *segment = &merge->segments[merge->next_segment];
	struct run *run = run_new(merge);
	if (!run)
		return -ENOMEM;
	if (cache_take(merge->cache, segment->chunk)) {
		run->free = merge->free;
		merge->free = run;
		return -ENOMEM;
	}
	*run = (struct run){.segment = segment, .file = segment->chunk->file};
	int begun = run_begin(run);
	if (begun != 1) {
		run_release(merge, run);
		merge->next_segment += begun == 0;
		return begun;
	}
	merge->next_segment++;
	merge->heap[merge->nruns] = run;
	sift_up(merge, merge->nruns++);
	return 0;
}

static int by_first_time(const void *left, const void *right)
{
	const struct segment *a = left, *b = right;
	if (a->min_ns != b->min_ns)
		return a->min_ns < b->min_ns ? -1 : 1;
	uint32_t a_file = a->chunk->file->index, b_file = b->chunk->file->index;
	if (a_file != b_file)
		return a_file < b_file ? -1 : 1;
	if (a->chunk != b->chunk)
		return a->chunk < b->chunk ? -1 : 1;
	return (a->offset > b->offset) - (a->offset < b->offset);
}

struct merge *merge_new(struct cache *cache, struct segment *segments, size_t nsegments)
{
	struct merge *merge = calloc(1, sizeof *merge);
	if (!merge)
		return NULL;
	if (nsegments)
		qsort(segments, nsegments, sizeof *segments, by_first_time);
	merge->cache = cache;
	merge->segments = segments;
	merge->nsegments = nsegments;
	return merge;
}

int merge_next(struct merge *merge, struct dump_record *record)
{
	cache_trim(merge->cache);
	while (merge->next_segment < merge->nsegments &&
	       (!merge->nruns ||
		merge->segments[merge->next_segment].min_ns <= merge->heap[0]->ns)) {
		int error = merge_activate(merge);
		if (error)
			return error;
	}
	if (!merge->nruns)
		return 0;
	struct run *run = merge->heap[0];
	record->raw = run->raw;
	record->ns = run->ns;
	record->ring = run->segment->ring;
	record->tid = run->segment->tid;
	record->file = record->origin = run->file->index;
	record->context = false;
	if (!run_advance(run)) {
		run_release(merge, run);
		merge->heap[0] = merge->heap[--merge->nruns];
	}
	if (merge->nruns)
		sift_down(merge);
	return 1;
}

void merge_free(struct merge *merge)
{
	if (!merge)
		return;
	for (size_t i = 0; i < merge->nruns; i++)
		run_release(merge, merge->heap[i]);
	while (merge->free) {
		struct run *run = merge->free;
		merge->free = run->free;
		free(run);
	}
	free(merge->heap);
	free(merge);
}
