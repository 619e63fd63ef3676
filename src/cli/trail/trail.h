/*
 * rill trail: everything that is about one thing, across spans, processes and hosts.
 *
 *     ids.c      identities: values of link keys, with the process that they hold in
 *     links.c    what a record says of identities, by its catalog's column Link
 *     closure.c  passes over the dumps, until nothing new belongs to the trail
 *     peers.c    whose value a key holds that refers to another process
 *     story.c    the trail for people
 */
#ifndef RILL_CLI_TRAIL_H
#define RILL_CLI_TRAIL_H

#include "cli/cli.h"

/* --- identities ---------------------------------------------------------------------------- */

#define NO_ID      UINT32_MAX
#define EVERYWHERE UINT32_MAX        /* in place of a process */
#define SOMEWHERE  (UINT32_MAX - 1u) /* likewise: in whichever has it */
#define MAX_IDS    16384u            /* a trail with more is not one of one thing */
#define MAX_VALUE  4096u             /* bytes; longer values name nothing */

struct value {
	const unsigned char *bytes; /* NULL: a word */
	uint32_t size;
	uint64_t word;
};

enum id_flags {
	ID_IN_TRAIL = 1 << 0,
	ID_WANTED = 1 << 1, /* records that have it are to be looked at */
};

struct id {
	struct value value;
	uint32_t key; /* index of a name */
	uint32_t process;
	uint32_t next; /* in its bucket */
	uint8_t type;  /* enum rill_type, for showing it */
	uint8_t flags;
};

struct ids {
	struct id *ids;
	uint32_t count;
	uint32_t *buckets;
	bool full; /* something was left out */
};

/* False: the item names nothing (it is empty, cut, or of a type that does not). */
bool value_of(struct value *value, const struct rill_item *item);
bool values_equal(const struct value *a, const struct value *b);
int ids_init(struct ids *ids);
void ids_clear(struct ids *ids);
void ids_free(struct ids *ids);
uint32_t ids_find(const struct ids *ids, uint32_t key, uint32_t process, const struct value *value);
/* Finds or adds, with a copy of the value. NO_ID, and `full`: no room. */
uint32_t ids_get(struct ids *ids, uint32_t key, uint32_t process, const struct value *value,
		 uint8_t type);

/* --- what there is in the dumps ------------------------------------------------------------ */

/* A traced process. Readers come and go; this stays. */
struct process {
	uint64_t id[2];
	uint32_t pid;
	char program[32];
};

enum link_kind { LINK_NONE, LINK_PROCESS, LINK_EVERYWHERE, LINK_PEER };

/* A key of a catalog. */
struct key_link {
	enum link_kind kind;
	uint32_t name;
	uint32_t refers; /* LINK_PEER: name of the other process's key */
};

struct catalog_links {
	const struct rill_catalog *catalog;
	struct key_link *keys;
};

struct names {
	char **names;
	bool *referred; /* some key holds values that it has in another process */
	uint32_t count;
};

/* Of all keys that link something, of all catalogs. */
uint32_t names_find(const struct names *names, const char *name); /* NO_ID: none */
uint32_t names_get(struct names *names, const char *name);        /* NO_ID: no memory */

/* --- peers: keys that refer to another process ---------------------------------------------- */

#define PARTY_IDS   8u
#define MAX_PARTIES 64u

/* A process that has a value (`refers` false), or one that refers to it, with what it has beside
 * it. */
struct party {
	uint32_t process;
	bool refers;
	bool in_trail;
	uint32_t nids;
	uint32_t ids[PARTY_IDS];
};

enum ask_state { ASK_OPEN, ASK_FOUND, ASK_NOBODY, ASK_SEVERAL };

/* Who has this value under a key that others refer to? */
struct ask {
	uint32_t id; /* its process is SOMEWHERE */
	struct party *parties;
	uint32_t nparties;
	bool crowded;         /* some parties are not kept */
	enum ask_state state; /* of what the trail refers to */
};

/* --- the trail ----------------------------------------------------------------------------- */

#define MAX_SPANS 4096u

/* A span with something of the trail in it. */
struct trail_span {
	uint64_t id;
	uint64_t foreign; /* records in it that are about something else only */
	uint64_t hidden;  /* of the records in it: not shown */
};

struct trail {
	char *const *paths;
	size_t npaths;
	struct names names;
	struct process *processes;
	uint32_t nprocesses;
	const char *key_name; /* asked for */
	struct ids ids;
	struct ask *asks;
	uint32_t nasks;
	struct trail_span *spans;
	uint32_t nspans;
	bool spans_full;
	bool changed; /* in the pass at hand */
	int error;
};

/* What one record says. */
#define MAX_FACTS 48u
struct fact {
	struct value value;
	struct key_link link;
	uint8_t type;
};

/* A pass over the dumps. */
struct pass {
	struct trail *trail;
	struct dump_reader *reader;
	struct feed feed;
	struct output output;
	/* Each record of the pass, with what it says. */
	void (*record)(struct pass *pass, const struct rill_record *record,
		       const struct fact *facts, size_t nfacts);
	/* Each span, when it is over. NULL: nobody asks. */
	void (*span)(struct pass *pass, const struct rill_span *span);
	void *context;
	const struct dump_origin *origin; /* whose batch is at hand */
	uint32_t process;                 /* the same, as an index */
	struct catalog_links *links;
	size_t nlinks;
};

/* links.c: runs the pass over what `want` wants. EXIT_OK, or EXIT_TROUBLE after a message. */
int pass_run(struct pass *pass, const struct dump_want *want);
/* Before it, to choose the key: which there are. */
int pass_names(struct trail *trail);
/* Whether a record of these facts belongs to the trail. */
bool facts_hit(const struct pass *pass, const struct fact *facts, size_t nfacts);
/* Index of a fact's identity, or NO_ID: there is none yet. */
uint32_t fact_find(const struct pass *pass, const struct fact *fact);
uint32_t fact_get(struct pass *pass, const struct fact *fact);

/* peers.c: the record as a party of what was asked; `hit`: it is in the trail. */
void peers_note(struct pass *pass, const struct fact *facts, size_t nfacts, bool hit);
/* From now on it is known who has the value. */
void peers_ask(struct trail *trail, uint32_t key, const struct value *value, uint8_t type);
/* Takes in what can be only one thing. */
void peers_settle(struct trail *trail);
void peers_clear(struct trail *trail);

/* closure.c: from the identities that are in the trail to all that belong to it. */
int closure(struct trail *trail);
/* What is to be read for it; to be freed. NULL: no memory. */
struct dump_id *closure_wants(const struct trail *trail, size_t *count);
struct trail_span *trail_span(const struct trail *trail, uint64_t id);
/* Whether a record is to be shown. */
bool trail_shows(const struct pass *pass, const struct rill_record *record,
		 const struct fact *facts, size_t nfacts);
/* A text of a process: "smtpd 4711". */
const char *show_process(char *to, size_t size, const struct trail *trail, uint32_t process);

/* story.c: the trail, grouped by process and span. seed: the identity that it began with. */
int story_print(struct trail *trail, uint32_t seed, unsigned level);
/* "queueId=7". */
const char *show_id(char *to, size_t size, const struct trail *trail, uint32_t id);

/* lines.c: the trail as the sinks text and json write it, in the order of time. */
int lines_print(struct trail *trail, uint32_t seed, const char *format, const char *level);

#endif
