/* Names to indexes: how duplicates and references are found in a page of thousands of rows. */
#ifndef GEN_MAP_H
#define GEN_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "arena.h"

#define MAP_NONE SIZE_MAX

struct map {
	struct map_slot *slots;
	size_t room; /* a power of two, or 0 */
	size_t count;
};

/* The index stored for `name`, or MAP_NONE. */
size_t map_find(const struct map *m, const char *name);

/* Stores name -> index. Returns MAP_NONE, or the index that the name already had (which stays).
 * `name` is not copied. */
size_t map_add(struct map *m, struct arena *a, const char *name, size_t index);

#endif
