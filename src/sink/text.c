/* Lines for people; docs/text.md says what they look like. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sink/lines.h"
#include "sink/sink.h"
#include "sink/text_value.h"

#define NAME_WIDTH    32u /* of an event's or span's name; longer ones push the rest */
#define MAX_INHERITED 64u

/* What a key's value belongs to. */
enum group { OWN, INHERITED, END };

struct text {
	struct lines lines;
	struct text_style style;
	bool color;
	bool multiline;
	size_t key_width; /* multi-line: of the longest key */
};

#define RESET  "\033[0m"
#define DIM    "\033[2m"
#define BOLD   "\033[1m"
#define CYAN   "\033[36m"
#define YELLOW "\033[33m"

static const char *const levels[] = {"TRACE", "DEBUG", "INFO", "WARN", "ERROR"};
static const char *const level_colors[] = {DIM, "\033[34m", "\033[32m", YELLOW, "\033[1;31m"};

static void color(const struct text *text, struct buffer *to, const char *code)
{
	if (text->color)
		buffer_text(to, code);
}

/* Spaces up to `width` bytes since `start`, and one more. */
static void pad(struct buffer *to, size_t start, size_t width)
{
	size_t size = to->size - start;
	buffer_fill(to, ' ', size < width ? width - size + 1 : 1);
}

static void put_head(struct text *text, struct buffer *to, uint64_t ns, const char *level,
		     const char *level_color, const char *name)
{
	color(text, to, DIM);
	render_time(to, ns, &text->style.zone);
	color(text, to, RESET);
	buffer_char(to, ' ');
	color(text, to, level_color);
	size_t start = to->size;
	buffer_text(to, level);
	pad(to, start, 5);
	color(text, to, RESET);
	color(text, to, CYAN);
	start = to->size;
	text_name(to, name, " ");
	size_t width = to->size - start;
	color(text, to, RESET);
	buffer_fill(to, ' ', width < NAME_WIDTH ? NAME_WIDTH - width + 1 : 1);
}

static void put_pair(struct text *text, struct buffer *to, const struct rill_catalog *catalog,
		     const struct rill_item *item, enum group group)
{
	static const char *const marks[] = {[OWN] = "    ", [INHERITED] = "  | ", [END] = " -> "};
	if (text->multiline)
		buffer_char(to, '\n');
	buffer_text(to, text->multiline ? marks[group] : " ");
	color(text, to, DIM);
	size_t start = to->size;
	text_key(to, catalog, item->key);
	if (text->multiline)
		pad(to, start, text->key_width);
	buffer_text(to, text->multiline ? "= " : "=");
	if (group != INHERITED)
		color(text, to, RESET);
	text_value(to, item, &text->style);
	if (group == INHERITED)
		color(text, to, RESET);
}

/* A sign before the keys of a group that is not the first; in the multi-line form each key has it.
 */
static void put_separator(struct text *text, struct buffer *to, const char *sign)
{
	if (text->multiline)
		return;
	color(text, to, DIM);
	buffer_text(to, sign);
	color(text, to, RESET);
}

static void widen(struct text *text, struct buffer *to, const struct rill_catalog *catalog,
		  uint16_t key)
{
	size_t start = to->size;
	text_key(to, catalog, key);
	if (to->size - start > text->key_width)
		text->key_width = to->size - start;
	to->size = start;
}

static void put_span_context(struct buffer *to, const struct rill_span *span)
{
	buffer_char(to, ' ');
	text_name(to, span->span->name, " ");
	buffer_char(to, ' ');
	render_id(to, span->id);
}

/* [pid/tid span id late] */
static void put_place(struct text *text, struct buffer *to, const struct rill_record *record)
{
	color(text, to, DIM);
	buffer_char(to, '[');
	render_u64(to, record->pid);
	buffer_char(to, '/');
	render_u64(to, record->tid);
	if (record->span)
		put_span_context(to, record->span);
	color(text, to, RESET);
	if (record->late) {
		color(text, to, YELLOW);
		buffer_text(to, " late");
		color(text, to, RESET);
	}
	color(text, to, DIM);
	buffer_char(to, ']');
	color(text, to, RESET);
}

static void put_record(struct text *text, struct buffer *to, const struct rill_record *record)
{
	const struct rill_item *inherited[MAX_INHERITED];
	size_t ninherited = rill_record_inherited(record, inherited, MAX_INHERITED);
	const struct rill_catalog_event *event = record->event;
	uint8_t level = event->level < RILL_OFF ? event->level : RILL_ERROR;
	put_head(text, to, record->time_ns, levels[level], level_colors[level], event->name);
	color(text, to, BOLD);
	text_name(to, event->brief, ": ");
	color(text, to, RESET);
	buffer_char(to, ':');
	if (text->multiline) {
		buffer_char(to, ' ');
		put_place(text, to, record);
		text->key_width = 0;
		for (size_t i = 0; i < record->nitems; i++)
			widen(text, to, record->catalog, record->items[i].key);
		for (size_t i = 0; i < ninherited; i++)
			widen(text, to, record->catalog, inherited[i]->key);
	}
	for (size_t i = 0; i < record->nitems; i++)
		put_pair(text, to, record->catalog, &record->items[i], OWN);
	if (ninherited)
		put_separator(text, to, " |");
	for (size_t i = 0; i < ninherited; i++)
		put_pair(text, to, record->catalog, inherited[i], INHERITED);
	if (!text->multiline) {
		buffer_char(to, ' ');
		put_place(text, to, record);
	}
}

