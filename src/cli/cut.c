/* rill cut: a part of a dump as a dump. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>

#include "cli/copy/copy.h"
#include "cli/select.h"

static const char usage[] =
	"usage: rill cut -o OUT [OPTION...] PATH...\n"
	"\n"
	"Writes a dump with only some of the records of these dumps. What is left out counts as\n"
	"filtered in it, so that what was emitted is still accounted for. PATH is a dump (*.rill)\n"
	"or a directory of them.\n"
	"\n"
	"  -o, --output=OUT        the file to write; it is replaced when all is "
	"done\n" SELECT_USAGE "  -h, --help              print this\n"
	"\n" SELECT_USAGE_TIME "\n"
	"Exit codes: 0 done; 1 no record is left, a dump is damaged (what can be read is in OUT), "
	"or\n"
	"writing failed; 2 wrong usage.\n";

static const struct option options[] = {
	{"output", required_argument, NULL, 'o'},
	SELECT_OPTIONS,
	{"help", no_argument, NULL, 'h'},
	{0},
};

#define OPEN_SPANS (1u << 17)

struct cut {
	struct selection selection;
	struct feed feed; /* tells the selection whose records these are */
	struct output output;
	struct dump_reader *reader;
	struct pipeline **pipelines; /* by origin */
	bool early;                  /* the record at hand, if it were not for its time */
	bool no_memory;
};

static void take_nothing(void *state, const struct rill_batch *batch)
{
	(void)state;
	(void)batch;
}

static struct pipeline *pipeline_of(struct cut *cut, uint32_t index)
{
	const struct dump_origin *origin = dump_origin(cut->reader, index);
	struct pipeline_options to = {
		.pid = origin->process.pid,
		.process_id = {origin->process.id[0], origin->process.id[1]},
		.max_open_spans = OPEN_SPANS,
	};
	if (!cut->pipelines[index])
		cut->pipelines[index] = pipeline_new(&to, &origin->catalogs);
	return cut->pipelines[index];
}

/* Spans need all records that begin or end them, and are no records themselves: what the selection
 * hands on is the record, or nothing. */
static void take_batch(void *state, const struct rill_batch *batch)
{
	struct cut *cut = state;
	for (size_t i = 0; i < batch->count; i++) {
		struct rill_batch one = {&batch->entries[i], 1, batch->catalogs};
		if (batch->entries[i].record)
			cut->output.write(cut->output.state, &one);
	}
}

/* From before the time that was asked for: whether its start would be taken else. */
static void take_early(void *state, const struct rill_batch *batch)
{
	struct cut *cut = state;
	struct selection *selection = &cut->selection;
	uint64_t since_ns = selection->since_ns;
	selection->since_ns = 0;
	for (size_t i = 0; i < batch->count; i++)
		if (batch->entries[i].record)
			cut->early |= select_takes(selection, &batch->entries[i], &batch->catalogs);
	selection->since_ns = since_ns;
}

static bool ends_a_span(const struct rill_catalogs *catalogs, const struct raw_record *raw)
{
	const struct rill_catalog *catalog =
		raw->catalog < catalogs->count ? catalogs->catalog[raw->catalog] : NULL;
	for (size_t i = 0; catalog && i < catalog->nspans; i++)
		if (catalog->spans[i].end == raw->event)
			return true;
	return false;
}

static bool takes(void *context, const struct dump_record *record)
{
	struct cut *cut = context;
	struct pipeline *pipeline = pipeline_of(cut, record->origin);
	struct output each = {.write = take_batch, .state = cut};
	struct pipeline_input input = {.raw = record->raw, .ns = record->ns, .tid = record->tid};
	uint64_t before = cut->selection.selected;
	if (!pipeline) {
		cut->no_memory = true;
		return false;
	}
	cut->feed.origin = dump_origin(cut->reader, record->origin);
	if (record->context) {
		struct output early = {.write = take_early, .state = cut};
		bool is_before = record->ns < cut->selection.since_ns;
		cut->early = false;
		pipeline_feed(pipeline, &input, 1, &early, is_before);
		return cut->early ||
		       (is_before && ends_a_span(&cut->feed.origin->catalogs, &record->raw));
	}
	pipeline_feed(pipeline, &input, 1, &each, 1);
	return cut->selection.selected > before;
}

static int run(struct cut *cut, const char *out, char **paths, size_t npaths)
{
	int code = EXIT_OK;
	uint64_t records = 0;
	/* What is known of spans that begin before goes with them. */
	cut->reader = select_open(&cut->selection, "cut", paths, npaths, &code);
	if (!cut->reader)
		return code;
	size_t norigins = dump_origin_count(cut->reader);
	cut->pipelines = calloc(norigins + 1, sizeof(struct pipeline *));
	cut->selection.next = (struct output){.write = take_nothing};
	cut->output = select_output(&cut->selection, &cut->feed);
	code = cut->pipelines
		       ? copy_run(cut->reader, out, cut->selection.since_ns, takes, cut, &records)
		       : EXIT_TROUBLE;
	for (size_t i = 0; cut->pipelines && i < norigins; i++)
		pipeline_free(cut->pipelines[i]);
	if (!cut->pipelines || cut->no_memory)
		code = trouble("no memory for all of it");
	if (report_damage(cut->reader))
		code = EXIT_TROUBLE;
	if (!code && !records)
		code = trouble("no record is left");
	free(cut->pipelines);
	select_close(&cut->selection, cut->reader);
	return code;
}

static int cut_main(int argc, char **argv)
{
	static struct cut cut;
	const char *out = NULL;
	int option;
	select_init(&cut.selection);
	optind = 1;
	while ((option = getopt_long(argc, argv, "o:h" SELECT_LETTERS, options, NULL)) >= 0) {
		if (option == 'o') {
			out = optarg;
			continue;
		}
		if (option == 'h') {
			fputs(usage, stdout);
			return EXIT_OK;
		}
		int code = select_option(&cut.selection, "cut", option, optarg);
		if (code > 0)
			return code;
		if (code < 0)
			return option_error("cut");
	}
	if (!out)
		return usage_error("cut", "where to? --output is missing");
	if (optind == argc)
		return usage_error("cut", "which dump?");
	return run(&cut, out, argv + optind, (size_t)(argc - optind));
}

const struct command cut_command = {
	.name = "cut",
	.run = cut_main,
	.brief = "write a part of a dump as a dump",
	.usage = usage,
	.options = options,
};
