#include "lock.h"

#include <string.h>

#include "types.h"

struct merge {
	const struct lock *lock;
	struct page *page;
	bool locked;
	struct buffer *appended;
	struct arena *arena;
	struct report *report;
	size_t next[LOCK_KINDS]; /* the next free id */
};

/* What the page no longer has. The error stands at the lock file's line: the page has none for it.
 */
static void check_vanished(struct merge *m, enum lock_kind kind, const struct map *names)
{
	const struct lock *lock = m->lock;

	for (size_t id = 0; id < lock->counts[kind]; id++) {
		const struct lock_entry *e = &lock->entries[kind][id];

		if (map_find(names, e->name) == MAP_NONE)
			report_error(
				m->report, lock->path, e->line,
				"%s '%s' has vanished from %s, but its id %zu stands in old dumps "
				"and is never given away: put it back; if it is not used any more, "
				"say so in its text",
				lock_kind_names[kind], e->name, m->page->path, id);
	}
}

static void not_locked(struct merge *m, enum lock_kind kind, const char *name, size_t line)
{
	report_error(
		m->report, m->page->path, line,
		"%s '%s' is not in %s; run rill-gen without --locked and --check, and commit the "
		"lock file with the page",
		lock_kind_names[kind], name, m->lock->path);
}

/* Returns the name's id. A key's types are given too. */
static uint16_t assign(struct merge *m, enum lock_kind kind, const char *name, size_t line,
		       const struct page_key *key)
{
	size_t id = map_find(&m->lock->names[kind], name);
	const struct lock_entry *e = id == MAP_NONE ? NULL : &m->lock->entries[kind][id];

	if (e && (!key || e->types == key->types))
		return (uint16_t)id;
	if (e && (e->types & ~key->types)) {
		struct buffer lost = {0};
		uint8_t order[RILL_TYPE_COUNT];
		size_t count = 0;

		for (unsigned t = 0; t < RILL_TYPE_COUNT; t++) {
			if (e->types & ~key->types & (1u << t))
				order[count++] = (uint8_t)t;
		}
		types_print(&lost, order, count, ", ", " and ");
		report_error(
			m->report, m->page->path, line,
			"changed type: key '%s' no longer has %s, which %s:%zu pins and old dumps "
			"hold; put it back, or add a key of another name",
			name, lost.data, m->lock->path, e->line);
		buffer_free(&lost);
		return (uint16_t)id;
	}
	if (!e)
		id = m->next[kind]++;
	if (m->locked) {
		if (e)
			report_error(m->report, m->page->path, line,
				     "key '%s' has types that are not in %s; run rill-gen without "
				     "--locked and --check, and commit the lock file with the page",
				     name, m->lock->path);
		else
			not_locked(m, kind, name, line);
		return (uint16_t)id;
	}
	buffer_print(m->appended, "%s %zu %s", lock_kind_names[kind], id, name);
	if (key) {
		buffer_puts(m->appended, " ");
		types_print(m->appended, key->order, key->ntypes, "|", "|");
	}
	buffer_puts(m->appended, "\n");
	return (uint16_t)id;
}

static void start_file(struct merge *m)
{
	const char *slash = strrchr(m->page->path, '/');

	if (m->lock->exists && m->lock->size) {
		if (m->lock->data[m->lock->size - 1] != '\n')
			buffer_puts(m->appended, "\n");
		return;
	}
	buffer_print(
		m->appended,
		"# The ids of %s. rill-gen appends to this file; commit it with the page.\n"
		"# Ids stand in dumps and are never changed, reused or deleted. After a merge\n"
		"# conflict keep the released lines, delete the others, run rill-gen again.\n",
		slash ? slash + 1 : m->page->path);
}

void lock_apply(const struct lock *lock, struct page *page, bool locked, struct buffer *appended,
		struct arena *a, struct report *r)
{
	struct merge m = {lock, page, locked, appended, a, r, {0}};
	struct buffer head = {0}, lines = {0};

	memcpy(m.next, lock->counts, sizeof(m.next));
	check_vanished(&m, LOCK_EVENT, &page->event_names);
	check_vanished(&m, LOCK_KEY, &page->key_names);
	check_vanished(&m, LOCK_SPAN, &page->span_names);
	check_vanished(&m, LOCK_SUBSYSTEM, &page->subsystem_names);
	m.appended = &lines;
	for (size_t i = 0; i < page->nsubsystems; i++)
		page->subsystems[i].id = assign(&m, LOCK_SUBSYSTEM, page->subsystems[i].name,
						page->subsystems[i].line, NULL);
	for (size_t i = 0; i < page->nevents; i++)
		page->events[i].id =
			assign(&m, LOCK_EVENT, page->events[i].name, page->events[i].line, NULL);
	for (size_t i = 0; i < page->nkeys; i++)
		page->keys[i].id = assign(&m, LOCK_KEY, page->keys[i].name, page->keys[i].line,
					  &page->keys[i]);
	for (size_t i = 0; i < page->nspans; i++)
		page->spans[i].id =
			assign(&m, LOCK_SPAN, page->spans[i].name, page->spans[i].line, NULL);
	if (lines.size) {
		m.appended = &head;
		start_file(&m);
		buffer_add(appended, head.data ? head.data : "", head.size);
		buffer_add(appended, lines.data, lines.size);
	}
	buffer_free(&head);
	buffer_free(&lines);
}
