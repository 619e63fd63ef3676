/*
 * Writing: each block goes out in one vector, at the offset where the last whole block ended. What
 * a failure leaves behind is cut off again, so that at any time the file is a dump that can be read
 * and the same block can be tried once more.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include <zstd.h>

#include "core/prim/prim.h"
#include "core/stopping.h"
#include "dump/pack_state.h"
#include "dump/writer.h"

/* A fifth of a second at most. */
#define LOCK_TRIES      200
#define LOCK_SLEEP_NS   UINT64_C(1000000)
#define MOST_INTERRUPTS 1000 /* of a write, by a file system: signals are blocked */

struct dump_writer {
	int fd;
	uint64_t position; /* end of the last whole block */
	uint64_t blocks;
	uint64_t records;
	uint32_t nprocesses;
	uint16_t process; /* whose blocks are written */
	char *path;
	struct indexer indexer;
	/* When bodies are compressed: from `plain` to `packed`. */
	ZSTD_CCtx *compressor;
	unsigned char *plain;
	size_t plain_room;
	unsigned char *packed;
	size_t packed_room;
};

#define BODY_PARTS INDEX_PARTS /* of a block, at most */

/* A start in the same nanosecond with the same pid: a dump closed and opened again. */
#define NAME_TRIES 100000 /* dumps of one process in one folder */

static int write_all(int fd, struct iovec *parts, int count, uint64_t position)
{
	for (int interrupts = 0; count > 0;) {
		ssize_t written = pwritev(fd, parts, count, (off_t)position);
		if (written < 0 && errno == EINTR && ++interrupts < MOST_INTERRUPTS)
			continue;
		if (written <= 0)
			return written < 0 ? -errno : -EIO;
		stopping_moved();
		position += (uint64_t)written;
		size_t rest = (size_t)written;
		while (count > 0 && rest >= parts->iov_len) {
			rest -= parts->iov_len;
			parts++;
			count--;
		}
		if (count > 0) {
			parts->iov_base = (unsigned char *)parts->iov_base + rest;
			parts->iov_len -= rest;
		}
	}
	return 0;
}

static bool make_room(unsigned char **bytes, size_t *room, size_t wanted)
{
	if (wanted <= *room)
		return true;
	unsigned char *grown = malloc(wanted + wanted / 2);
	if (!grown)
		return false;
	free(*bytes);
	*bytes = grown;
	*room = wanted + wanted / 2;
	return true;
}

/* Puts one compressed part in place of the others, unless that is no gain or cannot be had. */
static int compress(struct dump_writer *writer, struct block *block, struct iovec *body, int nparts)
{
	size_t size = 0;
	for (int i = 0; i < nparts; i++)
		size += body[i].iov_len;
	if (!writer->compressor || block->type == BLOCK_INDEX || block->type == BLOCK_END ||
	    size > BLOCK_MAX_RAW || !make_room(&writer->plain, &writer->plain_room, size) ||
	    !make_room(&writer->packed, &writer->packed_room, ZSTD_compressBound(size)))
		return nparts;
	size_t at = 0;
	for (int i = 0; i < nparts; at += body[i++].iov_len)
		if (body[i].iov_len)
			memcpy(writer->plain + at, body[i].iov_base, body[i].iov_len);
	size_t packed = ZSTD_compress2(writer->compressor, writer->packed, writer->packed_room,
				       writer->plain, size);
	if (ZSTD_isError(packed) || packed >= size)
		return nparts;
	body[0] = (struct iovec){writer->packed, packed};
	block->flags |= BLOCK_COMPRESSED;
	block->raw_size = (uint32_t)size;
	return 1;
}

/* Writes a block whose body is these parts together. block: its type and time; the rest is set. */
static int write_block(struct dump_writer *writer, struct block *block, const struct iovec *body,
		       int nparts)
{
	static const unsigned char zeros[8];
	unsigned char header[BLOCK_HEADER_SIZE];
	struct iovec parts[BODY_PARTS + 2] = {{header, sizeof header}};
	memcpy(parts + 1, body, (size_t)nparts * sizeof *parts);
	nparts = compress(writer, block, parts + 1, nparts);
	for (int i = 1; i <= nparts; i++) {
		block->size += parts[i].iov_len;
		block->body_check =
			format_crc(block->body_check, parts[i].iov_base, parts[i].iov_len);
	}
	block->position = writer->position;
	if (block->type != BLOCK_INDEX && block->type != BLOCK_END)
		block->process = writer->process;
	block->sequence = (uint32_t)writer->blocks;
	block_header_put(header, block);
	size_t padding = -block->size & 7;
	parts[nparts + 1] = (struct iovec){(void *)(uintptr_t)zeros, padding};
	int error = write_all(writer->fd, parts, nparts + 2, writer->position);
	if (error) {
		/* If even this fails, the next block overwrites what is there. */
		(void)!ftruncate(writer->fd, (off_t)writer->position);
		return error;
	}
	writer->position += sizeof header + block->size + padding;
	writer->blocks++;
	return 0;
}

