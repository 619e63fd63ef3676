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

static inline void patience_hit(struct slot_state *slot)
{
	uint32_t patience = slot->patience + PATIENCE_HIT;
	slot->patience = (uint16_t)(patience < PATIENCE ? patience : PATIENCE);
}

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
	uint32_t hash = (uint32_t)(word * UINT64_C(0x9e3779b97f4a7c15) >> 48) & (WORD_PLACES - 1);
	/* Two places for each. */
	uint32_t index = pack->word_places[hash], other;
	if (RILL__LIKELY(index && pack->words[index - 1] == word)) {
		patience_hit(slot);
		return put_reference(index - 1, WORD_REF1, to);
	}
	other = pack->word_places[hash ^ 1];
	if (other && pack->words[other - 1] == word) {
		patience_hit(slot);
		return put_reference(other - 1, WORD_REF1, to);
	}
	slot->patience--;
	if (pack->nwords == PACK_MAX_ENTRIES)
		return put_xor(x, to);
	pack->words[pack->nwords++] = word;
	pack->word_places[index ? hash ^ 1 : hash] = (uint16_t)pack->nwords;
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
	if (z > UINT16_MAX && x > UINT16_MAX) {
		if (slot->patience)
			return put_far_word(pack, slot, word, x, to);
		return put_xor(x, to);
	}
	/* No branch where random numbers would be as often on either side of it. */
	pack_put64(to, x > UINT16_MAX ? z : x);
	return (struct put){to + 1 + (x > UINT8_MAX),
			    x > UINT16_MAX ? WORD_DELTA2 : WORD_XOR1 + (x > UINT8_MAX)};
}

/* Equal bytes? Reads no byte behind `size`. */
static inline bool same_bytes(const unsigned char *a, const unsigned char *b, uint32_t size)
{
	if (size >= 8) {
		uint32_t i = 0;
		for (; i + 8 < size; i += 8)
			if (pack_get64(a + i) != pack_get64(b + i))
				return false;
		return pack_get64(a + size - 8) == pack_get64(b + size - 8);
	}
	for (uint32_t i = 0; i < size; i++)
		if (a[i] != b[i])
			return false;
	return true;
}

static inline uint32_t hash_bytes(const unsigned char *bytes, uint32_t size)
{
	const uint64_t factor = UINT64_C(0x9e3779b97f4a7c15);
	uint64_t hash = size * factor;
	if (size >= 8) {
		for (uint32_t i = 0; i + 8 < size; i += 8) {
			hash = (hash ^ pack_get64(bytes + i)) * factor;
			hash ^= hash >> 32;
		}
		hash = (hash ^ pack_get64(bytes + size - 8)) * factor;
	} else {
		for (uint32_t i = 0; i < size; i++)
			hash = (hash ^ bytes[i]) * factor;
	}
	return (uint32_t)(hash >> 32);
}

/* Bytes with their length. */
static inline struct put put_plain(const unsigned char *bytes, uint32_t size, uint64_t code,
				   unsigned char *to)
{
	uint32_t far = size > UINT8_MAX;
	to[0] = (unsigned char)size;
	to[1] = (unsigned char)(size >> 8);
	to += 1 + far;
	pack_copy(to, bytes, size);
	return (struct put){to + size, code + far};
}

/* Bytes that were not the last ones, by the dictionary. */
static inline struct put put_entry(struct dump_pack *pack, struct slot_state *slot,
				   const unsigned char *bytes, uint32_t size, unsigned char *to)
{
	uint32_t hash = hash_bytes(bytes, size) & (BYTES_PLACES - 1);
	for (uint32_t way = 0; way < 2; way++) {
		uint32_t index = pack->text_places[hash ^ way];
		if (!index)
			break;
		const struct text_entry *entry = &pack->texts[--index];
		if (entry->size == size && same_bytes(entry->bytes, bytes, size)) {
			patience_hit(slot);
			return put_reference(index, BYTES_REF1, to);
		}
	}
	slot->patience--;
	if (pack->ntexts == PACK_MAX_ENTRIES)
		return put_plain(bytes, size, BYTES_PLAIN1, to);
	pack->texts[pack->ntexts++] = (struct text_entry){bytes, size};
	pack->text_places[pack->text_places[hash] ? hash ^ 1 : hash] = (uint16_t)pack->ntexts;
	return put_plain(bytes, size, BYTES_NEW1, to);
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
	slot->last = column->last = word;
	slot->bytes = column->bytes = bytes;
	if (word == last && same_bytes(last_bytes, bytes, size))
		return (struct put){to, BYTES_SAME};
	if (tag_bytes != last_bytes && word == tag_last && same_bytes(tag_bytes, bytes, size))
		return (struct put){to, BYTES_TAG};
	if (RILL__UNLIKELY(size != word >> 32 || size > UINT16_MAX)) {
		pack_put64(to, word);
		pack_copy(to + 8, bytes, size);
		return (struct put){to + 8 + size, BYTES_PLAIN8};
	}
	if (size > 1 && slot->patience)
		return put_entry(pack, slot, bytes, size, to);
	return put_plain(bytes, size, BYTES_PLAIN1, to);
}

#endif
