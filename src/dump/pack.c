/* The encoder: records of rings, packed into a chunk. */
#include "dump/pack_value.h"

#include <stdlib.h>

#include "core/core.h"

/* Filled up to PACK_RAW_BYTES by records of which none needs more than twice its size and this. */
#define PAYLOAD_BYTES (2 * PACK_RAW_BYTES + 4096u)
/* A record needs a nibble more than it has slots. */
#define CONTROL_BYTES (PACK_RAW_BYTES / 16 + 64u)

/* All shapes, and the places of all chunks, which may be numbered anew then. */
static void pack_forget(struct dump_pack *pack)
{
	memset(pack->shape_places, 0, sizeof pack->shape_places);
	memset(pack->tag_places, 0, sizeof pack->tag_places);
	memset(pack->word_places, 0, sizeof pack->word_places);
	memset(pack->text_places, 0, sizeof pack->text_places);
	memset(pack->seen, 0, sizeof pack->seen);
	for (size_t i = 0; i < sizeof pack->recent / sizeof *pack->recent; i++)
		pack->recent[i] = &pack->none;
	pack->nshapes = pack->nslots = pack->ncolumns = 0;
	pack->chunk = 1;
}

struct dump_pack *dump_pack_new(void)
{
	struct dump_pack *pack = calloc(1, sizeof *pack);
	if (!pack)
		return NULL;
	pack->control = malloc(CONTROL_BYTES);
	pack->payload = malloc(PAYLOAD_BYTES);
	pack->payload_room = PAYLOAD_BYTES;
	pack->head = malloc(pack_head_room());
	pack->identities = malloc(MAX_IDENTITIES * sizeof *pack->identities);
	pack->watched = malloc(PACK_MOST_RECORDS * sizeof *pack->watched);
	pack->none.least = UINT32_MAX;
	pack_forget(pack);
	pack->slots = malloc((PACK_MAX_SLOTS + 2 * PACK_MAX_SHAPES) * sizeof *pack->slots);
	pack->columns = malloc(PACK_MAX_SLOTS * sizeof *pack->columns);
	pack->shapes = malloc(PACK_MAX_SHAPES * sizeof *pack->shapes);
	pack->segments = malloc((PACK_MAX_SEGMENTS + 1) * sizeof *pack->segments);
	if (!pack->control || !pack->payload || !pack->head || !pack->identities ||
	    !pack->watched || !pack->slots || !pack->columns || !pack->shapes || !pack->segments) {
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
	free(pack->identities);
	free(pack->watched);
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
	    pack->nslots > PACK_MAX_SLOTS / 2)
		pack_forget(pack);
	pack->stamp = (uint64_t)pack->chunk << 32;
	pack->ndefined = pack->nsegments = 0;
	pack->nwords = pack->ntexts = 0;
	pack->raw = pack->raw_bytes = 0;
	pack->nwatched = 0;
	pack->nidentities = 0;
	pack->back = 0;
	pack->start = &pack->none;
	pack->control_end = pack->control;
	pack->payload_end = pack->payload;
}

/* --- records ------------------------------------------------------------------------------- */

/* The number of a shape that was not expected, and what it is when it is new. */
static __attribute__((noinline)) unsigned char *put_shape(struct dump_pack *pack,
							  struct shape *shape, unsigned char *to)
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
	*to++ = shape->as_is ? SHAPE_AS_IS : shape->nslots;
	*to++ = (unsigned char)(shape->key >> 56);
	*to++ = (unsigned char)shape->key;
	*to++ = (unsigned char)(shape->key >> 8);
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

/* The address of an ip slot: behind the code of a word stands that of bytes. NULL: it is none. */
static __attribute__((noinline)) unsigned char *put_ipv6(struct dump_pack *pack,
							 struct slot_state *slot, uint64_t word,
							 const unsigned char *bytes, int64_t left,
							 unsigned char *to)
{
	if (word != IPV6_WORD || left < 16)
		return NULL;
	uint64_t last = slot->last;
	slot->last = IPV6_BYTES;
	struct put put = put_bytes(pack, slot, IPV6_BYTES, bytes, to + 1);
	slot->last = last;
	*to = (unsigned char)put.code;
	return put.to;
}

