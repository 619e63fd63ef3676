/* Bytes and blocks of files, of which only a few are open at a time. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "dump/reader.h"

#define PIECE (256u << 10) /* read at a time when nothing of it is kept */
#define SLACK 512u

void *array_grow(void *array, size_t count, size_t size)
{
	if (count & (count - 1))
		return array;
	size_t bytes;
	if (__builtin_mul_overflow(count ? count * 2 : 1, size, &bytes))
		return NULL;
	return realloc(array, bytes);
}

int buffer_room(struct buffer *buffer, size_t size)
{
	if (size <= buffer->room)
		return 0;
	size_t room = size + size / 4;
	unsigned char *grown = malloc(room);
	if (!grown)
		return -ENOMEM;
	free(buffer->bytes);
	buffer->bytes = grown;
	buffer->room = room;
	return 0;
}

void file_put_away(struct file *file)
{
	struct input *input = &file->reader->input;
	for (uint32_t i = 0; i < OPEN_FILES; i++)
		if (input->open[i] == file)
			input->open[i] = NULL;
	if (file->fd >= 0)
		close(file->fd);
	file->fd = -1;
}

int file_descriptor(struct file *file)
{
	struct input *input = &file->reader->input;
	struct stat status;
	if (file->fd >= 0)
		return file->fd;
	int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &status)) {
		int error = -errno;
		close(fd);
		return error;
	}
	/* Another file may have taken its name. */
	if (file->inode && (file->inode != status.st_ino || file->device != status.st_dev)) {
		close(fd);
		return -ESTALE;
	}
	file->inode = status.st_ino;
	file->device = status.st_dev;
	input->hand = (input->hand + 1) % OPEN_FILES;
	if (input->open[input->hand])
		file_put_away(input->open[input->hand]);
	input->open[input->hand] = file;
	file->fd = fd;
	return fd;
}

int file_read(struct file *file, void *to, size_t size, uint64_t position)
{
	int fd = file_descriptor(file);
	unsigned char *at = to;
	if (fd < 0)
		return fd;
	while (size) {
		ssize_t got = pread(fd, at, size, (off_t)position);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			return -EBADMSG;
		at += got;
		position += (uint64_t)got;
		size -= (size_t)got;
	}
	return 0;
}

int file_header(struct file *file, uint64_t position, struct block *block)
{
	unsigned char header[BLOCK_HEADER_SIZE];
	int error = file_read(file, header, sizeof header, position);
	if (error)
		return error;
	return block_header_get(block, header, position) ? 0 : -EBADMSG;
}

/* A compressed body to input->inflated. */
static int inflate(struct input *input, const struct block *block, const unsigned char **body,
		   size_t *size)
{
	if (block->raw_size > BODY_MOST)
		return -EBADMSG;
	if (!input->zstd)
		input->zstd = ZSTD_createDCtx();
	if (!input->zstd || buffer_room(&input->inflated, (size_t)block->raw_size + SLACK))
		return -ENOMEM;
	size_t made = ZSTD_decompressDCtx(input->zstd, input->inflated.bytes, block->raw_size,
					  *body, *size);
	if (ZSTD_isError(made) || made != block->raw_size)
		return -EBADMSG;
	*body = input->inflated.bytes;
	*size = made;
	return 0;
}

int file_body(struct file *file, const struct block *block, const unsigned char **body,
	      size_t *size)
{
	struct input *input = &file->reader->input;
	if (block->size > BODY_MOST)
		return -EBADMSG;
	if (buffer_room(&input->body, block->size + SLACK))
		return -ENOMEM;
	int error = file_read(file, input->body.bytes, block->size,
			      block->position + BLOCK_HEADER_SIZE);
	if (error)
		return error;
	if (format_crc(0, input->body.bytes, block->size) != block->body_check)
		return -EBADMSG;
	*body = input->body.bytes;
	*size = block->size;
	return block->flags & BLOCK_COMPRESSED ? inflate(input, block, body, size) : 0;
}

int file_check(struct file *file, const struct block *block)
{
	struct input *input = &file->reader->input;
	uint64_t position = block->position + BLOCK_HEADER_SIZE, left = block->size;
	uint32_t crc = 0;
	if (buffer_room(&input->body, PIECE))
		return -ENOMEM;
	while (left) {
		size_t piece = left < PIECE ? left : PIECE;
		int error = file_read(file, input->body.bytes, piece, position);
		if (error)
			return error;
		crc = format_crc(crc, input->body.bytes, piece);
		position += piece;
		left -= piece;
	}
	return crc == block->body_check ? 0 : -EBADMSG;
}

uint64_t file_resynchronise(struct file *file, uint64_t position, uint64_t end)
{
	static const unsigned char mark[4] = {'R', 'B', 'L', 'K'};
	struct input *input = &file->reader->input;
	struct block block;
	if (buffer_room(&input->body, PIECE))
		return end;
	position = (position + 7) & ~UINT64_C(7);
	while (position < end && end - position >= BLOCK_HEADER_SIZE) {
		size_t piece = end - position < PIECE ? end - position : PIECE;
		if (file_read(file, input->body.bytes, piece, position))
			return end;
		size_t at = 0;
		for (; at + BLOCK_HEADER_SIZE <= piece; at += 8)
			if (memcmp(input->body.bytes + at, mark, 4) == 0 &&
			    block_header_get(&block, input->body.bytes + at, position + at))
				return position + at;
		position += at;
	}
	return end;
}

void input_close(struct input *input)
{
	free(input->body.bytes);
	free(input->inflated.bytes);
	free(input->listing.bytes);
	ZSTD_freeDCtx(input->zstd);
}
