#include "sink/sink.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/diagnose.h"
#include "sink/render.h"
#include "sink/spec.h"

#define MAX_CATALOGS 256u /* a record's catalog index has 8 bits */

/*
 * Synchronisation: everything is the caller's thread's, except what the owner's functions (lost(),
 * recovered()) touch from a thread of the sink type: the counters and `failing`, by atomic
 * operations. A table of counters is made before the first of its records is handed on.
 */
struct sink {
	const struct rill_sink_type *type;
	void *state;
	struct rill_sink_owner owner;
	char *spec;
	unsigned level; /* enum rill_level */
	bool failing;   /* told of, and not over yet */
	struct sink_totals totals;
	struct sink_count *counts[MAX_CATALOGS];
	size_t ncounts[MAX_CATALOGS];
	struct rill_entry *entries; /* of a batch, those that pass the level */
	size_t max_entries;
};

static const struct rill_sink_type *const types[] = {&sink_text, &sink_json};
/* What a spec may begin with; dumps are opened by the runtime. */
static const char type_names[] = "text, json and dump";

static void add(uint64_t *counter, uint64_t n)
{
	__atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

static struct sink_count *event_count(struct sink *sink, uint16_t catalog_index, uint16_t event_id)
{
	if (catalog_index >= MAX_CATALOGS || event_id >= sink->ncounts[catalog_index])
		return NULL;
	return &sink->counts[catalog_index][event_id];
}

enum fate { WRITTEN, FILTERED, FAILED };

static void count_more(struct sink_count *count, enum fate fate, uint64_t n)
{
	add(fate == WRITTEN    ? &count->written
	    : fate == FILTERED ? &count->filtered
			       : &count->failed,
	    n);
}

static void count_records(struct sink *sink, const struct rill_record *record, enum fate fate,
			  uint64_t n)
{
	uint16_t index = record->catalog_index;
	const struct rill_catalog *catalog = record->catalog;
	if (index < MAX_CATALOGS && !sink->counts[index] && catalog) {
		struct sink_count *table = calloc(catalog->nevents, sizeof *table);
		__atomic_store_n(&sink->counts[index], table, __ATOMIC_RELEASE);
		sink->ncounts[index] = table ? catalog->nevents : 0;
	}
	struct sink_count *count = event_count(sink, index, record->event_id);
	if (count)
		count_more(count, fate, n);
}

static bool same_event(const struct rill_record *a, const struct rill_record *b)
{
	return a && b && a->event_id == b->event_id && a->catalog_index == b->catalog_index;
}

/* By runs of the same event, since the counters are shared: a step of one of them takes as long as
 * a good part of a line. */
static void count_entries(struct sink *sink, const struct rill_entry *entries, size_t count,
			  enum fate fate)
{
	size_t nrecords = 0;
	for (size_t i = 0, next; i < count; i = next) {
		const struct rill_record *record = entries[i].record;
		next = i + 1;
		if (!record)
			continue;
		while (next < count && same_event(record, entries[next].record))
			next++;
		count_records(sink, record, fate, next - i);
		nrecords += next - i;
	}
	if (nrecords)
		count_more(&sink->totals.records, fate, nrecords);
	if (nrecords < count)
		count_more(&sink->totals.spans, fate, count - nrecords);
}

static void tell_failure(struct sink *sink, int error)
{
	/* Want of memory is rill's own trouble, not an outage of the destination. */
	if (error != -ENOMEM && __atomic_exchange_n(&sink->failing, true, __ATOMIC_RELAXED))
		return;
	const char *why = strerror(-error);
	if (error == -ENOBUFS)
		why = "its reader does not keep up and its queue is full";
	else if (error == -ETIMEDOUT)
		why = "its reader takes nothing and the sink is being closed";
	rill__diagnose(__func__, "sink %s: %s; what it does not take is counted as failed",
		       sink->spec, why);
}

static void lost(void *context, uint16_t catalog_index, uint16_t event_id, int error)
{
	struct sink *sink = context;
	struct sink_count *total = &sink->totals.spans;
	if (event_id != RILL_SPAN_ENTRY) {
		struct sink_count *count = event_count(sink, catalog_index, event_id);
		total = &sink->totals.records;
		if (count) {
			add(&count->failed, 1);
			add(&count->written, UINT64_MAX);
		}
	}
	add(&total->failed, 1);
	add(&total->written, UINT64_MAX);
	tell_failure(sink, error);
}

static void recovered(void *context)
{
	struct sink *sink = context;
	__atomic_store_n(&sink->failing, false, __ATOMIC_RELAXED);
}

static int fail(int error, const char *spec, char *message, size_t message_size, const char *why)
{
	snprintf(message, message_size, "sink \"%s\": %s", spec, why);
	return error;
}

/* Takes `level` out of the argument, which the type gets without it. */
static int take_level(struct sink *sink, struct spec *spec, char *argument, char *why,
		      size_t why_size)
{
	static const char *const levels[] = {"trace", "debug", "info", "warn", "error", NULL};
	int error = spec_take_choice(spec, "level", levels, &sink->level, why, why_size);
	char *end = strchr(argument, '?');
	if (error || !end)
		return error;
	char separator = '?';
	for (size_t i = 0; i < spec->noptions; i++) {
		const struct spec_option *option = &spec->options[i];
		size_t size = strlen(option->raw);
		if (option->used)
			continue;
		*end++ = separator;
		separator = '&';
		/* Options move only towards the front, and `raw` is a copy of its own. */
		memcpy(end, option->raw, size);
		end += size;
	}
	*end = '\0';
	return 0;
}

static int open_type(struct sink *sink, const char *argument, char *why, size_t why_size)
{
	struct spec spec;
	char *rest = strdup(argument);
	if (!rest)
		return -ENOMEM;
	int error = spec_parse(&spec, argument, why, why_size);
	if (!error) {
		error = take_level(sink, &spec, rest, why, why_size);
		spec_free(&spec);
	}
	if (!error)
		error = sink->type->open(rest, &sink->owner, &sink->state, why, why_size);
	free(rest);
	return error;
}

static void free_sink(struct sink *sink)
{
	for (size_t i = 0; i < MAX_CATALOGS; i++)
		free(sink->counts[i]);
	free(sink->entries);
	free(sink->spec);
	free(sink);
}

int sink_open(struct sink **result, const char *spec, char *error, size_t error_size)
{
	const char *colon = strchr(spec, ':');
	const struct rill_sink_type *type = NULL;
	char why[512] = "no memory";
	if (!colon)
		return fail(-EINVAL, spec, error, error_size,
			    "not of the form TYPE:TARGET, such as text:stderr");
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		if (strlen(types[i]->name) == (size_t)(colon - spec) &&
		    strncmp(types[i]->name, spec, (size_t)(colon - spec)) == 0)
			type = types[i];
	}
	if (!type) {
		snprintf(why, sizeof why, "no type is called \"%.*s\"; there are %s",
			 (int)(colon - spec), spec, type_names);
		return fail(-EINVAL, spec, error, error_size, why);
	}
	struct sink *sink = calloc(1, sizeof *sink);
	char *copy = strdup(spec);
	if (!sink || !copy) {
		free(sink);
		free(copy);
		return fail(-ENOMEM, spec, error, error_size, why);
	}
	sink->type = type;
	sink->spec = copy;
	sink->owner = (struct rill_sink_owner){lost, recovered, sink};
	int result_code = open_type(sink, colon + 1, why, sizeof why);
	if (result_code) {
		free_sink(sink);
		return fail(result_code, spec, error, error_size, why);
	}
	*result = sink;
	return 0;
}

