/* Opening dumps for a selection: what the reader may leave out, and whether the names are right. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/select.h"

#define MAX_DEMANDS 64u
#define MAX_IDS     4096u /* more: nothing is left out by them */

static int parse_where(struct selection *selection, const char *command)
{
	struct predicate_error error;
	for (size_t i = 0; i < selection->nwhere; i++) {
		const char *text = selection->where_text[i];
		selection->where[i] = predicate_parse(text, selection->where_flags, &error);
		if (selection->where[i])
			continue;
		fprintf(stderr, "rill %s: not a predicate:\n", command);
		predicate_print_error(stderr, text, &error);
		return EXIT_USAGE;
	}
	return EXIT_OK;
}

/* --- names ----------------------------------------------------------------------------------- */

struct names {
	const struct rill_catalog **catalogs;
	size_t count;
};

/* Each content once: a directory may hold many files. */
static int gather_catalogs(struct names *names, const struct dump_reader *reader)
{
	size_t room = 0;
	*names = (struct names){0};
	for (size_t o = 0; o < dump_origin_count(reader); o++) {
		const struct rill_catalogs *catalogs = &dump_origin(reader, o)->catalogs;
		for (uint32_t c = 0; c < catalogs->count; c++) {
			const struct rill_catalog *catalog = catalogs->catalog[c];
			bool known = !catalog;
			for (size_t i = 0; i < names->count && !known; i++)
				known = names->catalogs[i] == catalog ||
					names->catalogs[i]->hash == catalog->hash;
			if (known)
				continue;
			if (names->count == room) {
				room = room ? 2 * room : 16;
				void *grown = realloc(names->catalogs,
						      room * sizeof(struct rill_catalog *));
				if (!grown)
					return -ENOMEM;
				names->catalogs = grown;
			}
			names->catalogs[names->count++] = catalog;
		}
	}
	return 0;
}

struct noting {
	const char *command;
	const char *text;
};

static void note(void *context, const struct predicate_error *told)
{
	const struct noting *noting = context;
	fprintf(stderr, "rill %s: note:\n", noting->command);
	predicate_print_error(stderr, noting->text, told);
}

static int check_names(struct selection *selection, const char *command, const struct names *names)
{
	struct predicate_error error;
	/* A dump that was cut before its catalogs has no names; its damage is told. */
	if (!names->count)
		return EXIT_OK;
	for (size_t i = 0; i < selection->nwhere; i++) {
		struct noting noting = {command, selection->where_text[i]};
		if (predicate_check(selection->where[i], names->catalogs, names->count, &error,
				    selection->noted ? NULL : note, &noting))
			continue;
		fprintf(stderr, "rill %s: not a predicate of these dumps:\n", command);
		predicate_print_error(stderr, selection->where_text[i], &error);
		return EXIT_USAGE;
	}
	selection->noted = true;
	return EXIT_OK;
}

/* --- identities ------------------------------------------------------------------------------ */

/*
 * A predicate that demands a value, say messageId == "x", holds as well for records that do not
 * have it themselves but are in a span that was started with it. Those have the span's own key. So
 * records with the value are read first, and where they start or end spans, the values of the
 * spans' keys are wanted too.
 */
struct closure {
	struct selection *selection;
	const struct predicate_demand *demands;
	size_t ndemands;
	size_t room;
	bool too_many;
	bool no_memory;
};

static bool same_id(const struct dump_id *a, const struct dump_id *b)
{
	if (strcmp(a->key, b->key) != 0 || !a->bytes != !b->bytes)
		return false;
	return a->bytes ? a->size == b->size && !memcmp(a->bytes, b->bytes, a->size)
			: a->word == b->word;
}

/* Copies what is in a reader that will be closed. */
static void add_id(struct closure *closure, const struct dump_id *id)
{
	struct selection *selection = closure->selection;
	for (size_t i = 0; i < selection->nids; i++)
		if (same_id(&selection->ids[i], id))
			return;
	if (selection->nids == MAX_IDS) {
		closure->too_many = true;
		return;
	}
	if (selection->nids == closure->room) {
		size_t room = closure->room ? 2 * closure->room : 16;
		void *grown = realloc(selection->ids, room * sizeof *selection->ids);
		if (!grown) {
			closure->no_memory = true;
			return;
		}
		selection->ids = grown;
		closure->room = room;
	}
	unsigned char *bytes = id->bytes ? malloc(id->size + 1u) : NULL;
	char *key = strdup(id->key);
	if (!key || (id->bytes && !bytes)) {
		free(key);
		free(bytes);
		closure->no_memory = true;
		return;
	}
	if (bytes)
		memcpy(bytes, id->bytes, id->size);
	selection->ids[selection->nids++] =
		(struct dump_id){.key = key, .bytes = bytes, .size = id->size, .word = id->word};
}

