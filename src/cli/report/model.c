#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/report/report.h"

static bool same_catalog(const struct report_catalog *known, const struct rill_catalog *catalog)
{
	return known->hash == catalog->hash && known->nevents == catalog->nevents &&
	       known->nkeys == catalog->nkeys && known->nspans == catalog->nspans &&
	       strcmp(known->name, catalog->name) == 0;
}

static struct report_catalog *find_catalog(const struct model *model,
					   const struct rill_catalog *catalog)
{
	for (size_t i = 0; i < model->ncatalogs; i++)
		if (same_catalog(&model->catalogs[i], catalog))
			return &model->catalogs[i];
	return NULL;
}

static uint16_t find_elapsed(const struct rill_catalog *catalog)
{
	for (uint16_t i = 0; i < catalog->nkeys; i++)
		if (strcmp(catalog->keys[i].name, "elapsed") == 0)
			return i;
	return RILL_NO_KEY;
}

/* An array with room for `more` zeroed elements behind its `count`. NULL: no memory. */
static void *extend(void *array, size_t count, size_t more, size_t size)
{
	char *longer = reallocarray(array, count + more + 1, size);
	if (longer)
		memset(longer + count * size, 0, (more + 1) * size);
	return longer;
}

#define EXTEND(array, count, more)                                                                 \
	({                                                                                         \
		void *longer_ = extend((array), (count), (more), sizeof *(array));                 \
		if (longer_)                                                                       \
			(array) = longer_;                                                         \
		longer_ != NULL;                                                                   \
	})

static int learn_catalog(struct model *model, const struct rill_catalog *catalog)
{
	if (!catalog || find_catalog(model, catalog))
		return 0;
	if (!EXTEND(model->catalogs, model->ncatalogs, 1) ||
	    !EXTEND(model->events, model->nevents, catalog->nevents) ||
	    !EXTEND(model->spans, model->nspans, catalog->nspans) ||
	    !EXTEND(model->slow, model->nspans, catalog->nspans))
		return -ENOMEM;
	model->catalogs[model->ncatalogs++] = (struct report_catalog){
		.catalog = catalog,
		.name = strdup(catalog->name),
		.hash = catalog->hash,
		.first_event = (uint32_t)model->nevents,
		.first_key = (uint32_t)model->nkeys,
		.first_span = (uint32_t)model->nspans,
		.nevents = catalog->nevents,
		.nkeys = catalog->nkeys,
		.nspans = catalog->nspans,
		.elapsed = find_elapsed(catalog),
	};
	model->nevents += catalog->nevents;
	model->nkeys += catalog->nkeys;
	model->nspans += catalog->nspans;
	return model->catalogs[model->ncatalogs - 1].name ? 0 : -ENOMEM;
}

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Of one process, the events of one of its catalogs, `sums`: counts are from the process's start
 * on, so the greatest of its files holds. */
static int add_counts(struct report_event *sums, const struct dump_reader *reader, size_t origin,
		      uint32_t catalog, size_t nevents)
{
	struct dump_count *counts = calloc(nevents + 1, sizeof *counts);
	if (!counts)
		return -ENOMEM;
	for (size_t f = 0; f < dump_file_count(reader); f++) {
		const struct dump_file *file = dump_file(reader, f);
		for (size_t i = 0; file->origin == origin && i < file->ncounts; i++) {
			const struct dump_count *from = &file->counts[i];
			if (from->catalog != catalog || from->event >= nevents)
				continue;
			struct dump_count *to = &counts[from->event];
			to->filtered = most(to->filtered, from->filtered);
			to->discarded = most(to->discarded, from->discarded);
			to->overwritten = most(to->overwritten, from->overwritten);
			to->failed = most(to->failed, from->failed);
		}
	}
	for (size_t i = 0; i < nevents; i++) {
		sums[i].counts.filtered += counts[i].filtered;
		sums[i].counts.discarded += counts[i].discarded;
		sums[i].counts.overwritten += counts[i].overwritten;
		sums[i].counts.failed += counts[i].failed;
	}
	free(counts);
	return 0;
}

