/* Errors with file and line: collected through a run, printed at its end in the order of the lines.
 */
#ifndef GEN_REPORT_H
#define GEN_REPORT_H

#include <stddef.h>
#include <stdio.h>

#include "arena.h"

/* A page that is wrong throughout is not fixed by reading more than this. */
#define REPORT_MAX_ERRORS 20

struct report_error {
	const char *file;
	size_t line;
	const char *text;
};

struct report {
	struct arena *arena;
	struct report_error errors[REPORT_MAX_ERRORS];
	size_t count; /* of all errors; those past the bound are only counted */
};

/* One error, as a sentence that says what is wrong and what to do. `file` must outlive the report.
 * What has no line of its own (a file that can't be read) is line 1. */
void report_error(struct report *r, const char *file, size_t line, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Prints `file:line: error: sentence` for each: the page's before the lock file's, by line. */
void report_print(struct report *r, FILE *out);

#endif
