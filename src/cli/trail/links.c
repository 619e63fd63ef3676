/* What records say of identities, and passes over all records of the dumps. */
#include <stdlib.h>
#include <string.h>

#include "cli/trail/trail.h"

uint32_t names_find(const struct names *names, const char *name)
{
	for (uint32_t i = 0; i < names->count; i++)
		if (strcmp(names->names[i], name) == 0)
			return i;
	return NO_ID;
}

uint32_t names_get(struct names *names, const char *name)
{
	uint32_t found = names_find(names, name);
	if (found != NO_ID)
		return found;
	char **more = reallocarray(names->names, names->count + 1, sizeof *more);
	if (!more)
		return NO_ID;
	names->names = more;
	bool *referred = reallocarray(names->referred, names->count + 1, sizeof *referred);
	if (!referred)
		return NO_ID;
	names->referred = referred;
	referred[names->count] = false;
	more[names->count] = strdup(name);
	return more[names->count] ? names->count++ : NO_ID;
}

static bool is_span_key(const struct rill_catalog *catalog, uint16_t key)
{
	for (size_t i = 0; i < catalog->nspans; i++)
		if (catalog->spans[i].key == key)
			return true;
	return false;
}

/* What the column Link says. A span's key that was asked for links as well: a span is in a
 * process. */
static struct key_link link_of(struct trail *trail, const struct rill_catalog *catalog,
			       uint16_t index)
{
	const struct rill_catalog_key *key = &catalog->keys[index];
	struct key_link link = {.kind = LINK_NONE, .refers = NO_ID};
	if (!(key->flags & RILL_KEY_LINK))
		link.kind = strcmp(key->name, trail->key_name) == 0 && is_span_key(catalog, index)
				    ? LINK_PROCESS
				    : LINK_NONE;
	else if (key->flags & RILL_KEY_GLOBAL)
		link.kind = LINK_EVERYWHERE;
	else
		link.kind = key->refers < catalog->nkeys ? LINK_PEER : LINK_PROCESS;
	if (link.kind == LINK_NONE)
		return link;
	link.name = names_get(&trail->names, key->name);
	if (link.kind == LINK_PEER)
		link.refers = names_get(&trail->names, catalog->keys[key->refers].name);
	if (link.name == NO_ID || (link.kind == LINK_PEER && link.refers == NO_ID)) {
		trail->error = EXIT_TROUBLE;
		link.kind = LINK_NONE;
	}
	if (link.kind == LINK_PEER)
		trail->names.referred[link.refers] = true;
	return link;
}

/* NULL: no memory. */
static const struct key_link *links_of(struct pass *pass, const struct rill_catalog *catalog)
{
	for (size_t i = 0; i < pass->nlinks; i++)
		if (pass->links[i].catalog == catalog)
			return pass->links[i].keys;
	struct catalog_links *more =
		reallocarray(pass->links, pass->nlinks + 1, sizeof *pass->links);
	if (!more)
		return NULL;
	pass->links = more;
	struct key_link *keys = calloc((size_t)catalog->nkeys + 1, sizeof *keys);
	if (!keys)
		return NULL;
	for (uint16_t i = 0; i < catalog->nkeys; i++)
		keys[i] = link_of(pass->trail, catalog, i);
	more[pass->nlinks++] = (struct catalog_links){catalog, keys};
	return keys;
}

static bool has_key(const struct fact *facts, size_t count, uint32_t name)
{
	for (size_t i = 0; i < count; i++)
		if (facts[i].link.name == name)
			return true;
	return false;
}

/* Adds what `items` say; `inherited`: only of keys of which the inner ones say nothing. */
static size_t add_facts(struct pass *pass, const struct rill_catalog *catalog,
			const struct rill_item *items, size_t nitems, struct fact *facts,
			size_t nfacts, bool inherited)
{
	const struct key_link *links = links_of(pass, catalog);
	size_t inner = nfacts;
	if (!links)
		pass->trail->error = EXIT_TROUBLE;
	for (size_t i = 0; links && i < nitems && nfacts < MAX_FACTS; i++) {
		const struct key_link *link = &links[items[i].key];
		struct fact fact = {.link = *link, .type = items[i].type};
		if (link->kind == LINK_NONE || (inherited && has_key(facts, inner, link->name)) ||
		    !value_of(&fact.value, &items[i]))
			continue;
		facts[nfacts++] = fact;
	}
	return nfacts;
}