static int add_process(struct model *model, const struct dump_reader *reader, size_t index)
{
	const struct dump_origin *origin = dump_origin(reader, index);
	uint64_t values_cut = 0;
	for (size_t f = 0; f < dump_file_count(reader); f++) {
		const struct dump_file *file = dump_file(reader, f);
		if (file->origin == index)
			values_cut = most(values_cut, file->values_cut);
	}
	model->values_cut += values_cut;
	for (uint32_t c = 0; c < origin->catalogs.count; c++) {
		const struct rill_catalog *catalog = origin->catalogs.catalog[c];
		const struct report_catalog *known = catalog ? find_catalog(model, catalog) : NULL;
		if (known && add_counts(&model->events[known->first_event], reader, index, c,
					known->nevents))
			return -ENOMEM;
	}
	return 0;
}

int model_begin(struct model *model, const struct dump_reader *reader)
{
	size_t norigins = dump_origin_count(reader);
	*model = (struct model){.processes = calloc(norigins + 1, sizeof *model->processes),
				.nprocesses = norigins,
				.histogram_bytes = REPORT_HISTOGRAM_BYTES,
				.threads = calloc(REPORT_THREADS + 1, sizeof *model->threads),
				.thread_table = calloc(2 * REPORT_THREADS, sizeof(uint32_t))};
	if (!model->processes || !model->threads || !model->thread_table)
		return -ENOMEM;
	for (size_t i = 0; i < norigins; i++) {
		const struct dump_origin *origin = dump_origin(reader, i);
		model->processes[i].process = origin->process;
		model->processes[i].process.program = NULL;
		for (uint32_t c = 0; c < origin->catalogs.count; c++)
			if (learn_catalog(model, origin->catalogs.catalog[c]))
				return -ENOMEM;
	}
	for (size_t i = 0; i < norigins; i++)
		if (add_process(model, reader, i))
			return -ENOMEM;
	return 0;
}

void model_second_pass(struct model *model, const struct dump_reader *reader)
{
	model->seen = (struct report_seen){0};
	for (size_t i = 0; i < model->ncatalogs; i++)
		model->catalogs[i].catalog = NULL;
	for (size_t i = 0; i < dump_origin_count(reader); i++) {
		const struct dump_origin *origin = dump_origin(reader, i);
		for (uint32_t c = 0; c < origin->catalogs.count; c++) {
			const struct rill_catalog *catalog = origin->catalogs.catalog[c];
			struct report_catalog *known =
				catalog ? find_catalog(model, catalog) : NULL;
			if (known)
				known->catalog = catalog;
		}
	}
}

const struct report_catalog *model_catalog(struct model *model, const struct rill_catalog *catalog)
{
	if (model->seen.catalog != catalog) {
		model->seen.catalog = catalog;
		model->seen.found = find_catalog(model, catalog);
	}
	return model->seen.found;
}

uint32_t model_process(struct model *model, const struct dump_origin *origin)
{
	if (model->seen.origin == origin)
		return model->seen.process;
	uint32_t process = UINT32_MAX;
	for (size_t i = 0; i < model->nprocesses && process == UINT32_MAX; i++)
		if (memcmp(model->processes[i].process.id, origin->process.id,
			   sizeof origin->process.id) == 0 &&
		    model->processes[i].process.pid == origin->process.pid)
			process = (uint32_t)i;
	model->seen.origin = origin;
	model->seen.process = process;
	return process;
}

/* The last one stands for all that have no room. */
uint32_t model_thread(struct model *model, uint32_t process, uint32_t tid)
{
	uint64_t hash = ((uint64_t)process << 32 | tid) * UINT64_C(0x9e3779b97f4a7c15);
	size_t mask = 2 * REPORT_THREADS - 1;
	for (size_t i = (size_t)(hash >> 40) & mask;; i = (i + 1) & mask) {
		uint32_t *slot = &model->thread_table[i];
		if (*slot && model->threads[*slot - 1].process == process &&
		    model->threads[*slot - 1].tid == tid)
			return *slot - 1;
		if (*slot)
			continue;
		if (model->nthreads >= REPORT_THREADS) {
			model->nthreads = REPORT_THREADS + 1;
			return REPORT_THREADS;
		}
		model->threads[model->nthreads] =
			(struct report_thread){.process = process, .tid = tid};
		*slot = (uint32_t)++model->nthreads;
		return *slot - 1;
	}
}

