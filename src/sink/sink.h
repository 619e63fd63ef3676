/*
 * A sink as the collector and the `rill` command hold it: a sink type at work, with a level and
 * counters of its own.
 */
#ifndef RILL_SINK_SINK_H
#define RILL_SINK_SINK_H

#include <rill/sink.h>

#include "collect/pipeline.h"

/* Per event id of one catalog. A sink with a queue counts what it queued as written, and moves it
 * to failed when it could not be written in the end: from a thread of its own, so read each field
 * with
 * __atomic_load_n(). After a sink_flush() that returned 0 nothing moves any more. */
struct sink_count {
	uint64_t written;
	uint64_t filtered;
	uint64_t failed;
};

struct sink;

/* Every entry of every batch ends in exactly one of the three. */
struct sink_totals {
	struct sink_count records; /* the sum of all sink_counts() */
	struct sink_count spans;
};

/*
 * spec: TYPE:ARGUMENT[?OPTION=VALUE[&OPTION=VALUE]...], see docs/text.md and docs/json.md.
 * Options of every sink: level=trace|debug|info|warn|error (lowest level written; spans by the
 * level of their start event). The others are the type's. 0; negative errno, and one sentence in
 * `error` that names the part of the spec that is wrong.
 */
int sink_open(struct sink **sink, const char *spec, char *error, size_t error_size);

/* Filters, writes, counts. Never fails: what the sink does not take is counted as failed. The first
 * failure after a success is told through rill__diagnose(). */
void sink_write(struct sink *sink, const struct rill_batch *batch);
/* -ETIMEDOUT: the reader of a pipe or terminal takes nothing. Waits 200 ms at most for the next
 * line to be taken, and 2 s altogether. */
int sink_flush(struct sink *sink);
/* Flushes, for 2 s at most; what is left counts as failed, which nobody can read any more: for
 * final counts call sink_flush() first. */
void sink_close(struct sink *sink);
/* In a forked child: closes the descriptors. The memory, which the parent's threads may have been
 * changing, is left; what is queued is the parent's. */
void sink_forget(struct sink *sink);

/* The sink as the collector sees it. */
struct output sink_output(struct sink *sink);

const char *sink_spec(const struct sink *sink);
/* Counts by event id of the catalog with this index; NULL when there are none yet. *nevents:
 * length. */
const struct sink_count *sink_counts(const struct sink *sink, uint32_t catalog_index,
				     size_t *nevents);

void sink_totals(const struct sink *sink, struct sink_totals *totals);

extern const struct rill_sink_type sink_text;
extern const struct rill_sink_type sink_json;

#endif
