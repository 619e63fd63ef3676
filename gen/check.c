#include "check.h"

#include <string.h>

struct checker {
	struct page *page;
	struct arena *arena;
	struct report *report;
};

static void check_names(struct checker *c)
{
	struct page *p = c->page;
	size_t first;

	for (size_t i = 0; i < p->nsubsystems; i++)
		map_add(&p->subsystem_names, c->arena, p->subsystems[i].name, i);
	for (size_t i = 0; i < p->nevents; i++) {
		first = map_add(&p->event_names, c->arena, p->events[i].name, i);
		if (first != MAP_NONE)
			report_error(c->report, p->path, p->events[i].line,
				     "duplicate event '%s', first declared on line %zu; rename one",
				     p->events[i].name, p->events[first].line);
	}
	for (size_t i = 0; i < p->nkeys; i++) {
		first = map_add(&p->key_names, c->arena, p->keys[i].name, i);
		if (first != MAP_NONE)
			report_error(
				c->report, p->path, p->keys[i].line,
				"duplicate key '%s', first declared on line %zu; rename one or "
				"join their types",
				p->keys[i].name, p->keys[first].line);
	}
	for (size_t i = 0; i < p->nspans; i++) {
		first = map_add(&p->span_names, c->arena, p->spans[i].name, i);
		if (first != MAP_NONE)
			report_error(c->report, p->path, p->spans[i].line,
				     "duplicate span '%s', first declared on line %zu; rename one",
				     p->spans[i].name, p->spans[first].line);
	}
}

static void check_symbol(struct checker *c, const char *what, size_t line, size_t other_line,
			 const char *name, const char *other, const char *symbol)
{
	if (strcmp(name, other) != 0) /* else it is a duplicate, and said already */
		report_error(c->report, c->page->path, line,
			     "%s '%s' and '%s' of line %zu are both %s in C; rename one", what,
			     name, other, other_line, symbol);
}

static void check_symbols(struct checker *c)
{
	struct page *p = c->page;
	struct map events = {0}, keys = {0};
	size_t first;

	for (size_t i = 0; i < p->nevents; i++) {
		const struct page_event *e = &p->events[i];

		first = map_add(&events, c->arena, e->symbol, i);
		if (first != MAP_NONE)
			check_symbol(c, "event", e->line, p->events[first].line, e->name,
				     p->events[first].name, e->symbol);
	}
	for (size_t i = 0; i < p->nkeys; i++) {
		const struct page_key *k = &p->keys[i];

		first = map_add(&keys, c->arena, k->symbol, i);
		if (first != MAP_NONE)
			check_symbol(c, "key", k->line, p->keys[first].line, k->name,
				     p->keys[first].name, k->symbol);
	}
}

static void check_bound(struct checker *c, const char *what, size_t count, size_t bound,
			size_t line)
{
	if (count > bound)
		report_error(c->report, c->page->path, line,
			     "the page has more than %zu %s; split it into several catalogs", bound,
			     what);
}

static void check_bounds(struct checker *c)
{
	const struct page *p = c->page;

	if (p->nevents > RILL_CATALOG_MAX_EVENTS)
		check_bound(c, "events", p->nevents, RILL_CATALOG_MAX_EVENTS,
			    p->events[RILL_CATALOG_MAX_EVENTS].line);
	if (p->nkeys > RILL_CATALOG_MAX_KEYS)
		check_bound(c, "keys", p->nkeys, RILL_CATALOG_MAX_KEYS,
			    p->keys[RILL_CATALOG_MAX_KEYS].line);
	if (p->nspans > RILL_CATALOG_MAX_SPANS)
		check_bound(c, "spans", p->nspans, RILL_CATALOG_MAX_SPANS,
			    p->spans[RILL_CATALOG_MAX_SPANS].line);
	if (p->nsubsystems > PAGE_MAX_SUBSYSTEMS)
		check_bound(c, "subsystems", p->nsubsystems, PAGE_MAX_SUBSYSTEMS,
			    p->subsystems[PAGE_MAX_SUBSYSTEMS].line);
	if (p->nevents == 0 && !p->partial)
		report_error(
			c->report, p->path, 1,
			"the page declares no event; write `## ` and a subsystem's name, and under "
			"it a table | Event | Level | Short | Long |");
}

/* Resolves one name of a cell Keys. */
static void resolve_key(struct checker *c, struct page_event *e, const char *name, size_t length)
{
	struct page *p = c->page;
	const char *copy = arena_copy(c->arena, name, length);
	size_t key = map_find(&p->key_names, copy);

	if (length == 0) {
		report_error(c->report, p->path, e->line,
			     "Keys of event '%s' has a comma too many; remove it", e->name);
		return;
	}
	if (key == MAP_NONE) {
		if (!p->partial)
			report_error(
				c->report, p->path, e->line,
				"event '%s' lists the unknown key '%.60s'; add it to the table "
				"under `## Keys`",
				e->name, copy);
		return;
	}
	for (size_t i = 0; i < e->nkeys; i++) {
		if (e->keys[i] != key)
			continue;
		report_error(c->report, p->path, e->line,
			     "event '%s' lists key '%s' twice; remove one", e->name, copy);
		return;
	}
	e->keys = arena_grow(c->arena, e->keys, e->nkeys, sizeof(*e->keys));
	e->keys[e->nkeys++] = (uint16_t)key;
}

