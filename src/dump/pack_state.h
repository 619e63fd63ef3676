/* The encoder's state: what pack.c and shapes.c share. */
#ifndef RILL_DUMP_PACK_STATE_H
#define RILL_DUMP_PACK_STATE_H

#include "dump/pack.h"

/* A pack takes records up to this many bytes, or one record that is larger. */
#define PACK_RAW_BYTES    (64u << 10)
#define PACK_MOST_RECORDS (PACK_RAW_BYTES / 16 + 1)

/* Small: what a chunk touches of them, cold, is most of what a small chunk costs. A value that has
 * lost its place enters the dictionary again. */
#define WORD_BITS    9
#define TEXT_BITS    9
#define RECENT_BITS  6
#define SHAPE_PLACES (2 * PACK_MAX_SHAPES)
#define TAG_PLACES   (2 * PACK_MAX_SLOTS)

/* How often a slot is tried in the dictionary without luck, in a chunk; what is left at least after
 * a hit; and what a slot that has given up gets for another try, once in so many chunks. */
#define PATIENCE       256u
#define PATIENCE_HIT   16u
#define PATIENCE_AGAIN 80u
#define REST_CHUNKS    8u

/* A chunk with more identities than this has no filter; and places for those seen of late. */
#define MAX_IDENTITIES 1024u
#define SEEN_BITS      8

/* Where a value of the dictionary is found: places go in pairs. What another chunk left is none. */
struct word_place {
	uint64_t word;
	uint32_t chunk;
	uint32_t index;
};

struct text_place {
	const unsigned char *bytes;
	uint64_t what; /* chunk, size and index, of 32, 16 and 16 bits */
};

/* An identity that is in the filter: a word, or which text of the dictionary; and whose it is:
 * chunk, catalog and key. */
struct seen {
	uint64_t value;
	uint64_t key;
};

/* A record that somebody wants to see, of the segment whose number this is. */
struct watched {
	const unsigned char *record;
	uint32_t size;
	uint32_t segment;
};

struct dump_pack {
	uint64_t stamp; /* chunk in its high half */
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
	uint64_t raw;        /* bytes taken; PACK_RAW_BYTES: it takes no more */
	uint64_t raw_bytes;  /* bytes of its records */
	uint64_t newest;     /* ticks of the last record */
	uint64_t back;       /* the largest step back of ticks within a segment */
	unsigned char *control;
	unsigned char *control_end; /* of what is filled */
	unsigned char *payload;
	unsigned char *payload_end;
	size_t payload_room;
	unsigned char *head; /* header as it is written */
	uint32_t events_at;  /* in it: the list of events, without their number */
	uint32_t events_size;
	uint32_t filter_at;
	uint32_t filter_size;
	uint32_t nidentities; /* MAX_IDENTITIES: there may be more */
	uint32_t nwatched;
	struct dump_pack_hooks hooks;
	uint64_t *identities;
	struct watched *watched;
	struct slot_state *slots;
	struct column *columns;
	struct shape *shapes;
	struct pack_segment *segments;
	uint16_t defined[PACK_MAX_SHAPES]; /* index by number */
	uint32_t shape_places[SHAPE_PLACES];
	uint32_t tag_places[TAG_PLACES]; /* index of the column + 1 */
	struct shape *recent[1 << RECENT_BITS];
	struct word_place word_places[1 << WORD_BITS];
	struct text_place text_places[1 << TEXT_BITS];
	struct seen seen[1 << SEEN_BITS];
};

static inline uint32_t shape_tag(const struct shape *shape, uint32_t slot)
{
	return (uint32_t)(shape->tags[slot / 2] >> 32 * (slot & 1));
}

/* Catalog and key. */
static inline uint32_t identity_key(const struct shape *shape, const struct slot_state *slot)
{
	return (uint32_t)(shape->key >> 56) << 16 | (uint16_t)slot->column->tag;
}

/* Bytes of a record that has the shape's key and tags; 0: it is none that a producer writes. */
static inline uint64_t shape_size(const struct shape *shape, const unsigned char *record)
{
	uint64_t size = shape->fixed;
	const unsigned char *words = record + shape->words_at;
	for (uint32_t left = shape->tails; left; left &= left - 1) {
		uint32_t i = (uint32_t)__builtin_ctz(left);
		uint64_t word = pack_get64(words + (size_t)8 * i);
		if (RILL__LIKELY((shape_tag(shape, i) >> 16 & 0xff) != RILL_TYPE_IP))
			size += (uint32_t)word;
		else if (word == IPV6_WORD)
			size += 16;
		else if (word >> 32 == 16)
			return 0;
	}
	return (size + 7) & ~UINT64_C(7);
}

/* Whether a record has the shape's key and tags; shape->least bytes of it are there. */
static inline bool shape_fits(const struct shape *shape, const unsigned char *record)
{
	const unsigned char *tags = record + sizeof(struct rill__record);
	if ((pack_get64(record + 8) & KEY_MASK) != shape->key)
		return false;
	if ((pack_get64(tags) ^ shape->tags[0]) & shape->mask)
		return false;
	if (shape->ntags <= 1)
		return true;
	if (pack_get64(tags + 8) != shape->tags[1])
		return false;
	for (uint32_t i = 2; i < shape->ntags; i++)
		if (pack_get64(tags + (size_t)8 * i) != shape->tags[i])
			return false;
	return true;
}

/* The shape of a record of `size` bytes that are there; made when it is new. NULL: no room. */
struct shape *shape_find(struct dump_pack *pack, const unsigned char *record, uint32_t size);
/* Gives a shape its number in this chunk, and its state. */
void shape_define(struct dump_pack *pack, struct shape *shape);
/* --- head.c: what stands before the records, and what is told of them ----------------------- */

/* Memory for a head. */
size_t pack_head_room(void);
/* The chunk's header. Returns its size; it stands at pack->head. */
size_t pack_head(struct dump_pack *pack);
/* Lowest and highest ticks. */
void pack_times(const struct dump_pack *pack, uint64_t *first, uint64_t *last);
/* A word of a key whose values go into the filter; bytes of such a key. */
void pack_identity(struct dump_pack *pack, uint32_t key, uint64_t word);
void pack_name(struct dump_pack *pack, const struct shape *shape, const struct slot_state *slot,
	       const unsigned char *bytes, uint32_t size);
void pack_watch(struct dump_pack *pack, const unsigned char *record, uint32_t size);

#endif
