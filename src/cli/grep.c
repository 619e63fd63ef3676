/* rill grep: what a predicate holds for. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/around.h"
#include "cli/print.h"
#include "cli/select.h"
#include "core/nearest.h"

static const char usage[] =
	"usage: rill grep [OPTION...] PREDICATE PATH...\n"
	"       rill grep [OPTION...] -w PREDICATE | -e GLOB PATH...\n"
	"\n"
	"Prints the records and spans for which the predicate holds, in order of time. PATH is a\n"
	"dump (*.rill) or a directory of them; all are read as one.\n"
	"\n"
	"  -c, --count                 print only how many there are\n"
	"  -l, --files-with-matches    print only the names of the files in which there are any\n"
	"  -o, --only=KEY              print only the values of this key, one a line\n"
	"  -q, --quiet                 print nothing: the exit code says whether there are any\n"
	"  -m, --max-count=NUM         stop after so many\n"
	"  -v, --invert-match          what the predicate does not hold for\n"
	"  -i, --ignore-case           ~ and !~ take A and a for the same\n"
	"  -A, --after-context=NUM     and so many records after it in its thread\n"
	"  -B, --before-context=NUM    and so many before it\n"
	"  -C, --context=NUM           both\n"
	"      --around=thread|span    what -A, -B and -C mean: its thread (default) or its span\n"
	"      --alone                 records by themselves, without spans: faster\n"
	"  -f, --format=text|json      text for people (default), or one JSON object a line\n"
	"      --multiline             text: each key on a line of its own\n"
	"      --color[=always|never|auto]\n"
	"                              text: colors; auto (the default) on a terminal\n"
	"      --local                 text: times in the local time zone (default UTC)\n"
	"  -w, --where=PREDICATE       a predicate; may be repeated, and all must hold\n"
	"  -e, --event=GLOB            events (and spans) whose name matches; may be repeated\n"
	"      --level=LEVEL           only trace, debug, info, warn or error and what is above "
	"it\n"
	"  -s, --span=ID               only what belongs to this span (16 digits) or trace (32)\n"
	"  -k, --key=NAME=VALUE        only what has this value, or is in a span that starts with\n"
	"                              it; may be repeated\n"
	"      --since=TIME            only what happened at or after TIME\n"
	"      --until=TIME            only what happened before TIME\n"
	"  -h, --help                  print this\n"
	"\n"
	"predicates:\n"
	"  smtp.*                      the event's or span's name\n"
	"  remotePort == 25            also != < <= > >=; in (25, 587); remoteIp in 10.0.0.0/8\n"
	"  elapsed > 100ms             ns us ms s m h d; sizes: KiB MiB GiB\n"
	"  from ~ \"@example\"           a regular expression; !~\n"
	"  queueId                     it is there\n"
	"  @level >= warn              also @event @span @duration @time @pid @tid @process @host\n"
	"  ... && ... || !(...)        or: and, or, not\n"
	"A key's value is the record's own, or that which a span around it was started with.\n"
	"\n" SELECT_USAGE_TIME "\n"
	"Exit codes: 0 found; 1 nothing found, a dump is damaged, or output failed; 2 wrong "
	"usage.\n";

enum { GREP_LEVEL = 256, GREP_AROUND, GREP_ALONE };

static const struct option options[] = {
	{"count", no_argument, NULL, 'c'},
	{"files-with-matches", no_argument, NULL, 'l'},
	{"only", required_argument, NULL, 'o'},
	{"quiet", no_argument, NULL, 'q'},
	{"max-count", required_argument, NULL, 'm'},
	{"invert-match", no_argument, NULL, 'v'},
	{"ignore-case", no_argument, NULL, 'i'},
	{"after-context", required_argument, NULL, 'A'},
	{"before-context", required_argument, NULL, 'B'},
	{"context", required_argument, NULL, 'C'},
	{"around", required_argument, NULL, GREP_AROUND},
	{"alone", no_argument, NULL, GREP_ALONE},
	PRINT_OPTIONS,
	{"where", required_argument, NULL, 'w'},
	{"event", required_argument, NULL, 'e'},
	{"level", required_argument, NULL, GREP_LEVEL},
	{"span", required_argument, NULL, 's'},
	{"key", required_argument, NULL, 'k'},
	{"since", required_argument, NULL, 'S'},
	{"until", required_argument, NULL, 'U'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

#define MAX_AROUND 100000u

enum grep_mode { GREP_PRINT, GREP_COUNT, GREP_FILES, GREP_ONLY, GREP_QUIET };

struct grep {
	struct selection selection;
	struct printing printing;
	enum grep_mode mode;
	const char *only;
	uint64_t max;
	struct around_options around_options;
	bool has_around;
	bool help;

	struct feed feed;
	struct dump_reader *reader;
	struct output output; /* of hits */
	struct around *around;
	uint64_t found;
	bool *files; /* with hits, by index */
	bool no_memory;
	volatile sig_atomic_t stop;
};

