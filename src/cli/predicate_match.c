/* Asking a predicate about records and spans. */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/predicate_parts.h"

/* --- what is the same for all records of an event -------------------------------------------- */

static bool name_passes(const struct predicate *predicate, const struct node *node,
			const char *name)
{
	return text_passes(predicate, node, name, strlen(name), true);
}

static bool level_passes(const struct predicate *predicate, const struct node *node, unsigned level)
{
	const struct literal *literals = &predicate->literals[node->literals];
	if (node->operation == OPERATION_MATCH)
		return name_passes(predicate, node, level_names[level]);
	for (uint32_t i = 0; i < node->nliterals; i++) {
		unsigned wanted = 0;
		while (wanted < RILL_ERROR && strcmp(level_names[wanted], literals[i].bytes) != 0)
			wanted++;
		bool passes = false;
		switch (node->operation) {
		case OPERATION_LESS:
			passes = level < wanted;
			break;
		case OPERATION_LESS_EQUAL:
			passes = level <= wanted;
			break;
		case OPERATION_GREATER:
			passes = level > wanted;
			break;
		case OPERATION_GREATER_EQUAL:
			passes = level >= wanted;
			break;
		default:
			passes = level == wanted;
		}
		if (passes)
			return true;
	}
	return false;
}

static bool event_passes(const struct predicate *predicate, const struct node *node,
			 const struct rill_catalog *catalog, uint16_t id)
{
	const struct rill_catalog_event *event = &catalog->events[id];
	switch (node->subject) {
	case SUBJECT_LEVEL:
		return level_passes(predicate, node, event->level);
	case SUBJECT_CATALOG:
		return name_passes(predicate, node, catalog->name);
	case SUBJECT_SUBSYSTEM:
		return name_passes(predicate, node, catalog->subsystems[event->subsystem]);
	default:
		return name_passes(predicate, node, event->name);
	}
}

/* A span has three names: its own and those of its start and its end. All else is its start's. */
static bool span_passes(const struct predicate *predicate, const struct node *node,
			const struct rill_catalog *catalog, const struct rill_catalog_span *span)
{
	if (event_passes(predicate, node, catalog, span->start))
		return true;
	return (node->subject == SUBJECT_EVENT || node->perhaps_event) &&
	       (event_passes(predicate, node, catalog, span->end) ||
		name_passes(predicate, node, span->name));
}

static void answer(struct predicate *predicate, struct binding *binding, const struct node *node)
{
	const struct rill_catalog *catalog = binding->catalog;
	uint8_t *answers = binding->answers + node->fixed * binding->nanswers;
	struct node test = *node;
	if (node->perhaps_event)
		test.operation = OPERATION_EQUAL;
	for (uint16_t i = 0; i < catalog->nevents; i++)
		answers[i] = event_passes(predicate, &test, catalog, i);
	for (uint16_t i = 0; i < catalog->nspans; i++)
		answers[catalog->nevents + i] =
			span_passes(predicate, &test, catalog, &catalog->spans[i]);
}

struct binding *predicate_bind(struct predicate *predicate, const struct rill_catalog *catalog)
{
	if (predicate->last && predicate->last->catalog == catalog)
		return predicate->last;
	for (struct binding *at = predicate->bindings; at; at = at->next)
		if (at->catalog == catalog)
			return predicate->last = at;
	size_t nanswers = (size_t)catalog->nevents + catalog->nspans;
	struct binding *made = calloc(1, sizeof *made + predicate->nfixed * nanswers);
	if (!made)
		return NULL;
	made->keys = calloc(predicate->nkeys + 1u, sizeof *made->keys);
	if (!made->keys) {
		free(made);
		return NULL;
	}
	made->catalog = catalog;
	made->nanswers = nanswers;
	for (uint16_t i = 0; i < predicate->nkeys; i++) {
		uint16_t key = 0;
		while (key < catalog->nkeys && strcmp(catalog->keys[key].name, predicate->keys[i]))
			key++;
		made->keys[i] = key < catalog->nkeys ? key : RILL_NO_KEY;
	}
	for (uint32_t i = 0; i < predicate->nnodes; i++) {
		const struct node *node = &predicate->nodes[i];
		if (node->kind == NODE_TEST &&
		    (subject_is_fixed(node->subject) || node->perhaps_event))
			answer(predicate, made, node);
	}
	made->next = predicate->bindings;
	predicate->bindings = made;
	return predicate->last = made;
}

