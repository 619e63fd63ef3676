/* What the fuzz targets share. Each is one function, called with bytes: by libFuzzer, or by
 * replay.c with those of the corpus. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "dump/dump.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* Bytes before the dump that say what is asked of it. */
extern const size_t fuzz_prefix;

/* The bytes as a file in memory; its path, the same each time. */
const char *fuzz_file(const uint8_t *data, size_t size);
/* Stops at once, as at a crash, when what must hold does not. */
#define FUZZ_CHECK(holds)                                                                          \
	do {                                                                                       \
		if (!(holds))                                                                      \
			fuzz_failed(#holds, __FILE__, __LINE__);                                   \
	} while (0)
_Noreturn void fuzz_failed(const char *what, const char *file, int line);

/* Whatever a catalog says, its indexes can be followed, and its names end. */
void fuzz_follow(const struct rill_catalogs *catalogs);
/* A message that people see: not empty, and without control bytes. */
void fuzz_message(const char *text);
/* Takes all values of a record, those in lists and events as well. */
void fuzz_values(const struct dump_record *record, const struct rill_catalogs *catalogs);

#endif
