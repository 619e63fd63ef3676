/* What a dump has of each event and each span: numbers, losses, durations. For stats and diff. */
#ifndef RILL_CLI_TALLY_H
#define RILL_CLI_TALLY_H

#include "cli/cli.h"
#include "cli/histogram.h"

/* Of all histograms that are there at a time: with the reader's own memory well below what `rill`
 * may take. */
#define TALLY_HISTOGRAM_BYTES ((size_t)128 << 20)

/* The time that was traced is divided into this many slots at most. They are as long as a power of
 * two of nanoseconds, and twice as long each time the trace outgrows them. */
#define TALLY_SLOTS 64u

enum { TALLY_OPEN = RILL_SPAN_HEADLESS + 1, TALLY_STATES };

struct tally_event {
	const char *catalog;
	const char *name;
	uint8_t level;
	bool is_span;
	uint32_t slot_hint; /* where the duration stood in the last record */
	uint64_t records;
	uint64_t bytes;
	uint64_t negative; /* durations below zero: in no histogram */
	/* Of an event what is under `elapsed`, of a span how long it took. */
	struct histogram durations;
	struct dump_count count;       /* of an event, as the processes counted */
	uint64_t states[TALLY_STATES]; /* of a span, by enum rill_span_state and TALLY_OPEN */
	uint64_t slots[TALLY_SLOTS];   /* records or spans by time */
	void *attached;                /* for who is called back */
	struct tally_event *next;      /* of the same hash */
};

/* What is counted as one: everything, or one process. */
struct tally_group {
	const struct dump_origin *origin; /* NULL: all of them */
	struct tally_event **table;       /* by catalog, name and kind */
	size_t ntable;
	struct tally_event **events; /* events, and spans, in no order */
	size_t nevents;
	size_t room;
	uint64_t first_ns;
	uint64_t last_ns;
	uint64_t records;
	uint64_t bytes;
	uint64_t unknown; /* records of events in no catalog */
	uint64_t slots[TALLY_SLOTS];
	uint64_t slots_from_ns;
	unsigned slot_shift; /* a slot is 2^this nanoseconds */
	/* The slot of the record at hand: most others fall into the same. */
	unsigned slot;
	uint64_t slot_from_ns;
	uint64_t slot_ns; /* 0: there was no record yet */
};

struct tally_origin {
	struct tally_group *group;
	struct tally_event **events[256]; /* by catalog, then by event */
	struct tally_event **spans[256];
	const struct rill_catalog *catalogs[256];
	uint32_t nevents[256]; /* of each; 0: there is no such catalog */
	uint32_t elapsed[256]; /* tag of durations; TALLY_NO_TAG: there are none */
};
#define TALLY_NO_TAG UINT32_MAX

struct tally {
	struct dump_reader *reader;
	struct feed feed;
	struct tally_group *groups;
	size_t ngroups;
	struct tally_origin *origins;
	size_t norigins;
	size_t histogram_memory;
	bool no_memory;
	/* Called for every duration, with the slot that it falls into; then no histogram is made.
	 */
	void (*on_duration)(void *context, struct tally_event *event, uint64_t ns, unsigned slot);
	void *context;
};

/* reader: borrowed. by_process: a group for each. histogram_bytes: at most TALLY_HISTOGRAM_BYTES.
 * 0; -ENOMEM, and it is to be freed as well. */
int tally_init(struct tally *tally, struct dump_reader *reader, bool by_process,
	       size_t histogram_bytes);
/* Reads it all. 0; -ENOMEM. */
int tally_run(struct tally *tally);
void tally_free(struct tally *tally);

static inline uint64_t tally_lost(const struct dump_count *count)
{
	return count->discarded + count->overwritten + count->failed;
}

/* Time that is covered, in seconds. */
double tally_seconds(const struct tally_group *group);
/* Finds what has the same names; NULL: nothing has. */
struct tally_event *tally_find(const struct tally_group *group, const struct tally_event *like);

#endif
