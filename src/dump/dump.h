/*
 * The dump: one file per process, written as the rings are drained and read back in the order in
 * which things happened. docs/dump-format.md specifies the bytes.
 */
#ifndef RILL_DUMP_DUMP_H
#define RILL_DUMP_DUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rill/catalog.h>

#include "core/clock.h"
#include "core/decode.h"

/* --- writing: one thread at a time; errors are negative errno values ----------------------- */

struct dump_writer;
struct dump_pack;
struct block;

struct dump_process {
	uint32_t pid;
	uint32_t part;       /* how many files of its series there are before this one */
	uint64_t id[2];      /* random: tells processes apart for ever */
	uint64_t series;     /* random: the files of one dump; a process may write several dumps */
	uint64_t start_ns;   /* since the Unix epoch */
	uint64_t begun_ns;   /* the writer: when the file is begun, which names it; 0: start_ns */
	uint64_t boot[2];    /* the host's boot id, or 0: not known */
	const char *program; /* short name */
	const char *host;
	const char *clock;  /* what counts the ticks: "tsc", "monotonic" */
	const char *writer; /* "rill 0.1.0" */
};

/* A piece of one ring's stream: the records between two positions. */
struct dump_chunk {
	uint64_t ring; /* serial number, never used again in this process */
	uint32_t tid;
	uint64_t from; /* positions in the ring's stream, bytes since it was made */
	uint64_t to;
};

/* Everything so far, of one event id; the last one in a dump counts. */
struct dump_count {
	uint8_t catalog;
	uint16_t event;
	uint64_t written;
	uint64_t filtered;
	uint64_t discarded;
	uint64_t overwritten;
	uint64_t failed;
};

/* A filter change: before published_ticks the old one held, from confirmed_ticks the new one. */
struct dump_epoch {
	uint64_t published_ticks;
	uint64_t confirmed_ticks;
	const char *expression;
};

/* What the numbers of lost events grew by, and since when. */
struct dump_period {
	uint64_t from_ticks;
	uint64_t to_ticks;
	uint64_t lost;
};

/* Of the spans of one kind that ended in a file. */
struct dump_span_summary {
	uint8_t catalog;
	uint16_t span;
	uint64_t ended;
	uint64_t headless;
	uint64_t sum_ns;
	uint64_t shortest_ns;
	uint64_t longest_ns;
	uint64_t lasted[64]; /* how many 2^i to 2^(i+1) ns */
};

/* Creates DIRECTORY/START-PROGRAM-PID.rill (0600), locked by flock(2) for as long as it is open,
 * and the directory when it is missing. `error` gets one sentence. */
int dump_create(struct dump_writer **writer, const char *directory,
		const struct dump_process *process, char *error, size_t error_size);
/* The same in a file that is open, empty, and the writer's from here on; without a process yet. */
int dump_create_in(struct dump_writer **writer, int fd, char *error, size_t error_size);
/* One process more: what follows is of it. Its index in the file, or an error. */
int dump_put_process(struct dump_writer *writer, const struct dump_process *process);
/* What follows is of the process with this index. */
void dump_turn_to(struct dump_writer *writer, uint16_t process);
/* A block as it stands in another dump, its body not compressed. lost: of COUNTS, as in struct
 * dump_period. */
int dump_put_copy(struct dump_writer *writer, const struct block *block, const void *body,
		  size_t size, uint64_t lost);
int dump_put_catalog(struct dump_writer *writer, uint8_t index, const struct rill_catalog *catalog);
int dump_put_clock(struct dump_writer *writer, const struct clock_point *point);
/* A chunk of packed records. When this returns 0 the kernel has all the bytes; else the file is as
 * it was before. */
int dump_put_pack(struct dump_writer *writer, struct dump_pack *pack);
/* period: NULL: not known. */
int dump_put_counts(struct dump_writer *writer, const struct dump_count *counts, size_t count,
		    uint64_t values_cut, const struct dump_period *period);
