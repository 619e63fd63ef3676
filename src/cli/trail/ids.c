/* Identities: a value of a key, in a process or everywhere. */
#include <stdlib.h>
#include <string.h>

#include "cli/trail/trail.h"

#define BUCKETS 32768u

bool value_of(struct value *value, const struct rill_item *item)
{
	*value = (struct value){0};
	switch (item->type) {
	case RILL_TYPE_BOOL:
		value->word = item->boolean;
		return true;
	case RILL_TYPE_U64:
	case RILL_TYPE_I64:
	case RILL_TYPE_DURATION:
	case RILL_TYPE_TIMESTAMP:
		value->word = item->u64;
		return true;
	case RILL_TYPE_IP:
		if (item->size == 4) { /* as it stands in a record */
			uint32_t address;
			memcpy(&address, item->bytes, sizeof address);
			value->word = UINT64_C(4) << 32 | address;
			return true;
		}
		break;
	case RILL_TYPE_STRING:
	case RILL_TYPE_BYTES:
		break;
	default:
		return false;
	}
	value->bytes = item->bytes;
	value->size = item->size;
	return item->size && item->size <= MAX_VALUE && !item->cut;
}

bool values_equal(const struct value *a, const struct value *b)
{
	if (!a->bytes || !b->bytes)
		return !a->bytes && !b->bytes && a->word == b->word;
	return a->size == b->size && !memcmp(a->bytes, b->bytes, a->size);
}

int ids_init(struct ids *ids)
{
	ids->ids = calloc(MAX_IDS, sizeof *ids->ids);
	ids->buckets = malloc(BUCKETS * sizeof *ids->buckets);
	if (!ids->ids || !ids->buckets)
		return -1;
	ids->count = 0;
	ids_clear(ids);
	return 0;
}

void ids_clear(struct ids *ids)
{
	for (uint32_t i = 0; i < ids->count; i++)
		free((void *)(uintptr_t)ids->ids[i].value.bytes);
	memset(ids->buckets, 0xff, BUCKETS * sizeof *ids->buckets);
	ids->count = 0;
	ids->full = false;
}

void ids_free(struct ids *ids)
{
	if (ids->ids && ids->buckets)
		ids_clear(ids);
	free(ids->ids);
	free(ids->buckets);
}

static uint32_t *bucket(const struct ids *ids, uint32_t key, uint32_t process,
			const struct value *value)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ value->word;
	for (uint32_t i = 0; value->bytes && i < value->size; i++)
		hash = (hash ^ value->bytes[i]) * UINT64_C(0x100000001b3);
	hash = (hash + ((uint64_t)key << 32 | process)) * UINT64_C(0x9e3779b97f4a7c15);
	return &ids->buckets[(hash >> 32) % BUCKETS];
}

uint32_t ids_find(const struct ids *ids, uint32_t key, uint32_t process, const struct value *value)
{
	uint32_t at = *bucket(ids, key, process, value);
	while (at != NO_ID) {
		const struct id *id = &ids->ids[at];
		if (id->key == key && id->process == process && values_equal(&id->value, value))
			return at;
		at = id->next;
	}
	return NO_ID;
}

uint32_t ids_get(struct ids *ids, uint32_t key, uint32_t process, const struct value *value,
		 uint8_t type)
{
	uint32_t found = ids_find(ids, key, process, value);
	if (found != NO_ID)
		return found;
	struct value copy = *value;
	if (ids->count == MAX_IDS) {
		ids->full = true;
		return NO_ID;
	}
	if (value->bytes) {
		unsigned char *bytes = malloc(value->size);
		if (!bytes) {
			ids->full = true;
			return NO_ID;
		}
		memcpy(bytes, value->bytes, value->size);
		copy.bytes = bytes;
	}
	uint32_t *head = bucket(ids, key, process, value);
	ids->ids[ids->count] = (struct id){
		.value = copy, .key = key, .process = process, .next = *head, .type = type};
	return *head = ids->count++;
}
