/* A growing buffer that is filled, written out and filled again: no allocation once it is large
 * enough. */
#ifndef RILL_SINK_BUFFER_H
#define RILL_SINK_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

struct buffer {
	char *data; /* not NUL-terminated */
	size_t size;
	size_t capacity;
	bool broken; /* there was no memory for something: the content has a gap */
};

/* Room for `size` more bytes behind the content: NULL when there is no memory. */
char *buffer_reserve(struct buffer *buffer, size_t size);
/* Where the content ends: for writing into what was reserved, and then buffer_end(). */
static inline char *buffer_at(const struct buffer *buffer)
{
	return buffer->data + buffer->size;
}
static inline void buffer_end(struct buffer *buffer, const char *at)
{
	buffer->size = (size_t)(at - buffer->data);
}
/* In the middle of such writing: room for `size` more bytes behind `at`, which moves when the
 * buffer grows. NULL: no memory. */
static inline char *buffer_more(struct buffer *buffer, char *at, size_t size)
{
	if (__builtin_expect(size <= (size_t)(buffer->data + buffer->capacity - at), 1))
		return at;
	buffer_end(buffer, at);
	return buffer_reserve(buffer, size);
}

void buffer_put(struct buffer *buffer, const void *bytes, size_t size);
void buffer_text(struct buffer *buffer, const char *text);
void buffer_char(struct buffer *buffer, char c);
void buffer_fill(struct buffer *buffer, char c, size_t count);
/* Content only; the memory stays. */
void buffer_clear(struct buffer *buffer);
/* Safe in a forked child, whatever the parent's threads were doing with the buffer. */
void buffer_free(struct buffer *buffer);

#endif
