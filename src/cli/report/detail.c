/* The second pass: rows of events and spans, gathered in columns and written as blocks. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/report/report.h"

#define BLOCK_ROWS  8192u
#define BLOCK_BYTES (4u << 20) /* of text */
#define EVENT_TEXT  4096u      /* bytes shown of one value */
#define SPAN_TEXT   256u

enum { EVENT_TIME, EVENT_ID, EVENT_THREAD, EVENT_SPAN, EVENT_ITEMS, EVENT_COLUMNS };

enum {
	SPAN_NUMBER,
	SPAN_PARENT,
	SPAN_TYPE,
	SPAN_PROCESS,
	SPAN_START,
	SPAN_DURATION,
	SPAN_STATE,
	SPAN_LEVEL,
	SPAN_EVENTS,
	SPAN_ID,
	SPAN_TRACE,
	SPAN_ITEMS,
	SPAN_COLUMNS
};

#define STATE_OPEN (RILL_SPAN_HEADLESS + 1u)

/* Blocks of one kind, and what the index at the page's end says of them. */
struct blocks {
	const char *name;
	struct column *columns;
	size_t ncolumns;
	uint64_t rows; /* in the block that is being filled */
	uint64_t total;
	uint64_t count; /* blocks written */
	uint64_t first_ns, last_ns, before_ns;
	struct column index; /* JSON */
};

struct detail {
	FILE *out;
	struct model *model;
	struct choice *choice;
	struct column event_columns[EVENT_COLUMNS];
	struct column span_columns[SPAN_COLUMNS];
	struct blocks events;
	struct blocks spans;
	struct span_numbers open; /* spans that the page has events of */
	uint32_t nnumbers;
	int error;
};

struct detail *detail_new(FILE *out, struct model *model, struct choice *choice)
{
	struct detail *detail = calloc(1, sizeof *detail);
	if (!detail)
		return NULL;
	detail->out = out;
	detail->model = model;
	detail->choice = choice;
	detail->events = (struct blocks){
		.name = "e", .columns = detail->event_columns, .ncolumns = EVENT_COLUMNS};
	detail->spans = (struct blocks){
		.name = "s", .columns = detail->span_columns, .ncolumns = SPAN_COLUMNS};
	return detail;
}

static void write_block(struct detail *detail, struct blocks *blocks)
{
	uint64_t base = detail->model->first_ns;
	char text[96];
	if (!blocks->rows)
		return;
	int error = block_write(detail->out, blocks->name, blocks->count, blocks->columns,
				blocks->ncolumns);
	if (error && !detail->error)
		detail->error = error;
	snprintf(text, sizeof text, "%s[%" PRIu64 ",%" PRId64 ",%" PRId64 "]",
		 blocks->count ? "," : "", blocks->rows, (int64_t)(blocks->first_ns - base),
		 (int64_t)(blocks->last_ns - base));
	column_text(&blocks->index, text);
	blocks->count++;
	blocks->rows = 0;
}

/* Before a row: its time, as the difference from that of the row before. */
static int64_t begin_row(struct detail *detail, struct blocks *blocks, uint64_t ns)
{
	if (!blocks->rows) {
		blocks->first_ns = blocks->last_ns = ns;
		blocks->before_ns = detail->model->first_ns;
	}
	if (ns < blocks->first_ns)
		blocks->first_ns = ns;
	int64_t difference = (int64_t)(ns - blocks->before_ns);
	blocks->before_ns = ns;
	blocks->rows++;
	blocks->total++;
	return difference;
}

static void end_row(struct detail *detail, struct blocks *blocks, uint64_t end_ns)
{
	if (end_ns > blocks->last_ns)
		blocks->last_ns = end_ns;
	if (blocks->rows == BLOCK_ROWS || blocks->columns[blocks->ncolumns - 1].size > BLOCK_BYTES)
		write_block(detail, blocks);
}

/* The page's number of a span, which gets one, and those around it before. */
static uint32_t number_span(struct detail *detail, const struct rill_span *span, unsigned level)
{
	const struct rill_span *path[64];
	size_t depth = 0;
	uint32_t number = 0;
	for (; span && depth < 64; span = span->parent) {
		const struct span_number *known = numbers_find(&detail->open, span->id);
		if (known && depth)
			break;
		path[depth++] = span;
	}
	while (depth--) {
		struct span_number *at = numbers_get(&detail->open, path[depth]->id);
		if (!at) {
			detail->error = -ENOMEM;
			return 0;
		}
		if (!at->number)
			at->number = ++detail->nnumbers;
		if (depth == 0 && level > at->level)
			at->level = level;
		number = at->number;
	}
	return number;
}

static void put_items(struct column *to, const struct report_catalog *catalog,
		      const struct rill_catalogs *catalogs, const struct rill_item *items,
		      size_t count, size_t max)
{
	for (size_t i = 0; i < count; i++) {
		if (i)
			column_text(to, "\x1f");
		item_write(to, catalog, catalogs, &items[i], max);
	}
}