static int parse_count(uint64_t *to, const char *argument, const char *option)
{
	long long number = parse_number(argument);
	if (number < 0)
		return usage_error("grep", "%s takes a number, not \"%s\"", option, argument);
	*to = (uint64_t)number;
	return EXIT_OK;
}

static int parse_around(struct grep *grep, int option, const char *argument)
{
	uint64_t number = 0;
	int code = parse_count(&number, argument, "context");
	if (!code && number > MAX_AROUND)
		return usage_error("grep", "context is at most %u", MAX_AROUND);
	if (option != 'A')
		grep->around_options.before = number;
	if (option != 'B')
		grep->around_options.after = number;
	grep->has_around = true;
	return code;
}

static int parse_own(struct grep *grep, int option, const char *argument)
{
	switch (option) {
	case 'c':
		grep->mode = GREP_COUNT;
		return EXIT_OK;
	case 'l':
		grep->mode = GREP_FILES;
		return EXIT_OK;
	case 'o':
		grep->mode = GREP_ONLY;
		grep->only = argument;
		return EXIT_OK;
	case 'q':
		grep->mode = GREP_QUIET;
		return EXIT_OK;
	case 'm':
		return parse_count(&grep->max, argument, "--max-count");
	case 'v':
		grep->selection.invert = true;
		return EXIT_OK;
	case 'i':
		grep->selection.where_flags |= PREDICATE_ANY_CASE;
		return EXIT_OK;
	case 'A':
	case 'B':
	case 'C':
		return parse_around(grep, option, argument);
	case GREP_AROUND:
		grep->around_options.by_span = strcmp(argument, "span") == 0;
		if (!grep->around_options.by_span && strcmp(argument, "thread") != 0)
			return usage_error("grep", "around \"%s\" is not thread or span", argument);
		return EXIT_OK;
	case GREP_ALONE:
		grep->selection.alone = true;
		return EXIT_OK;
	case 'h':
		grep->help = true;
		return EXIT_OK;
	default:
		return -1;
	}
}

static int parse(struct grep *grep, int argc, char **argv)
{
	static const char letters[] = "hclo:qm:viA:B:C:f:w:e:s:k:";
	struct selection *selection = &grep->selection;
	int option;
	optind = 1;
	opterr = 1;
	while ((option = getopt_long(argc, argv, letters, options, NULL)) >= 0) {
		int code = parse_own(grep, option, optarg);
		if (code < 0)
			code = print_option(&grep->printing, "grep", option, optarg);
		if (code < 0)
			code = select_option(selection, "grep", option == GREP_LEVEL ? 'l' : option,
					     optarg);
		if (code)
			return code < 0 ? option_error("grep") : code;
	}
	if (grep->help)
		return EXIT_OK;
	/* As grep takes -e: then all that is left are paths. When options say what is meant, one
	 * argument is a path. */
	bool said = selection->nwhere || selection->nevents ||
		    (!select_is_all(selection) && optind + 1 == argc);
	if (!said && optind == argc)
		return usage_error("grep", "for what, and in which dump?");
	if (!said)
		selection->where_text[selection->nwhere++] = argv[optind++];
	if (optind == argc)
		return usage_error("grep", "in which dump?");
	if (grep->has_around && grep->mode != GREP_PRINT)
		return usage_error("grep", "-A, -B and -C are for what is printed whole");
	return EXIT_OK;
}

/* --- what is done with a hit ----------------------------------------------------------------- */

