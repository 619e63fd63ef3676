/* OTLP JSON lines, as the OTLP file exporter writes them: LogsData and TracesData, in a file each.
 * docs/export.md says what becomes what. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/export/otlp.h"

#define LINE_BYTES   (1u << 18)
#define LINES_BYTES  (1u << 25) /* of all processes together */
#define MIN_LINE     4096u
#define ROOM_NUMBERS 512u

/* A line that is being made. */
struct line {
	struct buffer text; /* empty: not begun */
	const struct rill_catalog *catalog;
};

struct process {
	const struct dump_origin *origin;
	struct line logs;
	struct line spans;
};

struct otlp {
	struct export_job *job;
	struct pair pair;
	struct otlp_values values;
	struct otlp_links *links;
	struct buffer notes;
	struct process *processes; /* by the address of their origins */
	size_t nprocesses;
	struct process *last;
	size_t line_bytes;
};

/* An event: from behind its time to the value of the first attribute, the thread. A span: its
 * name. */
static void make(void *context, struct buffer *to, const struct rill_catalog *catalog,
		 enum piece_kind kind, uint16_t id)
{
	static const unsigned severities[] = {1, 5, 9, 13, 17};
	(void)context;
	if (kind != PIECE_EVENT) {
		buffer_text(to, "\"name\":");
		json_text(to, catalog->spans[id].name);
		return;
	}
	const struct rill_catalog_event *event = &catalog->events[id];
	buffer_text(to, "\",\"severityNumber\":");
	render_u64(to, event->level <= RILL_ERROR ? severities[event->level] : 0);
	buffer_text(to, ",\"severityText\":");
	json_text(to, level_name(event->level));
	buffer_text(to, ",\"eventName\":");
	json_text(to, event->name);
	buffer_text(to, ",\"body\":{\"stringValue\":");
	json_text(to, event->brief);
	buffer_text(to, "},\"attributes\":[");
	otlp_key(to, "thread.id");
	buffer_text(to, "{\"intValue\":\"");
}

static void make_note_key(void *context, struct buffer *to, const struct rill_catalog *catalog,
			  enum piece_kind kind, uint16_t id)
{
	(void)context;
	(void)kind;
	json_key(to, catalog, id);
}

static char *put_piece(struct otlp *otlp, struct buffer *to, char *at,
		       const struct rill_catalog *catalog, enum piece_kind kind, uint16_t id)
{
	struct catalog_pieces *of = pieces_of(&otlp->values.pieces, catalog);
	const struct piece *piece = of ? piece_of(&otlp->values.pieces, of, kind, id) : NULL;
	at = piece ? buffer_more(to, at, piece->size + WRITE_BLOCK + ROOM_NUMBERS) : NULL;
	return at ? write_blocks(at, piece->bytes, piece->size) : NULL;
}

/* --- lines ----------------------------------------------------------------------------------- */

static void put_text_attribute(struct buffer *to, const char *name, const char *text)
{
	otlp_key(to, name);
	buffer_text(to, "{\"stringValue\":");
	json_text(to, text);
	buffer_text(to, "}},");
}

static void put_resource(struct buffer *to, const struct dump_process *process)
{
	struct zone utc = {0};
	buffer_text(to, "{\"resource\":{\"attributes\":[");
	put_text_attribute(to, "service.name", process->program);
	if (*export_host(process))
		put_text_attribute(to, "host.name", export_host(process));
	otlp_key(to, "service.instance.id");
	buffer_text(to, "{\"stringValue\":\"");
	render_id(to, process->id[0]);
	render_id(to, process->id[1]);
	buffer_text(to, "\"}},");
	otlp_key(to, "process.creation.time");
	buffer_text(to, "{\"stringValue\":\"");
	render_time(to, process->start_ns, &utc);
	buffer_text(to, "\"}},");
	otlp_key(to, "process.pid");
	buffer_text(to, "{\"intValue\":");
	json_u64(to, process->pid);
	buffer_text(to, "}}]},");
}

