/* A small dump with every type of block, from two rings, with values of every kind. */
#ifndef TESTS_SAMPLE_H
#define TESTS_SAMPLE_H

#include "dump/dump.h"

/* What a file says of itself in words; NULL in a field: as a well-behaved program has it. */
struct sample_words {
	const char *program;
	const char *host;
	const char *clock;
	const char *writer;
	const char *filter;
	const char *note; /* of `note_bytes`, values of strings */
	size_t note_bytes;
	const char *job;
};

struct sample_options {
	uint32_t pid;
	uint32_t part;
	unsigned processes;                 /* in the file; 0: one */
	int level;                          /* of compression; 0: none */
	const struct rill_catalog *catalog; /* NULL: records_catalog */
	struct sample_words words;
};

#define SAMPLE_NS UINT64_C(1700000000000000000)

/* Writes it to the folder. Its path, to be freed; aborts when anything fails. */
char *sample_write(const char *folder, const struct sample_options *options);

#endif
