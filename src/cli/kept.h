/* Copies of entries that live on when their batch is gone. */
#ifndef RILL_CLI_KEPT_H
#define RILL_CLI_KEPT_H

#include <rill/sink.h>

struct kept_entry {
	struct rill_entry entry; /* of the copy */
	struct rill_catalogs catalogs;
	const void *origin; /* of the batch */
	size_t size;        /* bytes that the copy takes */
};

/* The record or span with its values, and the spans around it with theirs. One block, for free().
 * NULL: no memory. Catalogs are those of the batch, and must live as long. */
struct kept_entry *keep_entry(const struct rill_entry *entry, const struct rill_catalogs *catalogs,
			      const void *origin);

#endif
