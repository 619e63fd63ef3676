/*
 * All records of all files by time. A chunk is opened when the merge reaches its earliest record;
 * each of its segments is then a run of the heap, so the heap holds about one run a ring, and a
 * time stamp that steps back from one segment of a ring to the next is still put in its place.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rill/static/encode.h>

#include "dump/reader.h"

/* When so many bytes had to be decoded again, records are taken as they come: so many of a run. */
#define AGAIN_FREE ((uint64_t)4 << 30)
#define BURST      1024u

/* Which records of its segment a run has. */
enum part { PART_ALL, PART_LOOSE, PART_ROLES };

struct run {
	/* The record that is next. */
	uint64_t ns;
	const struct segment *segment;
	struct chunk *chunk;
	uint32_t at; /* of the record, in the decoded chunk */
	uint32_t size;
	uint32_t end;
	bool context;
	uint8_t part; /* enum part */
	/* The clock's line for ticks in [line_from, line_to). */
	const struct clock_point *line;
	uint64_t line_from;
	uint64_t line_to;
	size_t npoints; /* when it was looked up */
	/* A segment that is not in order: its records by time. */
	uint32_t *order;
	uint32_t next;
	uint32_t norder;
	struct run *free;
};

static inline uint64_t run_time(struct run *run, uint64_t ticks)
{
	const struct share *share = run->chunk->share;
	if (RILL__UNLIKELY(run->npoints != share->npoints || ticks < run->line_from ||
			   ticks >= run->line_to)) {
		if (!share->npoints)
			return ticks;
		run->npoints = share->npoints;
		run->line = clock_find(share->points, share->npoints, ticks);
		size_t i = (size_t)(run->line - share->points);
		run->line_from = i ? run->line->ticks : 0;
		run->line_to = i + 1 < share->npoints ? share->points[i + 1].ticks : UINT64_MAX;
	}
	return clock_ns(run->line, ticks);
}

static inline uint64_t run_position(const struct run *run)
{
	return run->segment->from + (run->at - run->segment->offset);
}

static bool origin_before(const struct origin *a, const struct origin *b)
{
	const struct dump_process *left = &a->info.process, *right = &b->info.process;
	if (left->start_ns != right->start_ns)
		return left->start_ns < right->start_ns;
	if (left->id[0] != right->id[0])
		return left->id[0] < right->id[0];
	if (left->id[1] != right->id[1])
		return left->id[1] < right->id[1];
	return a->index < b->index;
}

/* Of records of the same time. */
static __attribute__((noinline)) bool run_before(const struct run *a, const struct run *b)
{
	if (a->chunk->share->origin != b->chunk->share->origin)
		return origin_before(a->chunk->share->origin, b->chunk->share->origin);
	if (a->segment->ring != b->segment->ring)
		return a->segment->ring < b->segment->ring;
	return run_position(a) < run_position(b);
}

/* Whether the run's record is handed out. */
static bool run_wants(const struct dump_reader *reader, struct run *run,
		      const struct raw_record *raw)
{
	const struct share *share = run->chunk->share;
	if (run->chunk->open) {
		run->context = true;
		return run->ns > share->open_known_ns || share->open_known_ns == 0;
	}
	if (reader->whole)
		return true;
	enum need need = want_record(reader, share, raw, run->ns);
	run->context = need == NEED_CONTEXT;
	return need != NEED_NOT;
}

/* A record that the decoder vouches for. */
static inline struct raw_record read_vouched(const unsigned char *bytes)
{
	struct rill__record record;
	memcpy(&record, bytes, sizeof record);
	return (struct raw_record){.ticks = record.ticks,
				   .event = record.event,
				   .nslots = record.nslots,
				   .catalog = (uint8_t)(record.catalog_size >> 24),
				   .size = record.catalog_size & 0xffffff,
				   .bytes = bytes};
}

/* Of a chunk that is vouched for: it has no record without a catalog. */
static inline bool has_role(const struct chunk *chunk, const struct raw_record *raw)
{
	return chunk->roles &&
	       chunk->share->origin->known[raw->catalog]->marks[raw->event] & MARK_ROLE;
}

/* Reads the record at a place of the chunk, of any chunk. False: there is none that is wanted. */
static __attribute__((noinline)) bool load_slowly(const struct dump_reader *reader, struct run *run,
						  uint32_t at)
{
	struct raw_record raw;
	for (;; at += raw.size) {
		if (at >= run->end || raw_record_read(&raw, run->chunk->raw + at, run->end - at))
			return false;
		run->at = at;
		run->size = raw.size;
		if (run->part != PART_ALL &&
		    want_role(run->chunk->share, &raw) != (run->part == PART_ROLES))
			continue;
		run->ns = run_time(run, raw.ticks);
		if ((reader->whole && !run->chunk->open) || run_wants(reader, run, &raw))
			return true;
	}
}

