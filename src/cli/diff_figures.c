/*
 * What is more than chance. Every figure gets an interval, and two differ when their intervals do
 * not meet. How far a figure may be off is found from how it varies over the trace's own time, as
 * one does with clusters in a sample: events come in bursts, and a slow minute makes many of them
 * slow together, so to take them for independent would see differences everywhere. The interval of
 * a quantile is that of its proportion, read off the distribution (Woodruff 1952, "Confidence
 * Intervals for Medians and Other Position Measures").
 */
#include <math.h>

#include "cli/diff.h"

const uint32_t diff_quantiles[DIFF_QUANTILES] = {50000, 90000, 99000, 99900};
const char *const diff_quantile_names[DIFF_QUANTILES] = {"p50", "p90", "p99", "p999"};

/* How far out the normal distribution has this much beyond it, on one side. */
static double normal_beyond(double chance)
{
	double low = 0, high = 40;
	for (int i = 0; i < 100; i++) {
		double middle = (low + high) / 2;
		if (erfc(middle / sqrt(2)) / 2 > chance)
			low = middle;
		else
			high = middle;
	}
	return low;
}

double diff_width(size_t figures, unsigned nslots)
{
	/* Each of them may be wrong on either side of either trace (Bonferroni). */
	double z = normal_beyond(DIFF_CHANCE / (4 * (double)(figures ? figures : 1)));
	double freedom = nslots > 2 ? nslots - 1 : 1;
	/* Student's t from it: Abramowitz and Stegun, 26.7.5. */
	double z3 = z * z * z, z5 = z3 * z * z, z7 = z5 * z * z;
	return z + (z3 + z) / (4 * freedom) +
	       (5 * z5 + 16 * z3 + 3 * z) / (96 * freedom * freedom) +
	       (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / (384 * freedom * freedom * freedom);
}

static bool apart(const struct diff *diff, const struct diff_pair *pair)
{
	const struct diff_figure *a = &pair->of[0], *b = &pair->of[1];
	double less = a->value < b->value ? a->value : b->value;
	return (a->high < b->low || b->high < a->low) &&
	       fabs(a->value - b->value) >= diff->threshold * less;
}

/* Squared standard error of a sum, from its parts and those that would be expected. */
static double variance(const uint64_t *parts, const double *expected, unsigned count)
{
	double sum = 0;
	if (count < 2)
		return 0;
	for (unsigned i = 0; i < count; i++)
		sum += ((double)parts[i] - expected[i]) * ((double)parts[i] - expected[i]);
	return sum * count / (count - 1);
}

static double count_variance(const struct diff_side *side, const struct tally_event *event)
{
	double expected[TALLY_SLOTS], whole = side->nslots - 1 + side->last_slot;
	for (unsigned i = 0; i < side->nslots; i++)
		expected[i] = (double)event->records / whole *
			      (i + 1 == side->nslots ? side->last_slot : 1);
	double found = variance(event->slots, expected, side->nslots);
	/* It cannot be less than that of events that have nothing to do with each other. */
	return found > (double)event->records ? found : (double)event->records;
}

static struct diff_figure figure(double value, double error)
{
	return (struct diff_figure){value, value - error, value + error};
}

static struct diff_figure rate_of(const struct diff *diff, unsigned i,
				  const struct tally_event *event)
{
	const struct diff_side *side = &diff->sides[i];
	return figure((double)event->records / side->seconds,
		      diff->width * sqrt(count_variance(side, event)) / side->seconds);
}

static struct diff_figure share_of(const struct diff *diff, unsigned i,
				   const struct tally_event *event)
{
	const struct diff_side *side = &diff->sides[i];
	const uint64_t *all = event->is_span ? side->span_slots : side->group->slots;
	double total = (double)(event->is_span ? side->nspans : side->group->records);
	double share = (double)event->records / total, expected[TALLY_SLOTS];
	for (unsigned k = 0; k < side->nslots; k++)
		expected[k] = share * (double)all[k];
	double found = variance(event->slots, expected, side->nslots);
	double least = (double)event->records * (1 - share);
	return figure(share, diff->width * sqrt(found > least ? found : least) / total);
}

void diff_rate(struct diff *diff, struct diff_line *line)
{
	for (unsigned i = 0; i < 2; i++) {
		if (!(diff->sides[i].seconds > 0))
			return;
		line->rate.of[i] = rate_of(diff, i, line->of[i]);
		line->share.of[i] = share_of(diff, i, line->of[i]);
	}
	line->rate.known = line->share.known = true;
	line->rate.differs = apart(diff, &line->rate);
	line->share.differs = apart(diff, &line->share);
}

bool diff_is_missed(const struct diff *diff, const struct tally_event *event, unsigned side,
		    size_t figures)
{
	const struct diff_side *has = &diff->sides[side], *lacks = &diff->sides[1 - side];
	double count = (double)event->records;
	if (!(has->seconds > 0))
		return false;
	/* So many bursts there were, and that none comes by chance has e to the minus of how many
	 * of them were to be expected. */
	double bursts = count * count / count_variance(has, event);
	double chance = DIFF_CHANCE / (4 * (double)(figures ? figures : 1));
	return bursts * lacks->seconds / has->seconds > -log(chance);
}

static double value_at(struct histogram *histogram, double rank)
{
	if (rank < 1)
		return 0;
	return rank > (double)histogram->count ? INFINITY
					       : (double)histogram_at(histogram, (uint64_t)rank);
}

static struct diff_figure quantile_of(const struct diff *diff, unsigned i,
				      const struct tally_event *event, size_t q)
{
	const struct diff_side *side = &diff->sides[i];
	const struct diff_spread *spread = event->attached;
	struct histogram histogram = event->durations;
	double count = (double)histogram.count, part = diff_quantiles[q] / 1e5;
	uint64_t n = 0, within = 0;
	double expected[TALLY_SLOTS];
	for (unsigned k = 0; k < side->nslots; k++) {
		n += spread->all[k];
		within += spread->within[q][k];
	}
	for (unsigned k = 0; k < side->nslots; k++)
		expected[k] = n ? (double)within / (double)n * (double)spread->all[k] : 0;
	double found = variance(spread->within[q], expected, side->nslots);
	double least = count * part * (1 - part);
	double error = diff->width * sqrt(found > least ? found : least);
	return (struct diff_figure){(double)histogram_quantile(&histogram, diff_quantiles[q]),
				    value_at(&histogram, floor(count * part - error)),
				    value_at(&histogram, ceil(count * part + error) + 1)};
}

void diff_durations(struct diff *diff, struct diff_line *line)
{
	for (size_t q = 0; q < DIFF_QUANTILES; q++) {
		struct diff_pair *pair = &line->quantiles[q];
		for (unsigned i = 0; i < 2; i++)
			if (!line->of[i]->attached || !histogram_is_whole(&line->of[i]->durations))
				return;
		for (unsigned i = 0; i < 2; i++)
			pair->of[i] = quantile_of(diff, i, line->of[i], q);
		pair->known = true;
		pair->differs = apart(diff, pair);
	}
}
