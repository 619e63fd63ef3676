/* A dump with everything in it: each event of the catalog with its keys and every edge of every
 * type, in spans, from several threads of several processes. Always the same for the same number.
 */
#ifndef TESTS_MIXED_H
#define TESTS_MIXED_H

#include <stddef.h>
#include <stdint.h>

#define MIXED_START   UINT64_C(1767225599000000000)
#define MIXED_THREADS 8u

/* Writes a file for each process to the folder, `count` records altogether. Catalog: stalwart. */
void mixed_write(const char *folder, size_t count, unsigned nprocesses);
/* The same with bodies compressed. */
void mixed_write_compressed(const char *folder, size_t count, unsigned nprocesses, int level);

#endif
