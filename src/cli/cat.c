/* rill cat: a dump as the live sinks would have written it. */
#include <getopt.h>
#include <inttypes.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/print.h"
#include "cli/select.h"

static const char usage[] =
	"usage: rill cat [OPTION...] PATH...\n"
	"\n"
	"Prints the records and spans of dumps, in order of time, as the live sinks would have\n"
	"written them. PATH is a dump (*.rill) or a directory of them; all are read as one.\n"
	"\n"
	"  -f, --format=text|json  text for people (default), or one JSON object a line\n"
	"  -m, --multiline         text: each key on a line of its own\n"
	"  -c, --color[=always|never|auto]\n"
	"                          text: colors; auto (the default) on a terminal\n"
	"      --local             text: times in the local time zone (default UTC)\n" SELECT_USAGE
	"  -h, --help              print this\n"
	"\n" SELECT_USAGE_TIME "\n"
	"Exit codes: 0 something was printed; 1 a dump is damaged (what can be read is printed),\n"
	"nothing was found, or output failed; 2 wrong usage.\n";

static const struct option options[] = {
	PRINT_OPTIONS,
	SELECT_OPTIONS,
	{"help", no_argument, NULL, 'h'},
	{0},
};

struct cat {
	struct selection selection;
	struct printing printing;
	bool help;
};

static int parse_option(struct cat *cat, int option, const char *argument)
{
	if (option == 'h') {
		cat->help = true;
		return EXIT_OK;
	}
	option = option == 'm' ? PRINT_MULTILINE : option == 'c' ? PRINT_COLOR : option;
	int code = print_option(&cat->printing, "cat", option, argument);
	if (code < 0)
		code = select_option(&cat->selection, "cat", option, argument);
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

static int print_dumps(struct cat *cat, struct dump_reader *reader)
{
	struct feed feed = {.noutputs = 1, .until_ns = cat->selection.want.until_ns};
	struct output output = select_output(&cat->selection, &feed);
	if (!print_open(&cat->printing, &cat->selection.next))
		return EXIT_TROUBLE;
	feed.outputs = &output;
	int error = feed_run(&feed, reader);
	int code = print_close(&cat->printing);
	if (error)
		code = trouble("%s", strerror(-error));
	if (feed.bad_records)
		code = trouble("%" PRIu64 " records cannot be decoded", feed.bad_records);
	if (report_damage(reader))
		code = EXIT_TROUBLE;
	if (!cat->selection.selected && !code)
		code = trouble("nothing found");
	return code;
}

static int cat_main(int argc, char **argv)
{
	struct cat cat = {.help = false};
	print_init(&cat.printing);
	select_init(&cat.selection);
	int code = parse(&cat, argc, argv);
	if (code)
		return code;
	if (cat.help) {
		fputs(usage, stdout);
		return EXIT_OK;
	}
	struct dump_reader *reader =
		select_open(&cat.selection, "cat", argv + optind, (size_t)(argc - optind), &code);
	if (reader)
		code = print_dumps(&cat, reader);
	select_close(&cat.selection, reader);
	return code;
}

const struct command cat_command = {
	.name = "cat",
	.run = cat_main,
	.brief = "print a dump as text or JSON lines, in order of time",
	.usage = usage,
	.options = options,
};
