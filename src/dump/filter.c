#include "dump/filter.h"

#define BITS_EACH 10u
#define PROBES    6u

bool filter_is_identity(const struct rill_catalog *catalog, uint16_t key)
{
	if (key >= catalog->nkeys)
		return false;
	if (catalog->keys[key].flags & RILL_KEY_LINK)
		return true;
	for (size_t i = 0; i < catalog->nspans; i++)
		if (catalog->spans[i].key == key)
			return true;
	return false;
}

uint64_t filter_value(const unsigned char *bytes, size_t size)
{
	uint64_t value = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
	for (size_t i = 0; i < size; i++)
		value = (value ^ bytes[i]) * UINT64_C(0x100000001b3);
	return value;
}

bool filter_size_valid(uint64_t size)
{
	return size == 0 ||
	       (size >= FILTER_LEAST && size <= FILTER_MOST && (size & (size - 1)) == 0);
}

uint32_t filter_size(size_t count)
{
	uint32_t size = FILTER_LEAST;
	while (size <= FILTER_MOST && (size_t)size * 8 < count * BITS_EACH)
		size *= 2;
	return size > FILTER_MOST ? 0 : size;
}

void filter_add(unsigned char *filter, uint32_t size, uint64_t hash)
{
	uint32_t bit = (uint32_t)hash, step = (uint32_t)(hash >> 32) | 1, mask = size * 8 - 1;
	for (uint32_t i = 0; i < PROBES; i++, bit += step)
		filter[(bit & mask) / 8] |= (unsigned char)(1u << (bit & 7));
}

bool filter_may_hold(const unsigned char *filter, uint32_t size, uint64_t hash)
{
	uint32_t bit = (uint32_t)hash, step = (uint32_t)(hash >> 32) | 1, mask = size * 8 - 1;
	if (size == 0)
		return true;
	for (uint32_t i = 0; i < PROBES; i++, bit += step)
		if (!(filter[(bit & mask) / 8] >> (bit & 7) & 1))
			return false;
	return true;
}
