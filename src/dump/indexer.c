/* The writer's index: what an INDEX block says of those before it. */
#include <stdlib.h>
#include <string.h>

#include "dump/writer.h"

/* Chunks of about 10 KiB: a group of them is some ten MiB. */
#define GROUP_BLOCKS 1024u
#define GROUP_BYTES  (4u << 20)

static bool has_room(struct indexer *indexer)
{
	if (!indexer->entries)
		indexer->entries = malloc((size_t)INDEX_MAX_ENTRIES * INDEX_ENTRY_SIZE);
	if (!indexer->entries || indexer->count == INDEX_MAX_ENTRIES)
		indexer->lost = true;
	return !indexer->lost;
}

void indexer_add(struct indexer *indexer, const struct block *block,
		 const struct chunk_summary *summary, uint32_t records)
{
	if (indexer->lost || !has_room(indexer))
		return;
	struct index_entry entry = {.position = block->position,
				    .first = block->first,
				    .last = block->last,
				    .size = (uint32_t)block->size,
				    .records = records,
				    .type = block->type,
				    .process = block->process};
	if (indexer->count == 0) {
		indexer->first = NO_TIME_FIRST;
		indexer->last = NO_TIME_LAST;
	}
	if (summary) {
		entry.records = (uint32_t)summary->records;
		entry.raw = (uint32_t)summary->raw;
		if (summary->events_size <= UINT16_MAX)
			entry.events = (uint16_t)summary->events_size;
		entry.filter8 = (uint16_t)(summary->filter_size / 8);
		pack_bytes(&indexer->events, summary->events, entry.events);
		pack_bytes(&indexer->filters, summary->filter, summary->filter_size);
		indexer->first = block->first < indexer->first ? block->first : indexer->first;
		indexer->last = block->last > indexer->last ? block->last : indexer->last;
	}
	index_entry_put(indexer->entries + (size_t)INDEX_ENTRY_SIZE * indexer->count++, &entry);
	indexer->lost = indexer->events.failed || indexer->filters.failed;
}

bool indexer_is_due(const struct indexer *indexer)
{
	return !indexer->lost && (indexer->count >= GROUP_BLOCKS ||
				  indexer->events.size + indexer->filters.size >= GROUP_BYTES);
}

void indexer_parts(struct indexer *indexer, struct iovec parts[INDEX_PARTS],
		   unsigned char head[INDEX_HEADER_SIZE])
{
	struct packer packer = {.bytes = head, .capacity = INDEX_HEADER_SIZE};
	pack_int(&packer, indexer->previous, 8);
	pack_int(&packer, indexer->count, 4);
	pack_int(&packer, indexer->events.size, 4);
	pack_int(&packer, indexer->filters.size, 4);
	pack_int(&packer, 0, 4);
	parts[0] = (struct iovec){head, INDEX_HEADER_SIZE};
	parts[1] = (struct iovec){indexer->entries, (size_t)INDEX_ENTRY_SIZE * indexer->count};
	parts[2] = (struct iovec){indexer->events.bytes, indexer->events.size};
	parts[3] = (struct iovec){indexer->filters.bytes, indexer->filters.size};
}

void indexer_put(struct indexer *indexer, uint64_t position)
{
	indexer->previous = position;
	indexer->count = 0;
	indexer->events.size = indexer->filters.size = 0;
}

void indexer_free(struct indexer *indexer)
{
	free(indexer->entries);
	free(indexer->events.bytes);
	free(indexer->filters.bytes);
}
