/* The parts of `rill diff`. */
#ifndef RILL_CLI_DIFF_H
#define RILL_CLI_DIFF_H

#include "cli/tally.h"

#define DIFF_QUANTILES 4u
extern const uint32_t diff_quantiles[DIFF_QUANTILES]; /* of 100,000 */
extern const char *const diff_quantile_names[DIFF_QUANTILES];

/* The chance that anything at all is told of two traces of the same behaviour. */
#define DIFF_CHANCE 0.01

/* How the durations of one name spread over the trace's time. */
struct diff_spread {
	uint64_t limits[DIFF_QUANTILES];
	uint64_t all[TALLY_SLOTS];
	uint64_t within[DIFF_QUANTILES][TALLY_SLOTS]; /* of them, not above the limit */
};

/* One of the two traces. */
struct diff_side {
	const char *path;
	struct dump_reader *reader;
	struct tally tally;
	struct tally_group *group;
	double seconds;
	unsigned nslots;
	double last_slot;                 /* what part of it the trace covers */
	uint64_t span_slots[TALLY_SLOTS]; /* spans of all names */
	uint64_t nspans;
};

/* What is known of a figure: where it lies but for chance. */
struct diff_figure {
	double value;
	double low;
	double high;
};

/* The same figure of both sides. */
struct diff_pair {
	struct diff_figure of[2];
	bool known;
	bool differs;
};

enum diff_kind { DIFF_SLOWER, DIFF_FASTER, DIFF_MORE, DIFF_LESS, DIFF_NEW, DIFF_GONE, DIFF_KINDS };
extern const char *const diff_kind_names[DIFF_KINDS]; /* as in JSON */

/* What differs under one name. */
struct diff_line {
	enum diff_kind kind;
	const struct tally_event *event; /* of one side: for its names */
	const struct tally_event *of[2]; /* NULL: it has none */
	struct diff_pair quantiles[DIFF_QUANTILES];
	struct diff_pair rate;  /* a second */
	struct diff_pair share; /* of all events, or of all spans */
	double weight;
};

struct diff {
	struct diff_side sides[2];
	double threshold; /* least part by which what differs must differ */
	double width;     /* half of an interval, in standard errors */
	struct diff_line *lines;
	size_t nlines;
	size_t room;
	bool no_memory;
};

/* How wide intervals must be when this many figures are compared, of traces with so many slots. */
double diff_width(size_t figures, unsigned nslots);
/* Fills what is known of it; both sides have the name. */
void diff_rate(struct diff *diff, struct diff_line *line);
void diff_durations(struct diff *diff, struct diff_line *line);
/* Whether it is more than chance that the other side has none. */
bool diff_is_missed(const struct diff *diff, const struct tally_event *event, unsigned side,
		    size_t figures);

void diff_print(const struct diff *diff, size_t limit, bool color);
void diff_print_json(struct diff *diff);

#endif
