/*
 * From ordered records of one process to sinks: decode, track spans, fan out. The collector and the
 * `rill` command run the same one.
 */
#ifndef RILL_COLLECT_PIPELINE_H
#define RILL_COLLECT_PIPELINE_H

#include "core/decode.h"

struct pipeline;

/* Where batches go: a sink, seen from below. */
struct output {
	void (*write)(void *state, const struct rill_batch *batch);
	int (*flush)(void *state);
	void (*close)(void *state);
	void (*forget)(void *state); /* in a forked child: closes descriptors, no more */
	void *state;
};

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
/* outputs: borrowed; given with every call because the collector swaps its table. */
void pipeline_feed(struct pipeline *pipeline, const struct pipeline_input *inputs, size_t count,
		   const struct output *outputs, size_t noutputs);
/* False: the record starts and ends no span, and can be decoded. Who feeds only the others, for
 * nothing but on_span(), gets the same spans; their counts of events and the time of the last one
 * are less, and so may be the choice of the oldest, when too many are open. */
bool pipeline_decides_spans(struct pipeline *pipeline, const struct raw_record *raw);
/* Closes the open spans as abandoned. */
void pipeline_end(struct pipeline *pipeline, const struct output *outputs, size_t noutputs);
void pipeline_free(struct pipeline *pipeline);

/* Records whose bytes no encoder writes, or whose catalog or event is not known: not handed on. */
uint64_t pipeline_bad_records(const struct pipeline *pipeline);

/* Starts that opened no span, for lack of their key or of memory. Their records are handed on. */
uint64_t pipeline_untracked_spans(const struct pipeline *pipeline);

/* Called with each finished span (state is not RILL_SPAN_OPEN); the `rill spans` command. */
void pipeline_on_span(struct pipeline *pipeline, void (*callback)(void *, const struct rill_span *),
		      void *context);

#endif
