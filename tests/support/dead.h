/* A process that was killed, what it left, and what rill recover makes of it. */
#ifndef TESTS_DEAD_H
#define TESTS_DEAD_H

#include <stddef.h>
#include <stdint.h>

#include "support/run.h"

/* A folder in memory, with an empty folder "run" in it for runtime directories. */
char *dead_folder(void);

/* "NAME=value" for a program with these sinks: everything is on, a full ring waits. */
const char *const *dead_environment(const char *folder, const char *sinks);

/* Runs tests/programs/killed with 500: its smtp.noop are written, and its smtp.rset committed, when
 * it kills itself. Returns its runtime directory. */
char *dead_killed(const char *folder, const char *sinks);

/* Runs `rill recover ARGUMENT...` in the folder; its exit code must be `code`. */
struct run_result dead_recover(const char *folder, int code, const char *const *arguments);
#define DEAD_RECOVER(folder, code, ...)                                                            \
	dead_recover(folder, code, (const char *const[]){__VA_ARGS__, NULL})

/* What a dump holds of them. Numbers of each kind must be 0, 1, 2, ... */
struct dead_content {
	uint64_t noops;
	uint64_t rsets;
	uint64_t written; /* by the counts of its last file */
	size_t files;
};
struct dead_content dead_content(const char *path);

#endif
