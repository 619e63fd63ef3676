/* rill export: a dump as the files of other programs. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/export/export.h"
#include "cli/select.h"

static const char usage[] =
	"usage: rill export --to=FORMAT [-o OUT] [OPTION...] PATH...\n"
	"\n"
	"Writes the records and spans of dumps, read as one, in the format of another program.\n"
	"PATH is a dump (*.rill) or a directory of them.\n"
	"\n"
	"  -t, --to=FORMAT         one of those below\n"
	"  -o, --output=OUT        the file or directory to write; - is standard output, which is\n"
	"                          the default for a file unless it is a terminal\n"
	"      --only=WHAT         jsonl, csv: events or spans alone, as one file\n" SELECT_USAGE
	"  -h, --help              print this\n"
	"\n" SELECT_USAGE_TIME "\n"
	"formats:\n";

static const char usage_end[] =
	"\n"
	"OUT appears when it is whole: until then it has a temporary name beside it.\n"
	"\n"
	"Exit codes: 0 all is written; 1 a dump is damaged (what can be read is written), nothing\n"
	"was found, or output failed; 2 wrong usage.\n";

static const struct option options[] = {
	{"to", required_argument, NULL, 't'},   {"output", required_argument, NULL, 'o'},
	{"only", required_argument, NULL, 'O'}, SELECT_OPTIONS,
	{"help", no_argument, NULL, 'h'},       {0},
};

static const struct export_format *const formats[] = {
	&export_ctf,   &export_perfetto, &export_chrome, &export_otlp,
	&export_jsonl, &export_csv,      NULL,
};

struct export
{
	struct selection selection;
	const struct export_format *format;
	const char *out;
	bool help;

	struct export_job job;
	void *state;
	int error;
};

static int show_usage(void)
{
	fputs(usage, stdout);
	for (size_t i = 0; formats[i]; i++)
		printf("  %-22s  %s\n", formats[i]->name, formats[i]->brief);
	fputs(usage_end, stdout);
	return EXIT_OK;
}

static int parse_format(struct export *export, const char *name)
{
	for (size_t i = 0; formats[i]; i++) {
		if (strcmp(formats[i]->name, name) != 0)
			continue;
		export->format = formats[i];
		return EXIT_OK;
	}
	char names[SHORT_TEXT * 4] = "";
	for (size_t i = 0, used = 0; formats[i] && used < sizeof names; i++)
		used += (size_t)snprintf(names + used, sizeof names - used, "%s%s",
					 !i               ? ""
					 : formats[i + 1] ? ", "
							  : " and ",
					 formats[i]->name);
	return usage_error("export", "there is no format \"%s\"; there are %s", name, names);
}

static int parse_only(struct export *export, const char *what)
{
	if (strcmp(what, "events") == 0)
		export->job.only = EXPORT_EVENTS;
	else if (strcmp(what, "spans") == 0)
		export->job.only = EXPORT_SPANS;
	else
		return usage_error("export", "\"%s\" is not events or spans", what);
	return EXIT_OK;
}

/* Whether OUT is one. */
static bool is_directory(const struct export *export)
{
	return export->format->directory && export->job.only == EXPORT_BOTH;
}

static int parse_option(struct export *export, int option, const char *argument)
{
	switch (option) {
	case 't':
		return parse_format(export, argument);
	case 'o':
		export->out = argument;
		return EXIT_OK;
	case 'O':
		return parse_only(export, argument);
	case 'h':
		export->help = true;
		return EXIT_OK;
	default:
		break;
	}
	int code = select_option(&export->selection, "export", option, argument);
	return code < 0 ? option_error("export") : code;
}

