#include "sink/buffer.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 4096u

char *buffer_reserve(struct buffer *buffer, size_t size)
{
	if (size <= buffer->capacity - buffer->size)
		return buffer->data + buffer->size;
	size_t capacity = buffer->capacity ? buffer->capacity : FIRST_CAPACITY;
	while (capacity - buffer->size < size) {
		if (capacity > SIZE_MAX / 2) {
			buffer->broken = true;
			return NULL;
		}
		capacity *= 2;
	}
	char *larger = malloc(capacity);
	if (!larger) {
		buffer->broken = true;
		return NULL;
	}
	char *old = buffer->data;
	if (buffer->size)
		memcpy(larger, old, buffer->size);
	/* Before the old memory is freed, so that a child of fork() never finds `data` dangling:
	 * this is why it is not realloc(). */
	__atomic_store_n(&buffer->data, larger, __ATOMIC_RELEASE);
	buffer->capacity = capacity;
	free(old);
	return larger + buffer->size;
}

void buffer_put(struct buffer *buffer, const void *bytes, size_t size)
{
	char *to = size ? buffer_reserve(buffer, size) : NULL;
	if (!to)
		return;
	memcpy(to, bytes, size);
	buffer->size += size;
}

void buffer_text(struct buffer *buffer, const char *text)
{
	buffer_put(buffer, text, strlen(text));
}

void buffer_char(struct buffer *buffer, char c)
{
	buffer_put(buffer, &c, 1);
}

void buffer_fill(struct buffer *buffer, char c, size_t count)
{
	char *to = count ? buffer_reserve(buffer, count) : NULL;
	if (!to)
		return;
	memset(to, c, count);
	buffer->size += count;
}

void buffer_clear(struct buffer *buffer)
{
	buffer->size = 0;
	buffer->broken = false;
}

void buffer_free(struct buffer *buffer)
{
	char *data = buffer->data;
	__atomic_store_n(&buffer->data, NULL, __ATOMIC_RELEASE);
	free(data);
	*buffer = (struct buffer){0};
}
