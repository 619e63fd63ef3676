/* rill merge: several dumps as one file. */
#include <getopt.h>
#include <inttypes.h>

#include "cli/copy/copy.h"

static const char usage[] =
	"usage: rill merge -o OUT PATH...\n"
	"\n"
	"Writes one dump that holds what these dumps do: all processes, each with its catalogs,\n"
	"clock, filters, counts and losses, and their records in order of time. PATH is a dump\n"
	"(*.rill) or a directory of them.\n"
	"\n"
	"  -o, --output=OUT  the file to write; it is replaced when all is done\n"
	"  -h, --help        print this\n"
	"\n"
	"Exit codes: 0 done; 1 a dump is damaged (what can be read is in OUT) or writing failed;\n"
	"2 wrong usage.\n";

static const struct option options[] = {
	{"output", required_argument, NULL, 'o'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static int merge_main(int argc, char **argv)
{
	const char *out = NULL;
	uint64_t records;
	int option;
	optind = 1;
	while ((option = getopt_long(argc, argv, "o:h", options, NULL)) >= 0) {
		switch (option) {
		case 'o':
			out = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			return EXIT_OK;
		default:
			return option_error("merge");
		}
	}
	if (!out)
		return usage_error("merge", "where to? --output is missing");
	if (optind == argc)
		return usage_error("merge", "which dumps?");
	struct dump_reader *reader = open_dumps(argv + optind, (size_t)(argc - optind), NULL);
	if (!reader)
		return EXIT_TROUBLE;
	int code = copy_run(reader, out, 0, NULL, NULL, &records);
	if (report_damage(reader))
		code = EXIT_TROUBLE;
	dump_reader_close(reader);
	return code;
}

const struct command merge_command = {
	.name = "merge",
	.run = merge_main,
	.brief = "write several dumps as one",
	.usage = usage,
	.options = options,
};
