/* Blocks of a dump, to be changed by hand: docs/dump-format.md. */
#ifndef TESTS_BLOCKS_H
#define TESTS_BLOCKS_H

#include <stddef.h>
#include <stdint.h>

/* Integers of `size` bytes, little endian. */
uint64_t block_get(const unsigned char *from, size_t size);
void block_put(unsigned char *to, uint64_t value, size_t size);

/* Makes the checks of a block right whose body has this size. */
void block_seal(unsigned char *block, size_t body_size);

#endif
