/* The figures of `rill stats` for programs. */
#include "cli/stats.h"
#include "sink/json_value.h"

static const struct {
	const char *name;
	uint32_t per_100000;
} quantiles[] = {{"p50", 50000}, {"p90", 90000}, {"p99", 99000}, {"p999", 99900}};

static void put_number(struct buffer *to, const char *name, uint64_t number)
{
	json_field(to, name);
	render_u64(to, number);
}

static void put_time(struct buffer *to, const char *name, uint64_t ns)
{
	struct zone utc = {0};
	json_field(to, name);
	buffer_char(to, '"');
	render_time(to, ns, &utc);
	buffer_char(to, '"');
}

static void put_names(struct buffer *to, const struct tally_event *event)
{
	buffer_char(to, '{');
	json_field(to, "catalog");
	json_text(to, event->catalog);
	json_field(to, "name");
	json_text(to, event->name);
	json_field(to, "level");
	json_text(to, level_names[event->level]);
}

/* Nanoseconds. Percentiles are right but for HISTOGRAM_ERROR, or exactly. */
static void put_durations(struct buffer *to, struct tally_event *event)
{
	struct histogram *histogram = &event->durations;
	if (event->negative)
		put_number(to, "negative", event->negative);
	if (!histogram->count)
		return;
	json_field(to, "durations");
	buffer_char(to, '{');
	put_number(to, "count", histogram->count);
	put_number(to, "min", histogram->min);
	put_number(to, "max", histogram->max);
	json_field(to, "mean");
	render_f64(to, histogram->sum / (double)histogram->count);
	if (histogram_is_whole(histogram)) {
		for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles; i++)
			put_number(to, quantiles[i].name,
				   histogram_quantile(histogram, quantiles[i].per_100000));
		json_field(to, "error");
		render_f64(to, histogram->exact ? 0 : HISTOGRAM_ERROR);
	}
	buffer_char(to, '}');
}

static void put_count(struct buffer *to, const struct tally_event *event)
{
	put_number(to, "written", event->records);
	put_number(to, "filtered", event->count.filtered);
	put_number(to, "discarded", event->count.discarded);
	put_number(to, "overwritten", event->count.overwritten);
	put_number(to, "failed", event->count.failed);
	put_number(to, "bytes", event->bytes);
}

static void put_events(struct buffer *to, const struct stats_lines *lines)
{
	json_field(to, "events");
	buffer_char(to, '[');
	for (size_t i = 0; i < lines->nevents; i++) {
		if (i)
			buffer_char(to, ',');
		put_names(to, lines->events[i]);
		put_count(to, lines->events[i]);
		put_durations(to, lines->events[i]);
		buffer_char(to, '}');
	}
	buffer_char(to, ']');
	json_field(to, "spans");
	buffer_char(to, '[');
	for (size_t i = 0; i < lines->nspans; i++) {
		const uint64_t *states = lines->spans[i]->states;
		if (i)
			buffer_char(to, ',');
		put_names(to, lines->spans[i]);
		put_number(to, "ended", states[RILL_SPAN_ENDED]);
		put_number(to, "abandoned", states[RILL_SPAN_ABANDONED]);
		put_number(to, "headless", states[RILL_SPAN_HEADLESS]);
		put_number(to, "open", states[TALLY_OPEN]);
		put_durations(to, lines->spans[i]);
		buffer_char(to, '}');
	}
	buffer_char(to, ']');
}

static void put_processes(struct buffer *to, const struct stats *stats,
			  const struct tally_group *group)
{
	const struct dump_reader *reader = stats->tally.reader;
	bool first = true;
	json_field(to, "processes");
	buffer_char(to, '[');
	for (size_t i = 0; i < dump_origin_count(reader); i++) {
		const struct dump_origin *origin = dump_origin(reader, i);
		if (group->origin && group->origin != origin)
			continue;
		if (!first)
			buffer_char(to, ',');
		first = false;
		buffer_char(to, '{');
		json_field(to, "program");
		json_text(to, origin->process.program);
		put_number(to, "pid", origin->process.pid);
		put_time(to, "start", origin->process.start_ns);
		buffer_char(to, '}');
	}
	buffer_char(to, ']');
}

void stats_print_json(struct stats *stats, const struct tally_group *group)
{
	struct stats_lines lines;
	struct buffer line = {0};
	if (stats_choose(&lines, stats, group)) {
		buffer_char(&line, '{');
		put_processes(&line, stats, group);
		if (group->records) {
			put_time(&line, "from", group->first_ns);
			put_time(&line, "to", group->last_ns);
			put_number(&line, "duration", group->last_ns - group->first_ns);
		}
		json_field(&line, "total");
		buffer_char(&line, '{');
		lines.total.records = group->records;
		lines.total.bytes = group->bytes;
		put_count(&line, &lines.total);
		put_number(&line, "unknown", group->unknown);
		buffer_char(&line, '}');
		put_events(&line, &lines);
		buffer_text(&line, "}\n");
		if (!line.broken)
			fwrite(line.data, 1, line.size, stdout);
	}
	if (line.broken || !lines.events || !lines.spans)
		stats->tally.no_memory = true;
	stats_forget(&lines);
	buffer_free(&line);
}