/* Reads the record at a place of the chunk, or the next one that is wanted. False: there is none.
 */
static inline bool run_load(const struct dump_reader *reader, struct run *run, uint32_t at)
{
	if (RILL__UNLIKELY(!reader->whole || !run->chunk->vouched || run->chunk->open))
		return load_slowly(reader, run, at);
	struct raw_record raw;
	/* Only whether it ends before the run does is still to be seen. */
	for (;; at += raw.size) {
		if (at >= run->end || run->end - at < sizeof(struct rill__record))
			return false;
		raw = read_vouched(run->chunk->raw + at);
		if (raw.size > run->end - at)
			return false;
		if (RILL__LIKELY(run->part == PART_ALL) ||
		    has_role(run->chunk, &raw) == (run->part == PART_ROLES))
			break;
	}
	run->at = at;
	run->size = raw.size;
	run->ns = run_time(run, raw.ticks);
	return true;
}

static bool run_advance(const struct dump_reader *reader, struct run *run)
{
	if (!run->order)
		return run_load(reader, run, run->at + run->size);
	return ++run->next < run->norder && run_load(reader, run, run->order[run->next]);
}

struct place {
	uint64_t ns;
	uint32_t at;
};

static int by_time(const void *left, const void *right)
{
	const struct place *a = left, *b = right;
	if (a->ns != b->ns)
		return a->ns < b->ns ? -1 : 1;
	return (a->at > b->at) - (a->at < b->at);
}

/* From the record at hand on. 0; -ENOMEM. */
static int run_sort(struct dump_reader *reader, struct run *run)
{
	size_t most = (run->end - run->at) / sizeof(struct rill__record) + 1, count = 0;
	struct place *places = malloc(most * sizeof *places);
	if (!places)
		return -ENOMEM;
	do
		places[count++] = (struct place){run->ns, run->at};
	while (run_load(reader, run, run->at + run->size));
	qsort(places, count, sizeof *places, by_time);
	run->order = malloc(count * sizeof *run->order);
	for (size_t i = 0; run->order && i < count; i++)
		run->order[i] = places[i].at;
	free(places);
	if (!run->order)
		return -ENOMEM;
	run->norder = (uint32_t)count;
	reader->merge.order += count * sizeof *run->order;
	return run_load(reader, run, run->order[0]) ? 0 : -ENOMEM;
}

static inline bool entry_before(const struct run_entry *a, const struct run_entry *b)
{
	return RILL__LIKELY(a->ns != b->ns) ? a->ns < b->ns : run_before(a->run, b->run);
}

