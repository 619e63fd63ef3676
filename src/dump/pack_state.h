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

/* How long a slot is tried in the dictionary without luck, what a hit is worth, and what a slot
 * that has given up gets for another try, once in so many chunks. */
#define PATIENCE       256u
#define PATIENCE_HIT   12u
#define PATIENCE_AGAIN 80u
#define REST_CHUNKS    8u

struct text_entry {
	const unsigned char *bytes;
	uint32_t size;
	uint32_t hash;
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
	uint32_t start; /* index of the shape that the last segment began with */
	uint64_t raw;   /* bytes taken */
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

/* Whether the record, which has the shape's key and tags, has its tail as well. */
bool shape_fits(const struct shape *shape, const unsigned char *record, uint64_t size);
/* The shape of a record of `size` bytes that are there; made when it is new. NULL: no room. */
struct shape *shape_find(struct dump_pack *pack, const unsigned char *record, uint32_t size);
/* Gives a shape its number in this chunk, and its state. */
void shape_define(struct dump_pack *pack, struct shape *shape);
/* Header and segments. Returns their size; they stand at pack->head. */
size_t pack_head(const struct dump_pack *pack);

#endif
