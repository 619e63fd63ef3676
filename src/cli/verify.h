/* The parts of `rill verify`. */
#ifndef RILL_CLI_VERIFY_H
#define RILL_CLI_VERIFY_H

#include "cli/cli.h"
#include "dump/blocks.h"

#define VERIFY_CATALOGS 256u

/* A process of a file. */
struct verify_process {
	struct dump_process is;
	struct arena arena;
	const struct rill_catalog *catalogs[VERIFY_CATALOGS];
};

/* Where a ring's stream goes on: over all files of a series. */
struct verify_ring {
	uint64_t process[2];
	uint64_t series;
	uint64_t ring;
	uint64_t to;
	uint32_t file; /* in which it was seen last */
	uint32_t part; /* of the series */
	bool used;
};

/* A block since the last INDEX, as an INDEX should tell of it. */
struct verify_entry {
	struct index_entry entry;
	uint32_t events_check;
	uint32_t filter_check;
	bool broken; /* its body is: only the index knows what was in it */
};

struct verify {
	const char *path;
	uint32_t file;
	uint32_t cut_file; /* the last one that ends within a chunk; 0: none yet */
	uint64_t faults;   /* in all files */
	uint64_t nblocks;
	uint64_t nrecords;
	bool no_memory;
	/* Of the file at hand. */
	struct blocks blocks;
	uint64_t file_faults;
	struct verify_process *processes;
	size_t nprocesses;
	struct verify_entry *entries;
	size_t nentries;
	uint64_t index_position; /* of the last INDEX; 0: none yet */
	uint32_t sequence;
	bool ended;
	/* Of all files. */
	struct verify_ring *rings;
	size_t nrings;
	size_t rings_room;
	struct decoder *decoder;
	unsigned char *raw;
	size_t raw_room;
};

/* "PATH: byte N: ...": to standard output. */
void verify_fault(struct verify *verify, uint64_t position, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* RECORDS and OPEN. Fills what an INDEX says of it. */
void verify_chunk(struct verify *verify, const struct verify_process *process,
		  const unsigned char *body, size_t size, struct verify_entry *entry);
/* Whether the INDEX says what the blocks since the one before it say. */
void verify_index(struct verify *verify, const unsigned char *body, size_t size);

#endif
