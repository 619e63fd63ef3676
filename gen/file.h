/* Files: read whole, up to a bound; replaced whole, or not at all. */
#ifndef GEN_FILE_H
#define GEN_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "arena.h"

struct file_content {
	char *data; /* NUL-terminated */
	size_t size;
};

/* 0, -EFBIG when there is more than max_bytes, or another negative errno. */
int file_read(struct arena *a, const char *path, size_t max_bytes, struct file_content *content);

/* A file that is going to be replaced. */
struct file_output {
	const char *path;
	const char *data;
	size_t size;
	bool keep_same; /* same content: leave the file and its time stamp alone */
	char *temporary;
};

/* Writes every output beside its place, and only when all are written moves them there, in order.
 * 0, or a negative errno with *failed the output that it happened to. */
int file_replace(struct arena *a, struct file_output *outputs, size_t count,
		 const struct file_output **failed);

/* Does the file hold exactly this? */
bool file_is_same(struct arena *a, const struct file_output *output);

/* Are both paths one file, whether it exists or not? */
bool file_is_one(const char *path, const char *other);

#endif
