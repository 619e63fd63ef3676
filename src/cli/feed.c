#include <errno.h>
#include <stdlib.h>

#include "cli/cli.h"

#define FEED_BATCH 256u
/* Of one process; what a traced process itself keeps is far less. */
#define FEED_OPEN_SPANS (1u << 20)

struct feeding {
	struct feed *feed;
	struct pipeline **pipelines; /* one a process */
	const struct dump_reader *reader;
	uint32_t origin; /* that `inputs` are of */
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
		      feed->outputs, feed->noutputs);
	feeding->ninputs = 0;
}

static int make_pipelines(struct feeding *feeding, const struct dump_reader *reader)
{
	for (size_t i = 0; i < dump_origin_count(reader); i++) {
		const struct dump_origin *origin = dump_origin(reader, i);
		struct pipeline_options options = {
			.pid = origin->process.pid,
			.process_id = {origin->process.id[0], origin->process.id[1]},
			.max_open_spans = FEED_OPEN_SPANS,
		};
		feeding->pipelines[i] = pipeline_new(&options, &origin->catalogs);
		if (!feeding->pipelines[i])
			return -ENOMEM;
		if (feeding->feed->on_span)
			pipeline_on_span(feeding->pipelines[i], feeding->feed->on_span,
					 feeding->feed->context);
	}
	return 0;
}

static int feed_records(struct feeding *feeding, struct dump_reader *reader)
{
	struct dump_record record;
	int more;
	for (;;) {
		/* What waits must still have its bytes. */
		if (dump_expires(reader))
			feed_pending(feeding);
		if (feeding->feed->stop && *feeding->feed->stop)
			return -EINTR;
		if ((more = dump_next(reader, &record)) != 1)
			break;
		if (feeding->feed->on_record) {
			feeding->feed->on_record(feeding->feed->context, &record);
			if (!pipeline_decides_spans(feeding->pipelines[record.origin], &record.raw))
				continue;
		}
		if (record.origin != feeding->origin || feeding->ninputs == FEED_BATCH ||
		    (feeding->feed->by_file && record.file != feeding->feed->file))
			feed_pending(feeding);
		feeding->origin = record.origin;
		feeding->feed->file = record.file;
		feeding->inputs[feeding->ninputs++] = (struct pipeline_input){
			.raw = record.raw, .ns = record.ns, .tid = record.tid};
	}
	feed_pending(feeding);
	return more;
}

int feed_run(struct feed *feed, struct dump_reader *reader)
{
	size_t norigins = dump_origin_count(reader);
	struct feeding *feeding = calloc(1, sizeof *feeding);
	if (!feeding)
		return -ENOMEM;
	feeding->feed = feed;
	feeding->reader = reader;
	feeding->pipelines = calloc(norigins + 1, sizeof(struct pipeline *));
	int error = feeding->pipelines ? make_pipelines(feeding, reader) : -ENOMEM;
	if (!error)
		error = feed_records(feeding, reader);
	feed->ending = true;
	for (size_t i = 0; feeding->pipelines && i < norigins; i++) {
		if (!feeding->pipelines[i])
			continue;
		feed->origin = dump_origin(reader, i);
		if (!error)
			pipeline_end(feeding->pipelines[i], feed->outputs, feed->noutputs);
		feed->bad_records += pipeline_bad_records(feeding->pipelines[i]);
		pipeline_free(feeding->pipelines[i]);
	}
	free(feeding->pipelines);
	free(feeding);
	return error;
}