/* [pid id parent ID trace ID] */
static void put_span_ids(struct text *text, struct buffer *to, const struct rill_span *span)
{
	color(text, to, DIM);
	buffer_char(to, '[');
	render_u64(to, span->pid);
	buffer_char(to, ' ');
	render_id(to, span->id);
	if (span->parent_id) {
		buffer_text(to, " parent ");
		render_id(to, span->parent_id);
	}
	buffer_text(to, " trace ");
	render_id(to, span->trace_id[0]);
	render_id(to, span->trace_id[1]);
	buffer_char(to, ']');
	color(text, to, RESET);
}

/* What the start has already said is not said again. */
static bool end_repeats(const struct rill_span *span, const struct rill_item *item)
{
	for (size_t i = 0; i < span->nstart_items; i++) {
		if (items_equal(&span->start_items[i], item))
			return true;
	}
	return false;
}

static void put_span_facts(struct text *text, struct buffer *to, const struct rill_span *span)
{
	color(text, to, BOLD);
	render_duration(to, (int64_t)(span->end_ns - span->start_ns));
	color(text, to, RESET);
	buffer_text(to, " from ");
	render_time(to, span->start_ns, &text->style.zone);
	buffer_text(to, ", ");
	render_u64(to, span->nevents);
	buffer_text(to, span->nevents == 1 ? " event" : " events");
	if (span->state == RILL_SPAN_ABANDONED || span->state == RILL_SPAN_HEADLESS) {
		buffer_text(to, ", ");
		color(text, to, YELLOW);
		buffer_text(to, span->state == RILL_SPAN_HEADLESS ? "headless" : "abandoned");
		color(text, to, RESET);
	}
	buffer_char(to, ':');
}

static void put_span(struct text *text, struct buffer *to, const struct rill_span *span)
{
	bool separated = false;
	put_head(text, to, span->end_ns, "SPAN", "\033[35m", span->span->name);
	put_span_facts(text, to, span);
	if (text->multiline) {
		buffer_char(to, ' ');
		put_span_ids(text, to, span);
		text->key_width = 0;
		for (size_t i = 0; i < span->nstart_items; i++)
			widen(text, to, span->catalog, span->start_items[i].key);
		for (size_t i = 0; i < span->nend_items; i++)
			widen(text, to, span->catalog, span->end_items[i].key);
	}
	for (size_t i = 0; i < span->nstart_items; i++)
		put_pair(text, to, span->catalog, &span->start_items[i], OWN);
	for (size_t i = 0; i < span->nend_items; i++) {
		if (end_repeats(span, &span->end_items[i]))
			continue;
		if (!separated)
			put_separator(text, to, " ->");
		separated = true;
		put_pair(text, to, span->catalog, &span->end_items[i], END);
	}
	if (!text->multiline) {
		buffer_char(to, ' ');
		put_span_ids(text, to, span);
	}
}

static void render(void *state, struct buffer *to, const struct rill_entry *entry,
		   const struct rill_catalogs *catalogs)
{
	struct text *text = state;
	text->style.catalogs = catalogs;
	if (entry->record)
		put_record(text, to, entry->record);
	else
		put_span(text, to, entry->span);
	buffer_char(to, '\n');
}

static bool terminal_has_color(const struct out *out)
{
	const char *no_color = secure_getenv("NO_COLOR");
	const char *terminal = secure_getenv("TERM");
	return out_is_terminal(out) && !(no_color && *no_color) && terminal &&
	       strcmp(terminal, "dumb") != 0;
}

static int configure(struct text *text, struct spec *spec, const struct rill_sink_owner *owner,
		     char *error, size_t error_size)
{
	static const char *const colors[] = {"auto", "always", "never", NULL};
	static const char *const switches[] = {"0", "1", NULL};
	static const char *const zones[] = {"utc", "local", NULL};
	unsigned chosen_color = 0, multiline = 0, zone = 0;
	int result = spec_take_choice(spec, "color", colors, &chosen_color, error, error_size);
	if (!result)
		result = spec_take_choice(spec, "multiline", switches, &multiline, error,
					  error_size);
	if (!result)
		result = spec_take_choice(spec, "time", zones, &zone, error, error_size);
	spec_take(spec, "queue");
	if (!result)
		result = spec_refuse_rest(spec, "color, multiline, time, queue and level", error,
					  error_size);
	if (!result)
		result = lines_open(&text->lines, spec, owner, error, error_size);
	if (result)
		return result;
	text->color =
		chosen_color == 1 || (chosen_color == 0 && terminal_has_color(text->lines.out));
	text->multiline = multiline;
	text->style.zone.local = zone;
	return 0;
}

static int text_open(const char *argument, const struct rill_sink_owner *owner, void **state,
		     char *error, size_t error_size)
{
	struct spec spec;
	int result = spec_parse(&spec, argument, error, error_size);
	if (result)
		return result;
	struct text *text = calloc(1, sizeof *text);
	result = text ? configure(text, &spec, owner, error, error_size) : -ENOMEM;
	spec_free(&spec);
	if (result)
		free(text);
	else
		*state = text;
	return result;
}

static int text_write(void *state, const struct rill_batch *batch, size_t *taken)
{
	struct text *text = state;
	return lines_write(&text->lines, batch, render, text, taken);
}

static int text_flush(void *state)
{
	struct text *text = state;
	return out_flush(text->lines.out);
}

static void text_close(void *state)
{
	struct text *text = state;
	lines_close(&text->lines);
	free(text);
}

static void text_forget(void *state)
{
	struct text *text = state;
	lines_forget(&text->lines);
}

const struct rill_sink_type sink_text = {
	.name = "text",
	.open = text_open,
	.write = text_write,
	.flush = text_flush,
	.close = text_close,
	.forget = text_forget,
};
