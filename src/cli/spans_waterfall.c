/* A trace on the terminal: a line a span, indented as a tree, with figures or a bar behind it. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "cli/spans_tree.h"

#define LABEL_SIZE  256u
#define MOST_DEPTH  24u /* deeper ones are not indented any more */
#define LEAST_BAR   16u
#define DURATION_AT 9u

struct picture {
	const struct span_options *options;
	const struct span_tree *tree;
	uint64_t start_ns;
	uint64_t end_ns;
	size_t nspans;
	size_t label; /* columns */
	size_t bar;
	size_t events;
};

static uint64_t end_of(const struct span_row *row)
{
	return row->start_ns + row->duration_ns;
}

/* The branches of a tree in front of a name. */
static char *put_branches(char *to, const struct picture *picture, uint32_t at, uint32_t depth)
{
	const struct span_node *nodes = picture->tree->nodes;
	bool ascii = picture->options->ascii, more[MOST_DEPTH];
	uint32_t shown = depth < MOST_DEPTH ? depth : MOST_DEPTH;
	*to = 0;
	for (uint32_t i = shown; i-- > 0; at = nodes[at].parent)
		more[i] = nodes[at].sibling != SPAN_NO_NODE;
	for (uint32_t i = 0; i < shown; i++) {
		const char *piece;
		if (i + 1 < shown)
			piece = !more[i] ? "  " : ascii ? "| " : "\u2502 ";
		else
			piece = more[i] ? ascii ? "|-" : "\u251c\u2500"
				: ascii ? "`-"
					: "\u2514\u2500";
		to = stpcpy(to, piece);
	}
	return to;
}

static size_t make_label(char *to, const struct picture *picture, uint32_t at, uint32_t depth)
{
	const struct span_row *row = &picture->tree->rows[at];
	char key[SPAN_KEY_SIZE], name[80];
	char *end = put_branches(to, picture, at, depth);
	show_label(name, sizeof name, row->name);
	if (picture->options->waterfall && row->key) {
		span_key_text(key, sizeof key, row);
		snprintf(end, LABEL_SIZE - (size_t)(end - to), "%s %s", name, key);
	} else {
		snprintf(end, LABEL_SIZE - (size_t)(end - to), "%s", name);
	}
	return shown_width(to);
}

static void measure(struct picture *picture)
{
	char label[LABEL_SIZE];
	uint32_t depth = 0;
	picture->start_ns = UINT64_MAX;
	picture->events = 6;
	for (uint32_t at = picture->tree->root; at != SPAN_NO_NODE;
	     at = span_tree_next(picture->tree, at, &depth)) {
		const struct span_row *row = &picture->tree->rows[at];
		size_t width = make_label(label, picture, at, depth);
		size_t events = (size_t)snprintf(NULL, 0, "%" PRIu64, row->nevents);
		picture->nspans++;
		if (row->start_ns < picture->start_ns)
			picture->start_ns = row->start_ns;
		if (end_of(row) > picture->end_ns)
			picture->end_ns = end_of(row);
		picture->label = width > picture->label ? width : picture->label;
		picture->events = events > picture->events ? events : picture->events;
	}
	if (!picture->options->waterfall)
		return;
	size_t width = terminal_width();
	if (picture->label > width / 2)
		picture->label = width / 2;
	size_t used = picture->label + DURATION_AT + 4;
	picture->bar = width > used + LEAST_BAR ? width - used : LEAST_BAR;
}

/* Cut to `width` columns, or padded. */
static void put_label(const char *label, size_t width)
{
	size_t column = 0;
	for (; *label && column <= width; label++) {
		column += (*label & 0xc0) != 0x80;
		if (column <= width)
			putchar(*label);
	}
	printf("%*s", column < width ? (int)(width - column) : 0, "");
}

