/* A dump with everything in it, what `rill cat` prints of it, and an export of it. */
#ifndef TESTS_EXPORTED_H
#define TESTS_EXPORTED_H

#include <stddef.h>

#include "run.h"

struct exported {
	char *folder;
	char *dump;
	char *json; /* what `rill cat -f json` prints */
	char *out;
	size_t count; /* of records: 100,000, or fewer in the short tier */
};

/* Fails the test unless the export is silent and well. */
struct exported export_mixed(const char *to, unsigned nprocesses);

/* For what takes its time. */
extern const struct run_options patient;

#endif
