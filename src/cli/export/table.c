#include "cli/export/table.h"

#include <errno.h>
#include <math.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

const char *const event_columns[] = {"time",      "time_ns", "level",   "event",      "text",
				     "catalog",   "host",    "program", "process_id", "pid",
				     "tid",       "span",    "span_id", "parent_id",  "trace_id",
				     "inherited", "notes",   NULL};
const char *const span_columns[] = {"start_time", "end_time", "start_ns",   "end_ns", "duration_ns",
				    "level",      "span",     "state",      "events", "catalog",
				    "host",       "program",  "process_id", "pid",    "span_id",
				    "parent_id",  "trace_id", "notes",      NULL};

#define INTEGERS (RILL_SET_U64 | RILL_SET_I64 | RILL_SET_DURATION | RILL_SET_TIMESTAMP)

static enum column_kind kind_of(unsigned types)
{
	types &= ~(unsigned)RILL_SET_NONE;
	if (types && !(types & ~(unsigned)INTEGERS))
		return COLUMN_INTEGER;
	return types == RILL_SET_BOOL  ? COLUMN_BOOL
	       : types == RILL_SET_F64 ? COLUMN_FLOAT
				       : COLUMN_TEXT;
}

/* --- names --------------------------------------------------------------------------------- */

static int same_name(const void *left, const void *right)
{
	return strcasecmp(left, right);
}

static void keep_name(void *node)
{
	(void)node;
}

/* SQL knows no capital letters in names: each must be the only one without them, too. */
static int name_column(void **taken, struct column *column, const char *key)
{
	size_t length = strlen(key), room = length + 16;
	column->name = malloc(room);
	if (!column->name)
		return -ENOMEM;
	strcpy(column->name, key);
	while (tfind(column->name, taken, same_name) && length + 2 < room)
		strcpy(column->name + length++, "_");
	return tsearch(column->name, taken, same_name) ? 0 : -ENOMEM;
}

static int make_columns(struct table *table, const struct survey *survey, bool spans)
{
	void *taken = NULL;
	int error = 0;
	table->columns = calloc(survey->nkeys + 1, sizeof *table->columns);
	if (!table->columns)
		return -ENOMEM;
	for (size_t i = 0; table->fixed[i] && !error; i++)
		if (!tsearch(table->fixed[i], &taken, same_name))
			error = -ENOMEM;
	for (size_t i = 0; i < survey->nkeys && table->ncolumns < MAX_COLUMNS && !error; i++) {
		if (spans && !survey->keys[i].span)
			continue;
		struct column *column = &table->columns[table->ncolumns++];
		column->key = survey->keys[i].name;
		error = name_column(&taken, column, column->key);
	}
	tdestroy(taken, keep_name);
	return error;
}

/* --- from a catalog's keys to columns ------------------------------------------------------- */

static struct table_catalog **bucket_of(struct table *table, const struct rill_catalog *catalog)
{
	uint64_t hash = (uint64_t)(uintptr_t)catalog * UINT64_C(0x9e3779b97f4a7c15);
	return &table->buckets[(hash >> 32) % TABLE_BUCKETS];
}

static int compare_key(const void *key, const void *column)
{
	return strcmp(key, ((const struct column *)column)->key);
}

static int add_catalog(struct table *table, const struct rill_catalog *catalog)
{
	struct table_catalog **bucket = bucket_of(table, catalog);
	for (struct table_catalog *at = *bucket; at; at = at->next)
		if (at->catalog == catalog)
			return 0;
	struct table_catalog *made =
		malloc(sizeof *made + catalog->nkeys * sizeof made->columns[0]);
	if (!made)
		return -ENOMEM;
	for (size_t i = 0; i < catalog->nkeys; i++) {
		struct column *column =
			bsearch(catalog->keys[i].name, table->columns, table->ncolumns,
				sizeof *table->columns, compare_key);
		made->columns[i] = column ? (uint16_t)(column - table->columns) : NO_COLUMN;
		if (column)
			column->types |= catalog->keys[i].types;
	}
	made->catalog = catalog;
	made->next = *bucket;
	*bucket = made;
	return 0;
}

