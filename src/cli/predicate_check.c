/* A predicate's names against catalogs, and what it demands of all that it holds for. */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/predicate_parts.h"
#include "core/nearest.h"

struct names {
	const struct rill_catalog *const *catalogs;
	size_t ncatalogs;
	bool events; /* as well as keys: of events and spans */
};

static size_t names_of(const struct names *names, const struct rill_catalog *catalog)
{
	return !catalog ? 0
			: (size_t)catalog->nkeys +
				  (names->events ? (size_t)catalog->nevents + catalog->nspans : 0);
}

static const char *name_at(const void *context, size_t i)
{
	const struct names *names = context;
	size_t c = 0;
	for (; i >= names_of(names, names->catalogs[c]); c++)
		i -= names_of(names, names->catalogs[c]);
	const struct rill_catalog *catalog = names->catalogs[c];
	if (i < catalog->nkeys)
		return catalog->keys[i].name;
	i -= catalog->nkeys;
	return i < catalog->nevents ? catalog->events[i].name
				    : catalog->spans[i - catalog->nevents].name;
}

static bool fail_unknown(const struct names *names, const struct node *node, const char *name,
			 const char *what, struct predicate_error *error)
{
	const char *near[3];
	size_t count = 0, used;
	char message[sizeof error->message];
	for (size_t i = 0; i < names->ncatalogs; i++)
		count += names_of(names, names->catalogs[i]);
	size_t found = nearest_names(name, name_at, names, count, near, 3);
	used = (size_t)snprintf(message, sizeof message, "no catalog here has %s %.60s", what,
				name);
	const char *last = NULL;
	for (size_t i = 0; i < found && used < sizeof message; i++) {
		/* Several catalogs may have it. */
		if (last && strcmp(last, near[i]) == 0)
			continue;
		used += (size_t)snprintf(message + used, sizeof message - used, "%s%.60s",
					 last ? ", " : "; did you mean ", near[i]);
		last = near[i];
	}
	return predicate_fail(error, node->at, node->length, "%s%s", message, found ? "?" : "");
}

static bool name_is_event(const struct names *names, const char *glob)
{
	for (size_t c = 0; c < names->ncatalogs; c++) {
		const struct rill_catalog *catalog = names->catalogs[c];
		for (size_t i = 0; catalog && i < catalog->nevents; i++)
			if (fnmatch(glob, catalog->events[i].name, 0) == 0)
				return true;
		for (size_t i = 0; catalog && i < catalog->nspans; i++)
			if (fnmatch(glob, catalog->spans[i].name, 0) == 0)
				return true;
	}
	return false;
}

static const struct rill_catalog_key *key_of(const struct rill_catalog *catalog, const char *name)
{
	for (size_t i = 0; catalog && i < catalog->nkeys; i++)
		if (strcmp(catalog->keys[i].name, name) == 0)
			return &catalog->keys[i];
	return NULL;
}

/* Of all catalogs that have the key; 0: none has. */
static unsigned key_types(const struct names *names, const char *name)
{
	unsigned types = 0;
	for (size_t c = 0; c < names->ncatalogs; c++) {
		const struct rill_catalog_key *key = key_of(names->catalogs[c], name);
		types |= key ? key->types : 0u;
	}
	return types;
}

static unsigned ordered_types(enum operation operation, unsigned types)
{
	if (operation == OPERATION_EQUAL || operation == OPERATION_MATCH)
		return types;
	return types & ~(unsigned)(RILL_SET_BOOL | RILL_SET_IP);
}

static void note_types(const struct predicate *predicate, const struct node *node, unsigned types,
		       void (*note)(void *context, const struct predicate_error *note),
		       void *context)
{
	char shown[128];
	for (uint32_t i = 0; i < node->nliterals; i++) {
		const struct literal *literal = &predicate->literals[node->literals + i];
		unsigned possible =
			ordered_types(node->operation, literal_types(literal, node->operation));
		/* Elements of a list may be of any type. */
		if (types & (possible | RILL_SET_LIST))
			continue;
		struct predicate_error told = {0};
		bool unit = literal->kind == LITERAL_INTEGER && types & RILL_SET_DURATION;
		predicate_fail(&told, literal->at, literal->length,
			       "%s is %s, which %s never %s%s%s%s", predicate->keys[node->key],
			       show_types(shown, sizeof shown, types), literal_is(literal),
			       node->operation == OPERATION_EQUAL   ? "equals"
			       : node->operation == OPERATION_MATCH ? "matches"
								    : "is compared with",
			       unit ? ": which unit? " : "", unit ? literal->bytes : "",
			       unit ? "ms, for example" : "");
		note(context, &told);
	}
}

