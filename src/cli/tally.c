#include "cli/tally.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rill/static/ring.h>

/* --- the table of a group ------------------------------------------------------------------ */

static uint64_t hash_name(uint64_t hash, const char *name)
{
	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
	return hash * 31;
}

static struct tally_event **bucket(const struct tally_group *group, const char *catalog,
				   const char *name, bool is_span)
{
	uint64_t hash = hash_name(UINT64_C(0xcbf29ce484222325) + is_span, catalog);
	hash = hash_name(hash, name);
	return &group->table[(hash ^ hash >> 32) & (group->ntable - 1)];
}

static struct tally_event *find(const struct tally_group *group, const char *catalog,
				const char *name, bool is_span)
{
	struct tally_event *event = *bucket(group, catalog, name, is_span);
	while (event && (event->is_span != is_span || strcmp(event->name, name) != 0 ||
			 strcmp(event->catalog, catalog) != 0))
		event = event->next;
	return event;
}

struct tally_event *tally_find(const struct tally_group *group, const struct tally_event *like)
{
	return find(group, like->catalog, like->name, like->is_span);
}

static int grow_table(struct tally_group *group)
{
	size_t ntable = group->ntable ? 2 * group->ntable : 256;
	struct tally_event **table = calloc(ntable, sizeof(struct tally_event *));
	if (!table)
		return -ENOMEM;
	free(group->table);
	group->table = table;
	group->ntable = ntable;
	for (size_t i = 0; i < group->nevents; i++) {
		struct tally_event *event = group->events[i];
		struct tally_event **head =
			bucket(group, event->catalog, event->name, event->is_span);
		event->next = *head;
		*head = event;
	}
	return 0;
}

/* Finds or adds. NULL: no memory. */
static struct tally_event *get(struct tally *tally, struct tally_group *group, const char *catalog,
			       const char *name, bool is_span)
{
	if (group->nevents >= group->ntable && grow_table(group))
		return NULL;
	struct tally_event *event = find(group, catalog, name, is_span);
	if (event)
		return event;
	if (group->nevents == group->room) {
		size_t room = group->room ? 2 * group->room : 256;
		void *events = realloc(group->events, room * sizeof(struct tally_event *));
		if (!events)
			return NULL;
		group->events = events;
		group->room = room;
	}
	event = calloc(1, sizeof *event);
	if (!event)
		return NULL;
	struct tally_event **head = bucket(group, catalog, name, is_span);
	*event = (struct tally_event){
		.catalog = catalog, .name = name, .is_span = is_span, .next = *head};
	event->durations.memory = &tally->histogram_memory;
	*head = event;
	group->events[group->nevents++] = event;
	return event;
}

/* Those of an origin's catalog, made when they are first needed: a process emits few of the events
 * that its catalog has. NULL: no memory. */
static struct tally_event *event_of(struct tally *tally, struct tally_origin *origin,
				    uint32_t index, uint16_t event_id)
{
	struct tally_event **place = &origin->events[index][event_id];
	const struct rill_catalog *catalog = origin->catalogs[index];
	if (!*place)
		*place = get(tally, origin->group, catalog->name, catalog->events[event_id].name,
			     false);
	if (*place)
		(*place)->level = catalog->events[event_id].level;
	else
		tally->no_memory = true;
	return *place;
}

static struct tally_event *span_of(struct tally *tally, struct tally_origin *origin, uint32_t index,
				   const struct rill_catalog *catalog, size_t span_id)
{
	struct tally_event **place = &origin->spans[index][span_id];
	if (!*place)
		*place = get(tally, origin->group, catalog->name, catalog->spans[span_id].name,
			     true);
	if (*place)
		(*place)->level = catalog->events[catalog->spans[span_id].start].level;
	else
		tally->no_memory = true;
	return *place;
}

/* --- time ---------------------------------------------------------------------------------- */

