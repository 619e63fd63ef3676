/* JSON lines that databases load as they are: docs/export.md says why they are not those of
 * `rill cat -f json`. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/export/table.h"

struct jsonl {
	struct export_job *job;
	struct pair pair;
	struct survey survey;
	struct table events;
	struct table spans;
	bool events_begun; /* the first line, which has all columns, is written */
	bool spans_begun;
	struct zone utc;
	struct buffer process; /* what every line of the process has */
	const struct dump_origin *origin;
};

/* An event: level to catalog. A span: up to its id. */
static void make(void *context, struct buffer *to, const struct rill_catalog *catalog,
		 enum piece_kind kind, uint16_t id)
{
	(void)context;
	if (kind == PIECE_KEY) {
		json_key(to, catalog, id);
	} else if (kind == PIECE_EVENT) {
		const struct rill_catalog_event *event = &catalog->events[id];
		buffer_text(to, ",\"level\":");
		json_text(to, level_name(event->level));
		buffer_text(to, ",\"event\":");
		json_text(to, event->name);
		buffer_text(to, ",\"text\":");
		json_text(to, event->brief);
		buffer_text(to, ",\"catalog\":");
		json_text(to, catalog->name);
	} else {
		buffer_text(to, ",\"span\":");
		json_text(to, catalog->spans[id].name);
		buffer_text(to, ",\"span_id\":\"");
	}
}

static void make_process(struct jsonl *jsonl)
{
	const struct dump_origin *origin = jsonl->job->feed.origin;
	struct buffer *to = &jsonl->process;
	if (jsonl->origin == origin)
		return;
	jsonl->origin = origin;
	buffer_clear(to);
	buffer_text(to, ",\"host\":");
	json_text(to, export_host(&origin->process));
	buffer_text(to, ",\"program\":");
	json_text(to, origin->process.program);
	buffer_text(to, ",\"process_id\":\"");
	render_id(to, origin->process.id[0]);
	render_id(to, origin->process.id[1]);
	buffer_text(to, "\",\"pid\":");
	render_u64(to, origin->process.pid);
}

static void put_name(struct buffer *to, const char *name)
{
	buffer_char(to, ',');
	json_text(to, name);
	buffer_char(to, ':');
}

/* A value whose JSON is no string becomes one. */
static void put_as_text(struct table *table, struct buffer *to, const struct cell *cell)
{
	table_text(table, cell);
	const struct buffer *value = &table->value;
	if (value->size && value->data[0] == '"')
		buffer_put(to, value->data, value->size);
	else
		json_bytes(to, value->data, value->size);
}

static void put_cell(struct table *table, struct buffer *to, const struct cell *cell)
{
	const struct rill_item *item = cell->item;
	buffer_put(to, cell->column->field, cell->column->field_size);
	if (cell->column->kind == COLUMN_TEXT) {
		if (item->type == RILL_TYPE_STRING)
			json_value(&table->json, to, cell->column->name, item, cell_is_typed(cell));
		else
			put_as_text(table, to, cell);
		return;
	}
	if (cell_is_typed(cell))
		table_text(table, cell); /* for its note */
	if (item->type == RILL_TYPE_BOOL)
		buffer_text(to, item->boolean ? "true" : "false");
	else if (item->type == RILL_TYPE_F64)
		render_f64(to, item->f64);
	else if (item->type == RILL_TYPE_I64 || item->type == RILL_TYPE_DURATION)
		render_i64(to, item->i64);
	else
		render_u64(to, item->u64);
}

/* Valid JSON as a string: nothing else in it has to be escaped. */
static void put_json(struct buffer *to, const char *name, const struct buffer *json)
{
	if (!json->size)
		return;
	buffer_text(to, name);
	char *at = buffer_reserve(to, 2 * json->size + 2);
	if (!at)
		return;
	*at++ = '"';
	for (size_t i = 0; i < json->size; i++) {
		char c = json->data[i];
		*at = '\\';
		at += c == '"' || c == '\\';
		*at++ = c;
	}
	*at++ = '"';
	buffer_end(to, at);
}

