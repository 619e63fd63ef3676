/* rill spans: which took longest, and what they were made of. */
#include <fnmatch.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli/spans.h"

static const char usage[] =
	"usage: rill spans [OPTION...] PATH...\n"
	"\n"
	"Lists the spans of dumps or directories of dumps, all of them together, slowest first.\n"
	"The bar shows each duration against the longest one listed.\n"
	"\n"
	"  -t, --tree                 traces instead: children are indented below their parents\n"
	"  -W, --waterfall            likewise, with a bar at each span's time within its trace\n"
	"  -n, --name=GLOB            only spans whose name matches\n"
	"  -S, --span=ID              only the span with this id (16 digits) and those inside of\n"
	"                             it, or a trace (32 digits)\n"
	"  -w, --where=PREDICATE      only spans that it holds for; may be repeated, and all must\n"
	"                             hold\n"
	"      --since=TIME           only spans that ended at or after TIME\n"
	"      --until=TIME           the trace up to TIME only\n"
	"  -o, --open                 only spans that are open at the end\n"
	"  -l, --limit=N              at most N spans (default 20) or traces (default 5); 0: as "
	"many\n"
	"                             as memory is for, 400000 spans or 1000 traces\n"
	"      --slowest=N            the N slowest: --sort=duration --limit=N\n"
	"  -s, --sort=duration|start  order, and of which --limit leaves the first (default\n"
	"                             duration)\n"
	"  -a, --ascii                bars of # (default when the locale is not UTF-8)\n"
	"  -h, --help                 print this\n"
	"\n"
	"A state other than ended: abandoned (no end was seen; the duration is up to its last\n"
	"event), open (likewise, when the dump ends), headless (no start was "
	"seen).\n" SELECT_USAGE_TIME "\n"
	"Exit codes: 0 some spans; 1 none, or a dump is damaged (what can be read is listed);\n"
	"2 wrong usage.\n";

const char *const span_states[SPAN_STATES] = {"", "ended", "abandoned", "headless", "open"};

uint32_t span_state(const struct feed *feed, const struct rill_span *span)
{
	if (span->state == RILL_SPAN_ABANDONED && feed->ending)
		return SPAN_OPEN_AT_END;
	return span->state;
}

struct dump_reader *span_open(const struct span_options *options, const struct feed *feed,
			      int *code)
{
	struct selection *selection = options->selection;
	/* How many events a span has is one of its figures: no record may be left out. */
	selection->all = true;
	selection->feed = feed;
	return select_open(selection, "spans", options->paths, options->npaths, code);
}

bool span_is_chosen(const struct span_options *options, const struct feed *feed,
		    const struct rill_span *span)
{
	const struct rill_entry entry = {NULL, span};
	if (options->name && fnmatch(options->name, span->span->name, 0) != 0)
		return false;
	if (options->open && span_state(feed, span) != SPAN_OPEN_AT_END)
		return false;
	return select_takes(options->selection, &entry, &feed->origin->catalogs);
}

void span_row_make(struct span_row *row, const struct feed *feed, const struct rill_span *span)
{
	*row = (struct span_row){
		.duration_ns = span->end_ns - span->start_ns,
		.start_ns = span->start_ns,
		.nevents = span->nevents,
		.id = span->id,
		.parent_id = span->parent_id,
		.trace_id = {span->trace_id[0], span->trace_id[1]},
		.name = span->span->name,
		.origin = feed->origin,
		.state = span_state(feed, span),
		.level = span->catalog->events[span->span->start].level,
	};
	const struct rill_item *items = span->nstart_items ? span->start_items : span->end_items;
	size_t nitems = span->nstart_items ? span->nstart_items : span->nend_items;
	for (size_t i = 0; i < nitems && !row->key; i++) {
		if (items[i].key == span->span->key) {
			row->key = span->catalog->keys[span->span->key].name;
			show_item(row->value, sizeof row->value, &items[i]);
		}
	}
}

size_t span_key_text(char *to, size_t size, const struct span_row *row)
{
	char name[SPAN_KEY_SIZE - SPAN_VALUE_SIZE];
	snprintf(to, size, "%s%s%s", row->key ? show_label(name, sizeof name, row->key) : "-",
		 row->key ? "=" : "", row->value);
	return shown_width(to);
}

