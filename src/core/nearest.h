/* Names that resemble one that does not exist: "did you mean". */
#ifndef RILL_CORE_NEAREST_H
#define RILL_CORE_NEAREST_H

#include <stddef.h>

/*
 * Finds among `count` names, which name(context, i) gives, the at most `max` nearest to `wanted`:
 * those that a few slips of the keyboard turn into it (letters left out, added, wrong or swapped;
 * case and the choice of separator do not count), or that contain it. Nearest first. Returns how
 * many; 0: nothing resembles it. Allocates nothing.
 */
size_t nearest_names(const char *wanted, const char *(*name)(const void *context, size_t i),
		     const void *context, size_t count, const char **found, size_t max);

#endif
