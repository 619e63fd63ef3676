/* How the encoder stores one value: the part that pack.c's loop is made of. */
#ifndef RILL_DUMP_PACK_VALUE_H
#define RILL_DUMP_PACK_VALUE_H

#include "dump/pack_state.h"

/* By the number of significant bits: the code of X, and how many bytes it takes. */
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
static const struct word_form xor_forms[65] = {
	{WORD_XOR1, 1},       FORM_8(WORD_XOR1, 1), FORM_8(WORD_XOR2, 2),
	FORM_8(WORD_XOR3, 3), FORM_8(WORD_XOR4, 4), FORM_8(WORD_XOR6, 6),
	FORM_8(WORD_XOR6, 6), FORM_8(WORD_XOR8, 8), FORM_8(WORD_XOR8, 8),
};

static inline uint32_t significant_bits(uint64_t value)
{
	return 64 - (uint32_t)__builtin_clzll(value | 1);
}

static inline void patience_hit(struct slot_state *slot)
{
	uint32_t patience = slot->patience + PATIENCE_HIT;
	slot->patience = (uint16_t)(patience < PATIENCE ? patience : PATIENCE);
}

/* A word that is too far from the last one to be stored in two bytes. Returns its code. */
static inline uint32_t put_far_word(struct dump_pack *pack, struct slot_state *slot, uint64_t word,
				    uint64_t x, unsigned char **to)
{
	uint32_t hash = (uint32_t)(word * UINT64_C(0x9e3779b97f4a7c15) >> 48) & (WORD_PLACES - 1);
	uint32_t index = pack->word_places[hash];
	/* Two places for each: index 0 is none, and its word is never looked at. */
	if (!index || pack->words[index - 1] != word) {
		uint32_t other = pack->word_places[hash ^ 1];
		if (!other || pack->words[other - 1] != word) {
			struct word_form form = xor_forms[significant_bits(x)];
			slot->patience--;
			if (pack->nwords == PACK_MAX_ENTRIES) {
				pack_put64(*to, x);
				*to += form.bytes;
				return form.code;
			}
			pack->words[pack->nwords++] = word;
			pack->word_places[index ? hash ^ 1 : hash] = (uint16_t)pack->nwords;
			pack_put64(*to, x);
			*to += x >> 32 ? 8 : 4;
			return x >> 32 ? WORD_NEW8 : WORD_NEW4;
		}
		index = other;
	}
	index--;
	patience_hit(slot);
	pack_put64(*to, index);
	*to += 1 + (index > 255);
	return WORD_REF1 + (index > 255);
}

static inline uint32_t put_word(struct dump_pack *pack, struct slot_state *slot, uint64_t word,
				unsigned char **to)
{
	struct column *column = &pack->columns[slot->column];
	uint64_t last = slot->last, stride = slot->stride, tag_last = column->last;
	uint64_t difference = word - last;
	slot->last = column->last = word;
	slot->stride = difference;
	if (difference == 0)
		return WORD_SAME;
	if (word == tag_last)
		return WORD_TAG;
	if (difference == stride)
		return WORD_STRIDE;
	uint64_t z = zigzag(difference), x = word ^ last;
	if (z > UINT16_MAX && x > UINT16_MAX && slot->patience)
		return put_far_word(pack, slot, word, x, to);
	struct word_form form = xor_forms[significant_bits(x)];
	uint32_t bytes = form.bytes, code = form.code, near_bytes = 1 + (z > UINT8_MAX);
	bool near = z <= UINT16_MAX && near_bytes <= bytes;
	pack_put64(*to, near ? z : x);
	*to += near ? near_bytes : bytes;
	return near ? WORD_DELTA1 - 1 + near_bytes : code;
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

/* Bytes that were not the last ones, by the dictionary. 0: they are not in it, and were not added.
 */
static inline uint32_t put_entry(struct dump_pack *pack, struct slot_state *slot,
				 const unsigned char *bytes, uint32_t size, unsigned char **to)
{
	uint32_t hash = hash_bytes(bytes, size), place = hash & (BYTES_PLACES - 1);
	for (uint32_t way = 0; way < 2; way++) {
		uint32_t index = pack->text_places[place ^ way];
		if (!index)
			break;
		const struct text_entry *entry = &pack->texts[--index];
		if (entry->hash == hash && entry->size == size &&
		    same_bytes(entry->bytes, bytes, size)) {
			patience_hit(slot);
			pack_put64(*to, index);
			*to += 1 + (index > 255);
			return BYTES_REF1 + (index > 255);
		}
	}
	slot->patience--;
	if (pack->ntexts == PACK_MAX_ENTRIES)
		return 0;
	pack->texts[pack->ntexts++] = (struct text_entry){bytes, size, hash};
	pack->text_places[pack->text_places[place] ? place ^ 1 : place] = (uint16_t)pack->ntexts;
	return BYTES_NEW1;
}

/* word: kept and original length. */
static inline uint32_t put_bytes(struct dump_pack *pack, struct slot_state *slot, uint64_t word,
				 const unsigned char *bytes, unsigned char **to)
{
	struct column *column = &pack->columns[slot->column];
	const unsigned char *tag_bytes = column->bytes;
	uint64_t tag_last = column->last;
	uint32_t size = (uint32_t)word, code = BYTES_PLAIN1;
	bool same = word == slot->last && same_bytes(slot->bytes, bytes, size);
	bool tag = !same && tag_bytes != slot->bytes && word == tag_last &&
		   same_bytes(tag_bytes, bytes, size);
	slot->last = column->last = word;
	slot->bytes = column->bytes = bytes;
	if (same || tag)
		return same ? BYTES_SAME : BYTES_TAG;
	bool whole = size == word >> 32 && size <= UINT16_MAX;
	if (!whole) {
		pack_put64(*to, word);
		pack_copy(*to + 8, bytes, size);
		*to += 8 + size;
		return BYTES_PLAIN8;
	}
	if (size > 1 && slot->patience) {
		uint32_t found = put_entry(pack, slot, bytes, size, to);
		if (found >= BYTES_REF1)
			return found;
		code = found ? found : code;
	}
	pack_put64(*to, size);
	*to += 1 + (size > 255);
	pack_copy(*to, bytes, size);
	*to += size;
	return code + (size > 255);
}

#endif
