#include "map.h"

#include <string.h>

#include "hash.h"

struct map_slot {
	const char *name; /* NULL: free */
	size_t index;
};

/* Open addressing with linear probing; at most half full, so a free slot always ends the search. */
static struct map_slot *probe(const struct map *m, const char *name)
{
	size_t at = (size_t)hash_bytes(HASH_START, name, strlen(name)) & (m->room - 1);

	while (m->slots[at].name && strcmp(m->slots[at].name, name) != 0)
		at = (at + 1) & (m->room - 1);
	return &m->slots[at];
}

size_t map_find(const struct map *m, const char *name)
{
	const struct map_slot *s = m->room ? probe(m, name) : NULL;

	return s && s->name ? s->index : MAP_NONE;
}

static void grow(struct map *m, struct arena *a)
{
	struct map old = *m;

	m->room = old.room ? 2 * old.room : 64;
	m->slots = arena_alloc(a, m->room * sizeof(*m->slots));
	for (size_t i = 0; i < old.room; i++) {
		if (old.slots[i].name)
			*probe(m, old.slots[i].name) = old.slots[i];
	}
}

size_t map_add(struct map *m, struct arena *a, const char *name, size_t index)
{
	struct map_slot *s;

	if (2 * m->count >= m->room)
		grow(m, a);
	s = probe(m, name);
	if (s->name)
		return s->index;
	*s = (struct map_slot){name, index};
	m->count++;
	return MAP_NONE;
}
