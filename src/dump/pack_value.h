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

/* Where a word of the dictionary is: there or behind it. */
RILL__INLINE struct word_place *word_pair(struct dump_pack *pack, uint64_t word)
{
	const size_t size = sizeof(struct word_place);
	uint64_t hash = word * UINT64_C(0x9e3779b97f4a7c15);
	/* The number of the pair, times its size. */
	uint64_t offset = hash >> (64 - WORD_BITS - 4) & ~(2 * size - 1);
	return (struct word_place *)((char *)pack->word_places + offset);
}

/* A word that the dictionary does not have, or has had no place for; `pair`: where it belongs. */
static __attribute__((noinline)) struct put put_new_word(struct dump_pack *pack,
							 struct slot_state *slot, uint64_t word,
							 uint64_t x, unsigned char *to)
{
	struct word_place *pair = word_pair(pack, word);
	slot->patience--;
	if (pack->nwords == PACK_MAX_ENTRIES)
		return put_xor(x, to);
	pair[1] = pair[0];
	pair[0] = (struct word_place){word, pack->chunk, pack->nwords++};
	pack_put64(to, x);
	return x >> 32 ? (struct put){to + 8, WORD_NEW8} : (struct put){to + 4, WORD_NEW4};
}

/* A word that is too far from the last one to be stored in two bytes. */
RILL__INLINE struct put put_far_word(struct dump_pack *pack, struct slot_state *slot, uint64_t word,
				     uint64_t x, unsigned char *to)
{
	struct word_place *place = word_pair(pack, word);
	if (!slot->patience)
		return put_xor(x, to);
	if (RILL__UNLIKELY(place->word != word || place->chunk != pack->chunk)) {
		place++;
		if (place->word != word || place->chunk != pack->chunk)
			return put_new_word(pack, slot, word, x, to);
	}
	slot->patience |= PATIENCE_HIT;
	return put_reference(place->index, WORD_REF1, to);
}

RILL__INLINE struct put put_word(struct dump_pack *pack, struct slot_state *slot, uint64_t word,
				 unsigned char *to, bool is_tagged)
{
	uint64_t last = slot->last, stride = slot->stride, tag_last = last;
	uint64_t difference = word - last, x = word ^ last;
	if (is_tagged) {
		tag_last = slot->column->last;
		slot->column->last = word;
	}
	slot->last = word;
	slot->stride = difference;
	if (difference == 0)
		return (struct put){to, WORD_SAME};
	if (difference == stride)
		return (struct put){to, WORD_STRIDE};
	if (is_tagged && word == tag_last)
		return (struct put){to, WORD_TAG};
	uint64_t z = zigzag(difference);
	if (z <= UINT8_MAX) {
		*to = (unsigned char)z;
		return (struct put){to + 1, WORD_DELTA1};
	}
	if ((z < x ? z : x) > UINT16_MAX)
		return put_far_word(pack, slot, word, x, to);
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
	return x.a == y.a && x.b == y.b && x.c == y.c && x.d == y.d;
}

static inline uint64_t half_turn(uint64_t x)
{
	return x << 32 | x >> 32;
}

/* The high bits depend on all of them. */
RILL__INLINE uint64_t quad_hash(struct quad x)
{
	return (x.a ^ half_turn(x.d)) * UINT64_C(0x9e3779b97f4a7c15) +
	       (x.b ^ half_turn(x.c)) * UINT64_C(0xbf58476d1ce4e5b9);
}

