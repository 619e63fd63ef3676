/* The last stretch of the line from ticks to time, as dumps hold it: by the current point alone the
 * time of a record that is older than that would not be the one that their reader finds. */
#ifndef RILL_COLLECT_LINE_H
#define RILL_COLLECT_LINE_H

#include "core/clock.h"

#define LINE_POINTS 32u

/* A point, how often the clock had been set and found broken by then, and by how much the line is
 * behind the host's clock on purpose. */
struct line_point {
	struct clock_point at;
	uint32_t steps;
	uint32_t breaks;
	int64_t set_ns;
};

struct line {
	struct line_point points[LINE_POINTS]; /* a ring */
	uint32_t count;                        /* of all that were added */
};

static inline const struct line_point *line_last(const struct line *line)
{
	return line->count ? &line->points[(line->count - 1) % LINE_POINTS] : NULL;
}

/* Points come in order. set_ns: of their maker. */
static inline void line_add(struct line *line, const struct clock_point *point, int64_t set_ns)
{
	struct line_point added = {*point, (point->flags & CLOCK_STEPPED) != 0,
				   (point->flags & CLOCK_BROKEN) != 0, set_ns};
	const struct line_point *last = line_last(line);
	if (last) {
		added.steps += last->steps;
		added.breaks += last->breaks;
	}
	line->points[line->count++ % LINE_POINTS] = added;
}

/* The last point that is not after `ticks`, else the first that is known. There is one at least. */
static inline const struct line_point *line_find(const struct line *line, uint64_t ticks)
{
	uint32_t first = line->count > LINE_POINTS ? line->count - LINE_POINTS : 0;
	uint32_t i = line->count - 1;
	while (i > first && line->points[i % LINE_POINTS].at.ticks > ticks)
		i--;
	return &line->points[i % LINE_POINTS];
}

#endif
