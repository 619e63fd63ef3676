/*
 * A catalog: the events, keys and spans of one documentation page, as constant tables.
 *
 * rill-gen writes these tables from the page; nobody writes them by hand. Every id (event, key,
 * span, subsystem) is an index into its table: ids are dense and pinned by the page's lock file.
 * All strings are UTF-8, NUL-terminated and never NULL.
 */
#ifndef RILL_CATALOG_H
#define RILL_CATALOG_H

#include <stddef.h>
#include <stdint.h>

#include <rill/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Raised whenever a structure below or struct rill__gate changes. */
#define RILL_CATALOG_LAYOUT 2u

/* Bounds of one catalog; rill-gen refuses a page beyond them. */
#define RILL_CATALOG_MAX_EVENTS 16384u
#define RILL_CATALOG_MAX_KEYS   4096u
#define RILL_CATALOG_MAX_SPANS  1024u

/* A span without a key: one at a time per process. A key that refers to no other. */
#define RILL_NO_KEY UINT16_MAX

enum rill_event_flags {
	RILL_LOSS_NEVER = 1 << 0, /* column Loss says `never`: kept longest */
};

enum rill_key_flags {
	RILL_KEY_LINK = 1 << 0,     /* column Link is not empty: joins records across spans */
	RILL_KEY_PERSONAL = 1 << 1, /* column Privacy says `personal` */
	RILL_KEY_SECRET = 1 << 2,   /* column Privacy says `secret` */
	RILL_KEY_GLOBAL = 1 << 3,   /* column Link says `yes`: also across processes and hosts */
};

struct rill_catalog_event {
	const char *name;     /* as on the page: "smtp.ehlo" */
	const char *brief;    /* column Short */
	const char *text;     /* column Long */
	const uint16_t *keys; /* column Keys: informative, NULL when there are none */
	uint16_t nkeys;
	uint16_t subsystem;
	uint8_t level; /* enum rill_level */
	uint8_t flags; /* enum rill_event_flags */
};

struct rill_catalog_key {
	const char *name; /* as on the page: "spanId" */
	const char *text; /* column Description */
	uint16_t types;   /* enum rill_type_set */
	uint8_t flags;    /* enum rill_key_flags */
	/* Of a link key whose column Link names a key: that one. The value is one that another
	 * process has under it. Else RILL_NO_KEY. */
	uint16_t refers;
};

struct rill_catalog_span {
	const char *name; /* "smtp.connection" */
	uint16_t start;   /* event ids */
	uint16_t end;
	uint16_t key; /* key id, or RILL_NO_KEY */
};

struct rill_catalog {
	uint32_t layout;  /* RILL_CATALOG_LAYOUT */
	uint32_t size;    /* sizeof(struct rill_catalog) */
	uint64_t hash;    /* FNV-1a 64 of the content: the same content has the same hash */
	const char *name; /* a C identifier, "stalwart" */
	const char *const *subsystems; /* headings, in page order */
	const struct rill_catalog_event *events;
	const struct rill_catalog_key *keys;
	const struct rill_catalog_span *spans;
	uint16_t nsubsystems;
	uint16_t nevents;
	uint16_t nkeys;
	uint16_t nspans;
};

#ifdef __cplusplus
}
#endif
#endif
