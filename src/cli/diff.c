/* rill diff: what differs between two traces, but for chance. */
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/diff.h"

static const char usage[] =
	"usage: rill diff [OPTION...] A B\n"
	"\n"
	"Compares two dumps or directories of dumps: which events and spans took longer or less\n"
	"long in B, came more or less often, are new or gone. Only what is more than chance is\n"
	"told: rill-diff(1) says how that is found. Greatest first: in time that it makes, in\n"
	"events a second, in number.\n"
	"\n"
	"  -t, --threshold=PERCENT  least difference that is told (default 10)\n"
	"  -l, --limit=N            at most N lines of each kind (default 20; 0: all)\n"
	"  -j, --json               one JSON object, with every line\n"
	"  -h, --help               print this\n"
	"\n"
	"Exit codes: 0 nothing differs; 1 something does; 2 trouble, damage or wrong usage.\n";

enum { DIFF_SAME = 0, DIFF_DIFFERENT = 1, DIFF_TROUBLE = 2 };

#define HISTOGRAM_BYTES (TALLY_HISTOGRAM_BYTES / 2)

/* --- reading both -------------------------------------------------------------------------- */

static unsigned covered_slots(struct diff_side *side)
{
	const struct tally_group *group = side->group;
	uint64_t covered = group->last_ns - group->slots_from_ns;
	uint64_t in_last = covered & (((uint64_t)1 << group->slot_shift) - 1);
	side->last_slot = (double)(in_last + 1) / (double)((uint64_t)1 << group->slot_shift);
	return (unsigned)(covered >> group->slot_shift) + 1;
}

/* EXIT_OK; DIFF_TROUBLE. */
static int read_side(struct diff_side *side)
{
	side->reader = open_dumps((char *const *)&side->path, 1, NULL);
	if (!side->reader)
		return DIFF_TROUBLE;
	if (tally_init(&side->tally, side->reader, false, HISTOGRAM_BYTES) ||
	    tally_run(&side->tally)) {
		trouble("%s: no memory to count it", side->path);
		return DIFF_TROUBLE;
	}
	struct tally_group *group = side->group = &side->tally.groups[0];
	if (group->records) {
		side->seconds = tally_seconds(group);
		side->nslots = covered_slots(side);
	}
	for (size_t i = 0; i < group->nevents; i++) {
		if (!group->events[i]->is_span)
			continue;
		side->nspans += group->events[i]->records;
		for (size_t k = 0; k < TALLY_SLOTS; k++)
			side->span_slots[k] += group->events[i]->slots[k];
	}
	return EXIT_OK;
}

/* --- the second reading: how durations spread over time ------------------------------------- */

static void spread_duration(void *context, struct tally_event *event, uint64_t ns, unsigned slot)
{
	const struct diff_side *side = context;
	if (!event->attached) {
		const struct tally_event *first = tally_find(side->group, event);
		event->attached = first ? first->attached : NULL;
	}
	struct diff_spread *spread = event->attached;
	/* A dump that grows may have more by now. */
	if (!spread || slot >= TALLY_SLOTS)
		return;
	spread->all[slot]++;
	for (size_t q = 0; q < DIFF_QUANTILES; q++)
		spread->within[q][slot] += ns <= spread->limits[q];
}

/* Names that have durations on both sides get what they are to be counted in. */
static bool prepare_spreads(struct diff_side *side, const struct diff_side *other)
{
	for (size_t i = 0; i < side->group->nevents; i++) {
		struct tally_event *event = side->group->events[i];
		const struct tally_event *same = tally_find(other->group, event);
		if (!same || !histogram_is_whole(&event->durations) ||
		    !histogram_is_whole(&same->durations))
			continue;
		struct diff_spread *spread = calloc(1, sizeof *spread);
		if (!spread)
			return false;
		event->attached = spread;
		for (size_t q = 0; q < DIFF_QUANTILES; q++)
			spread->limits[q] =
				histogram_quantile(&event->durations, diff_quantiles[q]);
	}
	return true;
}

