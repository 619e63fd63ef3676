/* Values on their way into a record: what a key's argument becomes, and how it is stored. */
#ifndef RILL_STATIC_ENCODE_H
#define RILL_STATIC_ENCODE_H

#include <rill/static/ring.h>
#include <rill/value.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What the C or C++ type of an argument says of it: the set of types it may become, and which of
 * them it prefers. With the key's own set this gives the value's type, at compile time.
 */
#define RILL__PREFER_I64   (1u << 16)
#define RILL__PREFER_BYTES (1u << 17)

#define RILL__BIT(name) (1u << RILL_TYPE_##name)

#define RILL__IS_OTHER 0u
#define RILL__IS_BOOL  RILL__BIT(BOOL)
#define RILL__IS_UNSIGNED                                                                          \
	(RILL__BIT(U64) | RILL__BIT(I64) | RILL__BIT(DURATION) | RILL__BIT(TIMESTAMP))
#define RILL__IS_SIGNED (RILL__IS_UNSIGNED | RILL__PREFER_I64)
/* int in C is also what a comparison yields, and `true`. */
#define RILL__IS_INT         (RILL__IS_SIGNED | RILL__BIT(BOOL))
#define RILL__IS_FLOAT       RILL__BIT(F64)
#define RILL__IS_TEXT        RILL__BIT(STRING)
#define RILL__IS_TEXT_SIZED  (RILL__BIT(STRING) | RILL__BIT(BYTES))
#define RILL__IS_BYTES_SIZED (RILL__IS_TEXT_SIZED | RILL__PREFER_BYTES)
#define RILL__IS_IP          RILL__BIT(IP)

#define RILL__ACCEPTS(set, class_) (((set) & (class_)) != 0)

/* The type of a value of this class under a key with this set, which accepts it. */
RILL__INLINE RILL__CONSTEXPR uint32_t rill__type_for(uint32_t set, uint32_t class_)
{
	uint32_t both = set & class_;
	if (both & ~RILL__BIT(BOOL))
		both &= ~RILL__BIT(BOOL);
	if ((class_ & RILL__PREFER_I64) && (both & RILL__BIT(I64)))
		return RILL_TYPE_I64;
	if ((class_ & RILL__PREFER_BYTES) && (both & RILL__BIT(BYTES)))
		return RILL_TYPE_BYTES;
	return RILL__CAST(uint32_t, __builtin_ctz(both | RILL__BIT(COUNT)));
}

/* One value, ready to be stored. */
struct rill__val {
	uint64_t word;     /* number, address; of what has a length: that length before any cut */
	uint64_t length;   /* bytes that go into the record's tail */
	const void *bytes; /* those; list and event: the array of elements */
	uint64_t shape;    /* list and event: number of elements | event << 32 */
};

RILL__INLINE struct rill__val rill__val_word(uint64_t word)
{
	struct rill__val val = {word, 0, NULL, 0};
	return val;
}

RILL__INLINE struct rill__val rill__val_signed(int64_t value)
{
	return rill__val_word(rill__from_i64(value));
}

RILL__INLINE struct rill__val rill__val_float(double value)
{
	return rill__val_word(rill__from_f64(value));
}

RILL__INLINE struct rill__val rill__val_sized(const void *bytes, size_t length)
{
	struct rill__val val = {length, length, bytes, 0};
	if (RILL__UNLIKELY(!bytes))
		val.word = val.length = 0;
	return val;
}

RILL__INLINE struct rill__val rill__val_text(const char *text)
{
	return rill__val_sized(text, text ? strlen(text) : 0);
}

/* Addresses by pointer: NULL is no address. */
RILL__INLINE struct rill__val rill__val_in4(const struct in_addr *address)
{
	return rill__val_word(address ? rill__ip4_word(address) : 0);
}

RILL__INLINE struct rill__val rill__val_in4_value(struct in_addr address)
{
	return rill__val_in4(&address);
}

RILL__INLINE struct rill__val rill__val_in6(const struct in6_addr *address)
{
	struct rill__val val = {RILL__IP_WORD(16), 16, address, 0};
	if (RILL__UNLIKELY(!address))
		val.word = val.length = 0;
	return val;
}

/* AF_INET, AF_INET6; of any other family, or NULL: no address. */
RILL_API struct rill__val rill__val_sockaddr(const void *address) __attribute__((pure));

/* An int under a key of type bool (what a comparison yields, or what a flag is tested with): 0 or
 * 1, as a bool would be. */
RILL__INLINE struct rill__val rill__val_as(uint32_t type, struct rill__val val)
{
	if (type == RILL_TYPE_BOOL)
		val.word = val.word != 0;
	return val;
}

/* The other way: what a key's argument is as an element of a nested event. */
RILL__INLINE struct rill_value rill__value_of(uint32_t type, struct rill__val val)
{
	int counted = type == RILL_TYPE_LIST || type == RILL_TYPE_EVENT;
	struct rill_value value = {type, counted ? RILL__CAST(uint32_t, val.shape >> 32) : 0,
				   counted ? val.shape & UINT32_MAX : val.word, val.bytes};
	return value;
}

