/*
 * The catalogs of this process, the gates of its objects, and the bitmaps that the gates point to.
 *
 * Entries are never removed: a record in a ring, or a dump, refers to its catalog by index. Reading
 * needs no lock: an entry is whole before the count includes it.
 */
#include <errno.h>
#include <string.h>

#include "core/clock.h"
#include "core/core.h"
#include "core/diagnose.h"

const unsigned char rill__closed[RILL_CATALOG_MAX_EVENTS / 8];

static struct catalog_entry entries[MAX_CATALOGS];
static const struct rill_catalog *catalogs[MAX_CATALOGS];
static struct rill_catalogs live = {catalogs, 0};
static uint32_t nentries;
static uint32_t nevents;

const struct catalog_entry *registry_entry(uint32_t index)
{
	return index < registry_count() ? &entries[index] : NULL;
}

uint32_t registry_count(void)
{
	return __atomic_load_n(&nentries, __ATOMIC_ACQUIRE);
}

uint32_t registry_events(void)
{
	return __atomic_load_n(&nevents, __ATOMIC_RELAXED);
}

const struct rill_catalogs *registry_catalogs(void)
{
	return &live;
}

void registry_count_anew(void)
{
	for (uint32_t i = 0; i < registry_count(); i++) {
		for (uint32_t event = 0; event < entries[i].catalog->nevents; event++) {
			struct event_loss *loss = &entries[i].losses[event];
			__atomic_store_n(&loss->filtered, 0, __ATOMIC_RELAXED);
			__atomic_store_n(&loss->discarded, 0, __ATOMIC_RELAXED);
		}
	}
}

/* --- copying a catalog: one block, so that the object may be unloaded ---------------------- */

struct arena {
	char *next; /* NULL: only measuring */
	size_t used;
};

static void *arena_take(struct arena *arena, const void *from, size_t size, size_t align)
{
	size_t at = (arena->used + align - 1) / align * align;
	arena->used = at + size;
	if (!arena->next)
		return NULL;
	if (size)
		memcpy(arena->next + at, from, size);
	return arena->next + at;
}

static const char *arena_text(struct arena *arena, const char *text)
{
	return arena_take(arena, text, strlen(text) + 1, 1);
}

#define TAKE(arena, from, count) arena_take(arena, from, (count) * sizeof *(from), 8)

static struct rill_catalog *copy_into(struct arena *arena, const struct rill_catalog *from)
{
	struct rill_catalog *to = TAKE(arena, from, 1);
	const char **subsystems = TAKE(arena, from->subsystems, from->nsubsystems);
	struct rill_catalog_event *events = TAKE(arena, from->events, from->nevents);
	struct rill_catalog_key *keys = TAKE(arena, from->keys, from->nkeys);
	struct rill_catalog_span *spans = TAKE(arena, from->spans, from->nspans);
	struct rill_catalog_event event;
	struct rill_catalog_key key;

	for (size_t i = 0; i < from->nevents; i++) {
		event = from->events[i];
		event.name = arena_text(arena, event.name);
		event.brief = arena_text(arena, event.brief);
		event.text = arena_text(arena, event.text);
		event.keys = TAKE(arena, event.keys, event.nkeys);
		if (to)
			events[i] = event;
	}
	for (size_t i = 0; i < from->nkeys; i++) {
		key = from->keys[i];
		key.name = arena_text(arena, key.name);
		key.text = arena_text(arena, key.text);
		if (to)
			keys[i] = key;
	}
	for (size_t i = 0; i < from->nspans; i++) {
		const char *name = arena_text(arena, from->spans[i].name);
		if (to)
			spans[i].name = name;
	}
	for (size_t i = 0; i < from->nsubsystems; i++) {
		const char *name = arena_text(arena, from->subsystems[i]);
		if (to)
			subsystems[i] = name;
	}
	const char *name = arena_text(arena, from->name);
	if (to) {
		to->name = name;
		to->subsystems = subsystems;
		to->events = events;
		to->keys = keys;
		to->spans = spans;
	}
	return to;
}

static struct rill_catalog *catalog_copy(const struct rill_catalog *from)
{
	struct arena arena = {NULL, 0};
	copy_into(&arena, from);
	arena.next = calloc(1, arena.used);
	arena.used = 0;
	return arena.next ? copy_into(&arena, from) : NULL;
}

/* --- entries ------------------------------------------------------------------------------- */

static bool same(const struct rill_catalog *a, const struct rill_catalog *b)
{
	return a->hash == b->hash && a->nevents == b->nevents && a->nkeys == b->nkeys &&
	       strcmp(a->name, b->name) == 0;
}

