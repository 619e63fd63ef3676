#include <errno.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/progress.h"

#define FEED_BATCH 256u
#define FEED_STEP  4096u /* records between looks at the clock */
/* Of one process; what a traced process itself keeps is far less. */
#define FEED_OPEN_SPANS (1u << 17)

struct feeding {
	struct feed *feed;
	struct pipeline **pipelines; /* one a process; NULL until it has records */
	size_t npipelines;
	const struct dump_reader *reader;
	uint32_t origin; /* that `inputs` are of */
	bool context;    /* nobody asked for them */
	size_t ninputs;
	struct pipeline_input inputs[FEED_BATCH];
};

static void feed_pending(struct feeding *feeding)
{
	struct feed *feed = feeding->feed;
	if (!feeding->ninputs)
		return;
	feed->origin = dump_origin(feeding->reader, feeding->origin);
	pipeline_feed(feeding->pipelines[feeding->origin], feeding->inputs, feeding->ninputs,
		      feed->outputs, feeding->context ? 0 : feed->noutputs);
	feeding->ninputs = 0;
}

static void feed_span(void *context, const struct rill_span *span)
{
	const struct feed *feed = context;
	if (span->end_ns >= feed->since_ns)
		feed->on_span(feed->context, span);
}

/* There may be more processes than there were. */
static int make_room(struct feeding *feeding)
{
	size_t count = dump_origin_count(feeding->reader);
	if (count <= feeding->npipelines)
		return 0;
	struct pipeline **grown = realloc(feeding->pipelines, count * sizeof(struct pipeline *));
	if (!grown)
		return -ENOMEM;
	feeding->pipelines = grown;
	while (feeding->npipelines < count)
		grown[feeding->npipelines++] = NULL;
	return 0;
}

static struct pipeline *make_pipeline(struct feeding *feeding, uint32_t index)
{
	const struct dump_origin *origin = dump_origin(feeding->reader, index);
	struct pipeline_options options = {
		.pid = origin->process.pid,
		.process_id = {origin->process.id[0], origin->process.id[1]},
		.max_open_spans = FEED_OPEN_SPANS,
	};
	struct pipeline *pipeline = pipeline_new(&options, &origin->catalogs);
	if (pipeline && feeding->feed->on_span)
		pipeline_on_span(pipeline, feed_span, feeding->feed);
	return feeding->pipelines[index] = pipeline;
}

/* 0; -ENOMEM. */
static int feed_record(struct feeding *feeding, const struct dump_record *record)
{
	struct feed *feed = feeding->feed;
	if (!feeding->pipelines || record->origin >= feeding->npipelines)
		return -ENOMEM;
	struct pipeline *pipeline = feeding->pipelines[record->origin];
	if (!pipeline && !(pipeline = make_pipeline(feeding, record->origin)))
		return -ENOMEM;
	if (feed->on_record && !record->context)
		feed->on_record(feed->context, record);
	if (feed->on_record && (record->plain || !pipeline_decides_spans(pipeline, &record->raw)))
		return 0;
	if (record->origin != feeding->origin || record->context != feeding->context ||
	    feeding->ninputs == FEED_BATCH || (feed->by_file && record->file != feed->file))
		feed_pending(feeding);
	feeding->origin = record->origin;
	feed->file = record->file;
	feeding->context = record->context;
	feeding->inputs[feeding->ninputs++] =
		(struct pipeline_input){.raw = record->raw, .ns = record->ns, .tid = record->tid};
	return 0;
}

static int feed_records(struct feeding *feeding, struct dump_reader *reader)
{
	struct dump_record record;
	uint64_t done, all, count = 0;
	int more;
	for (;;) {
		/* What waits must still have its bytes. */
		if (feeding->ninputs && dump_expires(reader))
			feed_pending(feeding);
		if (feeding->feed->stop && *feeding->feed->stop)
			return -EINTR;
		more = dump_next(reader, &record);
		if (++count % FEED_STEP == 0) {
			dump_progress(reader, &done, &all);
			progress_show(done, all);
		}
		if (more == 1) {
			more = feed_record(feeding, &record);
		} else if (more == 0) {
			feed_pending(feeding);
			if (!feeding->feed->more || !feeding->feed->more(feeding->feed->context))
				break;
			more = make_room(feeding);
		}
		if (more < 0)
			break;
	}
	feed_pending(feeding);
	return more;
}

int feed_run(struct feed *feed, struct dump_reader *reader)
{
	struct feeding *feeding = calloc(1, sizeof *feeding);
	if (!feeding)
		return -ENOMEM;
	feeding->feed = feed;
	feeding->reader = reader;
	int error = make_room(feeding);
	progress_begin();
	if (!error)
		error = feed_records(feeding, reader);
	progress_end();
	feed->ending = true;
	for (size_t i = 0; i < feeding->npipelines; i++) {
		if (!feeding->pipelines[i])
			continue;
		feed->origin = dump_origin(reader, i);
		if (!error)
			pipeline_end(feeding->pipelines[i], feed->outputs,
				     feed->until_ns ? 0 : feed->noutputs);
		feed->bad_records += pipeline_bad_records(feeding->pipelines[i]);
		pipeline_free(feeding->pipelines[i]);
	}
	free(feeding->pipelines);
	free(feeding);
	return error;
}
