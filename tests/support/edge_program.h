/*
 * A program that emits events with values at the edges of their types, and the list of what it
 * emits. Each site is an event with certain keys, each with one type; it runs in a loop that gives
 * every key every edge of its type, each from an offset of its own.
 */
#ifndef TESTS_EDGE_PROGRAM_H
#define TESTS_EDGE_PROGRAM_H

#include "support/value.h"

#define PLAN_PAGES 2

struct site {
	size_t page; /* index into the plan's pages */
	size_t event;
	size_t nslots;
	struct {
		size_t key;
		enum rill_type type;
	} slots[16];
};

struct plan {
	const struct page *pages[PLAN_PAGES];
	struct edges edges[PLAN_PAGES];
	size_t npages;
	struct site *sites;
	size_t nsites;
};

struct plan plan_make(const struct page *first, const struct page *second);
/* An empty site of this event, at the end of the plan. Valid until the next one is added. */
struct site *plan_site(struct plan *plan, size_t page, size_t event);
void site_slot(struct site *site, size_t key, enum rill_type type);

/* Rounds of a site's loop; and whether a call with the values written in place follows it. */
size_t site_rounds(const struct plan *plan, const struct site *site);
bool site_has_literal(const struct site *site);
/* The value of a slot in a round (the last: the call with values in place). */
const struct value *site_value(const struct plan *plan, const struct site *site, size_t slot,
			       size_t round);

/* Writes main.c and part0.c to partN.c to the folder, for pages with CATALOG.h there. Returns how
 * many parts. */
size_t program_write(const struct plan *plan, const char *folder);

#endif
