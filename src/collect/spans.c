#include "collect/spans.h"

#include <stdlib.h>

#define MAX_CATALOGS 256u

/* Ends without a start that are remembered, in case their start is only late, and for how long. */
#define REMEMBERED    64u
#define REMEMBERED_NS UINT64_C(1000000000)

struct tracker {
	struct tracker_options options;
	struct groups groups;
	struct use_list open;  /* bounded by options.max_open_spans */
	struct use_list alone; /* spans without a key: as many as the catalogs have, never more */
	struct catalog_roles *roles[MAX_CATALOGS];
	struct tracked *headless[REMEMBERED];
	uint32_t next_headless;
	uint64_t headless_ns; /* the latest of them */
	struct tracked *free;
	struct tracked *closed; /* by the record at hand */
	struct tracked **closed_end;
	uint64_t serial;
	uint64_t now_ns; /* latest time seen */
	uint64_t untracked;
};

/* The record at hand. */
struct following {
	struct rill_record *record;
	struct catalog_roles *roles;
	uint64_t ticks;
	struct tracked *own; /* span that the record starts or ends */
};

static struct tracked *tracked_new(struct tracker *tracker)
{
	struct tracked *tracked = tracker->free;
	if (!tracked) {
		tracked = calloc(1, sizeof *tracked);
		if (!tracked)
			return NULL;
	} else {
		tracker->free = tracked->next;
		struct kept_items start = tracked->start, end = tracked->end;
		*tracked = (struct tracked){.start = start, .end = end};
	}
	tracked->serial = ++tracker->serial;
	return tracked;
}

static void tracked_recycle(struct tracker *tracker, struct tracked *tracked)
{
	if (tracked->handed_out || tracked->remembered)
		return;
	recycle_items(&tracked->start);
	recycle_items(&tracked->end);
	tracked->next = tracker->free;
	tracker->free = tracked;
}

void tracker_give_back(struct tracker *tracker, struct tracked *tracked)
{
	tracked->handed_out = false;
	tracked_recycle(tracker, tracked);
}

/* The value hash, which the process seeds, and the start: the same live and from the dump. */
static void identify(struct tracker *tracker, struct tracked *tracked, uint64_t ticks)
{
	struct rill_span *span = &tracked->span;
	uint64_t hash = hash_word(tracker->options.process_id[1], span->catalog->hash);
	hash = hash_word(hash, (uint64_t)(span->span - span->catalog->spans));
	hash = hash_word(hash, tracked->value_hash);
	hash = hash_word(hash, ticks);
	span->id = hash ? hash : 1;
	if (span->parent) {
		span->parent_id = span->parent->id;
		span->trace_id[0] = span->parent->trace_id[0];
		span->trace_id[1] = span->parent->trace_id[1];
	} else {
		span->trace_id[0] = hash_word(hash, 1);
		span->trace_id[1] = hash_word(hash, 2) | 1;
	}
}

/* Hands a span that is over to the caller of tracker_follow(). */
static void hand_out(struct tracker *tracker, struct tracked *tracked)
{
	tracked->handed_out = true;
	tracked->next = NULL;
	*tracker->closed_end = tracked;
	tracker->closed_end = &tracked->next;
}

/* Spans inside this one get the one around it as their parent. */
static void orphan_children(struct tracker *tracker, struct tracked *tracked)
{
	bool settled = false;
	for (struct tracked *child = tracked->inner; child; child = child->inner) {
		if (child->span.parent != &tracked->span)
			continue;
		if (!settled)
			tracker->options.settle(tracker->options.context);
		settled = true;
		child->span.parent = tracked->span.parent;
	}
}

/* Takes an open span out of all lists and hands it out. */
static void close_span(struct tracker *tracker, struct tracked *tracked, enum rill_span_state state,
		       uint64_t end_ns)
{
	struct group *group = tracked->group;
	if (group) {
		orphan_children(tracker, tracked);
		group_unlink(group, tracked);
		use_remove(&tracker->open, tracked);
		if (!group->innermost)
			groups_remove(&tracker->groups, group);
	} else {
		struct catalog_roles *roles = tracker->roles[tracked->catalog_index];
		roles->alone[tracked->span.span - roles->catalog->spans] = NULL;
		use_remove(&tracker->alone, tracked);
	}
	tracked->span.state = state;
	tracked->span.end_ns = end_ns;
	hand_out(tracker, tracked);
}

/* The value under the span's key. False: the record has none. A span without a key has an empty
 * value. */
