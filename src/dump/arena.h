/* Memory that is given back all at once. */
#ifndef RILL_DUMP_ARENA_H
#define RILL_DUMP_ARENA_H

#include <stddef.h>

struct arena {
	struct arena_block *blocks;
	size_t used; /* of the first block */
	size_t size;
};

/* Zeroed, aligned for any type. NULL: no memory. */
void *arena_take(struct arena *arena, size_t size);
/* Likewise an array; NULL also when count * size is not a size. */
void *arena_array(struct arena *arena, size_t count, size_t size);
void arena_free(struct arena *arena);

#endif
