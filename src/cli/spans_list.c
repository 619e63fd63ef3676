/* The spans that were chosen, one a line. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/spans.h"

#define NAME_SIZE 160u

struct spans {
	const struct span_options *options;
	struct feed feed;
	struct span_row *rows;
	size_t nrows;
	size_t room;
	uint64_t counts[SPAN_STATES];
	bool no_memory;
};

static int by_duration(const void *left, const void *right)
{
	const struct span_row *a = left, *b = right;
	if (a->duration_ns != b->duration_ns)
		return a->duration_ns > b->duration_ns ? -1 : 1;
	if (a->start_ns != b->start_ns)
		return a->start_ns < b->start_ns ? -1 : 1;
	return (a->id > b->id) - (a->id < b->id);
}

static int by_start(const void *left, const void *right)
{
	const struct span_row *a = left, *b = right;
	if (a->start_ns != b->start_ns)
		return a->start_ns < b->start_ns ? -1 : 1;
	return by_duration(left, right);
}

static void sort_rows(struct spans *spans)
{
	if (spans->nrows)
		qsort(spans->rows, spans->nrows, sizeof *spans->rows,
		      spans->options->by_start ? by_start : by_duration);
	if (spans->options->limit && spans->nrows > spans->options->limit)
		spans->nrows = spans->options->limit;
}

/* With a limit, memory is for twice as many: then the rest is thrown away. */
static struct span_row *new_row(struct spans *spans)
{
	if (spans->nrows == spans->room && spans->options->limit &&
	    spans->nrows >= 2 * spans->options->limit)
		sort_rows(spans);
	if (spans->nrows == spans->room) {
		size_t room = spans->room ? 2 * spans->room : 64;
		if (spans->options->limit && room > 2 * spans->options->limit)
			room = 2 * spans->options->limit;
		struct span_row *rows = realloc(spans->rows, room * sizeof *rows);
		if (!rows) {
			spans->no_memory = true;
			return NULL;
		}
		spans->rows = rows;
		spans->room = room;
	}
	return &spans->rows[spans->nrows++];
}

static void add_span(void *context, const struct rill_span *span)
{
	struct spans *spans = context;
	uint32_t state = span_state(&spans->feed, span);
	if (!span_is_chosen(spans->options, &spans->feed, span))
		return;
	spans->counts[state]++;
	struct span_row *row = new_row(spans);
	if (!row)
		return;
	span_row_make(row, &spans->feed, span);
	/* Of those that began before, the reader has left records out. */
	if (spans->options->selection->since_ns)
		row->nevents = 0;
}

/* A bar of `width` columns, to an eighth of a column; never empty. */
static void put_bar(const struct spans *spans, double part, size_t width)
{
	static const char *const eighths[] = {" ",      "\u258f", "\u258e", "\u258d",
					      "\u258c", "\u258b", "\u258a", "\u2589"};
	size_t filled = (size_t)(part * (double)width * 8 + 0.5);
	filled = filled < 1 ? 1 : filled > 8 * width ? 8 * width : filled;
	for (size_t column = 0; column < width; column++) {
		size_t here = filled >= 8 * (column + 1) ? 8
			      : filled > 8 * column      ? filled - 8 * column
							 : 0;
		if (spans->options->ascii)
			putchar(here >= 4 || (here && !column) ? '#' : ' ');
		else
			fputs(here == 8 ? "\u2588" : eighths[here], stdout);
	}
}

struct widths {
	size_t name;
	size_t key;
	size_t events;
	size_t bar;
	size_t start;
	size_t date; /* bytes of a time that all have in common: it stands in the heading */
};

/* Duration, state, id, and what is between the columns. */
#define FIXED_WIDTH (9 + 9 + 16 + 7 * 2)
#define DATE_SIZE   11u /* "2026-01-31 " */
#define START_SIZE  29u /* and the time */

static bool same_day(const struct spans *spans)
{
	char first[SHOW_TIME], other[SHOW_TIME];
	show_time(first, spans->rows[0].start_ns);
	for (size_t i = 1; i < spans->nrows; i++)
		if (memcmp(first, show_time(other, spans->rows[i].start_ns), DATE_SIZE) != 0)
			return false;
	return true;
}

/* A span has one event at least; 0: it is not known. */
static const char *show_count(char *to, const struct span_row *row)
{
	snprintf(to, SHORT_TEXT, row->nevents ? "%" PRIu64 : "-", row->nevents);
	return to;
}