static const char *color_of(const struct picture *picture, const struct span_row *row)
{
	static const char *const levels[] = {"\033[90m", "\033[36m", "\033[32m", "\033[33m",
					     "\033[31m"};
	if (!picture->options->color)
		return "";
	return row->state == RILL_SPAN_ENDED ? levels[row->level] : "\033[35m";
}

/* From the column that the span begins in up to the one that it ends in: never empty. */
static void put_bar(const struct picture *picture, const struct span_row *row)
{
	uint64_t range = picture->end_ns - picture->start_ns;
	double scale = (double)picture->bar / (double)(range ? range : 1);
	size_t from = (size_t)(scale * (double)(row->start_ns - picture->start_ns));
	size_t to = (size_t)ceil(scale * (double)(end_of(row) - picture->start_ns));
	bool whole = row->state == RILL_SPAN_ENDED, ascii = picture->options->ascii;
	const char *mark = row->state == RILL_SPAN_HEADLESS ? ascii ? "<" : "\u25c0"
			   : whole                          ? ascii ? "#" : "\u2588"
			   : ascii                          ? "~"
							    : "\u2592";
	from = from < picture->bar ? from : picture->bar - 1;
	to = to <= from ? from + 1 : to > picture->bar ? picture->bar : to;
	printf("%*s%s", (int)from, "", color_of(picture, row));
	for (size_t i = from; i < to; i++)
		fputs(mark, stdout);
	fputs(*color_of(picture, row) ? "\033[0m" : "", stdout);
}

static void print_span(const struct picture *picture, uint32_t at, uint32_t depth)
{
	const struct span_row *row = &picture->tree->rows[at];
	char label[LABEL_SIZE], duration[SHORT_TEXT], offset[SHORT_TEXT], key[SPAN_KEY_SIZE];
	make_label(label, picture, at, depth);
	put_label(label, picture->label);
	printf("  %*s  ", (int)DURATION_AT, show_duration(duration, row->duration_ns));
	if (picture->options->waterfall) {
		put_bar(picture, row);
		putchar('\n');
		return;
	}
	const char *color = row->state == RILL_SPAN_ENDED ? "" : color_of(picture, row);
	span_key_text(key, sizeof key, row);
	printf("%*s  %*" PRIu64 "  %s%-9s%s  %016" PRIx64 "  %s\n", (int)DURATION_AT,
	       show_duration(offset, row->start_ns - picture->start_ns), (int)picture->events,
	       row->nevents, color, span_states[row->state], *color ? "\033[0m" : "", row->id, key);
}

static void print_heading(const struct picture *picture)
{
	const struct span_row *row = &picture->tree->rows[picture->tree->root];
	const struct dump_process *process = &row->origin->process;
	char start[SHOW_TIME], duration[SHORT_TEXT], program[80];
	printf("trace %016" PRIx64 "%016" PRIx64 "  %s UTC  %s, pid %" PRIu32
	       "  %zu span%s in %s\n",
	       row->trace_id[0], row->trace_id[1], show_time(start, picture->start_ns),
	       show_label(program, sizeof program, process->program), process->pid, picture->nspans,
	       picture->nspans == 1 ? "" : "s",
	       show_duration(duration, picture->end_ns - picture->start_ns));
	if (!picture->options->waterfall)
		printf("%-*s  %*s  %*s  %*s  %-9s  %-16s  %s\n", (int)picture->label, "SPAN",
		       (int)DURATION_AT, "DURATION", (int)DURATION_AT, "AFTER",
		       (int)picture->events, "EVENTS", "STATE", "SPAN ID", "KEY");
}

void span_tree_print(const struct span_options *options, const struct span_tree *tree)
{
	struct picture picture = {.options = options, .tree = tree, .label = 4};
	uint32_t depth = 0;
	if (tree->root == SPAN_NO_NODE)
		return;
	measure(&picture);
	print_heading(&picture);
	for (uint32_t at = tree->root; at != SPAN_NO_NODE; at = span_tree_next(tree, at, &depth))
		print_span(&picture, at, depth);
}
