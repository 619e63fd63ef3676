#include "arena.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct arena_chunk {
	struct arena_chunk *next;
	size_t used;
	size_t size;
	alignas(max_align_t) char data[];
};

#define CHUNK_BYTES ((size_t)64 << 10)

void *arena_alloc(struct arena *a, size_t size_bytes)
{
	const size_t align = alignof(max_align_t);
	size_t size = (size_bytes + align - 1) & ~(align - 1);
	struct arena_chunk *c = a->chunks;

	if (!c || c->size - c->used < size) {
		size_t room = size > CHUNK_BYTES ? size : CHUNK_BYTES;

		c = calloc(1, sizeof(*c) + room);
		if (!c) {
			fputs("rill-gen: out of memory\n", stderr);
			exit(1);
		}
		c->size = room;
		c->next = a->chunks;
		a->chunks = c;
	}
	c->used += size;
	return c->data + (c->used - size);
}

char *arena_copy(struct arena *a, const char *text, size_t length)
{
	char *s = arena_alloc(a, length + 1);

	memcpy(s, text, length);
	return s;
}

char *arena_vprint(struct arena *a, const char *format, va_list args)
{
	va_list again;
	int length;
	char *s;

	va_copy(again, args);
	length = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (length < 0)
		return arena_copy(a, "", 0);
	s = arena_alloc(a, (size_t)length + 1);
	vsnprintf(s, (size_t)length + 1, format, args);
	return s;
}

char *arena_print(struct arena *a, const char *format, ...)
{
	va_list args;
	char *s;

	va_start(args, format);
	s = arena_vprint(a, format, args);
	va_end(args);
	return s;
}

void *arena_grow(struct arena *a, void *items, size_t count, size_t item_bytes)
{
	void *moved;

	if (count == 0)
		return arena_alloc(a, 16 * item_bytes);
	if (count < 16 || (count & (count - 1)) != 0)
		return items;
	moved = arena_alloc(a, 2 * count * item_bytes);
	memcpy(moved, items, count * item_bytes);
	return moved;
}

void arena_free(struct arena *a)
{
	while (a->chunks) {
		struct arena_chunk *next = a->chunks->next;

		free(a->chunks);
		a->chunks = next;
	}
}