/* 0, also when it has none to write; else it is tried again later. */
static int put_index(struct dump_writer *writer)
{
	struct indexer *indexer = &writer->indexer;
	unsigned char head[INDEX_HEADER_SIZE];
	struct iovec parts[INDEX_PARTS];
	if (indexer->lost || indexer->count == 0)
		return 0;
	struct block block = {.type = BLOCK_INDEX, .first = indexer->first, .last = indexer->last};
	indexer_parts(indexer, parts, head);
	int error = write_block(writer, &block, parts, INDEX_PARTS);
	if (!error)
		indexer_put(indexer, block.position);
	return error;
}

static int put_block(struct dump_writer *writer, struct block *block, const struct iovec *body,
		     int nparts, const struct chunk_summary *summary, uint32_t records)
{
	int error = write_block(writer, block, body, nparts);
	if (error)
		return error;
	indexer_add(&writer->indexer, block, summary, records);
	/* Nothing may stand between OPEN blocks of one set. */
	if (block->type != BLOCK_OPEN && indexer_is_due(&writer->indexer))
		(void)put_index(writer);
	return 0;
}

static int put_packed(struct dump_writer *writer, struct block *block, struct packer *packer,
		      uint32_t records)
{
	const struct iovec body = {packer->bytes, packer->size};
	int error = packer->failed ? -ENOMEM : put_block(writer, block, &body, 1, NULL, records);
	free(packer->bytes);
	return error;
}

static struct block timeless(enum block_type type)
{
	return (struct block){.type = (uint16_t)type, .first = NO_TIME_FIRST, .last = NO_TIME_LAST};
}

/* Readers see by it that the file grows; where it can't be had, they don't. One that looks at this
 * moment has it for a moment itself. */
static void lock_file(int fd)
{
	for (int try = 0; try < LOCK_TRIES && flock(fd, LOCK_EX | LOCK_NB); try++) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return;
		prim_sleep(LOCK_SLEEP_NS);
	}
}

