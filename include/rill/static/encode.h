/* Values on their way into a record: what a key's argument becomes, and how it is stored. */
#ifndef RILL_STATIC_ENCODE_H
#define RILL_STATIC_ENCODE_H

#include <rill/static/ring.h>
#include <rill/value.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What the C or C++ type of an argument says of it: the set of types it may become, which of them
 * it prefers, and how it is handed over. With the key's own set this gives the value's type, at
 * compile time.
 */
#define RILL__PREFER_I64   (1u << 16)
#define RILL__PREFER_BYTES (1u << 17)

/* How a value is handed over: by its word, or by what else, in a struct rill_value. */
#define RILL__BY_WORD     0u
#define RILL__BY_SIZED    1u /* data, word: the length in bytes */
#define RILL__BY_TEXT     2u /* data: up to its NUL */
#define RILL__BY_IN4      3u /* data: a struct in_addr */
#define RILL__BY_IN6      4u /* data: a struct in6_addr */
#define RILL__BY_SOCKADDR 5u /* data: a struct sockaddr */
#define RILL__BY_WHOLE    6u /* by the structure's address: any of <rill/value.h> */

#define RILL__WORDS_OF(kind)   ((kind) == RILL__BY_SIZED ? 2u : 1u)
#define RILL__HANDED(kind)     ((kind) << 24)
#define RILL__KIND_OF(class_)  ((class_) >> 24)
#define RILL__TYPES_OF(class_) (0xffffu & (class_))

#define RILL__BIT(name) (1u << RILL_TYPE_##name)

#define RILL__IS_OTHER 0u
#define RILL__IS_BOOL  RILL__BIT(BOOL)
#define RILL__IS_UNSIGNED                                                                          \
	(RILL__BIT(U64) | RILL__BIT(I64) | RILL__BIT(DURATION) | RILL__BIT(TIMESTAMP))
#define RILL__IS_SIGNED (RILL__IS_UNSIGNED | RILL__PREFER_I64)
/* int in C is also what a comparison yields, and `true`. */
#define RILL__IS_INT         (RILL__IS_SIGNED | RILL__BIT(BOOL))
#define RILL__IS_FLOAT       RILL__BIT(F64)
#define RILL__IS_TEXT        (RILL__BIT(STRING) | RILL__HANDED(RILL__BY_TEXT))
#define RILL__IS_TEXT_SIZED  (RILL__BIT(STRING) | RILL__BIT(BYTES) | RILL__HANDED(RILL__BY_SIZED))
#define RILL__IS_BYTES_SIZED (RILL__IS_TEXT_SIZED | RILL__PREFER_BYTES)
#define RILL__IS_IP(kind)    (RILL__BIT(IP) | RILL__HANDED(kind))
/* The structures of <rill/value.h>: each is of one type. */
#define RILL__IS_TYPED(type)                                                                       \
	((1u << (type)) | RILL__HANDED(RILL__LARGE(type) ? RILL__BY_WHOLE : RILL__BY_WORD))
#define RILL__LARGE(type) ((type) >= RILL_TYPE_STRING)

#define RILL__ACCEPTS(set, class_) ((RILL__TYPES_OF(class_) & (set)) != 0)

/* The type of a value of this class under a key with this set, which accepts it. */
#define RILL__TYPE_FOR(set, class_) RILL__TYPE_FOR_(RILL__TYPES_OF(class_) & (set), class_)
#define RILL__TYPE_FOR_(both, class_)                                                              \
	(((class_)&RILL__PREFER_I64) && ((both)&RILL__BIT(I64))       ? 0u + RILL_TYPE_I64         \
	 : ((class_)&RILL__PREFER_BYTES) && ((both)&RILL__BIT(BYTES)) ? 0u + RILL_TYPE_BYTES       \
	 : ((both) & ~RILL__BIT(BOOL)) ? RILL__FIRST((both) & ~RILL__BIT(BOOL))                    \
				       : RILL__FIRST(both))
#define RILL__FIRST(types) RILL__CAST(unsigned, __builtin_ctz((types) | RILL__BIT(COUNT)))

/* What a call of rill__emit() names first. */
struct rill__site {
	const struct rill__gate *gate;
	uint64_t kinds;                     /* of slot i in bits 4 i to 4 i + 3 */
	uint32_t head;                      /* RILL__SITE_HEAD */
	uint32_t tags[RILL__MAX_SLOTS + 1]; /* as in the record; one more, which is zero */
};
#define RILL__SITE_HEAD(event, nslots, nwords) ((event) | (nslots) << 16 | (nwords) << 24)

/*
 * Records an event whose first look at the gate has passed. site: a struct rill__site, as far as it
 * is used. Then for each slot, as its kind says: the word; the address of the bytes and, when
 * sized, their number; each as a uint64_t. What is inline elsewhere is here for all that is rare: a
 * section that could not be entered, long strings, lists and events; and for compact sites.
 */
RILL_API void rill__emit(const void *site, ...) __attribute__((cold));

/* --- values on their way ------------------------------------------------------------------- */

RILL__INLINE struct rill_value rill__val_word(uint64_t word)
{
	return rill__value(0, word, RILL__NULL);
}

RILL__INLINE struct rill_value rill__val_signed(int64_t value)
{
	return rill__val_word(rill__from_i64(value));
}

RILL__INLINE struct rill_value rill__val_float(double value)
{
	return rill__val_word(rill__from_f64(value));
}

RILL__INLINE struct rill_value rill__val_sized(const void *bytes, size_t length)
{
	return rill__value(0, length, bytes);
}

/* A pointer to what it is that the kind says. NULL: an empty string, no address. */
RILL__INLINE struct rill_value rill__val_at(const void *bytes)
{
	return rill__value(0, 0, bytes);
}

