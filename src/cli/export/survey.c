#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/export/table.h"

enum { SEEN = 1, SEEN_SPAN = 2 };

/* Of one catalog of one process. */
struct seen {
	unsigned char *keys;
	bool *span_events;
};

struct surveying {
	struct dump_reader *reader;
	struct seen *seen; /* by process and catalog */
	size_t stride;     /* catalogs a process has at most */
	volatile const sig_atomic_t *stop;
};

static const struct rill_catalogs *catalogs_of(const struct surveying *surveying, size_t origin)
{
	return &dump_origin(surveying->reader, origin)->catalogs;
}

static int make_seen(struct surveying *surveying)
{
	size_t norigins = dump_origin_count(surveying->reader);
	for (size_t i = 0; i < norigins; i++)
		if (catalogs_of(surveying, i)->count > surveying->stride)
			surveying->stride = catalogs_of(surveying, i)->count;
	surveying->seen = calloc(norigins * surveying->stride + 1, sizeof *surveying->seen);
	return surveying->seen ? 0 : -ENOMEM;
}

/* Only those of which there are records take memory. */
static struct seen *seen_of(struct surveying *surveying, uint32_t origin, uint8_t index,
			    const struct rill_catalog *catalog)
{
	struct seen *seen = &surveying->seen[origin * surveying->stride + index];
	if (seen->keys)
		return seen;
	seen->keys = calloc((size_t)catalog->nkeys + 1, 1);
	seen->span_events = calloc((size_t)catalog->nevents + 1, sizeof(bool));
	if (!seen->keys || !seen->span_events)
		return NULL;
	for (size_t i = 0; i < catalog->nspans; i++) {
		seen->span_events[catalog->spans[i].start] = true;
		seen->span_events[catalog->spans[i].end] = true;
	}
	return seen;
}

static int look(struct surveying *surveying, const struct dump_record *record)
{
	const struct rill_catalogs *catalogs = catalogs_of(surveying, record->origin);
	struct rill_item items[RILL_MAX_ITEMS];
	uint8_t index = record->raw.catalog;
	const struct rill_catalog *catalog =
		index < catalogs->count ? catalogs->catalog[index] : NULL;
	if (!catalog || record->raw.event >= catalog->nevents)
		return 0;
	struct seen *seen = seen_of(surveying, record->origin, index, catalog);
	if (!seen)
		return -ENOMEM;
	int count = raw_record_items(&record->raw, items);
	unsigned char mark = seen->span_events[record->raw.event] ? SEEN | SEEN_SPAN : SEEN;
	for (int i = 0; i < count; i++)
		if (items[i].key < catalog->nkeys)
			seen->keys[items[i].key] |= mark;
	return 0;
}

static int by_name(const void *left, const void *right)
{
	const struct survey_key *a = left, *b = right;
	return strcmp(a->name, b->name);
}

static int add_keys(struct survey *survey, const struct rill_catalog *catalog,
		    const struct seen *seen)
{
	for (size_t i = 0; i < catalog->nkeys; i++) {
		if (!seen->keys[i])
			continue;
		struct survey_key *keys =
			reallocarray(survey->keys, survey->nkeys + 1, sizeof *keys);
		if (!keys)
			return -ENOMEM;
		survey->keys = keys;
		keys[survey->nkeys] = (struct survey_key){.name = strdup(catalog->keys[i].name),
							  .span = (seen->keys[i] & SEEN_SPAN) != 0};
		if (!keys[survey->nkeys].name)
			return -ENOMEM;
		survey->nkeys++;
	}
	return 0;
}

/* Sorts, and makes one of those of the same name. */
static void join_keys(struct survey *survey)
{
	size_t kept = 0;
	if (survey->nkeys)
		qsort(survey->keys, survey->nkeys, sizeof *survey->keys, by_name);
	for (size_t i = 0; i < survey->nkeys; i++) {
		struct survey_key *last = kept ? &survey->keys[kept - 1] : NULL;
		if (last && strcmp(last->name, survey->keys[i].name) == 0) {
			last->span = last->span || survey->keys[i].span;
			free(survey->keys[i].name);
		} else {
			survey->keys[kept++] = survey->keys[i];
		}
	}
	survey->nkeys = kept;
}

static int collect(struct survey *survey, struct surveying *surveying)
{
	int error = 0;
	for (size_t i = 0; i < dump_origin_count(surveying->reader) && !error; i++) {
		const struct rill_catalogs *catalogs = catalogs_of(surveying, i);
		const struct seen *seen = &surveying->seen[i * surveying->stride];
		for (size_t c = 0; c < catalogs->count && !error; c++)
			if (seen[c].keys)
				error = add_keys(survey, catalogs->catalog[c], &seen[c]);
		/* Processes of one program have the same keys. */
		join_keys(survey);
	}
	return error;
}

static int read_all(struct surveying *surveying)
{
	struct dump_record record;
	int more = 0, error = 0;
	while (!error && (more = dump_next(surveying->reader, &record)) == 1) {
		error = look(surveying, &record);
		if (surveying->stop && *surveying->stop)
			error = -EINTR;
	}
	return error ? error : more;
}

static void free_seen(struct surveying *surveying)
{
	size_t count = dump_origin_count(surveying->reader) * surveying->stride;
	for (size_t i = 0; surveying->seen && i < count; i++) {
		free(surveying->seen[i].keys);
		free(surveying->seen[i].span_events);
	}
	free(surveying->seen);
}

int survey_make(struct survey *survey, const struct export_job *job)
{
	struct dump_want want = *job->want;
	want.alone = true;
	struct surveying surveying = {.stop = job->feed.stop};
	*survey = (struct survey){0};
	surveying.reader = open_dumps(job->paths, job->npaths, &want);
	if (!surveying.reader)
		return -EIO;
	int error = make_seen(&surveying);
	if (!error)
		error = read_all(&surveying);
	if (!error)
		error = collect(survey, &surveying);
	free_seen(&surveying);
	dump_reader_close(surveying.reader);
	return error;
}

void survey_free(struct survey *survey)
{
	for (size_t i = 0; i < survey->nkeys; i++)
		free(survey->keys[i].name);
	free(survey->keys);
}