/* The starts of spans that are open. The pack may be empty. */
int dump_put_open(struct dump_writer *writer, struct dump_pack *pack);
int dump_put_spans(struct dump_writer *writer, const struct dump_span_summary *spans, size_t count);
int dump_put_epoch(struct dump_writer *writer, const struct dump_epoch *epoch);
/* Bodies from here on are compressed by zstd at this level; 0: not. 0; -ENOMEM. */
int dump_compress(struct dump_writer *writer, int level);
/* Bytes of the file. */
uint64_t dump_size(const struct dump_writer *writer);
uint64_t dump_records(const struct dump_writer *writer);
const char *dump_path(const struct dump_writer *writer);
int dump_sync(struct dump_writer *writer);
/* Marks the end, so that a reader can tell a finished dump from one cut short. */
int dump_close(struct dump_writer *writer);
/* Removes the file instead. */
void dump_discard(struct dump_writer *writer);
/* In a forked child: closes the descriptor and leaves the memory, which the parent's thread may
 * have been changing; the file is the parent's. */
void dump_forget(struct dump_writer *writer);
/* The program that wrote a file, by its first block. 0; -EBADMSG: it is no dump. */
int dump_program(int fd, char *program, size_t size);
/* Whether dump_create() may have given a file this name. */
bool dump_is_name(const char *name);

/* --- packing: a chunk of records, packed once, written to any number of dumps; one thread ---- */

struct dump_pack_count {
	uint8_t catalog;
	uint16_t event;
	uint64_t records;
};

/* What a pack asks once of each kind of record, and how it takes them. */
struct dump_pack_hooks {
	/* Whether records of this event are listed: dump_pack_watched(). */
	bool (*watched)(void *context, uint8_t catalog, uint16_t event);
	/* Whether the values of this key go into filters. */
	bool (*identity)(void *context, uint8_t catalog, uint16_t key);
	void *context;
	/* Where ticks go back from one record to the next, they stay as they were. */
	bool forward;
};

struct dump_watched {
	const unsigned char *record; /* as the ring held it */
	uint32_t size;
	uint32_t tid;
};

struct dump_pack *dump_pack_new(void); /* NULL: no memory */
/* Before the first record. Without, nothing is watched, and filters say nothing. */
void dump_pack_hook(struct dump_pack *pack, const struct dump_pack_hooks *hooks);
void dump_pack_free(struct dump_pack *pack);
/* Empties it for the next chunk. */
void dump_pack_begin(struct dump_pack *pack);
/*
 * Packs the records of one ring in [chunk->from, chunk->to) of its stream. They lie at `bytes` in
 * one piece and must stay there unchanged until dump_pack_begin(): dictionaries point to them.
 * Returns the position up to which they were taken: less than chunk->to when the pack is full (put
 * it, begin, add the rest) or when what stands there is no record (*bad). Several rings may be
 * added.
 */
uint64_t dump_pack_add(struct dump_pack *pack, const struct dump_chunk *chunk, const void *bytes,
		       bool *bad);
/* How many records of which event it holds, from i = 0 on; an event may come more than once. False:
 * there is no i-th. */
bool dump_pack_count(const struct dump_pack *pack, size_t i, struct dump_pack_count *count);
/* The i-th of the watched records, in the order in which they were added; its bytes stand where
 * they were taken from. False: there is no i-th. */
bool dump_pack_watched(const struct dump_pack *pack, size_t i, struct dump_watched *watched);
bool dump_pack_empty(const struct dump_pack *pack);
/* The farthest that ticks went back from one record to the next within a ring. */
uint64_t dump_pack_back(const struct dump_pack *pack);
/* The ticks of the record that was added last. */
uint64_t dump_pack_newest(const struct dump_pack *pack);

/* --- reading ------------------------------------------------------------------------------- */

struct dump_reader;

/* A traced process: all files of one series. */
struct dump_origin {
	struct dump_process process;
	struct rill_catalogs catalogs; /* by their index in the records */
	const struct dump_epoch *epochs;
	size_t nepochs;
};

/* Events that were lost within a time. */
struct dump_loss {
	uint64_t from_ns;
	uint64_t to_ns;
	uint8_t catalog;
	uint16_t event;
	uint64_t discarded;
	uint64_t overwritten;
	uint64_t failed;
};

