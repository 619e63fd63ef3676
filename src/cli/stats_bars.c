/* How long things took, and how that spreads, in characters. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/stats.h"

#define NAME_SIZE 160u
#define SPARKS    16u
#define BINS      20u

/* From the least to the greatest of all that is shown, in steps of equal ratio. */
struct scale {
	double low;
	double steps; /* in a factor of e */
	size_t last;
};

static struct scale make_scale(uint64_t low, uint64_t high, size_t columns)
{
	double from = low ? (double)low : 1;
	double to = high > low ? (double)high : from;
	double range = log(to / from);
	return (struct scale){from, range > 0 ? (double)columns / range : 0, columns - 1};
}

static size_t column_of(const struct scale *scale, uint64_t value)
{
	double column = value ? log((double)value / scale->low) * scale->steps : 0;
	return column < 0 ? 0 : column >= (double)scale->last ? scale->last : (size_t)column;
}

/* Where a column ends. */
static double edge(const struct scale *scale, size_t column)
{
	return scale->low * exp((double)(column + 1) / scale->steps);
}

struct filling {
	struct scale scale;
	uint64_t counts[BINS];
};

static void fill(void *context, uint64_t value, uint64_t count)
{
	struct filling *filling = context;
	filling->counts[column_of(&filling->scale, value)] += count;
}

static uint64_t greatest(const uint64_t *counts, size_t n)
{
	uint64_t most = 1;
	for (size_t i = 0; i < n; i++)
		most = counts[i] > most ? counts[i] : most;
	return most;
}

static void put_sparks(const struct stats *stats, struct histogram *histogram,
		       const struct scale *scale)
{
	static const char *const blocks[] = {" ",      "\u2581", "\u2582", "\u2583", "\u2584",
					     "\u2585", "\u2586", "\u2587", "\u2588"};
	static const char ascii[] = " .:-=+*#@";
	struct filling filling = {.scale = *scale};
	histogram_each(histogram, fill, &filling);
	uint64_t most = greatest(filling.counts, SPARKS);
	for (size_t i = 0; i < SPARKS; i++) {
		size_t height = (size_t)ceil(8 * (double)filling.counts[i] / (double)most);
		if (stats->ascii)
			putchar(ascii[height]);
		else
			fputs(blocks[height], stdout);
	}
}

static const char *label(char *to, const struct tally_event *event)
{
	char name[NAME_SIZE - 8];
	snprintf(to, NAME_SIZE, "%s%s", event->is_span ? "span " : "",
		 show_label(name, sizeof name, event->name));
	return to;
}

static void print_percentiles(struct histogram *histogram)
{
	static const uint32_t asked[] = {50000, 90000, 99000, 99900};
	char shown[SHORT_TEXT];
	for (size_t i = 0; i < sizeof asked / sizeof *asked; i++)
		printf(" %8s",
		       histogram_is_whole(histogram)
			       ? show_quantile(shown, histogram_quantile(histogram, asked[i]))
			       : "-");
	printf(" %8s  ", show_quantile(shown, histogram->max));
}

/* A line a bin: up to where, how many, how many up to there, and a bar. */
static void print_histogram(const struct stats *stats, struct tally_event *event)
{
	struct histogram *histogram = &event->durations;
	struct filling filling = {.scale = make_scale(histogram->min, histogram->max, BINS)};
	char name[NAME_SIZE], shown[SHORT_TEXT];
	histogram_each(histogram, fill, &filling);
	size_t nbins = filling.scale.steps > 0 ? BINS : 1;
	uint64_t most = greatest(filling.counts, nbins), sum = 0;
	size_t width = terminal_width() > 60 ? terminal_width() - 44 : 16;
	printf("\n  %s\n  %8s %12s %8s\n", label(name, event), "UP TO", "COUNT", "SHARE");
	for (size_t i = 0; i < nbins; i++) {
		uint64_t count = filling.counts[i];
		uint64_t end = i + 1 == nbins ? histogram->max : (uint64_t)edge(&filling.scale, i);
		size_t bar = (size_t)ceil((double)width * (double)count / (double)most);
		sum += count;
		printf("  %8s %12" PRIu64 " %6.2f %%%s", show_quantile(shown, end), count,
		       100 * (double)sum / (double)histogram->count, bar ? "  " : "");
		for (size_t b = 0; b < bar; b++)
			fputs(stats->ascii ? "#" : "\u2588", stdout);
		putchar('\n');
	}
}

/* Those of events first. NULL when i is behind the last. */
static struct tally_event *line_at(const struct stats_lines *lines, size_t i)
{
	if (i < lines->nevents)
		return lines->events[i];
	i -= lines->nevents;
	return i < lines->nspans ? lines->spans[i] : NULL;
}

static void print_notes(const struct stats_lines *lines)
{
	uint64_t negative = 0, unplaced = 0;
	struct tally_event *event;
	for (size_t i = 0; (event = line_at(lines, i)); i++) {
		negative += event->negative;
		unplaced += event->durations.unplaced;
	}
	if (negative)
		printf("! %" PRIu64 " below zero %s left out of the durations\n", negative,
		       negative == 1 ? "is" : "are");
	if (unplaced)
		printf("! the percentiles of \"-\" are not known: more different durations than "
		       "%zu MiB can hold\n",
		       TALLY_HISTOGRAM_BYTES >> 20);
}

void stats_print_durations(const struct stats *stats, const struct stats_lines *lines)
{
	uint64_t low = UINT64_MAX, high = 0;
	int width = 11;
	size_t count = 0;
	char name[NAME_SIZE], from[SHORT_TEXT], to[SHORT_TEXT];
	struct tally_event *event;
	for (size_t i = 0; (event = line_at(lines, i)); i++) {
		if (!event->durations.count)
			continue;
		int shown = (int)shown_width(label(name, event));
		width = shown > width ? shown : width;
		low = event->durations.min < low ? event->durations.min : low;
		high = event->durations.max > high ? event->durations.max : high;
		count++;
	}
	if (count) {
		const struct scale scale = make_scale(low, high, SPARKS);
		printf("\n  %-*s %12s %8s %8s %8s %8s %8s  FROM %s TO %s\n", width, "DURATION OF",
		       "COUNT", "P50", "P90", "P99", "P99.9", "MAX", show_quantile(from, low),
		       show_quantile(to, high));
		for (size_t i = 0; (event = line_at(lines, i)); i++) {
			if (!event->durations.count)
				continue;
			int shown = (int)shown_width(label(name, event));
			printf("  %s%*s %12" PRIu64, name, width - shown, "",
			       event->durations.count);
			print_percentiles(&event->durations);
			put_sparks(stats, &event->durations, &scale);
			putchar('\n');
		}
	}
	print_notes(lines);
	for (size_t i = 0; (event = line_at(lines, i)); i++)
		if (event->durations.count && (stats->histograms || (stats->nglobs && count == 1)))
			print_histogram(stats, event);
}
