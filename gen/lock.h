/* The lock file: which id every name has, for ever. Its format is described in docs/catalog.md. */
#ifndef GEN_LOCK_H
#define GEN_LOCK_H

#include <stdbool.h>
#include <stddef.h>

#include "arena.h"
#include "buffer.h"
#include "page.h"
#include "report.h"

#define LOCK_MAX_BYTES ((size_t)8 << 20)

enum lock_kind { LOCK_EVENT, LOCK_KEY, LOCK_SPAN, LOCK_SUBSYSTEM, LOCK_KINDS };

struct lock_entry {
	const char *name;
	uint16_t types; /* of a key */
	size_t line;    /* the last that speaks of it */
};

struct lock {
	const char *path;
	bool exists;
	const char *data; /* as it is on disk */
	size_t size;
	struct lock_entry *entries[LOCK_KINDS]; /* by id */
	size_t counts[LOCK_KINDS];
	struct map names[LOCK_KINDS];
};

/* Reads the file at `path`; one that doesn't exist is empty. */
void lock_read(struct lock *lock, const char *path, struct arena *a, struct report *r);

/* Gives every name of the page its id: the one that the lock file pins, or the next free one, in
 * page order. What must be added to the lock file is added to `appended`. With `locked`, having to
 * add is an error. */
void lock_apply(const struct lock *lock, struct page *page, bool locked, struct buffer *appended,
		struct arena *a, struct report *r);

extern const char *const lock_kind_names[LOCK_KINDS];

#endif
