/* What a recovered file says besides records: so that it can be read alone, as any later part. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/recover/recover.h"
#include "collect/open.h"

#define OPEN_SPANS (1u << 17)

/* --- the clock ----------------------------------------------------------------------------- */

struct points {
	struct clock_point *point; /* in the order of ticks */
	size_t count;
	size_t next; /* that is not on the line yet */
	struct line line;
};

static int by_ticks(const void *left, const void *right)
{
	const struct clock_point *a = left, *b = right;
	return (a->ticks > b->ticks) - (a->ticks < b->ticks);
}

/* The process died before it had measured its clock: where it started, at the rate that the same
 * counter has now, if this host is still the same. */
static struct clock_point guess(const struct remains *remains)
{
	struct clock_point point = {.ticks = remains->process.start_ticks,
				    .ns = remains->process.start_ns,
				    .rate = UINT64_C(1) << 32,
				    .error_us = CLOCK_ERROR_UNKNOWN};
	const char *clock = remains->is.clock;
	if (clock && strcmp(clock, clock_name()) == 0 && clock_counter_usable()) {
		struct clock_maker maker = {0};
		clock_calibrate_first(&maker);
		point.rate = maker.point.rate;
	}
	return point;
}

static int points_gather(struct points *points, const struct recovery *recovery)
{
	const struct process_file *process = &recovery->remains->process;
	size_t nfiles = recovery->reader ? dump_file_count(recovery->reader) : 0, most = 3;
	for (size_t i = 0; i < nfiles; i++)
		most += dump_file(recovery->reader, i)->npoints;
	points->point = malloc(most * sizeof *points->point);
	if (!points->point)
		return -ENOMEM;
	for (size_t i = 0; i < nfiles; i++) {
		const struct dump_file *file = dump_file(recovery->reader, i);
		if (file->npoints)
			memcpy(points->point + points->count, file->points,
			       file->npoints * sizeof *file->points);
		points->count += file->npoints;
	}
	if (process->npoints) {
		points->point[points->count++] = process->first;
		points->point[points->count++] = process->last[(process->npoints - 1) % 2];
	}
	if (!points->count)
		points->point[points->count++] = guess(recovery->remains);
	qsort(points->point, points->count, sizeof *points->point, by_ticks);
	line_add(&points->line, &points->point[points->next++], 0);
	return 0;
}

static void points_advance(struct points *points, uint64_t ticks)
{
	for (; points->next < points->count && points->point[points->next].ticks <= ticks;
	     points->next++)
		if (points->point[points->next].ticks > points->point[points->next - 1].ticks)
			line_add(&points->line, &points->point[points->next], 0);
}

static int put_clock(const struct recovery *recovery, const struct line *line)
{
	uint32_t first = line->count > LINE_POINTS ? line->count - LINE_POINTS : 0;
	int error = 0;
	for (; first < line->count && !error; first++)
		error = dump_put_clock(recovery->writer, &line->points[first % LINE_POINTS].at);
	return error;
}

/* --- spans that are open at the end of the files ------------------------------------------- */

static int follow(struct open_spans *open, struct points *points, struct dump_reader *reader)
{
	struct dump_record record;
	int more = 1;
	while ((more = dump_next(reader, &record)) == 1) {
		points_advance(points, record.raw.ticks);
		if (!open_watches(open, record.raw.catalog, record.raw.event))
			continue;
		const struct dump_watched watched = {record.raw.bytes, record.raw.size, record.tid};
		open_follow(open, &watched, &points->line, 0);
	}
	return more;
}

/* --- counts -------------------------------------------------------------------------------- */

struct dump_count recovery_counted(const struct recovery *recovery, uint32_t catalog,
				   uint32_t event)
{
	const struct event_count *counts = recovery->series.counts[catalog];
	struct dump_count count = counts ? counts[event].last : (struct dump_count){0};
	count.catalog = (uint8_t)catalog;
	count.event = (uint16_t)event;
	count.written += counts ? counts[event].since : 0;
	return count;
}

static bool is_zero(const struct dump_count *count)
{
	return !(count->written | count->filtered | count->discarded | count->overwritten |
		 count->failed);
}

/* Whether the last COUNTS of the files say so: they may be a second older than the end. */
static bool is_said(const struct recovery *recovery, const struct dump_count *b)
{
	static const struct dump_count none;
	const struct event_count *counts = recovery->series.counts[b->catalog];
	const struct dump_count *a = counts ? &counts[b->event].last : &none;
	return a->written == b->written && a->filtered == b->filtered &&
	       a->discarded == b->discarded && a->failed == b->failed;
}