/* The columns' names, made once. */
static int make_fields(struct table *table)
{
	for (size_t i = 0; i < table->ncolumns; i++) {
		struct column *column = &table->columns[i];
		struct buffer field = {0};
		put_name(&field, column->name);
		if (field.broken)
			return -ENOMEM;
		column->field = field.data;
		column->field_size = field.size;
	}
	return 0;
}

static bool has_column(const struct buffer *line, size_t start, const char *name)
{
	struct buffer field = {0};
	put_name(&field, name);
	/* The names in the values' text stand behind a backslash. */
	bool found = !field.broken &&
		     memmem(line->data + start, line->size - start, field.data, field.size);
	buffer_free(&field);
	return found;
}

/* The first line has all columns: who samples lines to find out which there are finds all. */
static void put_absent(const struct table *table, struct buffer *to, size_t start)
{
	for (size_t i = 1; table->fixed[i]; i++) {
		if (has_column(to, start, table->fixed[i]))
			continue;
		put_name(to, table->fixed[i]);
		buffer_text(to, "null");
	}
	for (size_t i = 0; i < table->ncolumns; i++) {
		if (has_column(to, start, table->columns[i].name))
			continue;
		put_name(to, table->columns[i].name);
		buffer_text(to, "null");
	}
}

/* Cells, notes, and the end of the line. */
static int end_line(struct table *table, struct buffer *to, const struct row *row, size_t start,
		    bool *begun)
{
	for (size_t i = 0; i < row->ncells; i++)
		put_cell(table, to, &row->cells[i]);
	if (!table_row_end(table))
		return -ENOMEM;
	put_json(to, ",\"inherited\":", &table->inherited);
	put_json(to, ",\"notes\":", &table->notes);
	if (!*begun)
		put_absent(table, to, start);
	*begun = true;
	buffer_text(to, "}\n");
	return to->broken ? -ENOMEM : 0;
}

#define ROOM_IDS 320u

/* From the span's id on. */
static char *write_ids(char *at, const struct rill_span *span)
{
	at = write_hex64(at, span->id);
	if (span->parent_id)
		at = write_hex64(write_literal(at, "\",\"parent_id\":\""), span->parent_id);
	at = write_hex64(write_literal(at, "\",\"trace_id\":\""), span->trace_id[0]);
	return write_literal(write_hex64(at, span->trace_id[1]), "\"");
}

static void put_span_ids(struct table *table, struct buffer *to, const struct rill_span *span)
{
	uint16_t id = (uint16_t)(span->span - span->catalog->spans);
	char *at = buffer_reserve(to, ROOM_IDS);
	at = at ? json_piece(&table->json, to, at, span->catalog, PIECE_SPAN, id, ROOM_IDS) : NULL;
	if (at)
		buffer_end(to, write_ids(at, span));
}

static int put_record(struct jsonl *jsonl, const struct rill_batch *batch,
		      const struct rill_record *record)
{
	struct table *table = &jsonl->events;
	struct buffer *to = &jsonl->pair.events->buffer;
	struct row row;
	size_t start = to->size;
	table_record(table, &row, batch, record);
	char *at = buffer_reserve(to, ROOM_IDS);
	if (!at)
		return -ENOMEM;
	at = table_time(write_literal(at, "{\"time\":\""), record->time_ns, &jsonl->utc);
	at = write_u64(write_literal(at, "\",\"time_ns\":"), record->time_ns);
	at = json_piece(&table->json, to, at, record->catalog, PIECE_EVENT, record->event_id,
			jsonl->process.size + ROOM_IDS);
	if (!at)
		return -ENOMEM;
	at = write_constant(at, jsonl->process.data, jsonl->process.size);
	at = write_u64(write_literal(at, ",\"tid\":"), record->tid);
	buffer_end(to, at);
	if (record->span)
		put_span_ids(table, to, record->span);
	return end_line(table, to, &row, start, &jsonl->events_begun);
}

