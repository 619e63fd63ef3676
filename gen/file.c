#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int file_read(struct arena *a, const char *path, size_t max_bytes, struct file_content *content)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t room = (size_t)64 << 10, size = 0;
	char *data = arena_alloc(a, room);
	int error = 0;

	*content = (struct file_content){data, 0};
	if (fd < 0)
		return -errno;
	for (;;) {
		ssize_t n;

		if (size + 1 == room) {
			char *moved = arena_alloc(a, 2 * room);

			memcpy(moved, data, size);
			data = moved;
			room *= 2;
		}
		n = read(fd, data + size, room - size - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			error = -errno;
		if (n <= 0)
			break;
		size += (size_t)n;
		if (size > max_bytes) {
			error = -EFBIG;
			break;
		}
	}
	close(fd);
	data[size] = '\0';
	*content = (struct file_content){data, size};
	return error;
}

bool file_is_same(struct arena *a, const struct file_output *output)
{
	struct file_content now;

	return file_read(a, output->path, output->size, &now) == 0 && now.size == output->size &&
	       memcmp(now.data, output->data, now.size) == 0;
}

static int write_all(int fd, const char *data, size_t size)
{
	while (size) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		size -= (size_t)n;
	}
	return 0;
}

/* The mode that the file has, or that open() would give a new one: mkstemp() gives 0600. */
static mode_t mode_for(const char *path)
{
	struct stat st;
	mode_t mask;

	if (stat(path, &st) == 0)
		return st.st_mode & 07777;
	mask = umask(0);
	umask(mask);
	return 0666 & ~mask;
}

static int write_temporary(struct arena *a, struct file_output *o)
{
	char *name = arena_print(a, "%s.XXXXXX", o->path);
	int fd = mkstemp(name);
	int error;

	if (fd < 0)
		return -errno;
	o->temporary = name;
	error = write_all(fd, o->data, o->size);
	if (!error && fchmod(fd, mode_for(o->path)) != 0)
		error = -errno;
	if (close(fd) != 0 && !error)
		error = -errno;
	return error;
}

int file_replace(struct arena *a, struct file_output *outputs, size_t count,
		 const struct file_output **failed)
{
	int error = 0;

	for (size_t i = 0; i < count && !error; i++) {
		struct stat st;

		*failed = &outputs[i];
		if (stat(outputs[i].path, &st) == 0 && S_ISDIR(st.st_mode))
			error = -EISDIR; /* rename would say so too, but after the others */
		else if (!outputs[i].keep_same || !file_is_same(a, &outputs[i]))
			error = write_temporary(a, &outputs[i]);
	}
	for (size_t i = 0; i < count && !error; i++) {
		if (!outputs[i].temporary)
			continue;
		*failed = &outputs[i];
		if (rename(outputs[i].temporary, outputs[i].path) != 0)
			error = -errno;
		else
			outputs[i].temporary = NULL;
	}
	for (size_t i = 0; i < count; i++) {
		if (outputs[i].temporary)
			unlink(outputs[i].temporary);
	}
	return error;
}

bool file_is_one(const char *path, const char *other)
{
	struct stat a, b;

	if (strcmp(path, other) == 0)
		return true;
	return stat(path, &a) == 0 && stat(other, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}
