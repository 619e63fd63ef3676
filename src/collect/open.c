#include "collect/open.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collect/spans.h"
#include "core/core.h"

/* How long an end waits for its start. */
#define EARLY_NS UINT64_C(1000000000)
/* Points of the line that are written for starts of long ago; of more, some. */
#define MAX_POINTS 1024u
/* Those for records that were made before the last point and are about to come. */
#define LAST_POINTS  4u
#define FIRST_PLACES 256u

/* An open span; or an end that waits for its start: then `size` is 0. */
struct open_span {
	struct open_span *next;  /* in its place */
	struct open_span *older; /* in its list, in the order in which they came */
	struct open_span *newer;
	struct value value;
	struct line_point point; /* by which ns is known */
	uint64_t ns;             /* of the start, or of the end */
	uint32_t files;          /* of an end: where it is to be counted */
	uint32_t tid;
	uint32_t size; /* of the record */
	uint16_t span;
	unsigned char record[];
};

struct list {
	struct open_span *oldest;
	struct open_span *newest;
	size_t count;
};

struct open_spans {
	struct open_options options;
	const struct rill_catalogs *catalogs;
	struct catalog_roles *roles[MAX_CATALOGS];
	struct list open;
	struct list early;
	struct open_span **places;
	size_t nplaces; /* a power of two */
	uint64_t bytes; /* of records */
	uint64_t now_ns;
	struct dump_pack *pack; /* made when it is needed */
};

/* --- the table ----------------------------------------------------------------------------- */

static void list_append(struct list *list, struct open_span *span)
{
	span->older = list->newest;
	span->newer = NULL;
	*(list->newest ? &list->newest->newer : &list->oldest) = span;
	list->newest = span;
	list->count++;
}

static void list_remove(struct list *list, struct open_span *span)
{
	*(span->older ? &span->older->newer : &list->oldest) = span->newer;
	*(span->newer ? &span->newer->older : &list->newest) = span->older;
	list->count--;
}

static struct open_span **place_of(struct open_spans *open, const struct value *value)
{
	return &open->places[value->hash & (open->nplaces - 1)];
}

/* Without memory the chains grow longer, which costs time and nothing else. */
static void widen(struct open_spans *open)
{
	size_t nplaces = open->nplaces ? 2 * open->nplaces : FIRST_PLACES, old = open->nplaces;
	struct open_span **from = open->places;
	struct open_span **places = calloc(nplaces, sizeof(struct open_span *));
	if (!places)
		return;
	open->places = places;
	open->nplaces = nplaces;
	for (size_t i = 0; i < old; i++) {
		struct open_span *span = from[i], *next;
		for (; span; span = next) {
			struct open_span **place = place_of(open, &span->value);
			next = span->next;
			span->next = *place;
			*place = span;
		}
	}
	free(from);
}

static void drop(struct open_spans *open, struct open_span *span)
{
	struct open_span **at = place_of(open, &span->value);
	while (*at != span)
		at = &(*at)->next;
	*at = span->next;
	list_remove(span->size ? &open->open : &open->early, span);
	open->bytes -= span->size;
	free(span);
}

static struct open_span *find(struct open_spans *open, uint16_t span, const struct value *value,
			      bool early)
{
	struct open_span *at = open->nplaces ? *place_of(open, value) : NULL;
	while (at &&
	       ((at->size == 0) != early || at->span != span || !value_same(&at->value, value)))
		at = at->next;
	return at;
}

/* The record's bytes, if it is to have some, are copied, and the value stands in them. */
static struct open_span *add(struct open_spans *open, const struct open_span *like,
			     const unsigned char *record)
{
	if (open->open.count + open->early.count >= open->nplaces)
		widen(open);
	/* An end keeps the bytes of its value only. */
	size_t room = like->size ? like->size : like->value.size;
	struct open_span *span = open->nplaces ? malloc(sizeof *span + room) : NULL;
	if (!span)
		return NULL;
	*span = *like;
	if (like->value.bytes == (const unsigned char *)&like->value.word) {
		span->value.bytes = (const unsigned char *)&span->value.word;
	} else if (like->size) {
		span->value.bytes = span->record + (like->value.bytes - record);
	} else {
		span->value.bytes = span->record;
		if (like->value.size)
			memcpy(span->record, like->value.bytes, like->value.size);
	}
	if (like->size)
		memcpy(span->record, record, like->size);
	span->next = *place_of(open, &span->value);
	*place_of(open, &span->value) = span;
	list_append(like->size ? &open->open : &open->early, span);
	open->bytes += like->size;
	return span;
}

