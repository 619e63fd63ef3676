#include "core/secrets.h"

#include <string.h>

#include <rill/static/encode.h>

#include "core/decode.h"

#define MASK '*'

bool secrets_known(const struct rill_catalogs *catalogs, uint32_t *seen, bool *known)
{
	for (; *seen < catalogs->count && !*known; ++*seen) {
		const struct rill_catalog *catalog = catalogs->catalog[*seen];
		for (size_t i = 0; catalog && i < catalog->nkeys; i++)
			*known |= (catalog->keys[i].flags & RILL_KEY_SECRET) != 0;
	}
	return *known;
}

/* The slots of a record, event or list. */
struct slots {
	unsigned char *tags;
	unsigned char *words;
	unsigned char *tail;
	unsigned char *end;
	uint32_t count;
	const struct rill_catalog *catalog; /* NULL: a list's elements have no keys */
};

static uint32_t get32(const unsigned char *from)
{
	uint32_t value;
	memcpy(&value, from, sizeof value);
	return value;
}

static void put_tag(unsigned char *tag, unsigned type)
{
	uint32_t value = (get32(tag) & 0xff00ffff) | type << 16;
	memcpy(tag, &value, sizeof value);
}

/* Bytes of a slot's value in the tail. */
static uint32_t tail_of(unsigned type, const unsigned char *word)
{
	if (type == RILL_TYPE_STRING || type == RILL_TYPE_BYTES || type == RILL_TYPE_LIST ||
	    type == RILL_TYPE_EVENT)
		return get32(word);
	return type == RILL_TYPE_IP && get32(word + 4) == 16 ? 16 : 0;
}

static void mask_slot(unsigned char *tag, unsigned type, unsigned char *word, unsigned char *tail,
		      uint32_t size)
{
	uint64_t lengths = size | (uint64_t)size << 32;
	memset(tail, MASK, size);
	if (type == RILL_TYPE_IP && size)
		memcpy(word, &lengths, sizeof lengths);
	if (size || type == RILL_TYPE_STRING) {
		put_tag(tag, RILL_TYPE_STRING);
	} else {
		memset(word, 0, 8);
		put_tag(tag, RILL_TYPE_NONE);
	}
}

static void mask_slots(struct slots *slots, const struct rill_catalogs *catalogs, unsigned depth);

/* An event's or a list's own slots: as rill_nested_open() reads them. */
static void mask_nested(unsigned type, unsigned char *bytes, uint32_t size,
			const struct rill_catalogs *catalogs, unsigned depth)
{
	if (size < 8 || depth == RILL_MAX_DEPTH)
		return;
	uint32_t event = get32(bytes), count = get32(bytes + 4);
	if (count > (size - 8) / 12)
		return;
	size_t words_at = 8 + (((size_t)4 * count + 7) & ~(size_t)7);
	if (words_at + (size_t)8 * count > size)
		return;
	struct slots slots = {bytes + 8,
			      bytes + words_at,
			      bytes + words_at + (size_t)8 * count,
			      bytes + size,
			      count,
			      NULL};
	if (type == RILL_TYPE_EVENT && event >> 24 < catalogs->count)
		slots.catalog = catalogs->catalog[event >> 24];
	mask_slots(&slots, catalogs, depth + 1);
}

static void mask_slots(struct slots *slots, const struct rill_catalogs *catalogs, unsigned depth)
{
	for (uint32_t i = 0; i < slots->count; i++) {
		unsigned char *tag = slots->tags + (size_t)4 * i,
			      *word = slots->words + (size_t)8 * i;
		unsigned type = get32(tag) >> 16 & 0xff, key = get32(tag) & 0xffff;
		uint32_t size = tail_of(type, word);
		if (size > (size_t)(slots->end - slots->tail))
			return;
		if (slots->catalog && key < slots->catalog->nkeys &&
		    slots->catalog->keys[key].flags & RILL_KEY_SECRET)
			mask_slot(tag, type, word, slots->tail, size);
		else if (type == RILL_TYPE_LIST || type == RILL_TYPE_EVENT)
			mask_nested(type, slots->tail, size, catalogs, depth);
		slots->tail += size;
	}
}

void secrets_mask(unsigned char *records, size_t size, const struct rill_catalogs *catalogs)
{
	struct raw_record raw;
	for (size_t at = 0; at < size && !raw_record_read(&raw, records + at, size - at);
	     at += raw.size) {
		unsigned char *record = records + at;
		struct slots slots = {record + sizeof(struct rill__record),
				      record + RILL__WORDS_AT(raw.nslots),
				      record + RILL__TAIL_AT(raw.nslots),
				      record + raw.size,
				      raw.nslots,
				      NULL};
		if (raw.catalog < catalogs->count)
			slots.catalog = catalogs->catalog[raw.catalog];
		mask_slots(&slots, catalogs, 0);
	}
}
