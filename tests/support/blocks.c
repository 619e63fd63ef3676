#include "blocks.h"

/* CRC-32C, bit by bit. */
static uint32_t crc(const unsigned char *bytes, size_t size)
{
	uint32_t value = UINT32_MAX;
	for (size_t i = 0; i < size; i++) {
		value ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			value = value >> 1 ^ (value & 1 ? 0x82f63b78 : 0);
	}
	return ~value;
}

void block_put(unsigned char *to, uint64_t value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		to[i] = (unsigned char)(value >> 8 * i);
}

uint64_t block_get(const unsigned char *from, size_t size)
{
	uint64_t value = 0;
	for (size_t i = size; i-- > 0;)
		value = value << 8 | from[i];
	return value;
}

void block_seal(unsigned char *block, size_t body_size)
{
	block_put(block + 52, crc(block + 64, body_size), 4);
	block_put(block + 60, crc(block, 60), 4);
}
