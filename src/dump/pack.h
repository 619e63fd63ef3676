/*
 * A packed chunk: what its encoder and its decoder share. docs/dump-format.md specifies the bytes.
 *
 * Both sides keep the same state and change it in the same way, record by record: shapes, the last
 * value of each of their slots, the last value of each tag (its column), two dictionaries. It
 * starts afresh in each chunk.
 */
#ifndef RILL_DUMP_PACK_H
#define RILL_DUMP_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <rill/static/encode.h>

#include "dump/dump.h"

/* Limits of a chunk: part of the format. */
#define PACK_MAX_RAW      ((1u << 24) - 8) /* bytes of its records as the rings held them */
#define PACK_MAX_SEGMENTS 4096u
#define PACK_MAX_SHAPES   4096u
#define PACK_MAX_SLOTS    16384u /* of all shapes */
#define PACK_MAX_ENTRIES  4096u  /* of a dictionary */

/* How a word is stored. X: what it differs from the slot's last word in, by XOR. */
enum word_code {
	WORD_SAME,   /* as the slot's last */
	WORD_TAG,    /* as the last of this tag in any shape */
	WORD_STRIDE, /* the slot's last, and once more what that differed by from the one before */
	WORD_DELTA1, /* the difference from the slot's last, zigzag, in this many bytes */
	WORD_DELTA2,
	WORD_XOR1, /* X in this many bytes */
	WORD_XOR2,
	WORD_XOR3,
	WORD_XOR4,
	WORD_XOR6,
	WORD_XOR8,
	WORD_NEW4, /* X, and the word enters the dictionary */
	WORD_NEW8,
	WORD_REF1, /* index in the dictionary, in this many bytes */
	WORD_REF2,
	WORD_IPV6, /* no word but an address of 16 bytes: a byte of enum bytes_code, and what it
		      says */
};

/* How bytes with a length are stored. */
enum bytes_code {
	BYTES_SAME,
	BYTES_TAG,
	BYTES_PLAIN1, /* length in this many bytes, and the bytes */
	BYTES_PLAIN2,
	BYTES_PLAIN8, /* kept and original length in 4 bytes each, and the bytes */
	BYTES_NEW1,   /* as PLAIN, and they enter the dictionary */
	BYTES_NEW2,
	BYTES_REF1,
	BYTES_REF2,
};

/* What a slot's nibble means. */
enum slot_kind {
	SLOT_WORD,
	SLOT_IP,     /* a word, or 16 bytes in the tail */
	SLOT_BYTES,  /* bytes in the tail, their number in the word */
	SLOT_TAGGED, /* the encoder's: a word whose tag other slots of the chunk have as well */
	SLOT_ID,     /* the encoder's: a tagged word that goes into the filter */
	SLOT_NAME,   /* the encoder's: bytes that go into the filter */
	SLOT_FULL,   /* the encoder's: no slot; sixteen nibbles are full here */
	SLOT_END,    /* the encoder's: no slot; it stands behind a shape's last one */
};

/* The first nibble of a record: bytes of its time less one, and this bit. */
#define NIBBLE_EXPECTED 8u

/* A shape's number takes one byte below this, else two. */
#define SHAPE_ONE_BYTE 240u

/* Number of slots, in a shape's definition, of records that are stored as they are. */
#define SHAPE_AS_IS 31u

/* Bytes 8 to 15 of a record without its size. */
#define KEY_MASK UINT64_C(0xff000000ffffffff)

/* What an IPv6 address has for a word in a record; and while it is handled as bytes. */
#define IPV6_WORD  (UINT64_C(16) << 32)
#define IPV6_BYTES (UINT64_C(16) << 32 | 16)

/* --- state of both sides ------------------------------------------------------------------- */

struct column;

struct slot_state {
	uint64_t last; /* word, or lengths */
	struct column *column;
	uint64_t stride;
	const unsigned char *bytes; /* where the last ones stand */
	uint32_t text;              /* the encoder: which of the dictionary they are, or NO_TEXT */
	uint16_t patience;          /* the encoder has learnt: kept from chunk to chunk */
	uint8_t kind;               /* enum slot_kind */
	uint8_t rest;
};

#define NO_TEXT UINT32_MAX

/* The last value of a tag. */
struct column {
	uint64_t last;
	const unsigned char *bytes; /* the decoder */
	struct slot_state *owner;   /* the encoder: the only slot of the tag that has had a value */
	uint32_t text;              /* the encoder */
	uint32_t tag;
	uint32_t chunk; /* that the above belong to */
};

/* The encoder knows it from chunk to chunk, and numbers it anew in each. */
struct shape {
	uint64_t key;   /* bytes 8 to 15 of a record, without its size */
	uint32_t least; /* bytes that are looked at before the size is known */
	uint32_t fixed; /* bytes before the tail */
	uint64_t mask;  /* of the first tags, that may be none */
	uint64_t tags[8];
	struct shape *expected; /* came after this one, last time */
	struct slot_state *slots;
	uint64_t records;
	uint16_t words_at;
	uint16_t tails; /* bit: the slot may have a tail */
	uint8_t nslots;
	uint8_t ntags;         /* words of tags */
	uint8_t control_bytes; /* the encoder: of what follows sixteen nibbles, if those are full */
	uint8_t shift;         /* from where a record's nibbles are gathered */
	uint8_t as_is;
	uint8_t watched;  /* the encoder: its records are listed */
	uint8_t unfilter; /* the encoder: a chunk with its records has no filter */
	uint16_t number;
	uint32_t chunk; /* that `number` belongs to */
	uint32_t next;  /* of the same hash: index + 1 */
};

struct pack_segment {
	uint64_t ring;
	uint64_t from;
	uint64_t size;
	uint64_t records;
	uint64_t first; /* ticks */
	uint64_t low;
	uint64_t high;
	uint32_t tid;
	bool sorted;
};

/* --- numbers ------------------------------------------------------------------------------- */

static inline uint64_t pack_get64(const unsigned char *from)
{
	uint64_t value;
	memcpy(&value, from, sizeof value);
	return value;
}

static inline void pack_put64(unsigned char *to, uint64_t value)
{
	memcpy(to, &value, sizeof value);
}

/* Index of the highest bit that is set; 0 also when none is. */
static inline uint32_t top_bit(uint64_t value)
{
	return 63u ^ (uint32_t)__builtin_clzll(value | 1);
}

static inline uint64_t zigzag(uint64_t difference)
{
	return difference << 1 ^ (0 - (difference >> 63));
}

static inline uint64_t unzigzag(uint64_t value)
{
	return value >> 1 ^ (0 - (value & 1));
}

/* Most are short. */
static inline void pack_copy(unsigned char *to, const unsigned char *from, uint32_t size)
{
	if (size > 64) {
		memcpy(to, from, size);
	} else if (size >= 8) {
		for (uint32_t i = 0; i + 8 < size; i += 8)
			pack_put64(to + i, pack_get64(from + i));
		pack_put64(to + size - 8, pack_get64(from + size - 8));
	} else {
		for (uint32_t i = 0; i < size; i++)
			to[i] = from[i];
	}
}

static inline enum slot_kind slot_kind(uint32_t type)
{
	if (type == RILL_TYPE_IP)
		return SLOT_IP;
	/* Types that are not known are words. */
	return type < RILL_TYPE_COUNT && RILL__HAS_LENGTH(type) ? SLOT_BYTES : SLOT_WORD;
}

#endif