static unsigned entry_level(const struct rill_entry *entry)
{
	if (entry->record)
		return entry->record->event->level;
	const struct rill_catalog *catalog = entry->span->catalog;
	uint16_t start = entry->span->span->start;
	return start < catalog->nevents ? catalog->events[start].level : RILL_ERROR;
}

/* The entries that pass the level. NULL: no memory for the selection. */
static const struct rill_entry *select_entries(struct sink *sink, const struct rill_batch *batch,
					       size_t *count)
{
	*count = batch->count;
	if (sink->level == RILL_TRACE)
		return batch->entries;
	if (sink->max_entries < batch->count) {
		struct rill_entry *larger = malloc(batch->count * sizeof *larger);
		if (!larger)
			return NULL;
		struct rill_entry *old = sink->entries;
		/* Before the free(): see buffer_reserve(). */
		__atomic_store_n(&sink->entries, larger, __ATOMIC_RELEASE);
		sink->max_entries = batch->count;
		free(old);
	}
	*count = 0;
	for (size_t i = 0; i < batch->count; i++) {
		if (entry_level(&batch->entries[i]) >= sink->level)
			sink->entries[(*count)++] = batch->entries[i];
		else
			count_entries(sink, &batch->entries[i], 1, FILTERED);
	}
	return sink->entries;
}