/* Up to where the next record or span begins. */
static struct buffer *begin_entry(struct process *process, struct line *line, bool spans,
				  const struct rill_catalog *catalog)
{
	struct buffer *to = &line->text;
	if (to->size && line->catalog == catalog) {
		buffer_char(to, ',');
		return to;
	}
	if (to->size) {
		buffer_text(to, "]},");
	} else {
		buffer_text(to, spans ? "{\"resourceSpans\":[" : "{\"resourceLogs\":[");
		put_resource(to, &process->origin->process);
		buffer_text(to, spans ? "\"scopeSpans\":[" : "\"scopeLogs\":[");
	}
	buffer_text(to, "{\"scope\":{\"name\":");
	json_text(to, catalog->name);
	buffer_text(to, spans ? "},\"spans\":[" : "},\"logRecords\":[");
	line->catalog = catalog;
	return to;
}

static int end_line(struct line *line, struct export_out *out)
{
	if (!line->text.size)
		return line->text.broken ? -ENOMEM : 0;
	buffer_text(&line->text, "]}]}]}\n");
	if (line->text.broken)
		return -ENOMEM;
	buffer_put(&out->buffer, line->text.data, line->text.size);
	buffer_clear(&line->text);
	return export_out_drain(out);
}

/* --- records and spans ----------------------------------------------------------------------- */

/* The notes since `mark` as an object of that name; NULL: the object of all. */
static void gather_notes(struct otlp *otlp, const char *name, struct json_mark mark)
{
	const struct json_notes *of = &otlp->values.json.notes;
	struct buffer *notes = &otlp->notes;
	if (!of->types.size && !of->raw.size && !of->cut.size)
		return;
	if (!notes->size)
		buffer_char(notes, '{');
	if (name) {
		json_field(notes, name);
		buffer_char(notes, '{');
	}
	json_notes_end(&otlp->values.json, notes, mark);
	if (name)
		buffer_char(notes, '}');
}

static struct json_mark begin_notes(struct otlp *otlp)
{
	buffer_clear(&otlp->values.json.notes.path);
	return json_notes_begin(&otlp->values.json);
}

static void put_notes(struct otlp *otlp, struct buffer *to)
{
	struct buffer *notes = &otlp->notes;
	if (notes->broken)
		to->broken = true;
	if (!notes->size)
		return;
	buffer_char(notes, '}');
	buffer_char(to, ',');
	otlp_key(to, "rill.notes");
	buffer_text(to, "{\"stringValue\":");
	json_bytes(to, notes->data, notes->size);
	buffer_text(to, "}}");
	buffer_clear(notes);
}

static int put_record(struct otlp *otlp, struct process *process, const struct rill_record *record)
{
	const struct rill_catalog *catalog = record->catalog;
	struct buffer *to = begin_entry(process, &process->logs, false, catalog);
	char *at = buffer_reserve(to, ROOM_NUMBERS);
	if (!at)
		return -ENOMEM;
	at = write_u64(write_literal(at, "{\"timeUnixNano\":\""), record->time_ns);
	at = write_u64(write_literal(at, "\",\"observedTimeUnixNano\":\""), record->time_ns);
	at = put_piece(otlp, to, at, catalog, PIECE_EVENT, record->event_id);
	if (!at)
		return -ENOMEM;
	buffer_end(to, write_literal(write_u64(at, record->tid), "\"}}"));
	struct json_mark mark = begin_notes(otlp);
	for (size_t i = 0; i < record->nitems; i++) {
		buffer_char(to, ',');
		otlp_attribute(&otlp->values, to, catalog, &record->items[i], record->items, "");
	}
	gather_notes(otlp, NULL, mark);
	put_notes(otlp, to);
	at = buffer_reserve(to, ROOM_NUMBERS);
	if (!at)
		return -ENOMEM;
	at = write_literal(at, "]");
	if (record->span) {
		const struct rill_span *span = record->span;
		at = write_hex64(write_literal(at, ",\"traceId\":\""), span->trace_id[0]);
		at = write_hex64(at, span->trace_id[1]);
		at = write_hex64(write_literal(at, "\",\"spanId\":\""), span->id);
		at = write_literal(at, "\"");
	}
	buffer_end(to, write_literal(at, "}"));
	if (to->broken)
		return -ENOMEM;
	return to->size < otlp->line_bytes ? 0 : end_line(&process->logs, otlp->pair.events);
}

