/* rill stats: how many of what, and what is missing. */
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

static const char usage[] =
	"usage: rill stats [OPTION...] PATH\n"
	"\n"
	"Counts, for each process of a dump (or a directory of dumps): events by id with their\n"
	"losses and rates, sizes, rings, filter changes and spans. Lines with losses begin with "
	"!.\n"
	"\n"
	"  -a, --all    also the events that nothing but a filter has seen\n"
	"  -h, --help   print this\n"
	"\n"
	"emitted = written + filtered + discarded + overwritten + failed. Written are the records\n"
	"in the dump itself; the others are what the traced process counted.\n"
	"\n"
	"Exit codes: 0 counted; 1 the dump is damaged (what can be read is counted); 2 wrong\n"
	"usage. Losses that are accounted for are no damage.\n";

struct event_stats {
	struct dump_count count; /* written: as the process counted */
	uint64_t records;        /* in the dump */
	uint64_t bytes;
};

struct file_stats {
	struct event_stats *events[256]; /* by catalog, then by event */
	uint64_t first_ns;
	uint64_t last_ns;
	uint64_t records;
	uint64_t bytes;
	uint64_t unknown; /* records of no known event */
	struct event_stats total;
};

struct stats {
	struct dump_reader *reader;
	struct feed feed;
	struct file_stats *files;
	uint64_t spans[RILL_SPAN_HEADLESS + 1]; /* by state */
	uint64_t open;
	bool all;
	bool color;
};

static void count_record(void *context, const struct dump_record *record)
{
	struct stats *stats = context;
	struct file_stats *file = &stats->files[record->file];
	const struct dump_file *info = dump_file(stats->reader, record->file);
	const struct rill_catalog *catalog = NULL;
	if (!file->records || record->ns < file->first_ns)
		file->first_ns = record->ns;
	if (record->ns > file->last_ns)
		file->last_ns = record->ns;
	file->records++;
	file->bytes += record->raw.size;
	if (record->raw.catalog < info->catalogs.count)
		catalog = info->catalogs.catalog[record->raw.catalog];
	if (!catalog || record->raw.event >= catalog->nevents) {
		file->unknown++;
		return;
	}
	struct event_stats *event = &file->events[record->raw.catalog][record->raw.event];
	event->records++;
	event->bytes += record->raw.size;
}

static int make_tables(struct stats *stats)
{
	size_t nfiles = dump_file_count(stats->reader);
	stats->files = calloc(nfiles + 1, sizeof *stats->files);
	if (!stats->files)
		return -1;
	for (size_t f = 0; f < nfiles; f++) {
		const struct dump_file *info = dump_file(stats->reader, f);
		for (uint32_t c = 0; c < info->catalogs.count; c++) {
			const struct rill_catalog *catalog = info->catalogs.catalog[c];
			struct event_stats **events = &stats->files[f].events[c];
			if (catalog && !(*events = calloc(catalog->nevents + 1u, sizeof **events)))
				return -1;
		}
		for (size_t i = 0; i < info->ncounts; i++) {
			const struct dump_count *count = &info->counts[i];
			struct event_stats *events = stats->files[f].events[count->catalog];
			if (events &&
			    count->event < info->catalogs.catalog[count->catalog]->nevents)
				events[count->event].count = *count;
		}
	}
	return 0;
}

static void free_tables(struct stats *stats)
{
	size_t nfiles = stats->files ? dump_file_count(stats->reader) : 0;
	for (size_t f = 0; f < nfiles; f++)
		for (size_t c = 0; c < 256; c++)
			free(stats->files[f].events[c]);
	free(stats->files);
}

static uint64_t lost(const struct event_stats *event)
{
	return event->count.discarded + event->count.overwritten + event->count.failed;
}

static void add_up(struct event_stats *sum, const struct event_stats *event)
{
	sum->records += event->records;
	sum->bytes += event->bytes;
	sum->count.written += event->count.written;
	sum->count.filtered += event->count.filtered;
	sum->count.discarded += event->count.discarded;
	sum->count.overwritten += event->count.overwritten;
	sum->count.failed += event->count.failed;
}

struct line {
	const char *name;
	const char *level;
	const struct event_stats *event;
};

