#include "collect/open.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rill/static/encode.h>

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

/* A start or an end at hand. */
struct seen {
	struct value value;
	const struct raw_record *raw;
	const struct line_point *point;
	uint64_t ns;
	uint32_t files;
	uint32_t tid;
	uint16_t span;
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
	if (list->oldest == span)
		list->oldest = span->newer;
	else
		span->older->newer = span->newer;
	if (list->newest == span)
		list->newest = span->older;
	else
		span->newer->older = span->older;
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

/* A start keeps its record, and its value stands in there; an end keeps only the value. */
static struct open_span *add(struct open_spans *open, const struct seen *seen, bool early)
{
	if (open->open.count + open->early.count >= open->nplaces)
		widen(open);
	uint32_t size = early ? 0 : seen->raw->size;
	size_t room = early ? seen->value.size : size;
	struct open_span *span = open->nplaces ? malloc(sizeof *span + room) : NULL;
	if (!span)
		return NULL;
	span->value = seen->value;
	span->point = *seen->point;
	span->ns = seen->ns;
	span->files = seen->files;
	span->tid = seen->tid;
	span->size = size;
	span->span = seen->span;
	if (seen->value.bytes == (const unsigned char *)&seen->value.word) {
		span->value.bytes = (const unsigned char *)&span->value.word;
	} else if (!early) {
		span->value.bytes = span->record + (seen->value.bytes - seen->raw->bytes);
	} else {
		span->value.bytes = span->record;
		if (seen->value.size)
			memcpy(span->record, seen->value.bytes, seen->value.size);
	}
	if (!early)
		memcpy(span->record, seen->raw->bytes, size);
	span->next = *place_of(open, &span->value);
	*place_of(open, &span->value) = span;
	list_append(early ? &open->early : &open->open, span);
	open->bytes += size;
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

static void tell(struct open_spans *open, const struct value *value, uint16_t span, uint64_t ns,
		 uint32_t files, bool headless)
{
	const struct open_ended ended = {ns, files, span, value->catalog, headless};
	if (files)
		open->options.ended(open->options.context, &ended);
}

/* It waits no longer. */
static void drop_early(struct open_spans *open, struct open_span *early)
{
	tell(open, &early->value, early->span, 0, early->files, true);
	drop(open, early);
}

/* Makes room for a start of so many bytes. */
static void make_room(struct open_spans *open, uint32_t size)
{
	struct open_span *oldest = open->open.oldest, *next;
	for (; oldest && (open->open.count >= open->options.max_spans ||
			  open->bytes + size + open->open.count * sizeof *oldest > OPEN_MAX_BYTES);
	     oldest = next) {
		next = oldest->newer;
		drop(open, oldest);
	}
}

static void start(struct open_spans *open, const struct seen *seen)
{
	struct open_span *early = NULL;
	if (open->early.count)
		early = find(open, seen->span, &seen->value, true);
	if (early && early->ns >= seen->ns) {
		tell(open, &early->value, early->span, early->ns - seen->ns, early->files, false);
		drop(open, early);
		return;
	}
	struct open_span *old = find(open, seen->span, &seen->value, false);
	/* A start that is later, and yet was written before, has taken this one's place. */
	if (old && old->ns > seen->ns)
		return;
	if (old)
		drop(open, old);
	if (seen->raw->size > OPEN_MAX_BYTES / 16 || !open->options.max_spans)
		return;
	make_room(open, seen->raw->size);
	add(open, seen, false);
}

static void end(struct open_spans *open, const struct seen *seen)
{
	struct open_span *started = find(open, seen->span, &seen->value, false);
	/* An end from before the start belongs to an earlier span of the same value. */
	if (started && started->ns <= seen->ns) {
		tell(open, &seen->value, seen->span, seen->ns - started->ns, seen->files, false);
		drop(open, started);
		return;
	}
	if (open->early.oldest && open->early.count >= OPEN_MAX_EARLY)
		drop_early(open, open->early.oldest);
	/* Nor is one whose value is long worth its memory. */
	if (seen->value.size > VALUE_COMPARED_BYTES || !add(open, seen, true))
		tell(open, &seen->value, seen->span, 0, seen->files, true);
}

/* The value under a span's key. Numbers, which most are, without detours. */
static bool value_under(struct value *value, const struct raw_record *raw, uint16_t key,
			uint64_t seed)
{
	struct rill_item item;
	for (uint32_t i = 0; i < raw->nslots; i++) {
		uint32_t tag;
		memcpy(&tag, raw->bytes + sizeof(struct rill__record) + (size_t)4 * i, sizeof tag);
		if ((uint16_t)tag != key)
			continue;
		uint32_t type = tag >> 16;
		if (type < RILL_TYPE_U64 || type > RILL_TYPE_TIMESTAMP)
			break;
		memcpy(&value->word, raw->bytes + RILL__WORDS_AT(raw->nslots) + (size_t)8 * i, 8);
		value->bytes = (const unsigned char *)&value->word;
		value->size = sizeof value->word;
		value->key = key;
		value->type = (uint8_t)type;
		value->hash = hash_word(seed ^ tag, value->word);
		return true;
	}
	return raw_record_item(raw, key, &item) == 1 &&
	       value_of_item(value, &item, raw->catalog, seed);
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
	struct seen seen = {.raw = &raw,
			    .point = point,
			    .ns = clock_ns(&point->at, raw.ticks),
			    .files = files,
			    .tid = watched->tid};
	if (seen.ns > open->now_ns)
		open->now_ns = seen.ns;
	struct open_span *early = open->early.oldest, *next;
	for (; early && open->now_ns - early->ns > EARLY_NS; early = next) {
		next = early->newer;
		drop_early(open, early);
	}
	for (uint32_t i = roles->first[raw.event]; i < roles->first[raw.event + 1]; i++) {
		const struct role *role = &roles->roles[i];
		uint16_t key = roles->catalog->spans[role->span].key;
		seen.span = role->span;
		seen.value = (struct value){.key = RILL_NO_KEY, .catalog = raw.catalog};
		if (key != RILL_NO_KEY && !value_under(&seen.value, &raw, key, open->options.seed))
			continue;
		seen.value.hash += (uint64_t)role->span * UINT64_C(0x9e3779b97f4a7c15);
		if (role->start)
			start(open, &seen);
		else
			end(open, &seen);
	}
}

void open_settle(struct open_spans *open, uint32_t file)
{
	for (struct open_span *early = open->early.oldest; early; early = early->newer) {
		tell(open, &early->value, early->span, 0, early->files & file, true);
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

/* What the host's clock says instead stands before the point, at the same ticks: of no tick's time.
 */
int open_put_point(struct dump_writer *writer, const struct line_point *point,
		   const struct line_point *before)
{
	struct clock_point at = point->at;
	at.flags = 0;
	if (point->set_ns != (before ? before->set_ns : 0)) {
		struct clock_point host = {at.ticks, at.ns + (uint64_t)point->set_ns, at.rate,
					   at.error_us, CLOCK_STEPPED};
		int error = dump_put_clock(writer, &host);
		if (error)
			return error;
	} else if (before && point->steps != before->steps) {
		at.flags |= CLOCK_STEPPED;
	}
	if (before && point->breaks != before->breaks)
		at.flags |= CLOCK_BROKEN;
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
		error = open_put_point(writer, point, before);
		before = point;
	}
	for (; last < line->count && !error; last++) {
		error = open_put_point(writer, &line->points[last % LINE_POINTS], before);
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

static void list_free(const struct list *list)
{
	for (struct open_span *span = list->oldest, *next; span; span = next) {
		next = span->newer;
		free(span);
	}
}

void open_free(struct open_spans *open)
{
	if (!open)
		return;
	list_free(&open->open);
	list_free(&open->early);
	for (size_t i = 0; i < MAX_CATALOGS; i++)
		catalog_roles_free(open->roles[i]);
	dump_pack_free(open->pack);
	free(open->places);
	free(open);
}
