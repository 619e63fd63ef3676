/* The catalog of docs/events.md, as compiled, is the seed: every id, level and text, byte for byte.
 */
#include <criterion/criterion.h>
#include <rill/catalog.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/files.h"

#define MAX_EVENTS 1000
#define MAX_KEYS   100
#define MAX_FIELDS 8

extern const struct rill_catalog rill_catalog_stalwart;
static const struct rill_catalog *catalog = &rill_catalog_stalwart;

struct seed_event {
	char *name, *level, *brief, *text;
	const char *subsystem;
};

struct seed {
	struct seed_event events[MAX_EVENTS];
	const char *subsystems[MAX_EVENTS];
	char *keys[MAX_KEYS][2]; /* name, description */
	size_t nevents, nsubsystems, nkeys;
};

static struct seed seed;

static char *next_line(char **rest)
{
	char *line = strsep(rest, "\n");

	if (line && !*rest && !*line)
		return NULL; /* behind the last line feed */
	return line;
}

/* "a | b | c |": cut at " | ", the last " |" off. Returns how many fields there are. */
static size_t cut(char *line, char *fields[MAX_FIELDS])
{
	size_t n = 0, length = strlen(line);

	if (length < 2 || strcmp(line + length - 2, " |") != 0)
		return 0;
	line[length - 2] = '\0';
	while (line && n < MAX_FIELDS) {
		char *bar = strstr(line, " | ");

		fields[n++] = line;
		if (bar)
			*bar = '\0';
		line = bar ? bar + 3 : NULL;
	}
	return n;
}

static void read_row(char *line, const char *subsystem)
{
	char *fields[MAX_FIELDS];
	size_t n = cut(line, fields);

	if (n == 4 && subsystem && seed.nevents < MAX_EVENTS) {
		seed.events[seed.nevents++] =
			(struct seed_event){fields[0], fields[1], fields[2], fields[3], subsystem};
	} else if (n == 2 && !subsystem && seed.nkeys < MAX_KEYS) {
		seed.keys[seed.nkeys][0] = fields[0];
		seed.keys[seed.nkeys++][1] = fields[1];
	} else {
		cr_assert_fail("a row of the seed that is none: %s", line);
	}
}

/* A table begins two lines below its heading (below its first line, for Keys: a sentence is
 * between). */
static void read_seed(void)
{
	char *rest = file_load(source("tests/data/seed/events-page.txt"), NULL);
	char *line, *before = NULL, *heading = NULL;
	bool inside = false, keys = false;

	while ((line = next_line(&rest))) {
		if (strcmp(line, "| Event | Level | Short | Long |") == 0) {
			heading = before;
			seed.subsystems[seed.nsubsystems++] = heading;
			inside = true;
		} else if (strcmp(line, "| Key | Description |") == 0) {
			inside = keys = true;
		} else if (inside && strncmp(line, "|---", 4) != 0 && strstr(line, " | ")) {
			read_row(line, keys ? NULL : heading);
		}
		before = line;
	}
}

static size_t key_by_name(const char *name)
{
	for (size_t i = 0; i < catalog->nkeys; i++) {
		if (strcmp(catalog->keys[i].name, name) == 0)
			return i;
	}
	cr_assert_fail("no key %s", name);
	abort();
}

static const struct rill_catalog_event *event_by_name(const char *name)
{
	for (size_t i = 0; i < catalog->nevents; i++) {
		if (strcmp(catalog->events[i].name, name) == 0)
			return &catalog->events[i];
	}
	cr_assert_fail("no event %s", name);
	abort();
}

static uint16_t type_by_name(const char *name)
{
	static const char *const names[RILL_TYPE_COUNT] = {
		"none",      "bool",   "u64",   "i64", "f64",  "duration",
		"timestamp", "string", "bytes", "ip",  "list", "event"};

	for (int i = 0; i < RILL_TYPE_COUNT; i++) {
		if (strcmp(names[i], name) == 0)
			return (uint16_t)(1 << i);
	}
	cr_assert_fail("no type %s", name);
	abort();
}

Test(catalog, events_are_the_seed)
{
	static const char *const levels[] = {"trace", "debug", "info", "warn", "error"};

	read_seed();
	cr_assert_eq(seed.nevents, 605);
	cr_assert_eq(catalog->nevents, 605);
	for (size_t i = 0; i < seed.nevents; i++) {
		const struct seed_event *s = &seed.events[i];
		const struct rill_catalog_event *e = &catalog->events[i];

		cr_expect_str_eq(e->name, s->name, "event %zu", i);
		cr_expect_str_eq(levels[e->level], s->level, "%s", s->name);
		cr_expect_str_eq(e->brief, s->brief, "%s", s->name);
		cr_expect_str_eq(e->text, s->text, "%s", s->name);
		cr_expect_str_eq(catalog->subsystems[e->subsystem], s->subsystem, "%s", s->name);
	}
}

