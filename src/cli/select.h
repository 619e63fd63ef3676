/* Which entries of a batch `rill cat` prints. */
#ifndef RILL_CLI_SELECT_H
#define RILL_CLI_SELECT_H

#include "collect/pipeline.h"

#define SELECT_MAX 16u

struct selection {
	const char *events[SELECT_MAX]; /* globs; one must match */
	size_t nevents;
	const char *keys[SELECT_MAX]; /* NAME=VALUE; all must match */
	size_t nkeys;
	uint64_t span[2]; /* an id in [1], or a trace id; zero: any */
	uint64_t since_ns;
	uint64_t until_ns; /* not included */

	struct output next; /* gets what is selected */
	uint64_t selected;
	struct glob_cache *globs; /* what the globs say of each catalog's names */
};

/* Hexadecimal, 16 digits (span) or 32 (trace). False: it is neither. */
bool select_parse_span(struct selection *selection, const char *text);
/* "2026-01-31T23:59:59.5Z", "2026-01-31 23:59" (local), "@1700000000.25". False: not a time. */
bool select_parse_time(uint64_t *ns, const char *text);

/* An output that hands what is selected to `next`. */
struct output select_output(struct selection *selection);
void select_free(struct selection *selection);

#endif