static bool print_item(const struct rill_item *item, const struct rill_catalogs *catalogs)
{
	struct rill_nested nested;
	struct rill_item element;
	if (item->type == RILL_TYPE_LIST && !rill_nested_open(&nested, item, catalogs)) {
		bool good = true;
		while (good && rill_nested_next(&nested, &element) == 1)
			/* A list in a list is a value. */
			good = element.type == RILL_TYPE_LIST || print_item(&element, catalogs);
		return good;
	}
	size_t size = item->type == RILL_TYPE_STRING || item->type == RILL_TYPE_BYTES
			      ? 4 * (size_t)item->size + 16
			      : 64;
	char small[512], *text = size > sizeof small ? malloc(size) : small;
	if (!text)
		return false;
	if (item->type == RILL_TYPE_EVENT && !rill_nested_open(&nested, item, catalogs) &&
	    nested.event)
		puts(nested.event->name);
	else
		puts(show_item(text, size, item));
	if (text != small)
		free(text);
	return true;
}

struct only {
	const char *key;
	const struct rill_catalogs *catalogs;
	size_t printed;
	bool good;
};

static void print_values(struct only *only, const struct rill_catalog *catalog,
			 const struct rill_item *items, size_t nitems)
{
	for (size_t i = 0; i < nitems; i++) {
		if (strcmp(catalog->keys[items[i].key].name, only->key) != 0)
			continue;
		only->printed++;
		if (!print_item(&items[i], only->catalogs))
			only->good = false;
	}
}

/* The entry's own, else the inherited ones. */
static bool print_only(const char *key, const struct rill_entry *entry,
		       const struct rill_catalogs *catalogs)
{
	struct only only = {key, catalogs, 0, true};
	const struct rill_record *record = entry->record;
	const struct rill_item *inherited[64];
	if (record) {
		print_values(&only, record->catalog, record->items, record->nitems);
		size_t count = only.printed ? 0 : rill_record_inherited(record, inherited, 64);
		for (size_t i = 0; i < count; i++)
			print_values(&only, record->catalog, inherited[i], 1);
		return only.good;
	}
	const struct rill_span *span = entry->span;
	print_values(&only, span->catalog, span->start_items, span->nstart_items);
	if (!only.printed)
		print_values(&only, span->catalog, span->end_items, span->nend_items);
	return only.good;
}

static void take_hit(struct grep *grep, const struct rill_entry *entry,
		     const struct rill_catalogs *catalogs)
{
	struct rill_batch batch = {entry, 1, *catalogs};
	switch (grep->mode) {
	case GREP_PRINT:
		grep->output.write(grep->output.state, &batch);
		break;
	case GREP_FILES:
		grep->files[grep->feed.file] = true;
		break;
	case GREP_ONLY:
		if (!print_only(grep->only, entry, catalogs))
			grep->no_memory = true;
		break;
	case GREP_QUIET:
		grep->stop = 1;
		break;
	case GREP_COUNT:
	default:
		break;
	}
}

static void count_hit(struct grep *grep)
{
	if (++grep->found >= grep->max)
		grep->stop = 1;
}

/* Of what was selected. */
static void write_hits(void *state, const struct rill_batch *batch)
{
	struct grep *grep = state;
	struct rill_batch whole = *batch;
	if (grep->stop)
		return;
	if (grep->mode == GREP_PRINT) {
		if (whole.count >= grep->max - grep->found) {
			whole.count = grep->max - grep->found;
			grep->stop = 1;
		}
		grep->found += whole.count;
		grep->output.write(grep->output.state, &whole);
		return;
	}
	for (size_t i = 0; i < batch->count && !grep->stop; i++) {
		take_hit(grep, &batch->entries[i], &batch->catalogs);
		count_hit(grep);
	}
}

/* Of everything, when what is around a hit is wanted too. */
static void write_around(void *state, const struct rill_batch *batch)
{
	struct grep *grep = state;
	for (size_t i = 0; i < batch->count && !grep->stop; i++) {
		const struct rill_entry *entry = &batch->entries[i];
		/* The last hit still has something after it. */
		bool hit = grep->found < grep->max &&
			   select_takes(&grep->selection, entry, &batch->catalogs);
		grep->found += hit;
		if (!around_put(grep->around, entry, &batch->catalogs, grep->feed.origin, hit))
			grep->no_memory = true;
		if (grep->no_memory || (grep->found >= grep->max && !around_waits(grep->around)))
			grep->stop = 1;
	}
}

