/* Which entries of a batch a subcommand takes, and the options that say so. */
#ifndef RILL_CLI_SELECT_H
#define RILL_CLI_SELECT_H

#include <getopt.h>

#include "cli/cli.h"
#include "cli/predicate.h"

#define SELECT_MAX 16u

/* For getopt_long(), and for the usage text. */
#define SELECT_LETTERS "e:l:s:k:w:"
/* clang-format off */
#define SELECT_OPTIONS \
	{"event", required_argument, NULL, 'e'}, {"level", required_argument, NULL, 'l'}, \
	{"span", required_argument, NULL, 's'},  {"key", required_argument, NULL, 'k'}, \
	{"where", required_argument, NULL, 'w'}, {"since", required_argument, NULL, 'S'}, \
	{"until", required_argument, NULL, 'U'}
/* clang-format on */
#define SELECT_USAGE                                                                               \
	"  -e, --event=GLOB        only events (and spans) whose name matches; may be repeated\n"  \
	"  -l, --level=LEVEL       only trace, debug, info, warn or error and what is above it\n"  \
	"  -s, --span=ID           only what belongs to this span (16 digits) or trace (32)\n"     \
	"  -k, --key=NAME=VALUE    only what has this value, or is in a span that starts with "    \
	"it;\n"                                                                                    \
	"                          may be repeated\n"                                              \
	"  -w, --where=PREDICATE   only what it holds for; may be repeated, and all must hold\n"   \
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
	const char *where_text[SELECT_MAX];
	size_t nwhere;
	unsigned where_flags; /* enum predicate_flags */
	bool invert;          /* within that time, what is not selected */
	bool all;             /* the reader leaves nothing out but by time */
	bool alone;           /* records alone, without what is known of spans */

	struct output next; /* gets what is selected */
	uint64_t selected;  /* what it has been given, the batch at hand included */

	struct predicate *where[SELECT_MAX];
	bool noted;               /* what can never hold was told of */
	struct glob_cache *globs; /* what the globs say of each catalog's names */
	struct dump_want want;
	struct dump_id *ids;
	size_t nids;
	bool partial; /* the reader leaves records out: how many a span has is not known */
	const struct feed *feed;
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
/* Opens dumps, read as one, for a reader that leaves out what is not selected. NULL: *code, with a
 * message. */
struct dump_reader *select_open(struct selection *selection, const char *command,
				char *const *paths, size_t npaths, int *code);
void select_close(struct selection *selection, struct dump_reader *reader);
/* An output that hands what is selected to `next`. feed: which runs it. */
struct output select_output(struct selection *selection, const struct feed *feed);

bool select_takes(struct selection *selection, const struct rill_entry *entry,
		  const struct rill_catalogs *catalogs);

/* Whether a record of this event may be selected, or a span that it starts or ends. */
bool select_may_take(struct selection *selection, const struct rill_catalog *catalog,
		     uint16_t event);
/* What is known of catalogs, before they go. */
void select_forget(struct selection *selection);

#endif
