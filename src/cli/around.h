/* What stands around a hit in its own thread or span: -A, -B and -C of `rill grep`. */
#ifndef RILL_CLI_AROUND_H
#define RILL_CLI_AROUND_H

#include "cli/cli.h"

struct around;

struct around_options {
	size_t before;
	size_t after;
	bool by_span;         /* else by thread */
	const char *between;  /* a line between what does not follow each other; NULL: none */
	struct output output; /* gets the hits and what is around them */
};

/* NULL: no memory. */
struct around *around_new(const struct around_options *options);
void around_free(struct around *around);
/* The next entry. Entries without a thread or span of their own have nothing around them. False: no
 * memory. */
bool around_put(struct around *around, const struct rill_entry *entry,
		const struct rill_catalogs *catalogs, const void *origin, bool hit);
/* Something is still to come after a hit. */
bool around_waits(const struct around *around);

#endif
