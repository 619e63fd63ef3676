/* What is not records: who wrote a file, its catalogs, its clock, its filters. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "dump/reader.h"

#define MOST_SHARES (64u << 10)
/* Indexes of processes may have holes, where a block is broken; but not wide ones. */
#define MOST_HOLES 64u
/* Of a catalog's packed size: what it takes in memory, with a copy to compare others with. */
#define CATALOG_COST 4u

/* False: so much text would be more than the reader may take. */
bool reader_charge(struct dump_reader *reader, size_t bytes)
{
	if (bytes > TEXT_BYTES - reader->text)
		return false;
	reader->text += bytes;
	return true;
}

/* --- shares -------------------------------------------------------------------------------- */

struct share *file_share(const struct file *file, uint16_t process)
{
	return process < file->nshares ? file->shares[process] : NULL;
}

static int share_grow(struct file *file, uint16_t process)
{
	struct share **grown = realloc(file->shares, (process + 1u) * sizeof(struct share *));
	if (!grown)
		return -ENOMEM;
	file->shares = grown;
	while (file->nshares <= process)
		file->shares[file->nshares++] = NULL;
	return 0;
}

int file_share_get(struct file *file, uint16_t process, struct share **made)
{
	struct dump_reader *reader = file->reader;
	*made = file_share(file, process);
	if (*made)
		return 0;
	if (reader->nshares >= MOST_SHARES || process >= file->nshares + MOST_HOLES)
		return -EBADMSG;
	if (process >= file->nshares && share_grow(file, process))
		return -ENOMEM;
	struct share **list = array_grow(reader->shares, reader->nshares, sizeof(struct share *));
	if (!list)
		return -ENOMEM;
	reader->shares = list;
	struct share *share = calloc(1, sizeof *share);
	if (!share)
		return -ENOMEM;
	share->file = file;
	share->process = process;
	share->index = (uint32_t)reader->nshares;
	share->tells = true;
	for (size_t i = 0; i < file->nshares; i++)
		share->tells &= !file->shares[i];
	share->info.path = file->path;
	share->info.number = process;
	share->info.process =
		(struct dump_process){.program = "", .host = "", .clock = "", .writer = ""};
	reader->shares[reader->nshares++] = share;
	file->shares[process] = share;
	*made = share;
	return 0;
}

void share_free(struct share *share)
{
	if (!share)
		return;
	free(share->known);
	free(share->catalogs);
	free(share->points);
	free(share->epochs);
	free(share->losses);
	free(share->counts);
	free(share->count_blocks);
	free(share);
}

static int take_process(struct file *file, struct share *share, struct unpacker *body)
{
	struct dump_reader *reader = file->reader;
	struct dump_process process = {0};
	if (!reader_charge(reader, (size_t)(body->end - body->at) * 2))
		return -EBADMSG;
	process.pid = (uint32_t)unpack_int(body, 4);
	process.part = (uint32_t)unpack_int(body, 4);
	process.id[0] = unpack_int(body, 8);
	process.id[1] = unpack_int(body, 8);
	process.start_ns = unpack_int(body, 8);
	process.program = unpack_text(body, &reader->arena);
	process.host = unpack_text(body, &reader->arena);
	process.boot[0] = unpack_int(body, 8);
	process.boot[1] = unpack_int(body, 8);
	process.clock = unpack_text(body, &reader->arena);
	process.writer = unpack_text(body, &reader->arena);
	process.series = unpack_int(body, 8);
	if (!process.program || !process.host || !process.clock || !process.writer)
		return -ENOMEM;
	if (body->failed)
		return -EBADMSG;
	if (!share->named)
		share->info.process = process;
	share->named = true;
	return 0;
}

/* --- catalogs ------------------------------------------------------------------------------ */

/* The same catalog as one that is known already, or a new one. */
static int catalog_get(struct file *file, struct unpacker *body, const struct known_catalog **found)
{
	struct dump_reader *reader = file->reader;
	const unsigned char *packed = body->at + 1;
	size_t size = (size_t)(body->end - packed);
	uint64_t hash = format_crc(0, packed, size);
	for (struct known_catalog *at = reader->catalogs; at; at = at->next) {
		if (at->hash != hash || at->size != size || memcmp(at->packed, packed, size) != 0)
			continue;
		*found = at;
		return 0;
	}
	if (!reader_charge(reader, CATALOG_COST * size)) {
		file_damage(file, "its catalog is one too many: no record of it can be read");
		return -EBADMSG;
	}
	struct known_catalog *known = arena_take(&reader->arena, sizeof *known);
	unsigned char *copy = arena_take(&reader->arena, size);
	if (!known || !copy)
		return -ENOMEM;
	memcpy(copy, packed, size);
	*known = (struct known_catalog){.packed = copy, .size = size, .hash = hash};
	uint8_t index;
	int error = catalog_unpack(body, &reader->arena, &index, &known->catalog);
	if (!error)
		error = catalog_mark(reader, known);
	if (error)
		return error;
	known->next = reader->catalogs;
	reader->catalogs = known;
	*found = known;
	return 0;
}

