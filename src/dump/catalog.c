/* A catalog as the body of a block: so that a dump opens years later without binary or page. */
#include <errno.h>

#include "dump/format.h"

static void pack_events(struct packer *packer, const struct rill_catalog *catalog)
{
	for (size_t i = 0; i < catalog->nevents; i++) {
		const struct rill_catalog_event *event = &catalog->events[i];
		pack_text(packer, event->name);
		pack_text(packer, event->brief);
		pack_text(packer, event->text);
		pack_int(packer, event->subsystem, 2);
		pack_int(packer, event->level, 1);
		pack_int(packer, event->flags, 1);
		pack_int(packer, event->nkeys, 2);
		for (size_t k = 0; k < event->nkeys; k++)
			pack_int(packer, event->keys[k], 2);
	}
}

void catalog_pack(struct packer *packer, uint8_t index, const struct rill_catalog *catalog)
{
	pack_int(packer, index, 1);
	pack_int(packer, catalog->hash, 8);
	pack_text(packer, catalog->name);
	pack_int(packer, catalog->nsubsystems, 2);
	pack_int(packer, catalog->nevents, 2);
	pack_int(packer, catalog->nkeys, 2);
	pack_int(packer, catalog->nspans, 2);
	for (size_t i = 0; i < catalog->nsubsystems; i++)
		pack_text(packer, catalog->subsystems[i]);
	pack_events(packer, catalog);
	for (size_t i = 0; i < catalog->nkeys; i++) {
		const struct rill_catalog_key *key = &catalog->keys[i];
		pack_text(packer, key->name);
		pack_text(packer, key->text);
		pack_int(packer, key->types, 2);
		pack_int(packer, key->flags, 1);
		pack_int(packer, key->refers, 2);
	}
	for (size_t i = 0; i < catalog->nspans; i++) {
		const struct rill_catalog_span *span = &catalog->spans[i];
		pack_text(packer, span->name);
		pack_int(packer, span->start, 2);
		pack_int(packer, span->end, 2);
		pack_int(packer, span->key, 2);
	}
}

/* Every table is taken from the arena only once the body has bytes enough to fill it, so that a
 * forged count cannot ask for more than a few times what the file itself weighs. */
#define SUBSYSTEM_MIN 4u
#define EVENT_MIN     18u
#define KEY_MIN       13u
#define SPAN_MIN      10u

struct unpacking {
	struct unpacker *from;
	struct arena *arena;
	struct rill_catalog *catalog;
	bool no_memory;
};

static const char *take_text(struct unpacking *unpacking)
{
	const char *text = unpack_text(unpacking->from, unpacking->arena);
	if (!text) {
		unpacking->no_memory = true;
		unpacking->from->failed = true;
		return "";
	}
	return text;
}

static void *take_table(struct unpacking *unpacking, size_t count, size_t size)
{
	void *table = arena_array(unpacking->arena, count, size);
	if (!table) {
		unpacking->no_memory = true;
		unpacking->from->failed = true;
	}
	return table;
}

static void unpack_subsystems(struct unpacking *unpacking)
{
	size_t count = unpacking->catalog->nsubsystems;
	const char **names = take_table(unpacking, count, sizeof *names);
	for (size_t i = 0; names && i < count; i++)
		names[i] = take_text(unpacking);
	unpacking->catalog->subsystems = names;
}

static void unpack_event_keys(struct unpacking *unpacking, struct rill_catalog_event *event)
{
	struct unpacker *from = unpacking->from;
	event->nkeys = (uint16_t)unpack_int(from, 2);
	if (event->nkeys > (size_t)(from->end - from->at) / 2)
		from->failed = true;
	if (from->failed || !event->nkeys) {
		event->nkeys = 0;
		return;
	}
	uint16_t *keys = take_table(unpacking, event->nkeys, sizeof *keys);
	for (size_t k = 0; keys && k < event->nkeys; k++) {
		keys[k] = (uint16_t)unpack_int(from, 2);
		if (keys[k] >= unpacking->catalog->nkeys)
			from->failed = true;
	}
	event->keys = keys;
}

