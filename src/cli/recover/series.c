/*
 * What the files of a dump hold already: up to where of each ring, and what they counted.
 *
 * The last two files are read, or more when the one before those was not finished: a file is begun
 * before the one before it is closed, and tail is stored after that.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/recover/recover.h"
#include "dump/blocks.h"
#include "dump/unpack.h"

#define HEAD_BYTES 4096u

/* --- files --------------------------------------------------------------------------------- */

/* What its first block says: whether it is of the series, and which part. */
static bool is_of_series(const struct series *series, int fd, uint32_t *part)
{
	unsigned char head[HEAD_BYTES];
	struct block block;
	ssize_t got = pread(fd, head, sizeof head, 0);
	if (got < (ssize_t)(FORMAT_HEADER_SIZE + BLOCK_HEADER_SIZE) ||
	    memcmp(head, FORMAT_MAGIC, 8) != 0 || head[8] != FORMAT_MAJOR ||
	    !block_header_get(&block, head + FORMAT_HEADER_SIZE, FORMAT_HEADER_SIZE) ||
	    block.type != BLOCK_PROCESS || block.flags)
		return false;
	const unsigned char *body = head + FORMAT_HEADER_SIZE + BLOCK_HEADER_SIZE;
	if (block.size > (size_t)(head + got - body) ||
	    format_crc(0, body, block.size) != block.body_check)
		return false;
	struct unpacker from = {.at = body, .end = body + block.size};
	unpack_int(&from, 4);
	*part = (uint32_t)unpack_int(&from, 4);
	bool same = unpack_int(&from, 8) == series->id[0] && unpack_int(&from, 8) == series->id[1];
	/* The series is the last field. */
	if (from.failed || block.size < 8)
		return false;
	from.at = body + block.size - 8;
	return same && unpack_int(&from, 8) == series->series;
}

static int add_part(struct series *series, const char *folder, const char *name, uint32_t part)
{
	size_t i = 0;
	while (i < series->nparts && series->parts[i].part < part)
		i++;
	if (i < series->nparts && series->parts[i].part == part)
		return 0; /* a copy */
	struct part_file *grown =
		realloc(series->parts, (series->nparts + 1) * sizeof *series->parts);
	if (!grown)
		return -ENOMEM;
	series->parts = grown;
	struct part_file made = {.part = part};
	if (asprintf(&made.path, "%s/%s", folder, name) < 0)
		return -ENOMEM;
	memmove(grown + i + 1, grown + i, (series->nparts - i) * sizeof *grown);
	grown[i] = made;
	series->nparts++;
	return 0;
}

