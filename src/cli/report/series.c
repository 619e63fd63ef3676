#include <stdlib.h>
#include <string.h>

#include "cli/report/report.h"

struct series *timeline_series(struct timeline *timeline, unsigned level)
{
	struct series **other = &timeline->others[level < RILL_OFF ? level : RILL_ERROR];
	if (timeline->nseries == SERIES_MAX) {
		if (!*other)
			*other = calloc(1, sizeof **other);
		return *other;
	}
	if (!timeline->series && !(timeline->series = calloc(SERIES_MAX, sizeof *timeline->series)))
		return NULL;
	struct series *made = calloc(1, sizeof *made);
	if (made)
		timeline->series[timeline->nseries++] = made;
	return made;
}

static void fold(struct series *series)
{
	for (size_t i = 0; i < SERIES_BINS / 2; i++)
		series->bins[i] = series->bins[2 * i] + series->bins[2 * i + 1];
	memset(series->bins + SERIES_BINS / 2, 0, sizeof series->bins / 2);
}

size_t timeline_bin(struct timeline *timeline, uint64_t ns)
{
	if (!timeline->begun) {
		timeline->begun = true;
		timeline->start_ns = ns;
	}
	/* What comes from several files is in order but for what was late. */
	uint64_t since = ns > timeline->start_ns ? ns - timeline->start_ns : 0;
	while (since >> timeline->width_bits >= SERIES_BINS) {
		timeline->width_bits++;
		for (size_t i = 0; i < timeline->nseries; i++)
			fold(timeline->series[i]);
		for (size_t i = 0; i < RILL_OFF; i++)
			if (timeline->others[i])
				fold(timeline->others[i]);
	}
	return (size_t)(since >> timeline->width_bits);
}

void timeline_free(struct timeline *timeline)
{
	for (size_t i = 0; i < timeline->nseries; i++)
		free(timeline->series[i]);
	for (size_t i = 0; i < RILL_OFF; i++)
		free(timeline->others[i]);
	free(timeline->series);
}
