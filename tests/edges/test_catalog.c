/* Each of the 605 events, with each of its keys, each type and each edge of it: equal in ring,
 * collector, dump, JSON and text. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/edge_run.h"
#include "support/files.h"

#define EVENTS 605
#define KEYS   67

static struct page_key keys[KEYS];
static const char *events[EVENTS];
static const struct page page = {"stalwart", keys, events, KEYS, EVENTS};

/* The ids, from the lock file. A key's later lines add types. */
static void read_ids(void)
{
	char *save, *text = file_load(source("docs/events.ids"), NULL);
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char name[128], types[128];
		unsigned id;
		if (sscanf(line, "event %u %127s", &id, name) == 2) {
			cr_assert_lt(id, EVENTS);
			events[id] = strdup(name);
		} else if (sscanf(line, "key %u %127s %127s", &id, name, types) == 3) {
			cr_assert_lt(id, KEYS);
			keys[id].name = strdup(name);
			keys[id].types |= types_of(types);
		}
	}
}

static size_t event_id(const char *name)
{
	for (size_t i = 0; i < EVENTS; i++)
		if (strcmp(events[i], name) == 0)
			return i;
	cr_assert_fail("no event %s", name);
	return 0;
}

static size_t key_id(const char *name, size_t size)
{
	for (size_t i = 0; i < KEYS; i++)
		if (strlen(keys[i].name) == size && strncmp(keys[i].name, name, size) == 0)
			return i;
	cr_assert_fail("no key %.*s", (int)size, name);
	return 0;
}

/* The n-th of the types in "u64|string,...", from the beginning again after the last. */
static enum rill_type nth_type(const char *types, size_t n, size_t *count)
{
	size_t sizes[RILL_TYPE_COUNT], starts[RILL_TYPE_COUNT], at = 0;
	for (*count = 0;; at++) {
		starts[*count] = at;
		at += sizes[*count] = strcspn(types + at, "|,\n");
		(*count)++;
		if (types[at] != '|')
			break;
	}
	return (enum rill_type)type_of_word(types + starts[n % *count], sizes[n % *count]);
}

/* One line of event_keys.tsv: as many sites as its key with the most types needs. */
static void add_event(struct plan *plan, const char *line)
{
	char *name = strndup(line, strcspn(line, "\t"));
	size_t event = event_id(name), sites = 1;
	for (size_t n = 0; n < sites; n++) {
		struct site *site = plan_site(plan, 0, event);
		const char *at = line + strcspn(line, "\t");
		while (*at++ && *at && *at != '\n') {
			size_t size = strcspn(at, ":"), count;
			enum rill_type type = nth_type(at + size + 1, n, &count);
			site_slot(site, key_id(at, size), type);
			sites = count > sites ? count : sites;
			at += strcspn(at, ",\n");
		}
	}
	free(name);
}

Test(edges, every_event_with_every_key, .timeout = 600)
{
	char *save, *text = file_load(source("tests/data/seed/event_keys.tsv"), NULL);
	size_t lines = 0;
	read_ids();
	struct plan plan = plan_make(&page, NULL);
	strtok_r(text, "\n", &save); /* the heading */
	for (char *line; (line = strtok_r(NULL, "\n", &save)); lines++)
		add_event(&plan, line);
	cr_assert_eq(lines, EVENTS);
	plan_check(&plan, (const char *const[]){NULL}, "-O1");
}