/* What a record says itself, and what it inherits from the starts of the spans that it is in. */
static size_t collect(struct pass *pass, const struct rill_record *record, struct fact *facts)
{
	size_t count =
		add_facts(pass, record->catalog, record->items, record->nitems, facts, 0, false);
	for (const struct rill_span *span = record->span; span; span = span->parent)
		count = add_facts(pass, span->catalog, span->start_items, span->nstart_items, facts,
				  count, true);
	return count;
}

uint32_t fact_find(const struct pass *pass, const struct fact *fact)
{
	uint32_t process = fact->link.kind == LINK_EVERYWHERE ? EVERYWHERE : pass->process;
	return fact->link.kind == LINK_PEER
		       ? NO_ID
		       : ids_find(&pass->trail->ids, fact->link.name, process, &fact->value);
}

uint32_t fact_get(struct pass *pass, const struct fact *fact)
{
	uint32_t process = fact->link.kind == LINK_EVERYWHERE ? EVERYWHERE : pass->process;
	return ids_get(&pass->trail->ids, fact->link.name, process, &fact->value, fact->type);
}

bool facts_hit(const struct pass *pass, const struct fact *facts, size_t nfacts)
{
	for (size_t i = 0; i < nfacts; i++) {
		uint32_t id = fact_find(pass, &facts[i]);
		if (id != NO_ID && pass->trail->ids.ids[id].flags & ID_IN_TRAIL)
			return true;
	}
	return false;
}

/* The process of an origin, by its random number: a dump may grow between two passes. */
static uint32_t process_of(struct trail *trail, const struct dump_origin *origin)
{
	const struct dump_process *is = &origin->process;
	for (uint32_t i = 0; i < trail->nprocesses; i++)
		if (trail->processes[i].id[0] == is->id[0] &&
		    trail->processes[i].id[1] == is->id[1])
			return i;
	struct process *more = reallocarray(trail->processes, trail->nprocesses + 1, sizeof *more);
	if (!more)
		return NO_ID;
	trail->processes = more;
	struct process *made = &more[trail->nprocesses];
	*made = (struct process){.id = {is->id[0], is->id[1]}, .pid = is->pid};
	snprintf(made->program, sizeof made->program, "%s", is->program ? is->program : "?");
	return trail->nprocesses++;
}

static void take_batch(void *state, const struct rill_batch *batch)
{
	struct pass *pass = state;
	struct fact facts[MAX_FACTS];
	if (pass->feed.origin != pass->origin) {
		pass->origin = pass->feed.origin;
		pass->process = process_of(pass->trail, pass->origin);
		if (pass->process == NO_ID)
			pass->trail->error = EXIT_TROUBLE;
	}
	for (size_t i = 0; i < batch->count && !pass->trail->error; i++) {
		const struct rill_entry *entry = &batch->entries[i];
		if (entry->record) {
			size_t nfacts = collect(pass, entry->record, facts);
			pass->record(pass, entry->record, facts, nfacts);
		} else if (pass->span) {
			pass->span(pass, entry->span);
		}
	}
}

static void free_links(struct pass *pass)
{
	for (size_t i = 0; i < pass->nlinks; i++)
		free(pass->links[i].keys);
	free(pass->links);
}

int pass_run(struct pass *pass, const struct dump_want *want)
{
	struct trail *trail = pass->trail;
	pass->reader = open_dumps(trail->paths, trail->npaths, want);
	if (!pass->reader)
		return EXIT_TROUBLE;
	pass->output = (struct output){.write = take_batch, .state = pass};
	pass->feed = (struct feed){.outputs = &pass->output, .noutputs = 1};
	int error = feed_run(&pass->feed, pass->reader);
	if (error || trail->error)
		error = trouble("no memory for the trail");
	free_links(pass);
	if (!pass->context) {
		dump_reader_close(pass->reader);
		pass->reader = NULL;
	}
	return error ? EXIT_TROUBLE : EXIT_OK;
}

int pass_names(struct trail *trail)
{
	struct dump_reader *reader = open_dumps(trail->paths, trail->npaths, NULL);
	if (!reader)
		return EXIT_TROUBLE;
	struct pass pass = {.trail = trail};
	for (size_t i = 0; i < dump_origin_count(reader); i++) {
		const struct rill_catalogs *catalogs = &dump_origin(reader, i)->catalogs;
		process_of(trail, dump_origin(reader, i));
		for (uint32_t k = 0; k < catalogs->count; k++)
			if (catalogs->catalog[k] && !links_of(&pass, catalogs->catalog[k]))
				trail->error = EXIT_TROUBLE;
	}
	free_links(&pass);
	dump_reader_close(reader);
	return trail->error;
}