/* Measures a list or an event; a structure of <rill/value.h> in general. */
RILL_API struct rill__val rill__val_typed(struct rill_value value) __attribute__((pure));
/* Writes a list's or an event's `length` bytes: the same walk as the one that measured them. */
RILL_API void rill__put_typed(unsigned char *to, uint32_t type, const struct rill__val *val);

/* Lengths that together cannot make a record too large for the smallest ring: they need no look at
 * the ring. A power of two less one, so that the lengths can be tested with one OR. */
#define RILL__EASY_LENGTH(nslots)                                                                  \
	((nslots) <= 1 ? 4095u : (nslots) <= 3 ? 2047u : (nslots) <= 7 ? 1023u : 255u)

/*
 * How many of a value's bytes are kept in a record whose lengths are together `total` (saturated):
 * strings end at a UTF-8 boundary, lists and events at an element. Counts what it cuts.
 */
RILL_API uint64_t rill__shorten(const struct rill__val *val, uint32_t type, uint64_t total,
				uint32_t nslots) __attribute__((cold));

/* Longer than this is an error of the caller's, such as a negative length: nothing is kept of it.
 */
#define RILL__ABSURD_LENGTH (1ull << 40)

RILL__INLINE uint64_t rill__saturate(uint64_t length)
{
	return length < RILL__ABSURD_LENGTH ? length : RILL__ABSURD_LENGTH;
}

/* A record has 32 bits for the length before a cut. */
RILL__INLINE uint64_t rill__original(uint64_t length)
{
	return length < UINT32_MAX ? length : UINT32_MAX;
}

RILL__INLINE uint64_t rill__length(struct rill__val val)
{
	return val.length;
}

/* The value as it is kept: by value, or its address would be in the caller's way. */
RILL__INLINE struct rill__val rill__shortened(struct rill__val val, uint32_t type, uint64_t total,
					      uint32_t nslots)
{
	struct rill__val copy = val;
	val.length = rill__shorten(&copy, type, total, nslots);
	val.word = rill__original(copy.word);
	return val;
}

/* Types whose word is a length, kept and original. */
#define RILL__LENGTHS          (RILL__BIT(STRING) | RILL__BIT(BYTES) | RILL__BIT(LIST) | RILL__BIT(EVENT))
#define RILL__HAS_LENGTH(type) ((RILL__LENGTHS >> (type)&1u) != 0)
#define RILL__HAS_TAIL(type)   (((RILL__LENGTHS | RILL__BIT(IP)) >> (type)&1u) != 0)

RILL__INLINE void rill__put32(unsigned char *to, uint32_t value)
{
	memcpy(to, &value, sizeof value);
}

RILL__INLINE void rill__put64(unsigned char *to, uint64_t value)
{
	memcpy(to, &value, sizeof value);
}

RILL_API void rill__put_long(unsigned char *to, const void *from, uint64_t length);

/* Copies short strings without a call: head and tail of the string, which may overlap. */
RILL__INLINE void rill__put_bytes(unsigned char *to, const unsigned char *from, uint64_t length)
{
	/* Or gcc warns of the branches that a short literal never takes. */
	__asm__("" : "+r"(from));
	if (length >= 16) {
		if (RILL__UNLIKELY(length > 32)) {
			rill__put_long(to, from, length);
			return;
		}
		__builtin_memcpy(to, from, 16);
		__builtin_memcpy(to + length - 16, from + length - 16, 16);
	} else if (length >= 8) {
		__builtin_memcpy(to, from, 8);
		__builtin_memcpy(to + length - 8, from + length - 8, 8);
	} else if (length >= 4) {
		__builtin_memcpy(to, from, 4);
		__builtin_memcpy(to + length - 4, from + length - 4, 4);
	} else if (length) {
		to[0] = from[0];
		to[length / 2] = from[length / 2];
		to[length - 1] = from[length - 1];
	}
}

/* The word of slot i; and its tail bytes, if any, at `tail`. Returns the end of them. */
RILL__INLINE unsigned char *rill__put_slot(unsigned char *word, unsigned char *tail, uint32_t type,
					   const struct rill__val *val)
{
	if (!RILL__HAS_LENGTH(type)) {
		rill__put64(word, val->word);
		if (type != RILL_TYPE_IP || val->length == 0)
			return tail;
		__builtin_memcpy(tail, val->bytes, 16);
		return tail + 16;
	}
	rill__put32(word, RILL__CAST(uint32_t, val->length));
	rill__put32(word + 4, RILL__CAST(uint32_t, val->word));
	if (type == RILL_TYPE_LIST || type == RILL_TYPE_EVENT)
		rill__put_typed(tail, type, val);
	else
		rill__put_bytes(tail, RILL__CAST(const unsigned char *, val->bytes), val->length);
	return tail + val->length;
}

/* Header of a record that has been reserved at `at`; the padding words that nothing else writes. */
RILL__INLINE void rill__put_header(unsigned char *at, const struct rill__gate *gate, uint64_t ticks,
				   uint32_t event, uint32_t nslots, uint64_t size)
{
	rill__put64(at, ticks);
	rill__put32(at + 8, event | nslots << 16);
	rill__put32(at + 12, gate->catalog_tag | RILL__CAST(uint32_t, size));
}

#ifdef __cplusplus
}
#endif
#endif
