/* rill spans: which took longest. */
#include <fnmatch.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

static const char usage[] =
	"usage: rill spans [OPTION...] PATH\n"
	"\n"
	"Lists the spans of a dump (or a directory of dumps), slowest first. The bar shows each\n"
	"duration against the longest one listed.\n"
	"\n"
	"  -n, --name=GLOB            only spans whose name matches\n"
	"  -l, --limit=N              at most N spans (default 20; 0: all)\n"
	"  -s, --sort=duration|start  order (default duration)\n"
	"  -a, --ascii                bars of # (default when the locale is not UTF-8)\n"
	"  -h, --help                 print this\n"
	"\n"
	"A state other than ended: abandoned (no end was seen; the duration is up to its last\n"
	"event), open (likewise, when the dump ends), headless (no start was seen).\n"
	"\n"
	"Exit codes: 0 some spans; 1 none, or the dump is damaged (what can be read is listed);\n"
	"2 wrong usage.\n";

#define VALUE_SIZE 40u

/* What is printed of a span, and nothing else of it. */
struct row {
	uint64_t duration_ns;
	uint64_t start_ns;
	uint64_t nevents;
	uint64_t id;
	const char *name; /* in the reader's catalog */
	const char *key;  /* or NULL */
	uint32_t state;
	char value[VALUE_SIZE];
};

enum { STATE_OPEN = RILL_SPAN_HEADLESS + 1, NSTATES };

static const char *const states[NSTATES] = {"", "ended", "abandoned", "headless", "open"};

struct spans {
	const char *name;
	size_t limit;
	bool by_start;
	bool ascii;
	struct feed feed;
	struct row *rows;
	size_t nrows;
	size_t room;
	uint64_t counts[NSTATES];
	bool no_memory;
};

static int by_duration(const void *left, const void *right)
{
	const struct row *a = left, *b = right;
	if (a->duration_ns != b->duration_ns)
		return a->duration_ns > b->duration_ns ? -1 : 1;
	if (a->start_ns != b->start_ns)
		return a->start_ns < b->start_ns ? -1 : 1;
	return (a->id > b->id) - (a->id < b->id);
}

static int by_start(const void *left, const void *right)
{
	const struct row *a = left, *b = right;
	if (a->start_ns != b->start_ns)
		return a->start_ns < b->start_ns ? -1 : 1;
	return by_duration(left, right);
}

static void sort_rows(struct spans *spans)
{
	if (spans->nrows)
		qsort(spans->rows, spans->nrows, sizeof *spans->rows,
		      spans->by_start ? by_start : by_duration);
	if (spans->limit && spans->nrows > spans->limit)
		spans->nrows = spans->limit;
}