static void sift_up(struct merge *merge, size_t i)
{
	struct run_entry entry = merge->runs[i];
	while (i > 0 && entry_before(&entry, &merge->runs[(i - 1) / 2])) {
		merge->runs[i] = merge->runs[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	merge->runs[i] = entry;
}

static inline void sift_down(struct merge *merge)
{
	struct run_entry *runs = merge->runs, entry = runs[0];
	size_t i = 0, nruns = merge->nruns;
	for (;;) {
		size_t child = 2 * i + 1;
		if (child >= nruns)
			break;
		if (child + 1 < nruns)
			child += entry_before(&runs[child + 1], &runs[child]);
		if (!entry_before(&runs[child], &entry))
			break;
		runs[i] = runs[child];
		i = child;
	}
	runs[i] = entry;
}

static struct run *run_new(struct merge *merge)
{
	struct run_entry *grown = array_grow(merge->runs, merge->nruns, sizeof *grown);
	if (!grown)
		return NULL;
	merge->runs = grown;
	struct run *run = merge->free;
	if (run)
		merge->free = run->free;
	else
		run = malloc(sizeof *run);
	return run;
}

static void run_release(struct dump_reader *reader, struct run *run)
{
	struct merge *merge = &reader->merge;
	cache_release(&reader->cache, run->chunk);
	merge->order -= run->norder * sizeof *run->order;
	free(run->order);
	run->free = merge->free;
	merge->free = run;
}

static int open_part(struct dump_reader *reader, struct chunk *chunk, const struct segment *segment,
		     enum part part)
{
	struct merge *merge = &reader->merge;
	uint64_t whole = chunk->whole > segment->offset ? chunk->whole - segment->offset : 0;
	uint64_t size = segment->to - segment->from;
	if (size > whole)
		size = whole;
	if (segment->seen - segment->from >= size)
		return 0;
	struct run *run = run_new(merge);
	if (!run)
		return -ENOMEM;
	*run = (struct run){.segment = segment,
			    .chunk = chunk,
			    .end = segment->offset + (uint32_t)size,
			    .part = (uint8_t)part};
	chunk->users++;
	bool loaded = run_load(reader, run, segment->offset);
	while (loaded && run_position(run) < segment->seen)
		loaded = run_load(reader, run, run->at + run->size);
	int error = 0;
	bool sort = loaded && !segment->sorted && part != PART_LOOSE;
	if (sort && merge->order > ORDER_BYTES)
		merge_disorder(chunk->share->file);
	else if (sort)
		error = run_sort(reader, run);
	if (error || !loaded) {
		run_release(reader, run);
		return error;
	}
	/* Loose ones come first, each to its end. */
	uint64_t key = part == PART_LOOSE ? merge->nloose++ : run->ns;
	merge->runs[merge->nruns] = (struct run_entry){key, run};
	sift_up(merge, merge->nruns++);
	return 0;
}

int run_open(struct dump_reader *reader, struct chunk *chunk, const struct segment *segment)
{
	const struct dump_want *want = reader->want;
	if (!want || !want->any_order || !reader->whole || !chunk->vouched || chunk->open)
		return open_part(reader, chunk, segment, PART_ALL);
	int error = open_part(reader, chunk, segment, PART_LOOSE);
	if (!error && chunk->roles)
		error = open_part(reader, chunk, segment, PART_ROLES);
	return error;
}

void merge_disorder(struct file *file)
{
	if (!file->disorder_told)
		file_damage(file, "its times are so mixed up that not all of its records are in "
				  "order");
	file->disorder_told = true;
}

/* Takes the run at the top out of the heap. */
static void drop_top(struct dump_reader *reader)
{
	struct merge *merge = &reader->merge;
	struct run *run = merge->runs[0].run;
	merge->runs[0] = merge->runs[--merge->nruns];
	if (merge->nruns)
		sift_down(merge);
	run_release(reader, run);
}

/* Opens what begins before the next record. 0; -ENOMEM. */
static int open_chunks(struct dump_reader *reader)
{
	struct merge *merge = &reader->merge;
	while (merge->ngroups && (!merge->nruns || merge->groups[0]->min_ns <= merge->runs[0].ns)) {
		if (merge->nruns >= MOST_RUNS) {
			merge_disorder(merge->groups[0]->file);
			break;
		}
		int error = merge_advance(reader);
		if (error)
			return error;
	}
	return 0;
}

/* Has the next record's chunk in memory again. 0; negative errno. */
static int decode_top(struct dump_reader *reader)
{
	struct merge *merge = &reader->merge;
	struct cache *cache = &reader->cache;
	struct run *run = merge->runs[0].run;
	int error = cache_use(reader, run->chunk);
	if (!error && cache->again > AGAIN_FREE) {
		merge_disorder(run->chunk->share->file);
		merge->nburst = BURST;
	}
	return error;
}

/* The next record. 0; negative errno. */
static inline int use_top(struct dump_reader *reader, struct raw_record *raw)
{
	const struct run *run = reader->merge.runs[0].run;
	const struct chunk *chunk = run->chunk;
	int error = chunk->raw ? 0 : decode_top(reader);
	if (RILL__UNLIKELY(error))
		return error;
	if (RILL__LIKELY(chunk->vouched)) {
		*raw = read_vouched(chunk->raw + run->at);
		return 0;
	}
	error = raw_record_read(raw, chunk->raw + run->at, run->end - run->at);
	if (error)
		cache_changed(chunk);
	return error;
}

int merge_next(struct dump_reader *reader, struct dump_record *record)
{
	struct merge *merge = &reader->merge;
	if (cache_expires(&reader->cache))
		cache_next_epoch(&reader->cache);
	for (;;) {
		int error = merge->nburst ? 0 : open_chunks(reader);
		if (error)
			return error;
		if (!merge->nruns)
			return 0;
		error = use_top(reader, &record->raw);
		if (!error)
			break;
		if (error == -ENOMEM)
			return error;
		merge->nburst = 0;
		drop_top(reader);
	}
	struct run *run = merge->runs[0].run;
	struct chunk *chunk = run->chunk;
	cache_hand_out(&reader->cache, chunk);
	record->ns = run->ns;
	record->ring = run->segment->ring;
	record->position = run_position(run);
	record->tid = run->segment->tid;
	record->file = chunk->share->index;
	record->origin = chunk->share->origin->index;
	record->context = run->context;
	record->plain = chunk->vouched && !has_role(chunk, &record->raw);
	if (!run_advance(reader, run)) {
		merge->nburst = 0;
		drop_top(reader);
	} else if (run->part != PART_LOOSE) {
		merge->runs[0].ns = run->ns;
		if (RILL__LIKELY(!merge->nburst) || --merge->nburst == 0)
			sift_down(merge);
	}
	return 1;
}

void merge_close(struct dump_reader *reader)
{
	struct merge *merge = &reader->merge;
	for (size_t i = 0; i < merge->nruns; i++)
		run_release(reader, merge->runs[i].run);
	while (merge->free) {
		struct run *run = merge->free;
		merge->free = run->free;
		free(run);
	}
	free(merge->runs);
	free(merge->groups);
}
