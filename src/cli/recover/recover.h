/*
 * From what a dead process left to a dump: the parts of `rill recover`.
 *
 *     remains.c  its runtime directory: is it dead, whose was it, what is there
 *     ring.c     one ring's file, of which nothing is believed
 *     series.c   what of the rings its dump's files hold already
 *     part.c     the next file of the dump, with the rest
 *     ahead.c    what stands in that file before the records
 *     inflight.c the spans that were open
 *
 * docs/ring-file.md specifies what is read.
 */
#ifndef RILL_CLI_RECOVER_RECOVER_H
#define RILL_CLI_RECOVER_RECOVER_H

#include "cli/cli.h"
#include "core/remains.h"
#include "dump/dump.h"
#include "dump/format.h"

#define RECOVER_CATALOGS 256u
#define RECOVER_RINGS    65536u
#define RECOVER_DUMPS    64u
/* Records are read from a ring in pieces of this; the largest has 8 MiB. */
#define RECOVER_WINDOW (16u << 20)

/* --- ring.c -------------------------------------------------------------------------------- */

struct ring_remains {
	char name[40]; /* in the directory */
	uint64_t serial;
	uint64_t head;
	uint64_t tail;
	uint64_t data_bytes;
	uint32_t header_bytes;
	uint32_t tid;
	uint32_t nlosses; /* that are to be looked at */
	bool unmade;      /* its process died while it made it: nothing else is set */
};

/* Opens a regular file of ours, through no link. A descriptor; negative errno. */
int remains_open(int directory, const char *name);
/* NULL; else a phrase on why it cannot be used. id: of the process; NULL: not known. */
const char *ring_remains_read(struct ring_remains *ring, int directory, const char *name,
			      const uint64_t id[2]);
/* Adds its losses, by index, to those there. */
void ring_remains_losses(const struct ring_remains *ring, int fd, struct event_loss *losses,
			 uint32_t nlosses);
/* `size` bytes of its stream from `position` on. 0; negative errno. */
int ring_remains_bytes(const struct ring_remains *ring, int fd, uint64_t position, void *to,
		       size_t size);
/* Whether what stands from `position` on cannot have been written over since. */
bool ring_remains_holds(const struct ring_remains *ring, uint64_t position);

/* --- remains.c ----------------------------------------------------------------------------- */

/* Where a dump is. */
struct dump_place {
	uint64_t series;
	int level; /* of zstd */
	char *folder;
};

struct remains {
	const char *path;
	int directory;
	int lock;
	struct dump_process is;
	bool is_known;
	struct dump_reader *readers[RECOVER_DUMPS + 1]; /* that the catalogs are of */
	size_t nreaders;
	struct rill_catalogs catalogs;
	const struct rill_catalog *catalog[RECOVER_CATALOGS];
	uint32_t first_event[RECOVER_CATALOGS]; /* index of its event 0 among all */
	uint32_t nevents;
	struct event_loss *losses; /* of all events */
	struct dump_place dumps[RECOVER_DUMPS];
	size_t ndumps;
	struct ring_remains *rings; /* in the order of their serial numbers */
	size_t nrings;
	uint32_t ntrouble;           /* files that could not be used */
	struct process_file process; /* without its losses; its magic is empty when there is none */
};

enum remains_state {
	REMAINS_DEAD, /* ours to read, and locked */
	REMAINS_ALIVE,
	REMAINS_NONE,    /* no runtime directory, or another's */
	REMAINS_TROUBLE, /* told */
};

/* After REMAINS_DEAD it is to be closed. why: a phrase for REMAINS_NONE. */
enum remains_state remains_begin(struct remains *remains, const char *path, const char **why);
/* Whose it is, and catalogs, as far as they are not known. The reader is closed at the end. Before
 * remains_losses(). */
void remains_learn(struct remains *remains, struct dump_reader *reader);
/* Sums the losses of all events. 0; -ENOMEM. */
int remains_losses(struct remains *remains);
/* Notes where a dump's next file goes to, so that whoever comes after finds it. 0; errno. */
int remains_note(struct remains *remains, const struct dump_place *place);
/* Removes the directory: rings first. 0; negative errno. */
int remains_remove(struct remains *remains);
void remains_end(struct remains *remains);

/* --- series.c ------------------------------------------------------------------------------ */

struct part_file {
	char *path;
	uint32_t part;
	bool finished;
	bool torn; /* not all of it could be read */
	bool scanned;
};

struct ring_end {
	uint64_t ring;
	uint64_t to;
	bool used;
};

/* What is written of an event. */
struct event_count {
	struct dump_count last; /* as the last COUNTS says */
	uint64_t since;         /* records written after that */
};

struct series {
	uint64_t id[2];
	uint64_t series;
	struct part_file *parts; /* by number */
	size_t nparts;
	struct ring_end *rings; /* a hash table */
	size_t nrings;
	size_t rings_room;
	struct event_count *counts[RECOVER_CATALOGS]; /* by event */
	uint64_t values_cut;
	uint64_t counted_ticks; /* of the last COUNTS; 0: there is none */
	struct block epoch;     /* the last one; size 0: none */
	unsigned char *epoch_body;
	size_t epoch_size;
	bool torn;
	bool all; /* every file of it was read */
};

/* Finds the files of a series in a folder. 0; negative errno: the folder cannot be read. */
int series_find(struct series *series, const char *folder);
/* Reads the last ones, as far as it takes. 0; negative errno. */
int series_scan(struct series *series);
/* Whether the files hold records of the ring, and up to where. */
bool series_end_of(const struct series *series, uint64_t ring, uint64_t *to);
void series_free(struct series *series);

/* --- part.c -------------------------------------------------------------------------------- */

/* What of a ring goes into the file. */
struct ring_share {
	const struct ring_remains *ring;
	uint64_t from;
	uint64_t to; /* less than its head: what stands there is no record */
	uint64_t records;
};

struct recovery {
	struct remains *remains;
	struct dump_place place;
	struct series series;
	struct dump_reader *reader; /* of the files that were scanned; NULL: there are none */
	struct dump_writer *writer;
	struct dump_pack *pack;
	unsigned char *window;
	struct ring_share *shares; /* as many as rings */
	uint64_t *records;         /* by index of all events */
	uint64_t *again;           /* of these, such that a COUNTS says they failed */
	uint64_t nrecords;
	uint64_t nlost;  /* discarded, as the rings say, since the last COUNTS */
	uint64_t nbytes; /* of rings that are no records */
	uint64_t first_ticks;
	uint64_t last_ticks;
	uint32_t part;
	char *path; /* of the file; NULL: there was nothing to write */
	int memory; /* instead of a file, when nothing is to be written: its descriptor */
	bool dry;
};

/* Writes what is missing in one dump. The files of its series have been found. An exit code, after
 * a message. */
int recovery_run(struct recovery *recovery);
void recovery_free(struct recovery *recovery);

/* --- ahead.c ------------------------------------------------------------------------------- */

/* Catalogs, clock, filter, counts so far, open spans. 0; negative errno. */
int recovery_put_ahead(struct recovery *recovery);
/* What the last COUNTS say of an event, and what was written after them. */
struct dump_count recovery_counted(const struct recovery *recovery, uint32_t catalog,
				   uint32_t event);
/* What all of it adds up to. Also when nothing is written: *news, whether there is any. */
int recovery_put_counts(struct recovery *recovery, bool *news);

/* --- inflight.c ---------------------------------------------------------------------------- */

/* Prints the spans that were open at the end of these files. An exit code. */
int inflight_print(char *const *paths, size_t npaths);

#endif
