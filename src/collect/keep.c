/* Items of a record that is gone, for as long as their span is open. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collect/spans.h"

/* A block up to this size stays with a closed span for the next one. */
#define RECYCLED_BYTES 1024u

/* How many of a string's bytes fit into `room`, up to the end of a character. */
static uint32_t whole_characters(const unsigned char *bytes, uint32_t room)
{
	uint32_t end = room;
	while (end > 0 && room - end < 4 && (bytes[end] & 0xc0) == 0x80)
		end--;
	return (bytes[end] & 0xc0) == 0x80 ? room : end;
}

/* What of an item's bytes is kept when `room` is left; UINT32_MAX: leave the item out. */
static uint32_t kept_size(const struct rill_item *item, size_t room)
{
	if (item->size <= room || !item->bytes)
		return item->size;
	if (item->type == RILL_TYPE_STRING)
		return whole_characters(item->bytes, (uint32_t)room);
	return item->type == RILL_TYPE_BYTES ? (uint32_t)room : UINT32_MAX;
}

int keep_items(struct kept_items *kept, const struct rill_item *items, size_t count)
{
	size_t bytes = 0;
	if (!count)
		return 0;
	for (size_t i = 0; i < count; i++)
		bytes += items[i].bytes ? items[i].size : 0;
	if (bytes > KEPT_BYTES)
		bytes = KEPT_BYTES;
	size_t need = count * sizeof *items + bytes;
	if (need > kept->capacity) {
		struct rill_item *grown = realloc(kept->items, need);
		if (!grown)
			return -ENOMEM;
		kept->items = grown;
		kept->capacity = need;
	}
	int made = 0;
	unsigned char *to = (unsigned char *)(kept->items + count);
	for (size_t i = 0; i < count; i++) {
		struct rill_item *item = &kept->items[made];
		*item = items[i];
		if (items[i].bytes) {
			uint32_t size = kept_size(&items[i], bytes);
			if (size == UINT32_MAX)
				continue;
			item->cut = item->cut || size < item->size;
			item->size = size;
			item->bytes = to;
			memcpy(to, items[i].bytes, size);
			to += size;
			bytes -= size;
		}
		made++;
	}
	return made;
}

void recycle_items(struct kept_items *kept)
{
	if (kept->capacity > RECYCLED_BYTES)
		free_items(kept);
}

void free_items(struct kept_items *kept)
{
	free(kept->items);
	*kept = (struct kept_items){0};
}