void detail_add_record(struct detail *detail, const struct dump_origin *origin,
		       const struct rill_record *record)
{
	struct model *model = detail->model;
	const struct report_catalog *catalog = model_catalog(model, record->catalog);
	uint32_t process = model_process(model, origin);
	struct column *to = detail->event_columns;
	if (!catalog || process == UINT32_MAX || !choice_has_record(detail->choice, record))
		return;
	column_signed(&to[EVENT_TIME], begin_row(detail, &detail->events, record->time_ns));
	column_number(&to[EVENT_ID], catalog->first_event + record->event_id);
	column_number(&to[EVENT_THREAD], model_thread(model, process, record->tid));
	column_number(&to[EVENT_SPAN],
		      record->span ? number_span(detail, record->span, record->event->level) : 0);
	put_items(&to[EVENT_ITEMS], catalog, &origin->catalogs, record->items, record->nitems,
		  EVENT_TEXT);
	column_text(&to[EVENT_ITEMS], "\n");
	end_row(detail, &detail->events, record->time_ns);
}

static void put_id(struct column *to, uint64_t id)
{
	unsigned char bytes[8];
	for (unsigned i = 0; i < 8; i++)
		bytes[i] = (unsigned char)(id >> 8 * i);
	column_bytes(to, bytes, sizeof bytes);
}

static void put_span(struct detail *detail, const struct report_catalog *catalog,
		     const struct dump_origin *origin, const struct rill_span *span,
		     const struct span_number *number, bool ending)
{
	struct column *to = detail->span_columns;
	const struct span_number *parent = numbers_find(&detail->open, span->parent_id);
	uint64_t duration = span->end_ns > span->start_ns ? span->end_ns - span->start_ns : 0;
	bool open = ending && span->state == RILL_SPAN_ABANDONED;
	column_signed(&to[SPAN_START], begin_row(detail, &detail->spans, span->start_ns));
	column_number(&to[SPAN_DURATION], duration);
	column_number(&to[SPAN_NUMBER], number->number);
	column_number(&to[SPAN_PARENT], span->parent_id && parent ? parent->number : 0);
	column_number(&to[SPAN_TYPE],
		      catalog->first_span + (uint64_t)(span->span - span->catalog->spans));
	column_number(&to[SPAN_PROCESS], model_process(detail->model, origin));
	column_number(&to[SPAN_STATE], open ? STATE_OPEN : span->state);
	column_number(&to[SPAN_LEVEL], number->level);
	column_number(&to[SPAN_EVENTS], span->nevents);
	put_id(&to[SPAN_ID], span->id);
	put_id(&to[SPAN_TRACE], span->trace_id[0]);
	put_id(&to[SPAN_TRACE], span->trace_id[1]);
	put_items(&to[SPAN_ITEMS], catalog, &origin->catalogs, span->start_items,
		  span->nstart_items, SPAN_TEXT);
	column_text(&to[SPAN_ITEMS], "\x1d");
	put_items(&to[SPAN_ITEMS], catalog, &origin->catalogs, span->end_items, span->nend_items,
		  SPAN_TEXT);
	column_text(&to[SPAN_ITEMS], "\n");
	end_row(detail, &detail->spans, span->start_ns + duration);
}

void detail_add_span(struct detail *detail, const struct dump_origin *origin,
		     const struct rill_span *span, bool ending)
{
	const struct report_catalog *catalog = model_catalog(detail->model, span->catalog);
	struct span_number *number = numbers_find(&detail->open, span->id);
	if (!catalog || model_process(detail->model, origin) == UINT32_MAX)
		return;
	if (!number && choice_has_span(detail->choice, span)) {
		number_span(detail, span, 0);
		number = numbers_find(&detail->open, span->id);
	}
	if (!number)
		return;
	if (detail->spans.total < 2 * detail->choice->limit)
		put_span(detail, catalog, origin, span, number, ending);
}

void detail_forget_span(struct detail *detail, const struct rill_span *span)
{
	struct span_number *number = numbers_find(&detail->open, span->id);
	if (number)
		numbers_remove(&detail->open, number);
}

/* What the page says of its own details, last because only now they are known. */
int detail_end(struct detail *detail)
{
	const struct choice *choice = detail->choice;
	write_block(detail, &detail->events);
	write_block(detail, &detail->spans);
	fprintf(detail->out,
		"<script type=\"application/json\" id=\"index\">{\"numbers\":%" PRIu32
		",\"events\":%" PRIu64 ",\"spans\":%" PRIu64 ",\"slow\":%" PRIu64
		",\"urgent\":%" PRIu64 ",\"sample\":%" PRIu64 ",\"eventBlocks\":[",
		detail->nnumbers, detail->events.total, detail->spans.total, choice->of_slow,
		choice->of_urgent, choice->of_sample);
	fwrite(detail->events.index.bytes, 1, detail->events.index.size, detail->out);
	fputs("],\"spanBlocks\":[", detail->out);
	fwrite(detail->spans.index.bytes, 1, detail->spans.index.size, detail->out);
	fputs("]}</script>\n", detail->out);
	if (detail->events.index.broken || detail->spans.index.broken)
		detail->error = -ENOMEM;
	return detail->error;
}

void detail_free(struct detail *detail)
{
	for (size_t i = 0; i < EVENT_COLUMNS; i++)
		free(detail->event_columns[i].bytes);
	for (size_t i = 0; i < SPAN_COLUMNS; i++)
		free(detail->span_columns[i].bytes);
	free(detail->events.index.bytes);
	free(detail->spans.index.bytes);
	numbers_free(&detail->open);
	free(detail);
}
