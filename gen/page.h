/* What a page says: subsystems, events, keys and spans, in page order, each with its line. */
#ifndef GEN_PAGE_H
#define GEN_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rill/catalog.h>
#include <rill/types.h>

#include "map.h"

/* Bounds of what stands in a cell, in bytes. MAX_TEXT keeps every string of the generated tables
 * within what a C compiler must accept (C11 5.2.4.1: 4095 characters). */
#define PAGE_MAX_NAME       127u
#define PAGE_MAX_TEXT       4095u
#define PAGE_MAX_SUBSYSTEMS 4096u

struct page_subsystem {
	const char *name;
	size_t line;
	uint16_t id;
};

struct page_event {
	const char *name;
	const char *symbol; /* name as part of a C identifier */
	const char *brief;
	const char *text;
	const char *key_names; /* cell Keys as written, until check.c resolves it */
	uint16_t *keys;        /* indexes into page.keys */
	size_t nkeys;
	size_t subsystem; /* index into page.subsystems */
	size_t line;
	uint16_t id;
	uint8_t level;
	uint8_t flags;
};

struct page_key {
	const char *name;
	const char *symbol;
	const char *text;
	uint8_t order[RILL_TYPE_COUNT]; /* its types as the page lists them */
	size_t ntypes;
	uint16_t types;
	uint8_t flags;
	const char *link_name; /* key that Link names, "" for none */
	size_t refers;         /* and its index into page.keys; MAP_NONE for none */
	uint16_t id;
	size_t line;
};

struct page_span {
	const char *name;
	const char *start_name;
	const char *end_name;
	const char *key_name; /* "-" for none */
	size_t start;         /* indexes into page.events and page.keys */
	size_t end;
	size_t key; /* MAP_NONE for none */
	size_t line;
	uint16_t id;
};

struct page {
	const char *path;
	const char *catalog; /* --name */
	struct page_subsystem *subsystems;
	struct page_event *events;
	struct page_key *keys;
	struct page_span *spans;
	size_t nsubsystems;
	size_t nevents;
	size_t nkeys;
	size_t nspans;
	struct map subsystem_names;
	struct map event_names;
	struct map key_names;
	struct map span_names;
	bool partial; /* a table was not read: references can't be judged */
};

/* The names of value types as pages and lock files write them, by enum rill_type. */
extern const char *const page_type_names[RILL_TYPE_COUNT];
/* By enum rill_level; those that an event can have. */
extern const char *const page_level_names[RILL_OFF];

#endif
