/* One JSON object a line; docs/json.md describes every field. */
#include <errno.h>
#include <stdlib.h>

#include "sink/json_value.h"
#include "sink/lines.h"
#include "sink/sink.h"

#define MAX_INHERITED 64u

struct json_sink {
	struct lines lines;
	struct json json;
	struct zone utc; /* of what a line begins with */
};

static void put_number_field(struct buffer *to, const char *name, uint32_t value)
{
	json_field(to, name);
	render_u64(to, value);
}

static void put_text_field(struct buffer *to, const char *name, const char *text)
{
	json_field(to, name);
	json_text(to, text);
}

/*
 * An event: from behind the time up to the process id. A key: its name. A span: from behind the
 * field before it up to its id.
 */
static void make(void *context, struct buffer *to, const struct rill_catalog *catalog,
		 enum piece_kind kind, uint16_t id)
{
	(void)context;
	if (kind == PIECE_EVENT) {
		const struct rill_catalog_event *event = &catalog->events[id];
		buffer_char(to, '"');
		put_text_field(to, "level", level_name(event->level));
		put_text_field(to, "event", event->name);
		put_text_field(to, "text", event->brief);
		put_text_field(to, "catalog", catalog->name);
		buffer_text(to, ",\"pid\":");
	} else if (kind == PIECE_KEY) {
		json_key(to, catalog, id);
	} else {
		buffer_text(to, ",\"span\":{");
		put_text_field(to, "name", catalog->spans[id].name);
		buffer_text(to, ",\"id\":\"");
	}
}

/* What literals and numbers of a line may take between two pieces or members. */
#define ROOM_FIXED (6 * ROOM_NUMBER)

static char *write_span_ids(struct json *json, struct buffer *to, char *at,
			    const struct rill_span *span)
{
	uint16_t id = (uint16_t)(span->span - span->catalog->spans);
	at = json_piece(json, to, at, span->catalog, PIECE_SPAN, id, ROOM_FIXED);
	if (!at)
		return NULL;
	at = write_hex64(at, span->id);
	if (span->parent_id)
		at = write_hex64(write_literal(at, "\",\"parent\":\""), span->parent_id);
	at = write_hex64(write_literal(at, "\",\"trace\":\""), span->trace_id[0]);
	return write_literal(write_hex64(at, span->trace_id[1]), "\"}");
}

static void put_span_ids(struct json *json, struct buffer *to, const struct rill_span *span)
{
	char *at = write_span_ids(json, to, buffer_at(to), span);
	if (at)
		buffer_end(to, at);
}

static char *write_head(struct json_sink *sink, struct buffer *to, const struct rill_record *record)
{
	char *at = buffer_reserve(to, ROOM_FIXED + ROOM_TIME);
	if (!at)
		return NULL;
	at = write_literal(at, "{\"kind\":\"event\",\"time\":\"");
	at = write_time(at, record->time_ns, &sink->utc);
	at = json_piece(&sink->json, to, at, record->catalog, PIECE_EVENT, record->event_id,
			ROOM_FIXED);
	if (!at)
		return NULL;
	at = write_thread(&sink->json.pieces, at, record->pid, record->tid);
	if (record->late)
		at = write_literal(at, ",\"late\":true");
	if (record->span)
		at = write_span_ids(&sink->json, to, at, record->span);
	return at ? buffer_more(to, at, ROOM_MEMBER) : NULL;
}

/* Behind it is room for ROOM_MEMBER. */
static char *write_items(struct json *json, struct buffer *to, char *at,
			 const struct rill_catalog *catalog, const struct rill_item *items,
			 size_t count)
{
	for (size_t i = 0; at && i < count && i < RILL_MAX_ITEMS; i++)
		at = json_member(json, to, at, catalog, &items[i], items);
	at = at ? buffer_more(to, at, ROOM_MEMBER) : NULL;
	return at ? write_literal(at, "}") : NULL;
}

static void put_record(struct json_sink *sink, struct buffer *to, const struct rill_record *record)
{
	struct json *json = &sink->json;
	const struct rill_item *inherited[MAX_INHERITED];
	size_t ninherited =
		record->span ? rill_record_inherited(record, inherited, MAX_INHERITED) : 0;
	struct json_mark mark = json_notes_begin(json);
	char *at = write_head(sink, to, record);
	if (at)
		at = write_items(json, to, write_literal(at, ",\"keys\":{"), record->catalog,
				 record->items, record->nitems);
	if (at && ninherited) {
		at = write_literal(at, ",\"inherited\":{");
		for (size_t i = 0; at && i < ninherited; i++)
			at = json_member(json, to, at, record->catalog, inherited[i], NULL);
		at = at ? buffer_more(to, at, ROOM_MEMBER) : NULL;
		at = at ? write_literal(at, "}") : NULL;
	}
	if (at)
		buffer_end(to, at);
	json_notes_end(json, to, mark);
}

