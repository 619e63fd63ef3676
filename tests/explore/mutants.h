/* Faults that are put into the code, one at a time, to see the explorer find each. */
#ifndef EXPLORE_MUTANTS_H
#define EXPLORE_MUTANTS_H

#include <stddef.h>

struct mutant {
	const char *what;
	const char *file;     /* below src or include */
	const char *from;     /* stands there once */
	const char *to;       /* stands there instead */
	const char *scenario; /* finds it */
};
extern const struct mutant mutants[];
extern const size_t nmutants;

#endif
