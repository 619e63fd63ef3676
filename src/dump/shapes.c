/* The encoder's shapes: found by a record's key and tags. */
#include "dump/pack_state.h"

/* Key and a word of tags, whether they are there or not. */
#define LEAST 24u

static uint32_t hash_place(uint64_t hash, uint32_t places)
{
	return (uint32_t)(hash * UINT64_C(0x9e3779b97f4a7c15) >> 40) & (places - 1);
}

static struct column *column_of(struct dump_pack *pack, uint32_t tag)
{
	uint32_t place = hash_place(tag, TAG_PLACES);
	for (; pack->tag_places[place]; place = (place + 1) & (TAG_PLACES - 1))
		if (pack->columns[pack->tag_places[place] - 1].tag == tag)
			return &pack->columns[pack->tag_places[place] - 1];
	struct column *column = &pack->columns[pack->ncolumns++];
	*column = (struct column){.tag = tag};
	pack->tag_places[place] = pack->ncolumns;
	return column;
}

static uint32_t shape_place(const unsigned char *record, uint64_t key, uint32_t ntags)
{
	uint64_t hash = key;
	for (uint32_t i = 0; i < ntags; i++)
		hash = (hash ^ hash >> 29 ^
			pack_get64(record + sizeof(struct rill__record) + (size_t)8 * i)) *
		       UINT64_C(0xbf58476d1ce4e5b9);
	return hash_place(hash ^ hash >> 32, SHAPE_PLACES);
}

/* What a record says of its shape; false when it must be stored as it is: it has what no producer
 * writes. */
static bool shape_read(struct shape *shape, struct slot_state *slots, const unsigned char *record,
		       uint32_t size)
{
	uint32_t n = record[10];
	memset(shape, 0, sizeof *shape);
	shape->key = pack_get64(record + 8) & KEY_MASK;
	shape->nslots = (uint8_t)n;
	shape->control_bytes = (uint8_t)(((n & 15) + 2) / 2);
	shape->ntags = (uint8_t)((n + 1) / 2);
	/* The record's own nibble is the first; sixteen are stored at once. */
	shape->shift = (uint8_t)(60 - 4 * (n & 15));
	shape->fixed = (uint32_t)RILL__TAIL_AT(n);
	shape->least = shape->fixed < LEAST ? LEAST : shape->fixed;
	shape->mask = n > 0 ? UINT64_MAX : 0;
	shape->words_at = (uint16_t)RILL__WORDS_AT(n);
	shape->slots = slots;
	memcpy(shape->tags, record + sizeof(struct rill__record), (size_t)8 * shape->ntags);
	for (uint32_t i = 0; i < n; i++) {
		slots[i].kind = (uint8_t)slot_kind(shape_tag(shape, i) >> 16 & 0xff);
		if (slots[i].kind != SLOT_WORD)
			shape->tails |= (uint16_t)(1u << i);
	}
	return !record[11] && (n % 2 == 0 || !shape_tag(shape, n)) &&
	       shape_size(shape, record) == size;
}

/* What the hooks say of a shape and its slots. */
static void shape_ask(const struct dump_pack *pack, struct shape *shape)
{
	const struct dump_pack_hooks *hooks = &pack->hooks;
	uint8_t catalog = (uint8_t)(shape->key >> 56);
	if (hooks->watched)
		shape->watched = hooks->watched(hooks->context, catalog, (uint16_t)shape->key);
	if (!hooks->identity)
		return;
	/* Which keys it has, only its records say. */
	shape->unfilter = shape->as_is;
	for (struct slot_state *slot = shape->slots; slot->kind != SLOT_END; slot++) {
		if (slot->kind == SLOT_FULL ||
		    !hooks->identity(hooks->context, catalog, (uint16_t)slot->column->tag))
			continue;
		uint32_t type = slot->column->tag >> 16 & 0xff;
		if (slot->kind == SLOT_WORD)
			slot->kind = SLOT_ID;
		else if (type == RILL_TYPE_STRING || type == RILL_TYPE_BYTES)
			slot->kind = SLOT_NAME;
		else
			shape->unfilter = true;
	}
}

