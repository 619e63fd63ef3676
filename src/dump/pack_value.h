/* How the encoder stores one value: the part that pack.c's loop is made of. */
#ifndef RILL_DUMP_PACK_VALUE_H
#define RILL_DUMP_PACK_VALUE_H

#include "dump/pack_state.h"

/* Where the payload goes on, and the nibble. */
struct put {
	unsigned char *to;
	uint64_t code;
};

/* By the top bit of X: its code, and how many bytes it takes. */
struct word_form {
	uint8_t code;
	uint8_t bytes;
};

#define FORM_4(code, bytes)                                                                        \
	{code, bytes}, {code, bytes}, {code, bytes},                                               \
	{                                                                                          \
		code, bytes                                                                        \
	}
#define FORM_8(code, bytes) FORM_4(code, bytes), FORM_4(code, bytes)
static const struct word_form xor_forms[64] = {
	FORM_8(WORD_XOR1, 1), FORM_8(WORD_XOR2, 2), FORM_8(WORD_XOR3, 3), FORM_8(WORD_XOR4, 4),
	FORM_8(WORD_XOR6, 6), FORM_8(WORD_XOR6, 6), FORM_8(WORD_XOR8, 8), FORM_8(WORD_XOR8, 8),
};

static inline struct put put_reference(uint32_t index, uint32_t code, unsigned char *to)
{
	uint32_t far = index > 255;
	to[0] = (unsigned char)index;
	to[1] = (unsigned char)(index >> 8);
	return (struct put){to + 1 + far, code + far};
}

/* X, in one of its forms. */
static inline struct put put_xor(uint64_t x, unsigned char *to)
{
	struct word_form form = xor_forms[top_bit(x)];
	pack_put64(to, x);
	return (struct put){to + form.bytes, form.code};
}

/* A word that is too far from the last one to be stored in two bytes. */
static __attribute__((noinline)) struct put put_far_word(struct dump_pack *pack,
							 struct slot_state *slot, uint64_t word,
							 uint64_t x, unsigned char *to)
{
	uint64_t hash = word * UINT64_C(0x9e3779b97f4a7c15) >> 48;
	/* Two places for each. */
	uint16_t *place = &pack->word_places[hash & (WORD_PLACES - 2)];
	for (uint32_t way = 0; way < 2 && place[way]; way++) {
		uint32_t index = place[way] - 1u;
		if (pack->words[index] == word) {
			slot->patience |= PATIENCE_HIT;
			return put_reference(index, WORD_REF1, to);
		}
	}
	slot->patience--;
	if (pack->nwords == PACK_MAX_ENTRIES)
		return put_xor(x, to);
	pack->words[pack->nwords++] = word;
	place[place[0] != 0] = (uint16_t)pack->nwords;
	pack_put64(to, x);
	return x >> 32 ? (struct put){to + 8, WORD_NEW8} : (struct put){to + 4, WORD_NEW4};
}

static inline struct put put_word(struct dump_pack *pack, struct slot_state *slot, uint64_t word,
				  unsigned char *to)
{
	struct column *column = slot->column;
	uint64_t last = slot->last, stride = slot->stride, tag_last = column->last;
	uint64_t difference = word - last, x = word ^ last;
	slot->last = column->last = word;
	slot->stride = difference;
	if (difference == 0)
		return (struct put){to, WORD_SAME};
	if (difference == stride)
		return (struct put){to, WORD_STRIDE};
	if (word == tag_last)
		return (struct put){to, WORD_TAG};
	uint64_t z = zigzag(difference);
	if (z <= UINT8_MAX) {
		*to = (unsigned char)z;
		return (struct put){to + 1, WORD_DELTA1};
	}
	if ((z < x ? z : x) > UINT16_MAX) {
		if (slot->patience)
			return put_far_word(pack, slot, word, x, to);
		return put_xor(x, to);
	}
	/* No branch where random numbers would be as often on either side of it. */
	pack_put64(to, x > UINT16_MAX ? z : x);
	return (struct put){to + 1 + (x > UINT8_MAX),
			    x > UINT16_MAX ? WORD_DELTA2 : WORD_XOR1 + (x > UINT8_MAX)};
}

/*
 * Up to 32 bytes in four registers, in pieces that may overlap; which bytes go where depends on
 * their number only, so that equal ones are equal.
 */
struct quad {
	uint64_t a;
	uint64_t b;
	uint64_t c;
	uint64_t d;
};

#define QUAD_BYTES 32u

static inline uint32_t get32(const unsigned char *from)
{
	uint32_t value;
	memcpy(&value, from, sizeof value);
	return value;
}

RILL__INLINE struct quad quad_load(const unsigned char *from, uint32_t size)
{
	if (size >= 16)
		return (struct quad){pack_get64(from), pack_get64(from + 8),
				     pack_get64(from + size - 16), pack_get64(from + size - 8)};
	if (size >= 8)
		return (struct quad){pack_get64(from), pack_get64(from + size - 8), 0, 0};
	if (size >= 4)
		return (struct quad){get32(from), get32(from + size - 4), 0, 0};
	if (size == 0)
		return (struct quad){0};
	return (struct quad){from[0], from[size / 2], from[size - 1], 0};
}

