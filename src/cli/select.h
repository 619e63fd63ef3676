/* Which entries of a batch a subcommand takes, and the options that say so. */
#ifndef RILL_CLI_SELECT_H
#define RILL_CLI_SELECT_H

#include <getopt.h>

#include "collect/pipeline.h"

#define SELECT_MAX 16u

/* For getopt_long(), and for the usage text. */
#define SELECT_LETTERS "e:l:s:k:"
/* clang-format off */
#define SELECT_OPTIONS \
	{"event", required_argument, NULL, 'e'}, {"level", required_argument, NULL, 'l'}, \
	{"span", required_argument, NULL, 's'},  {"key", required_argument, NULL, 'k'}, \
	{"since", required_argument, NULL, 'S'}, {"until", required_argument, NULL, 'U'}
/* clang-format on */
#define SELECT_USAGE                                                                               \
	"  -e, --event=GLOB        only events (and spans) whose name matches; may be repeated\n"  \
	"  -l, --level=LEVEL       only trace, debug, info, warn or error and what is above it\n"  \
	"  -s, --span=ID           only what belongs to this span (16 digits) or trace (32)\n"     \
	"  -k, --key=NAME=VALUE    only what has this value, or is in a span that starts with "    \
	"it;\n"                                                                                    \
	"                          may be repeated\n"                                              \
	"      --since=TIME        only what happened at or after TIME\n"                          \
	"      --until=TIME        only what happened before TIME\n"
#define SELECT_USAGE_TIME                                                                          \
	"TIME is 2026-01-31T23:59:59.5Z, 2026-01-31 23:59 (local time), or @SECONDS since 1970.\n"

struct selection {
	const char *events[SELECT_MAX]; /* globs; one must match */
	size_t nevents;
	const char *keys[SELECT_MAX]; /* NAME=VALUE; all must match */
	size_t nkeys;
	uint64_t span[2]; /* an id in [1], or a trace id; zero: any */
	uint64_t since_ns;
	uint64_t until_ns; /* not included */
	unsigned level;    /* enum rill_level: this and above; spans by their start event */

	struct output next; /* gets what is selected */
	uint64_t selected;
	struct glob_cache *globs; /* what the globs say of each catalog's names */
};

/* Everything. */
void select_init(struct selection *selection);
/* One of SELECT_OPTIONS. EXIT_OK; EXIT_USAGE, with a message; -1: it is none of them. */
int select_option(struct selection *selection, const char *command, int option,
		  const char *argument);
/* Hexadecimal, 16 digits (span) or 32 (trace). False: it is neither. */
bool select_parse_span(struct selection *selection, const char *text);
/* "2026-01-31T23:59:59.5Z", "2026-01-31 23:59" (local), "@1700000000.25". False: not a time. */
bool select_parse_time(uint64_t *ns, const char *text);

/* Nothing is left out. */
bool select_is_all(const struct selection *selection);
/* An output that hands what is selected to `next`. */
struct output select_output(struct selection *selection);
void select_free(struct selection *selection);

#endif
