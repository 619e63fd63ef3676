/* Records of the sizes that rill's have, for the references: a header with the time, a word of tags
 * for every two values, a word for each value, the bytes of the string. */
#ifndef BENCH_RECORD_H
#define BENCH_RECORD_H

#include <string.h>

#include <rill/static/prim.h>

#include "bench/peers/peer.h"

#define RECORD_W1 32u
#define RECORD_W4 (16u + 16u + 32u) /* and the string */

/* Copies whole words: a string's length is a multiple of eight here, and a ring has room. */
RILL__INLINE void record_bytes(unsigned char *to, const char *from, size_t length)
{
	for (size_t k = 0; k < length; k += 8) {
		uint64_t word;
		memcpy(&word, from + k, 8);
		memcpy(to + k, &word, 8);
	}
}

RILL__INLINE void record_head(unsigned char *to, uint64_t size)
{
	const uint64_t head[2] = {rill__ticks(), UINT64_C(0x100000001) | size << 32};

	memcpy(to, head, sizeof head);
}

RILL__INLINE size_t record_w1(unsigned char *to, uint64_t number)
{
	const uint64_t slots[2] = {UINT64_C(0x20001), number};

	record_head(to, RECORD_W1);
	memcpy(to + 16, slots, sizeof slots);
	return RECORD_W1;
}

RILL__INLINE size_t record_w4(unsigned char *to, const struct bench_session *s,
			      const struct bench_text *text)
{
	const uint64_t slots[6] = {UINT64_C(0x2000100020002),
				   UINT64_C(0x2000300020004),
				   s->id,
				   s->address,
				   s->port,
				   text->length};
	size_t size = RECORD_W4 + text->length;

	record_head(to, size);
	memcpy(to + 16, slots, sizeof slots);
	record_bytes(to + RECORD_W4, text->at, text->length);
	return size;
}

#endif
