/* Two catalogs in one file of C, with the same names of events and keys, but other types. */
#include <criterion/criterion.h>

#include "support/edge_run.h"
#include "support/page_text.h"

static const char *events[] = {"job.begin", "job.end", "job.lost"};
#define EVENTS (sizeof events / sizeof events[0])
#define KEYS   RILL_TYPE_COUNT

static const char *const names[KEYS] = {"id",   "user", "size", "from",  "to",   "path",
					"when", "took", "data", "cause", "peer", "all"};
static struct page_key first_keys[KEYS], second_keys[KEYS];
static const struct page first = {"first", first_keys, events, KEYS, EVENTS};
static const struct page second = {"second", second_keys, events, KEYS, EVENTS};

Test(edges, twins, .timeout = 300)
{
	for (unsigned i = 0; i < KEYS; i++) {
		first_keys[i] = (struct page_key){names[i], 1u << i};
		second_keys[i] = (struct page_key){names[i], 1u << (i + 5) % KEYS};
	}
	struct plan plan = plan_make(&first, &second);
	for (size_t i = 0; i < 4 * EVENTS; i++) {
		struct site *site = plan_site(&plan, i % 2, i / 2 % EVENTS);
		for (unsigned k = 0; k < KEYS; k++)
			site_slot(site, k, (enum rill_type)((k + i % 2 * 5) % KEYS));
	}
	char *texts[] = {page_text(&first), page_text(&second)};
	plan_check(&plan, (const char *const[]){texts[0], texts[1]}, "-O1");
}