int series_find(struct series *series, const char *folder)
{
	DIR *entries = opendir(folder);
	int error = 0;
	if (!entries)
		return -errno;
	for (struct dirent *entry; !error && (entry = readdir(entries)) != NULL;) {
		size_t length = strlen(entry->d_name);
		uint32_t part;
		if (length < 5 || strcmp(entry->d_name + length - 5, ".rill") != 0)
			continue;
		int fd = openat(dirfd(entries), entry->d_name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (is_of_series(series, fd, &part))
			error = add_part(series, folder, entry->d_name, part);
		close(fd);
	}
	closedir(entries);
	return error;
}

/* --- rings --------------------------------------------------------------------------------- */

static struct ring_end *place_of(const struct series *series, uint64_t ring)
{
	size_t i = (size_t)(ring * UINT64_C(0x9e3779b97f4a7c15) >> 20);
	while (series->rings[i & (series->rings_room - 1)].used &&
	       series->rings[i & (series->rings_room - 1)].ring != ring)
		i++;
	return &series->rings[i & (series->rings_room - 1)];
}

static int note_ring(struct series *series, uint64_t ring, uint64_t to)
{
	if (2 * (series->nrings + 1) > series->rings_room) {
		struct series grown = *series;
		grown.rings_room = series->rings_room ? 2 * series->rings_room : 256;
		grown.rings = calloc(grown.rings_room, sizeof *grown.rings);
		if (!grown.rings)
			return -ENOMEM;
		for (size_t i = 0; i < series->rings_room; i++)
			if (series->rings[i].used)
				*place_of(&grown, series->rings[i].ring) = series->rings[i];
		free(series->rings);
		series->rings = grown.rings;
		series->rings_room = grown.rings_room;
	}
	struct ring_end *end = place_of(series, ring);
	series->nrings += !end->used;
	if (!end->used || end->to < to)
		*end = (struct ring_end){ring, to, true};
	return 0;
}

bool series_end_of(const struct series *series, uint64_t ring, uint64_t *to)
{
	const struct ring_end *end = series->rings_room ? place_of(series, ring) : NULL;
	if (!end || !end->used)
		return false;
	*to = end->to;
	return true;
}

/* --- counts -------------------------------------------------------------------------------- */

/* NULL: no memory. */
static struct event_count *count_of(struct series *series, uint32_t catalog, uint32_t event)
{
	struct event_count **counts = &series->counts[catalog & 255];
	if (!*counts)
		*counts = calloc(RILL_CATALOG_MAX_EVENTS, sizeof **counts);
	return *counts ? &(*counts)[event] : NULL;
}

static int take_counts(struct series *series, const struct block *block, const unsigned char *body,
		       size_t size)
{
	struct unpacker from = {.at = body, .end = body + size};
	uint64_t cut = unpack_int(&from, 8);
	if (from.failed || (size - COUNTS_HEADER_SIZE) % COUNT_SIZE)
		return 0;
	while (from.at < from.end) {
		struct dump_count count = {.event = (uint16_t)unpack_int(&from, 2)};
		count.catalog = (uint8_t)unpack_int(&from, 1);
		unpack_int(&from, 5);
		count.written = unpack_int(&from, 8);
		count.filtered = unpack_int(&from, 8);
		count.discarded = unpack_int(&from, 8);
		count.overwritten = unpack_int(&from, 8);
		count.failed = unpack_int(&from, 8);
		if (count.event >= RILL_CATALOG_MAX_EVENTS)
			continue;
		struct event_count *place = count_of(series, count.catalog, count.event);
		if (!place)
			return -ENOMEM;
		*place = (struct event_count){.last = count};
	}
	series->values_cut = cut;
	if (block->first <= block->last)
		series->counted_ticks = block->last;
	return 0;
}

static int count_since(struct series *series, uint32_t event, uint64_t records)
{
	if ((event & 0xffff) >= RILL_CATALOG_MAX_EVENTS || event >> 16 >= RECOVER_CATALOGS)
		return 0;
	struct event_count *place = count_of(series, event >> 16, event & 0xffff);
	if (place)
		place->since += records;
	return place ? 0 : -ENOMEM;
}

/* --- blocks -------------------------------------------------------------------------------- */

static uint64_t varint(struct unpacker *from)
{
	uint64_t value = 0, byte = 128;
	for (unsigned shift = 0; byte >= 128 && shift < 64 && !from->failed; shift += 7) {
		byte = unpack_int(from, 1);
		value |= (byte & 127) << shift;
	}
	return value;
}

/* A chunk that is whole, as far as its check says so. -EBADMSG: it is none. */
static int take_chunk(struct series *series, const unsigned char *body, size_t size)
{
	struct pack_segment segment;
	struct chunk_view view;
	int more = chunk_view_open(&view, body, size), error = 0;
	if (more)
		return more;
	while (!error && (more = chunk_view_next(&view, &segment)) == 1)
		error = note_ring(series, segment.ring, segment.from + segment.size);
	if (error || more || chunk_view_events(&view))
		return error ? error : -EBADMSG;
	struct unpacker from = {.at = view.events, .end = view.events_end};
	uint32_t event = 0;
	for (uint32_t i = 0; i < view.nevents && !error; i++) {
		event += (uint32_t)varint(&from);
		error = count_since(series, event, varint(&from));
	}
	return error;
}

/* Of a chunk that the end of the file cuts what is whole counts: readers give it. */
static int take_cut_records(struct series *series, const unsigned char *body, size_t size,
			    unsigned char *raw, uint64_t whole)
{
	struct pack_segment segment;
	struct chunk_view view;
	uint64_t at = 0;
	int error = chunk_view_open(&view, body, size);
	while (!error && chunk_view_next(&view, &segment) == 1 && at < whole) {
		uint64_t end = at + segment.size < whole ? at + segment.size : whole;
		struct raw_record record;
		error = note_ring(series, segment.ring, segment.from + (end - at));
		for (; !error && at < end; at += record.size) {
			if (raw_record_read(&record, raw + at, end - at))
				return -EBADMSG;
			error = count_since(series, (uint32_t)record.catalog << 16 | record.event,
					    1);
		}
	}
	return error;
}

static int take_cut(struct series *series, const struct blocks *blocks)
{
	const struct block *block = &blocks->block;
	uint64_t at = blocks->from + BLOCK_HEADER_SIZE, whole = 0;
	struct pack_segment segment;
	struct chunk_view view;
	if (blocks->size < at || block->type != BLOCK_RECORDS || block->process ||
	    (block->flags & BLOCK_COMPRESSED) || block->size > BLOCK_MAX_RAW)
		return 0;
	size_t size = (size_t)(blocks->size - at);
	unsigned char *body = calloc(1, size + DECODER_SLACK), *raw = NULL;
	struct decoder *decoder = decoder_new();
	int error = !body || !decoder                                           ? -ENOMEM
		    : pread(blocks->fd, body, size, (off_t)at) != (ssize_t)size ? -EIO
										: 0;
	if (!error && chunk_view_open(&view, body, size) == 0) {
		while (chunk_view_next(&view, &segment) == 1)
			;
		raw = malloc(view.raw + DECODER_SLACK);
		error = raw ? decoder_run(decoder, body, size, raw, view.raw, &whole) : -ENOMEM;
		error = error == -EBADMSG ? 0 : error;
		if (!error)
			error = take_cut_records(series, body, size, raw, whole);
	}
	decoder_free(decoder);
	free(body);
	free(raw);
	return error == -EBADMSG ? 0 : error;
}

static int take_epoch(struct series *series, const struct block *block, const unsigned char *body,
		      size_t size)
{
	unsigned char *copy = malloc(size + 1);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, body, size);
	free(series->epoch_body);
	series->epoch_body = copy;
	series->epoch_size = size;
	series->epoch = *block;
	return 0;
}

