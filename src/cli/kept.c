#include "cli/kept.h"

#include <stdlib.h>
#include <string.h>

/* Walked twice: to measure (`to` is NULL) and to copy. */
struct copying {
	unsigned char *to;
	size_t used;
};

static void *take(struct copying *copying, const void *from, size_t size)
{
	unsigned char *at = copying->to ? copying->to + copying->used : NULL;
	if (at && size)
		memcpy(at, from, size);
	copying->used += (size + 15) & ~(size_t)15;
	return at;
}

static void copy_bytes(struct copying *copying, struct rill_item *copies,
		       const struct rill_item *items, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!items[i].bytes)
			continue;
		unsigned char *bytes = take(copying, items[i].bytes, items[i].size);
		if (copies)
			copies[i].bytes = bytes;
	}
}

static const struct rill_item *copy_items(struct copying *copying, const struct rill_item *items,
					  size_t count)
{
	struct rill_item *copies = take(copying, items, count * sizeof *items);
	copy_bytes(copying, copies, items, count);
	return copies;
}

static const struct rill_span *copy_spans(struct copying *copying, const struct rill_span *span)
{
	const struct rill_span *first = NULL;
	struct rill_span *last = NULL;
	for (; span; span = span->parent) {
		struct rill_span *copy = take(copying, span, sizeof *span);
		const struct rill_item *start =
			copy_items(copying, span->start_items, span->nstart_items);
		const struct rill_item *end =
			copy_items(copying, span->end_items, span->nend_items);
		if (!copy)
			continue;
		copy->start_items = start;
		copy->end_items = end;
		if (last)
			last->parent = copy;
		else
			first = copy;
		last = copy;
	}
	return first;
}

static void copy_entry(struct copying *copying, const struct rill_entry *entry,
		       struct rill_entry *copy)
{
	const struct rill_record *record = entry->record;
	if (!record) {
		copy->span = copy_spans(copying, entry->span);
		return;
	}
	/* A record of a batch has memory for as many items as it has. */
	struct rill_record *made = take(copying, record,
					offsetof(struct rill_record, items) +
						record->nitems * sizeof record->items[0]);
	copy_bytes(copying, made ? made->items : NULL, record->items, record->nitems);
	const struct rill_span *around = copy_spans(copying, record->span);
	if (made)
		made->span = around;
	copy->record = made;
}

struct kept_entry *keep_entry(const struct rill_entry *entry, const struct rill_catalogs *catalogs,
			      const void *origin)
{
	struct copying copying = {NULL, (sizeof(struct kept_entry) + 15) & ~(size_t)15};
	struct rill_entry nothing = {NULL, NULL};
	copy_entry(&copying, entry, &nothing);
	struct kept_entry *kept = malloc(copying.used);
	if (!kept)
		return NULL;
	*kept = (struct kept_entry){.catalogs = *catalogs, .origin = origin, .size = copying.used};
	copying = (struct copying){(unsigned char *)kept,
				   (sizeof(struct kept_entry) + 15) & ~(size_t)15};
	copy_entry(&copying, entry, &kept->entry);
	return kept;
}
