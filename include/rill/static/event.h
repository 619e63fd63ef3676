/* rill_event() and rill_nested() in C: types by _Generic, values in locals of a block. */
#ifndef RILL_STATIC_EVENT_H
#define RILL_STATIC_EVENT_H

#include <rill/static/arity.h>
#include <rill/static/encode.h>

/* clang-format off */

/* m(type, class, function) for each C type that an argument may have. */
#define RILL__SCALARS(m)                                                                           \
	m(_Bool, RILL__IS_BOOL, rill__val_word)                                                    \
	m(int, RILL__IS_INT, rill__val_signed)                                                     \
	m(char, RILL__IS_SIGNED, rill__val_signed)                                                 \
	m(signed char, RILL__IS_SIGNED, rill__val_signed)                                          \
	m(short, RILL__IS_SIGNED, rill__val_signed)                                                \
	m(long, RILL__IS_SIGNED, rill__val_signed)                                                 \
	m(long long, RILL__IS_SIGNED, rill__val_signed)                                            \
	m(unsigned char, RILL__IS_UNSIGNED, rill__val_word)                                        \
	m(unsigned short, RILL__IS_UNSIGNED, rill__val_word)                                       \
	m(unsigned int, RILL__IS_UNSIGNED, rill__val_word)                                         \
	m(unsigned long, RILL__IS_UNSIGNED, rill__val_word)                                        \
	m(unsigned long long, RILL__IS_UNSIGNED, rill__val_word)                                   \
	m(float, RILL__IS_FLOAT, rill__val_float)                                                  \
	m(double, RILL__IS_FLOAT, rill__val_float)

#define RILL__POINTERS(m)                                                                          \
	m(char *, RILL__IS_TEXT, rill__val_at)                                                   \
	m(const char *, RILL__IS_TEXT, rill__val_at)                                             \
	m(struct in_addr, RILL__IS_IP(RILL__BY_WORD), rill__val_in4_value)                                        \
	m(struct in_addr *, RILL__IS_IP(RILL__BY_IN4), rill__val_at)                                            \
	m(const struct in_addr *, RILL__IS_IP(RILL__BY_IN4), rill__val_at)                                      \
	m(struct in6_addr *, RILL__IS_IP(RILL__BY_IN6), rill__val_at)                                           \
	m(const struct in6_addr *, RILL__IS_IP(RILL__BY_IN6), rill__val_at)                                     \
	m(struct sockaddr *, RILL__IS_IP(RILL__BY_SOCKADDR), rill__val_at)                                      \
	m(const struct sockaddr *, RILL__IS_IP(RILL__BY_SOCKADDR), rill__val_at)                                \
	m(struct sockaddr_in *, RILL__IS_IP(RILL__BY_SOCKADDR), rill__val_at)                                   \
	m(const struct sockaddr_in *, RILL__IS_IP(RILL__BY_SOCKADDR), rill__val_at)                             \
	m(struct sockaddr_in6 *, RILL__IS_IP(RILL__BY_SOCKADDR), rill__val_at)                                  \
	m(const struct sockaddr_in6 *, RILL__IS_IP(RILL__BY_SOCKADDR), rill__val_at)                            \
	m(struct sockaddr_storage *, RILL__IS_IP(RILL__BY_SOCKADDR), rill__val_at)                              \
	m(const struct sockaddr_storage *, RILL__IS_IP(RILL__BY_SOCKADDR), rill__val_at)

