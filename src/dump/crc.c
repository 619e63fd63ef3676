#include "core/prim/prim.h"
#include "dump/format.h"

/* CRC-32C of each byte: reflected polynomial 0x82f63b78. */
static uint32_t table[256];
static bool table_made;

static void make_table(void)
{
	for (uint32_t byte = 0; byte < 256; byte++) {
		uint32_t crc = byte;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
		/* Whoever else makes it at this moment writes the same. */
		__atomic_store_n(&table[byte], crc, __ATOMIC_RELAXED);
	}
	__atomic_store_n(&table_made, true, __ATOMIC_RELEASE);
}

uint32_t format_crc_table(uint32_t crc, const void *bytes, size_t size)
{
	const unsigned char *at = bytes;
	crc = ~crc;
	if (!__atomic_load_n(&table_made, __ATOMIC_ACQUIRE))
		make_table();
	for (size_t i = 0; i < size; i++)
		crc = crc >> 8 ^ __atomic_load_n(&table[(crc ^ at[i]) & 255], __ATOMIC_RELAXED);
	return ~crc;
}

uint32_t format_crc(uint32_t crc, const void *bytes, size_t size)
{
	if (prim_crc32c_usable())
		return ~prim_crc32c(~crc, bytes, size);
	return format_crc_table(crc, bytes, size);
}