RILL__INLINE bool quad_equal(struct quad x, const unsigned char *from, uint32_t size)
{
	struct quad y = quad_load(from, size);
	return ((x.a ^ y.a) | (x.b ^ y.b) | (x.c ^ y.c) | (x.d ^ y.d)) == 0;
}

static inline uint64_t fold(uint64_t x, uint64_t y)
{
	unsigned __int128 product = (unsigned __int128)x * y;
	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

RILL__INLINE uint32_t quad_hash(struct quad x, uint32_t size)
{
	uint64_t hash =
		fold(x.a ^ UINT64_C(0x9e3779b97f4a7c15), x.b ^ UINT64_C(0xbf58476d1ce4e5b9));
	if (size >= 16)
		hash ^= fold(x.c ^ UINT64_C(0x94d049bb133111eb),
			     x.d ^ UINT64_C(0xd6e8feb86659fd93));
	else
		hash ^= x.c;
	return (uint32_t)(hash ^ hash >> 32);
}

/* Equal bytes? Of long ones. */
static inline bool same_bytes(const unsigned char *a, const unsigned char *b, uint32_t size)
{
	return memcmp(a, b, size) == 0;
}

static inline uint32_t hash_bytes(const unsigned char *bytes, uint32_t size)
{
	uint64_t hash = size;
	for (uint32_t i = 0; i + 16 < size; i += 16)
		hash = fold(hash ^ pack_get64(bytes + i),
			    pack_get64(bytes + i + 8) ^ UINT64_C(0xbf58476d1ce4e5b9));
	hash = fold(hash ^ pack_get64(bytes + size - 16),
		    pack_get64(bytes + size - 8) ^ UINT64_C(0x94d049bb133111eb));
	return (uint32_t)(hash ^ hash >> 32);
}

RILL__INLINE bool bytes_equal(struct quad x, const unsigned char *bytes,
			      const unsigned char *others, uint32_t size)
{
	return RILL__LIKELY(size <= QUAD_BYTES) ? quad_equal(x, others, size)
						: same_bytes(bytes, others, size);
}

/* Bytes with their length. */
static __attribute__((noinline)) struct put put_plain(const unsigned char *bytes, uint32_t size,
						      uint64_t code, unsigned char *to)
{
	uint32_t far = size > UINT8_MAX;
	to[0] = (unsigned char)size;
	to[1] = (unsigned char)(size >> 8);
	to += 1 + far;
	pack_copy(to, bytes, size);
	return (struct put){to + size, code + far};
}

/* word: kept and original length. */
static __attribute__((noinline)) struct put put_bytes(struct dump_pack *pack,
						      struct slot_state *slot, uint64_t word,
						      const unsigned char *bytes, unsigned char *to)
{
	struct column *column = slot->column;
	const unsigned char *tag_bytes = column->bytes, *last_bytes = slot->bytes;
	uint64_t tag_last = column->last, last = slot->last;
	uint32_t size = (uint32_t)word;
	struct quad quad = {0};
	if (RILL__LIKELY(size <= QUAD_BYTES))
		quad = quad_load(bytes, size);
	slot->last = column->last = word;
	slot->bytes = column->bytes = bytes;
	if (word == last && bytes_equal(quad, bytes, last_bytes, size))
		return (struct put){to, BYTES_SAME};
	if (tag_bytes != last_bytes && word == tag_last &&
	    bytes_equal(quad, bytes, tag_bytes, size))
		return (struct put){to, BYTES_TAG};
	if (RILL__UNLIKELY(size != word >> 32 || size > UINT16_MAX)) {
		pack_put64(to, word);
		pack_copy(to + 8, bytes, size);
		return (struct put){to + 8 + size, BYTES_PLAIN8};
	}
	if (size <= 1 || !slot->patience)
		return put_plain(bytes, size, BYTES_PLAIN1, to);
	uint32_t hash = size <= QUAD_BYTES ? quad_hash(quad, size) : hash_bytes(bytes, size);
	/* Two places for each. */
	uint16_t *place = &pack->text_places[hash & (BYTES_PLACES - 2)];
	for (uint32_t way = 0; way < 2 && place[way]; way++) {
		uint32_t index = place[way] - 1u;
		const struct text_entry *entry = &pack->texts[index];
		if (entry->size == size && bytes_equal(quad, bytes, entry->bytes, size)) {
			slot->patience |= PATIENCE_HIT;
			return put_reference(index, BYTES_REF1, to);
		}
	}
	slot->patience--;
	if (pack->ntexts == PACK_MAX_ENTRIES)
		return put_plain(bytes, size, BYTES_PLAIN1, to);
	pack->texts[pack->ntexts++] = (struct text_entry){bytes, size};
	place[place[0] != 0] = (uint16_t)pack->ntexts;
	return put_plain(bytes, size, BYTES_NEW1, to);
}

#endif
