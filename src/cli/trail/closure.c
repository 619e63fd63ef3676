/*
 * From what is known of a trail to all of it: passes over the dumps, each of which adds what
 * records of the trail say besides, until one adds nothing.
 */
#include <stdlib.h>

#include "cli/trail/trail.h"

#define MAX_PASSES 100u

struct trail_span *trail_span(const struct trail *trail, uint64_t id)
{
	for (uint32_t i = 0; i < trail->nspans; i++)
		if (trail->spans[i].id == id)
			return &trail->spans[i];
	return NULL;
}

/* A span's key: so that all that is in the span is read. */
static void want_span(struct pass *pass, const struct rill_span *span)
{
	struct trail *trail = pass->trail;
	uint16_t key = span->span->key;
	const struct rill_item *items = span->nstart_items ? span->start_items : span->end_items;
	uint32_t nitems = span->nstart_items ? span->nstart_items : span->nend_items;
	for (uint32_t i = 0; key != RILL_NO_KEY && i < nitems; i++) {
		struct value value;
		if (items[i].key != key || !value_of(&value, &items[i]))
			continue;
		uint32_t name = names_get(&trail->names, span->catalog->keys[key].name);
		uint32_t id = name == NO_ID ? NO_ID
					    : ids_get(&trail->ids, name, SOMEWHERE, &value,
						      items[i].type);
		if (id != NO_ID)
			trail->ids.ids[id].flags |= ID_WANTED;
		return;
	}
}

static void add_spans(struct pass *pass, const struct rill_record *record)
{
	struct trail *trail = pass->trail;
	for (const struct rill_span *span = record->span; span; span = span->parent) {
		if (trail_span(trail, span->id))
			continue;
		if (trail->nspans == MAX_SPANS) {
			trail->spans_full = true;
			return;
		}
		trail->spans[trail->nspans++] = (struct trail_span){.id = span->id};
		trail->changed = true;
		want_span(pass, span);
	}
}

static void add_facts(struct pass *pass, const struct fact *facts, size_t nfacts)
{
	struct trail *trail = pass->trail;
	for (size_t i = 0; i < nfacts; i++) {
		const struct key_link *link = &facts[i].link;
		if (link->kind == LINK_PEER) {
			peers_ask(trail, link->refers, &facts[i].value, facts[i].type);
			continue;
		}
		uint32_t id = fact_get(pass, &facts[i]);
		if (id == NO_ID)
			continue;
		if (!(trail->ids.ids[id].flags & ID_IN_TRAIL)) {
			trail->ids.ids[id].flags |= ID_IN_TRAIL;
			trail->changed = true;
		}
		if (link->kind == LINK_PROCESS && trail->names.referred[link->name])
			peers_ask(trail, link->name, &facts[i].value, facts[i].type);
	}
}

static bool says_something(const struct fact *facts, size_t nfacts)
{
	for (size_t i = 0; i < nfacts; i++)
		if (facts[i].link.kind != LINK_PEER)
			return true;
	return false;
}

static void follow(struct pass *pass, const struct rill_record *record, const struct fact *facts,
		   size_t nfacts)
{
	bool hit = facts_hit(pass, facts, nfacts);
	if (hit) {
		add_facts(pass, facts, nfacts);
		add_spans(pass, record);
	}
	if (nfacts)
		peers_note(pass, facts, nfacts, hit);
	if (hit || !says_something(facts, nfacts))
		return;
	for (const struct rill_span *span = record->span; span; span = span->parent) {
		struct trail_span *at = trail_span(pass->trail, span->id);
		if (at)
			at->foreign++;
	}
}

bool trail_shows(const struct pass *pass, const struct rill_record *record,
		 const struct fact *facts, size_t nfacts)
{
	if (facts_hit(pass, facts, nfacts))
		return true;
	for (const struct rill_span *span = record->span; span; span = span->parent) {
		struct trail_span *at = trail_span(pass->trail, span->id);
		if (!at)
			continue;
		bool edge = record->event_id == span->span->start ||
			    record->event_id == span->span->end;
		if (!at->foreign || edge)
			return true;
		at->hidden++;
		return false;
	}
	return false;
}

struct dump_id *closure_wants(const struct trail *trail, size_t *count)
{
	struct dump_id *wants = calloc((size_t)trail->ids.count + 1, sizeof *wants);
	*count = 0;
	for (uint32_t i = 0; wants && i < trail->ids.count; i++) {
		const struct id *id = &trail->ids.ids[i];
		if (!(id->flags & (ID_IN_TRAIL | ID_WANTED)))
			continue;
		wants[(*count)++] = (struct dump_id){.key = trail->names.names[id->key],
						     .bytes = id->value.bytes,
						     .size = id->value.size,
						     .word = id->value.word};
	}
	return wants;
}

static int run(struct trail *trail)
{
	struct dump_want want = {0};
	struct dump_id *wants = closure_wants(trail, &want.nids);
	want.ids = wants;
	struct pass pass = {.trail = trail, .record = follow};
	int code = wants ? pass_run(&pass, &want) : trouble("no memory for the trail");
	free(wants);
	return code;
}

int closure(struct trail *trail)
{
	for (unsigned i = 0; i < MAX_PASSES; i++) {
		trail->changed = false;
		for (uint32_t k = 0; k < trail->nspans; k++)
			trail->spans[k].foreign = trail->spans[k].hidden = 0;
		int code = run(trail);
		if (code)
			return code;
		/* What is certain first: it may tell who is meant. */
		if (!trail->changed)
			peers_settle(trail);
		if (!trail->changed)
			return EXIT_OK;
	}
	return trouble("the trail does not end: more than %u passes", MAX_PASSES);
}