/* --- following ----------------------------------------------------------------------------- */

static struct catalog_roles *roles_of(struct open_spans *open, uint8_t catalog)
{
	if (catalog >= open->catalogs->count || !open->catalogs->catalog[catalog])
		return NULL;
	return catalog_roles_get(&open->roles[catalog], open->catalogs->catalog[catalog]);
}

bool open_watches(struct open_spans *open, uint8_t catalog, uint16_t event)
{
	const struct catalog_roles *roles = roles_of(open, catalog);
	return roles && event < roles->catalog->nevents && event_has_role(roles, event);
}

static void tell(struct open_spans *open, const struct open_span *end, uint64_t ns, uint32_t files,
		 bool headless)
{
	const struct open_ended ended = {ns, files, end->span, end->value.catalog, headless};
	if (files)
		open->options.ended(open->options.context, &ended);
}

static void drop_oldest_early(struct open_spans *open)
{
	struct open_span *early = open->early.oldest;
	tell(open, early, 0, early->files, true);
	drop(open, early);
}

/* Makes room for a start of so many bytes. */
static void make_room(struct open_spans *open, uint32_t size)
{
	while (open->open.count > 0 &&
	       (open->open.count >= open->options.max_spans ||
		open->bytes + size + open->open.count * sizeof(struct open_span) > OPEN_MAX_BYTES))
		drop(open, open->open.oldest);
}

static void start(struct open_spans *open, const struct open_span *like,
		  const unsigned char *record)
{
	struct open_span *early = NULL;
	if (open->early.count)
		early = find(open, like->span, &like->value, true);
	if (early && early->ns >= like->ns) {
		tell(open, early, early->ns - like->ns, early->files, false);
		drop(open, early);
		return;
	}
	struct open_span *old = find(open, like->span, &like->value, false);
	/* A start that is later, and yet was written before, has taken this one's place. */
	if (old && old->ns > like->ns)
		return;
	if (old)
		drop(open, old);
	if (like->size > OPEN_MAX_BYTES / 16 || !open->options.max_spans)
		return;
	make_room(open, like->size);
	add(open, like, record);
}

static void end(struct open_spans *open, const struct open_span *like)
{
	struct open_span *started = find(open, like->span, &like->value, false);
	/* An end from before the start belongs to an earlier span of the same value. */
	if (started && started->ns <= like->ns) {
		tell(open, like, like->ns - started->ns, like->files, false);
		drop(open, started);
		return;
	}
	struct open_span kept = *like;
	kept.size = 0;
	if (open->early.count >= OPEN_MAX_EARLY)
		drop_oldest_early(open);
	/* Nor is one whose value is long worth its memory. */
	if (like->value.size > VALUE_COMPARED_BYTES || !add(open, &kept, NULL))
		tell(open, like, 0, like->files, true);
}

void open_follow(struct open_spans *open, const struct dump_watched *watched,
		 const struct line *line, uint32_t files)
{
	struct raw_record raw;
	if (raw_record_read(&raw, watched->record, watched->size))
		return;
	const struct catalog_roles *roles = roles_of(open, raw.catalog);
	if (!roles || raw.event >= roles->catalog->nevents)
		return;
	const struct line_point *point = line_find(line, raw.ticks);
	struct open_span like = {.point = *point,
				 .ns = clock_ns(&point->at, raw.ticks),
				 .files = files,
				 .tid = watched->tid,
				 .size = raw.size};
	if (like.ns > open->now_ns)
		open->now_ns = like.ns;
	while (open->early.count && open->now_ns - open->early.oldest->ns > EARLY_NS)
		drop_oldest_early(open);
	for (uint32_t i = roles->first[raw.event]; i < roles->first[raw.event + 1]; i++) {
		const struct role *role = &roles->roles[i];
		uint16_t key = roles->catalog->spans[role->span].key;
		struct rill_item item;
		like.span = role->span;
		like.value = (struct value){.key = RILL_NO_KEY, .catalog = raw.catalog};
		like.value.hash = hash_word(open->options.seed, raw.catalog);
		if (key != RILL_NO_KEY &&
		    (raw_record_item(&raw, key, &item) != 1 ||
		     !value_of_item(&like.value, &item, raw.catalog, open->options.seed)))
			continue;
		like.value.hash = hash_word(like.value.hash, role->span);
		if (role->start)
			start(open, &like, raw.bytes);
		else
			end(open, &like);
	}
}