/* Under the control lock. NULL: no memory, or too many. */
static struct catalog_entry *entry_add(const struct rill_catalog *catalog)
{
	if (nentries == MAX_CATALOGS) {
		rill__diagnose(__func__,
			       "catalog %s is the %uth of this process: its events stay off",
			       catalog->name, MAX_CATALOGS + 1);
		return NULL;
	}
	struct catalog_entry *entry = &entries[nentries];
	entry->bits_bytes = ((size_t)catalog->nevents + 63) / 64 * 8;
	entry->catalog = catalog_copy(catalog);
	entry->bits = calloc(2, entry->bits_bytes);
	entry->losses = calloc((size_t)catalog->nevents + 1, sizeof *entry->losses);
	if (!entry->catalog || !entry->bits || !entry->losses) {
		free(entry->catalog);
		free(entry->bits);
		free(entry->losses);
		rill__diagnose(__func__, "no memory for catalog %s: its events stay off",
			       catalog->name);
		return NULL;
	}
	entry->bits_spare = entry->bits + entry->bits_bytes;
	entry->index = nentries;
	entry->first_event = nevents;
	catalogs[nentries] = entry->catalog;
	__atomic_store_n(&nevents, nevents + catalog->nevents, __ATOMIC_RELAXED);
	__atomic_store_n(&nentries, nentries + 1, __ATOMIC_RELEASE);
	__atomic_store_n(&live.count, nentries, __ATOMIC_RELEASE);
	process_grow_losses();
	return entry;
}

void rill__register(struct rill__gate *gate, const struct rill_catalog *catalog, uint32_t layout,
		    size_t size)
{
	if (layout != RILL_CATALOG_LAYOUT || size != sizeof *gate ||
	    catalog->layout != RILL_CATALOG_LAYOUT || catalog->size != sizeof *catalog) {
		rill__diagnose(__func__,
			       "an object was compiled with headers of another version of rill "
			       "(layout %u, this library has %u): its events stay off; compile it "
			       "again",
			       layout, RILL_CATALOG_LAYOUT);
		return;
	}
	control_lock();
	if (!gate->registered) {
		struct catalog_entry *entry = NULL;
		for (uint32_t i = 0; i < nentries && !entry; i++)
			if (same(entries[i].catalog, catalog))
				entry = &entries[i];
		bool added = !entry;
		if (added)
			entry = entry_add(catalog);
		if (entry) {
			gate->registered = 1;
			gate->catalog_tag = entry->index << 24;
			gate->next = entry->gates;
			entry->gates = gate;
			__atomic_store_n(&gate->bits, entry->bits, __ATOMIC_RELEASE);
		}
		if (added && entry)
			rill__configure();
	}
	control_unlock();
}

static bool exiting;

static void note_exit(void)
{
	__atomic_store_n(&exiting, true, __ATOMIC_RELAXED);
}

/* At exit the lock may be held by a thread that is never done: its sink hangs in open(2). */
static bool lock_to_unregister(void)
{
	for (int tries = 0; tries < 5 && __atomic_load_n(&exiting, __ATOMIC_RELAXED); tries++) {
		if (control_trylock())
			return true;
		prim_sleep(1000000);
	}
	if (__atomic_load_n(&exiting, __ATOMIC_RELAXED))
		return false;
	control_lock();
	return true;
}

/* Runs at exit() before all destructors. */
__attribute__((constructor(101))) static void watch_exit(void)
{
	atexit(note_exit);
}

void rill__unregister(struct rill__gate *gate)
{
	if (!lock_to_unregister()) {
		__atomic_store_n(&gate->bits, rill__closed, __ATOMIC_RELEASE);
		return; /* the object stays in memory: the process ends */
	}
	if (gate->registered) {
		struct rill__gate **link = &entries[gate->catalog_tag >> 24].gates;
		while (*link && *link != gate)
			link = &(*link)->next;
		if (*link)
			*link = gate->next;
		gate->registered = 0;
		__atomic_store_n(&gate->bits, rill__closed, __ATOMIC_RELEASE);
		/* Who is inside a section of this gate runs in the object that is being unloaded:
		 * there is nothing here that would save it. */
		producer_synchronize(true);
	}
	control_unlock();
}

/* --- filters ------------------------------------------------------------------------------- */

/* Words at a time, each stored once with its final value: whoever still reads this bitmap by an old
 * pointer sees an old word or a new one, never a word on its way. */
static void store_bits(unsigned char *to, const unsigned char *from, size_t size)
{
	for (size_t i = 0; i < size; i += 8) {
		uint64_t word;
		memcpy(&word, from + i, 8);
		__atomic_store_n((uint64_t *)(void *)(to + i), word, __ATOMIC_RELAXED);
	}
}

static void entry_publish(struct catalog_entry *entry, registry_decide decide, void *context)
{
	_Alignas(8) unsigned char bits[RILL_CATALOG_MAX_EVENTS / 8 + 8];
	memset(bits, 0, entry->bits_bytes);
	decide(entry->catalog, bits, context);
	store_bits(entry->bits_spare, bits, entry->bits_bytes);
	unsigned char *old = entry->bits;
	entry->bits = entry->bits_spare;
	entry->bits_spare = old;
	for (struct rill__gate *gate = entry->gates; gate; gate = gate->next)
		__atomic_store_n(&gate->bits, entry->bits, __ATOMIC_RELEASE);
}

int registry_publish(registry_decide decide, void *context, bool briefly, struct epoch *epoch)
{
	control_lock();
	epoch->published_ticks = clock_now_ticks();
	for (uint32_t i = 0; i < nentries; i++)
		entry_publish(&entries[i], decide, context);
	int error = producer_synchronize(briefly);
	epoch->confirmed_ticks = clock_now_ticks();
	control_unlock();
	return error;
}