static int by_records(const void *left, const void *right)
{
	const struct line *a = left, *b = right;
	if (a->event->records != b->event->records)
		return a->event->records > b->event->records ? -1 : 1;
	if (lost(a->event) != lost(b->event))
		return lost(a->event) > lost(b->event) ? -1 : 1;
	return strcmp(a->name, b->name);
}

static void print_line(const struct stats *stats, const struct line *line, int width,
		       double seconds)
{
	const struct event_stats *event = line->event;
	bool bad = lost(event) > 0;
	char rate[SHORT_TEXT] = "-", bytes[SHORT_TEXT];
	if (seconds > 0)
		snprintf(rate, sizeof rate, "%.1f", (double)event->records / seconds);
	printf("%s%c %-*s %-5s %12" PRIu64 " %12" PRIu64 " %12" PRIu64 " %12" PRIu64 " %12" PRIu64
	       " %11s %10s%s\n",
	       bad && stats->color ? "\033[1;31m" : "", bad ? '!' : ' ', width, line->name,
	       line->level, event->records, event->count.filtered, event->count.discarded,
	       event->count.overwritten, event->count.failed, rate, show_bytes(bytes, event->bytes),
	       bad && stats->color ? "\033[0m" : "");
}

/* Several catalogs may name an event alike; then the catalog's name goes in front. */
static void print_events(const struct stats *stats, const struct dump_file *info,
			 struct file_stats *file, double seconds)
{
	size_t room = 0, nlines = 0;
	for (uint32_t c = 0; c < info->catalogs.count; c++)
		room += file->events[c] ? info->catalogs.catalog[c]->nevents : 0;
	struct line *lines = calloc(room + 1, sizeof *lines);
	int width = 5;
	for (uint32_t c = 0; lines && c < info->catalogs.count; c++) {
		const struct rill_catalog *catalog = info->catalogs.catalog[c];
		for (size_t e = 0; catalog && file->events[c] && e < catalog->nevents; e++) {
			struct event_stats *event = &file->events[c][e];
			add_up(&file->total, event);
			if (!event->records && !lost(event) &&
			    !(stats->all && event->count.filtered))
				continue;
			const char *name = catalog->events[e].name;
			int length = (int)shown_width(name);
			width = length > width ? length : width;
			lines[nlines++] =
				(struct line){name, level_names[catalog->events[e].level], event};
		}
	}
	if (nlines) {
		qsort(lines, nlines, sizeof *lines, by_records);
		printf("\n  %-*s %-5s %12s %12s %12s %12s %12s %11s %10s\n", width, "EVENT",
		       "LEVEL", "WRITTEN", "FILTERED", "DISCARDED", "OVERWRITTEN", "FAILED",
		       "RATE/S", "BYTES");
		for (size_t i = 0; i < nlines; i++)
			print_line(stats, &lines[i], width, seconds);
		struct line total = {"total", "", &file->total};
		print_line(stats, &total, width, seconds);
	}
	free(lines);
}

static void print_accounting(const struct stats *stats, const struct dump_file *info,
			     const struct file_stats *file)
{
	const struct dump_count *count = &file->total.count;
	uint64_t written = file->total.records;
	uint64_t emitted = written + count->filtered + lost(&file->total);
	printf("\n  emitted %" PRIu64 " = written %" PRIu64 " + filtered %" PRIu64
	       " + discarded %" PRIu64 " + overwritten %" PRIu64 " + failed %" PRIu64 "\n",
	       emitted, written, count->filtered, count->discarded, count->overwritten,
	       count->failed);
	const char *red = stats->color ? "\033[1;31m" : "", *plain = stats->color ? "\033[0m" : "";
	if (lost(&file->total))
		printf("%s! %" PRIu64 " events are lost: %.4g %% of those emitted%s\n", red,
		       lost(&file->total), 100 * (double)lost(&file->total) / (double)emitted,
		       plain);
	if (info->ncounts && info->finished && count->written != written)
		printf("%s! the process counted %" PRIu64 " written, the dump holds %" PRIu64
		       "%s\n",
		       red, count->written, written, plain);
	if (file->unknown)
		printf("%s! %" PRIu64 " records are of events in no catalog of the dump%s\n", red,
		       file->unknown, plain);
	if (info->values_cut)
		printf("  %" PRIu64 " value%s too long and cut\n", info->values_cut,
		       info->values_cut == 1 ? " was" : "s were");
	if (!info->ncounts)
		puts("  the dump holds no counts of what was filtered or lost");
}

