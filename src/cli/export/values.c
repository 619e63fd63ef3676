/* What several formats ask about values. */
#include <string.h>

#include "cli/export/export.h"
#include "sink/render.h"

/* Types that are plain without a note, in JSON as in the other formats (docs/json.md). */
#define NATURAL (RILL_SET_NONE | RILL_SET_BOOL | RILL_SET_STRING | RILL_SET_LIST | RILL_SET_EVENT)

bool export_type_is_open(const struct rill_catalog *catalog, uint16_t key, unsigned type)
{
	const struct rill_catalog_key *of = find_key(catalog, key);
	unsigned types = of ? of->types : 0;
	if (types == 1u << type || type == RILL_TYPE_NONE)
		return false;
	return !(1u << type & NATURAL) || !(1u << type & types);
}

bool export_is_text(const unsigned char *bytes, size_t size)
{
	for (size_t i = 0; i < size;) {
		uint32_t character;
		size_t length = bytes[i] < 0x80 ? bytes[i] != 0
						: utf8_read(bytes + i, size - i, &character);
		if (!length)
			return false;
		i += length;
	}
	return true;
}

char *export_put_text(char *to, const unsigned char *bytes, size_t size)
{
	for (size_t i = 0; i < size;) {
		uint32_t character;
		size_t length = utf8_read(bytes + i, size - i, &character);
		if (!length || !bytes[i])
			character = length ? 0x2400 : 0xfffd;
		to += utf8_write(to, character);
		i += length ? length : 1;
	}
	return to;
}

uint64_t export_mix(uint64_t a, uint64_t b)
{
	uint64_t hash = (a ^ b >> 32 ^ b << 32) * UINT64_C(0x9e3779b97f4a7c15);
	hash = (hash ^ hash >> 29 ^ b) * UINT64_C(0xbf58476d1ce4e5b9);
	return hash ^ hash >> 32;
}

uint64_t export_process_id(const struct dump_origin *origin)
{
	return export_mix(origin->process.id[0], origin->process.id[1]) | 1;
}

static uint64_t hash_bytes_of(uint64_t hash, const unsigned char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		hash = export_mix(hash, bytes[i]);
	return hash;
}

bool export_flow(uint64_t *id, const struct dump_origin *origin, const struct rill_catalog *catalog,
		 const struct rill_item *items, size_t index)
{
	const struct rill_item *item = &items[index];
	const struct rill_catalog_key *key = find_key(catalog, item->key);
	if (!key || !(key->flags & RILL_KEY_LINK) || item->type == RILL_TYPE_NONE ||
	    item->type == RILL_TYPE_LIST || item->type == RILL_TYPE_EVENT ||
	    (item->bytes && !item->size))
		return false;
	/* The same twice in one record is one. */
	for (size_t i = 0; i < index; i++)
		if (items_equal(&items[i], item))
			return false;
	*id = hash_bytes_of(0, (const unsigned char *)key->name, strlen(key->name));
	*id = item->bytes ? hash_bytes_of(*id, item->bytes, item->size)
			  : export_mix(*id, item->u64);
	if (!(key->flags & RILL_KEY_GLOBAL))
		*id = export_mix(*id, export_process_id(origin));
	return true;
}

void export_make_key(void *context, struct buffer *to, const struct rill_catalog *catalog,
		     enum piece_kind kind, uint16_t id)
{
	(void)context;
	(void)kind;
	json_key(to, catalog, id);
}