static void fold(uint64_t *slots)
{
	for (size_t i = 0; i < TALLY_SLOTS / 2; i++)
		slots[i] = slots[2 * i] + slots[2 * i + 1];
	memset(slots + TALLY_SLOTS / 2, 0, TALLY_SLOTS / 2 * sizeof *slots);
}

static void widen(struct tally_group *group, uint64_t ns)
{
	while ((ns - group->slots_from_ns) >> group->slot_shift >= TALLY_SLOTS) {
		for (size_t i = 0; i < group->nevents; i++)
			fold(group->events[i]->slots);
		fold(group->slots);
		group->slot_shift++;
	}
}

/* Of a time that the group covers. */
static unsigned slot_of(const struct tally_group *group, uint64_t ns)
{
	return ns < group->slots_from_ns
		       ? 0
		       : (unsigned)((ns - group->slots_from_ns) >> group->slot_shift);
}

static void turn_to(struct tally_group *group, uint64_t ns)
{
	if (!group->slot_ns)
		group->first_ns = ns;
	if (!group->slot_ns && (!group->slots_from_ns || ns < group->slots_from_ns))
		group->slots_from_ns = ns;
	if (ns > group->slots_from_ns &&
	    (ns - group->slots_from_ns) >> group->slot_shift >= TALLY_SLOTS)
		widen(group, ns);
	group->slot = slot_of(group, ns);
	group->slot_ns = UINT64_C(1) << group->slot_shift;
	group->slot_from_ns = group->slots_from_ns + ((uint64_t)group->slot << group->slot_shift);
}

static inline unsigned cover(struct tally_group *group, uint64_t ns)
{
	/* Before the first slot there is none: such times are looked at one by one. */
	if (RILL__UNLIKELY(ns - group->slot_from_ns >= group->slot_ns))
		turn_to(group, ns);
	if (ns < group->first_ns)
		group->first_ns = ns;
	if (ns > group->last_ns)
		group->last_ns = ns;
	return group->slot;
}

double tally_seconds(const struct tally_group *group)
{
	return (double)(group->last_ns - group->first_ns) / 1e9;
}

/* --- counting ------------------------------------------------------------------------------ */

static uint32_t load32(const unsigned char *from)
{
	uint32_t value;
	memcpy(&value, from, sizeof value);
	return value;
}

static void add_duration(struct tally *tally, struct tally_event *event, int64_t ns, unsigned slot)
{
	if (ns < 0) {
		event->negative++;
		return;
	}
	if (tally->on_duration)
		tally->on_duration(tally->context, event, (uint64_t)ns, slot);
	else
		histogram_add(&event->durations, (uint64_t)ns);
}

/* Reads the word under a tag where it stands: nothing else of the record is looked at. */
static void count_elapsed(struct tally *tally, struct tally_event *event,
			  const struct raw_record *raw, uint32_t tag, unsigned slot)
{
	const unsigned char *tags = raw->bytes + sizeof(struct rill__record);
	uint32_t at = event->slot_hint, nslots = raw->nslots;
	if (at >= nslots || load32(tags + (size_t)4 * at) != tag) {
		for (at = 0; at < nslots && load32(tags + (size_t)4 * at) != tag;)
			at++;
		if (at == nslots)
			return;
		event->slot_hint = at;
	}
	int64_t ns;
	memcpy(&ns, raw->bytes + RILL__WORDS_AT(nslots) + (size_t)8 * at, sizeof ns);
	add_duration(tally, event, ns, slot);
}

