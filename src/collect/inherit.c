#include <rill/sink.h>

static bool has_key(const struct rill_item *items, size_t count, uint16_t key)
{
	for (size_t i = 0; i < count; i++) {
		if (items[i].key == key)
			return true;
	}
	return false;
}

static bool is_listed(const struct rill_item **items, size_t count, uint16_t key)
{
	for (size_t i = 0; i < count; i++) {
		if (items[i]->key == key)
			return true;
	}
	return false;
}

/* The innermost span that gives this record keys. */
static const struct rill_span *first_giver(const struct rill_record *record)
{
	const struct rill_span *span = record->span;
	if (span && span->catalog == record->catalog && record->event_id == span->span->start)
		return span->parent;
	return span;
}

size_t rill_record_inherited(const struct rill_record *record, const struct rill_item **items,
			     size_t max)
{
	size_t count = 0;
	const struct rill_span *span = first_giver(record);
	for (; span && count < max; span = span->parent) {
		/* A key id means something in its own catalog only. */
		if (span->catalog != record->catalog)
			continue;
		for (size_t i = 0; i < span->nstart_items && count < max; i++) {
			const struct rill_item *item = &span->start_items[i];
			if (!has_key(record->items, record->nitems, item->key) &&
			    !is_listed(items, count, item->key))
				items[count++] = item;
		}
	}
	return count;
}
