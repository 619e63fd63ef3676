/* A page's items by id: the order of the generated tables. */
#ifndef GEN_IDS_H
#define GEN_IDS_H

#include "arena.h"
#include "page.h"

struct ids {
	const struct page_subsystem **subsystems;
	const struct page_event **events;
	const struct page_key **keys;
	const struct page_span **spans;
};

/* Ids are dense once lock_apply() has given them, so every place is taken. */
struct ids ids_sort(const struct page *page, struct arena *a);

#endif
