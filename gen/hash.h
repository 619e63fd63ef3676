/* FNV-1a, 64 bits. */
#ifndef GEN_HASH_H
#define GEN_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_START UINT64_C(0xcbf29ce484222325)

static inline uint64_t hash_bytes(uint64_t hash, const void *data, size_t size_bytes)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < size_bytes; i++)
		hash = (hash ^ p[i]) * UINT64_C(0x100000001b3);
	return hash;
}

#endif
