/* The encoder: records of rings, packed into a chunk. */
#include "dump/pack_value.h"

#include <stdlib.h>

#include "core/core.h"

/* Filled up to PACK_RAW_BYTES by records of which none needs more than twice its size and this. */
#define PAYLOAD_BYTES (2 * PACK_RAW_BYTES + 4096u)
/* A record needs a nibble more than it has slots. */
#define CONTROL_BYTES (PACK_RAW_BYTES / 16 + 64u)
#define HEAD_BYTES    (32u + 80u * PACK_MAX_SEGMENTS)

struct dump_pack *dump_pack_new(void)
{
	struct dump_pack *pack = calloc(1, sizeof *pack);
	if (!pack)
		return NULL;
	pack->control = malloc(CONTROL_BYTES);
	pack->payload = malloc(PAYLOAD_BYTES);
	pack->payload_room = PAYLOAD_BYTES;
	pack->head = malloc(HEAD_BYTES);
	pack->none.fixed = UINT32_MAX;
	pack->slots = malloc(PACK_MAX_SLOTS * sizeof *pack->slots);
	pack->columns = malloc(PACK_MAX_SLOTS * sizeof *pack->columns);
	pack->shapes = malloc(PACK_MAX_SHAPES * sizeof *pack->shapes);
	pack->segments = malloc((PACK_MAX_SEGMENTS + 1) * sizeof *pack->segments);
	if (!pack->control || !pack->payload || !pack->head || !pack->slots || !pack->columns ||
	    !pack->shapes || !pack->segments) {
		dump_pack_free(pack);
		return NULL;
	}
	dump_pack_begin(pack);
	return pack;
}

void dump_pack_free(struct dump_pack *pack)
{
	if (!pack)
		return;
	free(pack->control);
	free(pack->payload);
	free(pack->head);
	free(pack->slots);
	free(pack->columns);
	free(pack->shapes);
	free(pack->segments);
	free(pack);
}

void dump_pack_begin(struct dump_pack *pack)
{
	pack->chunk++;
	/* What was learnt is kept while a good part of the room for it is left. */
	if (pack->chunk == 0 || pack->nshapes > PACK_MAX_SHAPES / 2 ||
	    pack->nslots > PACK_MAX_SLOTS / 2) {
		memset(pack->shape_places, 0, sizeof pack->shape_places);
		memset(pack->tag_places, 0, sizeof pack->tag_places);
		pack->nshapes = pack->nslots = pack->ncolumns = 0;
		pack->chunk = 1;
	}
	pack->ndefined = pack->nsegments = 0;
	pack->raw = 0;
	pack->start = &pack->none;
	pack->control_end = pack->control;
	pack->payload_end = pack->payload;
	if (pack->nwords)
		memset(pack->word_places, 0, sizeof pack->word_places);
	if (pack->ntexts)
		memset(pack->text_places, 0, sizeof pack->text_places);
	pack->nwords = pack->ntexts = 0;
}

bool dump_pack_empty(const struct dump_pack *pack)
{
	return pack->nsegments == 0;
}

size_t dump_pack_counts(const struct dump_pack *pack, struct dump_pack_count *counts, size_t room)
{
	size_t n = pack->ndefined < room ? pack->ndefined : room;
	for (size_t i = 0; i < n; i++) {
		const struct shape *shape = &pack->shapes[pack->defined[i]];
		counts[i] = (struct dump_pack_count){.catalog = (uint8_t)(shape->key >> 56),
						     .event = (uint16_t)shape->key,
						     .records = shape->records};
	}
	return pack->ndefined;
}

/* --- header -------------------------------------------------------------------------------- */

static unsigned char *put_varint(unsigned char *to, uint64_t value)
{
	for (; value > 127; value >>= 7)
		*to++ = (unsigned char)(value | 128);
	*to++ = (unsigned char)value;
	return to;
}

size_t pack_head(const struct dump_pack *pack)
{
	unsigned char *at = pack->head;
	uint64_t first = pack->nsegments ? pack->segments[0].first : 0;
	at = put_varint(at, pack->nsegments);
	at = put_varint(at, (uint64_t)(pack->control_end - pack->control));
	pack_put64(at, first);
	at += 8;
	for (uint32_t i = 0; i < pack->nsegments; i++) {
		const struct pack_segment *segment = &pack->segments[i];
		at = put_varint(at, segment->ring);
		at = put_varint(at, segment->tid);
		at = put_varint(at, segment->from);
		at = put_varint(at, segment->size / 8);
		at = put_varint(at, segment->records << 1 | segment->sorted);
		at = put_varint(at, zigzag(segment->first - first));
		at = put_varint(at, segment->first - segment->low);
		at = put_varint(at, segment->high - segment->first);
	}
	RILL_ASSERT((size_t)(at - pack->head) <= HEAD_BYTES, "a pack's header is too long");
	return (size_t)(at - pack->head);
}

