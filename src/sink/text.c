/* Lines for people; docs/text.md says what they look like. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sink/lines.h"
#include "sink/pieces.h"
#include "sink/sink.h"
#include "sink/text_value.h"

#define NAME_WIDTH    32u /* of an event's or span's name; longer ones push the rest */
#define MAX_INHERITED 64u

/* What a key's value belongs to. */
enum group { OWN, INHERITED, END };

struct text {
	struct lines lines;
	struct text_style style;
	struct zone zone; /* of the time that a line begins with */
	struct pieces pieces;
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

/* What follows the time: level and name. */
static void put_title(const struct text *text, struct buffer *to, const char *level,
		      const char *level_color, const char *name)
{
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

/*
 * An event: from behind the time up to the keys. A key: from behind the value before it up to its
 * own. A span: in a record's place, from behind the thread up to the id.
 */
static void make(void *context, struct buffer *to, const struct rill_catalog *catalog,
		 enum piece_kind kind, uint16_t id)
{
	const struct text *text = context;
	if (kind == PIECE_EVENT) {
		const struct rill_catalog_event *event = &catalog->events[id];
		uint8_t level = event->level < RILL_OFF ? event->level : RILL_ERROR;
		put_title(text, to, levels[level], level_colors[level], event->name);
		color(text, to, BOLD);
		text_name(to, event->brief, ": ");
		color(text, to, RESET);
		buffer_char(to, ':');
	} else if (kind == PIECE_KEY) {
		buffer_char(to, ' ');
		color(text, to, DIM);
		text_key(to, catalog, id);
		buffer_char(to, '=');
	} else {
		buffer_char(to, ' ');
		text_name(to, catalog->spans[id].name, " ");
		buffer_char(to, ' ');
	}
}

static inline struct catalog_pieces *catalog_pieces(struct text *text, struct buffer *to,
						    const struct rill_catalog *catalog)
{
	struct catalog_pieces *of = pieces_of(&text->pieces, catalog);
	if (!of)
		to->broken = true;
	return of;
}

/* Makes room for the piece, and for as much again. NULL: no memory. */
static inline char *write_piece(struct text *text, struct buffer *to, char *at,
				struct catalog_pieces *of, enum piece_kind kind, uint16_t id,
				size_t more)
{
	const struct piece *piece = piece_of(&text->pieces, of, kind, id);
	if (!piece) {
		to->broken = true;
		return NULL;
	}
	at = buffer_more(to, at, piece->size + WRITE_BLOCK + more);
	return at ? write_blocks(at, piece->bytes, piece->size) : NULL;
}

/* The longest, WRITE_SLACK included. */
#define ROOM_COLOR (8u + WRITE_SLACK)

/* What a pair takes behind its key. */
#define ROOM_PAIR (WRITE_BLOCK + ROOM_COLOR + ROOM_TIME)

static char *write_color(const struct text *text, char *to, const char *code)
{
	return text->color ? write_constant(to, code, strlen(code)) : to;
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

/* A key that the catalog doesn't have, or that is new. */
__attribute__((noinline, cold)) static char *
write_key(struct text *text, struct buffer *to, char *at, struct catalog_pieces *of, uint16_t key)
{
	if (key < of->catalog->nkeys)
		return write_piece(text, to, at, of, PIECE_KEY, key, ROOM_PAIR);
	buffer_end(to, at);
	make(text, to, of->catalog, PIECE_KEY, key);
	return buffer_reserve(to, ROOM_PAIR);
}

/* The types that most values have; NULL: no memory. */
static inline char *write_common_value(struct text *text, struct buffer *to, char *at,
				       const struct rill_item *item)
{
	if (item->type == RILL_TYPE_U64)
		return write_u64(at, item->u64);
	if (item->type == RILL_TYPE_IP && item->size == 4)
		return write_ip4(at, item->bytes);
	return write_value(to, at, item, &text->style, 0);
}

/* One line for all keys. NULL: no memory. */
static inline char *write_pair(struct text *text, struct buffer *to, char *at,
			       struct catalog_pieces *of, const struct rill_item *item,
			       enum group group)
{
	const struct piece *piece =
		item->key < of->catalog->nkeys ? &of->pieces[PIECE_KEY][item->key] : NULL;
	if (piece && piece->bytes) {
		at = buffer_more(to, at, piece->size + ROOM_PAIR);
		at = at ? write_blocks(at, piece->bytes, piece->size) : NULL;
	} else {
		at = write_key(text, to, at, of, item->key);
	}
	if (!at)
		return NULL;
	if (group != INHERITED)
		at = write_color(text, at, RESET);
	at = write_common_value(text, to, at, item);
	if (at && group == INHERITED && text->color) {
		at = buffer_more(to, at, ROOM_COLOR);
		at = at ? write_color(text, at, RESET) : NULL;
	}
	return at;
}

#define ROOM_PLACE (THREAD_ROOM + ROOM_NUMBER + 6 * ROOM_COLOR)

/* [pid/tid span id late] */
static char *write_place(struct text *text, struct buffer *to, char *at,
			 const struct rill_record *record)
{
	const struct rill_span *span = record->span;
	at = buffer_more(to, at, ROOM_PLACE);
	if (!at)
		return NULL;
	at = write_literal(write_color(text, at, DIM), "[");
	at = write_thread(&text->pieces, at, record->pid, record->tid);
	if (span) {
		struct catalog_pieces *of = catalog_pieces(text, to, span->catalog);
		uint16_t id = (uint16_t)(span->span - span->catalog->spans);
		at = of ? write_piece(text, to, at, of, PIECE_SPAN, id, ROOM_PLACE) : NULL;
		if (!at)
			return NULL;
		at = write_hex64(at, span->id);
	}
	at = write_color(text, at, RESET);
	if (record->late) {
		at = write_literal(write_color(text, at, YELLOW), " late");
		at = write_color(text, at, RESET);
	}
	at = write_literal(write_color(text, at, DIM), "]");
	return write_color(text, at, RESET);
}

/* Behind it is room for one character. */
static inline char *write_head(struct text *text, struct buffer *to, struct catalog_pieces *of,
			       const struct rill_record *record)
{
	char *at = buffer_more(to, buffer_at(to), ROOM_TIME + ROOM_COLOR);
	if (!at)
		return NULL;
	at = write_time(write_color(text, at, DIM), record->time_ns, &text->zone);
	return write_piece(text, to, at, of, PIECE_EVENT, record->event_id, 1);
}

static char *write_record(struct text *text, struct buffer *to, struct catalog_pieces *of,
			  const struct rill_record *record)
{
	const struct rill_item *inherited[MAX_INHERITED];
	size_t ninherited =
		record->span ? rill_record_inherited(record, inherited, MAX_INHERITED) : 0;
	char *at = write_head(text, to, of, record);
	for (size_t i = 0; at && i < record->nitems; i++)
		at = write_pair(text, to, at, of, &record->items[i], OWN);
	if (at && ninherited) {
		buffer_end(to, at);
		put_separator(text, to, " |");
		at = to->broken ? NULL : buffer_at(to);
	}
	for (size_t i = 0; at && i < ninherited; i++)
		at = write_pair(text, to, at, of, inherited[i], INHERITED);
	at = at ? buffer_more(to, at, 1) : NULL;
	return at ? write_place(text, to, write_literal(at, " "), record) : NULL;
}

/* The head, and each key on a line of its own. */
static char *write_record_lines(struct text *text, struct buffer *to, struct catalog_pieces *of,
				const struct rill_record *record)
{
	const struct rill_item *inherited[MAX_INHERITED];
	size_t ninherited = rill_record_inherited(record, inherited, MAX_INHERITED);
	char *at = write_head(text, to, of, record);
	at = at ? write_place(text, to, write_literal(at, " "), record) : NULL;
	if (!at)
		return NULL;
	buffer_end(to, at);
	text->key_width = 0;
	for (size_t i = 0; i < record->nitems; i++)
		widen(text, to, record->catalog, record->items[i].key);
	for (size_t i = 0; i < ninherited; i++)
		widen(text, to, record->catalog, inherited[i]->key);
	for (size_t i = 0; i < record->nitems; i++)
		put_pair(text, to, record->catalog, &record->items[i], OWN);
	for (size_t i = 0; i < ninherited; i++)
		put_pair(text, to, record->catalog, inherited[i], INHERITED);
	return to->broken ? NULL : buffer_at(to);
}

static void put_record(struct text *text, struct buffer *to, const struct rill_record *record)
{
	struct catalog_pieces *of = catalog_pieces(text, to, record->catalog);
	if (!of)
		return;
	char *at = text->multiline ? write_record_lines(text, to, of, record)
				   : write_record(text, to, of, record);
	at = at ? buffer_more(to, at, 1) : NULL;
	if (at)
		buffer_end(to, write_literal(at, "\n"));
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
	render_time(to, span->start_ns, &text->zone);
	if (span->nevents) {
		buffer_text(to, ", ");
		render_u64(to, span->nevents);
		buffer_text(to, span->nevents == 1 ? " event" : " events");
	}
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
	color(text, to, DIM);
	render_time(to, span->end_ns, &text->zone);
	put_title(text, to, "SPAN", "\033[35m", span->span->name);
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
	buffer_char(to, '\n');
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
	text->style.zone.local = text->zone.local = zone;
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
	if (text)
		text->pieces = (struct pieces){.make = make, .context = text, .between = "/"};
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
	pieces_free(&text->pieces);
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
