/* A catalog of 3,000 events and 300 keys: each type alone, each pair of types, and many other sets.
 */
#include <criterion/criterion.h>

#include "support/edge_run.h"
#include "support/files.h"
#include "support/page_text.h"

#define EVENTS    3000
#define KEYS      300
#define ALL_TYPES ((1u << RILL_TYPE_COUNT) - 1)
/* Every tenth event has four keys, the others one: a call's compilation takes as long as it has
 * keys.
 */
#define MANY_KEYS 4

static struct page_key keys[KEYS];
static const char *events[EVENTS];
static const struct page page = {"large", keys, events, KEYS, EVENTS};

static void make_keys(void)
{
	/* Names that mean something in C. */
	static const char *const words[] = {"int", "errno", "class", "if", "stdin", "NULL", "main"};
	size_t n = 0;
	uint32_t random = 1;
	for (unsigned a = 0; a < RILL_TYPE_COUNT; a++)
		for (unsigned b = a; b < RILL_TYPE_COUNT; b++)
			keys[n++].types = 1u << a | 1u << b;
	keys[n++].types = ALL_TYPES;
	while (n < KEYS) {
		random = random * 1664525 + 1013904223;
		if (random >> 13 & ALL_TYPES)
			keys[n++].types = random >> 13 & ALL_TYPES;
	}
	for (size_t i = 0; i < KEYS; i++)
		keys[i].name = i < sizeof words / sizeof words[0]
				       ? words[i]
				       : format("key%s%zu", i % 3 ? "-" : "_", i);
}

static enum rill_type nth_type(unsigned types, unsigned n)
{
	unsigned type = 0, count = (unsigned)__builtin_popcount(types);
	for (n %= count;; type++)
		if (types >> type & 1 && n-- == 0)
			return (enum rill_type)type;
}

Test(edges, a_large_catalog, .timeout = 600)
{
	size_t slots = 0;
	make_keys();
	for (size_t i = 0; i < EVENTS; i++)
		events[i] = format("group%zu.event-%zu", i / 50, i);
	struct plan plan = plan_make(&page, NULL);
	for (size_t i = 0; i < EVENTS; i++) {
		struct site *site = plan_site(&plan, 0, i);
		for (size_t k = 0; k < (i % 10 ? 1 : MANY_KEYS); k++, slots++) {
			/* Each key with each of its types in turn. */
			size_t key = slots % KEYS;
			site_slot(site, key, nth_type(keys[key].types, (unsigned)(slots / KEYS)));
		}
	}
	cr_assert_geq(slots, (size_t)KEYS * RILL_TYPE_COUNT, "not every key has had every type");
	plan_check(&plan, (const char *const[]){page_text(&page)}, "-O0");
}