/* One file; of a file that holds several processes, what is of one of them. */
struct dump_file {
	const char *path;
	uint32_t origin; /* whose it is */
	uint16_t number; /* of its PROCESS block among those of the file */
	struct dump_process process;
	struct rill_catalogs catalogs;    /* by their index in the records */
	const struct clock_point *points; /* in the order of ticks */
	size_t npoints;
	uint64_t first_ns; /* not after its records, by its blocks' headers; 0, 0: it has none */
	uint64_t last_ns;  /* not before them */
	/* What was lost in it, and when. */
	const struct dump_loss *losses;
	size_t nlosses;
	const struct dump_count *counts; /* what the process had counted at the end of the file */
	size_t ncounts;
	uint64_t values_cut;
	const struct dump_epoch *epochs;
	size_t nepochs;
	uint64_t bytes;     /* of the file */
	uint64_t nrecords;  /* whole and readable: what its index says, and what was found else */
	uint64_t nrings;    /* seen so far, when everything is read */
	bool finished;      /* it was closed in order */
	bool running;       /* its process still writes to it */
	bool indexed;       /* where what stands is known from its index */
	const char *damage; /* a sentence on where and how it is cut or broken; or NULL */
};

struct dump_record {
	struct raw_record raw;
	uint64_t ns;
	uint64_t ring;
	uint64_t position; /* in the ring's stream */
	uint32_t tid;
	uint32_t file;   /* index of its struct dump_file */
	uint32_t origin; /* index of its struct dump_origin */
	/* Not asked for, but it starts or ends spans that what was asked for may be in. */
	bool context;
	/* Known to decode, values and all, by a catalog that is there; and no span begins or ends
	 * with it. */
	bool plain;
};

/* A value of a key that names something: a span's key, or one with a Link. */
struct dump_id {
	const char *key;
	const unsigned char *bytes; /* of a string, bytes or an IPv6 address; NULL: a word */
	uint32_t size;
	uint64_t word;
};

/* What a reader may leave out. It may hand out more than is wanted: who reads still looks. */
struct dump_want {
	uint64_t since_ns;
	uint64_t until_ns; /* not included; 0: no end */
	/* Whether records of an event are wanted; NULL: of all. */
	bool (*event)(void *context, const struct rill_catalog *catalog, uint16_t event);
	void *context;
	/* Records are wanted that have one of these values; none: all. */
	const struct dump_id *ids;
	size_t nids;
	/* Records alone: none are handed out as `context`. */
	bool alone;
	/* Order matters only where spans begin and end: other records may come at any time. */
	bool any_order;
};

/* path: a .rill file, or a directory: every .rill file in it. A file that is not a dump, or a
 * directory without one, is an error; a file that is cut is read up to the cut and says so in
 * `damage`. */
int dump_open(struct dump_reader **reader, const char *path, char *error, size_t error_size);
/* The same of several paths, read as one. want: NULL, or borrowed until the reader is closed. */
int dump_open_all(struct dump_reader **reader, const char *const *paths, size_t npaths,
		  const struct dump_want *want, char *error, size_t error_size);
size_t dump_origin_count(const struct dump_reader *reader);
const struct dump_origin *dump_origin(const struct dump_reader *reader, size_t index);
size_t dump_file_count(const struct dump_reader *reader);
/* Reads its counts and losses when it is asked for them first. What the structure points to stays
 * until the reader is closed or dump_refresh() is called. */
const struct dump_file *dump_file(const struct dump_reader *reader, size_t index);
/* The next record of all files in time order (ties: process, ring, position). 1; 0: no more;
 * -ENOMEM. Its bytes stay until a call of dump_next() before which dump_expires() is true. */
int dump_next(struct dump_reader *reader, struct dump_record *record);
/* Whether the next dump_next() takes back bytes of records that it has handed out. */
bool dump_expires(const struct dump_reader *reader);
/* Looks for what has been written since: to files that were not finished, and new ones in the
 * directories. After it dump_next() goes on with that. 1: there is something; 0: nothing; -ENOMEM.
 */
int dump_refresh(struct dump_reader *reader);
/* How much of what will be read has been, in bytes of the files. */
void dump_progress(const struct dump_reader *reader, uint64_t *done, uint64_t *all);
void dump_reader_close(struct dump_reader *reader);

#endif