/* --- asking ---------------------------------------------------------------------------------- */

/* False is 0, so that && and || of three values are the smaller and the greater one. */
enum reply { NO, MAYBE, YES };

struct question {
	const struct predicate *predicate;
	const struct binding *binding;
	size_t fixed; /* index of the event's or span's answers */
	bool is_span;
	/* NULL: what an entry says is not known. */
	const struct rill_entry *entry;
	const struct rill_catalogs *catalogs;
	const struct predicate_origin *origin;
};

struct found {
	bool there;
	bool passes;
};

static void look(const struct question *question, const struct node *node,
		 const struct rill_item *items, size_t nitems, uint16_t key, struct found *found)
{
	for (size_t i = 0; i < nitems && !found->passes; i++) {
		if (items[i].key != key)
			continue;
		found->there = true;
		if (node->operation != OPERATION_NONE)
			found->passes = item_passes(question->predicate, node, &items[i],
						    question->catalogs);
	}
}

/* The entry's own value, else the one that the innermost span around it was started with. */
static struct found look_everywhere(const struct question *question, const struct node *node)
{
	struct found found = {false, false};
	const struct rill_record *record = question->entry->record;
	const struct rill_span *span = question->entry->span, *around;
	uint16_t key = question->binding->keys[node->key];
	if (key == RILL_NO_KEY)
		return found;
	if (record) {
		look(question, node, record->items, record->nitems, key, &found);
		around = record->span;
		/* Its own span begins with what it says itself. */
		if (around && around->catalog == record->catalog &&
		    record->event_id == around->span->start)
			around = around->parent;
	} else {
		look(question, node, span->start_items, span->nstart_items, key, &found);
		look(question, node, span->end_items, span->nend_items, key, &found);
		around = span->parent;
	}
	for (; around && !found.there; around = around->parent)
		if (around->catalog == question->binding->catalog)
			look(question, node, around->start_items, around->nstart_items, key,
			     &found);
	return found;
}

static bool ns_passes(const struct question *question, const struct node *node, enum rill_type type,
		      uint64_t ns)
{
	struct rill_item item = {.type = (uint8_t)type, .u64 = ns};
	return item_passes(question->predicate, node, &item, question->catalogs);
}

static bool hex_passes(const struct question *question, const struct node *node, uint64_t high,
		       uint64_t low, int digits)
{
	char text[40];
	const struct literal *literals = &question->predicate->literals[node->literals];
	size_t size =
		digits == 16
			? (size_t)snprintf(text, sizeof text, "%016llx", (unsigned long long)low)
			: (size_t)snprintf(text, sizeof text, "%016llx%016llx",
					   (unsigned long long)high, (unsigned long long)low);
	if (node->operation == OPERATION_MATCH)
		return text_passes(question->predicate, node, text, size, false);
	/* An id may look like a number: 0000000000000017, 12345678901234e5. */
	for (uint32_t i = 0; i < node->nliterals; i++)
		if (strcasecmp(literals[i].bytes, text) == 0)
			return true;
	return false;
}

static bool around_passes(const struct question *question, const struct node *node,
			  const struct rill_span *span)
{
	const char *state;
	static const char *const states[] = {"open", "ended", "abandoned", "headless"};
	switch (node->subject) {
	case SUBJECT_SPAN:
		for (; span; span = span->parent)
			if (name_passes(question->predicate, node, span->span->name))
				return true;
		return false;
	case SUBJECT_ID:
		for (; span; span = span->parent)
			if (hex_passes(question, node, 0, span->id, 16))
				return true;
		return false;
	case SUBJECT_TRACE:
		return span && hex_passes(question, node, span->trace_id[0], span->trace_id[1], 32);
	default: /* SUBJECT_STATE */
		if (!span || !question->is_span)
			return false;
		state = span->state == RILL_SPAN_ABANDONED && question->origin->ending
				? "open"
				: states[span->state % 4];
		return name_passes(question->predicate, node, state);
	}
}