static bool has_demanded(const struct closure *closure, const struct rill_catalog *catalog,
			 const struct rill_item *items, int nitems)
{
	for (int i = 0; i < nitems; i++) {
		if (items[i].key >= catalog->nkeys)
			continue;
		const char *name = catalog->keys[items[i].key].name;
		for (size_t d = 0; d < closure->ndemands; d++) {
			const struct predicate_demand *demand = &closure->demands[d];
			bool text = items[i].type == RILL_TYPE_STRING ||
				    items[i].type == RILL_TYPE_BYTES;
			bool same =
				text ? demand->bytes && demand->size == items[i].size &&
						!memcmp(demand->bytes, items[i].bytes, demand->size)
				     : !demand->bytes && demand->word == items[i].u64;
			if (same && strcmp(name, demand->key) == 0)
				return true;
		}
	}
	return false;
}

static void add_span_key(struct closure *closure, const struct rill_catalog *catalog, uint16_t key,
			 const struct rill_item *items, int nitems)
{
	for (int i = 0; i < nitems; i++) {
		if (items[i].key != key)
			continue;
		bool bytes = items[i].type == RILL_TYPE_STRING ||
			     items[i].type == RILL_TYPE_BYTES ||
			     (items[i].type == RILL_TYPE_IP && items[i].size == 16);
		struct dump_id id = {.key = catalog->keys[key].name, .word = items[i].u64};
		if (bytes) {
			id.bytes = items[i].bytes;
			id.size = items[i].size;
		} else if (items[i].type == RILL_TYPE_IP) {
			/* How a reader takes an IPv4 address is its own affair. */
			closure->too_many = true;
		}
		add_id(closure, &id);
	}
}

static void follow_record(struct closure *closure, const struct dump_reader *reader,
			  const struct dump_record *record)
{
	const struct rill_catalogs *catalogs = &dump_origin(reader, record->origin)->catalogs;
	const struct rill_catalog *catalog = record->raw.catalog < catalogs->count
						     ? catalogs->catalog[record->raw.catalog]
						     : NULL;
	struct rill_item items[RILL_MAX_ITEMS];
	int nitems = -1;
	for (uint16_t i = 0; catalog && i < catalog->nspans; i++) {
		const struct rill_catalog_span *span = &catalog->spans[i];
		if (span->key == RILL_NO_KEY ||
		    (span->start != record->raw.event && span->end != record->raw.event))
			continue;
		if (nitems < 0) {
			nitems = raw_record_items(&record->raw, items);
			if (!has_demanded(closure, catalog, items, nitems))
				return;
		}
		add_span_key(closure, catalog, span->key, items, nitems);
	}
}

/* 0; negative errno. */
static int close_over(struct closure *closure, char *const *paths, size_t npaths)
{
	struct selection *selection = closure->selection;
	struct dump_record record;
	int more;
	for (size_t i = 0; i < closure->ndemands; i++) {
		const struct predicate_demand *demand = &closure->demands[i];
		struct dump_id id = {demand->key, demand->bytes, demand->size, demand->word};
		add_id(closure, &id);
	}
	/* The list grows while its beginning is borrowed. */
	size_t nids = selection->nids;
	struct dump_id *ids = malloc((nids + 1) * sizeof *ids);
	if (!ids || closure->no_memory) {
		free(ids);
		return -ENOMEM;
	}
	memcpy(ids, selection->ids, nids * sizeof *ids);
	/* A span may have started before the time that is asked for. */
	struct dump_want want = {
		.until_ns = selection->want.until_ns, .ids = ids, .nids = nids, .alone = true};
	struct dump_reader *reader = open_dumps(paths, npaths, &want);
	if (!reader) {
		free(ids);
		return -EIO;
	}
	while ((more = dump_next(reader, &record)) == 1 && !closure->too_many)
		follow_record(closure, reader, &record);
	dump_reader_close(reader);
	free(ids);
	return closure->no_memory ? -ENOMEM : more < 0 ? more : 0;
}

