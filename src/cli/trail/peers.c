/*
 * Keys that hold a value of another process's key: which process?
 *
 * No record says. So all processes that have such a value are candidates. One that has, beside it,
 * another value of a key that holds everywhere than the trail has is about something else; when
 * exactly one is left, it is that one. When several are, none is followed.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/trail/trail.h"

static struct ask *find_ask(const struct trail *trail, uint32_t key, const struct value *value)
{
	uint32_t id = ids_find(&trail->ids, key, SOMEWHERE, value);
	for (uint32_t i = 0; id != NO_ID && i < trail->nasks; i++)
		if (trail->asks[i].id == id)
			return &trail->asks[i];
	return NULL;
}

/* Whatever key holds the value: its records are to be read too. */
static void want_referrers(struct trail *trail, const struct value *value, uint8_t type)
{
	for (uint32_t name = 0; name < trail->names.count; name++) {
		uint32_t id = ids_get(&trail->ids, name, SOMEWHERE, value, type);
		if (id != NO_ID)
			trail->ids.ids[id].flags |= ID_WANTED;
	}
}

void peers_ask(struct trail *trail, uint32_t key, const struct value *value, uint8_t type)
{
	if (find_ask(trail, key, value))
		return;
	uint32_t id = ids_get(&trail->ids, key, SOMEWHERE, value, type);
	struct ask *more = reallocarray(trail->asks, trail->nasks + 1, sizeof *more);
	if (!more) {
		trail->error = EXIT_TROUBLE;
		return;
	}
	trail->asks = more;
	if (id == NO_ID)
		return;
	more[trail->nasks++] = (struct ask){.id = id};
	want_referrers(trail, value, type);
	trail->changed = true;
}

static bool add_id(struct party *party, uint32_t id)
{
	for (uint32_t i = 0; i < party->nids; i++)
		if (party->ids[i] == id)
			return false;
	if (party->nids == PARTY_IDS)
		return false;
	party->ids[party->nids++] = id;
	return true;
}

/* Where the party stands, or is put. Who has the value is one party, with all that stands beside
 * it anywhere; who refers to it may do so for several things, each a party. */
static void add_party(struct ask *ask, const struct party *party)
{
	for (uint32_t i = 0; i < ask->nparties; i++) {
		struct party *at = &ask->parties[i];
		if (at->process != party->process || at->refers != party->refers)
			continue;
		if (party->refers && (at->nids != party->nids ||
				      memcmp(at->ids, party->ids, sizeof(*at->ids) * at->nids)))
			continue;
		at->in_trail |= party->in_trail;
		for (uint32_t k = 0; k < party->nids; k++)
			add_id(at, party->ids[k]);
		return;
	}
	struct party *more = ask->nparties < MAX_PARTIES
				     ? reallocarray(ask->parties, ask->nparties + 1, sizeof *more)
				     : NULL;
	if (!more) {
		ask->crowded = true;
		return;
	}
	ask->parties = more;
	more[ask->nparties++] = *party;
}

void peers_note(struct pass *pass, const struct fact *facts, size_t nfacts, bool hit)
{
	struct trail *trail = pass->trail;
	for (size_t i = 0; i < nfacts; i++) {
		bool refers = facts[i].link.kind == LINK_PEER;
		if (facts[i].link.kind == LINK_EVERYWHERE)
			continue;
		struct ask *ask = find_ask(
			trail, refers ? facts[i].link.refers : facts[i].link.name, &facts[i].value);
		if (!ask)
			continue;
		struct party party = {.process = pass->process, .refers = refers, .in_trail = hit};
		for (size_t k = 0; k < nfacts; k++) {
			bool counts = facts[k].link.kind == LINK_EVERYWHERE ||
				      (refers && facts[k].link.kind == LINK_PROCESS);
			uint32_t id = counts ? fact_get(pass, &facts[k]) : NO_ID;
			if (id != NO_ID)
				add_id(&party, id);
		}
		add_party(ask, &party);
	}
}

/* Whether `of` has values of a key that holds everywhere, of which the trail (party NULL) or
 * `party` has others only. */