static void resolve_keys(struct checker *c, struct page_event *e)
{
	const char *at = e->key_names;

	if (!*at)
		return;
	for (;;) {
		size_t length;
		const char *name = at + strspn(at, " ");

		at = name + strcspn(name, ",");
		length = (size_t)(at - name);
		while (length && name[length - 1] == ' ')
			length--;
		resolve_key(c, e, name, length);
		if (!*at)
			return;
		at++;
	}
}

static size_t resolve_event(struct checker *c, const struct page_span *s, const char *column,
			    const char *name)
{
	size_t event = map_find(&c->page->event_names, name);

	if (event == MAP_NONE && *name && !c->page->partial)
		report_error(c->report, c->page->path, s->line,
			     "%s of span '%s' names no event: '%.60s'; write an event of this page",
			     column, s->name, name);
	return event;
}

static void resolve_span_key(struct checker *c, struct page_span *s)
{
	const struct page *p = c->page;

	s->key = MAP_NONE;
	if (strcmp(s->key_name, "-") == 0 || !*s->key_name)
		return;
	s->key = map_find(&p->key_names, s->key_name);
	if (s->key == MAP_NONE) {
		if (!p->partial)
			report_error(c->report, p->path, s->line,
				     "Key of span '%s' names no key: '%.60s'; write a key of this "
				     "page, or - for one such span at a time",
				     s->name, s->key_name);
	} else if (p->keys[s->key].flags & RILL_KEY_SECRET) {
		report_error(
			c->report, p->path, s->line,
			"key '%s' of span '%s' is secret: its values are masked before anything "
			"is told apart by them",
			s->key_name, s->name);
	} else if (p->keys[s->key].types &&
		   !(p->keys[s->key].types & (RILL_SET_U64 | RILL_SET_STRING))) {
		report_error(
			c->report, p->path, s->line,
			"key '%s' cannot tell spans of '%s' apart; take a key whose type includes "
			"u64 or string",
			s->key_name, s->name);
	}
}

static void resolve_link(struct checker *c, struct page_key *k)
{
	const struct page *p = c->page;
	const struct page_key *other;

	if (k->flags & RILL_KEY_LINK && k->flags & RILL_KEY_SECRET)
		report_error(
			c->report, p->path, k->line,
			"key '%s' is secret and a link: its values are masked before anything is "
			"joined by them; it can be one of both",
			k->name);
	if (!*k->link_name)
		return;
	k->refers = map_find(&p->key_names, k->link_name);
	if (k->refers == MAP_NONE) {
		if (!p->partial)
			report_error(c->report, p->path, k->line,
				     "Link of key '%s' names no key: '%.60s'; write yes, process, "
				     "a key of this page, or leave the cell empty",
				     k->name, k->link_name);
		return;
	}
	other = &p->keys[k->refers];
	if (!(other->flags & RILL_KEY_LINK) || other->flags & RILL_KEY_GLOBAL || *other->link_name)
		report_error(c->report, p->path, k->line,
			     "Link of key '%s' names key '%s', whose own Link is not process; only "
			     "such a value is another process's",
			     k->name, other->name);
	else if (k->types && other->types && !(k->types & other->types))
		report_error(c->report, p->path, k->line,
			     "key '%s' can never have a value of key '%s', which its Link names: "
			     "they share no type",
			     k->name, other->name);
}

/* The tracker looks a span up by its event, so an event starts one span, and ends one span. */
static void claim(struct checker *c, size_t *owners, size_t event, size_t span, const char *verb)
{
	const struct page_span *s = &c->page->spans[span];

	if (event == MAP_NONE)
		return;
	if (owners[event])
		report_error(
			c->report, c->page->path, s->line,
			"event '%s' %s two spans, '%s' of line %zu and '%s'; give one an event of "
			"its own",
			c->page->events[event].name, verb, c->page->spans[owners[event] - 1].name,
			c->page->spans[owners[event] - 1].line, s->name);
	else
		owners[event] = span + 1;
}

static void resolve_spans(struct checker *c)
{
	struct page *p = c->page;
	size_t *starts = arena_alloc(c->arena, (p->nevents + 1) * sizeof(*starts));
	size_t *ends = arena_alloc(c->arena, (p->nevents + 1) * sizeof(*ends));

	for (size_t i = 0; i < p->nspans; i++) {
		struct page_span *s = &p->spans[i];

		s->start = resolve_event(c, s, "Start", s->start_name);
		s->end = resolve_event(c, s, "End", s->end_name);
		resolve_span_key(c, s);
		if (s->start != MAP_NONE && s->start == s->end) {
			report_error(c->report, p->path, s->line,
				     "span '%s' starts and ends with the same event; name two",
				     s->name);
			continue;
		}
		claim(c, starts, s->start, i, "starts");
		claim(c, ends, s->end, i, "ends");
	}
}

void page_check(struct page *page, struct arena *a, struct report *r)
{
	struct checker c = {page, a, r};
	size_t before = r->count;

	check_bounds(&c);
	if (r->count != before)
		return; /* ids beyond the bounds don't fit into uint16_t */
	check_names(&c);
	check_symbols(&c);
	for (size_t i = 0; i < page->nevents; i++)
		resolve_keys(&c, &page->events[i]);
	for (size_t i = 0; i < page->nkeys; i++)
		resolve_link(&c, &page->keys[i]);
	resolve_spans(&c);
}
