#include "sink/pieces.h"

#include <string.h>

#include "core/core.h"
#include "sink/write.h"

/* Pointers of catalogs differ in their upper bits. */
static struct catalog_pieces **bucket_of(struct pieces *pieces, const struct rill_catalog *catalog)
{
	uint64_t hash = (uint64_t)(uintptr_t)catalog * UINT64_C(0x9e3779b97f4a7c15);
	return &pieces->buckets[(hash >> 32) % PIECES_BUCKETS];
}

static struct catalog_pieces *add(struct pieces *pieces, const struct rill_catalog *catalog)
{
	const size_t counts[PIECE_KINDS] = {
		[PIECE_EVENT] = catalog->nevents,
		[PIECE_KEY] = catalog->nkeys,
		[PIECE_SPAN] = catalog->nspans,
	};
	struct catalog_pieces **bucket = bucket_of(pieces, catalog);
	struct catalog_pieces *made = arena_take(&pieces->arena, sizeof *made);
	if (!made)
		return NULL;
	for (int kind = 0; kind < PIECE_KINDS; kind++) {
		made->pieces[kind] =
			arena_array(&pieces->arena, counts[kind], sizeof(struct piece));
		if (!made->pieces[kind])
			return NULL;
	}
	made->catalog = catalog;
	made->next = *bucket;
	*bucket = made;
	return made;
}

struct catalog_pieces *pieces_find(struct pieces *pieces, const struct rill_catalog *catalog)
{
	struct catalog_pieces *found = *bucket_of(pieces, catalog);
	while (found && found->catalog != catalog)
		found = found->next;
	if (!found)
		found = add(pieces, catalog);
	if (found)
		pieces->last = found;
	return found;
}

const struct piece *pieces_make(struct pieces *pieces, struct catalog_pieces *of,
				enum piece_kind kind, uint16_t id)
{
	struct buffer *scratch = &pieces->scratch;
	buffer_clear(scratch);
	pieces->make(pieces->context, scratch, of->catalog, kind, id);
	char *bytes =
		scratch->broken ? NULL : arena_take(&pieces->arena, scratch->size + WRITE_BLOCK);
	if (!bytes)
		return NULL;
	if (scratch->size)
		memcpy(bytes, scratch->data, scratch->size);
	struct piece *piece = &of->pieces[kind][id];
	piece->bytes = bytes;
	piece->size = scratch->size;
	return piece;
}

void thread_piece_make(struct thread_piece *piece, const char *between, uint32_t pid, uint32_t tid)
{
	char text[THREAD_ROOM + WRITE_SLACK];
	char *at = write_u64(text, pid);
	at = write_u64(write_constant(at, between, strlen(between)), tid);
	RILL_ASSERT(at <= text + THREAD_ROOM, "a thread's numbers take more than their room");
	memcpy(piece->bytes, text, THREAD_ROOM);
	piece->size = (uint32_t)(at - text);
	piece->pid = pid;
	piece->tid = tid;
}

void pieces_free(struct pieces *pieces)
{
	arena_free(&pieces->arena);
	buffer_free(&pieces->scratch);
}
