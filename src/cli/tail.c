/* rill tail: the end of a trace, and what is added to it. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/kept.h"
#include "cli/print.h"
#include "cli/progress.h"
#include "cli/select.h"

static const char usage[] =
	"usage: rill tail [-f] [-n NUM] [OPTION...] PATH...\n"
	"\n"
	"Prints the last records and spans of dumps, read as one. PATH is a dump (*.rill) or a\n"
	"directory of them.\n"
	"\n"
	"  -n, --lines=NUM         so many (default 10)\n"
	"  -f, --follow            go on with what is written to the dumps, and with new ones in\n"
	"                          the directories\n"
	"      --exit-at-end       with -f: end when no traced process writes any more\n"
	"      --format=text|json  text for people (default), or one JSON object a line\n"
	"      --multiline         text: each key on a line of its own\n"
	"      --color[=always|never|auto]\n"
	"                          text: colors; auto (the default) on a terminal\n"
	"      --local             text: times in the local time zone (default UTC)\n" SELECT_USAGE
	"  -h, --help              print this\n"
	"\n" SELECT_USAGE_TIME "\n"
	"Exit codes: 0 something was printed; 1 a dump is damaged (what can be read is printed),\n"
	"nothing was found, or output failed; 2 wrong usage.\n";

enum { TAIL_FORMAT = 256, TAIL_EXIT };

static const struct option options[] = {
	{"lines", required_argument, NULL, 'n'},
	{"follow", no_argument, NULL, 'f'},
	{"exit-at-end", no_argument, NULL, TAIL_EXIT},
	{"format", required_argument, NULL, TAIL_FORMAT},
	{"multiline", no_argument, NULL, PRINT_MULTILINE},
	{"color", optional_argument, NULL, PRINT_COLOR},
	{"local", no_argument, NULL, PRINT_LOCAL},
	SELECT_OPTIONS,
	{"help", no_argument, NULL, 'h'},
	{0},
};

#define MAX_LINES 1000000u
/* Of copies that wait for the end. */
#define MAX_BYTES (128u << 20)
/* Less than this is read from its beginning: then the spans' counts are known. */
#define ALL_BYTES (64u << 20)
/* Else the last hundredth of a second first, and so much more when that is not enough. */
#define FIRST_WINDOW_NS UINT64_C(10000000)
#define WINDOW_FACTOR   16u
#define NAP_NS          200000000L

struct tail {
	struct selection selection;
	struct printing printing;
	size_t nlines;
	bool follow;
	bool exit_at_end;
	bool help;

	struct feed feed;
	struct dump_reader *reader;
	struct output output;
	struct kept_entry **kept; /* a ring of the last ones */
	size_t nkept;
	size_t first;
	size_t bytes;
	bool live; /* the end was reached: what comes now is printed at once */
	bool enough;
	bool from_start;
	bool no_memory;
};

static int parse_option(struct tail *tail, int option, const char *argument)
{
	long long number;
	switch (option) {
	case 'n':
		number = parse_number(argument);
		if (number < 0 || number > MAX_LINES)
			return usage_error("tail", "--lines is a number up to %u, not \"%s\"",
					   MAX_LINES, argument);
		tail->nlines = (size_t)number;
		return EXIT_OK;
	case 'f':
		tail->follow = true;
		return EXIT_OK;
	case TAIL_EXIT:
		tail->exit_at_end = true;
		return EXIT_OK;
	case 'h':
		tail->help = true;
		return EXIT_OK;
	default:
		break;
	}
	int code = print_option(&tail->printing, "tail", option == TAIL_FORMAT ? 'f' : option,
				argument);
	if (code < 0)
		code = select_option(&tail->selection, "tail", option, argument);
	return code < 0 ? option_error("tail") : code;
}

static int parse(struct tail *tail, int argc, char **argv)
{
	int option;
	optind = 1;
	opterr = 1;
	while ((option = getopt_long(argc, argv, "hn:f" SELECT_LETTERS, options, NULL)) >= 0) {
		int code = parse_option(tail, option, optarg);
		if (code)
			return code;
	}
	if (optind == argc && !tail->help)
		return usage_error("tail", "which dump?");
	return EXIT_OK;
}

static void drop_first(struct tail *tail)
{
	struct kept_entry *kept = tail->kept[tail->first];
	tail->first = (tail->first + 1) % tail->nlines;
	tail->nkept--;
	tail->bytes -= kept->size;
	free(kept);
}

static void keep_last(struct tail *tail, const struct rill_batch *batch)
{
	/* Of a batch no more than can be among the last. */
	size_t from = batch->count > tail->nlines ? batch->count - tail->nlines : 0;
	for (size_t i = from; i < batch->count; i++) {
		struct kept_entry *kept =
			keep_entry(&batch->entries[i], &batch->catalogs, tail->feed.origin);
		if (!kept) {
			tail->no_memory = true;
			return;
		}
		if (tail->nkept == tail->nlines)
			drop_first(tail);
		tail->kept[(tail->first + tail->nkept++) % tail->nlines] = kept;
		tail->bytes += kept->size;
		while (tail->bytes > MAX_BYTES && tail->nkept > 1)
			drop_first(tail);
	}
}

