/*
 * All records of all files by time. A chunk becomes a run of the heap when the merge reaches its
 * earliest record, so the heap holds about one run a ring, and a time stamp that steps back from
 * one chunk of a ring to the next is still put in its place.
 */
#include <errno.h>
#include <stdlib.h>

#include "dump/reader.h"

struct position {
	uint64_t ns;
	uint64_t at; /* in the chunk */
};

struct run {
	/* The record that is next, in the order of comparison. */
	uint64_t ns;
	uint64_t position;
	const struct chunk *chunk;
	struct raw_record raw;
	const unsigned char *end;
	const struct file *file;
	/* The clock's line for ticks in [line_from, line_to). */
	const struct clock_point *line;
	uint64_t line_from;
	uint64_t line_to;
	/* A chunk that is not in order: its records by time. */
	struct position *order;
	uint64_t next;
	struct run *free;
};

struct merge {
	struct file *const *files;
	const struct chunk *chunks;
	size_t nchunks;
	size_t next_chunk;
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
	if (a->chunk->file != b->chunk->file)
		return a->chunk->file < b->chunk->file;
	if (a->chunk->ring != b->chunk->ring)
		return a->chunk->ring < b->chunk->ring;
	return a->position < b->position;
}

/* Reads the record at a place of the chunk. False: the chunk has no more. */
static bool run_load(struct run *run, const unsigned char *at)
{
	if (at >= run->end || raw_record_read(&run->raw, at, (size_t)(run->end - at)))
		return false;
	const unsigned char *start = run->file->map + run->chunk->at;
	run->position = run->chunk->from + (uint64_t)(at - start);
	run->ns = run_time(run, run->raw.ticks);
	return true;
}

static bool run_advance(struct run *run)
{
	if (!run->order)
		return run_load(run, run->raw.bytes + run->raw.size);
	if (++run->next >= run->chunk->nrecords)
		return false;
	return run_load(run, run->file->map + run->chunk->at + run->order[run->next].at);
}

static int by_time(const void *left, const void *right)
{
	const struct position *a = left, *b = right;
	if (a->ns != b->ns)
		return a->ns < b->ns ? -1 : 1;
	return (a->at > b->at) - (a->at < b->at);
}

static int run_sort(struct run *run)
{
	const unsigned char *start = run->file->map + run->chunk->at, *at = start;
	size_t count = run->chunk->nrecords;
	run->order = calloc(count, sizeof *run->order);
	if (!run->order)
		return -ENOMEM;
	for (size_t i = 0; i < count && run_load(run, at); i++) {
		run->order[i] = (struct position){run->ns, (uint64_t)(at - start)};
		at += run->raw.size;
	}
	qsort(run->order, count, sizeof *run->order, by_time);
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
	free(run->order);
	run->free = merge->free;
	merge->free = run;
}

/* Makes the next chunk a run. 0; -ENOMEM, and the chunk is still the next one. */
static int merge_activate(struct merge *merge)
{
	const struct chunk *chunk = &merge->chunks[merge->next_chunk];
	struct run *run = run_new(merge);
	if (!run)
		return -ENOMEM;
	const struct file *file = merge->files[chunk->file];
	*run = (struct run){.chunk = chunk, .file = file};
	const unsigned char *at = file->map + chunk->at;
	run->end = at + (chunk->to - chunk->from);
	if (!chunk->sorted) {
		if (run_sort(run)) {
			run_release(merge, run);
			return -ENOMEM;
		}
		at += run->order[0].at;
	}
	merge->next_chunk++;
	if (!run_load(run, at)) {
		run_release(merge, run);
		return 0;
	}
	merge->heap[merge->nruns] = run;
	sift_up(merge, merge->nruns++);
	return 0;
}

static int by_first_time(const void *left, const void *right)
{
	const struct chunk *a = left, *b = right;
	if (a->min_ns != b->min_ns)
		return a->min_ns < b->min_ns ? -1 : 1;
	if (a->file != b->file)
		return a->file < b->file ? -1 : 1;
	return (a->at > b->at) - (a->at < b->at);
}

struct merge *merge_new(struct file *const *files, struct chunk *chunks, size_t nchunks)
{
	struct merge *merge = calloc(1, sizeof *merge);
	if (!merge)
		return NULL;
	if (nchunks)
		qsort(chunks, nchunks, sizeof *chunks, by_first_time);
	merge->files = files;
	merge->chunks = chunks;
	merge->nchunks = nchunks;
	return merge;
}

int merge_next(struct merge *merge, struct dump_record *record)
{
	while (merge->next_chunk < merge->nchunks &&
	       (!merge->nruns || merge->chunks[merge->next_chunk].min_ns <= merge->heap[0]->ns)) {
		int error = merge_activate(merge);
		if (error)
			return error;
	}
	if (!merge->nruns)
		return 0;
	struct run *run = merge->heap[0];
	record->raw = run->raw;
	record->ns = run->ns;
	record->ring = run->chunk->ring;
	record->tid = run->chunk->tid;
	record->file = run->chunk->file;
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
