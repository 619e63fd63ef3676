/* What the parts of the reader share: files, chunks and their segments. */
#ifndef RILL_DUMP_READER_H
#define RILL_DUMP_READER_H

#include "dump/format.h"
#include "dump/unpack.h"

#define MAX_CATALOGS 256u

/* A block of records. Decoded while somebody reads it. */
struct chunk {
	const unsigned char *body;
	uint64_t available; /* less than its body: cut by the end of the file */
	uint64_t position;  /* of its block, in the file */
	uint64_t raw_bytes; /* of its records, decoded */
	uint64_t whole;     /* of these, once decoded */
	unsigned char *raw; /* NULL: not decoded */
	uint32_t users;
	struct chunk *newer; /* among those that nobody reads */
	struct file *file;
	bool cut;
	bool decoded; /* once at least: what was wrong with it has been told */
};

/* Records of one ring that stand together in a chunk. */
struct segment {
	uint64_t ring;
	uint64_t from; /* position of the first record in the ring's stream */
	uint64_t to;
	uint64_t seen;   /* records before this position are in another segment as well */
	uint64_t offset; /* of the first record, in the decoded chunk */
	uint64_t low;    /* ticks */
	uint64_t high;
	uint64_t min_ns; /* not after its earliest record */
	uint64_t nrecords;
	struct chunk *chunk;
	uint32_t index; /* of its chunk in the file, while they are being found */
	uint32_t tid;
	bool sorted; /* by time */
};

struct file {
	struct dump_file info;
	struct dump_origin origin;
	uint32_t index;
	const unsigned char *map;
	uint64_t size;
	struct arena arena;
	const struct rill_catalog *catalogs[MAX_CATALOGS];
	struct dump_count *counts[MAX_CATALOGS]; /* by event id; NULL until there are some */
	struct clock_point *points;
	size_t npoints;
	struct dump_epoch *epochs;
	struct chunk *chunks;
	size_t nchunks;
	struct segment *segments;
	size_t nsegments;
	uint64_t blocks;
	size_t ndamages;
	char damage[256];
};

/* Notes damage; the first sentence is kept, the others are counted. */
void file_damage(struct file *file, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The chunks that are decoded at the moment. */
struct cache {
	struct decoder *decoder;
	struct chunk *oldest; /* of those that nobody reads any more */
	struct chunk *newest;
	uint32_t nidle;
};

/* Decodes the chunk unless it is. 0; -ENOMEM. */
int cache_take(struct cache *cache, struct chunk *chunk);
void cache_release(struct cache *cache, struct chunk *chunk);
/* Whether cache_trim() will take memory back. */
bool cache_is_full(const struct cache *cache);
void cache_trim(struct cache *cache);

/* Reads all blocks but the records themselves, and lists the segments. 0; -ENOMEM. */
int file_scan(struct file *file);
/* Puts each ring's segments in line, finds what is whole and not twice. 0; -ENOMEM. */
int file_index(struct file *file, struct cache *cache);
void file_close(struct file *file);

/* Makes room for one more element of a growing array. NULL: no memory, and the old one stands. */
void *array_grow(void *array, size_t count, size_t size);

struct merge;

/* segments: of all files; sorted here. Borrowed, as the cache is. NULL: no memory. */
struct merge *merge_new(struct cache *cache, struct segment *segments, size_t nsegments);
int merge_next(struct merge *merge, struct dump_record *record);
void merge_free(struct merge *merge);

#endif