static bool contradicts(const struct trail *trail, const struct party *of,
			const struct party *party)
{
	const struct id *ids = trail->ids.ids;
	for (uint32_t i = 0; i < of->nids; i++) {
		const struct id *id = &ids[of->ids[i]];
		bool others = false, common = false;
		if (id->process != EVERYWHERE)
			continue;
		uint32_t n = party ? party->nids : trail->ids.count;
		for (uint32_t k = 0; k < n; k++) {
			uint32_t other = party ? party->ids[k] : k;
			if (ids[other].process != EVERYWHERE || ids[other].key != id->key ||
			    (!party && !(ids[other].flags & ID_IN_TRAIL)))
				continue;
			others = true;
			for (uint32_t m = 0; m < of->nids; m++)
				common |= of->ids[m] == other;
		}
		if (others && !common)
			return true;
	}
	return false;
}

/* The identity that a candidate's value has in its own process. */
static uint32_t own_id(struct trail *trail, const struct ask *ask, const struct party *party)
{
	const struct id *id = &trail->ids.ids[ask->id];
	return ids_get(&trail->ids, id->key, party->process, &id->value, id->type);
}

static bool in_trail(const struct trail *trail, uint32_t id)
{
	return id != NO_ID && trail->ids.ids[id].flags & ID_IN_TRAIL;
}

static void take_in(struct trail *trail, uint32_t id)
{
	if (id == NO_ID || trail->ids.ids[id].flags & ID_IN_TRAIL)
		return;
	trail->ids.ids[id].flags |= ID_IN_TRAIL;
	trail->changed = true;
}

/* Candidates, but the asker's own process, that can be meant. asker NULL's place is taken by the
 * trail. *one: the last of them. */
static uint32_t count_candidates(const struct trail *trail, const struct ask *ask,
				 const struct party *asker, bool by_trail, struct party **one)
{
	uint32_t count = ask->crowded ? 2 : 0;
	for (uint32_t i = 0; i < ask->nparties; i++) {
		struct party *at = &ask->parties[i];
		if (at->refers || at->process == asker->process ||
		    contradicts(trail, at, by_trail ? NULL : asker))
			continue;
		*one = at;
		count++;
	}
	return count;
}

/* What the trail refers to. */
static void settle_forward(struct trail *trail, struct ask *ask, const struct party *asker)
{
	struct party *one = NULL;
	for (uint32_t i = 0; i < ask->nparties; i++)
		if (!ask->parties[i].refers && ask->parties[i].process != asker->process &&
		    in_trail(trail, own_id(trail, ask, &ask->parties[i]))) {
			ask->state = ASK_FOUND;
			return;
		}
	uint32_t count = count_candidates(trail, ask, asker, true, &one);
	ask->state = count == 0 ? ASK_NOBODY : count > 1 ? ASK_SEVERAL : ASK_FOUND;
	if (count == 1)
		take_in(trail, own_id(trail, ask, one));
}

/* What refers to the trail. */
static void settle_backward(struct trail *trail, struct ask *ask, struct party *asker)
{
	struct party *one = NULL;
	if (contradicts(trail, asker, NULL) ||
	    count_candidates(trail, ask, asker, false, &one) != 1 ||
	    !in_trail(trail, own_id(trail, ask, one)))
		return;
	asker->in_trail = true;
	for (uint32_t i = 0; i < asker->nids; i++)
		take_in(trail, asker->ids[i]);
}

void peers_settle(struct trail *trail)
{
	for (uint32_t i = 0; i < trail->nasks; i++) {
		struct ask *ask = &trail->asks[i];
		for (uint32_t k = 0; k < ask->nparties; k++) {
			struct party *at = &ask->parties[k];
			if (at->refers && at->in_trail)
				settle_forward(trail, ask, at);
			else if (at->refers)
				settle_backward(trail, ask, at);
		}
	}
}

void peers_clear(struct trail *trail)
{
	for (uint32_t i = 0; i < trail->nasks; i++)
		free(trail->asks[i].parties);
	trail->nasks = 0;
}
