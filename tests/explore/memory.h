/* What memory.c and cells.c share. */
#ifndef EXPLORE_MEMORY_H
#define EXPLORE_MEMORY_H

#include "explore.h"

/* Bytes that are taken for one when races are looked for. Each may be an atomic of its own. */
#define CELL 4u

struct cell {
	uintptr_t key;           /* address / CELL */
	uint32_t first;          /* its content at the beginning of each execution */
	uint16_t location[CELL]; /* + 1: of each byte */
	bool touched, written, dirty;
	uint8_t users; /* in this execution: a bit for each */
	uint64_t hashed;
	struct {
		uint8_t plain_write[THREADS], plain_read[THREADS];
		uint8_t write[THREADS], read[THREADS];
	} clock;
};

/* `key`: an address / CELL. */
struct cell *cell_of(uintptr_t key);
/* About to be: it is set back before the next execution. */
void cell_written(struct cell *cell);
void cells_written(uintptr_t from, size_t size);
void cells_reset(void);
uint64_t cells_hash(void);
uint64_t hash_word(uint64_t hash, uint64_t word);

/* Where memory that is mapped twice stands first. */
uintptr_t memory_first(uintptr_t at);
/* The word that holds it, where words are stored. */
uintptr_t memory_word(uintptr_t at);
bool memory_is_wide(uintptr_t at);

#endif
