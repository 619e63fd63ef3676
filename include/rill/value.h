/*
 * Values by themselves: elements of lists, keys of nested events, and values whose type the caller
 * states because a key takes several: details(rill_duration(ns)).
 *
 *     rill_event(delivery_attempt_start, spanId(id), to(rill_list(rill_string("a"), rill_u64(7))));
 *     rill_event(smtp_error, spanId(id), causedBy(rill_nested(auth_error, reason("expired"))));
 *
 * A value refers to the caller's strings and arrays: it holds no copy, and is used up by the
 * rill_event() that it stands in. (In C a rill_list() or rill_nested() lives as long as the block
 * that it is written in, so one may be kept in a variable of that block and used further down. That
 * is also how a nested event gets a nested event: one rill_nested() cannot stand in another.)
 */
#ifndef RILL_VALUE_H
#define RILL_VALUE_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <rill/static/prim.h>
#include <rill/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Lists and nested events deeper than this are cut there, and the cut is counted. */
#define RILL_MAX_DEPTH 8u

struct rill_value {
	uint32_t type;  /* enum rill_type */
	uint32_t event; /* nested event: its id | its catalog's index << 24 */
	uint64_t word;  /* number; string, bytes: length in bytes; list, event: count of elements;
			 * ip: RILL__IP_WORD, and the address itself when it has four bytes */
	const void *data;
};

/* One key of a nested event. */
struct rill_field {
	uint32_t key;
	struct rill_value value;
};

/*
 * Each type has a structure of its own, so that the compiler can check it against the key. `value`
 * is what an array for rill_list_of() takes; macros call it by the other name, since they may stand
 * where the program has a macro called `value`.
 */
#define RILL__VALUE_OF_TYPE(name)                                                                  \
	struct rill_value_##name {                                                                 \
		union {                                                                            \
			struct rill_value value;                                                   \
			struct rill_value rill__value;                                             \
		};                                                                                 \
	};
RILL__VALUE_OF_TYPE(none)
RILL__VALUE_OF_TYPE(bool)
RILL__VALUE_OF_TYPE(u64)
RILL__VALUE_OF_TYPE(i64)
RILL__VALUE_OF_TYPE(f64)
RILL__VALUE_OF_TYPE(duration)
RILL__VALUE_OF_TYPE(timestamp)
RILL__VALUE_OF_TYPE(string)
RILL__VALUE_OF_TYPE(bytes)
RILL__VALUE_OF_TYPE(ip)
RILL__VALUE_OF_TYPE(list)
RILL__VALUE_OF_TYPE(event)
#undef RILL__VALUE_OF_TYPE

RILL__INLINE struct rill_value rill__value(uint32_t type, uint64_t word, const void *data)
{
	struct rill_value value = {type, 0, word, data};
	return value;
}

RILL__INLINE struct rill_value_none rill_none(void)
{
	struct rill_value_none none = {{rill__value(RILL_TYPE_NONE, 0, RILL__NULL)}};
	return none;
}

RILL__INLINE struct rill_value_bool rill_bool(int value)
{
	struct rill_value_bool typed = {{rill__value(RILL_TYPE_BOOL, value != 0, RILL__NULL)}};
	return typed;
}

RILL__INLINE struct rill_value_u64 rill_u64(uint64_t value)
{
	struct rill_value_u64 typed = {{rill__value(RILL_TYPE_U64, value, RILL__NULL)}};
	return typed;
}

RILL__INLINE uint64_t rill__from_i64(int64_t value)
{
	uint64_t word;
	memcpy(&word, &value, sizeof word);
	return word;
}

RILL__INLINE uint64_t rill__from_f64(double value)
{
	uint64_t word;
	memcpy(&word, &value, sizeof word);
	return word;
}

RILL__INLINE struct rill_value_i64 rill_i64(int64_t value)
{
	struct rill_value_i64 typed = {
		{rill__value(RILL_TYPE_I64, rill__from_i64(value), RILL__NULL)}};
	return typed;
}

RILL__INLINE struct rill_value_f64 rill_f64(double value)
{
	struct rill_value_f64 typed = {
		{rill__value(RILL_TYPE_F64, rill__from_f64(value), RILL__NULL)}};
	return typed;
}