bool predicate_check(const struct predicate *predicate, const struct rill_catalog *const *catalogs,
		     size_t ncatalogs, struct predicate_error *error,
		     void (*note)(void *context, const struct predicate_error *note), void *context)
{
	struct names names = {catalogs, ncatalogs, false};
	*error = (struct predicate_error){0};
	for (uint32_t i = 0; i < predicate->nnodes; i++) {
		const struct node *node = &predicate->nodes[i];
		if (node->kind != NODE_TEST)
			continue;
		names.events = node->perhaps_event || node->subject == SUBJECT_EVENT;
		if (node->subject == SUBJECT_KEY) {
			const char *name = predicate->keys[node->key];
			unsigned types = key_types(&names, name);
			if (!types && !(node->perhaps_event && name_is_event(&names, name)))
				return fail_unknown(
					&names, node, name,
					node->perhaps_event ? "a key or an event" : "a key", error);
			if (types && note && node->operation != OPERATION_NONE)
				note_types(predicate, node, types, note, context);
		} else if (node->subject == SUBJECT_EVENT && node->operation == OPERATION_EQUAL) {
			const struct literal *literal = &predicate->literals[node->literals];
			for (uint32_t j = 0; j < node->nliterals; j++, literal++) {
				struct node place = {.at = literal->at, .length = literal->length};
				if (!name_is_event(&names, literal->bytes))
					return fail_unknown(&names, &place, literal->bytes,
							    "an event", error);
			}
		}
	}
	return true;
}

/* --- what all have in common ------------------------------------------------------------------ */

/* Calls `use` with each test that must pass. */
static void each_required(const struct predicate *predicate, uint32_t index,
			  void (*use)(void *context, const struct predicate *predicate,
				      const struct node *node),
			  void *context)
{
	const struct node *node = &predicate->nodes[index];
	if (node->kind == NODE_TEST) {
		use(context, predicate, node);
	} else if (node->kind == NODE_AND) {
		for (uint32_t at = node->first; at != NO_NODE; at = predicate->nodes[at].next)
			each_required(predicate, at, use, context);
	}
}

struct times {
	uint64_t since_ns;
	uint64_t until_ns;
};

static uint64_t next_ns(uint64_t ns)
{
	return ns == UINT64_MAX ? ns : ns + 1;
}

static void narrow(void *context, const struct predicate *predicate, const struct node *node)
{
	struct times *times = context;
	if (node->subject != SUBJECT_TIME || node->negated || node->nliterals != 1)
		return;
	uint64_t ns = predicate->literals[node->literals].time_ns;
	uint64_t since = 0, until = UINT64_MAX;
	if (node->operation == OPERATION_GREATER || node->operation == OPERATION_GREATER_EQUAL ||
	    node->operation == OPERATION_EQUAL)
		since = node->operation == OPERATION_GREATER ? next_ns(ns) : ns;
	if (node->operation == OPERATION_LESS || node->operation == OPERATION_LESS_EQUAL ||
	    node->operation == OPERATION_EQUAL)
		until = node->operation == OPERATION_LESS ? ns : next_ns(ns);
	times->since_ns = since > times->since_ns ? since : times->since_ns;
	times->until_ns = until < times->until_ns ? until : times->until_ns;
}

void predicate_times(const struct predicate *predicate, uint64_t *since_ns, uint64_t *until_ns)
{
	struct times times = {*since_ns, *until_ns};
	each_required(predicate, predicate->root, narrow, &times);
	*since_ns = times.since_ns;
	*until_ns = times.until_ns;
}

struct demanding {
	const struct names *names;
	struct predicate_demand *demands;
	size_t count;
	size_t max;
};

static bool names_something(const struct rill_catalog *catalog, const struct rill_catalog_key *key)
{
	if (key->flags & RILL_KEY_LINK)
		return true;
	for (size_t i = 0; i < catalog->nspans; i++)
		if (catalog->spans[i].key == key - catalog->keys)
			return true;
	return false;
}

/* Values of these types are found by what stands in the text: an integer, or the bytes. */
#define FOUND_BY_WORD                                                                              \
	((unsigned)(RILL_SET_NONE | RILL_SET_U64 | RILL_SET_I64 | RILL_SET_STRING |                \
		    RILL_SET_BYTES | RILL_SET_BOOL | RILL_SET_IP))

static bool to_demand(struct predicate_demand *demand, const struct literal *literal,
		      const char *key)
{
	*demand = (struct predicate_demand){.key = key};
	if (literal->kind == LITERAL_INTEGER) {
		demand->word = (uint64_t)literal->integer;
		return true;
	}
	demand->bytes = (const unsigned char *)literal->bytes;
	demand->size = (uint32_t)literal->size;
	return literal->kind == LITERAL_STRING;
}

/* The first test that can be used is taken: all must pass. */
static void demand(void *context, const struct predicate *predicate, const struct node *node)
{
	struct demanding *demanding = context;
	const struct names *names = demanding->names;
	if (demanding->count || node->subject != SUBJECT_KEY || node->negated ||
	    node->operation != OPERATION_EQUAL || node->nliterals > demanding->max)
		return;
	const char *name = predicate->keys[node->key];
	if (key_types(names, name) & ~FOUND_BY_WORD)
		return;
	for (size_t c = 0; c < names->ncatalogs; c++) {
		const struct rill_catalog_key *key = key_of(names->catalogs[c], name);
		if (key && !names_something(names->catalogs[c], key))
			return;
	}
	for (uint32_t i = 0; i < node->nliterals; i++)
		if (!to_demand(&demanding->demands[i], &predicate->literals[node->literals + i],
			       name))
			return;
	demanding->count = node->nliterals;
}

size_t predicate_demands(const struct predicate *predicate,
			 const struct rill_catalog *const *catalogs, size_t ncatalogs,
			 struct predicate_demand *demands, size_t max)
{
	struct names names = {catalogs, ncatalogs, false};
	struct demanding demanding = {&names, demands, 0, max};
	each_required(predicate, predicate->root, demand, &demanding);
	return demanding.count;
}
