/* The spans that were open when a process died: since when, and what they did last. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/recover/recover.h"

/* The last event of an open span. */
struct stage {
	uint64_t span; /* id; 0: a free place */
	uint64_t ns;
	const struct rill_catalog_event *event;
};

struct line_of {
	uint64_t start_ns;
	char *text;
};

struct unfinished {
	struct feed feed;
	struct stage *stages; /* a hash table */
	size_t nstages;
	size_t room; /* a power of two, or 0 */
	uint64_t now_ns;
	struct line_of *lines;
	size_t nlines;
	bool no_memory;
};

/* --- stages -------------------------------------------------------------------------------- */

static size_t home_of(const struct unfinished *unfinished, uint64_t span)
{
	return (size_t)(span * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (unfinished->room - 1);
}

static struct stage *find(const struct unfinished *unfinished, uint64_t span)
{
	size_t i = home_of(unfinished, span);
	while (unfinished->stages[i].span && unfinished->stages[i].span != span)
		i = (i + 1) & (unfinished->room - 1);
	return &unfinished->stages[i];
}

static bool make_room(struct unfinished *unfinished)
{
	struct unfinished old = *unfinished;
	if (2 * (unfinished->nstages + 1) <= unfinished->room)
		return true;
	unfinished->room = old.room ? 2 * old.room : 256;
	unfinished->stages = calloc(unfinished->room, sizeof *unfinished->stages);
	if (!unfinished->stages) {
		*unfinished = old;
		unfinished->no_memory = true;
		return false;
	}
	for (size_t i = 0; i < old.room; i++)
		if (old.stages[i].span)
			*find(unfinished, old.stages[i].span) = old.stages[i];
	free(old.stages);
	return true;
}

static void set_stage(struct unfinished *unfinished, const struct rill_span *span,
		      const struct rill_record *record)
{
	if (!make_room(unfinished))
		return;
	struct stage *stage = find(unfinished, span->id);
	unfinished->nstages += !stage->span;
	*stage = (struct stage){span->id, record->time_ns, record->event};
}

/* What stands behind it in its stretch moves up, as far as it may. */
static void remove_stage(struct unfinished *unfinished, uint64_t span)
{
	if (!unfinished->room)
		return;
	size_t mask = unfinished->room - 1;
	size_t hole = (size_t)(find(unfinished, span) - unfinished->stages);
	if (!unfinished->stages[hole].span)
		return;
	unfinished->nstages--;
	for (size_t i = (hole + 1) & mask; unfinished->stages[i].span; i = (i + 1) & mask) {
		size_t home = home_of(unfinished, unfinished->stages[i].span);
		if (((i - home) & mask) >= ((i - hole) & mask)) {
			unfinished->stages[hole] = unfinished->stages[i];
			hole = i;
		}
	}
	unfinished->stages[hole].span = 0;
}

/* --- spans --------------------------------------------------------------------------------- */

static const struct rill_item *key_of(const struct rill_span *span)
{
	for (uint32_t i = 0; i < span->nstart_items; i++)
		if (span->start_items[i].key == span->span->key)
			return &span->start_items[i];
	return NULL;
}

static int by_start(const void *left, const void *right)
{
	const struct line_of *a = left, *b = right;
	return (a->start_ns > b->start_ns) - (a->start_ns < b->start_ns);
}

static void tell(struct unfinished *unfinished, const struct rill_span *span)
{
	const struct rill_item *item = key_of(span);
	const struct stage *stage = unfinished->room ? find(unfinished, span->id) : NULL;
	const char *event = span->catalog->events[span->span->start].name;
	uint64_t last_ns = span->start_ns, now_ns = unfinished->now_ns;
	char name[160], key[80], value[80], last[160], age[32], idle[32];
	if (stage && stage->span) {
		event = stage->event->name;
		last_ns = stage->ns;
	}
	show_label(name, sizeof name, span->span->name);
	show_label(last, sizeof last, event);
	show_label(key, sizeof key, item ? span->catalog->keys[item->key].name : "");
	if (item)
		show_item(value, sizeof value, item);
	show_duration(age, now_ns > span->start_ns ? now_ns - span->start_ns : 0);
	show_duration(idle, now_ns > last_ns ? now_ns - last_ns : 0);
	struct line_of *grown =
		realloc(unfinished->lines, (unfinished->nlines + 1) * sizeof *unfinished->lines);
	if (grown)
		unfinished->lines = grown;
	struct line_of line = {.start_ns = span->start_ns};
	if (!grown ||
	    asprintf(&line.text, "%s %s%s%s: open for %s; last %s, %s before the end", name, key,
		     item ? "=" : "", item ? value : "", age, last, idle) < 0) {
		unfinished->no_memory = true;
		return;
	}
	unfinished->lines[unfinished->nlines++] = line;
}

static void take(void *state, const struct rill_batch *batch)
{
	struct unfinished *unfinished = state;
	for (size_t i = 0; i < batch->count; i++) {
		const struct rill_record *record = batch->entries[i].record;
		const struct rill_span *span = batch->entries[i].span;
		if (record && record->time_ns > unfinished->now_ns)
			unfinished->now_ns = record->time_ns;
		for (const struct rill_span *at = record ? record->span : NULL; at; at = at->parent)
			set_stage(unfinished, at, record);
		if (!span)
			continue;
		if (unfinished->feed.ending && span->state == RILL_SPAN_ABANDONED)
			tell(unfinished, span);
		remove_stage(unfinished, span->id);
	}
}

/* --- the whole ----------------------------------------------------------------------------- */

static void print(struct unfinished *unfinished)
{
	if (unfinished->nlines)
		qsort(unfinished->lines, unfinished->nlines, sizeof *unfinished->lines, by_start);
	if (!unfinished->nlines)
		puts("  no span was open");
	else
		printf("  %zu span%s open:\n", unfinished->nlines,
		       unfinished->nlines == 1 ? " was" : "s were");
	for (size_t i = 0; i < unfinished->nlines; i++)
		printf("    %s\n", unfinished->lines[i].text);
}

int unfinished_print(char *const *paths, size_t npaths)
{
	struct unfinished unfinished = {0};
	struct output output = {.write = take, .state = &unfinished};
	struct dump_reader *reader = npaths ? open_dumps(paths, npaths, NULL) : NULL;
	int error = 0;
	unfinished.feed.outputs = &output;
	unfinished.feed.noutputs = 1;
	if (reader)
		error = feed_run(&unfinished.feed, reader);
	print(&unfinished);
	for (size_t i = 0; i < unfinished.nlines; i++)
		free(unfinished.lines[i].text);
	free(unfinished.lines);
	free(unfinished.stages);
	if (reader)
		dump_reader_close(reader);
	return error || unfinished.no_memory ? trouble("no memory to find all spans") : EXIT_OK;
}
