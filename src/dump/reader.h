/* What the parts of the reader share: files and the index of their chunks. */
#ifndef RILL_DUMP_READER_H
#define RILL_DUMP_READER_H

#include "dump/format.h"

#define MAX_CATALOGS 256u

/* Records of one ring that stand together in a file; only those that are whole and not yet read. */
struct chunk {
	uint64_t at; /* of the first record, in the file */
	uint64_t ring;
	uint64_t from; /* position of the first record in the ring's stream */
	uint64_t to;
	uint64_t min_ns;
	uint64_t nrecords;
	uint32_t tid;
	uint32_t file;
	bool sorted; /* by time */
	bool cut;    /* by the end of the file */
};

struct file {
	struct dump_file info;
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
	uint64_t blocks;
	size_t ndamages;
	char damage[256];
};

/* Notes damage; the first sentence is kept, the others are counted. */
void file_damage(struct file *file, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Reads all blocks but the records themselves, and lists the chunks. 0; -ENOMEM. */
int file_scan(struct file *file);
/* Looks at every record once; puts each ring's chunks in line. 0. */
void file_index(struct file *file);
void file_close(struct file *file);

/* Makes room for one more element of a growing array. NULL: no memory, and the old one stands. */
void *array_grow(void *array, size_t count, size_t size);

struct merge;

/* chunks: of all files; sorted here. Borrowed, as the files are. NULL: no memory. */
struct merge *merge_new(struct file *const *files, struct chunk *chunks, size_t nchunks);
int merge_next(struct merge *merge, struct dump_record *record);
void merge_free(struct merge *merge);

#endif
