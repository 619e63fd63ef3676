/*
 * Links between spans that share the value of a Link key: to the span that had it first. Both
 * tables are bounded: a value that nobody has had for long is forgotten, and a span beyond the
 * bound has no links.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/export/otlp.h"
#include "collect/spans.h"

#define VALUES (1u << 16)
#define WAYS   4u /* places that a value may have */
#define OPEN   (1u << 16)
#define FULL   (OPEN / 4 * 3)

struct first {
	uint64_t hash; /* 0: a free place */
	uint64_t used; /* serial number of the record that had it last */
	uint64_t trace_id[2];
	uint64_t span_id;
};

struct otlp_links {
	uint64_t serial;
	size_t nopen;
	struct first values[VALUES];
	struct otlp_linked open[OPEN]; /* by span id, next place when it is taken */
};

struct otlp_links *otlp_links_new(void)
{
	return calloc(1, sizeof(struct otlp_links));
}

void otlp_links_free(struct otlp_links *links)
{
	free(links);
}

/* A key whose values mean something in their process only has other ones in each. */
static uint64_t hash_value(const struct dump_origin *origin, const struct rill_catalog_key *key,
			   const struct rill_item *item)
{
	bool local = !(key->flags & RILL_KEY_GLOBAL);
	uint64_t hash = local ? hash_word(origin->process.id[0], origin->process.id[1]) : 0;
	hash = hash_bytes(hash, (const unsigned char *)key->name, strlen(key->name));
	hash = hash_word(hash, item->type);
	hash = item->bytes ? hash_bytes(hash, item->bytes, item->size) : hash_word(hash, item->u64);
	return hash ? hash : 1;
}

/* The place of the value, or the one that it may have: then its hash is another one. */
static struct first *find_value(struct otlp_links *links, uint64_t hash)
{
	struct first *set = &links->values[hash % (VALUES / WAYS) * WAYS], *oldest = set;
	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].hash == hash)
			return &set[i];
		if (set[i].used < oldest->used)
			oldest = &set[i];
	}
	return oldest;
}

static size_t place_of(const struct otlp_links *links, uint64_t span_id)
{
	size_t at = hash_word(0, span_id) % OPEN;
	while (links->open[at].span_id && links->open[at].span_id != span_id)
		at = (at + 1) % OPEN;
	return at;
}

/* Whether those who have the same value have to do with each other. An id that another process gave
 * says nothing without that process, which is not known here. */
static bool is_linking(const struct rill_catalog_key *key, const struct rill_item *item)
{
	return key && (key->flags & RILL_KEY_LINK) && key->refers == RILL_NO_KEY &&
	       item->type != RILL_TYPE_NONE;
}

static void add_link(struct otlp_links *links, const struct rill_span *span,
		     const struct first *first, const char *key)
{
	struct otlp_linked *linked = &links->open[place_of(links, span->id)];
	if (!linked->span_id) {
		if (links->nopen == FULL)
			return;
		*linked = (struct otlp_linked){.span_id = span->id};
		links->nopen++;
	}
	for (size_t i = 0; i < linked->nlinks; i++)
		if (linked->links[i].span_id == first->span_id)
			return;
	if (linked->nlinks == OTLP_LINKS) {
		linked->dropped++;
		return;
	}
	linked->links[linked->nlinks++] =
		(struct otlp_link){{first->trace_id[0], first->trace_id[1]}, first->span_id, key};
}

void otlp_links_follow(struct otlp_links *links, const struct dump_origin *origin,
		       const struct rill_record *record)
{
	const struct rill_span *span = record->span;
	links->serial++;
	for (size_t i = 0; span && i < record->nitems; i++) {
		const struct rill_item *item = &record->items[i];
		const struct rill_catalog_key *key = find_key(record->catalog, item->key);
		if (!is_linking(key, item))
			continue;
		uint64_t hash = hash_value(origin, key, item);
		struct first *first = find_value(links, hash);
		if (first->hash != hash)
			*first = (struct first){.hash = hash,
						.trace_id = {span->trace_id[0], span->trace_id[1]},
						.span_id = span->id};
		else if (first->trace_id[0] != span->trace_id[0] ||
			 first->trace_id[1] != span->trace_id[1])
			add_link(links, span, first, key->name);
		first->used = links->serial;
	}
}

/* What stood behind it because its own place was taken moves up. */
static void remove_at(struct otlp_links *links, size_t at)
{
	size_t next = at;
	links->nopen--;
	for (;;) {
		next = (next + 1) % OPEN;
		if (!links->open[next].span_id)
			break;
		size_t home = hash_word(0, links->open[next].span_id) % OPEN;
		if ((next - home) % OPEN >= (next - at) % OPEN) {
			links->open[at] = links->open[next];
			at = next;
		}
	}
	links->open[at].span_id = 0;
}

bool otlp_links_take(struct otlp_links *links, uint64_t span_id, struct otlp_linked *linked)
{
	size_t at = place_of(links, span_id);
	if (!links->open[at].span_id)
		return false;
	*linked = links->open[at];
	remove_at(links, at);
	return true;
}