static struct shape *shape_add(struct dump_pack *pack, const struct shape *like, uint32_t place)
{
	if (pack->nshapes == PACK_MAX_SHAPES || like->nslots > PACK_MAX_SLOTS - pack->nslots)
		return NULL;
	struct shape *shape = &pack->shapes[pack->nshapes++];
	*shape = *like;
	/* Each shape before has two that are none, at most. */
	shape->slots = &pack->slots[pack->nslots + 2 * (pack->nshapes - 1)];
	pack->nslots += like->nslots;
	struct slot_state *slot = shape->slots;
	for (uint32_t i = 0; i < like->nslots; i++) {
		if (i == 15)
			*slot++ = (struct slot_state){.kind = SLOT_FULL};
		*slot++ = (struct slot_state){.column = column_of(pack, shape_tag(shape, i)),
					      .patience = PATIENCE,
					      .kind = like->slots[i].kind};
	}
	*slot = (struct slot_state){.kind = SLOT_END};
	shape_ask(pack, shape);
	shape->next = pack->shape_places[place];
	pack->shape_places[place] = pack->nshapes;
	return shape;
}

static struct shape *shape_as_is(struct dump_pack *pack, const unsigned char *record)
{
	/* Their number of slots and flags stand in each record. */
	struct shape like = {.key = pack_get64(record + 8) & KEY_MASK & ~UINT64_C(0xffff0000),
			     .least = UINT32_MAX, /* never taken for a record's shape at once */
			     .fixed = 1u << 24,   /* never the size that it has */
			     .control_bytes = 1,
			     .shift = 60,
			     .as_is = 1};
	uint32_t place = shape_place(record, like.key, 0);
	for (uint32_t at = pack->shape_places[place]; at; at = pack->shapes[at - 1].next)
		if (pack->shapes[at - 1].as_is && pack->shapes[at - 1].key == like.key)
			return &pack->shapes[at - 1];
	return shape_add(pack, &like, place);
}

static bool shape_is(const struct shape *shape, const unsigned char *record, uint64_t key)
{
	return shape->key == key && memcmp(record + sizeof(struct rill__record), shape->tags,
					   (size_t)8 * shape->ntags) == 0;
}

struct shape *shape_find(struct dump_pack *pack, const unsigned char *record, uint32_t size)
{
	uint64_t key = pack_get64(record + 8) & KEY_MASK;
	uint32_t place = shape_place(record, key, (record[10] + 1u) / 2);
	for (uint32_t at = pack->shape_places[place]; at; at = pack->shapes[at - 1].next) {
		struct shape *shape = &pack->shapes[at - 1];
		if (!shape->as_is && size >= shape->fixed && shape_is(shape, record, key))
			return shape_size(shape, record) == size ? shape
								 : shape_as_is(pack, record);
	}
	struct shape like;
	struct slot_state slots[RILL__MAX_SLOTS];
	if (!shape_read(&like, slots, record, size))
		return shape_as_is(pack, record);
	return shape_add(pack, &like, place);
}

/* A slot is not the first one of its tag: from now on the tag's last value is kept. */
static void column_share(struct column *column, struct slot_state *slot)
{
	if (slot->kind == SLOT_WORD)
		slot->kind = SLOT_TAGGED;
	if (!column->owner)
		return;
	column->last = column->owner->last;
	column->owner->kind = SLOT_TAGGED;
	column->owner = NULL;
}

void shape_define(struct dump_pack *pack, struct shape *shape)
{
	shape->chunk = pack->chunk;
	shape->number = (uint16_t)pack->ndefined;
	shape->expected = shape;
	shape->records = 0;
	if (shape->unfilter)
		pack->nidentities = MAX_IDENTITIES;
	pack->defined[pack->ndefined++] = (uint16_t)(shape - pack->shapes);
	for (struct slot_state *slot = shape->slots; slot->kind != SLOT_END; slot++) {
		struct column *column = slot->column;
		if (slot->kind == SLOT_FULL)
			continue;
		slot->last = slot->stride = 0;
		slot->bytes = NULL;
		slot->text = NO_TEXT;
		if (slot->patience) {
			slot->patience = PATIENCE;
		} else if (++slot->rest == REST_CHUNKS) {
			slot->rest = 0;
			slot->patience = PATIENCE_AGAIN;
		}
		if (column->chunk == pack->chunk) {
			column_share(column, slot);
			continue;
		}
		column->owner = NULL;
		if (slot->kind == SLOT_WORD || slot->kind == SLOT_TAGGED) {
			slot->kind = SLOT_WORD;
			column->owner = slot;
		}
		column->chunk = pack->chunk;
		column->last = 0;
		column->text = NO_TEXT;
	}
}
