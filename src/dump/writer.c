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
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "dump/format.h"
#include "dump/pack_state.h"

struct dump_writer {
	int fd;
	uint64_t position; /* end of the last whole block */
	uint64_t blocks;
	char *path;
};

#define BODY_PARTS 3 /* of a block, at most */

/* A start in the same nanosecond with the same pid: a dump closed and opened again. */
#define NAME_TRIES 100000 /* dumps of one process in one folder */

static int write_all(int fd, struct iovec *parts, int count, uint64_t position)
{
	while (count > 0) {
		ssize_t written = pwritev(fd, parts, count, (off_t)position);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		if (written == 0)
			return -EIO;
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

/* Writes a block whose body is these parts together. */
static int put_block(struct dump_writer *writer, enum block_type type, const struct iovec *body,
		     int nparts)
{
	static const unsigned char zeros[8];
	unsigned char header[BLOCK_HEADER_SIZE];
	struct block block = {
		.type = (uint16_t)type, .flags = BLOCK_CHECKED, .position = writer->position};
	struct iovec parts[BODY_PARTS + 2] = {{header, sizeof header}};
	for (int i = 0; i < nparts; i++) {
		parts[i + 1] = body[i];
		block.size += body[i].iov_len;
		block.body_check = format_crc(block.body_check, body[i].iov_base, body[i].iov_len);
	}
	block_header_put(header, &block);
	size_t padding = -block.size & 7;
	parts[nparts + 1] = (struct iovec){(void *)(uintptr_t)zeros, padding};
	int error = write_all(writer->fd, parts, nparts + 2, writer->position);
	if (error) {
		/* If even this fails, the next block overwrites what is there. */
		(void)!ftruncate(writer->fd, (off_t)writer->position);
		return error;
	}
	writer->position += sizeof header + block.size + padding;
	writer->blocks++;
	return 0;
}

static int put_packed(struct dump_writer *writer, enum block_type type, struct packer *packer)
{
	const struct iovec body = {packer->bytes, packer->size};
	int error = packer->failed ? -ENOMEM : put_block(writer, type, &body, 1);
	free(packer->bytes);
	return error;
}

/* Makes a directory and those above it. */
static int make_directories(const char *directory)
{
	char *path = strdup(directory);
	if (!path)
		return -ENOMEM;
	int error = 0;
	for (char *slash = path + 1; !error && *path; slash++) {
		slash = strchrnul(slash, '/');
		char kept = *slash;
		*slash = 0;
		if (mkdir(path, 0700) && errno != EEXIST)
			error = -errno;
		*slash = kept;
		if (!kept)
			break;
	}
	free(path);
	return error;
}

/* PROGRAM-PID-START.rill, START as 20260131T235959.123456789Z: names sort by time. */
static char *dump_name(const char *directory, const struct dump_process *process, int try)
{
	char program[64], when[32], again[16] = "";
	const char *from = process->program ? process->program : "";
	size_t n = 0;
	for (; from[n] && n + 1 < sizeof program; n++) {
		unsigned char c = (unsigned char)from[n];
		bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
			     (c >= 'a' && c <= 'z') || c == '_' || c == '.' || c == '-';
		program[n] = plain && !(n == 0 && c == '.') ? (char)c : '_';
	}
	program[n] = 0;
	time_t seconds = (time_t)(process->start_ns / 1000000000);
	struct tm utc;
	if (!gmtime_r(&seconds, &utc) || !strftime(when, sizeof when, "%Y%m%dT%H%M%S", &utc))
		when[0] = 0;
	if (try)
		snprintf(again, sizeof again, "-%d", try + 1);
	char *path;
	if (asprintf(&path, "%s/%s-%u-%s.%09uZ%s.rill", directory, n ? program : "unknown",
		     process->pid, when, (unsigned)(process->start_ns % 1000000000), again) < 0)
		return NULL;
	return path;
}

static int create_file(struct dump_writer *writer, const char *directory,
		       const struct dump_process *process)
{
	for (int try = 0; try < NAME_TRIES; try++) {
		writer->path = dump_name(directory, process, try);
		if (!writer->path)
			return -ENOMEM;
		writer->fd = open(writer->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (writer->fd >= 0)
			return 0;
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

static int put_process(struct dump_writer *writer, const struct dump_process *process)
{
	struct packer packer = {0};
	pack_int(&packer, process->pid, 4);
	pack_int(&packer, 0, 4);
	pack_int(&packer, process->id[0], 8);
	pack_int(&packer, process->id[1], 8);
	pack_int(&packer, process->start_ns, 8);
	pack_text(&packer, process->program);
	return put_packed(writer, BLOCK_PROCESS, &packer);
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
		dump_forget(writer);
		return code;
	}
	code = create_file(writer, directory, process);
	if (!code) {
		code = put_file_header(writer);
		if (!code)
			code = put_process(writer, process);
		if (code)
			unlink(writer->path);
	}
	if (code) {
		snprintf(error, error_size, "cannot create a dump in %s: %s", directory,
			 strerror(-code));
		dump_forget(writer);
		return code;
	}
	*made = writer;
	return 0;
}

int dump_put_catalog(struct dump_writer *writer, uint8_t index, const struct rill_catalog *catalog)
{
	struct packer packer = {0};
	catalog_pack(&packer, index, catalog);
	return put_packed(writer, BLOCK_CATALOG, &packer);
}

int dump_put_clock(struct dump_writer *writer, const struct clock_point *point)
{
	struct packer packer = {0};
	pack_int(&packer, point->ticks, 8);
	pack_int(&packer, point->ns, 8);
	pack_int(&packer, point->rate, 8);
	return put_packed(writer, BLOCK_CLOCK, &packer);
}

int dump_put_pack(struct dump_writer *writer, const struct dump_pack *pack)
{
	const struct iovec body[BODY_PARTS] = {
		{pack->head, pack_head(pack)},
		{pack->control, (size_t)(pack->control_end - pack->control)},
		{pack->payload, (size_t)(pack->payload_end - pack->payload)},
	};
	return put_block(writer, BLOCK_RECORDS, body, BODY_PARTS);
}

int dump_put_counts(struct dump_writer *writer, const struct dump_count *counts, size_t count,
		    uint64_t values_cut)
{
	struct packer packer = {0};
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
	return put_packed(writer, BLOCK_COUNTS, &packer);
}

int dump_put_epoch(struct dump_writer *writer, const struct dump_epoch *epoch)
{
	struct packer packer = {0};
	pack_int(&packer, epoch->published_ticks, 8);
	pack_int(&packer, epoch->confirmed_ticks, 8);
	pack_text(&packer, epoch->expression);
	return put_packed(writer, BLOCK_EPOCH, &packer);
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
	pack_int(&packer, writer->blocks, 8);
	int error = put_packed(writer, BLOCK_END, &packer);
	if (close(writer->fd) && !error && errno != EINTR)
		error = -errno;
	writer->fd = -1;
	dump_forget(writer);
	return error;
}

void dump_forget(struct dump_writer *writer)
{
	if (writer->fd >= 0)
		close(writer->fd);
	free(writer->path);
	free(writer);
}