static void put_time_field(struct json_sink *sink, struct buffer *to, uint64_t ns)
{
	json_field(to, "time");
	buffer_char(to, '"');
	render_time(to, ns, &sink->utc);
	buffer_char(to, '"');
}

/* A start or an end: its time, its event, its keys. */
static void put_edge(struct json_sink *sink, struct buffer *to, const char *field,
		     const struct rill_span *span, uint64_t ns, uint16_t event_id,
		     const struct rill_item *items, size_t nitems)
{
	json_field(to, field);
	buffer_char(to, '{');
	put_time_field(sink, to, ns);
	if (event_id < span->catalog->nevents)
		put_text_field(to, "event", span->catalog->events[event_id].name);
	struct json_mark mark = json_notes_begin(&sink->json);
	json_field(to, "keys");
	buffer_char(to, '{');
	char *at = buffer_reserve(to, ROOM_MEMBER);
	at = at ? write_items(&sink->json, to, at, span->catalog, items, nitems) : NULL;
	if (at)
		buffer_end(to, at);
	json_notes_end(&sink->json, to, mark);
	buffer_char(to, '}');
}

static void put_span(struct json_sink *sink, struct buffer *to, const struct rill_span *span)
{
	static const char *const states[] = {
		[RILL_SPAN_OPEN] = "open",
		[RILL_SPAN_ENDED] = "ended",
		[RILL_SPAN_ABANDONED] = "abandoned",
		[RILL_SPAN_HEADLESS] = "headless",
	};
	uint16_t start = span->span->start;
	unsigned level =
		start < span->catalog->nevents ? span->catalog->events[start].level : RILL_ERROR;
	put_text_field(to, "kind", "span");
	put_time_field(sink, to, span->end_ns);
	put_text_field(to, "level", level_name(level));
	put_text_field(to, "catalog", span->catalog->name);
	put_number_field(to, "pid", span->pid);
	put_span_ids(&sink->json, to, span);
	put_text_field(to, "state", states[span->state <= RILL_SPAN_HEADLESS ? span->state : 0]);
	json_field(to, "duration");
	json_i64(to, (int64_t)(span->end_ns - span->start_ns));
	if (span->nevents) {
		json_field(to, "events");
		json_u64(to, span->nevents);
	}
	if (span->state != RILL_SPAN_HEADLESS)
		put_edge(sink, to, "start", span, span->start_ns, start, span->start_items,
			 span->nstart_items);
	if (span->state != RILL_SPAN_ABANDONED)
		put_edge(sink, to, "end", span, span->end_ns, span->span->end, span->end_items,
			 span->nend_items);
}

static void render(void *state, struct buffer *to, const struct rill_entry *entry,
		   const struct rill_catalogs *catalogs)
{
	struct json_sink *sink = state;
	sink->json.catalogs = catalogs;
	buffer_clear(&sink->json.notes.path);
	if (entry->record) {
		put_record(sink, to, entry->record);
	} else {
		buffer_char(to, '{');
		if (to->broken)
			return; /* and the functions below look at what is before them */
		put_span(sink, to, entry->span);
	}
	buffer_text(to, "}\n");
}

static int json_open(const char *argument, const struct rill_sink_owner *owner, void **state,
		     char *error, size_t error_size)
{
	struct spec spec;
	int result = spec_parse(&spec, argument, error, error_size);
	if (result)
		return result;
	struct json_sink *sink = calloc(1, sizeof *sink);
	if (sink)
		sink->json.pieces = (struct pieces){.make = make, .between = ",\"tid\":"};
	else
		result = -ENOMEM;
	spec_take(&spec, "queue");
	if (!result)
		result = spec_refuse_rest(&spec, "queue and level", error, error_size);
	if (!result)
		result = lines_open(&sink->lines, &spec, owner, error, error_size);
	spec_free(&spec);
	if (result)
		free(sink);
	else
		*state = sink;
	return result;
}

static int json_write(void *state, const struct rill_batch *batch, size_t *taken)
{
	struct json_sink *sink = state;
	return lines_write(&sink->lines, batch, render, sink, taken);
}

static int json_flush(void *state)
{
	struct json_sink *sink = state;
	return out_flush(sink->lines.out);
}

static void json_close(void *state)
{
	struct json_sink *sink = state;
	lines_close(&sink->lines);
	json_free(&sink->json);
	free(sink);
}

static void json_forget(void *state)
{
	struct json_sink *sink = state;
	lines_forget(&sink->lines);
}

const struct rill_sink_type sink_json = {
	.name = "json",
	.open = json_open,
	.write = json_write,
	.flush = json_flush,
	.close = json_close,
	.forget = json_forget,
};
