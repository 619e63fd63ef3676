#include <stdlib.h>
#include <string.h>

#include "collect/spans.h"

#define FIRST_BUCKETS 256u

uint64_t hash_word(uint64_t hash, uint64_t word)
{
	hash ^= word;
	hash *= UINT64_C(0x9e3779b97f4a7c15);
	hash ^= hash >> 29;
	hash *= UINT64_C(0xbf58476d1ce4e5b9);
	return hash ^ hash >> 32;
}

uint64_t hash_bytes(uint64_t hash, const unsigned char *bytes, size_t size)
{
	hash = hash_word(hash, size);
	for (; size >= 8; bytes += 8, size -= 8) {
		uint64_t word;
		memcpy(&word, bytes, 8);
		hash = hash_word(hash, word);
	}
	if (size) {
		uint64_t word = 0;
		memcpy(&word, bytes, size);
		hash = hash_word(hash, word);
	}
	return hash;
}

bool value_of_item(struct value *value, const struct rill_item *item, uint8_t catalog,
		   uint64_t seed)
{
	switch (item->type) {
	case RILL_TYPE_BOOL:
	case RILL_TYPE_U64:
	case RILL_TYPE_I64:
	case RILL_TYPE_F64:
	case RILL_TYPE_DURATION:
	case RILL_TYPE_TIMESTAMP:
		value->word = item->type == RILL_TYPE_BOOL ? item->boolean : item->u64;
		value->bytes = (const unsigned char *)&value->word;
		value->size = sizeof value->word;
		break;
	case RILL_TYPE_STRING:
	case RILL_TYPE_BYTES:
	case RILL_TYPE_IP:
		value->bytes = item->bytes;
		value->size = item->size;
		break;
	default:
		return false;
	}
	value->key = item->key;
	value->type = item->type;
	value->catalog = catalog;
	uint64_t hash =
		hash_word(seed, item->key | (uint64_t)item->type << 16 | (uint64_t)catalog << 24);
	value->hash = hash_bytes(hash, value->bytes, value->size);
	return true;
}

static size_t compared(const struct value *value)
{
	return value->size < VALUE_COMPARED_BYTES ? value->size : VALUE_COMPARED_BYTES;
}

bool value_same(const struct value *a, const struct value *b)
{
	return a->hash == b->hash && a->size == b->size && a->key == b->key && a->type == b->type &&
	       a->catalog == b->catalog &&
	       (a->size == 0 || memcmp(a->bytes, b->bytes, compared(a)) == 0);
}

struct group *groups_find(const struct groups *groups, const struct value *value)
{
	if (!groups->nbuckets)
		return NULL;
	struct group *group = groups->buckets[value->hash & (groups->nbuckets - 1)];
	while (group && !value_same(&group->value, value))
		group = group->next;
	return group;
}

/* Without memory the chains grow longer, which costs time and nothing else. */
static void groups_widen(struct groups *groups)
{
	size_t nbuckets = groups->nbuckets ? 2 * groups->nbuckets : FIRST_BUCKETS;
	struct group **buckets = calloc(nbuckets, sizeof(struct group *));
	if (!buckets)
		return;
	for (size_t i = 0; i < groups->nbuckets; i++) {
		struct group *group = groups->buckets[i], *next;
		for (; group; group = next) {
			struct group **bucket = &buckets[group->value.hash & (nbuckets - 1)];
			next = group->next;
			group->next = *bucket;
			*bucket = group;
		}
	}
	free(groups->buckets);
	groups->buckets = buckets;
	groups->nbuckets = nbuckets;
}

struct group *groups_get(struct groups *groups, const struct value *value)
{
	struct group *group = groups_find(groups, value);
	if (group)
		return group;
	if (groups->count >= groups->nbuckets)
		groups_widen(groups);
	if (!groups->nbuckets)
		return NULL;
	group = groups->free;
	if (!group) {
		group = calloc(1, sizeof *group);
		if (!group)
			return NULL;
		group->next = NULL;
		groups->free = group;
	}
	size_t size = compared(value);
	if (size > group->capacity || !group->bytes) {
		size_t capacity = size < 32 ? 32 : size;
		unsigned char *bytes = realloc(group->bytes, capacity);
		if (!bytes)
			return NULL;
		group->bytes = bytes;
		group->capacity = capacity;
	}
	if (size)
		memcpy(group->bytes, value->bytes, size);
	groups->free = group->next;
	group->value = *value;
	group->value.bytes = group->bytes;
	group->innermost = NULL;
	struct group **bucket = &groups->buckets[value->hash & (groups->nbuckets - 1)];
	group->next = *bucket;
	*bucket = group;
	groups->count++;
	return group;
}

void groups_remove(struct groups *groups, struct group *group)
{
	struct group **at = &groups->buckets[group->value.hash & (groups->nbuckets - 1)];
	while (*at != group)
		at = &(*at)->next;
	*at = group->next;
	group->next = groups->free;
	groups->free = group;
	groups->count--;
}

static void free_chain(struct group *group)
{
	while (group) {
		struct group *next = group->next;
		free(group->bytes);
		free(group);
		group = next;
	}
}

void groups_free(struct groups *groups)
{
	for (size_t i = 0; i < groups->nbuckets; i++)
		free_chain(groups->buckets[i]);
	free_chain(groups->free);
	free(groups->buckets);
}

void use_remove(struct use_list *list, struct tracked *tracked)
{
	*(tracked->older ? &tracked->older->newer : &list->oldest) = tracked->newer;
	*(tracked->newer ? &tracked->newer->older : &list->newest) = tracked->older;
	list->count--;
}

void use_append(struct use_list *list, struct tracked *tracked)
{
	tracked->older = list->newest;
	tracked->newer = NULL;
	*(list->newest ? &list->newest->newer : &list->oldest) = tracked;
	list->newest = tracked;
	list->count++;
}

bool started_later(const struct tracked *a, const struct tracked *b)
{
	if (a->span.start_ns != b->span.start_ns)
		return a->span.start_ns > b->span.start_ns;
	return a->serial > b->serial;
}

struct tracked *group_around(const struct group *group, const struct tracked *tracked)
{
	struct tracked *outer = group ? group->innermost : NULL;
	while (outer && started_later(outer, tracked))
		outer = outer->outer;
	return outer;
}

void group_link(struct group *group, struct tracked *tracked)
{
	tracked->group = group;
	tracked->outer = group_around(group, tracked);
	tracked->inner = tracked->outer ? tracked->outer->inner : NULL;
	if (!tracked->outer)
		for (struct tracked *other = group->innermost; other; other = other->outer)
			tracked->inner = other;
	*(tracked->inner ? &tracked->inner->outer : &group->innermost) = tracked;
	if (tracked->outer)
		tracked->outer->inner = tracked;
}

void group_unlink(struct group *group, struct tracked *tracked)
{
	*(tracked->inner ? &tracked->inner->outer : &group->innermost) = tracked->outer;
	if (tracked->outer)
		tracked->outer->inner = tracked->inner;
}
