/*
 * Decoded chunks. A chunk that waits for its next record may lose its memory to others; then it is
 * decoded again. Bytes of records that have been handed out stay until the next epoch.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "dump/reader.h"

/* --- memory -------------------------------------------------------------------------------- */

static void unlink_chunk(struct cache *cache, struct chunk *chunk)
{
	if (chunk->older)
		chunk->older->newer = chunk->newer;
	else
		cache->oldest = chunk->newer;
	if (chunk->newer)
		chunk->newer->older = chunk->older;
	else
		cache->newest = chunk->older;
}

static void append_chunk(struct cache *cache, struct chunk *chunk)
{
	chunk->older = cache->newest;
	chunk->newer = NULL;
	if (cache->newest)
		cache->newest->newer = chunk;
	else
		cache->oldest = chunk;
	cache->newest = chunk;
}

static size_t raw_room(const struct chunk *chunk)
{
	size_t room = chunk->raw_bytes + DECODER_SLACK;
	return room < RAW_USUAL ? RAW_USUAL : room;
}

static unsigned char *take_raw(struct cache *cache, const struct chunk *chunk)
{
	size_t room = raw_room(chunk);
	return room == RAW_USUAL && cache->nspare ? cache->spare[--cache->nspare] : malloc(room);
}

static void forget_raw(struct cache *cache, struct chunk *chunk)
{
	if (raw_room(chunk) == RAW_USUAL && cache->nspare < SPARE_CHUNKS)
		cache->spare[cache->nspare++] = chunk->raw;
	else
		free(chunk->raw);
	chunk->raw = NULL;
	cache->decoded -= raw_room(chunk);
}

static void chunk_free(struct chunk *chunk)
{
	free(chunk->segments);
	free(chunk);
}

/* Takes memory from those used longest ago, until there is room. */
static void make_room(struct cache *cache, size_t bytes)
{
	struct chunk *chunk = cache->oldest;
	while (chunk && cache->decoded + bytes > DECODED_BYTES) {
		struct chunk *next = chunk->newer;
		if (chunk->epoch != cache->epoch) {
			unlink_chunk(cache, chunk);
			forget_raw(cache, chunk);
		}
		chunk = next;
	}
}

void cache_mark(struct cache *cache, struct chunk *chunk)
{
	cache->handed += raw_room(chunk);
	chunk->epoch = cache->epoch;
	unlink_chunk(cache, chunk);
	append_chunk(cache, chunk);
}

void cache_release(struct cache *cache, struct chunk *chunk)
{
	if (--chunk->users)
		return;
	if (!chunk->raw) {
		chunk_free(chunk);
		return;
	}
	unlink_chunk(cache, chunk);
	chunk->newer = cache->idle;
	cache->idle = chunk;
	cache->nidle++;
}

void cache_next_epoch(struct cache *cache)
{
	cache->epoch++;
	cache->handed = 0;
	while (cache->idle) {
		struct chunk *chunk = cache->idle;
		cache->idle = chunk->newer;
		forget_raw(cache, chunk);
		chunk_free(chunk);
	}
	cache->nidle = 0;
}

void cache_close(struct cache *cache)
{
	cache_next_epoch(cache);
	while (cache->nspare)
		free(cache->spare[--cache->nspare]);
	decoder_free(cache->decoder);
}

/* --- reading a chunk ----------------------------------------------------------------------- */

struct body {
	const unsigned char *bytes;
	size_t size;
	bool cut;
};

/* 0; -EBADMSG: broken; -ENOMEM; what reading says. */
static int body_read(struct file *file, struct block *block, struct body *body)
{
	struct input *input = &file->reader->input;
	uint64_t from = block->position + BLOCK_HEADER_SIZE;
	int error = file_header(file, block->position, block);
	if (error)
		return error;
	body->cut = block->size > file->size - from;
	if (!body->cut)
		return file_body(file, block, &body->bytes, &body->size);
	body->size = file->size - from;
	if (block->flags & BLOCK_COMPRESSED || body->size > BODY_MOST)
		return -EBADMSG;
	if (buffer_room(&input->body, body->size + 1))
		return -ENOMEM;
	body->bytes = input->body.bytes;
	return file_read(file, input->body.bytes, body->size, from);
}

/* 0; -EBADMSG: not all of it is whole; -ENOMEM. */
static int decode(struct cache *cache, struct chunk *chunk, const struct body *body)
{
	if (!cache->decoder)
		cache->decoder = decoder_new();
	make_room(cache, raw_room(chunk));
	chunk->raw = take_raw(cache, chunk);
	if (!cache->decoder || !chunk->raw) {
		free(chunk->raw);
		chunk->raw = NULL;
		return -ENOMEM;
	}
	int error = decoder_run(cache->decoder, body->bytes, body->size, chunk->raw,
				chunk->raw_bytes, &chunk->whole);
	if (error == -ENOMEM) {
		free(chunk->raw);
		chunk->raw = NULL;
		return error;
	}
	chunk->vouched =
		!error && decoder_vouches(cache->decoder, &chunk->share->origin->info.catalogs);
	cache->decoded += raw_room(chunk);
	append_chunk(cache, chunk);
	return error;
}

/* Lists the segments. 0; -EBADMSG; -ENOMEM. */
static int list_segments(struct chunk *chunk, struct chunk_view *view)
{
	struct pack_segment found;
	int more;
	while ((more = chunk_view_next(view, &found)) == 1) {
		void *grown =
			array_grow(chunk->segments, chunk->nsegments, sizeof *chunk->segments);
		if (!grown)
			return -ENOMEM;
		chunk->segments = grown;
		chunk->segments[chunk->nsegments++] = (struct segment){
			.ring = found.ring,
			.from = found.from,
			.seen = found.from,
			.to = found.from + found.size,
			.nrecords = found.records,
			.offset = (uint32_t)(view->raw - found.size),
			.tid = found.tid,
			.sorted = found.sorted &&
				  share_times(chunk->share, found.low, found.high).straight};
	}
	chunk->raw_bytes = view->raw;
	return more ? more : chunk_view_events(view);
}

