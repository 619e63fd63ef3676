/* An INDEX against the blocks that it lists. */
#include <inttypes.h>
#include <stdlib.h>

#include "cli/verify.h"

/* Records that an index says stood in a block which is broken or not there. */
static void tell_lost(struct verify *verify, const struct index_entry *entry)
{
	if (entry->type == BLOCK_RECORDS && entry->records)
		verify_fault(verify, entry->position,
			     "by the index %" PRIu32 " records are lost here", entry->records);
	else
		verify_fault(verify, entry->position, "by the index a block %s is lost here",
			     block_type_name(entry->type));
}

/* Only of RECORDS it tells more; and of COUNTS, how many events were lost. */
static bool agrees(const struct verify_entry *block, const struct index_entry *entry,
		   const unsigned char *events, const unsigned char *filter)
{
	const struct index_entry *own = &block->entry;
	if (own->position != entry->position || own->first != entry->first ||
	    own->last != entry->last || own->size != entry->size || own->type != entry->type ||
	    own->process != entry->process)
		return false;
	if (own->type != BLOCK_RECORDS)
		return (own->type == BLOCK_COUNTS || !entry->records) && !entry->raw &&
		       !entry->events && !entry->filter8;
	return own->records == entry->records && own->raw == entry->raw &&
	       own->events == entry->events && own->filter8 == entry->filter8 &&
	       block->events_check == format_crc(0, events, entry->events) &&
	       block->filter_check == format_crc(0, filter, 8u * entry->filter8);
}

void verify_index(struct verify *verify, const unsigned char *body, size_t size)
{
	uint64_t at = verify->blocks.from, position = at;
	struct unpacker from = {body, body + size, false};
	uint64_t before = unpack_int(&from, 8), count = unpack_int(&from, 4);
	uint64_t events_size = unpack_int(&from, 4), filters_size = unpack_int(&from, 4);
	unpack_int(&from, 4);
	size_t next = 0;
	if (from.failed || count > INDEX_MAX_ENTRIES ||
	    size != INDEX_HEADER_SIZE + count * INDEX_ENTRY_SIZE + events_size + filters_size) {
		verify_fault(verify, at, "this index is not of the size that it says");
		return;
	}
	const unsigned char *entries = from.at, *events = entries + count * INDEX_ENTRY_SIZE;
	const unsigned char *filters = events + events_size, *filters_end = filters + filters_size;
	const unsigned char *events_end = filters;
	if (before != verify->index_position)
		verify_fault(verify, at, "this index names byte %" PRIu64 " as the index before it",
			     before);
	for (uint64_t i = 0; i < count; i++) {
		struct index_entry entry;
		index_entry_get(&entry, entries + i * INDEX_ENTRY_SIZE);
		if (entry.events > events_end - events ||
		    8 * entry.filter8 > filters_end - filters) {
			verify_fault(verify, at, "this index has less than it says");
			break;
		}
		for (; next < verify->nentries &&
		       verify->entries[next].entry.position < entry.position;
		     next++)
			verify_fault(verify, verify->entries[next].entry.position,
				     "this block is not in the index at byte %" PRIu64, position);
		const struct verify_entry *block =
			next < verify->nentries ? &verify->entries[next] : NULL;
		if (!block || block->entry.position != entry.position || block->broken)
			tell_lost(verify, &entry);
		else if (!agrees(block, &entry, events, filters))
			verify_fault(verify, entry.position,
				     "the index at byte %" PRIu64 " says something else of this "
				     "block",
				     position);
		if (block && block->entry.position == entry.position)
			next++;
		events += entry.events;
		filters += 8u * entry.filter8;
	}
	for (; next < verify->nentries; next++)
		verify_fault(verify, verify->entries[next].entry.position,
			     "this block is not in the index at byte %" PRIu64, position);
}
