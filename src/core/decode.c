#include "core/decode.h"

#include <errno.h>
#include <string.h>

#include <rill/static/encode.h>

static uint32_t get32(const unsigned char *from)
{
	uint32_t value;
	memcpy(&value, from, sizeof value);
	return value;
}

static uint64_t get64(const unsigned char *from)
{
	uint64_t value;
	memcpy(&value, from, sizeof value);
	return value;
}

int raw_record_read(struct raw_record *raw, const unsigned char *bytes, size_t available)
{
	if (available < sizeof(struct rill__record))
		return -EBADMSG;
	uint32_t catalog_size = get32(bytes + 12);
	raw->ticks = get64(bytes);
	raw->event = (uint16_t)get32(bytes + 8);
	raw->nslots = bytes[10];
	raw->catalog = (uint8_t)(catalog_size >> 24);
	raw->size = catalog_size & 0xffffff;
	raw->bytes = bytes;
	if (raw->size > available || raw->size % 8 || raw->nslots > RILL__MAX_SLOTS ||
	    raw->size < RILL__TAIL_AT(raw->nslots))
		return -EBADMSG;
	return 0;
}

/* What a slot's word is, by type. */
enum word {
	WORD_VALUE,
	WORD_BOOL,
	WORD_LENGTH,  /* and original length; the bytes stand in the tail */
	WORD_ADDRESS, /* or its length: then it stands in the tail */
};

static const unsigned char words_of[RILL_TYPE_COUNT] = {
	[RILL_TYPE_BOOL] = WORD_BOOL,    [RILL_TYPE_STRING] = WORD_LENGTH,
	[RILL_TYPE_BYTES] = WORD_LENGTH, [RILL_TYPE_LIST] = WORD_LENGTH,
	[RILL_TYPE_EVENT] = WORD_LENGTH, [RILL_TYPE_IP] = WORD_ADDRESS,
};

/* One slot: its tag, its word, and as much of the tail as is its own. */
static inline int get_item(struct rill_item *item, uint32_t tag, const unsigned char *at,
			   const unsigned char **tail, const unsigned char *end)
{
	uint32_t type = tag >> 16, size;
	uint64_t word = get64(at);
	if (type >= RILL_TYPE_COUNT)
		return -EBADMSG;
	*item = (struct rill_item){.key = (uint16_t)tag, .type = (uint8_t)type};
	switch (words_of[type]) {
	case WORD_VALUE:
		item->u64 = word;
		return 0;
	case WORD_BOOL:
		item->boolean = word != 0;
		return 0;
	case WORD_LENGTH:
		item->size = size = (uint32_t)word;
		item->original_size = (uint32_t)(word >> 32);
		item->cut = item->size < item->original_size;
		break;
	default:
		item->size = item->original_size = size = (uint32_t)(word >> 32);
		if (size == 4) {
			item->bytes = at;
			return 0;
		}
		if (size == 0)
			item->type = RILL_TYPE_NONE;
		else if (size != 16)
			return -EBADMSG;
		else
			break;
		return 0;
	}
	if (size > (size_t)(end - *tail))
		return -EBADMSG;
	item->bytes = *tail;
	*tail += size;
	return 0;
}

int raw_record_items(const struct raw_record *raw, struct rill_item *items)
{
	const unsigned char *tags = raw->bytes + sizeof(struct rill__record);
	const unsigned char *words = raw->bytes + RILL__WORDS_AT(raw->nslots);
	const unsigned char *tail = raw->bytes + RILL__TAIL_AT(raw->nslots);
	for (uint32_t i = 0; i < raw->nslots; i++) {
		int error = get_item(&items[i], get32(tags + (size_t)4 * i), words + (size_t)8 * i,
				     &tail, raw->bytes + raw->size);
		if (error)
			return error;
	}
	return raw->nslots;
}

int raw_record_item(const struct raw_record *raw, uint16_t key, struct rill_item *item)
{
	const unsigned char *tags = raw->bytes + sizeof(struct rill__record);
	const unsigned char *words = raw->bytes + RILL__WORDS_AT(raw->nslots);
	const unsigned char *tail = raw->bytes + RILL__TAIL_AT(raw->nslots);
	for (uint32_t i = 0; i < raw->nslots; i++) {
		int error = get_item(item, get32(tags + (size_t)4 * i), words + (size_t)8 * i,
				     &tail, raw->bytes + raw->size);
		if (error)
			return error;
		if (item->key == key)
			return 1;
	}
	return 0;
}

bool raw_record_decodes(const struct raw_record *raw, uint32_t nkeys)
{
	const unsigned char *tags = raw->bytes + sizeof(struct rill__record);
	const unsigned char *words = raw->bytes + RILL__WORDS_AT(raw->nslots);
	uint64_t left = raw->size - RILL__TAIL_AT(raw->nslots);
	for (uint32_t i = 0; i < raw->nslots; i++, tags += 4, words += 8) {
		uint32_t tag = get32(tags), type = tag >> 16, size = 0;
		if (type >= RILL_TYPE_COUNT || (uint16_t)tag >= nkeys)
			return false;
		if (words_of[type] == WORD_LENGTH) {
			size = get32(words);
		} else if (words_of[type] == WORD_ADDRESS) {
			size = get32(words + 4);
			if (size != 0 && size != 4 && size != 16)
				return false;
			size &= 16;
		}
		if (size > left)
			return false;
		left -= size;
	}
	return true;
}

int rill_nested_open(struct rill_nested *nested, const struct rill_item *item,
		     const struct rill_catalogs *catalogs)
{
	memset(nested, 0, sizeof *nested);
	if (item->size < 8)
		return item->size == 0 && item->type == RILL_TYPE_LIST ? 0 : -EBADMSG;
	uint32_t event = get32(item->bytes);
	uint32_t count = get32(item->bytes + 4);
	if (count > (item->size - 8) / 12)
		return -EBADMSG;
	size_t words_at = 8 + (((size_t)4 * count + 7) & ~(size_t)7);
	if (words_at + (size_t)8 * count > item->size)
		return -EBADMSG;
	nested->count = count;
	nested->tags = item->bytes + 8;
	nested->words = item->bytes + words_at;
	nested->tail = nested->words + (size_t)8 * count;
	nested->end = item->bytes + item->size;
	if (item->type == RILL_TYPE_EVENT) {
		uint32_t index = event >> 24;
		if (index < catalogs->count)
			nested->catalog = catalogs->catalog[index];
		if (nested->catalog && (event & 0xffff) < nested->catalog->nevents)
			nested->event = &nested->catalog->events[event & 0xffff];
	}
	return 0;
}

int rill_nested_next(struct rill_nested *nested, struct rill_item *item)
{
	if (nested->next >= nested->count)
		return 0;
	size_t i = nested->next++;
	int error = get_item(item, get32(nested->tags + 4 * i), nested->words + 8 * i,
			     &nested->tail, nested->end);
	return error ? error : 1;
}