static int create_file(struct dump_writer *writer, const char *directory,
		       const struct dump_process *process)
{
	for (int try = 0; try < NAME_TRIES; try++) {
		writer->path = dump_name(directory, process, try);
		if (!writer->path)
			return -ENOMEM;
		writer->fd = open(writer->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (writer->fd >= 0) {
			lock_file(writer->fd);
			return 0;
		}
		if (errno != EEXIST)
			return -errno;
		free(writer->path);
		writer->path = NULL;
	}
	return -EEXIST;
}

static int put_file_header(struct dump_writer *writer)
{
	unsigned char header[FORMAT_HEADER_SIZE] = FORMAT_MAGIC;
	header[8] = FORMAT_MAJOR;
	header[10] = FORMAT_MINOR;
	struct iovec part = {header, sizeof header};
	int error = write_all(writer->fd, &part, 1, 0);
	writer->position = sizeof header;
	return error;
}

int dump_put_process(struct dump_writer *writer, const struct dump_process *process)
{
	struct packer packer = {0};
	struct block block = timeless(BLOCK_PROCESS);
	if (writer->nprocesses > UINT16_MAX)
		return -E2BIG;
	writer->process = (uint16_t)writer->nprocesses;
	pack_int(&packer, process->pid, 4);
	pack_int(&packer, process->part, 4);
	pack_int(&packer, process->id[0], 8);
	pack_int(&packer, process->id[1], 8);
	pack_int(&packer, process->start_ns, 8);
	pack_text(&packer, process->program);
	pack_text(&packer, process->host);
	pack_int(&packer, process->boot[0], 8);
	pack_int(&packer, process->boot[1], 8);
	pack_text(&packer, process->clock);
	pack_text(&packer, process->writer);
	pack_int(&packer, process->series, 8);
	int error = put_packed(writer, &block, &packer, 0);
	return error ? error : (int)writer->nprocesses++;
}

void dump_turn_to(struct dump_writer *writer, uint16_t process)
{
	writer->process = process;
}

int dump_create_in(struct dump_writer **made, int fd, char *error, size_t error_size)
{
	struct dump_writer *writer = calloc(1, sizeof *writer);
	*made = writer;
	if (!writer) {
		snprintf(error, error_size, "no memory for a dump");
		close(fd);
		return -ENOMEM;
	}
	writer->fd = fd;
	int code = put_file_header(writer);
	if (code) {
		snprintf(error, error_size, "cannot write a dump: %s", strerror(-code));
		dump_forget(writer);
		*made = NULL;
	}
	return code;
}

static void writer_free(struct dump_writer *writer)
{
	if (writer->fd >= 0)
		close(writer->fd);
	indexer_free(&writer->indexer);
	ZSTD_freeCCtx(writer->compressor);
	free(writer->plain);
	free(writer->packed);
	free(writer->path);
	free(writer);
}

int dump_create(struct dump_writer **made, const char *directory,
		const struct dump_process *process, char *error, size_t error_size)
{
	struct dump_writer *writer = calloc(1, sizeof *writer);
	*made = NULL;
	if (!writer) {
		snprintf(error, error_size, "no memory for a dump");
		return -ENOMEM;
	}
	writer->fd = -1;
	int code = make_directories(directory);
	if (code) {
		snprintf(error, error_size, "cannot make the directory %s: %s", directory,
			 strerror(-code));
		writer_free(writer);
		return code;
	}
	code = create_file(writer, directory, process);
	if (!code) {
		code = put_file_header(writer);
		if (!code)
			code = dump_put_process(writer, process);
		code = code < 0 ? code : 0;
		if (code)
			unlink(writer->path);
	}
	if (code) {
		snprintf(error, error_size, "cannot create a dump in %s: %s", directory,
			 strerror(-code));
		writer_free(writer);
		return code;
	}
	*made = writer;
	return 0;
}

int dump_put_catalog(struct dump_writer *writer, uint8_t index, const struct rill_catalog *catalog)
{
	struct packer packer = {0};
	struct block block = timeless(BLOCK_CATALOG);
	catalog_pack(&packer, index, catalog);
	return put_packed(writer, &block, &packer, 0);
}

int dump_put_clock(struct dump_writer *writer, const struct clock_point *point)
{
	struct packer packer = {0};
	struct block block = {.type = BLOCK_CLOCK, .first = point->ticks, .last = point->ticks};
	pack_int(&packer, point->ticks, 8);
	pack_int(&packer, point->ns, 8);
	pack_int(&packer, point->rate, 8);
	pack_int(&packer, point->error_us, 4);
	pack_int(&packer, point->flags, 4);
	return put_packed(writer, &block, &packer, 0);
}

static int put_chunk(struct dump_writer *writer, enum block_type type, struct dump_pack *pack,
		     const struct chunk_summary *summary, size_t head)
{
	const struct iovec body[] = {
		{pack->head, head},
		{pack->control, (size_t)(pack->control_end - pack->control)},
		{pack->payload, (size_t)(pack->payload_end - pack->payload)},
	};
	struct block block = {.type = (uint16_t)type};
	pack_times(pack, &block.first, &block.last);
	return put_block(writer, &block, body, 3, summary, 0);
}

int dump_put_pack(struct dump_writer *writer, struct dump_pack *pack)
{
	size_t head = pack_head(pack);
	struct chunk_summary summary = {.events = pack->head + pack->events_at,
					.events_size = pack->events_size,
					.filter = pack->head + pack->filter_at,
					.filter_size = pack->filter_size,
					.raw = pack->raw_bytes};
	for (uint32_t i = 0; i < pack->nsegments; i++)
		summary.records += pack->segments[i].records;
	int error = put_chunk(writer, BLOCK_RECORDS, pack, &summary, head);
	if (!error)
		writer->records += summary.records;
	return error;
}

int dump_put_open(struct dump_writer *writer, struct dump_pack *pack)
{
	return put_chunk(writer, BLOCK_OPEN, pack, NULL, pack_head(pack));
}

int dump_put_counts(struct dump_writer *writer, const struct dump_count *counts, size_t count,
		    uint64_t values_cut, const struct dump_period *period)
{
	struct packer packer = {0};
	struct block block = timeless(BLOCK_COUNTS);
	uint64_t lost = period ? period->lost : 0;
	if (period) {
		block.first = period->from_ticks;
		block.last = period->to_ticks;
	}
	pack_int(&packer, values_cut, 8);
	for (size_t i = 0; i < count; i++) {
		pack_int(&packer, counts[i].event, 2);
		pack_int(&packer, counts[i].catalog, 1);
		pack_int(&packer, 0, 5);
		pack_int(&packer, counts[i].written, 8);
		pack_int(&packer, counts[i].filtered, 8);
		pack_int(&packer, counts[i].discarded, 8);
		pack_int(&packer, counts[i].overwritten, 8);
		pack_int(&packer, counts[i].failed, 8);
	}
	return put_packed(writer, &block, &packer, lost < UINT32_MAX ? (uint32_t)lost : UINT32_MAX);
}

int dump_put_copy(struct dump_writer *writer, const struct block *from, const void *body,
		  size_t size, uint64_t lost)
{
	struct block block = {.type = from->type, .first = from->first, .last = from->last};
	const struct iovec part = {(void *)(uintptr_t)body, size};
	return put_block(writer, &block, &part, 1, NULL,
			 lost < UINT32_MAX ? (uint32_t)lost : UINT32_MAX);
}

int dump_put_epoch(struct dump_writer *writer, const struct dump_epoch *epoch)
{
	struct packer packer = {0};
	struct block block = {.type = BLOCK_EPOCH,
			      .first = epoch->published_ticks,
			      .last = epoch->confirmed_ticks};
	pack_int(&packer, epoch->published_ticks, 8);
	pack_int(&packer, epoch->confirmed_ticks, 8);
	pack_text(&packer, epoch->expression);
	return put_packed(writer, &block, &packer, 0);
}

int dump_put_spans(struct dump_writer *writer, const struct dump_span_summary *spans, size_t count)
{
	struct packer packer = {0};
	struct block block = timeless(BLOCK_SPANS);
	for (size_t i = 0; i < count; i++) {
		pack_int(&packer, spans[i].span, 2);
		pack_int(&packer, spans[i].catalog, 1);
		pack_int(&packer, 0, 5);
		pack_int(&packer, spans[i].ended, 8);
		pack_int(&packer, spans[i].headless, 8);
		pack_int(&packer, spans[i].sum_ns, 8);
		pack_int(&packer, spans[i].shortest_ns, 8);
		pack_int(&packer, spans[i].longest_ns, 8);
		for (size_t bucket = 0; bucket < 64; bucket++)
			pack_int(&packer, spans[i].lasted[bucket], 8);
	}
	return put_packed(writer, &block, &packer, 0);
}

int dump_compress(struct dump_writer *writer, int level)
{
	ZSTD_freeCCtx(writer->compressor);
	writer->compressor = NULL;
	if (!level)
		return 0;
	writer->compressor = ZSTD_createCCtx();
	if (!writer->compressor)
		return -ENOMEM;
	ZSTD_CCtx_setParameter(writer->compressor, ZSTD_c_compressionLevel, level);
	return 0;
}

uint64_t dump_size(const struct dump_writer *writer)
{
	return writer->position;
}

uint64_t dump_records(const struct dump_writer *writer)
{
	return writer->records;
}

const char *dump_path(const struct dump_writer *writer)
{
	return writer->path;
}

int dump_sync(struct dump_writer *writer)
{
	return fdatasync(writer->fd) ? -errno : 0;
}

int dump_close(struct dump_writer *writer)
{
	struct packer packer = {0};
	struct block block = timeless(BLOCK_END);
	int error = put_index(writer);
	pack_int(&packer, writer->blocks, 8);
	pack_int(&packer, writer->indexer.lost || error ? 0 : writer->indexer.previous, 8);
	const struct iovec body = {packer.bytes, packer.size};
	error = packer.failed ? -ENOMEM : write_block(writer, &block, &body, 1);
	free(packer.bytes);
	/* A child that was forked meanwhile may have the descriptor as well, and with it the lock.
	 */
	(void)flock(writer->fd, LOCK_UN);
	if (close(writer->fd) && !error && errno != EINTR)
		error = -errno;
	writer->fd = -1;
	writer_free(writer);
	return error;
}

void dump_discard(struct dump_writer *writer)
{
	unlink(writer->path);
	writer_free(writer);
}

void dump_forget(struct dump_writer *writer)
{
	close(writer->fd);
}
