/*
 * Keys and events whose names are macros or keywords. Compiled by tests/types/test_names.c as C and
 * as C++; exits with 1 when a key is not the one that was named.
 */
#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RILL_CATALOG names
#include "names.h"
#include "../../support/form.h"

static int failures;

static uint64_t now(void)
{
	return rill__me->position;
}

/* The records since the last look: their keys have these names, their values are 5 or "five". */
static void look(uint64_t position, const char *event, const char *const *keys)
{
	const unsigned char *record = rill__me->write + position;
	uint16_t number;
	unsigned n = 0;
	memcpy(&number, record + 8, sizeof number);
	if (strcmp(rill_catalog_names.events[number].name, event) != 0)
		failures = 1;
	for (; keys[n]; n++) {
		memcpy(&number, record + 16 + 4 * n, sizeof number);
		if (strcmp(rill_catalog_names.keys[number].name, keys[n]) != 0) {
			fprintf(stderr, "%s is not %s\n", rill_catalog_names.keys[number].name,
				keys[n]);
			failures = 1;
		}
	}
	if (record[10] != n)
		failures = 1;
}

/* Whichever of these were expanded, the program would not compile. */
#define id          ]
#define type        ) (
#define size(x)     "size" x
#define hostname    hostname
#define from        1 2 3
#define to(a, b, c) to
#define key         goto
#define value       rill_event

/* Members of rill's structures, which its macros have no need to name. */
#define length   +
#define producer -
#define position *
#define write    /
#define data     ,
#define word        )
#define bytes       (
#define event       ]
#define ticks       [
#define make do
#define cls  while

#define FIVE 5 /* but an argument is an expression as any other */

int main(void)
{
	static const char *const ours[] = {"id", "type", "size",  "hostname", "from",
					   "to", "key",  "value", NULL};
	static const char *const theirs[] = {"errno",  "linux",   "unix",  "true", "bool",
					     "assert", "default", "class", "NULL", "stdin",
					     "cause",  "items",   NULL};
	static const char *const one[] = {"errno", NULL};
	if (rill_sink_add("text:/dev/null") != 0 || rill_filter_apply("*=trace") != 0)
		return 2;
	rill_event(linux);
	uint64_t at = now();
	rill_event(linux, id(FIVE), type("five"), size(FIVE), hostname("five", FIVE - 1),
		   from("five"), to("five"), key("five"), value(FIVE));
	look(at, "linux", ours);
	at = now();
	errno = FIVE;
	rill_event(errno, errno(errno), linux(FIVE), unix(FIVE), true(FIVE), bool(FIVE),
		   assert(FIVE), default(FIVE), class(FIVE), NULL(FIVE), stdin(FIVE),
		   cause(rill_nested(default, errno(errno), id(FIVE), NULL(FIVE))),
		   items(rill_list(rill_u64(FIVE), rill_string("five"), rill_string("five", 4))));
	look(at, "errno", theirs);
	at = now();
	rill_event_in(names, default, errno(errno));
	look(at, "default", one);
	return failures;
}
