/* The span tracker: from a stream of records to spans. One for each process; not thread-safe. */
#ifndef RILL_COLLECT_SPANS_H
#define RILL_COLLECT_SPANS_H

#include <rill/sink.h>

struct tracker;

struct tracker_options {
	uint32_t pid;
	uint64_t process_id[2];
	uint32_t max_open_spans;
	/* Called before the parents of open spans change: what was handed out must be used by then.
	 */
	void (*settle)(void *context);
	void *context;
};

/* Items with memory of their own. The block outlives the span, for the next one. */
struct kept_items {
	struct rill_item *items; /* and what their pointers point to */
	size_t capacity;
};

/* A span, and what the tracker must know of it. */
struct tracked {
	struct rill_span span;
	struct group *group;   /* open spans of the same key value; NULL: the span has no key */
	struct tracked *outer; /* in the group: started before this one */
	struct tracked *inner; /* started after this one */
	struct tracked *older; /* in the order of last use */
	struct tracked *newer;
	struct tracked *next; /* in a list of closed or free ones */
	struct kept_items start;
	struct kept_items end; /* of a headless one */
	uint64_t last_ns;      /* of its last record */
	uint64_t serial;
	uint64_t value_hash; /* of a headless one: which start would be its own */
	uint32_t catalog_index;
	bool handed_out;
	bool remembered;
};

struct tracker *tracker_new(const struct tracker_options *options);
void tracker_free(struct tracker *tracker);

/*
 * Follows a record, sets record->span, and returns the spans that it closed, in order, by their
 * `next`. The caller hands them out, after the record, and then gives them back. Their end_items
 * may be the record's own.
 */
struct tracked *tracker_follow(struct tracker *tracker, struct rill_record *record, uint64_t ticks);
/* Whether an event starts or ends spans; true as well when there is no memory to find out. */
bool tracker_has_role(struct tracker *tracker, const struct rill_catalog *catalog,
		      uint32_t catalog_index, uint16_t event_id);
/* Closes one of the open spans, inner ones first. NULL: there is none. */
struct tracked *tracker_abandon(struct tracker *tracker);
void tracker_give_back(struct tracker *tracker, struct tracked *tracked);

/* Starts that opened no span: they lack its key, or there was no memory. */
uint64_t tracker_untracked(const struct tracker *tracker);

/* Copies items, at most KEPT_BYTES of their bytes: longer strings are cut, lists left out. Returns
 * how many; -ENOMEM. */
#define KEPT_BYTES 16384u
int keep_items(struct kept_items *kept, const struct rill_item *items, size_t count);
/* Ready for the next span; a block of unusual size is freed. */
void recycle_items(struct kept_items *kept);
void free_items(struct kept_items *kept);

/* --- what belongs to a catalog: roles.c ---------------------------------------------------- */

struct role {
	uint16_t span;
	bool start; /* else end */
};

struct catalog_roles {
	const struct rill_catalog *catalog;
	uint32_t *first;        /* by event: its first role; nevents + 1 of them */
	struct role *roles;     /* ends before starts */
	bool *is_span_key;      /* by key */
	struct tracked **alone; /* by span: the open one of a span without a key */
};

static inline bool event_has_role(const struct catalog_roles *roles, uint16_t event_id)
{
	return roles->first[event_id] != roles->first[event_id + 1];
}

/* Those in *place, made when there are none yet. NULL: no memory. */
struct catalog_roles *catalog_roles_get(struct catalog_roles **place,
					const struct rill_catalog *catalog);
void catalog_roles_free(struct catalog_roles *roles);

/* --- open spans by key value: groups.c ----------------------------------------------------- */

#define VALUE_COMPARED_BYTES 1024u

/* A key's value in one catalog. Longer ones are told apart by hash and size. */
struct value {
	uint64_t hash;
	const unsigned char *bytes;
	uint32_t size;
	uint16_t key;
	uint8_t type;
	uint8_t catalog;
	uint64_t word; /* bytes point here for what is stored in a word */
};

struct group {
	struct group *next;
	struct tracked *innermost;
	struct value value;
	unsigned char *bytes; /* memory of value.bytes; kept for the next value */
	size_t capacity;
};

struct groups {
	struct group **buckets;
	size_t nbuckets; /* a power of two */
	size_t count;
	struct group *free;
	uint64_t seed;
};

/* In the order of last use: oldest first. */
struct use_list {
	struct tracked *oldest;
	struct tracked *newest;
	uint32_t count;
};

void use_remove(struct use_list *list, struct tracked *tracked);
void use_append(struct use_list *list, struct tracked *tracked);

bool started_later(const struct tracked *a, const struct tracked *b);
/* The innermost of a group's spans that began no later than `tracked`. group may be NULL. */
struct tracked *group_around(const struct group *group, const struct tracked *tracked);
void group_link(struct group *group, struct tracked *tracked);
void group_unlink(struct group *group, struct tracked *tracked);

/* False: a value of this type names no span. */
bool value_of_item(struct value *value, const struct rill_item *item, uint8_t catalog,
		   uint64_t seed);
bool value_same(const struct value *a, const struct value *b);
struct group *groups_find(const struct groups *groups, const struct value *value);
/* Finds or adds. NULL: no memory. */
struct group *groups_get(struct groups *groups, const struct value *value);
void groups_remove(struct groups *groups, struct group *group);
void groups_free(struct groups *groups);

uint64_t hash_word(uint64_t hash, uint64_t word);
uint64_t hash_bytes(uint64_t hash, const unsigned char *bytes, size_t size);

#endif