void open_settle(struct open_spans *open, uint32_t file)
{
	for (struct open_span *early = open->early.oldest; early; early = early->newer) {
		tell(open, early, 0, early->files & file, true);
		early->files &= ~file;
	}
}

/* --- writing ------------------------------------------------------------------------------- */

size_t open_count(const struct open_spans *open)
{
	return open->open.count;
}

uint64_t open_bytes(const struct open_spans *open)
{
	return open->bytes;
}

/* One event may start several spans. */
static bool same_record(const struct open_span *a, const struct open_span *b)
{
	return a && a->size == b->size && a->tid == b->tid &&
	       memcmp(a->record, b->record, a->size) == 0;
}

int open_put(struct open_spans *open, struct dump_writer *writer)
{
	if (!open->pack)
		open->pack = dump_pack_new();
	if (!open->pack)
		return -ENOMEM;
	int error = 0;
	bool bad;
	const struct open_span *before = NULL;
	dump_pack_begin(open->pack);
	for (struct open_span *span = open->open.oldest; span && !error; span = span->newer) {
		const struct dump_chunk chunk = {.tid = span->tid, .to = span->size};
		if (same_record(before, span))
			continue;
		before = span;
		if (dump_pack_add(open->pack, &chunk, span->record, &bad) == chunk.to)
			continue;
		error = dump_put_open(writer, open->pack);
		dump_pack_begin(open->pack);
		dump_pack_add(open->pack, &chunk, span->record, &bad);
	}
	if (!error && (!dump_pack_empty(open->pack) || !open->open.count))
		error = dump_put_open(writer, open->pack);
	return error;
}

/* Whether the clock was set between the two shows in the later one. */
static int put_point(struct dump_writer *writer, const struct line_point *point,
		     const struct line_point *before)
{
	struct clock_point at = point->at;
	at.flags &= ~CLOCK_STEPPED;
	if (before && point->steps != before->steps)
		at.flags |= CLOCK_STEPPED;
	return dump_put_clock(writer, &at);
}

int open_put_clock(const struct open_spans *open, struct dump_writer *writer,
		   const struct line *line)
{
	const struct line_point *before = NULL;
	uint32_t last = line->count > LAST_POINTS ? line->count - LAST_POINTS : 0;
	uint64_t end = line->points[last % LINE_POINTS].at.ticks, apart = 0;
	int error = 0;
	if (open->open.oldest && end > open->open.oldest->point.at.ticks)
		apart = (end - open->open.oldest->point.at.ticks) / MAX_POINTS;
	for (struct open_span *span = open->open.oldest; span && !error; span = span->newer) {
		const struct line_point *point = &span->point;
		if (point->at.ticks >= end ||
		    (before && (point->at.ticks <= before->at.ticks ||
				point->at.ticks - before->at.ticks < apart)))
			continue;
		error = put_point(writer, point, before);
		before = point;
	}
	for (; last < line->count && !error; last++) {
		error = put_point(writer, &line->points[last % LINE_POINTS], before);
		before = &line->points[last % LINE_POINTS];
	}
	return error;
}

/* --- life ---------------------------------------------------------------------------------- */

struct open_spans *open_new(const struct open_options *options,
			    const struct rill_catalogs *catalogs)
{
	struct open_spans *open = calloc(1, sizeof *open);
	if (open) {
		open->options = *options;
		open->catalogs = catalogs;
	}
	return open;
}

void open_free(struct open_spans *open)
{
	if (!open)
		return;
	while (open->open.oldest)
		drop(open, open->open.oldest);
	while (open->early.oldest)
		drop(open, open->early.oldest);
	for (size_t i = 0; i < MAX_CATALOGS; i++)
		catalog_roles_free(open->roles[i]);
	dump_pack_free(open->pack);
	free(open->places);
	free(open);
}
