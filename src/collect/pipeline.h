/*
 * From ordered records of one process to sinks: decode, track spans, fan out. The collector and the
 * `rill` command run the same one.
 */
#ifndef RILL_COLLECT_PIPELINE_H
#define RILL_COLLECT_PIPELINE_H

#include "core/decode.h"
#include "sink/sink.h"

struct pipeline;

struct pipeline_input {
	struct raw_record raw;
	uint64_t ns;
	uint32_t tid;
	bool late;
};

struct pipeline_options {
	uint32_t pid;
	uint64_t process_id[2];
	uint32_t max_open_spans; /* more: the oldest is closed as abandoned */
};

/* catalogs: borrowed, may grow while the pipeline lives. Returns NULL when there is no memory. */
struct pipeline *pipeline_new(const struct pipeline_options *options,
			      const struct rill_catalogs *catalogs);
/* sinks: borrowed; given with every call because the collector swaps its table. */
void pipeline_feed(struct pipeline *pipeline, const struct pipeline_input *inputs, size_t count,
		   struct sink *const *sinks, size_t nsinks);
/* Closes the open spans as abandoned. */
void pipeline_end(struct pipeline *pipeline, struct sink *const *sinks, size_t nsinks);
void pipeline_free(struct pipeline *pipeline);

/* Records whose bytes no encoder writes, or whose catalog or event is not known: not handed on. */
uint64_t pipeline_bad_records(const struct pipeline *pipeline);

/* Called with each finished span (state is not RILL_SPAN_OPEN); the `rill spans` command. */
void pipeline_on_span(struct pipeline *pipeline, void (*callback)(void *, const struct rill_span *),
		      void *context);

#endif
