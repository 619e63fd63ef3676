/*
 * The explorer's book of memory: what each piece held at the beginning of an execution, who has
 * accessed it, and what is special about it.
 */
#include "memory.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK  64u /* cells behind one another */
#define BLOCKS 4096u

static bool executing; /* not while the scene is being set */

static struct block {
	uintptr_t key; /* address / CELL / BLOCK; 0: free */
	struct cell *cells;
} blocks[BLOCKS];
static unsigned nblocks;
static struct cell *touched[BLOCKS * BLOCK / 2], *dirty[BLOCKS * BLOCK / 2];
static unsigned ntouched, ndirty;
static uint64_t hash_of_all;

struct range {
	uintptr_t from, size;
};
static struct range wide[8], twice[16], private_to_threads[8];
static unsigned nwide, ntwice, nprivate;

/* --- hashes -------------------------------------------------------------------------------- */

uint64_t hash_word(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 29;
}

uint64_t hash_bytes(uint64_t seed, const void *bytes, size_t size)
{
	const unsigned char *from = bytes;
	uint64_t word, hash = hash_word(seed, size);
	for (; size >= 8; from += 8, size -= 8) {
		memcpy(&word, from, 8);
		hash = hash_word(hash, word);
	}
	word = 0;
	memcpy(&word, from, size);
	return hash_word(hash, word);
}

/* --- what memory is ------------------------------------------------------------------------ */

static bool within(const struct range *ranges, unsigned count, uintptr_t at)
{
	for (unsigned i = 0; i < count; i++)
		if (at - ranges[i].from < ranges[i].size)
			return true;
	return false;
}

void memory_wide(const void *from, size_t size)
{
	wide[nwide++] = (struct range){(uintptr_t)from, size};
}

void memory_private(const void *from, size_t size)
{
	private_to_threads[nprivate++] = (struct range){(uintptr_t)from, size};
}

bool memory_is_private(const void *address)
{
	return within(private_to_threads, nprivate, (uintptr_t)address);
}

void memory_twice(const void *from, size_t size)
{
	twice[ntwice++] = (struct range){(uintptr_t)from + size, size};
}

uintptr_t memory_first(uintptr_t at)
{
	for (unsigned i = 0; i < ntwice; i++)
		if (at - twice[i].from < twice[i].size)
			return at - twice[i].size;
	return at;
}

bool memory_is_wide(uintptr_t at)
{
	return within(wide, nwide, at);
}

uintptr_t memory_word(uintptr_t at)
{
	return memory_is_wide(at) ? at / 8 * 8 : at;
}

/* --- cells --------------------------------------------------------------------------------- */

static void new_block(struct block *block, uintptr_t key)
{
	CHECK(++nblocks < BLOCKS / 2, "more memory than the explorer keeps");
	block->key = key;
	block->cells = calloc(BLOCK, sizeof *block->cells);
	for (uintptr_t i = 0; i < BLOCK; i++)
		block->cells[i].key = key * BLOCK + i;
}

struct cell *cell_of(uintptr_t key)
{
	static struct block *last = blocks;
	if (last->key != key / BLOCK) {
		uintptr_t i = (key / BLOCK * UINT64_C(0x9e3779b97f4a7c15)) >> 48;
		while (blocks[i % BLOCKS].key != key / BLOCK && blocks[i % BLOCKS].key)
			i++;
		last = &blocks[i % BLOCKS];
		if (!last->key)
			new_block(last, key / BLOCK);
	}
	struct cell *cell = &last->cells[key % BLOCK];
	if (!cell->touched) {
		cell->touched = true;
		touched[ntouched++] = cell;
	}
	if (!cell->dirty) {
		cell->dirty = true;
		dirty[ndirty++] = cell;
	}
	return cell;
}

void cell_written(struct cell *cell)
{
	if (!cell->written)
		memcpy(&cell->first, (void *)(cell->key * CELL), CELL);
	cell->written = true;
}

void cells_written(uintptr_t from, size_t size)
{
	if (!executing || memory_is_private((void *)from))
		return;
	for (uintptr_t at = from / CELL * CELL; at < from + size; at += CELL)
		cell_written(cell_of(at / CELL));
}

void cells_reset(void)
{
	for (; ntouched > 0; ntouched--) {
		struct cell *cell = touched[ntouched - 1];
		if (cell->written)
			memcpy((void *)(cell->key * CELL), &cell->first, CELL);
		cell->touched = cell->written = cell->dirty = false;
		cell->users = 0;
		cell->hashed = 0;
		memset(&cell->clock, 0, sizeof cell->clock);
	}
	executing = true;
	ndirty = 0;
	hash_of_all = 0;
}

uint64_t cells_hash(void)
{
	for (; ndirty > 0; ndirty--) {
		struct cell *cell = dirty[ndirty - 1];
		uint32_t content;
		memcpy(&content, (void *)(cell->key * CELL), CELL);
		hash_of_all -= cell->hashed;
		cell->hashed =
			hash_word(hash_bytes(cell->key, &cell->clock, sizeof cell->clock), content);
		hash_of_all += cell->hashed;
		cell->dirty = false;
	}
	return hash_of_all;
}
