/* Filters of chunks: which identities they may hold. docs/dump-format.md, "Filter". */
#ifndef RILL_DUMP_FILTER_H
#define RILL_DUMP_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rill/catalog.h>

#define FILTER_LEAST 8u
#define FILTER_MOST  4096u

/* Whether a key's values go into filters. */
bool filter_is_identity(const struct rill_catalog *catalog, uint16_t key);

static inline uint64_t filter_hash(uint64_t value, uint8_t catalog, uint16_t key)
{
	uint64_t hash = value + (((uint64_t)catalog << 16) + key) * UINT64_C(0x9e3779b97f4a7c15);
	hash = (hash ^ hash >> 32) * UINT64_C(0xd6e8feb86659fd93);
	hash = (hash ^ hash >> 32) * UINT64_C(0xd6e8feb86659fd93);
	return hash ^ hash >> 32;
}

/* What stands for bytes in place of a word. */
uint64_t filter_value(const unsigned char *bytes, size_t size);

/* Size in bytes of a filter for so many identities; 0: too many. */
uint32_t filter_size(size_t count);
/* filter: zeroed, of `size` bytes. */
void filter_add(unsigned char *filter, uint32_t size, uint64_t hash);
/* False: it is not there. True as well of a filter of no bytes. */
bool filter_may_hold(const unsigned char *filter, uint32_t size, uint64_t hash);
/* Whether a filter may have this size. */
bool filter_size_valid(uint64_t size);

#endif