/* --- records ------------------------------------------------------------------------------- */

/* The number of a shape that was not expected, and what it is when it is new. */
static unsigned char *put_shape(struct dump_pack *pack, struct shape *shape, unsigned char *to)
{
	bool is_new = shape->chunk != pack->chunk;
	if (is_new)
		shape_define(pack, shape);
	uint32_t number = shape->number;
	if (number < SHAPE_ONE_BYTE) {
		*to++ = (unsigned char)number;
	} else {
		number -= SHAPE_ONE_BYTE;
		*to++ = (unsigned char)(SHAPE_ONE_BYTE + (number >> 8));
		*to++ = (unsigned char)number;
	}
	if (!is_new)
		return to;
	uint32_t ipv6 = 0;
	for (uint32_t i = 0; i < shape->nslots; i++)
		ipv6 |= (uint32_t)(shape->slots[i].kind == SLOT_IPV6) << i;
	*to++ = (unsigned char)((shape->as_is ? SHAPE_AS_IS : shape->nslots) | (ipv6 ? 128 : 0));
	*to++ = (unsigned char)(shape->key >> 56);
	*to++ = (unsigned char)shape->key;
	*to++ = (unsigned char)(shape->key >> 8);
	if (ipv6) {
		*to++ = (unsigned char)ipv6;
		*to++ = (unsigned char)(ipv6 >> 8);
	}
	memcpy(to, shape->tags, (size_t)4 * shape->nslots);
	return to + (size_t)4 * shape->nslots;
}

/* Everything but the ticks. */
static unsigned char *put_as_is(const unsigned char *record, uint32_t size, unsigned char *to)
{
	to[0] = record[10];
	to[1] = record[11];
	memcpy(to + 2, record + 12, 3);
	memcpy(to + 5, record + 16, size - 16);
	return to + 5 + size - 16;
}

/* A time stamp before the last one: an interrupt, or another CPU's counter. */
static __attribute__((noinline)) void step_back(struct pack_segment *segment, uint64_t ticks,
						uint64_t before)
{
	segment->sorted = false;
	segment->low = ticks < segment->low ? ticks : segment->low;
	segment->high = before > segment->high ? before : segment->high;
}

struct stream {
	unsigned char *control;
	unsigned char *payload;
	uint64_t ticks; /* of the record before */
};

/* The record has this shape. */
RILL__INLINE struct stream put_record(struct dump_pack *pack, struct stream stream,
				      struct shape *shape, const unsigned char *record,
				      bool expected)
{
	unsigned char *to = stream.payload;
	const unsigned char *words = record + shape->words_at, *tail = record + shape->fixed;
	const unsigned char *words_end = words + (size_t)8 * shape->nslots;
	uint64_t ticks = pack_get64(record), step = ticks - stream.ticks, codes = 0;
	uint64_t first = top_bit(step) / 8;
	struct slot_state *slot = shape->slots;
	if (RILL__UNLIKELY(ticks < stream.ticks))
		step_back(&pack->segments[pack->nsegments], ticks, stream.ticks);
	pack_put64(to, step);
	to += first + 1;
	if (expected)
		first |= NIBBLE_EXPECTED;
	else
		to = put_shape(pack, shape, to);
	shape->records++;
	for (uint32_t shift = 0; words != words_end; shift += 4, slot++, words += 8) {
		uint64_t word = pack_get64(words);
		struct put put;
		if (slot->kind <= SLOT_IP) {
			put = put_word(pack, slot, word, to);
		} else {
			word = slot->kind == SLOT_IPV6 ? BYTES_IPV6 : word;
			put = put_bytes(pack, slot, word, tail, to);
			tail += (uint32_t)word;
		}
		to = put.to;
		codes |= put.code << shift;
	}
	pack_put64(stream.control, codes << 4 | first);
	stream.control[8] = (unsigned char)(codes >> 60);
	return (struct stream){stream.control + shape->control_bytes, to, ticks};
}

