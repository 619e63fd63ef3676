/* A string that grows: what an output file will hold. */
#ifndef GEN_BUFFER_H
#define GEN_BUFFER_H

#include <stddef.h>

struct buffer {
	char *data; /* NUL-terminated once anything was added */
	size_t size;
	size_t room;
};

void buffer_add(struct buffer *b, const char *data, size_t size_bytes);
void buffer_puts(struct buffer *b, const char *text);
void buffer_print(struct buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buffer_free(struct buffer *b);

#endif
