/* Diagnostics: one sentence about what rill could not do, to the callback or to stderr. */
#ifndef RILL_CORE_DIAGNOSE_H
#define RILL_CORE_DIAGNOSE_H

#include <stdint.h>

/* Allocates nothing; keeps errno; not for signal handlers. At most 20 of each `place` (a static
 * string such as __func__) in a process, then one that says that more were left out. */
void rill__diagnose(const char *place, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