static uint64_t greater(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* With what was recovered, and with the losses that stand in the rings. */
static struct dump_count final_count(const struct recovery *recovery, uint32_t catalog,
				     uint32_t event)
{
	const struct remains *remains = recovery->remains;
	struct dump_count count = recovery_counted(recovery, catalog, event);
	uint32_t i = remains->first_event[catalog] + event;
	uint64_t again = recovery->again[i];
	count.written += recovery->records[i];
	count.filtered = greater(count.filtered, remains->losses[i].filtered);
	count.discarded = greater(count.discarded, remains->losses[i].discarded);
	count.failed -= again < count.failed ? again : count.failed;
	return count;
}

/* final: what all adds up to, else what the files say. Returns how many; *lost: how much more is
 * lost by the former than by the latter. */
static size_t list_counts(const struct recovery *recovery, struct dump_count *counts, bool final,
			  uint64_t *lost, bool *news)
{
	const struct remains *remains = recovery->remains;
	size_t n = 0;
	for (uint32_t c = 0; c < remains->catalogs.count; c++) {
		uint32_t nevents = remains->catalog[c] ? remains->catalog[c]->nevents : 0;
		for (uint32_t event = 0; event < nevents; event++) {
			struct dump_count was = recovery_counted(recovery, c, event);
			struct dump_count is = final_count(recovery, c, event);
			*lost += is.discarded - was.discarded;
			*news |= !is_said(recovery, &is);
			counts[n] = final ? is : was;
			n += !is_zero(&counts[n]);
		}
	}
	return n;
}

static struct dump_count *room_for_counts(const struct recovery *recovery)
{
	return calloc((size_t)recovery->remains->nevents + 1, sizeof(struct dump_count));
}

int recovery_put_counts(struct recovery *recovery, bool *news)
{
	struct dump_period period = {.from_ticks = recovery->series.counted_ticks};
	struct dump_count *counts = room_for_counts(recovery);
	int error = 0;
	if (!counts)
		return -ENOMEM;
	if (!period.from_ticks)
		period.from_ticks = recovery->remains->process.start_ticks;
	period.to_ticks = greater(period.from_ticks, recovery->last_ticks);
	size_t n = list_counts(recovery, counts, true, &period.lost, news);
	recovery->nlost = period.lost;
	if (recovery->writer)
		error = dump_put_counts(recovery->writer, counts, n, recovery->series.values_cut,
					&period);
	free(counts);
	return error;
}

/* The base for differences. */
static int put_base(const struct recovery *recovery)
{
	struct dump_period period = {recovery->series.counted_ticks, recovery->series.counted_ticks,
				     0};
	struct dump_count *counts = room_for_counts(recovery);
	uint64_t lost = 0;
	bool news = false;
	if (!counts)
		return -ENOMEM;
	size_t n = list_counts(recovery, counts, false, &lost, &news);
	int error =
		dump_put_counts(recovery->writer, counts, n, recovery->series.values_cut, &period);
	free(counts);
	return error;
}

/* --- the whole ----------------------------------------------------------------------------- */

static int put_all(struct recovery *recovery, struct points *points, struct open_spans *open)
{
	const struct remains *remains = recovery->remains;
	const struct series *series = &recovery->series;
	int error = points_gather(points, recovery);
	if (!error && recovery->reader)
		error = follow(open, points, recovery->reader);
	points_advance(points, UINT64_MAX);
	for (uint32_t i = 0; i < remains->catalogs.count && !error; i++)
		if (remains->catalog[i])
			error = dump_put_catalog(recovery->writer, (uint8_t)i, remains->catalog[i]);
	if (!error)
		error = open_put_clock(open, recovery->writer, &points->line);
	if (!error)
		error = put_clock(recovery, &points->line);
	if (!error && series->epoch_size)
		error = dump_put_copy(recovery->writer, &series->epoch, series->epoch_body,
				      series->epoch_size, 0);
	if (!error && recovery->part > 0)
		error = put_base(recovery);
	if (!error && recovery->part > 0)
		error = open_put(open, recovery->writer);
	return error;
}

static void not_told(void *context, const struct open_ended *ended)
{
	(void)context;
	(void)ended;
}

int recovery_put_ahead(struct recovery *recovery)
{
	const struct open_options options = {
		.max_spans = OPEN_SPANS, .seed = recovery->place.series, .ended = not_told};
	struct points *points = calloc(1, sizeof *points);
	struct open_spans *open = open_new(&options, &recovery->remains->catalogs);
	int error = points && open ? put_all(recovery, points, open) : -ENOMEM;
	if (open)
		open_free(open);
	if (points)
		free(points->point);
	free(points);
	return error;
}
