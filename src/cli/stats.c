/* rill stats: how many of what, how fast, and what is missing. */
#include <fnmatch.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/stats.h"

static const char usage[] =
	"usage: rill stats [OPTION...] PATH...\n"
	"\n"
	"Counts what is in dumps or directories of dumps, all of them together: events by id with\n"
	"losses, rates and sizes; spans by state; and how long both took, over every one of them.\n"
	"Lines with losses begin with !.\n"
	"\n"
	"  -e, --event=GLOB   only events and spans whose name matches (may be repeated)\n"
	"  -p, --by-process   each process by itself\n"
	"  -H, --histogram    a histogram of each duration (also when --event leaves but one)\n"
	"  -a, --all          also the events that nothing but a filter has seen\n"
	"  -j, --json         one JSON object a line: of all, or of each process\n"
	"      --ascii        bars of # (default when the locale is not UTF-8)\n"
	"  -h, --help         print this\n"
	"\n"
	"emitted = written + filtered + discarded + overwritten + failed. Written are the records\n"
	"in the dumps themselves; the others are what the traced processes counted.\n"
	"\n"
	"Exit codes: 0 counted; 1 no name matches, or a dump is damaged (what can be read is\n"
	"counted); 2 wrong usage. Losses that are accounted for are no damage.\n";

/* --- what is shown ------------------------------------------------------------------------- */

static int by_records(const void *left, const void *right)
{
	const struct tally_event *a = *(struct tally_event *const *)left;
	const struct tally_event *b = *(struct tally_event *const *)right;
	if (a->records != b->records)
		return a->records > b->records ? -1 : 1;
	uint64_t a_lost = tally_lost(&a->count), b_lost = tally_lost(&b->count);
	if (a_lost != b_lost)
		return a_lost > b_lost ? -1 : 1;
	int names = strcmp(a->name, b->name);
	return names ? names : strcmp(a->catalog, b->catalog);
}

static void add_up(struct tally_event *sum, const struct tally_event *event)
{
	sum->records += event->records;
	sum->bytes += event->bytes;
	sum->count.written += event->count.written;
	sum->count.filtered += event->count.filtered;
	sum->count.discarded += event->count.discarded;
	sum->count.overwritten += event->count.overwritten;
	sum->count.failed += event->count.failed;
}

static bool is_shown(const struct stats *stats, const struct tally_event *event)
{
	if (!event->records && !tally_lost(&event->count) && !(stats->all && event->count.filtered))
		return false;
	for (size_t i = 0; i < stats->nglobs; i++)
		if (fnmatch(stats->globs[i], event->name, 0) == 0)
			return true;
	return !stats->nglobs;
}

bool stats_choose(struct stats_lines *lines, const struct stats *stats,
		  const struct tally_group *group)
{
	*lines = (struct stats_lines){.total = {.name = "total"}};
	lines->events = calloc(group->nevents + 1, sizeof(struct tally_event *));
	lines->spans = calloc(group->nevents + 1, sizeof(struct tally_event *));
	if (!lines->events || !lines->spans)
		return false;
	for (size_t i = 0; i < group->nevents; i++) {
		struct tally_event *event = group->events[i];
		if (!event->is_span)
			add_up(&lines->total, event);
		if (is_shown(stats, event) && event->is_span)
			lines->spans[lines->nspans++] = event;
		else if (is_shown(stats, event))
			lines->events[lines->nevents++] = event;
	}
	qsort(lines->events, lines->nevents, sizeof(struct tally_event *), by_records);
	qsort(lines->spans, lines->nspans, sizeof(struct tally_event *), by_records);
	return true;
}

void stats_forget(struct stats_lines *lines)
{
	free(lines->events);
	free(lines->spans);
}

bool stats_is_of(const struct stats *stats, const struct tally_group *group, size_t file)
{
	const struct dump_reader *reader = stats->tally.reader;
	return !group->origin ||
	       dump_origin(reader, dump_file(reader, file)->origin) == group->origin;
}

/* --- numbers that claim no more than is known ---------------------------------------------- */

