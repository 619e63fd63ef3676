/* What the parts of the writer share. */
#ifndef RILL_DUMP_WRITER_H
#define RILL_DUMP_WRITER_H

#include <sys/uio.h>

#include "dump/format.h"

/* Blocks that are in no INDEX yet. Without memory for it the file gets none. */
struct indexer {
	unsigned char *entries; /* as they are written */
	uint32_t count;
	struct packer events;
	struct packer filters;
	uint64_t previous; /* position of the last INDEX */
	uint64_t first;    /* ticks of the RECORDS among them */
	uint64_t last;
	bool lost;
};

/* What an INDEX gets to know of a chunk. */
struct chunk_summary {
	const unsigned char *events;
	const unsigned char *filter;
	uint64_t raw;
	uint64_t records;
	uint32_t events_size;
	uint32_t filter_size;
};

/* summary: NULL of blocks that are no RECORDS; `records`: what the entry says then. */
void indexer_add(struct indexer *indexer, const struct block *block,
		 const struct chunk_summary *summary, uint32_t records);
bool indexer_is_due(const struct indexer *indexer);
/* The parts of the INDEX's body. They stay until indexer_put(). */
#define INDEX_PARTS 4
void indexer_parts(struct indexer *indexer, struct iovec parts[INDEX_PARTS],
		   unsigned char head[INDEX_HEADER_SIZE]);
/* It was written at this position: the next one begins. */
void indexer_put(struct indexer *indexer, uint64_t position);
void indexer_free(struct indexer *indexer);

/* Makes a directory and those above it. 0; negative errno. */
int make_directories(const char *directory);
/* The path of a new dump, the caller's to free; `try` > 0: of one more of the same nanosecond.
 * NULL: no memory. */
char *dump_name(const char *directory, const struct dump_process *process, int try);

#endif
