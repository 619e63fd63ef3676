#include "collect/pipeline.h"

#include <stdlib.h>

#include "collect/spans.h"

#define BATCH 256u

struct pipeline {
	const struct rill_catalogs *catalogs;
	struct tracker *tracker;
	void (*on_span)(void *context, const struct rill_span *span);
	void *on_span_context;
	const struct output *outputs; /* of the call at hand */
	size_t noutputs;
	uint64_t bad_records;
	struct tracked *handed_out; /* closed spans of the batch */
	size_t nentries;
	size_t nrecords;
	uint32_t pid;
	struct rill_entry entries[BATCH];
	/* Those of the batch, each without the items that it doesn't have: so a batch fits into the
	 * nearest caches. `next` is where the next one goes. */
	unsigned char *next;
	_Alignas(struct rill_record) unsigned char records[BATCH * sizeof(struct rill_record)];
};

static void flush(void *context)
{
	struct pipeline *pipeline = context;
	if (!pipeline->nentries)
		return;
	struct rill_batch batch = {pipeline->entries, pipeline->nentries, *pipeline->catalogs};
	for (size_t i = 0; i < pipeline->noutputs; i++)
		pipeline->outputs[i].write(pipeline->outputs[i].state, &batch);
	pipeline->nentries = 0;
	while (pipeline->handed_out) {
		struct tracked *tracked = pipeline->handed_out;
		pipeline->handed_out = tracked->next;
		tracker_give_back(pipeline->tracker, tracked);
	}
}

static void push(struct pipeline *pipeline, const struct rill_record *record,
		 const struct rill_span *span)
{
	if (pipeline->nentries == BATCH)
		flush(pipeline);
	pipeline->entries[pipeline->nentries++] = (struct rill_entry){record, span};
}

static void push_spans(struct pipeline *pipeline, struct tracked *closed)
{
	while (closed) {
		struct tracked *next = closed->next;
		push(pipeline, NULL, &closed->span);
		if (pipeline->on_span)
			pipeline->on_span(pipeline->on_span_context, &closed->span);
		closed->next = pipeline->handed_out;
		pipeline->handed_out = closed;
		closed = next;
	}
}

/* NULL: the record's catalog or event is not known. */
static const struct rill_catalog *catalog_of(const struct pipeline *pipeline,
					     const struct raw_record *raw)
{
	const struct rill_catalog *catalog = NULL;
	if (raw->catalog < pipeline->catalogs->count)
		catalog = pipeline->catalogs->catalog[raw->catalog];
	return catalog && raw->event < catalog->nevents ? catalog : NULL;
}

/* False: the record is not one that can be handed on. */
static bool decode(const struct pipeline *pipeline, const struct pipeline_input *input,
		   struct rill_record *record)
{
	const struct raw_record *raw = &input->raw;
	const struct rill_catalog *catalog = catalog_of(pipeline, raw);
	if (!catalog)
		return false;
	int nitems = raw_record_items(raw, record->items);
	if (nitems < 0)
		return false;
	uint16_t greatest = 0;
	for (int i = 0; i < nitems; i++)
		if (record->items[i].key > greatest)
			greatest = record->items[i].key;
	if (nitems && greatest >= catalog->nkeys)
		return false;
	record->catalog = catalog;
	record->event = &catalog->events[raw->event];
	record->time_ns = input->ns;
	record->pid = pipeline->pid;
	record->tid = input->tid;
	record->event_id = raw->event;
	record->catalog_index = raw->catalog;
	record->nitems = (uint16_t)nitems;
	record->late = input->late;
	return true;
}

void pipeline_feed(struct pipeline *pipeline, const struct pipeline_input *inputs, size_t count,
		   const struct output *outputs, size_t noutputs)
{
	pipeline->outputs = outputs;
	pipeline->noutputs = noutputs;
	for (size_t i = 0; i < count; i++) {
		/* A flush for the tracker's sake leaves the record at hand where it is. */
		if (pipeline->nrecords == BATCH)
			flush(pipeline);
		if (!pipeline->nentries) {
			pipeline->nrecords = 0;
			pipeline->next = pipeline->records;
		}
		struct rill_record *record = (struct rill_record *)(void *)pipeline->next;
		if (!decode(pipeline, &inputs[i], record)) {
			pipeline->bad_records++;
			continue;
		}
		pipeline->nrecords++;
		pipeline->next = (unsigned char *)&record->items[record->nitems];
		struct tracked *closed =
			tracker_follow(pipeline->tracker, record, inputs[i].raw.ticks);
		push(pipeline, record, NULL);
		push_spans(pipeline, closed);
	}
	/* What the entries point to is the caller's. */
	flush(pipeline);
}

bool pipeline_decides_spans(struct pipeline *pipeline, const struct raw_record *raw)
{
	const struct rill_catalog *catalog = catalog_of(pipeline, raw);
	return !catalog || !raw_record_decodes(raw, catalog->nkeys) ||
	       tracker_has_role(pipeline->tracker, catalog, raw->catalog, raw->event);
}

void pipeline_end(struct pipeline *pipeline, const struct output *outputs, size_t noutputs)
{
	pipeline->outputs = outputs;
	pipeline->noutputs = noutputs;
	for (struct tracked *open; (open = tracker_abandon(pipeline->tracker));)
		push_spans(pipeline, open);
	flush(pipeline);
}

struct pipeline *pipeline_new(const struct pipeline_options *options,
			      const struct rill_catalogs *catalogs)
{
	struct pipeline *pipeline = calloc(1, sizeof *pipeline);
	if (!pipeline)
		return NULL;
	struct tracker_options tracking = {
		.pid = options->pid,
		.process_id = {options->process_id[0], options->process_id[1]},
		.max_open_spans = options->max_open_spans,
		.settle = flush,
		.context = pipeline,
	};
	pipeline->catalogs = catalogs;
	pipeline->tracker = tracker_new(&tracking);
	if (!pipeline->tracker) {
		free(pipeline);
		return NULL;
	}
	pipeline->pid = options->pid;
	return pipeline;
}

void pipeline_free(struct pipeline *pipeline)
{
	if (!pipeline)
		return;
	tracker_free(pipeline->tracker);
	free(pipeline);
}

uint64_t pipeline_bad_records(const struct pipeline *pipeline)
{
	return pipeline->bad_records;
}

uint64_t pipeline_untracked_spans(const struct pipeline *pipeline)
{
	return tracker_untracked(pipeline->tracker);
}

void pipeline_on_span(struct pipeline *pipeline, void (*callback)(void *, const struct rill_span *),
		      void *context)
{
	pipeline->on_span = callback;
	pipeline->on_span_context = context;
}
