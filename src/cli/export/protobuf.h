/*
 * Protocol Buffers, written where room has been made (protobuf.dev/programming-guides/encoding).
 * A message within another has its length in front, in four bytes that are filled in at its end: a
 * varint need not be the shortest.
 */
#ifndef RILL_CLI_EXPORT_PROTOBUF_H
#define RILL_CLI_EXPORT_PROTOBUF_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define PB_ROOM 16u /* a tag and a number, or the head of a message */

enum pb_wire { PB_VARINT, PB_FIXED64, PB_BYTES };

static inline char *pb_varint(char *at, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		*at++ = (char)(value | 0x80);
	*at++ = (char)value;
	return at;
}

static inline char *pb_tag(char *at, unsigned field, enum pb_wire wire)
{
	return pb_varint(at, field << 3 | wire);
}

static inline char *pb_number(char *at, unsigned field, uint64_t value)
{
	return pb_varint(pb_tag(at, field, PB_VARINT), value);
}

/* fixed64, double */
static inline char *pb_fixed64(char *at, unsigned field, uint64_t value)
{
	at = pb_tag(at, field, PB_FIXED64);
	memcpy(at, &value, sizeof value);
	return at + sizeof value;
}

/* Behind it stand `size` bytes. */
static inline char *pb_head(char *at, unsigned field, size_t size)
{
	return pb_varint(pb_tag(at, field, PB_BYTES), size);
}

#define PB_LENGTH 4u
#define PB_MAX    ((1u << 28) - 1) /* of a message */
/* Where the message's content begins: what pb_end() is told. */
static inline char *pb_begin(char *at, unsigned field)
{
	return pb_tag(at, field, PB_BYTES) + PB_LENGTH;
}

static inline void pb_end(char *content, const char *end)
{
	uint32_t size = (uint32_t)(end - content);
	uint32_t length = (size & 0x7f) | (size & 0x3f80) << 1 | (size & 0x1fc000) << 2 |
			  (size & 0xfe00000) << 3 | 0x808080;
	memcpy(content - PB_LENGTH, &length, PB_LENGTH);
}

#endif