static void put_links(struct otlp *otlp, struct buffer *to, const struct rill_span *span)
{
	struct otlp_linked linked;
	if (!otlp_links_take(otlp->links, span->id, &linked))
		return;
	buffer_text(to, ",\"links\":[");
	for (size_t i = 0; i < linked.nlinks; i++) {
		const struct otlp_link *link = &linked.links[i];
		buffer_text(to, i ? ",{\"traceId\":\"" : "{\"traceId\":\"");
		render_id(to, link->trace_id[0]);
		render_id(to, link->trace_id[1]);
		buffer_text(to, "\",\"spanId\":\"");
		render_id(to, link->span_id);
		buffer_text(to, "\",\"attributes\":[");
		otlp_key(to, "rill.key");
		buffer_text(to, "{\"stringValue\":");
		json_text(to, link->key);
		buffer_text(to, "}}]}");
	}
	buffer_char(to, ']');
	if (linked.dropped) {
		buffer_text(to, ",\"droppedLinksCount\":");
		render_u64(to, linked.dropped);
	}
}

static const struct rill_item *find_item(const struct rill_item *items, size_t count, uint16_t key)
{
	for (size_t i = 0; i < count; i++)
		if (items[i].key == key)
			return &items[i];
	return NULL;
}

/* Those of the start, and of the end what is new: as KEY.end where the start says something else.
 */
static void put_span_attributes(struct otlp *otlp, struct buffer *to, const struct rill_span *span)
{
	const struct rill_catalog *catalog = span->catalog;
	struct json_mark mark = begin_notes(otlp);
	for (size_t i = 0; i < span->nstart_items; i++) {
		buffer_char(to, ',');
		otlp_attribute(&otlp->values, to, catalog, &span->start_items[i], span->start_items,
			       "");
	}
	gather_notes(otlp, "start", mark);
	mark = begin_notes(otlp);
	for (size_t i = 0; i < span->nend_items; i++) {
		const struct rill_item *item = &span->end_items[i];
		const struct rill_item *same =
			find_item(span->start_items, span->nstart_items, item->key);
		if (same && items_equal(same, item))
			continue;
		buffer_char(to, ',');
		otlp_attribute(&otlp->values, to, catalog, item, span->end_items,
			       same ? ".end" : "");
	}
	gather_notes(otlp, "end", mark);
	put_notes(otlp, to);
}

static bool ended_badly(const struct rill_span *span)
{
	uint16_t end = span->span->end;
	return span->state != RILL_SPAN_ABANDONED && end < span->catalog->nevents &&
	       span->catalog->events[end].level == RILL_ERROR;
}

static int put_span(struct otlp *otlp, struct process *process, const struct rill_span *span)
{
	static const char *const states[] = {"open", "ended", "abandoned", "headless"};
	struct buffer *to = begin_entry(process, &process->spans, true, span->catalog);
	char *at = buffer_reserve(to, ROOM_NUMBERS);
	if (!at)
		return -ENOMEM;
	at = write_hex64(write_literal(at, "{\"traceId\":\""), span->trace_id[0]);
	at = write_hex64(at, span->trace_id[1]);
	at = write_hex64(write_literal(at, "\",\"spanId\":\""), span->id);
	if (span->parent_id)
		at = write_hex64(write_literal(at, "\",\"parentSpanId\":\""), span->parent_id);
	at = put_piece(otlp, to, write_literal(at, "\","), span->catalog, PIECE_SPAN,
		       (uint16_t)(span->span - span->catalog->spans));
	if (!at)
		return -ENOMEM;
	at = write_literal(at, ",\"kind\":1,\"startTimeUnixNano\":\"");
	at = write_literal(write_u64(at, span->start_ns), "\",\"endTimeUnixNano\":\"");
	at = write_literal(write_u64(at, span->end_ns), "\",\"attributes\":[");
	buffer_end(to, at);
	put_text_attribute(to, "rill.state",
			   states[span->state <= RILL_SPAN_HEADLESS ? span->state : 0]);
	otlp_key(to, "rill.events");
	buffer_text(to, "{\"intValue\":");
	json_u64(to, span->nevents);
	buffer_text(to, "}}");
	put_span_attributes(otlp, to, span);
	buffer_char(to, ']');
	put_links(otlp, to, span);
	if (ended_badly(span))
		buffer_text(to, ",\"status\":{\"code\":2}");
	buffer_char(to, '}');
	if (to->broken)
		return -ENOMEM;
	return to->size < otlp->line_bytes ? 0 : end_line(&process->spans, otlp->pair.spans);
}