/* With a limit, memory is for twice as many: then the rest is thrown away. */
static struct row *new_row(struct spans *spans)
{
	if (spans->nrows == spans->room && spans->limit && spans->nrows >= 2 * spans->limit)
		sort_rows(spans);
	if (spans->nrows == spans->room) {
		size_t room = spans->room ? 2 * spans->room : 64;
		if (spans->limit && room > 2 * spans->limit)
			room = 2 * spans->limit;
		struct row *rows = realloc(spans->rows, room * sizeof *rows);
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
	if (spans->name && fnmatch(spans->name, span->span->name, 0) != 0)
		return;
	uint32_t state = span->state;
	if (state == RILL_SPAN_ABANDONED && spans->feed.ending)
		state = STATE_OPEN;
	spans->counts[state]++;
	struct row *row = new_row(spans);
	if (!row)
		return;
	*row = (struct row){.duration_ns = span->end_ns - span->start_ns,
			    .start_ns = span->start_ns,
			    .nevents = span->nevents,
			    .id = span->id,
			    .name = span->span->name,
			    .state = state};
	const struct rill_item *items = span->nstart_items ? span->start_items : span->end_items;
	size_t nitems = span->nstart_items ? span->nstart_items : span->nend_items;
	for (size_t i = 0; i < nitems && !row->key; i++) {
		if (items[i].key == span->span->key) {
			row->key = span->catalog->keys[span->span->key].name;
			show_item(row->value, sizeof row->value, &items[i]);
		}
	}
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
		if (spans->ascii)
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

static size_t key_text(char *to, size_t size, const struct row *row)
{
	snprintf(to, size, "%s%s%s", row->key ? row->key : "-", row->key ? "=" : "", row->value);
	return shown_width(to);
}

#define KEY_SIZE (VALUE_SIZE + 64u)
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

static struct widths measure(const struct spans *spans)
{
	struct widths widths = {4, 3, 6, 0, START_SIZE, 0};
	if (same_day(spans)) {
		widths.date = DATE_SIZE;
		widths.start = START_SIZE - DATE_SIZE;
	}
	for (size_t i = 0; i < spans->nrows; i++) {
		char text[KEY_SIZE];
		size_t key = key_text(text, sizeof text, &spans->rows[i]);
		size_t name = shown_width(spans->rows[i].name);
		size_t events = (size_t)snprintf(NULL, 0, "%" PRIu64, spans->rows[i].nevents);
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
	size_t shown = shown_width(text);
	printf("%s%*s  ", text, shown < width ? (int)(width - shown) : 0, "");
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
		const struct row *row = &spans->rows[i];
		char duration[SHORT_TEXT], start[SHOW_TIME], key[KEY_SIZE];
		key_text(key, sizeof key, row);
		printf("%9s  ", show_duration(duration, row->duration_ns));
		put_bar(spans, (double)row->duration_ns / (double)longest, widths.bar);
		fputs("  ", stdout);
		pad(row->name, widths.name);
		printf("%-*s  %*" PRIu64 "  %-9s  %016" PRIx64 "  %s\n", (int)widths.start,
		       show_time(start, row->start_ns) + widths.date, (int)widths.events,
		       row->nevents, states[row->state], row->id, key);
	}
}

static void print_summary(const struct spans *spans)
{
	uint64_t all = 0;
	for (size_t i = 0; i < NSTATES; i++)
		all += spans->counts[i];
	printf("\n%" PRIu64 " span%s", all, all == 1 ? "" : "s");
	if (spans->nrows < all)
		printf(", %zu shown", spans->nrows);
	for (size_t i = RILL_SPAN_ABANDONED; i < NSTATES; i++)
		if (spans->counts[i])
			printf(", %" PRIu64 " %s", spans->counts[i], states[i]);
	putchar('\n');
}

static int run(struct spans *spans, const char *path)
{
	struct dump_reader *reader = open_dumps((char *const *)&path, 1, NULL);
	if (!reader)
		return EXIT_TROUBLE;
	spans->feed.on_span = add_span;
	spans->feed.context = spans;
	int error = feed_run(&spans->feed, reader);
	sort_rows(spans);
	int code = EXIT_OK;
	if (spans->nrows) {
		print_rows(spans);
		print_summary(spans);
	} else {
		code = trouble("%s: no spans%s%s", path, spans->name ? " named " : "",
			       spans->name ? spans->name : "");
	}
	fflush(stdout);
	if (report_damage(reader))
		code = EXIT_TROUBLE;
	if (error || spans->no_memory)
		code = trouble("%s: no memory for all of it", path);
	free(spans->rows);
	dump_reader_close(reader);
	return code;
}

static const struct option options[] = {
	{"name", required_argument, NULL, 'n'}, {"limit", required_argument, NULL, 'l'},
	{"sort", required_argument, NULL, 's'}, {"ascii", no_argument, NULL, 'a'},
	{"help", no_argument, NULL, 'h'},       {0},
};

static int spans_main(int argc, char **argv)
{
	struct spans spans = {.limit = 20, .ascii = !terminal_utf8()};
	long long limit;
	int option;
	optind = 1;
	while ((option = getopt_long(argc, argv, "n:l:s:ah", options, NULL)) >= 0) {
		switch (option) {
		case 'n':
			spans.name = optarg;
			break;
		case 'l':
			limit = parse_number(optarg);
			if (limit < 0 || limit > 1000000000)
				return usage_error("spans", "limit \"%s\" is not a number", optarg);
			spans.limit = (size_t)limit;
			break;
		case 's':
			spans.by_start = strcmp(optarg, "start") == 0;
			if (!spans.by_start && strcmp(optarg, "duration") != 0)
				return usage_error("spans", "sort \"%s\" is not duration or start",
						   optarg);
			break;
		case 'a':
			spans.ascii = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return EXIT_OK;
		default:
			return option_error("spans");
		}
	}
	if (optind + 1 != argc)
		return usage_error("spans", optind == argc ? "which dump?" : "one dump at a time");
	return run(&spans, argv[optind]);
}

const struct command spans_command = {
	.name = "spans",
	.run = spans_main,
	.brief = "list the slowest spans of a dump",
	.usage = usage,
	.options = options,
};
