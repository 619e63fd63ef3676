#include "cli/select.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "cli/progress.h"

#define SELECT_BATCH 256u

struct glob_cache {
	struct glob_cache *next;
	const struct rill_catalog *catalog;
	const bool *spans;
	bool events[]; /* and behind them the spans */
};

bool select_parse_span(struct selection *selection, const char *text)
{
	size_t length = strlen(text);
	if ((length != 16 && length != 32) || strspn(text, "0123456789abcdefABCDEF") != length)
		return false;
	char high[17] = "0";
	if (length == 32)
		memcpy(high, text, 16);
	selection->span[0] = strtoull(high, NULL, 16);
	selection->span[1] = strtoull(text + length - 16, NULL, 16);
	return true;
}

void select_init(struct selection *selection)
{
	*selection = (struct selection){.until_ns = UINT64_MAX};
}

static int add(const char **list, size_t *count, const char *command, const char *text,
	       const char *option)
{
	if (*count == SELECT_MAX)
		return usage_error(command, "more than %u times %s", SELECT_MAX, option);
	list[(*count)++] = text;
	return EXIT_OK;
}

static int parse_level(struct selection *selection, const char *command, const char *text)
{
	for (unsigned level = RILL_TRACE; level <= RILL_ERROR; level++) {
		if (strcmp(text, level_names[level]) != 0)
			continue;
		selection->level = level;
		return EXIT_OK;
	}
	return usage_error(command, "level \"%s\" is not trace, debug, info, warn or error", text);
}

int select_option(struct selection *selection, const char *command, int option,
		  const char *argument)
{
	switch (option) {
	case 'e':
		return add(selection->events, &selection->nevents, command, argument, "--event");
	case 'l':
		return parse_level(selection, command, argument);
	case 's':
		if (!select_parse_span(selection, argument))
			return usage_error(command,
					   "span \"%s\" is not 16 or 32 hexadecimal digits",
					   argument);
		return EXIT_OK;
	case 'k':
		if (!strchr(argument, '='))
			return usage_error(command, "key \"%s\" is not NAME=VALUE", argument);
		return add(selection->keys, &selection->nkeys, command, argument, "--key");
	case 'w':
		return add(selection->where_text, &selection->nwhere, command, argument, "--where");
	case 'S':
	case 'U':
		if (!select_parse_time(option == 'S' ? &selection->since_ns : &selection->until_ns,
				       argument))
			return usage_error(command,
					   "\"%s\" is no time, as 2026-01-31T23:59:59.5Z, "
					   "'2026-01-31 23:59' or @1700000000 are",
					   argument);
		return EXIT_OK;
	default:
		return -1;
	}
}

static bool any_glob(const struct selection *selection, const char *name)
{
	for (size_t i = 0; i < selection->nevents; i++)
		if (fnmatch(selection->events[i], name, 0) == 0)
			return true;
	return false;
}

/* NULL: no memory; then the globs are asked each time. */
static const struct glob_cache *globs_of(struct selection *selection,
					 const struct rill_catalog *catalog)
{
	for (struct glob_cache *at = selection->globs; at; at = at->next)
		if (at->catalog == catalog)
			return at;
	size_t size = (size_t)catalog->nevents + catalog->nspans;
	struct glob_cache *made = calloc(1, sizeof *made + size * sizeof(bool));
	if (!made)
		return NULL;
	bool *spans = made->events + catalog->nevents;
	for (size_t i = 0; i < catalog->nevents; i++)
		made->events[i] = any_glob(selection, catalog->events[i].name);
	for (size_t i = 0; i < catalog->nspans; i++)
		spans[i] = any_glob(selection, catalog->spans[i].name) ||
			   made->events[catalog->spans[i].start] ||
			   made->events[catalog->spans[i].end];
	made->catalog = catalog;
	made->spans = spans;
	made->next = selection->globs;
	selection->globs = made;
	return made;
}

static bool event_selected(struct selection *selection, const struct rill_entry *entry)
{
	if (!selection->nevents)
		return true;
	const struct rill_record *record = entry->record;
	const struct rill_span *span = entry->span;
	const struct glob_cache *globs =
		globs_of(selection, record ? record->catalog : span->catalog);
	if (!globs)
		return any_glob(selection, record ? record->event->name : span->span->name);
	return record ? globs->events[record->event_id]
		      : globs->spans[span->span - span->catalog->spans];
}

bool select_may_take(struct selection *selection, const struct rill_catalog *catalog,
		     uint16_t event)
{
	const struct glob_cache *globs = selection->nevents ? globs_of(selection, catalog) : NULL;
	bool taken = (!globs || globs->events[event]) &&
		     catalog->events[event].level >= selection->level;
	/* Lines of spans need both ends. */
	for (size_t i = 0; !taken && i < catalog->nspans; i++) {
		const struct rill_catalog_span *span = &catalog->spans[i];
		taken = (span->start == event || span->end == event) &&
			(!globs || globs->spans[i]) && span->start < catalog->nevents &&
			catalog->events[span->start].level >= selection->level;
	}
	for (size_t i = 0; taken && i < selection->nwhere; i++)
		taken = predicate_may_hold(selection->where[i], catalog, event);
	return taken;
}

/* The span itself, one around it, or its trace. */
static bool span_selected(const struct selection *selection, const struct rill_span *span)
{
	const uint64_t *wanted = selection->span;
	if (!wanted[0] && !wanted[1])
		return true;
	if (span && wanted[0])
		return span->trace_id[0] == wanted[0] && span->trace_id[1] == wanted[1];
	for (; span; span = span->parent)
		if (span->id == wanted[1] || span->parent_id == wanted[1])
			return true;
	return false;
}

