/* The encoder's state: what pack.c and shapes.c share. */
#ifndef RILL_DUMP_PACK_STATE_H
#define RILL_DUMP_PACK_STATE_H

#include "dump/pack.h"

/* A pack takes records up to this many bytes, or one record that is larger. */
#define PACK_RAW_BYTES (64u << 10)

#define WORD_PLACES  (2 * PACK_MAX_ENTRIES)
#define BYTES_PLACES (2 * PACK_MAX_ENTRIES)
#define SHAPE_PLACES (2 * PACK_MAX_SHAPES)
#define TAG_PLACES   (2 * PACK_MAX_SLOTS)

/* How often a slot is tried in the dictionary without luck, in a chunk; what is left at least after
 * a hit; and what a slot that has given up gets for another try, once in so many chunks. */
#define PATIENCE       256u
#define PATIENCE_HIT   16u
#define PATIENCE_AGAIN 80u
#define REST_CHUNKS    8u

struct text_entry {
	const unsigned char *bytes;
	uint32_t size;
};

struct dump_pack {
	uint32_t chunk; /* counts them; 0: none */
	uint32_t nshapes;
	uint32_t nslots;
	uint32_t ncolumns;
	uint32_t ndefined; /* shapes of this chunk */
	uint32_t nsegments;
	uint32_t nwords;
	uint32_t ntexts;
	struct shape *start; /* that the last segment began with */
	struct shape none;   /* that no record has */
	uint64_t raw;        /* bytes taken */
	unsigned char *control;
	unsigned char *control_end; /* of what is filled */
	unsigned char *payload;
	unsigned char *payload_end;
	size_t payload_room;
	unsigned char *head; /* header and segments as they are written */
	struct slot_state *slots;
	struct column *columns;
	struct shape *shapes;
	struct pack_segment *segments;
	uint16_t defined[PACK_MAX_SHAPES]; /* index by number */
	uint32_t shape_places[SHAPE_PLACES];
	uint32_t tag_places[TAG_PLACES]; /* index of the column + 1 */
	uint64_t words[PACK_MAX_ENTRIES];
	struct text_entry texts[PACK_MAX_ENTRIES];
	uint16_t word_places[WORD_PLACES]; /* index + 1 */
	uint16_t text_places[BYTES_PLACES];
};

/* Bytes of a record that has the shape's key and tags; 0: it belongs to another shape. */
static inline uint64_t shape_size(const struct shape *shape, const unsigned char *record)
{
	uint64_t size = shape->fixed;
	const unsigned char *words = record + shape->words_at;
	for (uint32_t left = shape->tails; left; left &= left - 1) {
		uint32_t i = (uint32_t)__builtin_ctz(left);
		uint64_t word = pack_get64(words + (size_t)8 * i);
		uint32_t kind = shape->slots[i].kind;
		if (RILL__LIKELY(kind == SLOT_BYTES))
			size += (uint32_t)word;
		else if (RILL__LIKELY(kind == SLOT_IP && word >> 32 != 16))
			continue;
		else if (kind == SLOT_IPV6 && word == WORD_IPV6)
			size += 16;
		else
			return 0;
	}
	return (size + 7) & ~UINT64_C(7);
}

static inline bool shape_has_tags(const struct shape *shape, const unsigned char *record)
{
	for (uint32_t i = 0; i < shape->ntags; i++)
		if (pack_get64(record + sizeof(struct rill__record) + (size_t)8 * i) !=
		    shape->tags[i])
			return false;
	return true;
}

/* The shape of a record of `size` bytes that are there; made when it is new. NULL: no room. */
struct shape *shape_find(struct dump_pack *pack, const unsigned char *record, uint32_t size);
/* Gives a shape its number in this chunk, and its state. */
void shape_define(struct dump_pack *pack, struct shape *shape);
/* Header and segments. Returns their size; they stand at pack->head. */
size_t pack_head(const struct dump_pack *pack);

#endif