int table_open(struct table *table, const struct dump_reader *reader, const struct survey *survey,
	       const char *const *fixed)
{
	*table = (struct table){.fixed = fixed};
	int error = make_columns(table, survey, fixed == span_columns);
	for (size_t i = 0; i < dump_origin_count(reader); i++) {
		const struct rill_catalogs *catalogs = &dump_origin(reader, i)->catalogs;
		for (size_t c = 0; c < catalogs->count && !error; c++)
			if (catalogs->catalog[c])
				error = add_catalog(table, catalogs->catalog[c]);
	}
	for (size_t i = 0; i < table->ncolumns; i++)
		table->columns[i].kind = kind_of(table->columns[i].types);
	return error;
}

void table_close(struct table *table)
{
	for (size_t i = 0; i < table->ncolumns; i++) {
		free(table->columns[i].name);
		free(table->columns[i].field);
	}
	free(table->columns);
	for (size_t i = 0; i < TABLE_BUCKETS; i++) {
		while (table->buckets[i]) {
			struct table_catalog *gone = table->buckets[i];
			table->buckets[i] = gone->next;
			free(gone);
		}
	}
	buffer_free(&table->notes);
	buffer_free(&table->inherited);
	buffer_free(&table->value);
	json_free(&table->json);
}

/* --- rows ------------------------------------------------------------------------------------ */

static const struct table_catalog *find_catalog(struct table *table,
						const struct rill_catalog *catalog)
{
	if (table->last && table->last->catalog == catalog)
		return table->last;
	struct table_catalog *at = *bucket_of(table, catalog);
	while (at && at->catalog != catalog)
		at = at->next;
	if (at)
		table->last = at;
	return at;
}

static bool fits(const struct column *column, const struct rill_item *item)
{
	switch (column->kind) {
	case COLUMN_BOOL:
		return item->type == RILL_TYPE_BOOL;
	case COLUMN_INTEGER:
		return (1u << item->type & INTEGERS) != 0;
	case COLUMN_FLOAT:
		return item->type == RILL_TYPE_F64 && isfinite(item->f64);
	default:
		return item->type != RILL_TYPE_NONE;
	}
}

/* NULL: it stands in no column. */
static const struct column *column_of(struct table *table, const struct rill_catalog *catalog,
				      const struct rill_item *item)
{
	const struct table_catalog *of = find_catalog(table, catalog);
	uint16_t index = of && item->key < catalog->nkeys ? of->columns[item->key] : NO_COLUMN;
	const struct column *column = index == NO_COLUMN ? NULL : &table->columns[index];
	return column && fits(column, item) ? column : NULL;
}

static struct cell *find_cell(struct row *row, const struct column *column)
{
	for (size_t i = 0; i < row->ncells; i++)
		if (row->cells[i].column == column)
			return &row->cells[i];
	return NULL;
}

/* A member of an object of the notes, which begins with its first one. */
static void note_member(struct table *table, const char *object, bool *begun,
			const struct rill_catalog *catalog, const struct rill_item *item,
			const struct rill_item *before)
{
	struct buffer *notes = &table->notes;
	if (!*begun) {
		if (!notes->size)
			buffer_char(notes, '{');
		json_field(notes, object);
		buffer_char(notes, '{');
		*begun = true;
	}
	char *at = buffer_reserve(notes, ROOM_MEMBER);
	at = at ? json_member(&table->json, notes, at, catalog, item, before) : NULL;
	if (at)
		buffer_end(notes, at);
}

static void begin_row(struct table *table, struct row *row, const struct rill_batch *batch)
{
	row->ncells = 0;
	table->exact = false;
	buffer_clear(&table->notes);
	buffer_clear(&table->inherited);
	buffer_clear(&table->json.notes.path);
	table->json.catalogs = &batch->catalogs;
	table->mark = json_notes_begin(&table->json);
}

static bool is_repeated(const struct rill_item *items, size_t i)
{
	for (size_t before = 0; before < i; before++)
		if (items[before].key == items[i].key)
			return true;
	return false;
}