static bool span_value(const struct tracker *tracker, const struct following *following,
		       const struct rill_catalog_span *span, struct value *value)
{
	const struct rill_record *record = following->record;
	*value = (struct value){.key = RILL_NO_KEY, .catalog = (uint8_t)record->catalog_index};
	if (span->key == RILL_NO_KEY)
		return true;
	for (size_t i = 0; i < record->nitems; i++)
		if (record->items[i].key == span->key &&
		    value_of_item(value, &record->items[i], (uint8_t)record->catalog_index,
				  tracker->groups.seed))
			return true;
	return false;
}

static struct tracked *find_open(const struct tracker *tracker, const struct following *following,
				 const struct rill_catalog_span *span, const struct value *value)
{
	if (span->key == RILL_NO_KEY)
		return following->roles->alone[span - following->roles->catalog->spans];
	const struct group *group = groups_find(&tracker->groups, value);
	struct tracked *tracked = group ? group->innermost : NULL;
	while (tracked && tracked->span.span != span)
		tracked = tracked->outer;
	return tracked;
}

static void own(struct following *following, struct tracked *tracked)
{
	if (!following->own || started_later(tracked, following->own))
		following->own = tracked;
}

/* A span of the record's process and time, not yet in any list. */
static struct tracked *span_here(struct tracker *tracker, const struct following *following,
				 const struct rill_catalog_span *span, const struct value *value)
{
	const struct rill_record *record = following->record;
	struct tracked *tracked = tracked_new(tracker);
	if (!tracked)
		return NULL;
	tracked->catalog_index = record->catalog_index;
	tracked->value_hash = value->hash;
	tracked->last_ns = record->time_ns;
	tracked->span.catalog = record->catalog;
	tracked->span.span = span;
	tracked->span.pid = tracker->options.pid;
	tracked->span.start_ns = tracked->span.end_ns = record->time_ns;
	tracked->span.nevents = 1;
	return tracked;
}

static void forget_headless(struct tracker *tracker, struct tracked **place)
{
	struct tracked *tracked = *place;
	*place = NULL;
	if (tracked) {
		tracked->remembered = false;
		tracked_recycle(tracker, tracked);
	}
}

static void end_headless(struct tracker *tracker, struct following *following,
			 const struct rill_catalog_span *span, const struct value *value)
{
	struct rill_record *record = following->record;
	struct tracked *tracked = span_here(tracker, following, span, value);
	if (!tracked) {
		tracker->untracked++;
		return;
	}
	if (span->key != RILL_NO_KEY) {
		struct tracked *outer = group_around(groups_find(&tracker->groups, value), tracked);
		tracked->span.parent = outer ? &outer->span : NULL;
	}
	identify(tracker, tracked, following->ticks);
	tracked->span.state = RILL_SPAN_HEADLESS;
	tracked->span.end_items = record->items;
	tracked->span.nend_items = record->nitems;
	int kept = keep_items(&tracked->end, record->items, record->nitems);
	if (kept >= 0) {
		struct tracked **place = &tracker->headless[tracker->next_headless++ % REMEMBERED];
		forget_headless(tracker, place);
		*place = tracked;
		tracked->remembered = true;
		if (record->time_ns > tracker->headless_ns)
			tracker->headless_ns = record->time_ns;
		tracked->span.end_items = tracked->end.items;
		tracked->span.nend_items = (uint32_t)kept;
	}
	own(following, tracked);
	hand_out(tracker, tracked);
}

/* An end that was seen before the start at hand, which is late. */
static struct tracked **find_headless(struct tracker *tracker, const struct following *following,
				      const struct rill_catalog_span *span,
				      const struct value *value)
{
	/* A start that is in order is not compared with any. */
	if (following->record->time_ns > tracker->headless_ns)
		return NULL;
	for (size_t i = 0; i < REMEMBERED; i++) {
		const struct tracked *tracked = tracker->headless[i];
		if (tracked && tracked->span.span == span &&
		    tracked->catalog_index == following->record->catalog_index &&
		    tracked->value_hash == value->hash &&
		    following->record->time_ns <= tracked->span.end_ns &&
		    tracker->now_ns - tracked->span.end_ns <= REMEMBERED_NS)
			return &tracker->headless[i];
	}
	return NULL;
}