static void count_record(void *context, const struct dump_record *record)
{
	struct tally *tally = context;
	struct tally_origin *origin = &tally->origins[record->origin];
	struct tally_group *group = origin->group;
	const struct raw_record *raw = &record->raw;
	if (record->context)
		return;
	unsigned slot = cover(group, record->ns);
	if (RILL__UNLIKELY(raw->event >= origin->nevents[raw->catalog])) {
		group->unknown++;
		group->bytes += raw->size;
		group->slots[slot]++;
		return;
	}
	struct tally_event *event = origin->events[raw->catalog][raw->event];
	if (RILL__UNLIKELY(!event))
		event = event_of(tally, origin, raw->catalog, raw->event);
	if (!event)
		return;
	event->bytes += raw->size;
	event->slots[slot]++;
	uint32_t tag = origin->elapsed[raw->catalog];
	if (tag != TALLY_NO_TAG)
		count_elapsed(tally, event, raw, tag, slot);
}

static void count_span(void *context, const struct rill_span *span)
{
	struct tally *tally = context;
	size_t at = 0;
	while (at < tally->norigins && dump_origin(tally->reader, at) != tally->feed.origin)
		at++;
	const struct rill_catalogs *catalogs = &tally->feed.origin->catalogs;
	struct tally_origin *origin = &tally->origins[at];
	for (uint32_t c = 0; c < catalogs->count; c++) {
		if (catalogs->catalog[c] != span->catalog)
			continue;
		struct tally_event *event = span_of(tally, origin, c, span->catalog,
						    (size_t)(span->span - span->catalog->spans));
		if (!event)
			return;
		unsigned slot = slot_of(origin->group, span->end_ns);
		uint32_t state = span->state;
		if (state == RILL_SPAN_ABANDONED && tally->feed.ending)
			state = TALLY_OPEN;
		event->records++;
		event->states[state]++;
		event->slots[slot]++;
		if (state == RILL_SPAN_ENDED)
			add_duration(tally, event, (int64_t)(span->end_ns - span->start_ns), slot);
		return;
	}
}

/* --- from opening to freeing --------------------------------------------------------------- */

static int map_catalog(struct tally_origin *origin, uint32_t index,
		       const struct rill_catalog *catalog)
{
	origin->events[index] = calloc(catalog->nevents + 1u, sizeof(struct tally_event *));
	origin->spans[index] = calloc(catalog->nspans + 1u, sizeof(struct tally_event *));
	if (!origin->events[index] || !origin->spans[index])
		return -ENOMEM;
	origin->catalogs[index] = catalog;
	origin->nevents[index] = catalog->nevents;
	for (uint32_t i = 0; i < catalog->nkeys; i++)
		if (strcmp(catalog->keys[i].name, "elapsed") == 0)
			origin->elapsed[index] = i | (uint32_t)RILL_TYPE_DURATION << 16;
	return 0;
}

static int map_origin(struct tally *tally, size_t index)
{
	const struct rill_catalogs *catalogs = &dump_origin(tally->reader, index)->catalogs;
	struct tally_origin *origin = &tally->origins[index];
	for (size_t c = 0; c < 256; c++)
		origin->elapsed[c] = TALLY_NO_TAG;
	for (uint32_t c = 0; c < catalogs->count; c++)
		if (catalogs->catalog[c] && map_catalog(origin, c, catalogs->catalog[c]))
			return -ENOMEM;
	return 0;
}

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Counts are from the process's start on: those of its last file hold. */
static int take_counts(struct tally *tally, size_t index)
{
	const struct dump_origin *info = dump_origin(tally->reader, index);
	struct tally_origin *origin = &tally->origins[index];
	for (uint32_t c = 0; c < info->catalogs.count; c++) {
		if (!info->catalogs.catalog[c])
			continue;
		size_t nevents = info->catalogs.catalog[c]->nevents;
		struct dump_count *counts = calloc(nevents + 1, sizeof *counts);
		if (!counts)
			return -ENOMEM;
		for (size_t f = 0; f < dump_file_count(tally->reader); f++) {
			const struct dump_file *file = dump_file(tally->reader, f);
			for (size_t i = 0; file->origin == index && i < file->ncounts; i++) {
				const struct dump_count *from = &file->counts[i];
				struct dump_count *to = &counts[from->event];
				if (from->catalog != c || from->event >= nevents)
					continue;
				to->written = most(to->written, from->written);
				to->filtered = most(to->filtered, from->filtered);
				to->discarded = most(to->discarded, from->discarded);
				to->overwritten = most(to->overwritten, from->overwritten);
				to->failed = most(to->failed, from->failed);
			}
		}
		for (size_t i = 0; i < nevents; i++) {
			if (!counts[i].written && !counts[i].filtered && !tally_lost(&counts[i]))
				continue;
			struct tally_event *event = event_of(tally, origin, c, (uint16_t)i);
			if (!event)
				break;
			struct dump_count *to = &event->count;
			to->written += counts[i].written;
			to->filtered += counts[i].filtered;
			to->discarded += counts[i].discarded;
			to->overwritten += counts[i].overwritten;
			to->failed += counts[i].failed;
		}
		free(counts);
	}
	return 0;
}