/* Counts the records of a segment that are whole and not before segment->seen, where the header
 * does not tell. */
static void count_records(const struct chunk *chunk, struct segment *segment)
{
	struct raw_record raw;
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
}

/* Which records count. 0; -ENOMEM. */
static int settle_segments(struct dump_reader *reader, struct chunk *chunk, bool broken)
{
	struct share *share = chunk->share;
	for (uint32_t i = 0; i < chunk->nsegments; i++) {
		struct segment *segment = &chunk->segments[i];
		uint64_t to = segment->to, seen = segment->from;
		if (broken)
			count_records(chunk, segment);
		if (chunk->open)
			continue;
		if (reader->whole) {
			to = segment->to;
			if (rings_see(&reader->rings, share, segment->ring, chunk->position, &seen,
				      &to))
				return -ENOMEM;
			if (seen != segment->from || to != segment->to) {
				segment->seen = seen;
				segment->to = to;
				count_records(chunk, segment);
			}
		}
		share->info.nrecords += segment->nrecords;
	}
	return 0;
}

static int read_chunk(struct dump_reader *reader, struct chunk *chunk, const struct body *body)
{
	struct chunk_view view;
	int error = chunk_view_open(&view, body->bytes, body->size);
	if (!error)
		error = list_segments(chunk, &view);
	if (error)
		return error;
	return decode(&reader->cache, chunk, body);
}

/* Whether something of the chunk is needed, as far as its header tells. */
static bool is_needed(struct dump_reader *reader, struct chunk *chunk, const struct block *block,
		      const struct body *body)
{
	struct chunk_view view;
	struct pack_segment segment;
	if (reader->whole || chunk->open || chunk_view_open(&view, body->bytes, body->size))
		return true;
	while (chunk_view_next(&view, &segment) == 1)
		;
	if (chunk_view_events(&view))
		return true;
	struct time_range times = share_times(chunk->share, block->first, block->last);
	enum need need = want_chunk(reader, chunk->share, &times, view.events, view.events_end,
				    view.filter, view.filter_size);
	chunk->context = need == NEED_CONTEXT;
	return need != NEED_NOT;
}

static int open_body(struct dump_reader *reader, struct chunk *chunk, const struct block *block,
		     const struct body *body, uint32_t counted)
{
	struct file *file = chunk->share->file;
	if (!is_needed(reader, chunk, block, body))
		return 0;
	/* They are counted anew, as they are found. */
	chunk->share->info.nrecords -= counted;
	int error = read_chunk(reader, chunk, body);
	if (error == -ENOMEM)
		return error;
	if (error && !chunk->raw) {
		if (!body->cut)
			file_damage(file, "the block at byte %" PRIu64 " is broken",
				    chunk->position);
		return 0;
	}
	if (error && !body->cut)
		file_damage(file,
			    "the chunk at byte %" PRIu64 " is broken: %" PRIu64
			    " bytes of records are lost",
			    chunk->position, chunk->raw_bytes - chunk->whole);
	return settle_segments(reader, chunk, error != 0);
}

int cache_open(struct dump_reader *reader, struct file *file, const struct pending *pending,
	       struct chunk **made)
{
	struct block block = {.position = pending->position};
	struct body body;
	*made = NULL;
	int error = body_read(file, &block, &body);
	struct share *share = error ? NULL : file_share(file, block.process);
	if (error && error != -ENOMEM && pending->records && file->nshares == 1)
		file->shares[0]->info.nrecords -= pending->records;
	if (error == -ENOMEM)
		return error;
	if (error || !share || (block.type != BLOCK_RECORDS && block.type != BLOCK_OPEN)) {
		file_damage(file, "the block at byte %" PRIu64 " is broken", pending->position);
		return 0;
	}
	struct chunk *chunk = calloc(1, sizeof *chunk);
	if (!chunk)
		return -ENOMEM;
	*chunk = (struct chunk){.share = share,
				.position = block.position,
				.open = block.type == BLOCK_OPEN,
				.context = pending->context,
				.epoch = UINT64_MAX};
	error = open_body(reader, chunk, &block, &body, pending->records);
	if (!error && chunk->raw) {
		chunk->users = 1;
		*made = chunk;
		return 0;
	}
	if (chunk->raw) {
		unlink_chunk(&reader->cache, chunk);
		forget_raw(&reader->cache, chunk);
	}
	chunk_free(chunk);
	return error;
}

void cache_changed(const struct chunk *chunk)
{
	file_damage(chunk->share->file, "changed while it was read, at byte %" PRIu64,
		    chunk->position);
}

int cache_use(struct dump_reader *reader, struct chunk *chunk)
{
	struct cache *cache = &reader->cache;
	struct block block = {.position = chunk->position};
	struct body body;
	if (chunk->raw)
		return 0;
	int error = body_read(chunk->share->file, &block, &body);
	uint64_t whole = chunk->whole;
	if (!error) {
		cache->again += chunk->raw_bytes;
		error = decode(cache, chunk, &body);
		/* Where its records began when it was read first, others may stand now. */
		chunk->vouched = false;
	}
	if (error == -ENOMEM)
		return error;
	/* The file is not what it was. */
	if (chunk->raw && chunk->whole == whole)
		return 0;
	if (chunk->raw) {
		unlink_chunk(cache, chunk);
		forget_raw(cache, chunk);
	}
	cache_changed(chunk);
	return -EBADMSG;
}