const char *show_rate(char *to, uint64_t count, double seconds)
{
	if (count < 10 || !(seconds > 0)) {
		snprintf(to, SHORT_TEXT, "-");
		return to;
	}
	/* The standard error of a count is its root. */
	int digits = count < 100 ? 1 : count < 10000 ? 2 : 3;
	double rate = (double)count / seconds;
	double unit = pow(10, floor(log10(rate)) - digits + 1);
	rate = round(rate / unit) * unit;
	int decimals = digits - 1 - (int)floor(log10(rate) + 1e-9);
	snprintf(to, SHORT_TEXT, "%.*f", decimals > 0 ? decimals : 0, rate);
	return to;
}

const char *show_quantile(char *to, uint64_t ns)
{
	static const char *const units[] = {"ns", "us", "ms", "s"};
	double value = (double)ns;
	size_t unit = 0;
	for (; unit < 3 && value >= 999.5; unit++)
		value /= 1000;
	int decimals = !unit || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
	if (value >= 999.5)
		value = strtod((snprintf(to, SHORT_TEXT, "%.2e", value), to), NULL);
	snprintf(to, SHORT_TEXT, "%.*f %s", decimals, value, units[unit]);
	return to;
}

/* --- the command --------------------------------------------------------------------------- */

static bool is_any_shown(const struct stats *stats)
{
	for (size_t i = 0; i < stats->tally.ngroups; i++)
		for (size_t e = 0; e < stats->tally.groups[i].nevents; e++)
			if (is_shown(stats, stats->tally.groups[i].events[e]))
				return true;
	return false;
}

static int print_groups(struct stats *stats, bool json)
{
	for (size_t i = 0; i < stats->tally.ngroups; i++) {
		if (json) {
			stats_print_json(stats, &stats->tally.groups[i]);
			continue;
		}
		if (i)
			putchar('\n');
		stats_print(stats, &stats->tally.groups[i]);
	}
	if (stats->tally.no_memory)
		return trouble("no memory to print it");
	if (stats->tally.feed.bad_records)
		return trouble("%" PRIu64 " records cannot be decoded",
			       stats->tally.feed.bad_records);
	if (stats->nglobs && !is_any_shown(stats))
		return trouble("nothing found");
	return EXIT_OK;
}

static int run(struct stats *stats, bool by_process, bool json)
{
	static const struct dump_want want = {.any_order = true};
	struct tally *tally = &stats->tally;
	struct dump_reader *reader = open_dumps(stats->paths, stats->npaths, &want);
	if (!reader)
		return EXIT_TROUBLE;
	int code = EXIT_OK;
	if (tally_init(tally, reader, by_process, TALLY_HISTOGRAM_BYTES) || tally_run(tally))
		code = trouble("no memory to count it");
	else
		code = print_groups(stats, json);
	if (report_damage(reader))
		code = EXIT_TROUBLE;
	tally_free(tally);
	dump_reader_close(reader);
	return code;
}

enum { OPTION_ASCII = 256 };

static const struct option options[] = {
	{"event", required_argument, NULL, 'e'}, {"by-process", no_argument, NULL, 'p'},
	{"histogram", no_argument, NULL, 'H'},   {"all", no_argument, NULL, 'a'},
	{"json", no_argument, NULL, 'j'},        {"ascii", no_argument, NULL, OPTION_ASCII},
	{"help", no_argument, NULL, 'h'},        {0},
};

static int stats_main(int argc, char **argv)
{
	struct stats stats = {.color = terminal_color(), .ascii = !terminal_utf8()};
	bool by_process = false, json = false;
	int option;
	optind = 1;
	while ((option = getopt_long(argc, argv, "e:pHajh", options, NULL)) >= 0) {
		switch (option) {
		case 'e':
			if (stats.nglobs == STATS_GLOBS)
				return usage_error("stats", "more than %u --event", STATS_GLOBS);
			stats.globs[stats.nglobs++] = optarg;
			break;
		case 'p':
			by_process = true;
			break;
		case 'H':
			stats.histograms = true;
			break;
		case 'a':
			stats.all = true;
			break;
		case 'j':
			json = true;
			break;
		case OPTION_ASCII:
			stats.ascii = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return EXIT_OK;
		default:
			return option_error("stats");
		}
	}
	if (optind == argc)
		return usage_error("stats", "which dump?");
	stats.paths = argv + optind;
	stats.npaths = (size_t)(argc - optind);
	return run(&stats, by_process, json);
}

const struct command stats_command = {
	.name = "stats",
	.run = stats_main,
	.brief = "count events, losses and bytes of a dump",
	.usage = usage,
	.options = options,
};
