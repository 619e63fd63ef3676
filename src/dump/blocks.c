#include "dump/blocks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#define SEARCH_BYTES 65536u

static int read_at(int fd, void *to, size_t size, uint64_t at)
{
	unsigned char *bytes = to;
	while (size) {
		ssize_t got = pread(fd, bytes, size, (off_t)at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got ? -errno : -EIO;
		bytes += got;
		at += (uint64_t)got;
		size -= (size_t)got;
	}
	return 0;
}

int blocks_open(struct blocks *blocks, const char *path)
{
	struct stat status;
	*blocks = (struct blocks){.fd = open(path, O_RDONLY | O_CLOEXEC)};
	unsigned char *header = blocks->header;
	if (blocks->fd < 0 || fstat(blocks->fd, &status))
		return -errno;
	blocks->size = (uint64_t)status.st_size;
	blocks->at = FORMAT_HEADER_SIZE;
	if (blocks->size < FORMAT_HEADER_SIZE)
		return -EBADMSG;
	int error = read_at(blocks->fd, header, FORMAT_HEADER_SIZE, 0);
	if (error)
		return error;
	return memcmp(header, FORMAT_MAGIC, 8) == 0 && header[8] == FORMAT_MAJOR && !header[9]
		       ? 0
		       : -EBADMSG;
}

void blocks_close(struct blocks *blocks)
{
	if (blocks->fd >= 0)
		close(blocks->fd);
	free(blocks->stored);
	free(blocks->raw);
	ZSTD_freeDCtx(blocks->zstd);
}

/* The next place from `at` on where a block's header stands, or the end of the file. */
static int resynchronise(struct blocks *blocks)
{
	unsigned char *bytes = malloc(SEARCH_BYTES);
	struct block block;
	bool found = false;
	int error = bytes ? 0 : -ENOMEM;
	while (!error && !found && blocks->size - blocks->at >= BLOCK_HEADER_SIZE) {
		uint64_t left = blocks->size - blocks->at;
		size_t size = left < SEARCH_BYTES ? (size_t)left : SEARCH_BYTES;
		error = read_at(blocks->fd, bytes, size, blocks->at);
		for (size_t i = 0; !error && !found && i + BLOCK_HEADER_SIZE <= size; i += 8) {
			found = block_header_get(&block, bytes + i, blocks->at);
			blocks->at += found ? 0 : 8;
		}
	}
	free(bytes);
	if (!found)
		blocks->at = blocks->size;
	return error;
}

enum blocks_step blocks_next(struct blocks *blocks)
{
	unsigned char header[BLOCK_HEADER_SIZE];
	blocks->from = blocks->at;
	if (blocks->from >= blocks->size)
		return BLOCKS_END;
	uint64_t left = blocks->size - blocks->from;
	if (left < BLOCK_HEADER_SIZE) {
		blocks->at = blocks->size;
		return BLOCKS_CUT;
	}
	int error = read_at(blocks->fd, header, sizeof header, blocks->from);
	if (!error && block_header_get(&blocks->block, header, blocks->from)) {
		bool whole = blocks->block.size <= left - BLOCK_HEADER_SIZE;
		uint64_t used = BLOCK_HEADER_SIZE + ((blocks->block.size + 7) & ~(uint64_t)7);
		blocks->at = whole && used < left ? blocks->from + used : blocks->size;
		return whole ? BLOCKS_BLOCK : BLOCKS_CUT;
	}
	if (!error) {
		blocks->at += 8;
		error = resynchronise(blocks);
	}
	blocks->error = -error;
	return error ? BLOCKS_ERROR : BLOCKS_NOISE;
}

static bool make_room(unsigned char **bytes, size_t *room, size_t size)
{
	if (size <= *room)
		return true;
	free(*bytes);
	*bytes = malloc(size);
	*room = *bytes ? size : 0;
	return *bytes != NULL;
}

enum blocks_body blocks_body(struct blocks *blocks, const unsigned char **bytes, size_t *size)
{
	const struct block *block = &blocks->block;
	if (block->size > BLOCK_MAX_RAW || block->raw_size > BLOCK_MAX_RAW)
		return BODY_SIZE;
	if (!make_room(&blocks->stored, &blocks->stored_room, block->size + 8)) {
		blocks->error = ENOMEM;
		return BODY_TROUBLE;
	}
	uint64_t stands = blocks->at - blocks->from - BLOCK_HEADER_SIZE;
	blocks->error =
		-read_at(blocks->fd, blocks->stored, stands, blocks->from + BLOCK_HEADER_SIZE);
	if (blocks->error)
		return BODY_TROUBLE;
	blocks->padded_otherwise = false;
	for (uint64_t i = block->size; i < stands; i++)
		blocks->padded_otherwise |= blocks->stored[i] != 0;
	if (format_crc(0, blocks->stored, block->size) != block->body_check)
		return BODY_CHECK;
	*bytes = blocks->stored;
	*size = block->size;
	if (!(block->flags & BLOCK_COMPRESSED))
		return BODY_WHOLE;
	if (!blocks->zstd)
		blocks->zstd = ZSTD_createDCtx();
	if (!blocks->zstd || !make_room(&blocks->raw, &blocks->raw_room, block->raw_size + 1u)) {
		blocks->error = ENOMEM;
		return BODY_TROUBLE;
	}
	*bytes = blocks->raw;
	*size = ZSTD_decompressDCtx(blocks->zstd, blocks->raw, block->raw_size, blocks->stored,
				    block->size);
	return ZSTD_isError(*size) || *size != block->raw_size ? BODY_ZSTD : BODY_WHOLE;
}

const char *block_type_name(unsigned type)
{
	static const char *const names[] = {
		[BLOCK_PROCESS] = "PROCESS", [BLOCK_CATALOG] = "CATALOG", [BLOCK_CLOCK] = "CLOCK",
		[BLOCK_RECORDS] = "RECORDS", [BLOCK_COUNTS] = "COUNTS",   [BLOCK_EPOCH] = "EPOCH",
		[BLOCK_OPEN] = "OPEN",       [BLOCK_SPANS] = "SPANS",     [BLOCK_INDEX] = "INDEX",
		[BLOCK_END] = "END",
	};
	return type && type < sizeof names / sizeof *names ? names[type] : "of an unknown type";
}