Test(catalog, subsystems_are_the_seed)
{
	read_seed();
	cr_assert_eq(seed.nsubsystems, 43);
	cr_assert_eq(catalog->nsubsystems, 43);
	for (size_t i = 0; i < seed.nsubsystems; i++)
		cr_expect_str_eq(catalog->subsystems[i], seed.subsystems[i]);
}

Test(catalog, keys_are_the_seed)
{
	read_seed();
	cr_assert_eq(seed.nkeys, 66);
	for (size_t i = 0; i < seed.nkeys; i++) {
		const struct rill_catalog_key *k = &catalog->keys[i];
		unsigned link = strcmp(k->name, "messageId") == 0 ? RILL_KEY_LINK | RILL_KEY_GLOBAL
				: strcmp(k->name, "queueId") == 0 ? RILL_KEY_LINK
								  : 0;

		cr_expect_str_eq(k->name, seed.keys[i][0]);
		cr_expect_str_eq(k->text, seed.keys[i][1], "%s", k->name);
		cr_expect_eq(k->flags, link, "%s", k->name);
		cr_expect_eq(k->refers, RILL_NO_KEY, "%s", k->name);
	}
}

/* What the page has beyond the seed. */
Test(catalog, keys_of_our_own)
{
	const struct rill_catalog_key *k = &catalog->keys[66];

	cr_assert_eq(catalog->nkeys, 67);
	cr_expect_str_eq(k->name, "remoteQueueId");
	cr_expect_eq(k->types, RILL_SET_U64 | RILL_SET_STRING);
	cr_expect_eq(k->flags, RILL_KEY_LINK);
	cr_expect_eq(k->refers, key_by_name("queueId"));
}

/* Adds the types that event_keys.tsv uses ("a:u64|string,b:list"), and compares the names of an
 * event's keys on the way. */
static void read_event_keys(uint16_t types[MAX_KEYS])
{
	char *rest = file_load(source("tests/data/seed/event_keys.tsv"), NULL), *line;
	size_t events = 0;

	next_line(&rest);
	while ((line = next_line(&rest))) {
		const struct rill_catalog_event *e = event_by_name(strsep(&line, "\t"));
		char *pair;
		size_t n = 0;

		events++;
		while (line && *line && (pair = strsep(&line, ","))) {
			char *name = strsep(&pair, ":"), *type;

			cr_assert_lt(n, e->nkeys, "%s has too few keys", e->name);
			cr_expect_str_eq(catalog->keys[e->keys[n++]].name, name, "%s", e->name);
			while ((type = strsep(&pair, "|")))
				types[key_by_name(name)] |= type_by_name(type);
		}
		cr_expect_eq(e->nkeys, n, "%s has %u keys, not %zu", e->name, e->nkeys, n);
	}
	cr_assert_eq(events, 605);
}

Test(catalog, key_types_and_event_keys_are_the_union_of_the_seed_tables)
{
	char *rest = file_load(source("tests/data/seed/key_types.tsv"), NULL), *line;
	uint16_t types[MAX_KEYS] = {0};
	size_t several = 0, rows = 0;

	next_line(&rest);
	while ((line = next_line(&rest))) {
		size_t key = key_by_name(strsep(&line, "\t"));

		types[key] |= type_by_name(strsep(&line, "\t"));
		rows++;
	}
	cr_assert_eq(rows, 66);
	read_event_keys(types);
	for (size_t i = 0; i < rows; i++) {
		cr_expect_eq(catalog->keys[i].types, types[i], "%s: 0x%x, not 0x%x",
			     catalog->keys[i].name, catalog->keys[i].types, types[i]);
		several += (types[i] & (types[i] - 1)) != 0;
	}
	cr_assert_eq(several, 25);
}

