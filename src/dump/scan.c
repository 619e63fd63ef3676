/* The first pass over a file: from block to block, whatever may have happened to the bytes. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "dump/reader.h"

void file_damage(struct file *file, const char *format, ...)
{
	if (file->ndamages++)
		return;
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(file->damage, sizeof file->damage, format, arguments);
	va_end(arguments);
	file->info.damage = file->damage;
}

void *array_grow(void *array, size_t count, size_t size)
{
	if (count & (count - 1))
		return array;
	size_t bytes;
	if (__builtin_mul_overflow(count ? count * 2 : 1, size, &bytes))
		return NULL;
	return realloc(array, bytes);
}

static int scan_process(struct file *file, struct unpacker *body)
{
	struct dump_process process = {0};
	process.pid = (uint32_t)unpack_int(body, 4);
	process.part = (uint32_t)unpack_int(body, 4);
	process.id[0] = unpack_int(body, 8);
	process.id[1] = unpack_int(body, 8);
	process.start_ns = unpack_int(body, 8);
	process.program = unpack_text(body, &file->arena);
	process.host = unpack_text(body, &file->arena);
	process.boot[0] = unpack_int(body, 8);
	process.boot[1] = unpack_int(body, 8);
	process.clock = unpack_text(body, &file->arena);
	process.writer = unpack_text(body, &file->arena);
	if (!process.program || !process.host || !process.clock || !process.writer)
		return -ENOMEM;
	if (body->failed)
		return -EBADMSG;
	if (!file->info.process.program)
		file->info.process = process;
	return 0;
}

static int scan_catalog(struct file *file, struct unpacker *body)
{
	const struct rill_catalog *catalog;
	uint8_t index;
	int error = catalog_unpack(body, &file->arena, &index, &catalog);
	if (error || file->catalogs[index])
		return error;
	file->catalogs[index] = catalog;
	if (index >= file->info.catalogs.count)
		file->info.catalogs.count = index + 1u;
	return 0;
}

static int scan_clock(struct file *file, struct unpacker *body)
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
		void *grown = array_grow(file->points, file->npoints, sizeof point);
		if (!grown)
			return -ENOMEM;
		file->points = grown;
		/* A counter that went backward: keep them in the order that clock_find() needs. */
		size_t i = file->npoints++;
		for (; i > 0 && file->points[i - 1].ticks > point.ticks; i--)
			file->points[i] = file->points[i - 1];
		file->points[i] = point;
	}
	return 0;
}

static int add_segment(struct file *file, const struct pack_segment *found, uint64_t offset)
{
	void *grown = array_grow(file->segments, file->nsegments, sizeof *file->segments);
	if (!grown)
		return -ENOMEM;
	file->segments = grown;
	file->segments[file->nsegments++] = (struct segment){.ring = found->ring,
							     .from = found->from,
							     .to = found->from + found->size,
							     .offset = offset,
							     .low = found->low,
							     .high = found->high,
							     .nrecords = found->records,
							     .index = (uint32_t)file->nchunks,
							     .tid = found->tid,
							     .sorted = found->sorted};
	return 0;
}

/* The block has a checked header; `available` bytes of its body are in the file. */
static int scan_records(struct file *file, const struct block *block, uint64_t available)
{
	struct chunk_view view;
	struct pack_segment segment;
	size_t before = file->nsegments;
	void *grown = array_grow(file->chunks, file->nchunks, sizeof *file->chunks);
	if (!grown)
		return -ENOMEM;
	file->chunks = grown;
	struct chunk *chunk = &file->chunks[file->nchunks];
	*chunk = (struct chunk){.body = file->map + block->position + BLOCK_HEADER_SIZE,
				.available = available,
				.position = block->position,
				.file = file,
				.cut = available < block->size};
	int more = chunk_view_open(&view, chunk->body, available);
	while (!more && (more = chunk_view_next(&view, &segment)) == 1)
		more = add_segment(file, &segment, view.raw - segment.size);
	if (more) {
		file->nsegments = before;
		return chunk->cut && more == -EBADMSG ? 0 : more;
	}
	chunk->raw_bytes = view.raw;
	file->nchunks++;
	return 0;
}

static int scan_counts(struct file *file, struct unpacker *body)
{
	uint64_t cut = unpack_int(body, 8);
	while (!body->failed && body->at < body->end) {
		struct dump_count count;
		count.event = (uint16_t)unpack_int(body, 2);
		count.catalog = (uint8_t)unpack_int(body, 1);
		unpack_int(body, 5);
		count.written = unpack_int(body, 8);
		count.filtered = unpack_int(body, 8);
		count.discarded = unpack_int(body, 8);
		count.overwritten = unpack_int(body, 8);
		count.failed = unpack_int(body, 8);
		const struct rill_catalog *catalog = file->catalogs[count.catalog];
		if (body->failed || !catalog || count.event >= catalog->nevents)
			return -EBADMSG;
		struct dump_count **table = &file->counts[count.catalog];
		if (!*table)
			*table = arena_array(&file->arena, catalog->nevents, sizeof count);
		if (!*table)
			return -ENOMEM;
		(*table)[count.event] = count;
	}
	if (body->failed)
		return -EBADMSG;
	file->info.values_cut = cut;
	return 0;
}

