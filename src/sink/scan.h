/* Looking at a string and copying it at once, sixteen bytes at a time: what it holds decides how it
 * must be written. */
#ifndef RILL_SINK_SCAN_H
#define RILL_SINK_SCAN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum scan_found {
	SCAN_WORD,    /* letters, digits and . - @ + _ / */
	SCAN_PLAIN,   /* printable ASCII without quote and backslash */
	SCAN_SPECIAL, /* anything */
};

typedef unsigned char scan__block __attribute__((vector_size(16)));

/* Not zero in the bytes that no word has; and in *special in those that may have to be escaped. */
static inline scan__block scan__look(scan__block c, scan__block *special)
{
	*special |= (scan__block)(c - 0x20 > 0x7e - 0x20) | (scan__block)(c == '"') |
		    (scan__block)(c == '\\');
	/* '-', '.', '/' and the digits are neighbours, as '@' and the capital letters are. */
	return ~((scan__block)(c - '-' <= '9' - '-') | (scan__block)(c - '@' <= 'Z' - '@') |
		 (scan__block)(c - 'a' <= 'z' - 'a') | (scan__block)(c == '_') |
		 (scan__block)(c == '+'));
}

static inline uint64_t scan__any(scan__block block)
{
	uint64_t halves[2];
	memcpy(halves, &block, sizeof halves);
	return halves[0] | halves[1];
}

/* Up to 15 bytes, each of them somewhere in the block and nothing else; copied to `to`. */
static inline scan__block scan__short(char *to, const unsigned char *bytes, size_t size)
{
	uint64_t halves[2];
	if (size >= 8) {
		memcpy(&halves[0], bytes, 8);
		memcpy(&halves[1], bytes + size - 8, 8);
		memcpy(to, &halves[0], 8);
		memcpy(to + size - 8, &halves[1], 8);
	} else if (size >= 4) {
		uint32_t first, last;
		memcpy(&first, bytes, 4);
		memcpy(&last, bytes + size - 4, 4);
		memcpy(to, &first, 4);
		memcpy(to + size - 4, &last, 4);
		halves[0] = halves[1] = first | (uint64_t)last << 32;
	} else {
		unsigned char first = bytes[0], middle = bytes[size / 2], last = bytes[size - 1];
		to[0] = (char)first;
		to[size / 2] = (char)middle;
		to[size - 1] = (char)last;
		halves[0] = halves[1] = (first * UINT64_C(0x0101010101010101) & ~UINT64_C(0xffff)) |
					middle | (uint64_t)last << 8;
	}
	scan__block block;
	memcpy(&block, halves, sizeof block);
	return block;
}

/* size: not 0. Exactly `size` bytes are read and written. */
static inline enum scan_found scan_copy(char *to, const unsigned char *bytes, size_t size)
{
	scan__block special = {0}, other, block;
	if (size < sizeof block) {
		other = scan__look(scan__short(to, bytes, size), &special);
	} else {
		other = special;
		for (size_t at = 0; at + sizeof block < size; at += sizeof block) {
			memcpy(&block, bytes + at, sizeof block);
			memcpy(to + at, &block, sizeof block);
			other |= scan__look(block, &special);
		}
		memcpy(&block, bytes + size - sizeof block, sizeof block);
		memcpy(to + size - sizeof block, &block, sizeof block);
		other |= scan__look(block, &special);
	}
	if (!scan__any(other))
		return SCAN_WORD;
	return scan__any(special) ? SCAN_SPECIAL : SCAN_PLAIN;
}

#endif