/* The headless span, reported before, is reported again: whole, and with the same id. */
static void complete(struct tracker *tracker, struct tracked *tracked, struct tracked **place)
{
	struct tracked *headless = *place;
	struct rill_span *span = &tracked->span;
	struct kept_items spare = tracked->end;
	tracked->end = headless->end;
	headless->end = spare;
	span->id = headless->span.id;
	if (!span->parent) {
		span->trace_id[0] = headless->span.trace_id[0];
		span->trace_id[1] = headless->span.trace_id[1];
	}
	span->end_items = tracked->end.items;
	span->nend_items = headless->span.nend_items;
	span->end_ns = headless->span.end_ns;
	span->state = RILL_SPAN_ENDED;
	span->nevents = 2;
	forget_headless(tracker, place);
	hand_out(tracker, tracked);
}

static void link_span(struct tracker *tracker, struct following *following, struct tracked *tracked,
		      struct group *group)
{
	if (!group) {
		const struct catalog_roles *roles = following->roles;
		roles->alone[tracked->span.span - roles->catalog->spans] = tracked;
		use_append(&tracker->alone, tracked);
		return;
	}
	group_link(group, tracked);
	use_append(&tracker->open, tracked);
}

/* Makes room for one more open span, and for its value. NULL when that cannot be. */
static struct group *make_room(struct tracker *tracker, const struct value *value)
{
	if (!tracker->options.max_open_spans)
		return NULL;
	while (tracker->open.count >= tracker->options.max_open_spans)
		close_span(tracker, tracker->open.oldest, RILL_SPAN_ABANDONED,
			   tracker->open.oldest->last_ns);
	return groups_get(&tracker->groups, value);
}

static void drop(struct tracker *tracker, struct tracked *tracked, struct group *group)
{
	tracker->untracked++;
	if (tracked)
		tracked_recycle(tracker, tracked);
	if (group && !group->innermost)
		groups_remove(&tracker->groups, group);
}

static void start_span(struct tracker *tracker, struct following *following,
		       const struct rill_catalog_span *span)
{
	struct rill_record *record = following->record;
	struct value value;
	if (!span_value(tracker, following, span, &value)) {
		tracker->untracked++;
		return;
	}
	struct tracked *old = find_open(tracker, following, span, &value);
	struct tracked **ended = find_headless(tracker, following, span, &value);
	bool over = ended || (old && old->span.start_ns > record->time_ns);
	if (old && !over) {
		if (old->group)
			old->span.nevents--; /* it has been counted as a record inside */
		close_span(tracker, old, RILL_SPAN_ABANDONED, old->last_ns);
	}
	struct group *group = NULL;
	if (span->key != RILL_NO_KEY) {
		group = over ? groups_find(&tracker->groups, &value) : make_room(tracker, &value);
		if (!group && !over) {
			drop(tracker, NULL, NULL);
			return;
		}
	}
	struct tracked *tracked = span_here(tracker, following, span, &value);
	int kept = tracked ? keep_items(&tracked->start, record->items, record->nitems) : -1;
	if (kept < 0) {
		drop(tracker, tracked, group);
		return;
	}
	tracked->span.start_items = tracked->start.items;
	tracked->span.nstart_items = (uint32_t)kept;
	struct tracked *outer = group_around(group, tracked);
	tracked->span.parent = outer ? &outer->span : NULL;
	identify(tracker, tracked, following->ticks);
	own(following, tracked);
	if (ended) {
		complete(tracker, tracked, ended);
	} else if (over) {
		/* A start that is later, and yet was seen before, has taken this one's place. */
		tracked->span.state = RILL_SPAN_ABANDONED;
		hand_out(tracker, tracked);
	} else {
		link_span(tracker, following, tracked, group);
	}
}

static void end_span(struct tracker *tracker, struct following *following,
		     const struct rill_catalog_span *span)
{
	struct rill_record *record = following->record;
	struct value value;
	if (!span_value(tracker, following, span, &value))
		return;
	struct tracked *tracked = find_open(tracker, following, span, &value);
	/* An end from before the start belongs to an earlier span of the same value. */
	if (!tracked || tracked->span.start_ns > record->time_ns) {
		end_headless(tracker, following, span, &value);
		return;
	}
	if (!tracked->group)
		tracked->span.nevents++;
	tracked->span.end_items = record->items;
	tracked->span.nend_items = record->nitems;
	own(following, tracked);
	close_span(tracker, tracked, RILL_SPAN_ENDED, record->time_ns);
}

