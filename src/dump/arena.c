#include "dump/arena.h"

#include <stdalign.h>
#include <stdlib.h>

struct arena_block {
	struct arena_block *next;
	alignas(max_align_t) unsigned char bytes[];
};

#define ARENA_BLOCK_BYTES 65536u

void *arena_take(struct arena *arena, size_t size)
{
	size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	if (!arena->blocks || size > arena->size - arena->used) {
		size_t bytes = size > ARENA_BLOCK_BYTES ? size : ARENA_BLOCK_BYTES;
		struct arena_block *block = calloc(1, sizeof *block + bytes);
		if (!block)
			return NULL;
		block->next = arena->blocks;
		arena->blocks = block;
		arena->size = bytes;
		arena->used = 0;
	}
	void *taken = arena->blocks->bytes + arena->used;
	arena->used += size;
	return taken;
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
	size_t bytes;
	if (__builtin_mul_overflow(count, size, &bytes) || bytes > (size_t)1 << 40)
		return NULL;
	return arena_take(arena, bytes);
}

void arena_free(struct arena *arena)
{
	while (arena->blocks) {
		struct arena_block *block = arena->blocks;
		arena->blocks = block->next;
		free(block);
	}
	arena->used = arena->size = 0;
}