/* The structures of <rill/value.h>: each is of one type. */
#define RILL__TYPED(m)                                                                             \
	m(struct rill_value_none, RILL__IS_TYPED(RILL_TYPE_NONE), rill__val_none)                 \
	m(struct rill_value_bool, RILL__IS_TYPED(RILL_TYPE_BOOL), rill__val_bool)                 \
	m(struct rill_value_u64, RILL__IS_TYPED(RILL_TYPE_U64), rill__val_u64)                    \
	m(struct rill_value_i64, RILL__IS_TYPED(RILL_TYPE_I64), rill__val_i64)                    \
	m(struct rill_value_f64, RILL__IS_TYPED(RILL_TYPE_F64), rill__val_f64)                    \
	m(struct rill_value_duration, RILL__IS_TYPED(RILL_TYPE_DURATION), rill__val_duration)     \
	m(struct rill_value_timestamp, RILL__IS_TYPED(RILL_TYPE_TIMESTAMP), rill__val_timestamp)  \
	m(struct rill_value_string, RILL__IS_TYPED(RILL_TYPE_STRING), rill__val_string)           \
	m(struct rill_value_bytes, RILL__IS_TYPED(RILL_TYPE_BYTES), rill__val_bytes)              \
	m(struct rill_value_ip, RILL__IS_TYPED(RILL_TYPE_IP), rill__val_ip)                       \
	m(struct rill_value_list, RILL__IS_TYPED(RILL_TYPE_LIST), rill__val_list)                 \
	m(struct rill_value_event, RILL__IS_TYPED(RILL_TYPE_EVENT), rill__val_event)

/* key(pointer, length) */
#define RILL__SIZED(m)                                                                             \
	m(char *, RILL__IS_TEXT_SIZED, 0)                                                          \
	m(const char *, RILL__IS_TEXT_SIZED, 0)                                                    \
	m(void *, RILL__IS_BYTES_SIZED, 0)                                                         \
	m(const void *, RILL__IS_BYTES_SIZED, 0)                                                   \
	m(unsigned char *, RILL__IS_BYTES_SIZED, 0)                                                \
	m(const unsigned char *, RILL__IS_BYTES_SIZED, 0)                                          \
	m(signed char *, RILL__IS_BYTES_SIZED, 0)                                                  \
	m(const signed char *, RILL__IS_BYTES_SIZED, 0)

#define RILL__CASE_CLASS(type, class_, function) type: class_,
#define RILL__CASE_VAL(type, class_, function)   type: function,

#define RILL__CLASS1(x)                                                                            \
	_Generic((x), RILL__SCALARS(RILL__CASE_CLASS) RILL__POINTERS(RILL__CASE_CLASS)             \
		 RILL__TYPED(RILL__CASE_CLASS) default: RILL__CLASS_OF_BITS(x))
/* gcc gives a bit-field a type of its own, of which only this can be known: 1, an integer. */
#define RILL__CLASS_OF_BITS(x) (__builtin_classify_type(x) == 1 ? RILL__IS_SIGNED : RILL__IS_OTHER)
#define RILL__CLASS2(p, n) _Generic((p), RILL__SIZED(RILL__CASE_CLASS) default: RILL__IS_OTHER)

#define RILL__VAL1(x)                                                                              \
	_Generic((x), RILL__SCALARS(RILL__CASE_VAL) RILL__POINTERS(RILL__CASE_VAL)                 \
		 RILL__TYPED(RILL__CASE_VAL) default: rill__val_signed)(x)
#define RILL__VAL2(p, n) rill__val_sized((p), (size_t)(n))

/* clang-format on */

/* Of a key's arguments: one or two. */
#define RILL__ARGS(one, two, ...)    RILL__PICK3(__VA_ARGS__, two, one, )
#define RILL__PICK3(a, b, name, ...) name
#define RILL__CLASS(...)             RILL__ARGS(RILL__CLASS1, RILL__CLASS2, __VA_ARGS__)(__VA_ARGS__)
#define RILL__VAL(...)               RILL__ARGS(RILL__VAL1, RILL__VAL2, __VA_ARGS__)(__VA_ARGS__)

#define RILL__VAL_TYPED(name)                                                                      \
	RILL__INLINE struct rill_value rill__val_##name(struct rill_value_##name typed)            \
	{                                                                                          \
		return typed.value;                                                                \
	}
RILL__VAL_TYPED(none)
RILL__VAL_TYPED(bool)
RILL__VAL_TYPED(u64)
RILL__VAL_TYPED(i64)
RILL__VAL_TYPED(f64)
RILL__VAL_TYPED(duration)
RILL__VAL_TYPED(timestamp)
RILL__VAL_TYPED(string)
RILL__VAL_TYPED(bytes)
RILL__VAL_TYPED(ip)
RILL__VAL_TYPED(list)
RILL__VAL_TYPED(event)
#undef RILL__VAL_TYPED