void sink_write(struct sink *sink, const struct rill_batch *batch)
{
	struct rill_batch selected = *batch;
	size_t taken = 0;
	int error = 0;
	if (!batch->count || !batch->entries)
		return;
	selected.entries = select_entries(sink, batch, &selected.count);
	if (!selected.entries) {
		selected.entries = batch->entries;
		error = -ENOMEM;
	}
	/* As written, before the sink type may call lost() for them. */
	count_entries(sink, selected.entries, selected.count, WRITTEN);
	if (!error && selected.count)
		error = sink->type->write(sink->state, &selected, &taken);
	for (size_t i = taken; i < selected.count; i++) {
		const struct rill_record *record = selected.entries[i].record;
		lost(sink, record ? record->catalog_index : 0,
		     record ? record->event_id : RILL_SPAN_ENTRY, error ? error : -EIO);
	}
}

int sink_flush(struct sink *sink)
{
	return sink->type->flush(sink->state);
}

void sink_close(struct sink *sink)
{
	sink->type->close(sink->state);
	free_sink(sink);
}

void sink_forget(struct sink *sink)
{
	sink->type->forget(sink->state);
}

static void output_write(void *state, const struct rill_batch *batch)
{
	sink_write(state, batch);
}

static int output_flush(void *state)
{
	return sink_flush(state);
}

static void output_close(void *state)
{
	struct sink *sink = state;
	struct sink_totals totals;
	sink->type->close(sink->state);
	sink_totals(sink, &totals);
	if (totals.records.failed || totals.spans.failed)
		rill__diagnose(__func__, "sink %s: %llu events and %llu spans were not written",
			       sink->spec, (unsigned long long)totals.records.failed,
			       (unsigned long long)totals.spans.failed);
	free_sink(sink);
}

static void output_forget(void *state)
{
	sink_forget(state);
}

struct output sink_output(struct sink *sink)
{
	struct output output = {output_write, output_flush, output_close, output_forget, sink};
	return output;
}

const char *sink_spec(const struct sink *sink)
{
	return sink->spec;
}

const struct sink_count *sink_counts(const struct sink *sink, uint32_t catalog_index,
				     size_t *nevents)
{
	if (catalog_index >= MAX_CATALOGS)
		return NULL;
	*nevents = sink->ncounts[catalog_index];
	return sink->counts[catalog_index];
}

static void load_count(struct sink_count *to, const struct sink_count *from)
{
	to->written = __atomic_load_n(&from->written, __ATOMIC_RELAXED);
	to->filtered = __atomic_load_n(&from->filtered, __ATOMIC_RELAXED);
	to->failed = __atomic_load_n(&from->failed, __ATOMIC_RELAXED);
}

void sink_totals(const struct sink *sink, struct sink_totals *totals)
{
	load_count(&totals->records, &sink->totals.records);
	load_count(&totals->spans, &sink->totals.spans);
}