/* Those without a column, and repeated ones, go to the object "keys" of the notes. */
static void add_items(struct table *table, struct row *row, const struct rill_catalog *catalog,
		      const struct rill_item *items, size_t count)
{
	bool begun = false;
	for (size_t i = 0; i < count && i < RILL_MAX_ITEMS; i++) {
		const struct column *column = column_of(table, catalog, &items[i]);
		if (column && !is_repeated(items, i) && !find_cell(row, column))
			row->cells[row->ncells++] = (struct cell){column, &items[i]};
		else
			note_member(table, "keys", &begun, catalog, &items[i], items);
	}
	if (begun)
		buffer_char(&table->notes, '}');
}

static void put_inherited(struct table *table, const struct rill_record *record)
{
	const struct rill_item *items[INHERITED_MAX];
	struct buffer *to = &table->inherited;
	size_t count = rill_record_inherited(record, items, INHERITED_MAX);
	if (!count)
		return;
	buffer_char(to, '{');
	char *at = buffer_reserve(to, ROOM_MEMBER);
	for (size_t i = 0; at && i < count; i++)
		at = json_member(&table->json, to, at, record->catalog, items[i], NULL);
	if (at)
		buffer_end(to, at);
	buffer_char(to, '}');
}

void table_record(struct table *table, struct row *row, const struct rill_batch *batch,
		  const struct rill_record *record)
{
	begin_row(table, row, batch);
	add_items(table, row, record->catalog, record->items, record->nitems);
	if (record->span)
		put_inherited(table, record);
}

void table_span(struct table *table, struct row *row, const struct rill_batch *batch,
		const struct rill_span *span)
{
	const struct rill_catalog *catalog = span->catalog;
	begin_row(table, row, batch);
	add_items(table, row, catalog, span->end_items, span->nend_items);
	/* What the start said stands in the columns that the end leaves; else, where it said
	 * something else, in the notes, like an object of its own. */
	struct json_mark mark = json_notes_begin(&table->json);
	bool begun = false;
	for (size_t i = 0; i < span->nstart_items && i < RILL_MAX_ITEMS; i++) {
		const struct rill_item *item = &span->start_items[i];
		const struct column *column = column_of(table, catalog, item);
		const struct cell *cell = column ? find_cell(row, column) : NULL;
		bool repeated = is_repeated(span->start_items, i);
		if (column && !cell && !repeated)
			row->cells[row->ncells++] = (struct cell){column, item};
		else if (repeated || !cell || !items_equal(cell->item, item))
			note_member(table, "start\":{\"keys", &begun, catalog, item,
				    span->start_items);
	}
	if (begun) {
		buffer_char(&table->notes, '}');
		json_notes_end(&table->json, &table->notes, mark);
		buffer_char(&table->notes, '}');
	}
}

void table_note_exact(struct table *table, const struct rill_catalog *catalog,
		      const struct cell *cell)
{
	note_member(table, "exact", &table->exact, catalog, cell->item, NULL);
}

bool table_row_end(struct table *table)
{
	struct buffer *notes = &table->notes;
	const struct json_notes *more = &table->json.notes;
	if (table->exact)
		buffer_char(notes, '}');
	if (more->types.size || more->raw.size || more->cut.size) {
		if (!notes->size)
			buffer_char(notes, '{');
		json_notes_end(&table->json, notes, table->mark);
	}
	if (notes->size)
		buffer_char(notes, '}');
	return !notes->broken && !table->inherited.broken && !table->value.broken;
}

void table_text(struct table *table, const struct cell *cell)
{
	struct buffer *value = &table->value;
	buffer_clear(value);
	json_value(&table->json, value, cell->column->name, cell->item, cell_is_typed(cell));
}

const char *table_state(const struct rill_span *span)
{
	switch (span->state) {
	case RILL_SPAN_ENDED:
		return "ended";
	case RILL_SPAN_HEADLESS:
		return "headless";
	default:
		return "abandoned";
	}
}

char *table_time(char *to, uint64_t ns, struct zone *zone)
{
	write_time(to, ns, zone);
	to[10] = ' ';
	return to + sizeof "2026-01-31 23:59:59.123456" - 1;
}