static int spread_side(struct diff_side *side)
{
	struct tally tally;
	struct dump_reader *reader = open_dumps((char *const *)&side->path, 1, NULL);
	int code = EXIT_OK;
	if (!reader)
		return DIFF_TROUBLE;
	bool failed = tally_init(&tally, reader, false, 0) != 0;
	tally.on_duration = spread_duration;
	tally.context = side;
	/* The same slots as the first time, from the beginning on. */
	if (!failed)
		tally.groups[0].slot_shift = side->group->slot_shift;
	if (failed || tally_run(&tally)) {
		trouble("%s: no memory to count it", side->path);
		code = DIFF_TROUBLE;
	}
	tally_free(&tally);
	dump_reader_close(reader);
	return code;
}

/* --- comparing ----------------------------------------------------------------------------- */

static struct diff_line *add_line(struct diff *diff, const struct diff_line *line)
{
	if (diff->nlines == diff->room) {
		size_t room = diff->room ? 2 * diff->room : 64;
		struct diff_line *lines = realloc(diff->lines, room * sizeof *lines);
		if (!lines) {
			diff->no_memory = true;
			return NULL;
		}
		diff->lines = lines;
		diff->room = room;
	}
	diff->lines[diff->nlines] = *line;
	return &diff->lines[diff->nlines++];
}

/* Quantiles that differ, each with the part of the events that it stands for. */
static void add_durations(struct diff *diff, const struct diff_line *compared)
{
	static const double parts[DIFF_QUANTILES] = {0.7, 0.25, 0.045, 0.005};
	double longer = 0;
	bool differs = false;
	for (size_t q = 0; q < DIFF_QUANTILES; q++) {
		const struct diff_pair *pair = &compared->quantiles[q];
		differs |= pair->differs;
		if (pair->differs)
			longer += (pair->of[1].value - pair->of[0].value) * parts[q];
	}
	if (!differs)
		return;
	struct diff_line *line = add_line(diff, compared);
	if (!line)
		return;
	line->kind = longer > 0 ? DIFF_SLOWER : DIFF_FASTER;
	line->weight = fabs(longer) * compared->rate.of[1].value;
}

static void add_rate(struct diff *diff, const struct diff_line *compared)
{
	const struct diff_pair *pair = compared->rate.differs ? &compared->rate : &compared->share;
	if (!pair->differs)
		return;
	struct diff_line *line = add_line(diff, compared);
	if (!line)
		return;
	line->kind = pair->of[1].value > pair->of[0].value ? DIFF_MORE : DIFF_LESS;
	line->weight = fabs(compared->rate.of[1].value - compared->rate.of[0].value);
}

/* What one side lacks is told when that is more than chance, or when it is something to worry
 * about: one error that has never been there before is news. */
static void add_missing(struct diff *diff, const struct tally_event *event, unsigned side,
			size_t figures)
{
	bool worry = !event->is_span && side == 1 && event->level >= RILL_WARN;
	struct diff_line line = {.kind = side ? DIFF_NEW : DIFF_GONE, .event = event};
	if (!worry && !diff_is_missed(diff, event, side, figures))
		return;
	line.of[side] = event;
	line.weight = (double)event->records;
	add_line(diff, &line);
}

static void compare(struct diff *diff)
{
	const struct tally_group *a = diff->sides[0].group, *b = diff->sides[1].group;
	size_t figures = 0;
	for (size_t i = 0; i < a->nevents; i++)
		figures += a->events[i]->attached ? DIFF_QUANTILES + 2 : 2;
	for (size_t i = 0; i < b->nevents; i++)
		figures += !tally_find(a, b->events[i]);
	unsigned nslots = diff->sides[0].nslots < diff->sides[1].nslots ? diff->sides[0].nslots
									: diff->sides[1].nslots;
	diff->width = diff_width(figures, nslots);
	for (size_t i = 0; i < a->nevents; i++) {
		const struct tally_event *event = a->events[i], *other = tally_find(b, event);
		if (!event->records)
			continue;
		if (!other || !other->records) {
			add_missing(diff, event, 0, figures);
			continue;
		}
		struct diff_line line = {.event = event, .of = {event, other}};
		diff_rate(diff, &line);
		diff_durations(diff, &line);
		add_durations(diff, &line);
		add_rate(diff, &line);
	}
	for (size_t i = 0; i < b->nevents; i++) {
		const struct tally_event *other = tally_find(a, b->events[i]);
		if (b->events[i]->records && (!other || !other->records))
			add_missing(diff, b->events[i], 1, figures);
	}
}

