/* The files of a rotated dump, each opened alone, and block by block. */
#ifndef TESTS_PARTS_H
#define TESTS_PARTS_H

#include "dump/format.h"
#include "support/run.h"

#define MAX_PARTS 512

struct part {
	char *path;
	unsigned char *bytes;
	size_t size;
	struct dump_reader *dump; /* this file alone */
};

struct parts {
	struct part part[MAX_PARTS]; /* in the order of their names */
	size_t count;
	char *folder;
	struct run_result run;
};

/* Runs a program with RILL_SINKS=dump:FOLDER/dump?OPTIONS, RILL_FILTER=*=trace and what `env` adds,
 * and loads its files. Fails the test when there are none. */
struct parts *parts_run(const char *options, const char *const *env, const char *const *argv);
/* Adds the files that a shell's pattern finds. */
void parts_load(struct parts *parts, const char *pattern);
void parts_end(struct parts *parts);
/* The number after a word in the program's output: "emitted 5". Fails the test without one. */
uint64_t parts_number(const struct parts *parts, const char *word);
const struct dump_file *part_file(const struct part *part);

struct part_block {
	unsigned type;
	const unsigned char *header;
	const unsigned char *body;
	uint64_t size;
};

#define PART_FIRST FORMAT_HEADER_SIZE
/* The block at *at, PART_FIRST at first, which then stands at the next one. False: there is none.
 */
bool part_next(const struct part *part, size_t *at, struct part_block *block);

struct part_record {
	struct raw_record raw;
	uint32_t tid;
};

/* The records of a block of type RECORDS or OPEN; the caller's to free, or to leave. */
struct part_record *part_records(const struct part_block *block, size_t *count);

/* What the last COUNTS of each event say: sums from the process's start. */
struct parts_sums {
	uint64_t written;
	uint64_t filtered;
	uint64_t discarded;
	uint64_t failed;
};
struct parts_sums parts_sums(const struct parts *parts);

#endif