static int scan_epoch(struct file *file, struct unpacker *body)
{
	struct dump_epoch epoch;
	epoch.published_ticks = unpack_int(body, 8);
	epoch.confirmed_ticks = unpack_int(body, 8);
	epoch.expression = unpack_text(body, &file->arena);
	if (!epoch.expression)
		return -ENOMEM;
	if (body->failed)
		return -EBADMSG;
	void *grown = array_grow(file->epochs, file->info.nepochs, sizeof epoch);
	if (!grown)
		return -ENOMEM;
	file->epochs = grown;
	file->epochs[file->info.nepochs++] = epoch;
	return 0;
}

static int scan_end(struct file *file, struct unpacker *body)
{
	uint64_t blocks = unpack_int(body, 8);
	unpack_int(body, 8);
	if (body->failed)
		return -EBADMSG;
	if (blocks != file->blocks)
		file_damage(file, "%" PRIu64 " of its %" PRIu64 " blocks are missing",
			    blocks - file->blocks, blocks);
	file->info.finished = true;
	return 0;
}

/* A whole block. 0, also for a type from a later version; -EBADMSG; -ENOMEM. */
static int scan_block(struct file *file, const struct block *block)
{
	struct unpacker body = {file->map + block->position + BLOCK_HEADER_SIZE, NULL, false};
	body.end = body.at + block->size;
	if (format_crc(0, body.at, block->size) != block->body_check ||
	    (block->flags & BLOCK_COMPRESSED))
		return -EBADMSG;
	switch (block->type) {
	case BLOCK_PROCESS:
		return scan_process(file, &body);
	case BLOCK_CATALOG:
		return scan_catalog(file, &body);
	case BLOCK_CLOCK:
		return scan_clock(file, &body);
	case BLOCK_RECORDS:
		return scan_records(file, block, block->size);
	case BLOCK_COUNTS:
		return scan_counts(file, &body);
	case BLOCK_EPOCH:
		return scan_epoch(file, &body);
	case BLOCK_END:
		return scan_end(file, &body);
	default:
		return 0;
	}
}

/* The next place at which a block can begin, or the end of the file. */
static uint64_t resynchronise(const struct file *file, uint64_t position)
{
	struct block block;
	while (file->size - position >= BLOCK_HEADER_SIZE) {
		if (block_header_get(&block, file->map + position, position))
			return position;
		position += 8;
	}
	return file->size;
}

static int compact_counts(struct file *file)
{
	size_t room = 0;
	for (size_t c = 0; c < file->info.catalogs.count; c++)
		room += file->counts[c] ? file->catalogs[c]->nevents : 0;
	struct dump_count *counts = arena_array(&file->arena, room, sizeof *counts);
	if (!counts)
		return -ENOMEM;
	file->info.counts = counts;
	for (size_t c = 0; c < file->info.catalogs.count; c++) {
		for (size_t e = 0; file->counts[c] && e < file->catalogs[c]->nevents; e++) {
			const struct dump_count *count = &file->counts[c][e];
			if (count->written || count->filtered || count->discarded ||
			    count->overwritten || count->failed)
				counts[file->info.ncounts++] = *count;
		}
	}
	return 0;
}

static int scan_blocks(struct file *file)
{
	uint64_t position = FORMAT_HEADER_SIZE;
	while (position < file->size && !file->info.finished) {
		struct block block;
		uint64_t left = file->size - position;
		if (left < BLOCK_HEADER_SIZE) {
			file_damage(file, "cut at byte %" PRIu64 ", within a block's header",
				    file->size);
			return 0;
		}
		if (!block_header_get(&block, file->map + position, position)) {
			uint64_t next = resynchronise(file, position + 8);
			file_damage(file, "bytes %" PRIu64 " to %" PRIu64 " are no block", position,
				    next);
			position = next;
			continue;
		}
		left -= BLOCK_HEADER_SIZE;
		int error = 0;
		if (block.size > left) {
			file_damage(file,
				    "cut at byte %" PRIu64 ", within the block at byte %" PRIu64,
				    file->size, position);
			if (block.type == BLOCK_RECORDS)
				error = scan_records(file, &block, left);
			left = 0;
		} else {
			error = scan_block(file, &block);
			left -= block.size;
		}
		if (error == -EBADMSG)
			file_damage(file, "the block at byte %" PRIu64 " is broken", position);
		else if (error)
			return error;
		file->blocks++;
		if (left == 0)
			return 0;
		position += BLOCK_HEADER_SIZE + block.size;
		position = position + 7 < file->size ? (position + 7) & ~(uint64_t)7 : file->size;
	}
	return 0;
}

int file_scan(struct file *file)
{
	int error = scan_blocks(file);
	if (!error)
		error = compact_counts(file);
	if (error)
		return error;
	if (!file->info.finished)
		file_damage(file,
			    "ends at byte %" PRIu64
			    " without an end block: its process was killed or still runs",
			    file->size);
	if (!file->info.process.program) {
		file_damage(file, "it does not say which process wrote it");
		file->info.process.program = "";
	}
	if (!file->npoints && file->nsegments)
		file_damage(file, "it has no clock: times are counter ticks");
	file->info.epochs = file->epochs;
	file->info.catalogs.catalog = file->catalogs;
	return 0;
}

void file_close(struct file *file)
{
	if (file->map)
		munmap((void *)(uintptr_t)file->map, file->size);
	arena_free(&file->arena);
	free((void *)(uintptr_t)file->info.path);
	free(file->points);
	free(file->epochs);
	for (size_t i = 0; i < file->nchunks; i++)
		free(file->chunks[i].raw);
	free(file->chunks);
	free(file->segments);
	free(file);
}