/* --- opening --------------------------------------------------------------------------------- */

static bool wanted(void *context, const struct rill_catalog *catalog, uint16_t event)
{
	return select_may_take(context, catalog, event);
}

static void narrow(struct selection *selection)
{
	uint64_t since = selection->since_ns, until = selection->until_ns;
	for (size_t i = 0; i < selection->nwhere && !selection->invert; i++)
		predicate_times(selection->where[i], &since, &until);
	selection->want = (struct dump_want){.since_ns = since,
					     .until_ns = until == UINT64_MAX ? 0 : until,
					     .alone = selection->alone};
	if (!until)
		selection->want.until_ns = 1;
	if (!selection->invert && !selection->all &&
	    (selection->nevents || selection->nwhere || selection->level != RILL_TRACE)) {
		selection->want.event = wanted;
		selection->want.context = selection;
	}
	selection->partial = since || until != UINT64_MAX;
}

/* Whether there are events that the reader leaves out. */
static bool leaves_out(struct selection *selection, const struct names *names)
{
	for (size_t c = 0; selection->want.event && c < names->count; c++)
		for (uint16_t e = 0; e < names->catalogs[c]->nevents; e++)
			if (!select_may_take(selection, names->catalogs[c], e))
				return true;
	return false;
}

static size_t find_demands(const struct selection *selection, const struct names *names,
			   struct predicate_demand *demands)
{
	size_t count = 0;
	for (size_t i = 0; i < selection->nwhere && !count && !selection->invert && !selection->all;
	     i++)
		count = predicate_demands(selection->where[i], names->catalogs, names->count,
					  demands, MAX_DEMANDS);
	return count;
}

/* Opens once more when values are demanded. */
static struct dump_reader *open_again(struct selection *selection, struct dump_reader *reader,
				      const struct names *names, char *const *paths, size_t npaths,
				      int *code)
{
	struct predicate_demand demands[MAX_DEMANDS];
	struct closure closure = {.selection = selection, .demands = demands};
	closure.ndemands = find_demands(selection, names, demands);
	if (!closure.ndemands)
		return reader;
	int error = close_over(&closure, paths, npaths);
	if (error) {
		*code = trouble("%s", strerror(-error));
		dump_reader_close(reader);
		return NULL;
	}
	if (closure.too_many)
		return reader;
	select_forget(selection);
	dump_reader_close(reader);
	selection->want.ids = selection->ids;
	selection->want.nids = selection->nids;
	reader = open_dumps(paths, npaths, &selection->want);
	if (!reader)
		*code = EXIT_TROUBLE;
	return reader;
}

struct dump_reader *select_open(struct selection *selection, const char *command,
				char *const *paths, size_t npaths, int *code)
{
	struct names names = {0};
	*code = parse_where(selection, command);
	if (*code)
		return NULL;
	narrow(selection);
	struct dump_reader *reader = open_dumps(paths, npaths, &selection->want);
	if (!reader) {
		*code = EXIT_TROUBLE;
		return NULL;
	}
	if (gather_catalogs(&names, reader))
		*code = trouble("%s", strerror(ENOMEM));
	else
		*code = check_names(selection, command, &names);
	if (*code) {
		dump_reader_close(reader);
		reader = NULL;
	} else {
		selection->partial |= leaves_out(selection, &names);
		reader = open_again(selection, reader, &names, paths, npaths, code);
	}
	free(names.catalogs);
	return reader;
}

void select_close(struct selection *selection, struct dump_reader *reader)
{
	select_forget(selection);
	if (reader)
		dump_reader_close(reader);
	for (size_t i = 0; i < selection->nids; i++) {
		free((char *)(uintptr_t)selection->ids[i].key);
		free((unsigned char *)(uintptr_t)selection->ids[i].bytes);
	}
	free(selection->ids);
	selection->ids = NULL;
	selection->nids = 0;
	for (size_t i = 0; i < selection->nwhere; i++) {
		predicate_free(selection->where[i]);
		selection->where[i] = NULL;
	}
}