static int parse(struct export *export, int argc, char **argv)
{
	int option;
	optind = 1;
	opterr = 1;
	while ((option = getopt_long(argc, argv, "ht:o:" SELECT_LETTERS, options, NULL)) >= 0) {
		int code = parse_option(export, option, optarg);
		if (code)
			return code;
	}
	if (export->help)
		return EXIT_OK;
	if (!export->format)
		return usage_error("export", "to which format? --to=FORMAT");
	if (optind == argc)
		return usage_error("export", "which dump?");
	if (export->job.only != EXPORT_BOTH && !export->format->pair)
		return usage_error("export", "%s has no file for events or spans alone",
				   export->format->name);
	if (is_directory(export) && (!export->out || strcmp(export->out, "-") == 0))
		return usage_error("export", "%s is a directory: -o OUT%s", export->format->name,
				   export->format->pair ? ", or --only=events or spans" : "");
	if (!export->out && isatty(STDOUT_FILENO))
		return usage_error("export", "where to? -o OUT, or -o - for the terminal");
	return EXIT_OK;
}

static void write_batch(void *state, const struct rill_batch *batch)
{
	struct export *export = state;
	if (export->error)
		return;
	export->error = export->format->write(export->state, batch);
	if (export->error && !target_stopped)
		target_stopped = -1;
}

static int write_all(struct export *export)
{
	struct export_job *job = &export->job;
	struct output output = select_output(&export->selection, &job->feed);
	job->feed = (struct feed){.outputs = &output,
				  .noutputs = 1,
				  .until_ns = export->selection.want.until_ns,
				  .stop = &target_stopped};
	int error = export->format->open(&export->state, job);
	if (error)
		return error;
	export->selection.next = (struct output){.write = write_batch, .state = export};
	error = feed_run(&job->feed, job->reader);
	if (export->error)
		error = export->error;
	int closed = export->format->close(export->state, !error);
	if (!error)
		error = closed;
	if (!is_directory(export) && !error)
		error = export_out_flush(&job->out);
	buffer_free(&job->out.buffer);
	return error;
}

static int run(struct export *export, struct dump_reader *reader)
{
	struct target target;
	int code = target_open(&target, export->out ? export->out : "-", is_directory(export));
	if (code)
		return code;
	export->job.reader = reader;
	export->job.selecting = !select_is_all(&export->selection);
	export->job.directory = target.fd;
	export->job.out.fd = target.fd;
	int error = write_all(export);
	code = target_close(&target, !error);
	/* As with cat: who does not read on needs no message. */
	if (error && error != -EPIPE && target_stopped <= 0)
		code = trouble("%s: %s", target.out, strerror(-error));
	if (error)
		return EXIT_TROUBLE;
	if (export->job.feed.bad_records)
		code = trouble("%" PRIu64 " records cannot be decoded",
			       export->job.feed.bad_records);
	if (!export->selection.selected && !code)
		code = trouble("nothing found");
	return code;
}

static int export_main(int argc, char **argv)
{
	struct export export = {0};
	select_init(&export.selection);
	int code = parse(&export, argc, argv);
	if (code)
		return code;
	if (export.help)
		return show_usage();
	struct dump_reader *reader = select_open(&export.selection, "export", argv + optind,
						 (size_t)(argc - optind), &code);
	if (!reader) {
		select_close(&export.selection, NULL);
		return code;
	}
	export.job.paths = argv + optind;
	export.job.npaths = (size_t)(argc - optind);
	export.job.want = &export.selection.want;
	target_catch_signals();
	code = run(&export, reader);
	if (target_stopped <= 0 && report_damage(reader))
		code = EXIT_TROUBLE;
	select_close(&export.selection, reader);
	target_obey_signal();
	return code;
}

static const char *value(const char *word, size_t i)
{
	size_t n = 0;
	while (n < i && formats[n])
		n++;
	return strcmp(word, "FORMAT") == 0 && formats[n] ? formats[n]->name : NULL;
}

const struct command export_command = {
	.name = "export",
	.run = export_main,
	.brief = "write a dump as the files of other programs",
	.usage = usage,
	.options = options,
	.value = value,
};