/* False: the record is late, and from before the span. */
static bool count_in_span(struct tracker *tracker, struct tracked *tracked, uint64_t ns)
{
	if (ns < tracked->span.start_ns)
		return false;
	tracked->span.nevents++;
	if (ns > tracked->last_ns)
		tracked->last_ns = ns;
	use_remove(&tracker->open, tracked);
	use_append(&tracker->open, tracked);
	return true;
}

/* Counts the record in all open spans whose value it carries. Returns the latest started. */
static struct tracked *count_in_spans(struct tracker *tracker, const struct following *following)
{
	const struct rill_record *record = following->record;
	struct tracked *innermost = NULL;
	const struct group *counted[RILL_MAX_ITEMS];
	size_t ncounted = 0;
	for (size_t i = 0; i < record->nitems; i++) {
		struct value value;
		if (!following->roles->is_span_key[record->items[i].key] ||
		    !value_of_item(&value, &record->items[i], (uint8_t)record->catalog_index,
				   tracker->groups.seed))
			continue;
		struct group *group = groups_find(&tracker->groups, &value);
		for (size_t c = 0; group && c < ncounted; c++)
			if (counted[c] == group)
				group = NULL;
		if (!group)
			continue;
		counted[ncounted++] = group;
		for (struct tracked *at = group->innermost; at; at = at->outer) {
			if (count_in_span(tracker, at, record->time_ns) &&
			    (!innermost || started_later(at, innermost)))
				innermost = at;
		}
	}
	return innermost;
}

bool tracker_has_role(struct tracker *tracker, const struct rill_catalog *catalog,
		      uint32_t catalog_index, uint16_t event_id)
{
	const struct catalog_roles *roles =
		catalog_roles_get(&tracker->roles[catalog_index], catalog);
	return !roles || event_has_role(roles, event_id);
}

struct tracked *tracker_follow(struct tracker *tracker, struct rill_record *record, uint64_t ticks)
{
	struct following following = {
		record, catalog_roles_get(&tracker->roles[record->catalog_index], record->catalog),
		ticks, NULL};
	struct catalog_roles *roles =
		catalog_roles_get(&tracker->roles[record->catalog_index], record->catalog);
	following.roles = roles;
	record->span = NULL;
	if (record->time_ns > tracker->now_ns)
		tracker->now_ns = record->time_ns;
	if (!roles)
		return NULL;
	/* Nothing is open that it could be in, and it opens and closes nothing. */
	if (!tracker->groups.count && !event_has_role(roles, record->event_id))
		return NULL;
	tracker->closed = NULL;
	tracker->closed_end = &tracker->closed;
	struct tracked *innermost = count_in_spans(tracker, &following);
	for (uint32_t i = roles->first[record->event_id]; i < roles->first[record->event_id + 1];
	     i++) {
		const struct rill_catalog_span *span = &roles->catalog->spans[roles->roles[i].span];
		if (roles->roles[i].start)
			start_span(tracker, &following, span);
		else
			end_span(tracker, &following, span);
	}
	if (following.own)
		innermost = following.own;
	record->span = innermost ? &innermost->span : NULL;
	return tracker->closed;
}

struct tracked *tracker_abandon(struct tracker *tracker)
{
	struct tracked *tracked = tracker->open.oldest ? tracker->open.oldest->group->innermost
						       : tracker->alone.oldest;
	tracker->closed = NULL;
	tracker->closed_end = &tracker->closed;
	if (tracked)
		close_span(tracker, tracked, RILL_SPAN_ABANDONED, tracked->last_ns);
	return tracked;
}

struct tracker *tracker_new(const struct tracker_options *options)
{
	struct tracker *tracker = calloc(1, sizeof *tracker);
	if (!tracker)
		return NULL;
	tracker->options = *options;
	tracker->groups.seed = options->process_id[0];
	return tracker;
}

void tracker_free(struct tracker *tracker)
{
	for (struct tracked *open; (open = tracker_abandon(tracker));)
		tracker_give_back(tracker, open);
	for (size_t i = 0; i < REMEMBERED; i++)
		forget_headless(tracker, &tracker->headless[i]);
	while (tracker->free) {
		struct tracked *tracked = tracker->free;
		tracker->free = tracked->next;
		free_items(&tracked->start);
		free_items(&tracked->end);
		free(tracked);
	}
	for (size_t i = 0; i < MAX_CATALOGS; i++)
		catalog_roles_free(tracker->roles[i]);
	groups_free(&tracker->groups);
	free(tracker);
}

uint64_t tracker_untracked(const struct tracker *tracker)
{
	return tracker->untracked;
}