/* ns: nanoseconds, may be negative. */
RILL__INLINE struct rill_value_duration rill_duration(int64_t ns)
{
	struct rill_value_duration typed = {
		{rill__value(RILL_TYPE_DURATION, rill__from_i64(ns), RILL__NULL)}};
	return typed;
}

/* ns: nanoseconds since the Unix epoch, UTC. */
RILL__INLINE struct rill_value_timestamp rill_timestamp(uint64_t ns)
{
	struct rill_value_timestamp typed = {{rill__value(RILL_TYPE_TIMESTAMP, ns, RILL__NULL)}};
	return typed;
}

RILL__INLINE struct rill_value_string rill__string_n(const void *text, size_t length)
{
	struct rill_value_string typed = {{rill__value(RILL_TYPE_STRING, text ? length : 0, text)}};
	return typed;
}

RILL__INLINE struct rill_value_string rill__string(const char *text)
{
	return rill__string_n(text, text ? strlen(text) : 0);
}

RILL__INLINE struct rill_value_bytes rill_bytes(const void *bytes, size_t length)
{
	struct rill_value_bytes typed = {{rill__value(RILL_TYPE_BYTES, bytes ? length : 0, bytes)}};
	return typed;
}

/* An address's word holds its number of bytes in the upper half, and those bytes when there are
 * four of them in the lower. */
#define RILL__IP_WORD(length) (UINT64_C(length) << 32)

RILL__INLINE uint64_t rill__ip4_word(const struct in_addr *address)
{
	uint32_t bytes;
	memcpy(&bytes, address, sizeof bytes);
	return RILL__IP_WORD(4) | bytes;
}

/* address: NULL is no address. */
RILL__INLINE struct rill_value_ip rill_ip4(const struct in_addr *address)
{
	struct rill_value_ip typed = {
		{rill__value(RILL_TYPE_IP, address ? rill__ip4_word(address) : 0, RILL__NULL)}};
	return typed;
}

RILL__INLINE struct rill_value_ip rill_ip6(const struct in6_addr *address)
{
	struct rill_value_ip typed = {
		{rill__value(RILL_TYPE_IP, address ? RILL__IP_WORD(16) : 0, address)}};
	return typed;
}

/* address: AF_INET or AF_INET6; of any other family, or NULL: no address. */
RILL__INLINE struct rill_value_ip rill_ip(const struct sockaddr *address)
{
	struct rill_value_ip typed = {{rill__value(RILL_TYPE_IP, 0, RILL__NULL)}};
	if (address && address->sa_family == AF_INET)
		return rill_ip4(
			&(RILL__CAST(const struct sockaddr_in *, RILL__CAST(const void *, address)))
				 ->sin_addr);
	if (address && address->sa_family == AF_INET6)
		return rill_ip6(&(RILL__CAST(const struct sockaddr_in6 *,
					     RILL__CAST(const void *, address)))
					 ->sin6_addr);
	return typed;
}

/* A list whose length is known at run time only. */
RILL__INLINE struct rill_value_list rill_list_of(const struct rill_value *values, size_t count)
{
	struct rill_value_list typed = {{rill__value(RILL_TYPE_LIST, values ? count : 0, values)}};
	return typed;
}

RILL__INLINE struct rill_value_event rill__event_of(uint32_t event, const struct rill_field *fields,
						    size_t count)
{
	struct rill_value_event typed = {{rill__value(RILL_TYPE_EVENT, count, fields)}};
	typed.value.event = event;
	return typed;
}

/* rill_string(text), text NUL-terminated or NULL (empty), or rill_string(text, length). */
#define rill_string(...)              RILL__STRING(__VA_ARGS__, rill__string_n, rill__string, )(__VA_ARGS__)
#define RILL__STRING(a, b, name, ...) name

/* rill_list(element, ...): one to sixteen of the values above, of any types. */
#ifndef __cplusplus
#include <rill/static/list.h>
#define rill_list(...) RILL__LIST(__VA_ARGS__)
#endif

#ifdef __cplusplus
}
#endif
#endif