/* A word that names something goes into the filter, once. Zero is what a slot begins with. */
static inline void note_identity(struct dump_pack *pack, const struct shape *shape,
				 const struct slot_state *slot, uint64_t word, uint64_t code)
{
	if (code == WORD_SAME && word)
		return;
	uint64_t key = pack->stamp | identity_key(shape, slot);
	struct seen *place = &pack->seen[word * UINT64_C(0x9e3779b97f4a7c15) >> (64 - SEEN_BITS)];
	if (RILL__LIKELY(place->value == word && place->key == key))
		return;
	*place = (struct seen){word, key};
	pack_identity(pack, (uint32_t)key, word);
}

struct stream {
	unsigned char *control;
	unsigned char *payload;
	uint64_t ticks; /* of the record before */
};

/* Steps that take more than two bytes, and those back. Returns the record's nibble. */
static __attribute__((noinline)) uint64_t far_step(struct dump_pack *pack, uint64_t *ticks,
						   uint64_t before)
{
	struct pack_segment *segment = &pack->segments[pack->nsegments];
	if (*ticks < before) {
		uint64_t back = before - *ticks;
		pack->back = back > pack->back ? back : pack->back;
		if (pack->hooks.forward) {
			*ticks = before;
			return 0;
		}
		segment->sorted = false;
		segment->low = *ticks < segment->low ? *ticks : segment->low;
		segment->high = before > segment->high ? before : segment->high;
	}
	return top_bit(*ticks - before) / 8;
}

/*
 * A record of `size` bytes that has the shape's key and tags. False: its lengths do not give its
 * size, as no producer writes it; the state is of no use any more.
 */