/* One about the entry itself, `negated` aside. False as well for what it does not have. */
static struct found ask_entry(const struct question *question, const struct node *node)
{
	const struct predicate *predicate = question->predicate;
	const struct rill_record *record = question->entry->record;
	const struct rill_span *span = question->entry->span;
	const struct rill_span *around = record ? record->span : span;
	struct found found = {true, false};
	switch (node->subject) {
	case SUBJECT_TIME:
		found.passes = ns_passes(question, node, RILL_TYPE_TIMESTAMP,
					 record ? record->time_ns : span->end_ns);
		break;
	case SUBJECT_DURATION:
		found.there = !record;
		found.passes = !record && ns_passes(question, node, RILL_TYPE_DURATION,
						    span->end_ns - span->start_ns);
		break;
	case SUBJECT_PID:
		found.passes = integer_passes(predicate, node, record ? record->pid : span->pid);
		break;
	case SUBJECT_TID:
		found.there = record != NULL;
		found.passes = record && integer_passes(predicate, node, record->tid);
		break;
	case SUBJECT_PROCESS:
		found.passes = name_passes(predicate, node, question->origin->program);
		break;
	case SUBJECT_HOST:
		found.there = question->origin->host != NULL;
		found.passes = found.there && name_passes(predicate, node, question->origin->host);
		break;
	case SUBJECT_STATE:
		found.there = !record;
		found.passes = around_passes(question, node, around);
		break;
	default:
		found.there = around != NULL;
		found.passes = around_passes(question, node, around);
	}
	return found;
}

static enum reply ask_test(const struct question *question, const struct node *node)
{
	struct found found = {true, false};
	if (subject_is_fixed(node->subject) || node->perhaps_event) {
		bool yes = question->binding->answers[node->fixed * question->binding->nanswers +
						      question->fixed];
		/* A word that is a key of the catalog is no event of it. */
		if (!node->perhaps_event)
			return yes != node->negated ? YES : NO;
		if (question->binding->keys[node->key] == RILL_NO_KEY)
			return yes ? YES : NO;
	}
	if (node->subject == SUBJECT_KIND) {
		found.passes = name_passes(question->predicate, node,
					   question->is_span ? "span" : "event");
		return found.passes != node->negated ? YES : NO;
	}
	if (node->subject == SUBJECT_KEY && question->binding->keys[node->key] == RILL_NO_KEY)
		return NO;
	if (!question->entry)
		return MAYBE;
	found = node->subject == SUBJECT_KEY ? look_everywhere(question, node)
					     : ask_entry(question, node);
	if (node->operation == OPERATION_NONE)
		return found.there ? YES : NO;
	return found.there && found.passes != node->negated ? YES : NO;
}

static enum reply ask(const struct question *question, uint32_t index)
{
	const struct node *nodes = question->predicate->nodes, *node = &nodes[index];
	enum reply sum = node->kind == NODE_AND ? YES : NO, part;
	switch (node->kind) {
	case NODE_TEST:
		return ask_test(question, node);
	case NODE_NOT:
		return YES - ask(question, node->first);
	case NODE_AND:
	case NODE_OR:
	default:
		for (uint32_t child = node->first; child != NO_NODE; child = nodes[child].next) {
			part = ask(question, child);
			if (node->kind == NODE_AND ? part < sum : part > sum)
				sum = part;
			if (sum == (node->kind == NODE_AND ? NO : YES))
				break;
		}
		return sum;
	}
}

bool predicate_holds(struct predicate *predicate, const struct rill_entry *entry,
		     const struct rill_catalogs *catalogs, const struct predicate_origin *origin)
{
	const struct rill_record *record = entry->record;
	const struct rill_catalog *catalog = record ? record->catalog : entry->span->catalog;
	const struct binding *binding = predicate_bind(predicate, catalog);
	if (!binding)
		return false;
	struct question question = {.predicate = predicate,
				    .binding = binding,
				    .fixed = record ? record->event_id
						    : (size_t)(entry->span->span - catalog->spans) +
							      catalog->nevents,
				    .is_span = !record,
				    .entry = entry,
				    .catalogs = catalogs,
				    .origin = origin};
	return ask(&question, predicate->root) == YES;
}

bool predicate_may_hold(struct predicate *predicate, const struct rill_catalog *catalog,
			uint16_t event)
{
	const struct binding *binding = predicate_bind(predicate, catalog);
	struct question question = {.predicate = predicate, .binding = binding, .fixed = event};
	if (!binding || ask(&question, predicate->root) != NO)
		return true;
	question.is_span = true;
	for (uint16_t i = 0; i < catalog->nspans; i++) {
		question.fixed = (size_t)catalog->nevents + i;
		if ((catalog->spans[i].start == event || catalog->spans[i].end == event) &&
		    ask(&question, predicate->root) != NO)
			return true;
	}
	return false;
}