static inline uint64_t fold(uint64_t x, uint64_t y)
{
	unsigned __int128 product = (unsigned __int128)x * y;
	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Of more than QUAD_BYTES. */
static inline uint64_t hash_bytes(const unsigned char *bytes, uint32_t size)
{
	uint64_t hash = size;
	for (uint32_t i = 0; i + 16 < size; i += 16)
		hash = fold(hash ^ pack_get64(bytes + i),
			    pack_get64(bytes + i + 8) ^ UINT64_C(0xbf58476d1ce4e5b9));
	return fold(hash ^ pack_get64(bytes + size - 16),
		    pack_get64(bytes + size - 8) ^ UINT64_C(0x94d049bb133111eb));
}

/* Bytes with their length. */
RILL__INLINE struct put put_plain(const unsigned char *bytes, uint32_t size, uint64_t code,
				  unsigned char *to)
{
	uint32_t far = size > UINT8_MAX;
	to[0] = (unsigned char)size;
	to[1] = (unsigned char)(size >> 8);
	to += 1 + far;
	pack_copy(to, bytes, size);
	return (struct put){to + size, code + far};
}

/* What a place of the dictionary has for its index 0. */
static inline uint64_t text_what(const struct dump_pack *pack, uint32_t size)
{
	return pack->stamp + (size << 16);
}

/* Bytes that the dictionary has. */
RILL__INLINE struct put put_known(struct slot_state *slot, uint32_t index, unsigned char *to)
{
	struct column *column = slot->column;
	uint32_t last = slot->text, tag_last = column->text;
	slot->text = column->text = index;
	slot->patience |= PATIENCE_HIT;
	if (index == last)
		return (struct put){to, BYTES_SAME};
	if (index == tag_last)
		return (struct put){to, BYTES_TAG};
	return put_reference(index, BYTES_REF1, to);
}

/* Bytes that are not looked for in the dictionary: cut or very long ones, and where that is in
 * vain. */
static __attribute__((noinline)) struct put put_apart(struct slot_state *slot, uint64_t word,
						      const unsigned char *bytes, unsigned char *to)
{
	uint32_t size = (uint32_t)word, is_last = slot->text == NO_TEXT && word == slot->last;
	const unsigned char *last = slot->bytes;
	slot->last = word;
	slot->bytes = bytes;
	slot->text = slot->column->text = NO_TEXT;
	if (is_last && (size == 0 || (last && memcmp(bytes, last, size) == 0)))
		return (struct put){to, BYTES_SAME};
	if (RILL__LIKELY(size == word >> 32 && size <= UINT16_MAX))
		return put_plain(bytes, size, BYTES_PLAIN1, to);
	pack_put64(to, word);
	pack_copy(to + 8, bytes, size);
	return (struct put){to + 8 + size, BYTES_PLAIN8};
}

/* Bytes that it has not, or has had no place for. */
static __attribute__((noinline)) struct put put_new(struct dump_pack *pack, struct slot_state *slot,
						    const unsigned char *bytes, uint32_t size,
						    struct text_place *pair, unsigned char *to)
{
	slot->patience--;
	if (pack->ntexts == PACK_MAX_ENTRIES)
		return put_apart(slot, size * UINT64_C(0x100000001), bytes, to);
	pair[1] = pair[0];
	pair[0] = (struct text_place){bytes, text_what(pack, size) | pack->ntexts};
	slot->text = slot->column->text = pack->ntexts++;
	return put_plain(bytes, size, BYTES_NEW1, to);
}

/* Bytes that the first place of their pair does not have. */
static __attribute__((noinline)) struct put put_other(struct dump_pack *pack,
						      struct slot_state *slot,
						      const unsigned char *bytes, uint32_t size,
						      struct text_place *pair, unsigned char *to)
{
	uint64_t index = pair[1].what - text_what(pack, size);
	if (index <= UINT16_MAX && memcmp(bytes, pair[1].bytes, size) == 0)
		return put_known(slot, (uint32_t)index, to);
	return put_new(pack, slot, bytes, size, pair, to);
}

/* Too many for registers. */
static __attribute__((noinline)) struct put put_long(struct dump_pack *pack,
						     struct slot_state *slot,
						     const unsigned char *bytes, uint32_t size,
						     unsigned char *to)
{
	if (size > UINT16_MAX)
		return put_apart(slot, size * UINT64_C(0x100000001), bytes, to);
	uint64_t what = text_what(pack, size), place = hash_bytes(bytes, size) >> (64 - TEXT_BITS);
	struct text_place *pair = &pack->text_places[place & ~1ull];
	uint64_t index = pair->what - what;
	if (index <= UINT16_MAX && memcmp(bytes, pair->bytes, size) == 0)
		return put_known(slot, (uint32_t)index, to);
	return put_other(pack, slot, bytes, size, pair, to);
}

/* Up to QUAD_BYTES of them. */
RILL__INLINE struct put put_quad(struct dump_pack *pack, struct slot_state *slot,
				 const unsigned char *bytes, uint32_t size, unsigned char *to)
{
	struct quad quad = quad_load(bytes, size);
	uint64_t what = text_what(pack, size), place = quad_hash(quad) >> (64 - TEXT_BITS);
	struct text_place *pair = &pack->text_places[place & ~1ull];
	uint64_t index = pair->what - what;
	if (RILL__LIKELY(index <= UINT16_MAX && quad_equal(quad, pair->bytes, size)))
		return put_known(slot, (uint32_t)index, to);
	return put_other(pack, slot, bytes, size, pair, to);
}

static __attribute__((noinline)) struct put put_short(struct dump_pack *pack,
						      struct slot_state *slot,
						      const unsigned char *bytes, uint32_t size,
						      unsigned char *to)
{
	return put_quad(pack, slot, bytes, size, to);
}

/* word: kept and original length. */
static __attribute__((noinline)) struct put put_bytes(struct dump_pack *pack,
						      struct slot_state *slot, uint64_t word,
						      const unsigned char *bytes, unsigned char *to)
{
	uint32_t size = (uint32_t)word;
	if (RILL__UNLIKELY(!slot->patience || size != word >> 32))
		return put_apart(slot, word, bytes, to);
	/* Two copies of the code, of which one knows that all four registers are full. */
	if (RILL__LIKELY(size - 16 <= QUAD_BYTES - 16))
		return put_quad(pack, slot, bytes, size, to);
	if (size < 16)
		return put_short(pack, slot, bytes, size, to);
	return put_long(pack, slot, bytes, size, to);
}

#endif