/* -EBADMSG: it is not what it says. */
static int take_block(struct series *series, struct blocks *blocks, struct part_file *part)
{
	const struct block *block = &blocks->block;
	const unsigned char *body;
	size_t size;
	bool wanted = block->type == BLOCK_RECORDS || block->type == BLOCK_COUNTS ||
		      block->type == BLOCK_EPOCH || block->type == BLOCK_END;
	if (block->process || !wanted)
		return 0;
	enum blocks_body state = blocks_body(blocks, &body, &size);
	if (state == BODY_TROUBLE)
		return -blocks->error;
	if (state != BODY_WHOLE)
		return -EBADMSG;
	part->finished |= block->type == BLOCK_END;
	if (block->type == BLOCK_RECORDS)
		return take_chunk(series, body, size);
	if (block->type == BLOCK_COUNTS)
		return take_counts(series, block, body, size);
	return block->type == BLOCK_EPOCH ? take_epoch(series, block, body, size) : 0;
}

static int scan_part(struct series *series, struct part_file *part)
{
	struct blocks blocks;
	int error = blocks_open(&blocks, part->path);
	enum blocks_step step = BLOCKS_END;
	while (!error && ((step = blocks_next(&blocks)) == BLOCKS_BLOCK || step == BLOCKS_NOISE)) {
		part->torn |= step == BLOCKS_NOISE;
		if (step == BLOCKS_BLOCK)
			error = take_block(series, &blocks, part);
		part->torn |= error == -EBADMSG;
		error = error == -EBADMSG ? 0 : error;
	}
	if (!error && step == BLOCKS_ERROR)
		error = -blocks.error;
	if (!error && step == BLOCKS_CUT) {
		part->torn = true;
		error = take_cut(series, &blocks);
	}
	blocks_close(&blocks);
	part->scanned = true;
	series->torn |= part->torn;
	return error;
}

/* Whether a file is closed in order, by its last block. */
static bool is_finished(const char *path)
{
	unsigned char bytes[BLOCK_HEADER_SIZE];
	struct block block;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	off_t size = fd >= 0 ? lseek(fd, 0, SEEK_END) : -1;
	off_t at = size - (off_t)(BLOCK_HEADER_SIZE + END_SIZE);
	bool finished = at > 0 && pread(fd, bytes, sizeof bytes, at) == (ssize_t)sizeof bytes &&
			block_header_get(&block, bytes, (uint64_t)at) && block.type == BLOCK_END;
	if (fd >= 0)
		close(fd);
	return finished;
}

int series_scan(struct series *series)
{
	size_t first = series->nparts > 2 ? series->nparts - 2 : 0;
	int error = 0;
	while (first > 0 && !is_finished(series->parts[first - 1].path))
		first--;
	series->all = series->nparts > 0 && first == 0 && series->parts[0].part == 0;
	for (size_t i = first; i < series->nparts && !error; i++)
		error = scan_part(series, &series->parts[i]);
	return error;
}

void series_free(struct series *series)
{
	for (size_t i = 0; i < RECOVER_CATALOGS; i++)
		free(series->counts[i]);
	for (size_t i = 0; i < series->nparts; i++)
		free(series->parts[i].path);
	free(series->rings);
	free(series->epoch_body);
	free(series->parts);
}