static int take_catalog(struct file *file, struct share *share, struct unpacker *body)
{
	const struct known_catalog *known = NULL;
	if (body->at == body->end)
		return -EBADMSG;
	uint32_t index = *body->at;
	int error = catalog_get(file, body, &known);
	if (error)
		return error;
	if (index >= share->ncatalogs) {
		size_t count = index + 1u;
		void *catalogs = realloc(share->catalogs, count * sizeof(void *));
		if (catalogs)
			share->catalogs = catalogs;
		void *knowns = realloc(share->known, count * sizeof(void *));
		if (knowns)
			share->known = knowns;
		if (!catalogs || !knowns)
			return -ENOMEM;
		for (; share->ncatalogs < count; share->ncatalogs++) {
			share->catalogs[share->ncatalogs] = NULL;
			share->known[share->ncatalogs] = NULL;
		}
		share->info.catalogs = (struct rill_catalogs){share->catalogs, share->ncatalogs};
	}
	if (!share->known[index]) {
		share->known[index] = known;
		share->catalogs[index] = known->catalog;
		share->news = true;
	}
	return 0;
}

/* --- clock --------------------------------------------------------------------------------- */

static int take_clock(struct file *file, struct share *share, struct unpacker *body)
{
	while (!body->failed && body->at < body->end) {
		struct clock_point point;
		point.ticks = unpack_int(body, 8);
		point.ns = unpack_int(body, 8);
		point.rate = unpack_int(body, 8);
		point.error_us = (uint32_t)unpack_int(body, 4);
		point.flags = (uint32_t)unpack_int(body, 4);
		if (body->failed)
			return -EBADMSG;
		if (file->reader->npoints == MOST_POINTS) {
			file_damage(file, "its clock has more points than can be kept: times from "
					  "there on are less exact");
			return 0;
		}
		void *grown = array_grow(share->points, share->npoints, sizeof point);
		if (!grown)
			return -ENOMEM;
		share->points = grown;
		file->reader->npoints++;
		/* A counter that went backward: keep them in the order that clock_find() needs. */
		size_t i = share->npoints++;
		for (; i > 0 && share->points[i - 1].ticks > point.ticks; i--)
			share->points[i] = share->points[i - 1];
		share->points[i] = point;
		share->info.points = share->points;
		share->info.npoints = share->npoints;
	}
	return 0;
}

struct time_range share_times(const struct share *share, uint64_t first, uint64_t last)
{
	struct time_range range = {first, last, true};
	if (!share->npoints)
		return range;
	const struct clock_point *end = share->points + share->npoints;
	const struct clock_point *line = clock_find(share->points, share->npoints, first);
	range.min_ns = range.max_ns = clock_ns(line, first);
	/* The lines of the clock need not meet; of points at the same ticks the last one counts. */
	for (const struct clock_point *next; line + 1 < end && line[1].ticks <= last; line = next) {
		next = line + 1;
		while (next + 1 < end && next[1].ticks == next->ticks)
			next++;
		uint64_t ends = clock_ns(line, next->ticks);
		if (ends > range.max_ns)
			range.max_ns = ends;
		if (next->ticks <= first)
			continue;
		if (next->ns < range.min_ns)
			range.min_ns = next->ns;
		if (ends > next->ns)
			range.straight = false;
	}
	uint64_t ns = clock_ns(line, last);
	if (ns > range.max_ns)
		range.max_ns = ns;
	return range;
}

/* --- filters ------------------------------------------------------------------------------- */

static int take_epoch(struct file *file, struct share *share, struct unpacker *body)
{
	struct dump_epoch epoch;
	if (!reader_charge(file->reader, (size_t)(body->end - body->at) + 2 * sizeof epoch)) {
		file_damage(file, "its filter changed too often for all of them to be kept");
		return 0;
	}
	epoch.published_ticks = unpack_int(body, 8);
	epoch.confirmed_ticks = unpack_int(body, 8);
	epoch.expression = unpack_text(body, &file->reader->arena);
	if (!epoch.expression)
		return -ENOMEM;
	if (body->failed)
		return -EBADMSG;
	void *grown = array_grow(share->epochs, share->nepochs, sizeof epoch);
	if (!grown)
		return -ENOMEM;
	share->epochs = grown;
	share->epochs[share->nepochs++] = epoch;
	share->info.epochs = share->epochs;
	share->info.nepochs = share->nepochs;
	share->news = true;
	return 0;
}

/* --- all of them --------------------------------------------------------------------------- */

int file_take(struct file *file, const struct block *block)
{
	const unsigned char *bytes;
	struct share *share;
	size_t size;
	int error = file_share_get(file, block->process, &share);
	if (!error)
		error = file_body(file, block, &bytes, &size);
	if (!error) {
		struct unpacker body = {bytes, bytes + size, false};
		switch (block->type) {
		case BLOCK_PROCESS:
			error = take_process(file, share, &body);
			break;
		case BLOCK_CATALOG:
			error = take_catalog(file, share, &body);
			break;
		case BLOCK_CLOCK:
			error = take_clock(file, share, &body);
			break;
		case BLOCK_EPOCH:
			error = take_epoch(file, share, &body);
			break;
		default:
			break;
		}
	}
	if (error == -ENOMEM)
		return error;
	if (error)
		file_damage(file, "the block at byte %" PRIu64 " is broken", block->position);
	return 0;
}
