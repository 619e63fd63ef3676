/* Memory that lives as long as the run: taken piece by piece, given back all at once. */
#ifndef GEN_ARENA_H
#define GEN_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena {
	struct arena_chunk *chunks;
};

/* Zeroed and aligned for any type. Out of memory ends the program (exit 1): nothing was written
 * yet. */
void *arena_alloc(struct arena *a, size_t size_bytes);
char *arena_copy(struct arena *a, const char *text, size_t length);
char *arena_print(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprint(struct arena *a, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

/* Room for one more item in an array of `count` items: returns the array, moved if it was full.
 * Capacities are powers of two from 16 on, so the count alone tells whether the array is full. */
void *arena_grow(struct arena *a, void *items, size_t count, size_t item_bytes);

void arena_free(struct arena *a);

#endif