RILL__INLINE struct rill_value rill__val_in4_value(struct in_addr address)
{
	return rill__val_word(rill__ip4_word(&address));
}

/* An int under a key of type bool (what a comparison yields, or what a flag is tested with): 0 or
 * 1, as a bool would be. */
RILL__INLINE struct rill_value rill__val_as(uint32_t type, struct rill_value val)
{
	if (type == RILL_TYPE_BOOL)
		val.word = val.word != 0;
	return val;
}

/* AF_INET, AF_INET6; of any other family, or NULL: no address. */
RILL_API struct rill_value rill__val_sockaddr(const void *address) __attribute__((pure));

/* What the pointer of a value points to, looked at: then its word says all that the record's says,
 * but for lists and events. */
RILL__INLINE struct rill_value rill__looked_at(uint32_t kind, struct rill_value val)
{
	const struct in_addr *address = RILL__CAST(const struct in_addr *, val.data);
	if (kind == RILL__BY_TEXT)
		val.word = val.data ? strlen(RILL__CAST(const char *, val.data)) : 0;
	else if (kind == RILL__BY_IN4)
		val.word = address ? rill__ip4_word(address) : 0;
	else if (kind == RILL__BY_IN6)
		val.word = address ? RILL__IP_WORD(16) : 0;
	else if (kind == RILL__BY_SOCKADDR)
		val = rill__val_sockaddr(val.data);
	else if (kind == RILL__BY_SIZED && !val.data)
		val.word = 0;
	return val;
}

/* The same as an element of a nested event. */
RILL__INLINE struct rill_value rill__value_of(uint32_t type, uint32_t kind, struct rill_value val)
{
	val = rill__looked_at(kind, val);
	val.type = type;
	return val;
}

/* The one or two words of a slot in a call of rill__emit(). */
RILL__INLINE uint64_t rill__word1(uint32_t kind, const struct rill_value *val)
{
	return kind == RILL__BY_WORD ? val->word
				     : RILL__ADDRESS(kind == RILL__BY_WHOLE ? val : val->data);
}

RILL__INLINE uint64_t rill__word2(const struct rill_value *val)
{
	return val->word;
}

/* --- the inline path ----------------------------------------------------------------------- */

/* Strings up to this length are copied inline. A power of two less one, so that the lengths can be
 * tested with one OR. */
#define RILL__SHORT_LENGTH 31u

/* Types whose word is a length, kept and original. */
#define RILL__LENGTHS          (RILL__BIT(STRING) | RILL__BIT(BYTES) | RILL__BIT(LIST) | RILL__BIT(EVENT))
#define RILL__HAS_LENGTH(type) ((RILL__LENGTHS >> (type)&1u) != 0)
#define RILL__HAS_TAIL(type)   (((RILL__LENGTHS | RILL__BIT(IP)) >> (type)&1u) != 0)
/* What only rill__emit() writes. */
#define RILL__IS_BODY(type) (((RILL__BIT(LIST) | RILL__BIT(EVENT)) >> (type)&1u) != 0)

/* Bytes of the tail that a value takes, once looked at. */
RILL__INLINE uint64_t rill__length(uint32_t type, uint32_t kind, const struct rill_value *val)
{
	if (RILL__HAS_LENGTH(type))
		return val->word;
	if (type != RILL_TYPE_IP || kind == RILL__BY_WORD || kind == RILL__BY_IN4)
		return 0;
	return val->word == RILL__IP_WORD(16) ? 16 : 0;
}

/* NULL with a length is the caller's error, and rare: rill__emit() makes it empty. */
RILL__INLINE int rill__has_bytes(const struct rill_value *val)
{
	return val->data != RILL__NULL;
}

RILL__INLINE void rill__put32(unsigned char *to, uint32_t value)
{
	memcpy(to, &value, sizeof value);
}

RILL__INLINE void rill__put64(unsigned char *to, uint64_t value)
{
	memcpy(to, &value, sizeof value);
}

/* Copies a string that is short: its head and its end, which may overlap. */
RILL__INLINE void rill__put_short(unsigned char *to, const unsigned char *from, uint64_t length)
{
	/* Or gcc warns of the branches that a short literal never takes. */
	__asm__("" : "+r"(from));
	if (length >= 16) {
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

/*
 * The word of slot i; and its tail bytes, if any, at `tail`. Returns the end of them. (The barriers
 * cost nothing; without them gcc puts two words together in a vector register first.)
 */
RILL__INLINE unsigned char *rill__put_slot(unsigned char *word, unsigned char *tail, uint32_t type,
					   const struct rill_value *val, uint64_t length)
{
	if (RILL__HAS_LENGTH(type)) {
		rill__put32(word, RILL__CAST(uint32_t, length));
		RILL__COMPILER_BARRIER();
		rill__put32(word + 4, RILL__CAST(uint32_t, length));
		rill__put_short(tail, RILL__CAST(const unsigned char *, val->data), length);
	} else {
		rill__put64(word, val->word);
		RILL__COMPILER_BARRIER();
		if (length)
			__builtin_memcpy(tail, val->data, 16);
	}
	return tail + length;
}

RILL__INLINE void rill__put_size(unsigned char *at, const struct rill__gate *gate, uint64_t size)
{
	rill__put32(at + 12, gate->catalog_tag | RILL__CAST(uint32_t, size));
}

/* Header of a record that has been reserved at `at`. */
RILL__INLINE void rill__put_header(unsigned char *at, const struct rill__gate *gate, uint64_t ticks,
				   uint32_t event, uint32_t nslots, uint64_t size)
{
	rill__put64(at, ticks);
	rill__put32(at + 8, event | nslots << 16);
	rill__put_size(at, gate, size);
}

#ifdef __cplusplus
}
#endif
#endif