static void write_batch(void *state, const struct rill_batch *batch)
{
	struct tail *tail = state;
	/* Spans that are open at the end are no lines of the end. */
	if (tail->feed.ending)
		return;
	if (tail->live)
		tail->output.write(tail->output.state, batch);
	else if (tail->nlines)
		keep_last(tail, batch);
}

static void print_kept(struct tail *tail)
{
	while (tail->nkept) {
		const struct kept_entry *kept = tail->kept[tail->first];
		struct rill_batch batch = {&kept->entry, 1, kept->catalogs};
		tail->output.write(tail->output.state, &batch);
		drop_first(tail);
	}
}

static bool anyone_writes(const struct tail *tail)
{
	for (size_t i = 0; i < dump_file_count(tail->reader); i++)
		if (dump_file(tail->reader, i)->running)
			return true;
	return false;
}

/* At the end of what there is. */
static bool more(void *context)
{
	struct tail *tail = context;
	const struct timespec nap = {0, NAP_NS};
	if (!tail->live) {
		progress_end();
		tail->enough = tail->from_start || tail->nkept >= tail->nlines;
		if (!tail->enough)
			return false;
		print_kept(tail);
		tail->live = true;
	}
	if (!tail->follow)
		return false;
	for (;;) {
		/* Asked before: what a process writes before it ends is still read. */
		bool last = tail->exit_at_end && !anyone_writes(tail);
		int found = dump_refresh(tail->reader);
		if (found < 0)
			tail->no_memory = true;
		if (found)
			return found > 0;
		if (last)
			return false;
		nanosleep(&nap, NULL);
	}
}

/* Where to begin, so that not all of a large trace is read for its end. 0: at its beginning. */
static uint64_t begin_of_window(const struct dump_reader *reader, uint64_t window_ns)
{
	uint64_t bytes = 0, first = UINT64_MAX, last = 0;
	for (size_t i = 0; i < dump_file_count(reader); i++) {
		const struct dump_file *file = dump_file(reader, i);
		bytes += file->bytes;
		first = file->first_ns < first ? file->first_ns : first;
		last = file->last_ns > last ? file->last_ns : last;
	}
	return bytes <= ALL_BYTES || last - first <= window_ns || last < first ? 0
									       : last - window_ns;
}

static int read_once(struct tail *tail)
{
	struct output output = select_output(&tail->selection, &tail->feed);
	tail->selection.next = (struct output){.write = write_batch, .state = tail};
	if (!print_open(&tail->printing, &tail->output))
		return EXIT_TROUBLE;
	tail->feed =
		(struct feed){.outputs = &output, .noutputs = 1, .more = more, .context = tail};
	int error = feed_run(&tail->feed, tail->reader);
	int code = print_close(&tail->printing);
	if (tail->no_memory)
		error = -ENOMEM;
	if (error)
		code = trouble("%s", strerror(-error));
	if (!tail->enough)
		return code;
	if (tail->feed.bad_records)
		code = trouble("%" PRIu64 " records cannot be decoded", tail->feed.bad_records);
	if (report_damage(tail->reader))
		code = EXIT_TROUBLE;
	return code;
}

static int run(struct tail *tail, char *const *paths, size_t npaths)
{
	uint64_t asked_ns = tail->selection.since_ns, window_ns = FIRST_WINDOW_NS;
	int code = EXIT_OK;
	uint64_t since = 1;
	while (!tail->enough && !code) {
		tail->reader = select_open(&tail->selection, "tail", paths, npaths, &code);
		if (tail->reader && since == 1) {
			/* Its files say where their end is. */
			since = begin_of_window(tail->reader, window_ns);
			tail->from_start = since <= asked_ns;
			if (!tail->from_start) {
				select_close(&tail->selection, tail->reader);
				tail->selection.since_ns = since;
				continue;
			}
		}
		if (tail->reader)
			code = read_once(tail);
		while (tail->nkept)
			drop_first(tail);
		select_close(&tail->selection, tail->reader);
		tail->selection.since_ns = asked_ns;
		window_ns *= WINDOW_FACTOR;
		since = 1;
	}
	return code;
}

static int tail_main(int argc, char **argv)
{
	struct tail tail = {.nlines = 10};
	print_init(&tail.printing);
	select_init(&tail.selection);
	int code = parse(&tail, argc, argv);
	if (code)
		return code;
	if (tail.help) {
		fputs(usage, stdout);
		return EXIT_OK;
	}
	tail.kept = calloc(tail.nlines + 1, sizeof(struct kept_entry *));
	if (!tail.kept)
		return trouble("%s", strerror(ENOMEM));
	code = run(&tail, argv + optind, (size_t)(argc - optind));
	free(tail.kept);
	if (!tail.selection.selected && !code && tail.nlines)
		return trouble("nothing found");
	return code;
}

const struct command tail_command = {
	.name = "tail",
	.run = tail_main,
	.brief = "print the end of a trace, and with -f what is added to it",
	.usage = usage,
	.options = options,
};
