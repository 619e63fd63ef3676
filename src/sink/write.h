/*
 * Digits and short runs of bytes, written where the caller has made room: the inner loops of what
 * lines are made of. Every function returns where its text ends, and may write up to WRITE_SLACK
 * bytes more behind it, since whole words are stored faster than single characters. Integers are
 * stored as little-endian CPUs do it, like the records themselves.
 */
#ifndef RILL_SINK_WRITE_H
#define RILL_SINK_WRITE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define WRITE_SLACK 32u
#define WRITE_U64   20u /* digits of the largest one */

#define WRITE_E8 100000000u

/*
 * The eight digits of a number below 10^8, a byte each, the first one lowest: two halves of four
 * digits, four quarters of two, in the lanes of one word. The products stand in for divisions by
 * 100 and by 10, exact for what the lanes can hold.
 */
static inline uint64_t write__lanes(uint32_t value)
{
	uint64_t halves = value / 10000 | (uint64_t)(value % 10000) << 32;
	uint64_t hundreds = halves * 10486 >> 20 & UINT64_C(0x7f0000007f);
	uint64_t quarters = hundreds | (halves - 100 * hundreds) << 16;
	uint64_t tens = quarters * 103 >> 10 & UINT64_C(0x000f000f000f000f);
	return tens | (quarters - 10 * tens) << 8;
}

/* All eight digits. */
static inline char *write_digits8(char *to, uint32_t value)
{
	uint64_t digits = write__lanes(value) | UINT64_C(0x3030303030303030);
	memcpy(to, &digits, sizeof digits);
	return to + sizeof digits;
}

/* A number below 10^8 without leading zeros. */
static inline char *write_below_e8(char *to, uint32_t value)
{
	uint64_t lanes = write__lanes(value);
	/* The last digit stands even when it is a zero. */
	unsigned zeros = (unsigned)__builtin_ctzll(lanes | UINT64_C(1) << 56) / 8;
	uint64_t digits = (lanes | UINT64_C(0x3030303030303030)) >> 8 * zeros;
	memcpy(to, &digits, sizeof digits);
	return to + sizeof digits - zeros;
}

static inline char *write_u64(char *to, uint64_t value)
{
	if (value < WRITE_E8)
		return write_below_e8(to, (uint32_t)value);
	uint64_t high = value / WRITE_E8;
	if (high < WRITE_E8) {
		to = write_below_e8(to, (uint32_t)high);
	} else {
		to = write_below_e8(to, (uint32_t)(high / WRITE_E8));
		to = write_digits8(to, (uint32_t)(high % WRITE_E8));
	}
	return write_digits8(to, (uint32_t)(value % WRITE_E8));
}

/* Nine digits of a number below 10^9. */
static inline char *write_digits9(char *to, uint32_t value)
{
	*to = (char)('0' + value / WRITE_E8);
	return write_digits8(to + 1, value % WRITE_E8);
}

static inline char *write_hex8(char *to, unsigned char value)
{
	static const char digits[] = "0123456789abcdef";
	to[0] = digits[value >> 4];
	to[1] = digits[value & 15];
	return to + 2;
}

/* Eight hexadecimal digits. */
static inline char *write_hex32(char *to, uint32_t value)
{
	uint64_t nibbles = __builtin_bswap32(value);
	nibbles = (nibbles | nibbles << 16) & UINT64_C(0x0000ffff0000ffff);
	nibbles = (nibbles | nibbles << 8) & UINT64_C(0x00ff00ff00ff00ff);
	nibbles = (nibbles >> 4 | nibbles << 8) & UINT64_C(0x0f0f0f0f0f0f0f0f);
	uint64_t letters =
		(nibbles + UINT64_C(0x0606060606060606)) >> 4 & UINT64_C(0x0101010101010101);
	uint64_t digits = nibbles + UINT64_C(0x3030303030303030) + letters * ('a' - '9' - 1);
	memcpy(to, &digits, sizeof digits);
	return to + sizeof digits;
}

static inline char *write_hex64(char *to, uint64_t value)
{
	to = write_hex32(to, (uint32_t)(value >> 32));
	return write_hex32(to, (uint32_t)value);
}

/* Decimal octets with a dot behind each, by value. */
extern const uint32_t write_octets[256];

static inline char *write_octet(char *to, unsigned char octet)
{
	memcpy(to, &write_octets[octet], 4);
	return to + 2 + (octet > 9) + (octet > 99);
}

static inline char *write_ip4(char *to, const unsigned char *ip)
{
	for (int i = 0; i < 4; i++)
		to = write_octet(to, ip[i]);
	return to - 1;
}

/* A literal, or anything of constant size. */
#define write_literal(to, text) write_constant(to, text, sizeof(text) - 1)
static inline char *write_constant(char *to, const char *text, size_t size)
{
	memcpy(to, text, size);
	return to + size;
}

/* Both with WRITE_BLOCK bytes at least that may be touched behind their ends: see struct piece. */
#define WRITE_BLOCK 32u
static inline char *write_blocks(char *to, const char *from, size_t size)
{
	size_t at = 0;
	do {
		memcpy(to + at, from + at, WRITE_BLOCK);
		/* Else compilers make it a call of memcpy(), which costs more than it copies. */
		__asm__("" : "+r"(at));
		at += WRITE_BLOCK;
	} while (at < size);
	return to + size;
}

#endif