#define RILL__DECLARE(c, i, key) RILL__KEY(RILL__DECLARE_, RILL__NO_SUCH_KEY, i, rill__##c##key)
/* The class by way of an array's size: in an enumerator clang takes no rill_nested(). */
#define RILL__DECLARE_(i, id, set, message, args)                                                  \
	typedef char rill__c##i[1 + RILL__CLASS args];                                             \
	enum {                                                                                     \
		rill__class##i = sizeof(rill__c##i) - 1,                                           \
		rill__type##i = RILL__TYPE_FOR(set, rill__class##i),                               \
		rill__kind##i = RILL__KIND_OF(rill__class##i),                                     \
		rill__tag##i = RILL__TAG(id, rill__type##i)                                        \
	};                                                                                         \
	_Static_assert(RILL__ACCEPTS(set, rill__class##i), message);                               \
	const struct rill_value rill__val##i = rill__val_as(rill__type##i, RILL__VAL args);

/* The site, as rill__emit() knows it. */
#define RILL__SITE(gate, id, n)                                                                    \
	static const struct {                                                                      \
		const struct rill__gate *rill__gate;                                               \
		uint64_t rill__kinds;                                                              \
		uint32_t rill__head, rill__tags[n + 1];                                            \
	} rill__site = {gate,                                                                      \
			0 RILL__INDEX##n(RILL__ADD_KIND, ),                                        \
			RILL__SITE_HEAD(id, n##u, (0u RILL__INDEX##n(RILL__ADD_WORDS, ))),         \
			{RILL__INDEX##n(RILL__LIST_TAG, ) 0}};
#define RILL__ADD_KIND(i, x)  +((uint64_t)rill__kind##i << 4 * i)
#define RILL__ADD_WORDS(i, x) +RILL__WORDS_OF(rill__kind##i)
#define RILL__LIST_TAG(i, x)  rill__tag##i,

/* Its values in a call, as many words as the key has arguments. */
#define RILL__PASS(c, i, key) RILL__KEY(RILL__PASS_, RILL__NO_PASS, i, rill__##c##key)
#define RILL__NO_PASS(i, key)
#define RILL__PASS_(i, id, set, message, args) RILL__PASSED args(i)
#define RILL__PASSED(...)                      RILL__ARGS(RILL__PASS1, RILL__PASS2, __VA_ARGS__)
#define RILL__PASS1(i)                         , rill__word1(rill__kind##i, &rill__val##i)
#define RILL__PASS2(i)                         RILL__PASS1(i), rill__word2(&rill__val##i)

#define RILL__LOOK(i, x)                                                                           \
	const struct rill_value rill__seen##i = rill__looked_at(rill__kind##i, rill__val##i);      \
	const uint64_t rill__length##i = rill__length(rill__type##i, rill__kind##i, &rill__seen##i);

#define RILL__OR_LENGTH(i, x)  | (RILL__HAS_LENGTH(rill__type##i) ? rill__length##i : 0)
#define RILL__ADD_LENGTH(i, x) +rill__length##i
#define RILL__OR_TAIL(i, x)    || RILL__HAS_TAIL(rill__type##i)
#define RILL__AND_QUICK(i, x)                                                                      \
	&&!RILL__IS_BODY(rill__type##i) &&                                                         \
		(!RILL__HAS_LENGTH(rill__type##i) || rill__has_bytes(&rill__seen##i))

#define RILL__PUT_TAG(i, x)                                                                        \
	rill__put32(rill__at + sizeof(struct rill__record) + 4u * i, rill__tag##i);
#define RILL__PUT_SLOT(i, n)                                                                       \
	rill__tail = rill__put_slot(rill__at + RILL__WORDS_AT(n) + 8u * i, rill__tail,             \
				    rill__type##i, &rill__seen##i, rill__length##i);

#define RILL__EMIT(c, e, n, ...)                                                                   \
	do {                                                                                       \
		if (RILL__UNLIKELY(rill__gate_open(&rill__##c##_gate, rill__##c##e))) {            \
			RILL__EACH##n(RILL__DECLARE, c, __VA_ARGS__);                              \
			RILL__SITE(&rill__##c##_gate, rill__##c##e, n);                            \
			RILL__INDEX##n(RILL__LOOK, );                                              \
			uint64_t rill__size =                                                      \
				RILL__TAIL_AT(n) +                                                 \
				((0u RILL__INDEX##n(RILL__ADD_LENGTH, ) + 7u) & ~7ull);            \
			uint64_t rill__time;                                                       \
			struct rill__place rill__place;                                            \
			if (RILL__LIKELY((0u RILL__INDEX##n(RILL__OR_LENGTH, )) <=                 \
					 RILL__SHORT_LENGTH RILL__INDEX##n(RILL__AND_QUICK, )) &&  \
			    rill__reserved(rill__place =                                           \
						   rill__reserve(&rill__##c##_gate, rill__##c##e,  \
								 rill__size, &rill__time))) {      \
				RILL__WRITE(&rill__##c##_gate, rill__##c##e, n);                   \
			} else {                                                                   \
				rill__emit(&rill__site RILL__EACH##n(RILL__PASS, c, __VA_ARGS__)); \
			}                                                                          \
		}                                                                                  \
	} while (0)

#define RILL__EMIT_COMPACT(c, e, n, ...)                                                           \
	do {                                                                                       \
		if (RILL__UNLIKELY(rill__gate_open(&rill__##c##_gate, rill__##c##e))) {            \
			RILL__EACH##n(RILL__DECLARE, c, __VA_ARGS__);                              \
			RILL__SITE(&rill__##c##_gate, rill__##c##e, n);                            \
			rill__emit(&rill__site RILL__EACH##n(RILL__PASS, c, __VA_ARGS__));         \
		}                                                                                  \
	} while (0)

#define RILL__WRITE(gate, id, n)                                                                   \
	unsigned char *rill__at = rill__place_at(rill__place);                                     \
	unsigned char *rill__tail = rill__at + RILL__TAIL_AT(n);                                   \
	if (0 RILL__INDEX##n(RILL__OR_TAIL, ))                                                     \
		rill__put64(rill__at + rill__size - 8, 0);                                         \
	rill__put_header(rill__at, gate, rill__time, id, n, rill__size);                           \
	RILL__INDEX##n(RILL__PUT_TAG, );                                                           \
	if (n % 2)                                                                                 \
		rill__put32(rill__at + RILL__WORDS_AT(n) - 4, 0);                                  \
	RILL__INDEX##n(RILL__PUT_SLOT, n);                                                         \
	(void)rill__tail;                                                                          \
	rill__commit(rill__place, rill__size);

/* --- nested events ------------------------------------------------------------------------- */

RILL__INLINE struct rill_value rill__field_of(uint32_t set, uint32_t class_, struct rill_value val)
{
	uint32_t type = RILL__TYPE_FOR(set, class_);
	return rill__value_of(type, RILL__KIND_OF(class_), rill__val_as(type, val));
}

#define RILL__FIELD(c, i, key) RILL__KEY(RILL__FIELD_, RILL__NO_FIELD, i, rill__##c##key)
#define RILL__NO_FIELD(i, key) {__extension__({ RILL__NO_SUCH_KEY(i, key) 0u; }), {0, 0, 0, 0}},
/* The check stands in a block of its own, the value does not: a list in it must outlive the block.
 */
#define RILL__FIELD_(i, id, set, message, args)                                                    \
	{id + __extension__({                                                                      \
		 _Static_assert(RILL__ACCEPTS(set, RILL__CLASS args), message);                    \
		 0u;                                                                               \
	 }),                                                                                       \
	 rill__field_of(set, RILL__CLASS args, RILL__VAL args)},

#define RILL__NESTED(c, e, n, ...)                                                                 \
	rill__event_of((uint32_t)rill__##c##e | rill__catalog_tag(&rill__##c##_gate),              \
		       (const struct rill_field[n + 1]){                                           \
			       RILL__EACH_FIELD##n(RILL__FIELD, c, __VA_ARGS__){0, {0, 0, 0, 0}}}, \
		       n)

#endif
