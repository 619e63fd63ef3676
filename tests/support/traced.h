/* Running one of tests/programs with its trace going to a dump, and reading that. */
#ifndef TESTS_TRACED_H
#define TESTS_TRACED_H

#include <stdint.h>

#include "dump/dump.h"
#include "support/run.h"

struct traced {
	struct run_result run;
	char *folder; /* in /dev/shm: a slow disk must not decide what is lost */
	struct dump_reader *dump;
};

/* Runs $BUILD/tests/programs/PROGRAM with RILL_SINKS=dump:FOLDER/dump, RILL_FILTER=*=trace and what
 * `env` adds, then opens the dump. Fails the test when the program's exit is not `code` (a signal:
 * 128 + its number), or when there is no readable dump. */
struct traced traced_run(int code, const char *const *env, const char *const *argv);
#define TRACED(code, env, ...) traced_run(code, env, (const char *const[]){__VA_ARGS__, NULL})
#define ENV(...)               ((const char *const[]){__VA_ARGS__, NULL})
void traced_end(struct traced *traced);

/* The number after a word in the program's output: "emitted 5". Fails the test without one. */
uint64_t traced_number(const struct traced *traced, const char *word);

/* The next record, decoded: its event's name, and its items by key name. False: no more. */
struct traced_record {
	struct dump_record at;
	const struct rill_catalog *catalog;
	const char *event;
	int nitems;
	struct rill_item items[RILL_MAX_ITEMS];
};
bool traced_next(struct traced *traced, struct traced_record *record);
/* A u64 item; fails the test when there is none of that key. */
uint64_t traced_u64(const struct traced_record *record, const char *key);

/* Sum over all files of what the dumps' counts say. */
struct traced_counts {
	uint64_t written;
	uint64_t filtered;
	uint64_t discarded;
	uint64_t failed;
};
struct traced_counts traced_counts(const struct traced *traced);

#endif