Test(catalog, spans)
{
	static const char *const expected[][4] = {
		{"smtp.connection", "smtp.connection-start", "smtp.connection-end", "spanId"},
		{"imap.connection", "imap.connection-start", "imap.connection-end", "spanId"},
		{"pop3.connection", "pop3.connection-start", "pop3.connection-end", "spanId"},
		{"http.connection", "http.connection-start", "http.connection-end", "spanId"},
		{"manage-sieve.connection", "manage-sieve.connection-start",
		 "manage-sieve.connection-end", "spanId"},
		{"delivery.attempt", "delivery.attempt-start", "delivery.attempt-end", "spanId"},
		{"jmap.websocket", "jmap.websocket-start", "jmap.websocket-stop", "spanId"},
		{"imap.idle", "imap.idle-start", "imap.idle-stop", "spanId"},
		{"network.listen", "network.listen-start", "network.listen-stop", "listenerId"},
		{"acme.auth", "acme.auth-start", "acme.auth-completed", "url"},
		{"cluster.subscriber", "cluster.subscriber-start", "cluster.subscriber-stop", NULL},
		{"cluster.publisher", "cluster.publisher-start", "cluster.publisher-stop", NULL},
		{"spam.train", "spam.train-started", "spam.train-completed", NULL},
		{"server", "server.startup", "server.shutdown", NULL},
	};
	size_t count = sizeof(expected) / sizeof(expected[0]);

	cr_assert_eq(catalog->nspans, count);
	for (size_t i = 0; i < count; i++) {
		const struct rill_catalog_span *s = &catalog->spans[i];

		cr_expect_str_eq(s->name, expected[i][0]);
		cr_expect_str_eq(catalog->events[s->start].name, expected[i][1]);
		cr_expect_str_eq(catalog->events[s->end].name, expected[i][2]);
		if (expected[i][3])
			cr_expect_str_eq(catalog->keys[s->key].name, expected[i][3]);
		else
			cr_expect_eq(s->key, RILL_NO_KEY, "%s", s->name);
	}
}

/* Each id in docs/events.ids is the place in its table. */
Test(catalog, ids_are_those_of_the_lock_file)
{
	char *rest = file_load(source("docs/events.ids"), NULL), *line;
	size_t lines = 0;

	while ((line = next_line(&rest))) {
		const char *kind, *name, *found = NULL;
		size_t id;

		if (*line == '#')
			continue;
		kind = strsep(&line, " ");
		id = (size_t)atol(strsep(&line, " "));
		name = strcmp(kind, "key") == 0 ? strsep(&line, " ") : line;
		if (strcmp(kind, "event") == 0 && id < catalog->nevents)
			found = catalog->events[id].name;
		else if (strcmp(kind, "key") == 0 && id < catalog->nkeys)
			found = catalog->keys[id].name;
		else if (strcmp(kind, "span") == 0 && id < catalog->nspans)
			found = catalog->spans[id].name;
		else if (strcmp(kind, "subsystem") == 0 && id < catalog->nsubsystems)
			found = catalog->subsystems[id];
		cr_expect_str_eq(found, name, "%s %zu", kind, id);
		lines++;
	}
	cr_expect_geq(lines, 605 + 66 + 43 + 14);
}

static uint64_t hash;

static void hash_bytes(const void *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		hash = (hash ^ ((const unsigned char *)data)[i]) * 0x100000001b3;
}

static void hash_number(uint64_t n)
{
	hash_bytes(&n, sizeof(n)); /* the machines that run this test are little-endian */
}

static void hash_text(const char *s)
{
	hash_number(strlen(s));
	hash_bytes(s, strlen(s));
}

/* As docs/catalog.md lays it down. */
Test(catalog, hash_covers_the_content)
{
	hash = 0xcbf29ce484222325;
	hash_text(catalog->name);
	hash_number(catalog->nsubsystems);
	for (size_t i = 0; i < catalog->nsubsystems; i++)
		hash_text(catalog->subsystems[i]);
	hash_number(catalog->nevents);
	for (size_t i = 0; i < catalog->nevents; i++) {
		const struct rill_catalog_event *e = &catalog->events[i];

		hash_text(e->name);
		hash_text(e->brief);
		hash_text(e->text);
		hash_number(e->nkeys);
		for (size_t k = 0; k < e->nkeys; k++)
			hash_number(e->keys[k]);
		hash_number(e->subsystem);
		hash_number(e->level);
		hash_number(e->flags);
	}
	hash_number(catalog->nkeys);
	for (size_t i = 0; i < catalog->nkeys; i++) {
		hash_text(catalog->keys[i].name);
		hash_text(catalog->keys[i].text);
		hash_number(catalog->keys[i].types);
		hash_number(catalog->keys[i].flags);
		hash_number(catalog->keys[i].refers);
	}
	hash_number(catalog->nspans);
	for (size_t i = 0; i < catalog->nspans; i++) {
		hash_text(catalog->spans[i].name);
		hash_number(catalog->spans[i].start);
		hash_number(catalog->spans[i].end);
		hash_number(catalog->spans[i].key);
	}
	cr_expect_eq(catalog->hash, hash, "0x%016lx, not 0x%016lx", (unsigned long)catalog->hash,
		     (unsigned long)hash);
	cr_expect_eq(catalog->layout, RILL_CATALOG_LAYOUT);
	cr_expect_eq(catalog->size, sizeof(*catalog));
	cr_expect_str_eq(catalog->name, "stalwart");
}
