/* rill report: a dump as one page for a browser. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/export/export.h"
#include "cli/report/report.h"
#include "cli/select.h"

static const char usage[] =
	"usage: rill report [-o OUT] [OPTION...] PATH...\n"
	"\n"
	"Writes dumps, read as one, as an HTML page: summary, timeline, waterfall of spans,\n"
	"latencies, losses, catalog. The page needs no network and no other file. PATH is a dump\n"
	"(*.rill) or a directory of them.\n"
	"\n"
	"  -o, --output=OUT        the file to write (default report.html); - is standard output\n"
	"  -n, --limit=N           when there are many more events or spans than N (default\n"
	"                          1000000), show the details of about N: the slowest spans,\n"
	"                          warnings and errors, a sample; counts are always of "
	"all\n" SELECT_USAGE "  -h, --help              print this\n"
	"\n" SELECT_USAGE_TIME "\n"
	"OUT appears when it is whole: until then it has a temporary name beside it.\n"
	"\n"
	"Exit codes: 0 the page is whole; 1 a dump is damaged (what can be read is in the page),\n"
	"nothing was found, or output failed; 2 wrong usage.\n";

static const struct option options[] = {
	{"output", required_argument, NULL, 'o'},
	{"limit", required_argument, NULL, 'n'},
	SELECT_OPTIONS,
	{"help", no_argument, NULL, 'h'},
	{0},
};

struct report {
	struct selection selection;
	const char *output;
	uint64_t limit;
	bool help;
	char *selected; /* the options of the selection, as the page tells them */

	FILE *out;
	struct feed feed;
	struct model model;
	struct choice choice;
	struct detail *detail; /* NULL: the first pass */
};

/* A signal's number. */
static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
	stopped = number;
}

/* What is half written is removed before the signal is obeyed. */
static void catch_signals(void)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction action = {.sa_handler = on_signal}, before;
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		sigaction(numbers[i], NULL, &before);
		if (before.sa_handler != SIG_IGN)
			sigaction(numbers[i], &action, NULL);
	}
}

static int parse_option(struct report *report, int option, const char *argument)
{
	switch (option) {
	case 'o':
		report->output = argument;
		return EXIT_OK;
	case 'n': {
		long long limit = parse_number(argument);
		if (limit < 1)
			return usage_error("report", "limit \"%s\" is not a number of events",
					   argument);
		report->limit = (uint64_t)limit;
		return EXIT_OK;
	}
	case 'h':
		report->help = true;
		return EXIT_OK;
	default:
		break;
	}
	int code = select_option(&report->selection, "report", option, argument);
	return code < 0 ? option_error("report") : code;
}

/* The page says what it was asked for. */
static bool note_selection(struct report *report, int option, const char *argument)
{
	if (strchr("ohn", option))
		return true;
	const char *name = "";
	for (const struct option *at = options; at->name; at++)
		if (at->val == option)
			name = at->name;
	char *longer;
	if (asprintf(&longer, "%s%s--%s=%s", report->selected, *report->selected ? " " : "", name,
		     argument) < 0)
		return false;
	free(report->selected);
	report->selected = longer;
	return true;
}

static int parse(struct report *report, int argc, char **argv)
{
	int option;
	optind = 1;
	opterr = 1;
	while ((option = getopt_long(argc, argv, "ho:n:" SELECT_LETTERS, options, NULL)) >= 0) {
		int code = parse_option(report, option, optarg);
		if (code)
			return code;
		if (!note_selection(report, option, optarg))
			return trouble("%s", strerror(ENOMEM));
	}
	if (optind == argc && !report->help)
		return usage_error("report", "which dump?");
	return EXIT_OK;
}

static void write_selected(void *state, const struct rill_batch *batch)
{
	struct report *report = state;
	const struct dump_origin *origin = report->feed.origin;
	bool ending = report->feed.ending;
	for (size_t i = 0; i < batch->count; i++) {
		const struct rill_entry *entry = &batch->entries[i];
		if (entry->record && report->detail)
			detail_add_record(report->detail, origin, entry->record);
		else if (entry->record)
			model_add_record(&report->model, origin, entry->record);
		else if (report->detail)
			detail_add_span(report->detail, origin, entry->span, ending);
		else
			model_add_span(&report->model, entry->span, ending);
	}
}

