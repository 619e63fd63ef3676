/*
 * From counter ticks to nanoseconds since the Unix epoch, piecewise linear: each calibration point
 * says where the line goes from there. The collector makes points as it runs and every dump holds
 * them, so that live sinks and readers of the dump compute the same nanosecond.
 */
#ifndef RILL_CORE_CLOCK_H
#define RILL_CORE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLOCK_ERROR_UNKNOWN UINT32_MAX
/* Since the point before, the host's clock was set. */
#define CLOCK_STEPPED 1u
/* Since the point before, the counter went back, jumped or stood still. */
#define CLOCK_BROKEN 2u

struct clock_point {
	uint64_t ticks;
	uint64_t ns;       /* of that tick */
	uint64_t rate;     /* nanoseconds per tick from here on, times 2^32 */
	uint32_t error_us; /* how far the host's clock may be off, as far as its kernel knows */
	uint32_t flags;    /* CLOCK_STEPPED, CLOCK_BROKEN */
};

/* Time of a tick by the line that starts at a point; before it as well. */
static inline uint64_t clock_ns(const struct clock_point *point, uint64_t ticks)
{
	int64_t distance = (int64_t)(ticks - point->ticks);
	__int128 ns = (__int128)distance * (int64_t)point->rate;
	return point->ns + (uint64_t)(int64_t)(ns >> 32);
}

/* The last of `count` points (ordered by ticks) that is not after `ticks`, else the first. */
const struct clock_point *clock_find(const struct clock_point *points, size_t count,
				     uint64_t ticks);

/* True when the CPU's counter can serve; else ticks are CLOCK_MONOTONIC nanoseconds. */
bool clock_counter_usable(void);
/*
 * Ticks go on evenly even when what counts them does not: what a producer stamps, and this. Who
 * reads a producer's stamps adds the offset. It changes by clock_shift(): the collector's alone.
 */
uint64_t clock_now_ticks(void);
uint64_t clock_offset(void);
void clock_shift(int64_t ticks);
/* What counts the ticks: "tsc", "monotonic". */
const char *clock_name(void);

/* What the maker of points remembers. */
struct clock_maker {
	struct clock_point point; /* the last one */
	/* Both clocks at two moments in the past, the older first: a long base for the true rate.
	 */
	uint64_t base_ticks[2];
	uint64_t base_ns[2];
	/* The system's time less that of its steady clock: only setting the former changes it. */
	uint64_t offset_ns;
	/* By how much the system's clock was set since the first point, in steps of more than a
	 * second: the line goes on without them. */
	int64_t set_ns;
	/* Ticks and the steady clock when they last agreed: at a point, or after a jump. */
	uint64_t seen_ticks;
	uint64_t seen_ns;
	bool broken; /* the counter was found so: the next point says it */
};

/* The counter and both clocks of the system at one moment. */
struct clock_reading {
	uint64_t ticks;
	uint64_t realtime_ns;
	uint64_t steady_ns;
};

/* First point, measured over a few milliseconds. */
void clock_calibrate_first(struct clock_maker *maker);
/*
 * The next one. steer: its rate leads back to the system's time within about a second; else it only
 * keeps the distance: for a line that may not be looked at for long.
 */
void clock_calibrate_next(struct clock_maker *maker, bool steer);
/* The same with what clock_calibrate_next() reads given. */
void clock_next_point(struct clock_maker *maker, const struct clock_reading *reading, bool steer);

/*
 * Looks at the counter beside the steady clock. Returns by how many ticks it is ahead of where it
 * should be; 0: not by more than a rate that is not known exactly explains. *middle: half way: what
 * is nearer to the right place was stamped before it went wrong.
 */
int64_t clock_jump(struct clock_maker *maker, uint64_t *middle);
/* The same with the reading given. */
int64_t clock_jump_at(struct clock_maker *maker, uint64_t ticks, uint64_t steady_ns,
		      uint64_t *middle);

#endif