RILL__INLINE bool put_record(struct dump_pack *pack, struct stream *stream, struct shape *shape,
			     const unsigned char *record, uint64_t size, uint64_t expected)
{
	const unsigned char *words = record + shape->words_at;
	int64_t used = shape->fixed;
	unsigned char *to = stream->payload, *control = stream->control;
	uint64_t ticks = pack_get64(record), step = ticks - stream->ticks, codes = step > UINT8_MAX;
	if (RILL__UNLIKELY(step > UINT16_MAX)) {
		uint64_t stamped = ticks;
		codes = far_step(pack, &stamped, stream->ticks);
		ticks = stamped;
		step = ticks - stream->ticks;
	}
	pack_put64(to, step);
	to += codes + 1;
	codes |= expected;
	if (RILL__UNLIKELY(!expected))
		to = put_shape(pack, shape, to);
	codes = codes << 60;
	for (struct slot_state *slot = shape->slots;; slot++, words += 8) {
		uint64_t word = 0;
		struct put put;
		switch ((enum slot_kind)slot->kind) {
		case SLOT_WORD:
			put = put_word(pack, slot, pack_get64(words), to, false);
			break;
		case SLOT_BYTES:
		case SLOT_NAME:
			word = pack_get64(words);
			if ((int64_t)(uint32_t)word > (int64_t)size - used)
				return false;
			put = put_bytes(pack, slot, word, record + used, to);
			if (slot->kind == SLOT_NAME && pack->nidentities < MAX_IDENTITIES)
				pack_name(pack, shape, slot, record + used, (uint32_t)word);
			used += (uint32_t)word;
			break;
		case SLOT_IP:
			word = pack_get64(words);
			if (word >> 32 == 16) {
				put.to = put_ipv6(pack, slot, word, record + used,
						  (int64_t)size - used, to);
				put.code = WORD_IPV6;
				if (!put.to)
					return false;
				used += 16;
				break;
			}
			__attribute__((fallthrough));
		case SLOT_TAGGED:
		case SLOT_ID:
			word = pack_get64(words);
			put = put_word(pack, slot, word, to, true);
			if (slot->kind == SLOT_ID && pack->nidentities < MAX_IDENTITIES)
				note_identity(pack, shape, slot, word, put.code);
			break;
		case SLOT_FULL:
			pack_put64(control, codes);
			control += 8;
			codes = 0;
			words -= 8;
			continue;
		case SLOT_END:
			goto end;
		default:
			__builtin_unreachable();
		}
		to = put.to;
		codes = codes >> 4 | put.code << 60;
	}
end:
	if (RILL__UNLIKELY((((uint64_t)used + 7) & ~UINT64_C(7)) != size)) {
		if (!shape->as_is)
			return false;
		to = put_as_is(record, (uint32_t)size, to);
	}
	pack_put64(control, codes >> shape->shift);
	shape->records++;
	*stream = (struct stream){control + shape->control_bytes, to, ticks};
	return true;
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

static inline uint64_t size_of(const unsigned char *record)
{
	return pack_get64(record + 8) >> 32 & 0xffffff;
}

/* Where a shape with its event, catalog and number of slots is kept. */
static inline struct shape **recent_place(struct dump_pack *pack, const unsigned char *record)
{
	uint64_t hash = (pack_get64(record + 8) & KEY_MASK) * UINT64_C(0x9e3779b97f4a7c15);
	return &pack->recent[hash >> (64 - RECENT_BITS)];
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
	struct shape *shape = shape_find(pack, record, raw.size);
	if (shape)
		*recent_place(pack, record) = shape;
	return shape;
}

/* The same; but most are among those seen of late. `limit`: where the pack ends. */
static inline struct shape *shape_other(struct dump_pack *pack, const unsigned char *record,
					const unsigned char *limit)
{
	size_t left = (size_t)(limit - record);
	if (left < 16)
		return NULL;
	struct shape *shape = *recent_place(pack, record);
	if (left < shape->least || size_of(record) > left || !shape_fits(shape, record) ||
	    shape_size(shape, record) != size_of(record))
		return NULL;
	return shape;
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
		size_t left = (size_t)(limit - at);
		uint64_t is_expected = NIBBLE_EXPECTED;
		if (RILL__UNLIKELY(left < shape->least || !shape_fits(shape, at) ||
				   size_of(at) > left)) {
			is_expected = 0;
			shape = shape_other(pack, at, limit);
			if (!shape)
				shape = shape_for(pack, at, (size_t)(end - at),
						  raw + (uint64_t)(at - start), bad);
			if (!shape)
				break;
			if (at == start)
				stream.payload = pack->payload_end;
			*expected = shape;
			if (at + size_of(at) > limit)
				limit = at + size_of(at);
		}
		uint64_t size = size_of(at);
		if (RILL__UNLIKELY(!put_record(pack, &stream, shape, at, size, is_expected))) {
			/* It comes again, to a pack that expects nothing. */
			pack->raw = PACK_RAW_BYTES;
			break;
		}
		expected = &shape->expected;
		records++;
		if (RILL__UNLIKELY(shape->watched))
			pack_watch(pack, at, (uint32_t)size);
		at += size;
	}
	if (!records)
		return chunk->from;
	segment->size = (uint64_t)(at - start);
	segment->records = records;
	segment->high = segment->high > stream.ticks ? segment->high : stream.ticks;
	pack->newest = stream.ticks;
	pack->nsegments++;
	pack->raw += segment->size;
	pack->raw_bytes += segment->size;
	pack->control_end = stream.control;
	pack->payload_end = stream.payload;
	RILL_ASSERT((size_t)(stream.control - pack->control) + 16 <= CONTROL_BYTES &&
			    (size_t)(stream.payload - pack->payload) + 16 <= pack->payload_room,
		    "a pack has overflowed");
	return chunk->from + segment->size;
}
