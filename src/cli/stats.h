/* The parts of `rill stats`. */
#ifndef RILL_CLI_STATS_H
#define RILL_CLI_STATS_H

#include "cli/tally.h"

#define STATS_GLOBS 16u

struct stats {
	struct tally tally;
	char *const *paths;
	size_t npaths;
	const char *globs[STATS_GLOBS]; /* one must match the name of an event or a span */
	size_t nglobs;
	bool all;        /* also what nothing but a filter has seen */
	bool histograms; /* one for each duration */
	bool ascii;
	bool color;
};

/* What is shown of a group: events, then spans, each with those first of which there are most. */
struct stats_lines {
	struct tally_event **events;
	size_t nevents;
	struct tally_event **spans;
	size_t nspans;
	struct tally_event total; /* of all events, shown or not */
};

/* False: no memory. */
bool stats_choose(struct stats_lines *lines, const struct stats *stats,
		  const struct tally_group *group);
void stats_forget(struct stats_lines *lines);
/* Whether a file holds what the group counts. */
bool stats_is_of(const struct stats *stats, const struct tally_group *group, size_t file);

/* Several events for a second. Few say little of a rate: below 10 it is "-", and never has it more
 * digits than they allow. */
const char *show_rate(char *to, uint64_t count, double seconds);
/* Three significant digits: what a histogram's values are good for. */
const char *show_quantile(char *to, uint64_t ns);

void stats_print(struct stats *stats, const struct tally_group *group);
void stats_print_durations(const struct stats *stats, const struct stats_lines *lines);
void stats_print_json(struct stats *stats, const struct tally_group *group);

#endif
