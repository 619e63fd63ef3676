/*
 * Predicates: which records and spans are meant. `remotePort == 25 && elapsed > 100ms`. The
 * language is described in docs/rill-grep.1. Nothing here needs a dump: a catalog is enough to
 * bind the names, an entry of a batch to ask.
 */
#ifndef RILL_CLI_PREDICATE_H
#define RILL_CLI_PREDICATE_H

#include <stdio.h>

#include <rill/sink.h>

/* Beyond these a text is no predicate: parsing and asking take bounded memory, stack and time. */
#define PREDICATE_MAX_TEXT    65536u
#define PREDICATE_MAX_DEPTH   64u
#define PREDICATE_MAX_NODES   1024u
#define PREDICATE_MAX_PATTERN 1024u /* bytes of a regular expression */

enum predicate_flags {
	PREDICATE_ANY_CASE = 1 << 0, /* ~ and !~ do not tell a from A */
};

/* What is wrong with a text, and where. */
struct predicate_error {
	size_t at; /* byte */
	size_t length;
	char message[320];
};

/* What an entry does not say of its origin. */
struct predicate_origin {
	const char *program;
	const char *host; /* NULL: not known */
	bool ending;      /* spans closed as abandoned were open when the dump ended */
};

/* A value that a predicate demands: one of a key's own or an inherited one. */
struct predicate_demand {
	const char *key;
	const unsigned char *bytes; /* of a string; NULL: a word */
	uint32_t size;
	uint64_t word;
};

struct predicate;

/* NULL: it is none, and `error` says why. */
struct predicate *predicate_parse(const char *text, unsigned flags, struct predicate_error *error);
void predicate_free(struct predicate *predicate);
/* Catalogs that it was asked about may go. */
void predicate_forget(struct predicate *predicate);

/*
 * Looks the predicate's names up in these catalogs (entries may be NULL). False: one is in none of
 * them. Tells `note`, when there is one, of comparisons that no value of the key's types can pass.
 */
bool predicate_check(const struct predicate *predicate, const struct rill_catalog *const *catalogs,
		     size_t ncatalogs, struct predicate_error *error,
		     void (*note)(void *context, const struct predicate_error *note),
		     void *context);

/* Whether the predicate holds for a record or a span. The entry's catalog is remembered until
 * predicate_forget(). Not thread-safe. No memory: false. */
bool predicate_holds(struct predicate *predicate, const struct rill_entry *entry,
		     const struct rill_catalogs *catalogs, const struct predicate_origin *origin);

/* --- what a reader may leave out ----------------------------------------------------------- */

/* False: it holds for no record of this event, whatever its values, and for no span that the event
 * starts or ends. */
bool predicate_may_hold(struct predicate *predicate, const struct rill_catalog *catalog,
			uint16_t event);
/* Narrows the time [*since_ns, *until_ns) to that in which it may hold. */
void predicate_times(const struct predicate *predicate, uint64_t *since_ns, uint64_t *until_ns);
/*
 * Values, one of which every entry for which it holds must have, of a key that is a span's or a
 * link in each of the catalogs that have it. Returns how many; 0: it demands none, or more than
 * `max`.
 */
size_t predicate_demands(const struct predicate *predicate,
			 const struct rill_catalog *const *catalogs, size_t ncatalogs,
			 struct predicate_demand *demands, size_t max);

/* The text with a caret below the place, and the message. */
void predicate_print_error(FILE *out, const char *text, const struct predicate_error *error);

/* The words that begin with @: NULL behind the last one. */
extern const char *const predicate_words[];

#endif