static struct widths measure(const struct spans *spans)
{
	struct widths widths = {4, 3, 6, 0, START_SIZE, 0};
	if (same_day(spans)) {
		widths.date = DATE_SIZE;
		widths.start = START_SIZE - DATE_SIZE;
	}
	for (size_t i = 0; i < spans->nrows; i++) {
		char text[SPAN_KEY_SIZE];
		size_t key = span_key_text(text, sizeof text, &spans->rows[i]);
		char label[NAME_SIZE];
		size_t name = shown_width(show_label(label, sizeof label, spans->rows[i].name));
		char count[SHORT_TEXT];
		size_t events = strlen(show_count(count, &spans->rows[i]));
		widths.key = key > widths.key ? key : widths.key;
		widths.name = name > widths.name ? name : widths.name;
		widths.events = events > widths.events ? events : widths.events;
	}
	size_t used = FIXED_WIDTH + widths.name + widths.key + widths.events + widths.start;
	size_t width = terminal_width();
	widths.bar = width > used + 8 ? width - used : 8;
	if (widths.bar > 40)
		widths.bar = 40;
	return widths;
}

static void pad(const char *text, size_t width)
{
	char label[NAME_SIZE];
	size_t shown = shown_width(show_label(label, sizeof label, text));
	printf("%s%*s  ", label, shown < width ? (int)(width - shown) : 0, "");
}

static void print_rows(const struct spans *spans)
{
	struct widths widths = measure(spans);
	uint64_t longest = 1;
	for (size_t i = 0; i < spans->nrows; i++)
		if (spans->rows[i].duration_ns > longest)
			longest = spans->rows[i].duration_ns;
	char heading[SHOW_TIME] = "START (UTC)";
	if (widths.date) {
		show_time(heading, spans->rows[0].start_ns);
		strcpy(heading + DATE_SIZE, "UTC");
	}
	printf("%9s  %-*s  %-*s  %-*s  %*s  %-9s  %-16s  %s\n", "DURATION", (int)widths.bar, "",
	       (int)widths.name, "SPAN", (int)widths.start, heading, (int)widths.events, "EVENTS",
	       "STATE", "SPAN ID", "KEY");
	for (size_t i = 0; i < spans->nrows; i++) {
		const struct span_row *row = &spans->rows[i];
		char duration[SHORT_TEXT], start[SHOW_TIME], count[SHORT_TEXT], key[SPAN_KEY_SIZE];
		span_key_text(key, sizeof key, row);
		printf("%9s  ", show_duration(duration, row->duration_ns));
		put_bar(spans, (double)row->duration_ns / (double)longest, widths.bar);
		fputs("  ", stdout);
		pad(row->name, widths.name);
		printf("%-*s  %*s  %-9s  %016" PRIx64 "  %s\n", (int)widths.start,
		       show_time(start, row->start_ns) + widths.date, (int)widths.events,
		       show_count(count, row), span_states[row->state], row->id, key);
	}
}

static void print_summary(const struct spans *spans)
{
	uint64_t all = 0;
	for (size_t i = 0; i < SPAN_STATES; i++)
		all += spans->counts[i];
	printf("\n%" PRIu64 " span%s", all, all == 1 ? "" : "s");
	if (spans->nrows < all)
		printf(", %zu shown", spans->nrows);
	for (size_t i = RILL_SPAN_ABANDONED; i < SPAN_STATES; i++)
		if (spans->counts[i])
			printf(", %" PRIu64 " %s", spans->counts[i], span_states[i]);
	putchar('\n');
}

int spans_list(const struct span_options *options)
{
	struct spans spans = {.options = options};
	int code = EXIT_OK;
	struct dump_reader *reader = span_open(options, &spans.feed, &code);
	if (!reader)
		return code;
	spans.feed.on_span = add_span;
	spans.feed.context = &spans;
	int error = feed_run(&spans.feed, reader);
	sort_rows(&spans);
	if (spans.nrows) {
		print_rows(&spans);
		print_summary(&spans);
	} else {
		code = span_none(options);
	}
	fflush(stdout);
	if (report_damage(reader))
		code = EXIT_TROUBLE;
	if (error || spans.no_memory)
		code = trouble("no memory for all of it");
	free(spans.rows);
	select_close(options->selection, reader);
	return code;
}
