/* The trail as lines of a sink. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/trail/trail.h"
#include "sink/json_value.h"
#include "sink/sink.h"

struct lines {
	struct output output;
};

static void put(struct pass *pass, struct rill_entry entry)
{
	struct lines *lines = pass->context;
	struct rill_batch batch = {&entry, 1, pass->origin->catalogs};
	lines->output.write(lines->output.state, &batch);
}

static void put_record(struct pass *pass, const struct rill_record *record,
		       const struct fact *facts, size_t nfacts)
{
	if (trail_shows(pass, record, facts, nfacts))
		put(pass, (struct rill_entry){.record = record});
}

static void put_span(struct pass *pass, const struct rill_span *span)
{
	if (trail_span(pass->trail, span->id))
		put(pass, (struct rill_entry){.span = span});
}

static void put_field(struct buffer *to, const char *name, const char *text)
{
	json_field(to, name);
	json_text(to, text);
}

/* One identity: {"key":"queueId","value":"7","program":"smtpd","pid":4711}. */
static void put_id(struct buffer *to, const struct trail *trail, uint32_t index)
{
	const struct id *id = &trail->ids.ids[index];
	char text[512];
	show_id(text, sizeof text, trail, index);
	buffer_char(to, '{');
	put_field(to, "key", trail->names.names[id->key]);
	put_field(to, "value", strchr(text, '=') + 1);
	if (id->process < trail->nprocesses) {
		put_field(to, "program", trail->processes[id->process].program);
		json_field(to, "pid");
		render_u64(to, trail->processes[id->process].pid);
	}
	buffer_char(to, '}');
}

/* What the trail is of, before its lines. */
static void print_head(const struct trail *trail, uint32_t seed)
{
	struct buffer line = {0};
	const char *between = "";
	buffer_text(&line, "{\"kind\":\"trail\",\"of\":");
	put_id(&line, trail, seed);
	buffer_text(&line, ",\"ids\":[");
	for (uint32_t i = 0; i < trail->ids.count; i++) {
		if (!(trail->ids.ids[i].flags & ID_IN_TRAIL))
			continue;
		buffer_text(&line, between);
		put_id(&line, trail, i);
		between = ",";
	}
	buffer_text(&line, "]}\n");
	fwrite(line.data, 1, line.size, stdout);
	fflush(stdout); /* the sink writes to the descriptor */
	buffer_free(&line);
}

int lines_print(struct trail *trail, uint32_t seed, const char *format, const char *level)
{
	char spec[128], error[256];
	struct sink *sink;
	struct sink_totals totals;
	struct lines lines = {0};
	struct dump_want want = {0};
	snprintf(spec, sizeof spec, "%s:stdout?queue=0&level=%s", format, level);
	if (sink_open(&sink, spec, error, sizeof error))
		return trouble("%s", error);
	if (strcmp(format, "json") == 0)
		print_head(trail, seed);
	lines.output = sink_output(sink);
	struct dump_id *wants = closure_wants(trail, &want.nids);
	want.ids = wants;
	struct pass pass = {
		.trail = trail, .record = put_record, .span = put_span, .context = &lines};
	int code = wants ? pass_run(&pass, &want) : trouble("no memory for the trail");
	sink_flush(sink);
	sink_totals(sink, &totals);
	sink_close(sink); /* before the reader: it remembers catalogs */
	if (totals.records.failed + totals.spans.failed)
		code = trouble("%" PRIu64 " lines could not be written",
			       totals.records.failed + totals.spans.failed);
	if (pass.reader && report_damage(pass.reader))
		code = EXIT_TROUBLE;
	if (pass.reader)
		dump_reader_close(pass.reader);
	free(wants);
	return code;
}