static void unpack_events(struct unpacking *unpacking)
{
	struct rill_catalog *catalog = unpacking->catalog;
	struct rill_catalog_event *events = take_table(unpacking, catalog->nevents, sizeof *events);
	for (size_t i = 0; events && i < catalog->nevents; i++) {
		events[i].name = take_text(unpacking);
		events[i].brief = take_text(unpacking);
		events[i].text = take_text(unpacking);
		events[i].subsystem = (uint16_t)unpack_int(unpacking->from, 2);
		events[i].level = (uint8_t)unpack_int(unpacking->from, 1);
		events[i].flags = (uint8_t)unpack_int(unpacking->from, 1);
		unpack_event_keys(unpacking, &events[i]);
		if (events[i].level >= RILL_OFF || events[i].subsystem >= catalog->nsubsystems)
			unpacking->from->failed = true;
	}
	catalog->events = events;
}

static void unpack_keys(struct unpacking *unpacking)
{
	struct rill_catalog *catalog = unpacking->catalog;
	struct rill_catalog_key *keys = take_table(unpacking, catalog->nkeys, sizeof *keys);
	for (size_t i = 0; keys && i < catalog->nkeys; i++) {
		keys[i].name = take_text(unpacking);
		keys[i].text = take_text(unpacking);
		keys[i].types = (uint16_t)unpack_int(unpacking->from, 2);
		keys[i].flags = (uint8_t)unpack_int(unpacking->from, 1);
		keys[i].refers = (uint16_t)unpack_int(unpacking->from, 2);
		if (keys[i].refers >= catalog->nkeys && keys[i].refers != RILL_NO_KEY)
			unpacking->from->failed = true;
	}
	catalog->keys = keys;
}

static void unpack_spans(struct unpacking *unpacking)
{
	struct rill_catalog *catalog = unpacking->catalog;
	struct rill_catalog_span *spans = take_table(unpacking, catalog->nspans, sizeof *spans);
	for (size_t i = 0; spans && i < catalog->nspans; i++) {
		spans[i].name = take_text(unpacking);
		spans[i].start = (uint16_t)unpack_int(unpacking->from, 2);
		spans[i].end = (uint16_t)unpack_int(unpacking->from, 2);
		spans[i].key = (uint16_t)unpack_int(unpacking->from, 2);
		if (spans[i].start >= catalog->nevents || spans[i].end >= catalog->nevents ||
		    (spans[i].key >= catalog->nkeys && spans[i].key != RILL_NO_KEY))
			unpacking->from->failed = true;
	}
	catalog->spans = spans;
}

int catalog_unpack(struct unpacker *from, struct arena *arena, uint8_t *index,
		   const struct rill_catalog **made)
{
	struct rill_catalog *catalog = arena_take(arena, sizeof *catalog);
	struct unpacking unpacking = {from, arena, catalog, false};
	if (!catalog)
		return -ENOMEM;
	*index = (uint8_t)unpack_int(from, 1);
	catalog->layout = RILL_CATALOG_LAYOUT;
	catalog->size = sizeof *catalog;
	catalog->hash = unpack_int(from, 8);
	catalog->name = take_text(&unpacking);
	catalog->nsubsystems = (uint16_t)unpack_int(from, 2);
	catalog->nevents = (uint16_t)unpack_int(from, 2);
	catalog->nkeys = (uint16_t)unpack_int(from, 2);
	catalog->nspans = (uint16_t)unpack_int(from, 2);
	size_t least = (size_t)SUBSYSTEM_MIN * catalog->nsubsystems +
		       (size_t)EVENT_MIN * catalog->nevents + (size_t)KEY_MIN * catalog->nkeys +
		       (size_t)SPAN_MIN * catalog->nspans;
	if (from->failed || least > (size_t)(from->end - from->at) ||
	    catalog->nevents > RILL_CATALOG_MAX_EVENTS || catalog->nkeys > RILL_CATALOG_MAX_KEYS ||
	    catalog->nspans > RILL_CATALOG_MAX_SPANS)
		return unpacking.no_memory ? -ENOMEM : -EBADMSG;
	unpack_subsystems(&unpacking);
	unpack_events(&unpacking);
	unpack_keys(&unpacking);
	unpack_spans(&unpacking);
	if (unpacking.no_memory)
		return -ENOMEM;
	if (from->failed)
		return -EBADMSG;
	*made = catalog;
	return 0;
}