int span_none(const struct span_options *options)
{
	const char *path = options->npaths == 1 ? options->paths[0] : "in none of the paths";
	return trouble("%s: no spans%s%s%s", path, options->name ? " named " : "",
		       options->name ? options->name : "",
		       options->open || !select_is_all(options->selection) ? " that match" : "");
}

enum { OPTION_SLOWEST = 256, OPTION_SINCE, OPTION_UNTIL };

static const struct option options[] = {
	{"tree", no_argument, NULL, 't'},
	{"waterfall", no_argument, NULL, 'W'},
	{"name", required_argument, NULL, 'n'},
	{"span", required_argument, NULL, 'S'},
	{"where", required_argument, NULL, 'w'},
	{"since", required_argument, NULL, OPTION_SINCE},
	{"until", required_argument, NULL, OPTION_UNTIL},
	{"open", no_argument, NULL, 'o'},
	{"limit", required_argument, NULL, 'l'},
	{"sort", required_argument, NULL, 's'},
	{"slowest", required_argument, NULL, OPTION_SLOWEST},
	{"ascii", no_argument, NULL, 'a'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

/* Twice as many spans are in memory at times, and it is less than half of what there may be. */
#define MOST_SPANS  400000u
#define MOST_TRACES 1000u

struct parsed {
	struct span_options options;
	bool tree;
	bool limited;
};

static int parse_limit(struct parsed *parsed, const char *text)
{
	long long limit = parse_number(text);
	if (limit < 0 || limit > 1000000000)
		return usage_error("spans", "limit \"%s\" is not a number", text);
	parsed->options.limit = (size_t)limit;
	parsed->limited = true;
	return EXIT_OK;
}

/* EXIT_OK, or what to exit with. */
static int parse_option(struct parsed *parsed, int option)
{
	struct selection *selection = parsed->options.selection;
	switch (option) {
	case 't':
	case 'W':
		parsed->tree = true;
		parsed->options.waterfall |= option == 'W';
		return EXIT_OK;
	case 'n':
		parsed->options.name = optarg;
		return EXIT_OK;
	case 'S':
		return select_option(selection, "spans", 's', optarg);
	case 'w':
		return select_option(selection, "spans", 'w', optarg);
	case OPTION_SINCE:
		return select_option(selection, "spans", 'S', optarg);
	case OPTION_UNTIL:
		return select_option(selection, "spans", 'U', optarg);
	case 'o':
		parsed->options.open = true;
		return EXIT_OK;
	case OPTION_SLOWEST:
		parsed->options.by_start = false;
		return parse_limit(parsed, optarg);
	case 'l':
		return parse_limit(parsed, optarg);
	case 's':
		parsed->options.by_start = strcmp(optarg, "start") == 0;
		if (!parsed->options.by_start && strcmp(optarg, "duration") != 0)
			return usage_error("spans", "sort \"%s\" is not duration or start", optarg);
		return EXIT_OK;
	case 'a':
		parsed->options.ascii = true;
		return EXIT_OK;
	default:
		return option_error("spans");
	}
}

static int spans_main(int argc, char **argv)
{
	struct selection selection;
	struct parsed parsed = {.options = {.selection = &selection,
					    .color = terminal_color(),
					    .ascii = !terminal_utf8()}};
	int option;
	select_init(&selection);
	optind = 1;
	while ((option = getopt_long(argc, argv, "tWn:S:w:ol:s:ah", options, NULL)) >= 0) {
		if (option == 'h') {
			fputs(usage, stdout);
			return EXIT_OK;
		}
		int code = parse_option(&parsed, option);
		if (code)
			return code;
	}
	if (optind == argc)
		return usage_error("spans", "which dump?");
	parsed.options.paths = argv + optind;
	parsed.options.npaths = (size_t)(argc - optind);
	size_t most = parsed.tree ? MOST_TRACES : MOST_SPANS;
	if (!parsed.limited)
		parsed.options.limit = parsed.tree ? 5 : 20;
	else if (!parsed.options.limit || parsed.options.limit > most)
		parsed.options.limit = most;
	return parsed.tree ? spans_tree(&parsed.options) : spans_list(&parsed.options);
}

const struct command spans_command = {
	.name = "spans",
	.run = spans_main,
	.brief = "list the slowest spans of dumps, or their traces",
	.usage = usage,
	.options = options,
};