/* The first slot begins with the first record, which need not be the first to be read. */
static void find_start(struct tally *tally)
{
	for (size_t i = 0; i < dump_file_count(tally->reader); i++) {
		const struct dump_file *file = dump_file(tally->reader, i);
		if (!tally->origins[file->origin].group)
			continue;
		uint64_t *start = &tally->origins[file->origin].group->slots_from_ns;
		if ((file->first_ns || file->last_ns) && (!*start || file->first_ns < *start))
			*start = file->first_ns;
	}
}

int tally_init(struct tally *tally, struct dump_reader *reader, bool by_process,
	       size_t histogram_bytes)
{
	size_t norigins = dump_origin_count(reader);
	*tally = (struct tally){.reader = reader, .histogram_memory = histogram_bytes};
	tally->feed =
		(struct feed){.on_span = count_span, .on_record = count_record, .context = tally};
	tally->groups = calloc(norigins + 1, sizeof *tally->groups);
	tally->origins = calloc(norigins + 1, sizeof *tally->origins);
	if (!tally->groups || !tally->origins)
		return -ENOMEM;
	tally->norigins = norigins;
	tally->ngroups = by_process ? norigins : 1;
	for (size_t i = 0; i < norigins; i++) {
		struct tally_group *group = &tally->groups[by_process ? i : 0];
		group->origin = by_process ? dump_origin(reader, i) : NULL;
		tally->origins[i].group = group;
		if (map_origin(tally, i) || take_counts(tally, i))
			return -ENOMEM;
	}
	find_start(tally);
	return 0;
}

/* What follows from what was counted. */
static void add_up(struct tally_group *group)
{
	group->records = group->unknown;
	for (size_t i = 0; i < group->nevents; i++) {
		struct tally_event *event = group->events[i];
		if (event->is_span)
			continue;
		for (size_t slot = 0; slot < TALLY_SLOTS; slot++) {
			event->records += event->slots[slot];
			group->slots[slot] += event->slots[slot];
		}
		group->records += event->records;
		group->bytes += event->bytes;
	}
}

int tally_run(struct tally *tally)
{
	int error = feed_run(&tally->feed, tally->reader);
	for (size_t i = 0; i < tally->ngroups; i++)
		add_up(&tally->groups[i]);
	return !error && tally->no_memory ? -ENOMEM : error;
}

void tally_free(struct tally *tally)
{
	for (size_t g = 0; tally->groups && g < tally->ngroups; g++) {
		struct tally_group *group = &tally->groups[g];
		for (size_t i = 0; i < group->nevents; i++) {
			histogram_free(&group->events[i]->durations);
			free(group->events[i]);
		}
		free(group->events);
		free(group->table);
	}
	for (size_t i = 0; tally->origins && i < tally->norigins; i++) {
		for (size_t c = 0; c < 256; c++) {
			free(tally->origins[i].events[c]);
			free(tally->origins[i].spans[c]);
		}
	}
	free(tally->origins);
	free(tally->groups);
}