static int put_span(struct jsonl *jsonl, const struct rill_batch *batch,
		    const struct rill_span *span)
{
	struct table *table = &jsonl->spans;
	struct buffer *to = &jsonl->pair.spans->buffer;
	struct row row;
	size_t start = to->size;
	uint16_t event = span->span->start;
	unsigned level =
		event < span->catalog->nevents ? span->catalog->events[event].level : RILL_ERROR;
	table_span(table, &row, batch, span);
	char *at = buffer_reserve(to, ROOM_IDS + jsonl->process.size);
	if (!at)
		return -ENOMEM;
	at = table_time(write_literal(at, "{\"start_time\":\""), span->start_ns, &jsonl->utc);
	at = table_time(write_literal(at, "\",\"end_time\":\""), span->end_ns, &jsonl->utc);
	at = write_u64(write_literal(at, "\",\"start_ns\":"), span->start_ns);
	at = write_u64(write_literal(at, ",\"end_ns\":"), span->end_ns);
	at = write_i64(write_literal(at, ",\"duration_ns\":"),
		       (int64_t)(span->end_ns - span->start_ns));
	at = write_u64(write_literal(at, ",\"events\":"), span->nevents);
	buffer_end(to, write_constant(at, jsonl->process.data, jsonl->process.size));
	buffer_text(to, ",\"level\":");
	json_text(to, level_name(level));
	buffer_text(to, ",\"catalog\":");
	json_text(to, span->catalog->name);
	buffer_text(to, ",\"state\":");
	json_text(to, table_state(span));
	put_span_ids(table, to, span);
	return end_line(table, to, &row, start, &jsonl->spans_begun);
}

static int jsonl_write(void *state, const struct rill_batch *batch)
{
	struct jsonl *jsonl = state;
	int error = 0;
	make_process(jsonl);
	for (size_t i = 0; i < batch->count && !error; i++) {
		const struct rill_entry *entry = &batch->entries[i];
		if (entry->record && jsonl->pair.events)
			error = put_record(jsonl, batch, entry->record);
		else if (entry->span && jsonl->pair.spans)
			error = put_span(jsonl, batch, entry->span);
		if (!error)
			error = pair_drain(&jsonl->pair);
	}
	return error;
}

static int jsonl_close(void *state, bool complete)
{
	struct jsonl *jsonl = state;
	int error = pair_close(&jsonl->pair, complete);
	table_close(&jsonl->events);
	table_close(&jsonl->spans);
	survey_free(&jsonl->survey);
	buffer_free(&jsonl->process);
	free(jsonl);
	return error;
}

static int jsonl_open(void **state, struct export_job *job)
{
	struct jsonl *jsonl = calloc(1, sizeof *jsonl);
	if (!jsonl)
		return -ENOMEM;
	jsonl->job = job;
	int error = pair_open(&jsonl->pair, job, "events.jsonl", "spans.jsonl");
	if (!error)
		error = survey_make(&jsonl->survey, job);
	if (!error)
		error = table_open(&jsonl->events, job->reader, &jsonl->survey, event_columns);
	if (!error)
		error = table_open(&jsonl->spans, job->reader, &jsonl->survey, span_columns);
	if (!error)
		error = make_fields(&jsonl->events);
	if (!error)
		error = make_fields(&jsonl->spans);
	jsonl->events.json.pieces.make = jsonl->spans.json.pieces.make = make;
	if (error)
		jsonl_close(jsonl, false);
	else
		*state = jsonl;
	return error;
}

const struct export_format export_jsonl = {
	.name = "jsonl",
	.brief = "JSON lines for databases: a table of events and one of spans",
	.directory = true,
	.pair = true,
	.open = jsonl_open,
	.write = jsonl_write,
	.close = jsonl_close,
};
