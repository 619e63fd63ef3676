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
};

static void put_items(struct json *json, struct buffer *to, const char *field,
		      const struct rill_catalog *catalog, const struct rill_item *items,
		      size_t count)
{
	uint16_t seen[RILL_MAX_ITEMS];
	json_field(to, field);
	buffer_char(to, '{');
	for (size_t i = 0; i < count && i < RILL_MAX_ITEMS; i++) {
		json_member(json, to, catalog, &items[i], seen, i);
		seen[i] = items[i].key;
	}
	buffer_char(to, '}');
}

static void put_id_field(struct buffer *to, const char *name, const uint64_t *words, size_t nwords)
{
	json_field(to, name);
	buffer_char(to, '"');
	for (size_t i = 0; i < nwords; i++)
		render_id(to, words[i]);
	buffer_char(to, '"');
}

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

static void put_span_ids(struct buffer *to, const struct rill_span *span)
{
	json_field(to, "span");
	buffer_char(to, '{');
	put_text_field(to, "name", span->span->name);
	put_id_field(to, "id", &span->id, 1);
	if (span->parent_id)
		put_id_field(to, "parent", &span->parent_id, 1);
	put_id_field(to, "trace", span->trace_id, 2);
	buffer_char(to, '}');
}

static void put_record(struct json *json, struct buffer *to, const struct rill_record *record)
{
	const struct rill_item *inherited[MAX_INHERITED];
	size_t ninherited = rill_record_inherited(record, inherited, MAX_INHERITED);
	put_text_field(to, "kind", "event");
	json_field(to, "time");
	json_time(to, record->time_ns);
	put_text_field(to, "level", level_name(record->event->level));
	put_text_field(to, "event", record->event->name);
	put_text_field(to, "text", record->event->brief);
	put_text_field(to, "catalog", record->catalog->name);
	put_number_field(to, "pid", record->pid);
	put_number_field(to, "tid", record->tid);
	if (record->late) {
		json_field(to, "late");
		buffer_text(to, "true");
	}
	if (record->span)
		put_span_ids(to, record->span);
	struct json_mark mark = json_notes_begin(json);
	put_items(json, to, "keys", record->catalog, record->items, record->nitems);
	if (ninherited) {
		json_field(to, "inherited");
		buffer_char(to, '{');
		for (size_t i = 0; i < ninherited; i++)
			json_member(json, to, record->catalog, inherited[i], NULL, 0);
		buffer_char(to, '}');
	}
	json_notes_end(json, to, mark);
}

/* A start or an end: its time, its event, its keys. */
static void put_edge(struct json *json, struct buffer *to, const char *field,
		     const struct rill_span *span, uint64_t ns, uint16_t event_id,
		     const struct rill_item *items, size_t nitems)
{
	json_field(to, field);
	buffer_char(to, '{');
	json_field(to, "time");
	json_time(to, ns);
	if (event_id < span->catalog->nevents)
		put_text_field(to, "event", span->catalog->events[event_id].name);
	struct json_mark mark = json_notes_begin(json);
	put_items(json, to, "keys", span->catalog, items, nitems);
	json_notes_end(json, to, mark);
	buffer_char(to, '}');
}

static void put_span(struct json *json, struct buffer *to, const struct rill_span *span)
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
	json_field(to, "time");
	json_time(to, span->end_ns);
	put_text_field(to, "level", level_name(level));
	put_text_field(to, "catalog", span->catalog->name);
	put_number_field(to, "pid", span->pid);
	put_span_ids(to, span);
	put_text_field(to, "state", states[span->state <= RILL_SPAN_HEADLESS ? span->state : 0]);
	json_field(to, "duration");
	json_i64(to, (int64_t)(span->end_ns - span->start_ns));
	json_field(to, "events");
	json_u64(to, span->nevents);
	if (span->state != RILL_SPAN_HEADLESS)
		put_edge(json, to, "start", span, span->start_ns, start, span->start_items,
			 span->nstart_items);
	if (span->state != RILL_SPAN_ABANDONED)
		put_edge(json, to, "end", span, span->end_ns, span->span->end, span->end_items,
			 span->nend_items);
}

static void render(void *state, struct buffer *to, const struct rill_entry *entry,
		   const struct rill_catalogs *catalogs)
{
	struct json *json = state;
	json->catalogs = catalogs;
	buffer_clear(&json->notes.path);
	size_t start = to->size;
	buffer_char(to, '{');
	if (to->size == start)
		return; /* no memory, and the functions below look at what is before them */
	if (entry->record)
		put_record(json, to, entry->record);
	else
		put_span(json, to, entry->span);
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
	if (!sink)
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
	return lines_write(&sink->lines, batch, render, &sink->json, taken);
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