static void add_elapsed(struct model *model, const struct report_catalog *catalog,
			struct report_event *event, const struct rill_record *record)
{
	for (uint16_t i = 0; i < record->nitems; i++) {
		const struct rill_item *item = &record->items[i];
		if (item->key != catalog->elapsed || item->type != RILL_TYPE_DURATION ||
		    item->i64 < 0)
			continue;
		if (!event->latency && (event->latency = calloc(1, sizeof *event->latency)))
			event->latency->memory = &model->histogram_bytes;
		if (event->latency)
			histogram_add(event->latency, item->u64);
		else
			model->no_memory = true;
		return;
	}
}

void model_add_record(struct model *model, const struct dump_origin *origin,
		      const struct rill_record *record)
{
	const struct report_catalog *catalog = model_catalog(model, record->catalog);
	uint32_t process = model_process(model, origin);
	if (!catalog || process == UINT32_MAX)
		return;
	struct report_event *event = &model->events[catalog->first_event + record->event_id];
	struct report_process *at = &model->processes[process];
	event->count++;
	if (!event->series &&
	    !(event->series = timeline_series(&model->timeline, record->event->level))) {
		model->no_memory = true;
		return;
	}
	event->series->bins[timeline_bin(&model->timeline, record->time_ns)]++;
	add_elapsed(model, catalog, event, record);
	model->threads[model_thread(model, process, record->tid)].count++;
	if (!at->count++ || record->time_ns < at->first_ns)
		at->first_ns = record->time_ns;
	if (record->time_ns > at->last_ns)
		at->last_ns = record->time_ns;
	at->late += record->late;
	if (!model->total++ || record->time_ns < model->first_ns)
		model->first_ns = record->time_ns;
	if (record->time_ns > model->last_ns)
		model->last_ns = record->time_ns;
	model->urgent += record->event->level >= RILL_WARN;
}

/* A heap in an array, the fastest span at its top: that one goes when a slower one comes. */
static void keep_slow(struct slow_spans *slow, const struct slow_span *span)
{
	size_t i = slow->count;
	if (slow->count < SLOW_SPANS) {
		slow->count++;
		for (; i && slow->spans[(i - 1) / 2].duration_ns > span->duration_ns;
		     i = (i - 1) / 2)
			slow->spans[i] = slow->spans[(i - 1) / 2];
		slow->spans[i] = *span;
		return;
	}
	if (span->duration_ns <= slow->spans[0].duration_ns)
		return;
	for (i = 0;;) {
		size_t child = 2 * i + 1;
		if (child + 1 < SLOW_SPANS &&
		    slow->spans[child + 1].duration_ns < slow->spans[child].duration_ns)
			child++;
		if (child >= SLOW_SPANS || slow->spans[child].duration_ns >= span->duration_ns)
			break;
		slow->spans[i] = slow->spans[child];
		i = child;
	}
	slow->spans[i] = *span;
}

void model_add_span(struct model *model, const struct rill_span *span, bool ending)
{
	const struct report_catalog *catalog = model_catalog(model, span->catalog);
	if (!catalog)
		return;
	size_t type = catalog->first_span + (size_t)(span->span - span->catalog->spans);
	struct report_span *at = &model->spans[type];
	struct slow_span row = {
		.duration_ns = span->end_ns > span->start_ns ? span->end_ns - span->start_ns : 0,
		.id = span->id,
		.nevents = span->nevents};
	model->total_spans++;
	if (ending && span->state == RILL_SPAN_ABANDONED)
		at->open++;
	else
		at->states[span->state]++;
	at->latency.memory = &model->histogram_bytes;
	if (span->state == RILL_SPAN_ENDED)
		histogram_add(&at->latency, row.duration_ns);
	if (!model->slow[type] && !(model->slow[type] = calloc(1, sizeof *model->slow[type])))
		model->no_memory = true;
	else
		keep_slow(model->slow[type], &row);
}

void model_free(struct model *model)
{
	for (size_t i = 0; i < model->ncatalogs; i++)
		free(model->catalogs[i].name);
	for (size_t i = 0; i < model->nevents; i++) {
		if (model->events[i].latency)
			histogram_free(model->events[i].latency);
		free(model->events[i].latency);
	}
	for (size_t i = 0; i < model->nspans; i++) {
		histogram_free(&model->spans[i].latency);
		free(model->slow[i]);
	}
	timeline_free(&model->timeline);
	free(model->catalogs);
	free(model->events);
	free(model->spans);
	free(model->slow);
	free(model->processes);
	free(model->threads);
	free(model->thread_table);
}