/* The last is what the process's end publishes, so the one before is told as well. */
static void print_filters(const struct dump_file *info)
{
	size_t first = info->nepochs > 2 ? info->nepochs - 2 : 0;
	printf("  filters    %zu change%s", info->nepochs, info->nepochs == 1 ? "" : "s");
	for (size_t i = first; i < info->nepochs; i++) {
		const char *expression = info->epochs[i].expression;
		const struct rill_item text = {.type = RILL_TYPE_STRING,
					       .bytes = (const unsigned char *)expression,
					       .size = (uint32_t)strlen(expression)};
		char shown[80];
		printf("%s%s",
		       i > first           ? ", then "
		       : info->nepochs > 2 ? ", last: "
					   : ": ",
		       show_item(shown, sizeof shown, &text));
	}
	putchar('\n');
}

static void print_file(const struct stats *stats, size_t index)
{
	const struct dump_file *info = dump_file(stats->reader, index);
	struct file_stats *file = &stats->files[index];
	char start[SHOW_TIME], size[SHORT_TEXT], records[SHORT_TEXT], duration[SHORT_TEXT];
	uint64_t ns = file->last_ns - file->first_ns;
	printf("%s%s\n", index ? "\n" : "", info->path);
	printf("  process    %s, pid %" PRIu32 ", started %s UTC%s\n",
	       *info->process.program ? info->process.program : "?", info->process.pid,
	       show_time(start, info->process.start_ns),
	       info->finished ? "" : "; the dump has no end");
	printf("  records    %" PRIu64 " within %s, %s, from %" PRIu64 " ring%s\n", file->records,
	       show_duration(duration, ns), show_bytes(records, file->bytes), info->nrings,
	       info->nrings == 1 ? "" : "s");
	printf("  file       %s\n", show_bytes(size, info->bytes));
	print_filters(info);
	print_events(stats, info, file, (double)ns / 1e9);
	print_accounting(stats, info, file);
}

static void count_span(void *context, const struct rill_span *span)
{
	struct stats *stats = context;
	if (stats->feed.ending && span->state == RILL_SPAN_ABANDONED)
		stats->open++;
	else
		stats->spans[span->state]++;
}

static int print_spans(const struct stats *stats, const char *path)
{
	printf("  spans: %" PRIu64 " ended, %" PRIu64 " abandoned, %" PRIu64 " headless, %" PRIu64
	       " open at the end\n",
	       stats->spans[RILL_SPAN_ENDED], stats->spans[RILL_SPAN_ABANDONED],
	       stats->spans[RILL_SPAN_HEADLESS], stats->open);
	if (stats->feed.bad_records)
		return trouble("%s: %" PRIu64 " records cannot be decoded", path,
			       stats->feed.bad_records);
	return EXIT_OK;
}

static int run(struct stats *stats, const char *path)
{
	stats->reader = open_dumps((char *const *)&path, 1, NULL);
	if (!stats->reader)
		return EXIT_TROUBLE;
	stats->feed =
		(struct feed){.on_span = count_span, .on_record = count_record, .context = stats};
	int code = EXIT_OK;
	if (make_tables(stats) || feed_run(&stats->feed, stats->reader)) {
		code = trouble("%s: no memory to count it", path);
	} else {
		for (size_t i = 0; i < dump_file_count(stats->reader); i++)
			print_file(stats, i);
		code = print_spans(stats, path);
	}
	if (report_damage(stats->reader))
		code = EXIT_TROUBLE;
	free_tables(stats);
	dump_reader_close(stats->reader);
	return code;
}

static const struct option options[] = {
	{"all", no_argument, NULL, 'a'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static int stats_main(int argc, char **argv)
{
	struct stats stats = {.color = terminal_color()};
	int option;
	optind = 1;
	while ((option = getopt_long(argc, argv, "ah", options, NULL)) >= 0) {
		if (option == 'a') {
			stats.all = true;
		} else if (option == 'h') {
			fputs(usage, stdout);
			return EXIT_OK;
		} else {
			return option_error("stats");
		}
	}
	if (optind + 1 != argc)
		return usage_error("stats", optind == argc ? "which dump?" : "one dump at a time");
	return run(&stats, argv[optind]);
}

const struct command stats_command = {
	.name = "stats",
	.run = stats_main,
	.brief = "count events, losses and bytes of a dump",
	.usage = usage,
	.options = options,
};
