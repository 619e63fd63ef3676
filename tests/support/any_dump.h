/* Dumps of random records, with all that a dump may hold: for readers. */
#ifndef TESTS_ANY_DUMP_H
#define TESTS_ANY_DUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct any_dump {
	uint64_t seed; /* the same gives the same file */
	size_t chunks; /* of each process */
	int level;     /* of compression; 0: none */
	uint32_t part;
	unsigned more_processes;
	bool small; /* one record only, with an identity */
	bool filters;
	bool doubles; /* some chunks stand there twice */
};

/* Its catalogs: records_catalog as 0, records_catalog_other as 3. The path of the file. */
char *any_dump_write(const char *folder, const struct any_dump *how);

#endif
