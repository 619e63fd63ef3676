#include "ids.h"

struct ids ids_sort(const struct page *page, struct arena *a)
{
	struct ids ids = {
		.subsystems = arena_alloc(a, (page->nsubsystems + 1) * sizeof(void *)),
		.events = arena_alloc(a, (page->nevents + 1) * sizeof(void *)),
		.keys = arena_alloc(a, (page->nkeys + 1) * sizeof(void *)),
		.spans = arena_alloc(a, (page->nspans + 1) * sizeof(void *)),
	};

	for (size_t i = 0; i < page->nsubsystems; i++)
		ids.subsystems[page->subsystems[i].id] = &page->subsystems[i];
	for (size_t i = 0; i < page->nevents; i++)
		ids.events[page->events[i].id] = &page->events[i];
	for (size_t i = 0; i < page->nkeys; i++)
		ids.keys[page->keys[i].id] = &page->keys[i];
	for (size_t i = 0; i < page->nspans; i++)
		ids.spans[page->spans[i].id] = &page->spans[i];
	return ids;
}
