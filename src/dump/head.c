/* What stands before a chunk's records: segments, events, filter. */
#include "core/core.h"
#include "dump/filter.h"
#include "dump/pack_state.h"

#define FIXED_BYTES   48u /* what there is one of */
#define SEGMENT_BYTES 80u
#define EVENT_BYTES   13u

/* A filter takes at most this, and a part of what the records take. */
#define FILTER_FREE 64u
#define FILTER_PART 8u

/* Of a text in struct seen; catalog and key take 24 bits. */
#define TEXT_KEY (1u << 24)

size_t pack_head_room(void)
{
	return FIXED_BYTES + (size_t)SEGMENT_BYTES * PACK_MAX_SEGMENTS +
	       (size_t)EVENT_BYTES * PACK_MAX_SHAPES + FILTER_MOST;
}

static unsigned char *put_varint(unsigned char *to, uint64_t value)
{
	for (; value > 127; value >>= 7)
		*to++ = (unsigned char)(value | 128);
	*to++ = (unsigned char)value;
	return to;
}

static unsigned char *put_segments(const struct dump_pack *pack, unsigned char *at)
{
	uint64_t first = pack->nsegments ? pack->segments[0].first : 0;
	at = put_varint(at, pack->nsegments);
	at = put_varint(at, (uint64_t)(pack->control_end - pack->control));
	pack_put64(at, first);
	at += 8;
	for (uint32_t i = 0; i < pack->nsegments; i++) {
		const struct pack_segment *segment = &pack->segments[i];
		at = put_varint(at, segment->ring);
		at = put_varint(at, segment->tid);
		at = put_varint(at, segment->from);
		at = put_varint(at, segment->size / 8);
		at = put_varint(at, segment->records << 1 | segment->sorted);
		at = put_varint(at, zigzag(segment->first - first));
		at = put_varint(at, segment->first - segment->low);
		at = put_varint(at, segment->high - segment->first);
	}
	return at;
}

/* --- events -------------------------------------------------------------------------------- */

static uint32_t event_of(const struct shape *shape)
{
	return (uint32_t)(shape->key >> 56) << 16 | (uint16_t)shape->key;
}

/* The context of a comparison is the pack's shapes: their numbers are sorted by shell sort, which
 * needs no memory and no context. */
static void sort_by_event(const struct dump_pack *pack, uint16_t *order, uint32_t count)
{
	for (uint32_t gap = count / 2; gap; gap /= 2) {
		for (uint32_t i = gap; i < count; i++) {
			uint16_t moving = order[i];
			uint32_t event = event_of(&pack->shapes[moving]), at = i;
			for (; at >= gap && event_of(&pack->shapes[order[at - gap]]) > event;
			     at -= gap)
				order[at] = order[at - gap];
			order[at] = moving;
		}
	}
}

static unsigned char *put_events(struct dump_pack *pack, unsigned char *at)
{
	uint16_t order[PACK_MAX_SHAPES];
	uint32_t count = pack->ndefined, different = 0, before = 0;
	memcpy(order, pack->defined, count * sizeof *order);
	sort_by_event(pack, order, count);
	for (uint32_t i = 0; i < count; i++)
		different += i == 0 || event_of(&pack->shapes[order[i]]) !=
					       event_of(&pack->shapes[order[i - 1]]);
	at = put_varint(at, different);
	pack->events_at = (uint32_t)(at - pack->head);
	for (uint32_t i = 0; i < count;) {
		uint32_t event = event_of(&pack->shapes[order[i]]);
		uint64_t records = 0;
		for (; i < count && event_of(&pack->shapes[order[i]]) == event; i++)
			records += pack->shapes[order[i]].records;
		at = put_varint(at, event - before);
		at = put_varint(at, records);
		before = event;
	}
	pack->events_size = (uint32_t)(at - pack->head) - pack->events_at;
	return at;
}

/* --- filter -------------------------------------------------------------------------------- */

void pack_identity(struct dump_pack *pack, uint32_t key, uint64_t word)
{
	pack->identities[pack->nidentities++] =
		filter_hash(word, (uint8_t)(key >> 16), (uint16_t)key);
}

void pack_name(struct dump_pack *pack, const struct shape *shape, const struct slot_state *slot,
	       const unsigned char *bytes, uint32_t size)
{
	uint32_t key = identity_key(shape, slot);
	/* Bytes of the dictionary are hashed once, not each time. */
	if (slot->text != NO_TEXT) {
		struct seen *place = &pack->seen[(slot->text ^ key) & ((1u << SEEN_BITS) - 1)];
		struct seen what = {slot->text, pack->stamp | TEXT_KEY | key};
		if (place->value == what.value && place->key == what.key)
			return;
		*place = what;
	}
	pack_identity(pack, key, filter_value(bytes, size));
}

static unsigned char *put_filter(struct dump_pack *pack, unsigned char *at)
{
	uint64_t records = (uint64_t)(pack->control_end - pack->control) +
			   (uint64_t)(pack->payload_end - pack->payload);
	uint32_t size = 0;
	if (pack->hooks.identity && pack->nidentities < MAX_IDENTITIES)
		size = filter_size(pack->nidentities);
	if (size > FILTER_FREE + records / FILTER_PART)
		size = 0;
	at = put_varint(at, size);
	pack->filter_at = (uint32_t)(at - pack->head);
	pack->filter_size = size;
	memset(at, 0, size);
	for (uint32_t i = 0; size && i < pack->nidentities; i++)
		filter_add(at, size, pack->identities[i]);
	return at + size;
}

size_t pack_head(struct dump_pack *pack)
{
	unsigned char *at = put_filter(pack, put_events(pack, put_segments(pack, pack->head)));
	RILL_ASSERT((size_t)(at - pack->head) <= pack_head_room(), "a pack's header is too long");
	return (size_t)(at - pack->head);
}

void pack_times(const struct dump_pack *pack, uint64_t *first, uint64_t *last)
{
	*first = UINT64_MAX;
	*last = 0;
	for (uint32_t i = 0; i < pack->nsegments; i++) {
		const struct pack_segment *segment = &pack->segments[i];
		*first = segment->low < *first ? segment->low : *first;
		*last = segment->high > *last ? segment->high : *last;
	}
}

/* --- what is told of a pack ---------------------------------------------------------------- */

void dump_pack_hook(struct dump_pack *pack, const struct dump_pack_hooks *hooks)
{
	pack->hooks = *hooks;
}

bool dump_pack_empty(const struct dump_pack *pack)
{
	return pack->nsegments == 0;
}

uint64_t dump_pack_back(const struct dump_pack *pack)
{
	return pack->back;
}

uint64_t dump_pack_newest(const struct dump_pack *pack)
{
	return pack->newest;
}

bool dump_pack_count(const struct dump_pack *pack, size_t i, struct dump_pack_count *count)
{
	if (i >= pack->ndefined)
		return false;
	const struct shape *shape = &pack->shapes[pack->defined[i]];
	*count = (struct dump_pack_count){.catalog = (uint8_t)(shape->key >> 56),
					  .event = (uint16_t)shape->key,
					  .records = shape->records};
	return true;
}

void pack_watch(struct dump_pack *pack, const unsigned char *record, uint32_t size)
{
	pack->watched[pack->nwatched++] = (struct watched){record, size, pack->nsegments};
}

bool dump_pack_watched(const struct dump_pack *pack, size_t i, struct dump_watched *watched)
{
	if (i >= pack->nwatched)
		return false;
	const struct watched *found = &pack->watched[i];
	*watched = (struct dump_watched){found->record, found->size,
					 pack->segments[found->segment].tid};
	return true;
}