static int by_kind_and_weight(const void *left, const void *right)
{
	const struct diff_line *a = left, *b = right;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->weight > b->weight || a->weight < b->weight)
		return a->weight > b->weight ? -1 : 1;
	int names = strcmp(a->event->name, b->event->name);
	return names ? names : (int)a->event->is_span - (int)b->event->is_span;
}

/* --- the command --------------------------------------------------------------------------- */

static void free_side(struct diff_side *side)
{
	for (size_t i = 0; side->group && i < side->group->nevents; i++)
		free(side->group->events[i]->attached);
	if (side->reader) {
		tally_free(&side->tally);
		dump_reader_close(side->reader);
	}
}

static int prepare(struct diff *diff)
{
	for (size_t i = 0; i < 2; i++)
		if (read_side(&diff->sides[i]))
			return DIFF_TROUBLE;
	for (size_t i = 0; i < 2; i++) {
		if (!prepare_spreads(&diff->sides[i], &diff->sides[1 - i])) {
			trouble("%s: no memory to count it", diff->sides[i].path);
			return DIFF_TROUBLE;
		}
		if (spread_side(&diff->sides[i]))
			return DIFF_TROUBLE;
	}
	return DIFF_SAME;
}

static int run(struct diff *diff, size_t limit, bool json)
{
	int code = prepare(diff);
	if (!code) {
		compare(diff);
		if (diff->nlines)
			qsort(diff->lines, diff->nlines, sizeof *diff->lines, by_kind_and_weight);
		code = diff->nlines ? DIFF_DIFFERENT : DIFF_SAME;
		if (json)
			diff_print_json(diff);
		else
			diff_print(diff, limit, terminal_color());
		if (diff->no_memory && trouble("no memory to compare them"))
			code = DIFF_TROUBLE;
	}
	for (size_t i = 0; i < 2; i++)
		if (diff->sides[i].reader && report_damage(diff->sides[i].reader))
			code = DIFF_TROUBLE;
	free_side(&diff->sides[0]);
	free_side(&diff->sides[1]);
	free(diff->lines);
	/* main() tells of it. */
	return fflush(stdout) || ferror(stdout) ? DIFF_TROUBLE : code;
}

static const struct option options[] = {
	{"threshold", required_argument, NULL, 't'},
	{"limit", required_argument, NULL, 'l'},
	{"json", no_argument, NULL, 'j'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static int diff_main(int argc, char **argv)
{
	struct diff diff = {.threshold = 0.1};
	bool json = false;
	long long limit = 20;
	char *end;
	int option;
	optind = 1;
	while ((option = getopt_long(argc, argv, "t:l:jh", options, NULL)) >= 0) {
		switch (option) {
		case 't':
			diff.threshold = strtod(optarg, &end) / 100;
			if (end == optarg || *end || !(diff.threshold >= 0) ||
			    !isfinite(diff.threshold))
				return usage_error("diff", "threshold \"%s\" is not a number",
						   optarg);
			break;
		case 'l':
			limit = parse_number(optarg);
			if (limit < 0)
				return usage_error("diff", "limit \"%s\" is not a number", optarg);
			break;
		case 'j':
			json = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return EXIT_OK;
		default:
			return option_error("diff");
		}
	}
	if (optind + 2 != argc)
		return usage_error("diff", "it takes two dumps");
	diff.sides[0].path = argv[optind];
	diff.sides[1].path = argv[optind + 1];
	return run(&diff, limit ? (size_t)limit : SIZE_MAX, json);
}

const struct command diff_command = {
	.name = "diff",
	.run = diff_main,
	.brief = "compare two traces: slower, more frequent, new, gone",
	.usage = usage,
	.options = options,
};