/* The same of one whose shape was not expected. */
static __attribute__((noinline)) struct stream
put_unexpected(struct dump_pack *pack, struct stream stream, struct shape *shape,
	       const unsigned char *record, uint64_t size)
{
	stream = put_record(pack, stream, shape, record, false);
	if (shape->as_is)
		stream.payload = put_as_is(record, (uint32_t)size, stream.payload);
	return stream;
}

/* A record larger than a pack usually holds. */
static bool payload_grow(struct dump_pack *pack, uint64_t size)
{
	size_t room = 2 * size + 4096;
	if (room <= pack->payload_room)
		return true;
	unsigned char *grown = malloc(room);
	if (!grown)
		return false;
	free(pack->payload);
	pack->payload = pack->payload_end = grown;
	pack->payload_room = room;
	return true;
}

/* The size of a record that has this shape and ends within `left`; 0: it has another one. */
static inline uint64_t expected_size(const struct shape *shape, const unsigned char *record,
				     size_t left)
{
	if (RILL__UNLIKELY(left < shape->fixed))
		return 0;
	uint64_t header = pack_get64(record + 8);
	if ((header & shape->mask) != shape->match || !shape_has_tags(shape, record))
		return 0;
	if (!shape->tails)
		return shape->fixed;
	uint64_t size = shape_size(shape, record);
	return RILL__LIKELY(size == (header >> 32 & 0xffffff) && size <= left) ? size : 0;
}

/* The shape of a record that is not as expected; `raw`: bytes in the pack. NULL: the record cannot
 * be added; *bad: for ever. */
static struct shape *shape_for(struct dump_pack *pack, const unsigned char *record, size_t left,
			       uint64_t raw_bytes, bool *bad)
{
	struct raw_record raw;
	if (left == 0 || raw_bytes >= PACK_RAW_BYTES)
		return NULL;
	if (raw_record_read(&raw, record, left)) {
		*bad = true;
		return NULL;
	}
	if (raw_bytes && raw.size > PACK_RAW_BYTES - raw_bytes)
		return NULL;
	if (raw.size > PACK_RAW_BYTES && !payload_grow(pack, raw.size)) {
		*bad = true;
		return NULL;
	}
	return shape_find(pack, record, raw.size);
}

uint64_t dump_pack_add(struct dump_pack *pack, const struct dump_chunk *chunk, const void *bytes,
		       bool *bad)
{
	const unsigned char *start = bytes, *at = start, *end = at + (chunk->to - chunk->from);
	struct pack_segment *segment = &pack->segments[pack->nsegments];
	struct shape **expected = &pack->start;
	uint64_t records = 0, raw = pack->raw;
	uint64_t room = raw < PACK_RAW_BYTES ? PACK_RAW_BYTES - raw : 0;
	const unsigned char *limit = (size_t)(end - at) < room ? end : at + room;
	*bad = false;
	if (pack->nsegments == PACK_MAX_SEGMENTS)
		return chunk->from;
	uint64_t first = end - at >= 8 ? pack_get64(at) : 0;
	*segment = (struct pack_segment){.ring = chunk->ring,
					 .from = chunk->from,
					 .first = first,
					 .low = first,
					 .high = first,
					 .tid = chunk->tid,
					 .sorted = true};
	struct stream stream = {pack->control_end, pack->payload_end, first};
	for (;;) {
		struct shape *shape = *expected;
		uint64_t size = expected_size(shape, at, (size_t)(limit - at));
		if (RILL__LIKELY(size)) {
			stream = put_record(pack, stream, shape, at, true);
		} else {
			shape = shape_for(pack, at, (size_t)(end - at),
					  raw + (uint64_t)(at - start), bad);
			if (!shape)
				break;
			if (at == start)
				stream.payload = pack->payload_end;
			size = pack_get64(at + 8) >> 32 & 0xffffff;
			*expected = shape;
			stream = put_unexpected(pack, stream, shape, at, size);
			if (at + size > limit)
				limit = at + size;
		}
		expected = &shape->expected;
		records++;
		at += size;
	}
	if (!records)
		return chunk->from;
	segment->size = (uint64_t)(at - start);
	segment->records = records;
	segment->high = segment->high > stream.ticks ? segment->high : stream.ticks;
	pack->nsegments++;
	pack->raw = raw + segment->size;
	pack->control_end = stream.control;
	pack->payload_end = stream.payload;
	RILL_ASSERT((size_t)(stream.control - pack->control) + 16 <= CONTROL_BYTES &&
			    (size_t)(stream.payload - pack->payload) + 16 <= pack->payload_room,
		    "a pack has overflowed");
	return chunk->from + segment->size;
}