/* --- the format ------------------------------------------------------------------------------ */

static int by_origin(const void *left, const void *right)
{
	const struct process *a = left, *b = right;
	return (a->origin > b->origin) - (a->origin < b->origin);
}

static struct process *find_process(struct otlp *otlp, const struct dump_origin *origin)
{
	struct process wanted = {.origin = origin};
	if (!otlp->last || otlp->last->origin != origin)
		otlp->last = bsearch(&wanted, otlp->processes, otlp->nprocesses, sizeof wanted,
				     by_origin);
	return otlp->last;
}

static int otlp_write(void *state, const struct rill_batch *batch)
{
	struct otlp *otlp = state;
	const struct dump_origin *origin = otlp->job->feed.origin;
	struct process *process = find_process(otlp, origin);
	int error = 0;
	otlp->values.json.catalogs = &batch->catalogs;
	for (size_t i = 0; i < batch->count && !error; i++) {
		const struct rill_entry *entry = &batch->entries[i];
		if (entry->record && otlp->pair.spans)
			otlp_links_follow(otlp->links, origin, entry->record);
		if (entry->record && otlp->pair.events)
			error = put_record(otlp, process, entry->record);
		else if (entry->span && otlp->pair.spans)
			error = put_span(otlp, process, entry->span);
	}
	return error;
}

static int otlp_close(void *state, bool complete)
{
	struct otlp *otlp = state;
	int error = 0;
	for (size_t i = 0; i < otlp->nprocesses; i++) {
		struct process *process = &otlp->processes[i];
		if (complete && !error && otlp->pair.events)
			error = end_line(&process->logs, otlp->pair.events);
		if (complete && !error && otlp->pair.spans)
			error = end_line(&process->spans, otlp->pair.spans);
		buffer_free(&process->logs.text);
		buffer_free(&process->spans.text);
	}
	int closed = pair_close(&otlp->pair, complete && !error);
	free(otlp->processes);
	otlp_links_free(otlp->links);
	otlp_values_free(&otlp->values);
	buffer_free(&otlp->notes);
	free(otlp);
	return error ? error : closed;
}

static void make_processes(struct otlp *otlp)
{
	const struct dump_reader *reader = otlp->job->reader;
	for (size_t i = 0; i < otlp->nprocesses; i++)
		otlp->processes[i].origin = dump_origin(reader, i);
	if (otlp->nprocesses)
		qsort(otlp->processes, otlp->nprocesses, sizeof *otlp->processes, by_origin);
	otlp->line_bytes = LINES_BYTES / 2 / (otlp->nprocesses + 1);
	if (otlp->line_bytes > LINE_BYTES)
		otlp->line_bytes = LINE_BYTES;
	if (otlp->line_bytes < MIN_LINE)
		otlp->line_bytes = MIN_LINE;
}

static int otlp_open(void **state, struct export_job *job)
{
	struct otlp *otlp = calloc(1, sizeof *otlp);
	if (!otlp)
		return -ENOMEM;
	otlp->job = job;
	otlp->values.pieces.make = make;
	otlp->values.json.pieces.make = make_note_key;
	int error = pair_open(&otlp->pair, job, "logs.jsonl", "traces.jsonl");
	size_t count = dump_origin_count(job->reader);
	otlp->links = otlp_links_new();
	otlp->processes = calloc(count + 1, sizeof *otlp->processes);
	if (!error && (!otlp->links || !otlp->processes))
		error = -ENOMEM;
	if (error) {
		otlp_close(otlp, false);
		return error;
	}
	otlp->nprocesses = count;
	make_processes(otlp);
	*state = otlp;
	return 0;
}

const struct export_format export_otlp = {
	.name = "otlp-json",
	.brief = "OpenTelemetry's OTLP as JSON lines: logs and traces",
	.directory = true,
	.pair = true,
	.open = otlp_open,
	.write = otlp_write,
	.close = otlp_close,
};
