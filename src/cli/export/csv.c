/* CSV (RFC 4180): a header line, lines ended by CR LF, fields quoted where they must be. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/export/table.h"
#include "sink/scan.h"

struct csv {
	struct export_job *job;
	struct pair pair;
	struct survey survey;
	struct table events;
	struct table spans;
	const struct cell **by_column; /* of the row */
	struct zone utc;
	struct buffer process; /* host, program, process id, pid */
	const struct dump_origin *origin;
};

/* Controls would drive the terminal on which a file is looked at; a field may have lines. */
static bool is_control(uint32_t c)
{
	return (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || (c >= 0x7f && c <= 0x9f);
}

/* What looks like it: U+2400 and those behind it are pictures of the controls of ASCII. */
static uint32_t picture(uint32_t control)
{
	return control < 0x20 ? 0x2400 + control : control == 0x7f ? 0x2421 : 0xfffd;
}

/* Quoted, and quotes doubled. *exact: set to false when that is not what the bytes are. */
static void put_quoted(struct buffer *to, const unsigned char *bytes, size_t size, bool *exact)
{
	uint32_t character;
	char *at = buffer_reserve(to, 3 * size + 2);
	if (!at)
		return;
	*at++ = '"';
	for (size_t i = 0; i < size;) {
		size_t length = utf8_read(bytes + i, size - i, &character);
		if (!length || is_control(character)) {
			at += utf8_write(at, length ? picture(character) : 0xfffd);
			*exact = false;
			i += length + !length;
			continue;
		}
		*at = '"';
		at += character == '"';
		for (size_t end = i + length; i < end; i++)
			*at++ = (char)bytes[i];
	}
	*at++ = '"';
	buffer_end(to, at);
}

static void put_text(struct buffer *to, const void *bytes, size_t size, bool *exact)
{
	char *at = size ? buffer_reserve(to, size + WRITE_SLACK) : NULL;
	/* An empty string is quoted: nothing at all stands for what is not there. */
	if (at && scan_copy(at, bytes, size) == SCAN_WORD)
		buffer_end(to, at + size);
	else
		put_quoted(to, bytes, size, exact);
}

static void put_string(struct buffer *to, const char *text)
{
	bool exact;
	put_text(to, text, strlen(text), &exact);
}

/* An event: level to catalog. A span: its name. */
static void make(void *context, struct buffer *to, const struct rill_catalog *catalog,
		 enum piece_kind kind, uint16_t id)
{
	(void)context;
	if (kind == PIECE_KEY) {
		json_key(to, catalog, id);
	} else if (kind == PIECE_EVENT) {
		const struct rill_catalog_event *event = &catalog->events[id];
		buffer_char(to, ',');
		put_string(to, level_name(event->level));
		buffer_char(to, ',');
		put_string(to, event->name);
		buffer_char(to, ',');
		put_string(to, event->brief);
		buffer_char(to, ',');
		put_string(to, catalog->name);
	} else {
		buffer_char(to, ',');
		put_string(to, catalog->spans[id].name);
	}
}

static void make_process(struct csv *csv)
{
	const struct dump_origin *origin = csv->job->feed.origin;
	struct buffer *to = &csv->process;
	if (csv->origin == origin)
		return;
	csv->origin = origin;
	buffer_clear(to);
	buffer_char(to, ',');
	put_string(to, export_host(&origin->process));
	buffer_char(to, ',');
	put_string(to, origin->process.program);
	buffer_char(to, ',');
	render_id(to, origin->process.id[0]);
	render_id(to, origin->process.id[1]);
	buffer_char(to, ',');
	render_u64(to, origin->process.pid);
}

static void put_header(const struct table *table, struct buffer *to)
{
	/* The keys stand before the last ones, which are long. */
	const char *last = table->fixed == event_columns ? "inherited" : "notes";
	size_t i = 0;
	for (; table->fixed[i] && strcmp(table->fixed[i], last) != 0; i++) {
		if (i)
			buffer_char(to, ',');
		put_string(to, table->fixed[i]);
	}
	for (size_t k = 0; k < table->ncolumns; k++) {
		buffer_char(to, ',');
		put_string(to, table->columns[k].name);
	}
	for (; table->fixed[i]; i++) {
		buffer_char(to, ',');
		put_string(to, table->fixed[i]);
	}
	buffer_text(to, "\r\n");
}

/* JSON's strings that stand for numbers, times, addresses and bytes need no quotes here. */
static void put_as_text(struct table *table, struct buffer *to, const struct cell *cell)
{
	bool exact;
	table_text(table, cell);
	const struct buffer *value = &table->value;
	if (value->size >= 2 && value->data[0] == '"')
		put_text(to, value->data + 1, value->size - 2, &exact);
	else
		put_text(to, value->data, value->size, &exact);
}

static void put_u64(struct buffer *to, uint64_t value)
{
	if (value <= INT64_MAX) {
		render_u64(to, value);
		return;
	}
	/* As a decimal, DuckDB and spreadsheets would make it a double, and round it. */
	buffer_text(to, "0x");
	render_id(to, value);
}

static void put_cell(struct table *table, struct buffer *to, const struct rill_catalog *catalog,
		     const struct cell *cell)
{
	const struct rill_item *item = cell->item;
	bool exact = true;
	if (cell->column->kind == COLUMN_TEXT) {
		if (item->type != RILL_TYPE_STRING) {
			put_as_text(table, to, cell);
			return;
		}
		put_text(to, item->bytes, item->size, &exact);
		if (!exact || item->cut)
			table_note_exact(table, catalog, cell);
		else if (cell_is_typed(cell))
			table_text(table, cell); /* for its note */
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
		put_u64(to, item->u64);
}

static void put_json(struct buffer *to, const struct buffer *json)
{
	bool exact;
	buffer_char(to, ',');
	if (json->size)
		put_text(to, json->data, json->size, &exact);
}

/* The keys' columns, and those behind them. */
static int end_line(struct csv *csv, struct table *table, struct buffer *to,
		    const struct rill_catalog *catalog, const struct row *row)
{
	for (size_t i = 0; i < row->ncells; i++)
		csv->by_column[row->cells[i].column - table->columns] = &row->cells[i];
	for (size_t i = 0; i < table->ncolumns; i++) {
		buffer_char(to, ',');
		if (!csv->by_column[i])
			continue;
		put_cell(table, to, catalog, csv->by_column[i]);
		csv->by_column[i] = NULL;
	}
	if (!table_row_end(table))
		return -ENOMEM;
	if (table == &csv->events)
		put_json(to, &table->inherited);
	put_json(to, &table->notes);
	buffer_text(to, "\r\n");
	return to->broken ? -ENOMEM : 0;
}

#define ROOM_LINE 256u

static char *write_ids(char *at, const struct rill_span *span)
{
	at = write_hex64(write_literal(at, ","), span->id);
	at = write_literal(at, ",");
	if (span->parent_id)
		at = write_hex64(at, span->parent_id);
	at = write_hex64(write_literal(at, ","), span->trace_id[0]);
	return write_hex64(at, span->trace_id[1]);
}

static int put_record(struct csv *csv, const struct rill_batch *batch,
		      const struct rill_record *record)
{
	struct table *table = &csv->events;
	struct buffer *to = &csv->pair.events->buffer;
	const struct rill_span *span = record->span;
	struct row row;
	table_record(table, &row, batch, record);
	char *at = buffer_reserve(to, ROOM_LINE);
	if (!at)
		return -ENOMEM;
	at = write_literal(table_time(at, record->time_ns, &csv->utc), ",");
	at = write_u64(at, record->time_ns);
	at = json_piece(&table->json, to, at, record->catalog, PIECE_EVENT, record->event_id,
			csv->process.size + ROOM_LINE);
	if (!at)
		return -ENOMEM;
	at = write_constant(at, csv->process.data, csv->process.size);
	at = write_u64(write_literal(at, ","), record->tid);
	if (span)
		at = json_piece(&table->json, to, at, span->catalog, PIECE_SPAN,
				(uint16_t)(span->span - span->catalog->spans), ROOM_LINE);
	if (!at)
		return -ENOMEM;
	buffer_end(to, span ? write_ids(at, span) : write_literal(at, ",,,,"));
	return end_line(csv, table, to, record->catalog, &row);
}

static int put_span(struct csv *csv, const struct rill_batch *batch, const struct rill_span *span)
{
	struct table *table = &csv->spans;
	struct buffer *to = &csv->pair.spans->buffer;
	struct row row;
	uint16_t event = span->span->start;
	unsigned level =
		event < span->catalog->nevents ? span->catalog->events[event].level : RILL_ERROR;
	table_span(table, &row, batch, span);
	char *at = buffer_reserve(to, ROOM_LINE);
	if (!at)
		return -ENOMEM;
	at = write_literal(table_time(at, span->start_ns, &csv->utc), ",");
	at = write_literal(table_time(at, span->end_ns, &csv->utc), ",");
	at = write_literal(write_u64(at, span->start_ns), ",");
	at = write_literal(write_u64(at, span->end_ns), ",");
	at = write_literal(write_i64(at, (int64_t)(span->end_ns - span->start_ns)), ",");
	buffer_end(to, at);
	buffer_text(to, level_name(level));
	buffer_char(to, ',');
	put_string(to, span->span->name);
	buffer_char(to, ',');
	buffer_text(to, table_state(span));
	buffer_char(to, ',');
	render_u64(to, span->nevents);
	buffer_char(to, ',');
	put_string(to, span->catalog->name);
	buffer_put(to, csv->process.data, csv->process.size);
	if (!(at = buffer_reserve(to, ROOM_LINE)))
		return -ENOMEM;
	buffer_end(to, write_ids(at, span));
	return end_line(csv, table, to, span->catalog, &row);
}

static int csv_write(void *state, const struct rill_batch *batch)
{
	struct csv *csv = state;
	int error = 0;
	make_process(csv);
	for (size_t i = 0; i < batch->count && !error; i++) {
		const struct rill_entry *entry = &batch->entries[i];
		if (entry->record && csv->pair.events)
			error = put_record(csv, batch, entry->record);
		else if (entry->span && csv->pair.spans)
			error = put_span(csv, batch, entry->span);
		if (!error)
			error = pair_drain(&csv->pair);
	}
	return error;
}

static int csv_close(void *state, bool complete)
{
	struct csv *csv = state;
	int error = pair_close(&csv->pair, complete);
	table_close(&csv->events);
	table_close(&csv->spans);
	survey_free(&csv->survey);
	buffer_free(&csv->process);
	free(csv->by_column);
	free(csv);
	return error;
}

static int csv_open(void **state, struct export_job *job)
{
	struct csv *csv = calloc(1, sizeof *csv);
	if (!csv)
		return -ENOMEM;
	csv->job = job;
	int error = pair_open(&csv->pair, job, "events.csv", "spans.csv");
	if (!error)
		error = survey_make(&csv->survey, job);
	if (!error)
		error = table_open(&csv->events, job->reader, &csv->survey, event_columns);
	if (!error)
		error = table_open(&csv->spans, job->reader, &csv->survey, span_columns);
	csv->events.json.pieces.make = csv->spans.json.pieces.make = make;
	csv->by_column = calloc(csv->survey.nkeys + 1, sizeof *csv->by_column);
	if (!error && !csv->by_column)
		error = -ENOMEM;
	if (error) {
		csv_close(csv, false);
		return error;
	}
	if (csv->pair.events)
		put_header(&csv->events, &csv->pair.events->buffer);
	if (csv->pair.spans)
		put_header(&csv->spans, &csv->pair.spans->buffer);
	*state = csv;
	return 0;
}

const struct export_format export_csv = {
	.name = "csv",
	.brief = "CSV (RFC 4180): a table of events and one of spans",
	.directory = true,
	.pair = true,
	.open = csv_open,
	.write = csv_write,
	.close = csv_close,
};