static bool key_is(const struct rill_catalog *catalog, const struct rill_item *item,
		   const char *wanted)
{
	const char *name = catalog->keys[item->key].name, *equals = strchr(wanted, '=');
	size_t length = (size_t)(equals - wanted);
	if (strlen(name) != length || memcmp(name, wanted, length) != 0)
		return false;
	if (item->type == RILL_TYPE_STRING || item->type == RILL_TYPE_BYTES)
		return item->size == strlen(equals + 1) &&
		       !memcmp(item->bytes, equals + 1, item->size);
	char value[64];
	return strcmp(show_item(value, sizeof value, item), equals + 1) == 0;
}

static bool items_have(const struct rill_catalog *catalog, const struct rill_item *items,
		       size_t count, const char *wanted)
{
	for (size_t i = 0; i < count; i++)
		if (key_is(catalog, &items[i], wanted))
			return true;
	return false;
}

/* In the entry itself, or at the start of a span that it is in. */
static bool has_key(const struct rill_entry *entry, const char *wanted)
{
	const struct rill_record *record = entry->record;
	const struct rill_span *span = record ? record->span : entry->span;
	if (record && items_have(record->catalog, record->items, record->nitems, wanted))
		return true;
	if (!record && items_have(span->catalog, span->end_items, span->nend_items, wanted))
		return true;
	for (; span; span = span->parent)
		if (items_have(span->catalog, span->start_items, span->nstart_items, wanted))
			return true;
	return false;
}

static unsigned entry_level(const struct rill_entry *entry)
{
	const struct rill_span *span = entry->span;
	if (entry->record)
		return entry->record->event->level;
	uint16_t start = span->span->start;
	return start < span->catalog->nevents ? span->catalog->events[start].level : RILL_ERROR;
}

static bool where_selected(struct selection *selection, const struct rill_entry *entry,
			   const struct rill_catalogs *catalogs)
{
	if (!selection->nwhere)
		return true;
	const struct feed *feed = selection->feed;
	struct predicate_origin origin = {feed->origin->process.program, feed->origin->process.host,
					  feed->ending};
	for (size_t i = 0; i < selection->nwhere; i++)
		if (!predicate_holds(selection->where[i], entry, catalogs, &origin))
			return false;
	return true;
}

bool select_takes(struct selection *selection, const struct rill_entry *entry,
		  const struct rill_catalogs *catalogs)
{
	uint64_t ns = entry->record ? entry->record->time_ns : entry->span->end_ns;
	if (ns < selection->since_ns || ns >= selection->until_ns)
		return false;
	if (entry_level(entry) < selection->level || !event_selected(selection, entry) ||
	    !span_selected(selection, entry->record ? entry->record->span : entry->span) ||
	    !where_selected(selection, entry, catalogs))
		return selection->invert;
	for (size_t i = 0; i < selection->nkeys; i++)
		if (!has_key(entry, selection->keys[i]))
			return selection->invert;
	return !selection->invert;
}

/* Most often nothing is asked for. */
static void select_all(void *state, const struct rill_batch *batch)
{
	struct selection *selection = state;
	selection->selected += batch->count;
	progress_hide();
	selection->next.write(selection->next.state, batch);
}

/* A batch of what was chosen, and the spans in it that are not handed on as they are. */
struct chosen {
	struct rill_batch batch;
	struct rill_entry entries[SELECT_BATCH];
	size_t nspans;
	struct rill_span spans[SELECT_BATCH];
};

static void choose(struct selection *selection, struct chosen *chosen,
		   const struct rill_entry *entry)
{
	struct rill_entry *to = &chosen->entries[chosen->batch.count++];
	*to = *entry;
	if (!entry->span || !selection->partial)
		return;
	/* Not all of its records were read. */
	struct rill_span *span = &chosen->spans[chosen->nspans++];
	*span = *entry->span;
	span->nevents = 0;
	to->span = span;
}

static void select_write(void *state, const struct rill_batch *batch)
{
	struct selection *selection = state;
	struct chosen chosen = {.batch = {chosen.entries, 0, batch->catalogs}};
	for (size_t i = 0; i < batch->count; i++) {
		if (select_takes(selection, &batch->entries[i], &batch->catalogs))
			choose(selection, &chosen, &batch->entries[i]);
		if (chosen.batch.count == SELECT_BATCH ||
		    (i + 1 == batch->count && chosen.batch.count)) {
			selection->selected += chosen.batch.count;
			progress_hide();
			selection->next.write(selection->next.state, &chosen.batch);
			chosen.batch.count = chosen.nspans = 0;
		}
	}
}

bool select_is_all(const struct selection *selection)
{
	return !selection->nevents && !selection->nkeys && !selection->nwhere &&
	       !selection->span[0] && !selection->span[1] && !selection->since_ns &&
	       selection->until_ns == UINT64_MAX && selection->level == RILL_TRACE &&
	       !selection->invert;
}

struct output select_output(struct selection *selection, const struct feed *feed)
{
	selection->feed = feed;
	return (struct output){.write = select_is_all(selection) ? select_all : select_write,
			       .state = selection};
}

void select_forget(struct selection *selection)
{
	while (selection->globs) {
		struct glob_cache *globs = selection->globs;
		selection->globs = globs->next;
		free(globs);
	}
	for (size_t i = 0; i < selection->nwhere; i++)
		if (selection->where[i])
			predicate_forget(selection->where[i]);
}
