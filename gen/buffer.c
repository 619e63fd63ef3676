#include "buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void reserve(struct buffer *b, size_t more)
{
	size_t room = b->room ? b->room : 4096;

	if (b->room - b->size > more)
		return;
	while (room - b->size <= more)
		room *= 2;
	b->data = realloc(b->data, room);
	if (!b->data) {
		fputs("rill-gen: out of memory\n", stderr);
		exit(1);
	}
	b->room = room;
}

void buffer_add(struct buffer *b, const char *data, size_t size_bytes)
{
	reserve(b, size_bytes);
	if (size_bytes)
		memcpy(b->data + b->size, data, size_bytes);
	b->size += size_bytes;
	b->data[b->size] = '\0';
}

void buffer_puts(struct buffer *b, const char *text)
{
	buffer_add(b, text, strlen(text));
}

void buffer_print(struct buffer *b, const char *format, ...)
{
	va_list args, again;
	int length;

	va_start(args, format);
	va_copy(again, args);
	length = vsnprintf(NULL, 0, format, args);
	if (length > 0) {
		reserve(b, (size_t)length);
		vsnprintf(b->data + b->size, (size_t)length + 1, format, again);
		b->size += (size_t)length;
	}
	va_end(again);
	va_end(args);
}

void buffer_free(struct buffer *b)
{
	free(b->data);
	*b = (struct buffer){0};
}
