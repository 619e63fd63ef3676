/* The command line. */
#ifndef GEN_OPTIONS_H
#define GEN_OPTIONS_H

#include <stdbool.h>

#include "arena.h"

struct options {
	const char *name;
	const char *page;
	const char *lock;
	const char *header; /* NULL only with check */
	const char *source;
	bool locked;
	bool check;
};

/* Returns -1 to go on, or the exit code: 0 after --help, 2 for a wrong command line. */
int options_read(struct options *o, int argc, char **argv, struct arena *a);

#endif
