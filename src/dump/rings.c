/*
 * Which pieces of each ring's stream have been read: what comes twice counts once, and what is
 * missing between two pieces of a file is told. Chunks come by time, so that a piece may come
 * before the one that it follows.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "dump/reader.h"

struct piece {
	uint64_t from;
	uint64_t to;
	uint64_t position;         /* of the block that it begins in */
	const struct share *first; /* that it begins in */
	const struct share *last;
};

/* A ring has one piece, unless something is missing or still to come. */
#define MOST_PIECES 64u

struct ring_entry {
	uint64_t ring;
	uint32_t kin;                /* whose it is: of all series of a process */
	const struct share *counted; /* as one of its rings; NULL: a free place */
	uint32_t npieces;
	struct piece *more; /* all of them, when there are several */
	struct piece one;
};

static struct ring_entry *place_of(const struct ring_table *rings, uint32_t kin, uint64_t ring)
{
	size_t i = (size_t)((ring + ((uint64_t)kin << 32)) * UINT64_C(0x9e3779b97f4a7c15) >> 20);
	for (;; i++) {
		struct ring_entry *entry = &rings->entries[i & (rings->room - 1)];
		if (!entry->counted || (entry->kin == kin && entry->ring == ring))
			return entry;
	}
}

static int table_grow(struct ring_table *rings)
{
	struct ring_table grown = {.room = rings->room ? 2 * rings->room : 256,
				   .count = rings->count};
	if (2 * (rings->count + 1) <= rings->room)
		return 0;
	grown.entries = calloc(grown.room, sizeof *grown.entries);
	if (!grown.entries)
		return -ENOMEM;
	for (size_t i = 0; i < rings->room; i++)
		if (rings->entries[i].counted)
			*place_of(&grown, rings->entries[i].kin, rings->entries[i].ring) =
				rings->entries[i];
	free(rings->entries);
	*rings = grown;
	return 0;
}

static struct piece *pieces_of(struct ring_entry *entry)
{
	return entry->more ? entry->more : &entry->one;
}

/* Puts a piece at place i, joined with its neighbours where they meet. */
static int insert(struct ring_entry *entry, uint32_t i, const struct piece *piece)
{
	struct piece *pieces = pieces_of(entry);
	bool before = i > 0 && pieces[i - 1].to == piece->from;
	bool after = i < entry->npieces && pieces[i].from == piece->to;
	if (before) {
		pieces[i - 1].to = piece->to;
		pieces[i - 1].last = piece->last;
	}
	if (before && after) {
		pieces[i - 1].to = pieces[i].to;
		pieces[i - 1].last = pieces[i].last;
		entry->npieces--;
		memmove(pieces + i, pieces + i + 1, (entry->npieces - i) * sizeof *pieces);
	} else if (after) {
		pieces[i].from = piece->from;
		pieces[i].first = piece->first;
		pieces[i].position = piece->position;
	}
	if (before || after)
		return 0;
	if (entry->npieces == MOST_PIECES) {
		/* The oldest gap is not going to be filled: it is forgotten. */
		memmove(pieces, pieces + 1, (entry->npieces - 1) * sizeof *pieces);
		entry->npieces--;
		i -= i > 0;
	}
	if (entry->npieces && !entry->more) {
		entry->more = malloc(MOST_PIECES * sizeof *pieces);
		if (!entry->more)
			return -ENOMEM;
		entry->more[0] = entry->one;
		pieces = entry->more;
	}
	memmove(pieces + i + 1, pieces + i, (entry->npieces - i) * sizeof *pieces);
	pieces[i] = *piece;
	entry->npieces++;
	return 0;
}

int rings_see(struct ring_table *rings, struct share *share, uint64_t ring, uint64_t position,
	      uint64_t *from, uint64_t *to)
{
	if (rings->full)
		return 0;
	if (table_grow(rings))
		return -ENOMEM;
	struct ring_entry *entry = place_of(rings, share->origin->kin, ring);
	if (!entry->counted) {
		if (rings->count == MOST_RINGS) {
			rings->full = true;
			return 0;
		}
		rings->count++;
		entry->kin = share->origin->kin;
		entry->ring = ring;
	}
	if (entry->counted != share) {
		entry->counted = share;
		share->info.nrings++;
	}
	struct piece *pieces = pieces_of(entry);
	uint32_t i = entry->npieces;
	while (i > 0 && pieces[i - 1].from > *from)
		i--;
	uint64_t was_from = *from, was_to = *to;
	if (i > 0 && pieces[i - 1].to > *from)
		*from = pieces[i - 1].to;
	if (i < entry->npieces && pieces[i].from < *to)
		*to = pieces[i].from;
	if ((*from != was_from || *to != was_to) && was_from < was_to)
		file_damage(share->file,
			    "records of ring %" PRIu64 " in the block at byte %" PRIu64
			    " are there twice",
			    ring, position);
	if (*from >= *to) {
		*to = *from;
		return 0;
	}
	return insert(entry, i, &(struct piece){*from, *to, position, share, share});
}

void rings_report(struct ring_table *rings)
{
	for (size_t i = 0; i < rings->room; i++) {
		struct ring_entry *entry = &rings->entries[i];
		struct piece *pieces = pieces_of(entry);
		for (uint32_t p = 1; p < entry->npieces; p++) {
			/* Between two parts there may be one that is not read. */
			if (pieces[p - 1].last == pieces[p].first)
				file_damage(pieces[p].first->file,
					    "%" PRIu64 " bytes of the records of ring %" PRIu64
					    " are missing before the block at byte %" PRIu64,
					    pieces[p].from - pieces[p - 1].to, entry->ring,
					    pieces[p].position);
		}
		/* Told is told. */
		if (entry->npieces > 1) {
			pieces[0].to = pieces[entry->npieces - 1].to;
			pieces[0].last = pieces[entry->npieces - 1].last;
			entry->npieces = 1;
		}
	}
}

void rings_free(struct ring_table *rings)
{
	for (size_t i = 0; i < rings->room; i++)
		free(rings->entries[i].more);
	free(rings->entries);
}
