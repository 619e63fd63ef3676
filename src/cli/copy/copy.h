/*
 * From dumps to one dump: what rill merge and rill cut have in common.
 *
 *     head.c     processes, catalogs, clocks, counts, filters: as they stand in the sources
 *     records.c  records, by time, into chunks of one process each
 *     copy.c     the whole, and what becomes of it
 */
#ifndef RILL_CLI_COPY_H
#define RILL_CLI_COPY_H

#include <signal.h>

#include "cli/cli.h"
#include "collect/open.h"

/* Records of so many bytes are taken together, and ordered by ring; a single one may have more. */
#define WINDOW_BYTES   (1u << 20)
#define WINDOW_ROOM    (1u << 24)
#define WINDOW_RECORDS 32768u

struct held {
	uint64_t ring;
	uint64_t position;
	uint32_t origin;
	uint32_t tid;
	uint32_t at; /* in the window's bytes */
	uint32_t size;
};

/* Up to where a ring's records have been written. */
struct ring_end {
	uint64_t ring;
	uint64_t position;
	uint32_t origin;
	bool used;
};

struct window {
	struct held *held;
	size_t count;
	unsigned char *bytes; /* in the order in which they came */
	unsigned char *order; /* in the order in which they are packed */
	size_t used;
	struct dump_pack *pack;
	uint32_t origin;                      /* of the records that it has been given */
	const struct rill_catalogs *catalogs; /* of the pack's process: for its filter */
};

/* The spans of a process that are open where a cut begins. */
struct before {
	struct open_spans *open; /* NULL: nothing of it is cut off before that */
	struct line line;
};

/* How many records of an event were taken. */
struct taken {
	uint64_t *events[256]; /* by catalog; NULL: none of it */
};

struct copy {
	struct dump_reader *reader;
	struct dump_writer *writer;
	struct window window;
	/* What is left of a ring's records is numbered anew: a gap would be damage. */
	bool number;
	struct ring_end *rings; /* a hash table */
	size_t nrings;
	size_t rings_room;     /* a power of two, or 0 */
	struct taken *taken;   /* by origin; NULL: nobody asks */
	struct before *before; /* by origin */
	uint64_t since_ns;     /* what was before is cut off */
	bool begun;            /* a record has been taken */
	uint64_t records;
};

/* The number of the signal that ends it, or 0. */
extern volatile sig_atomic_t copy_stopped;

/* Asked of every record: whether it is taken; of one that is context, whether the spans that it
 * starts or ends are followed up to where the cut begins. */
typedef bool copy_takes(void *context, const struct dump_record *record);

/* All processes of the reader, by the index of their origin, and what is known of them besides
 * records. 0; negative errno, after a message. */
int copy_heads(struct copy *copy);
/* What is not taken counts as filtered. 0; negative errno. */
int copy_counts(struct copy *copy);
/* 0; negative errno; -EINTR: a signal came. takes: NULL: all. */
int copy_records(struct copy *copy, copy_takes *takes, void *context);

/* Writes `out`, whole or not at all. takes: NULL: everything is taken, and the counts stay.
 * since_ns: nothing from before is taken; or 0. */
int copy_run(struct dump_reader *reader, const char *out, uint64_t since_ns, copy_takes *takes,
	     void *context, uint64_t *records);

#endif
