#include "emit.h"

#include <string.h>

#include "hash.h"
#include "ids.h"

static uint64_t add_number(uint64_t hash, uint64_t number)
{
	unsigned char bytes[8];

	for (int i = 0; i < 8; i++)
		bytes[i] = (unsigned char)(number >> (8 * i));
	return hash_bytes(hash, bytes, sizeof(bytes));
}

static uint64_t add_text(uint64_t hash, const char *text)
{
	hash = add_number(hash, strlen(text));
	return hash_bytes(hash, text, strlen(text));
}

/* Every number as 8 bytes, lowest first; every string after its length; every table after its
 * count. */
uint64_t emit_hash(const struct page *page, struct arena *a)
{
	struct ids ids = ids_sort(page, a);
	uint64_t h = add_text(HASH_START, page->catalog);

	h = add_number(h, page->nsubsystems);
	for (size_t i = 0; i < page->nsubsystems; i++)
		h = add_text(h, ids.subsystems[i]->name);
	h = add_number(h, page->nevents);
	for (size_t i = 0; i < page->nevents; i++) {
		const struct page_event *e = ids.events[i];

		h = add_text(add_text(add_text(h, e->name), e->brief), e->text);
		h = add_number(h, e->nkeys);
		for (size_t k = 0; k < e->nkeys; k++)
			h = add_number(h, page->keys[e->keys[k]].id);
		h = add_number(h, page->subsystems[e->subsystem].id);
		h = add_number(add_number(h, e->level), e->flags);
	}
	h = add_number(h, page->nkeys);
	for (size_t i = 0; i < page->nkeys; i++) {
		h = add_text(add_text(h, ids.keys[i]->name), ids.keys[i]->text);
		h = add_number(add_number(h, ids.keys[i]->types), ids.keys[i]->flags);
		h = add_number(h, ids.keys[i]->refers == MAP_NONE
					  ? RILL_NO_KEY
					  : page->keys[ids.keys[i]->refers].id);
	}
	h = add_number(h, page->nspans);
	for (size_t i = 0; i < page->nspans; i++) {
		const struct page_span *s = ids.spans[i];

		h = add_text(h, s->name);
		h = add_number(h, page->events[s->start].id);
		h = add_number(h, page->events[s->end].id);
		h = add_number(h, s->key == MAP_NONE ? RILL_NO_KEY : page->keys[s->key].id);
	}
	return h;
}