static int print_found(const struct grep *grep)
{
	if (grep->mode == GREP_COUNT)
		printf("%" PRIu64 "\n", grep->found);
	for (size_t i = 0; grep->files && i < dump_file_count(grep->reader); i++)
		if (grep->files[i])
			puts(shown(dump_file(grep->reader, i)->path));
	return grep->found ? EXIT_OK : EXIT_TROUBLE;
}

static int read_dumps(struct grep *grep)
{
	struct output output = select_output(&grep->selection, &grep->feed);
	grep->selection.next = (struct output){.write = write_hits, .state = grep};
	if (grep->around)
		output = (struct output){.write = write_around, .state = grep};
	grep->feed.outputs = &output;
	grep->feed.noutputs = 1;
	grep->feed.stop = &grep->stop;
	grep->feed.until_ns = grep->selection.want.until_ns;
	grep->feed.by_file = grep->mode == GREP_FILES;
	int error = feed_run(&grep->feed, grep->reader);
	return error == -EINTR && grep->stop ? 0 : error;
}

static int run(struct grep *grep)
{
	if (grep->has_around) {
		bool text = strcmp(grep->printing.format, "text") == 0;
		grep->around_options.between = text ? "--" : NULL;
		grep->around_options.output = grep->output;
		grep->around = around_new(&grep->around_options);
	}
	if (grep->mode == GREP_FILES)
		grep->files = calloc(dump_file_count(grep->reader) + 1, sizeof *grep->files);
	if ((grep->has_around && !grep->around) || (grep->mode == GREP_FILES && !grep->files))
		return trouble("%s", strerror(ENOMEM));
	int error = grep->max ? read_dumps(grep) : 0;
	int code = print_found(grep);
	if (grep->no_memory)
		error = -ENOMEM;
	if (error)
		code = trouble("%s", strerror(-error));
	if (grep->feed.bad_records)
		code = trouble("%" PRIu64 " records cannot be decoded", grep->feed.bad_records);
	return code;
}

static const char *key_at(const void *context, size_t i)
{
	const struct rill_catalog *catalog = context;
	return catalog->keys[i].name;
}

/* Of damaged dumps without catalogs nothing is known, and nothing is said. */
static int check_only(const struct grep *grep)
{
	const char *near = NULL;
	bool any = false;
	for (size_t o = 0; o < dump_origin_count(grep->reader); o++) {
		const struct rill_catalogs *catalogs = &dump_origin(grep->reader, o)->catalogs;
		for (uint32_t c = 0; c < catalogs->count; c++) {
			const struct rill_catalog *catalog = catalogs->catalog[c];
			any = any || catalog;
			for (size_t i = 0; catalog && i < catalog->nkeys; i++)
				if (strcmp(catalog->keys[i].name, grep->only) == 0)
					return EXIT_OK;
			if (catalog && !near)
				nearest_names(grep->only, key_at, catalog, catalog->nkeys, &near,
					      1);
		}
	}
	return any ? usage_error("grep", "no catalog here has a key %s%s%s%s", grep->only,
				 near ? "; did you mean " : "", near ? near : "", near ? "?" : "")
		   : EXIT_OK;
}

static int grep_main(int argc, char **argv)
{
	struct grep grep = {.max = UINT64_MAX};
	print_init(&grep.printing);
	select_init(&grep.selection);
	int code = parse(&grep, argc, argv);
	if (code)
		return code;
	if (grep.help) {
		fputs(usage, stdout);
		return EXIT_OK;
	}
	/* What is around a hit may be anything. */
	grep.selection.all = grep.has_around;
	grep.reader =
		select_open(&grep.selection, "grep", argv + optind, (size_t)(argc - optind), &code);
	if (grep.reader && grep.mode == GREP_ONLY)
		code = check_only(&grep);
	if (grep.reader && !code) {
		code = EXIT_TROUBLE;
		if (print_open(&grep.printing, &grep.output)) {
			code = run(&grep);
			int printed = print_close(&grep.printing);
			code = printed ? printed : code;
		}
		if (report_damage(grep.reader) && grep.mode != GREP_QUIET)
			code = EXIT_TROUBLE;
	}
	around_free(grep.around);
	free(grep.files);
	select_close(&grep.selection, grep.reader);
	return code;
}

const struct command grep_command = {
	.name = "grep",
	.run = grep_main,
	.brief = "print what a predicate holds for: 'smtp.* && elapsed > 100ms'",
	.usage = usage,
	.options = options,
};
