/* rill cat: a dump as the live sinks would have written it. */
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/select.h"
#include "sink/sink.h"

static const char usage[] =
	"usage: rill cat [OPTION...] PATH...\n"
	"\n"
	"Prints the records and spans of dumps, in order of time, as the live sinks would have\n"
	"written them. PATH is a dump (*.rill) or a directory of them.\n"
	"\n"
	"  -f, --format=text|json  text for people (default), or one JSON object a line\n"
	"  -m, --multiline         text: each key on a line of its own\n"
	"  -c, --color[=WHEN]      text: colors always, never, or auto (on a terminal)\n"
	"      --local             text: times in the local time zone (default UTC)\n" SELECT_USAGE
	"  -h, --help              print this\n"
	"\n" SELECT_USAGE_TIME "\n"
	"Exit codes: 0 something was printed; 1 a dump is damaged (what can be read is printed),\n"
	"nothing was found, or output failed; 2 wrong usage.\n";

static const struct option options[] = {
	{"format", required_argument, NULL, 'f'},
	{"multiline", no_argument, NULL, 'm'},
	{"color", optional_argument, NULL, 'c'},
	{"local", no_argument, NULL, 'L'},
	SELECT_OPTIONS,
	{"help", no_argument, NULL, 'h'},
	{0},
};

struct cat {
	struct selection selection;
	const char *format;
	const char *color;
	bool multiline;
	bool local;
	bool help;
	uint64_t failed; /* lines */
};

static bool is_one_of(const char *text, const char *const *choices)
{
	while (*choices && strcmp(*choices, text) != 0)
		choices++;
	return *choices != NULL;
}

static int parse_option(struct cat *cat, int option, char *argument)
{
	static const char *const formats[] = {"text", "json", NULL};
	static const char *const colors[] = {"auto", "always", "never", NULL};
	switch (option) {
	case 'f':
		cat->format = argument;
		if (!is_one_of(argument, formats))
			return usage_error("cat", "format \"%s\" is not text or json", argument);
		return EXIT_OK;
	case 'm':
		cat->multiline = true;
		return EXIT_OK;
	case 'c':
		cat->color = argument ? argument : "always";
		if (!is_one_of(cat->color, colors))
			return usage_error("cat", "color \"%s\" is not always, never or auto",
					   argument);
		return EXIT_OK;
	case 'L':
		cat->local = true;
		return EXIT_OK;
	case 'h':
		cat->help = true;
		return EXIT_OK;
	default:
		break;
	}
	int code = select_option(&cat->selection, "cat", option, argument);
	return code < 0 ? option_error("cat") : code;
}

static int parse(struct cat *cat, int argc, char **argv)
{
	int option;
	optind = 1;
	opterr = 1;
	while ((option = getopt_long(argc, argv, "hf:mc::" SELECT_LETTERS, options, NULL)) >= 0) {
		int code = parse_option(cat, option, optarg);
		if (code)
			return code;
	}
	if (optind == argc && !cat->help)
		return usage_error("cat", "which dump?");
	return EXIT_OK;
}

static struct sink *open_sink(const struct cat *cat)
{
	char spec[160], error[256];
	/* Without a queue: nothing may be lost because a pager reads slowly. */
	int used = snprintf(spec, sizeof spec, "%s:stdout?queue=0", cat->format);
	if (strcmp(cat->format, "text") == 0)
		snprintf(spec + used, sizeof spec - (size_t)used, "&color=%s&multiline=%s&time=%s",
			 cat->color, cat->multiline ? "1" : "0", cat->local ? "local" : "utc");
	struct sink *sink;
	if (sink_open(&sink, spec, error, sizeof error)) {
		trouble("%s", error);
		return NULL;
	}
	return sink;
}

static int print_dump(struct cat *cat, const char *path)
{
	struct dump_reader *reader = open_dumps((char *const *)&path, 1, NULL);
	if (!reader)
		return EXIT_TROUBLE;
	/* A sink remembers catalogs, and these are gone with the reader. */
	struct sink *sink = open_sink(cat);
	if (!sink) {
		dump_reader_close(reader);
		return EXIT_TROUBLE;
	}
	cat->selection.next = sink_output(sink);
	struct output output = select_output(&cat->selection);
	struct feed feed = {.outputs = &output, .noutputs = 1};
	int error = feed_run(&feed, reader);
	sink_flush(sink);
	struct sink_totals totals;
	sink_totals(sink, &totals);
	sink_close(sink);
	cat->failed += totals.records.failed + totals.spans.failed;
	int code = report_damage(reader);
	if (error)
		code = trouble("%s: %s", path, strerror(-error));
	if (feed.bad_records)
		code = trouble("%s: %" PRIu64 " records cannot be decoded", path, feed.bad_records);
	/* What the cache of names refers to goes with the reader. */
	select_free(&cat->selection);
	dump_reader_close(reader);
	return code;
}

static int cat_main(int argc, char **argv)
{
	struct cat cat = {.format = "text", .color = "auto"};
	select_init(&cat.selection);
	int code = parse(&cat, argc, argv);
	if (code)
		return code;
	if (cat.help) {
		fputs(usage, stdout);
		return EXIT_OK;
	}
	for (int i = optind; i < argc; i++)
		if (print_dump(&cat, argv[i]))
			code = EXIT_TROUBLE;
	if (cat.failed)
		return trouble("%" PRIu64 " lines could not be written", cat.failed);
	if (!cat.selection.selected && !code)
		return trouble("nothing found");
	return code;
}

const struct command cat_command = {
	.name = "cat",
	.run = cat_main,
	.brief = "print a dump as text or JSON lines, in order of time",
	.usage = usage,
	.options = options,
};