/* Behind the selection, for spans that are over although nothing of them was selected. */
static void forget_spans(void *state, const struct rill_batch *batch)
{
	struct report *report = state;
	for (size_t i = 0; report->detail && i < batch->count; i++)
		if (batch->entries[i].span)
			detail_forget_span(report->detail, batch->entries[i].span);
}

static int run_pass(struct report *report, struct dump_reader *reader)
{
	report->selection.next = (struct output){.write = write_selected, .state = report};
	const struct output outputs[] = {
		select_output(&report->selection, &report->feed),
		{.write = forget_spans, .state = report},
	};
	report->feed = (struct feed){.outputs = outputs, .noutputs = 2, .stop = &stopped};
	int error = feed_run(&report->feed, reader);
	return report->model.no_memory ? -ENOMEM : error;
}

/* Counts, and writes the page up to its details. */
static int first_pass(struct report *report, struct dump_reader *reader)
{
	int error = model_begin(&report->model, reader);
	if (!error)
		error = run_pass(report, reader);
	report->model.bad_records = report->feed.bad_records;
	if (!error)
		error = choice_make(&report->choice, &report->model, report->limit);
	if (error)
		return error;
	fwrite(report_head, 1, report_head_size, report->out);
	summary_write(report->out, &report->model, &report->choice, reader, report->selected);
	fwrite(report_script, 1, report_script_size, report->out);
	return ferror(report->out) ? -errno : 0;
}

static int second_pass(struct report *report, struct dump_reader *reader)
{
	model_second_pass(&report->model, reader);
	report->detail = detail_new(report->out, &report->model, &report->choice);
	int error = report->detail ? run_pass(report, reader) : -ENOMEM;
	if (!error)
		error = detail_end(report->detail);
	fputs("</body>\n</html>\n", report->out);
	if (!error && (ferror(report->out) || fflush(report->out)))
		error = errno ? -errno : -EIO;
	return error;
}

static bool found_something(const struct report *report)
{
	return report->model.total || report->model.total_spans;
}

/* 0: the page is whole, or there is nothing to be shown; *code says what is to be told besides. */
static int write_page(struct report *report, char *const *paths, size_t npaths, int *code)
{
	struct dump_reader *reader = select_open(&report->selection, "report", paths, npaths, code);
	if (!reader)
		return -ENODATA;
	int error = first_pass(report, reader);
	if (!error)
		*code = report_damage(reader);
	select_close(&report->selection, reader);
	if (error || !found_something(report))
		return error;
	int again;
	reader = select_open(&report->selection, "report", paths, npaths, &again);
	if (!reader)
		return -ENODATA;
	error = second_pass(report, reader);
	select_close(&report->selection, reader);
	return error;
}

static int run(struct report *report, char *const *paths, size_t npaths)
{
	struct target target;
	int code = target_open(&target, report->output, false);
	if (code)
		return code;
	int fd = dup(target.fd);
	int error = -errno;
	report->out = fd < 0 ? NULL : fdopen(fd, "w");
	if (report->out) {
		error = write_page(report, paths, npaths, &code);
		fclose(report->out);
	}
	int closed = target_close(&target, !error && found_something(report));
	if (error) {
		/* As with cat: who does not read on needs no message; open_dumps() has given one.
		 */
		if (error != -EPIPE && error != -ENODATA && !stopped)
			trouble("%s: %s", target.out, strerror(-error));
		return code ? code : EXIT_TROUBLE;
	}
	if (report->model.bad_records)
		code = trouble("%" PRIu64 " records cannot be decoded", report->model.bad_records);
	if (!found_something(report) && !code)
		code = trouble("nothing found");
	return closed ? closed : code;
}

static int report_main(int argc, char **argv)
{
	struct report report = {.output = "report.html", .limit = 1000000};
	select_init(&report.selection);
	report.selected = strdup("");
	int code = report.selected ? parse(&report, argc, argv) : EXIT_TROUBLE;
	if (!code && report.help) {
		fputs(usage, stdout);
	} else if (!code) {
		catch_signals();
		code = run(&report, argv + optind, (size_t)(argc - optind));
	}
	if (report.detail)
		detail_free(report.detail);
	choice_free(&report.choice);
	model_free(&report.model);
	free(report.selected);
	if (stopped) {
		signal(stopped, SIG_DFL);
		raise(stopped);
	}
	return code;
}

const struct command report_command = {
	.name = "report",
	.run = report_main,
	.brief = "write a dump as one page for a browser",
	.usage = usage,
	.options = options,
};
