/*
 * rill_event(), rill_nested() and rill_list() in C++17: types by templates, and one full
 * expression, so that every temporary of the call lives until the record is written.
 */
#ifndef RILL_STATIC_EVENT_CXX_H
#define RILL_STATIC_EVENT_CXX_H

#if __cplusplus < 201703L
#error "rill needs C++17: compile with -std=c++17 or later"
#endif

#include <type_traits>

#include <rill/static/arity.h>
#include <rill/static/encode.h>

/* --- class and value of an argument -------------------------------------------------------- */

template <typename T, typename = void> struct rill__cxx_arg {
	static constexpr unsigned cls = RILL__IS_OTHER;
	static rill__val make(const T &)
	{
		return rill__val_word(0);
	}
};

template <typename T> struct rill__cxx_arg<T, std::enable_if_t<std::is_integral_v<T>>> {
	static constexpr unsigned cls = std::is_same_v<T, bool> ? RILL__IS_BOOL
					: std::is_signed_v<T>   ? RILL__IS_SIGNED
								: RILL__IS_UNSIGNED;
	static rill__val make(T x)
	{
		if constexpr (std::is_signed_v<T>)
			return rill__val_signed(x);
		else
			return rill__val_word(x);
	}
};

/* An enumeration without `class` counts as its integer, as in C. */
template <typename T>
struct rill__cxx_arg<T, std::enable_if_t<std::is_enum_v<T> && std::is_convertible_v<T, int>>>
    : rill__cxx_arg<std::underlying_type_t<T>> {
};

template <typename T>
struct rill__cxx_arg<T, std::enable_if_t<std::is_same_v<T, float> || std::is_same_v<T, double>>> {
	static constexpr unsigned cls = RILL__IS_FLOAT;
	static rill__val make(double x)
	{
		return rill__val_float(x);
	}
};

template <> struct rill__cxx_arg<const char *> {
	static constexpr unsigned cls = RILL__IS_TEXT;
	static rill__val make(const char *x)
	{
		return rill__val_text(x);
	}
};
template <> struct rill__cxx_arg<char *> : rill__cxx_arg<const char *> {
};

/* std::string, std::string_view, std::vector<char>: what has data() and size(). */
template <typename T>
struct rill__cxx_arg<
	T,
	std::enable_if_t<
		std::is_convertible_v<decltype(std::declval<const T &>().data()), const char *> &&
		std::is_convertible_v<decltype(std::declval<const T &>().size()), size_t>>> {
	static constexpr unsigned cls = RILL__IS_TEXT_SIZED;
	static rill__val make(const T &x)
	{
		return rill__val_sized(x.data(), x.size());
	}
};

template <> struct rill__cxx_arg<in_addr> {
	static constexpr unsigned cls = RILL__IS_IP;
	static rill__val make(in_addr x)
	{
		return rill__val_in4(&x);
	}
};
template <> struct rill__cxx_arg<const in_addr *> {
	static constexpr unsigned cls = RILL__IS_IP;
	static rill__val make(const in_addr *x)
	{
		return rill__val_in4(x);
	}
};
template <> struct rill__cxx_arg<in_addr *> : rill__cxx_arg<const in_addr *> {
};
template <> struct rill__cxx_arg<const in6_addr *> {
	static constexpr unsigned cls = RILL__IS_IP;
	static rill__val make(const in6_addr *x)
	{
		return rill__val_in6(x);
	}
};
template <> struct rill__cxx_arg<in6_addr *> : rill__cxx_arg<const in6_addr *> {
};

template <typename T>
inline constexpr bool rill__cxx_is_sockaddr =
	std::is_same_v<T, sockaddr> || std::is_same_v<T, sockaddr_in> ||
	std::is_same_v<T, sockaddr_in6> || std::is_same_v<T, sockaddr_storage>;

template <typename T>
struct rill__cxx_arg<T *, std::enable_if_t<rill__cxx_is_sockaddr<std::remove_const_t<T>>>> {
	static constexpr unsigned cls = RILL__IS_IP;
	static rill__val make(const T *x)
	{
		return rill__val_sockaddr(x);
	}
};

/* The structures of <rill/value.h>, and what rill_list() and rill_nested() make here. */
template <uint32_t Type> struct rill__cxx_typed {
	static constexpr unsigned cls = 1u << Type;
	template <typename T> static rill__val make(const T &x)
	{
		return rill__val_typed(x.value);
	}
};

template <> struct rill__cxx_arg<rill_value_none> : rill__cxx_typed<RILL_TYPE_NONE> {
};
template <> struct rill__cxx_arg<rill_value_bool> : rill__cxx_typed<RILL_TYPE_BOOL> {
};
template <> struct rill__cxx_arg<rill_value_u64> : rill__cxx_typed<RILL_TYPE_U64> {
};
template <> struct rill__cxx_arg<rill_value_i64> : rill__cxx_typed<RILL_TYPE_I64> {
};
template <> struct rill__cxx_arg<rill_value_f64> : rill__cxx_typed<RILL_TYPE_F64> {
};
template <> struct rill__cxx_arg<rill_value_duration> : rill__cxx_typed<RILL_TYPE_DURATION> {
};
template <> struct rill__cxx_arg<rill_value_timestamp> : rill__cxx_typed<RILL_TYPE_TIMESTAMP> {
};
template <> struct rill__cxx_arg<rill_value_string> : rill__cxx_typed<RILL_TYPE_STRING> {
};
template <> struct rill__cxx_arg<rill_value_bytes> : rill__cxx_typed<RILL_TYPE_BYTES> {
};
template <> struct rill__cxx_arg<rill_value_ip> : rill__cxx_typed<RILL_TYPE_IP> {
};
template <> struct rill__cxx_arg<rill_value_list> : rill__cxx_typed<RILL_TYPE_LIST> {
};
template <> struct rill__cxx_arg<rill_value_event> : rill__cxx_typed<RILL_TYPE_EVENT> {
};

/* Each points into itself, so it is made in place and never copied. */
template <size_t N> struct rill__cxx_list {
	rill_value value;
	rill_value items[N];

	template <typename... T>
	explicit rill__cxx_list(const T &...item)
	    : value(rill__value(RILL_TYPE_LIST, N, items)), items{item.value...}
	{
	}
	rill__cxx_list(const rill__cxx_list &) = delete;
};
template <size_t N> struct rill__cxx_arg<rill__cxx_list<N>> : rill__cxx_typed<RILL_TYPE_LIST> {
};

template <typename... T> inline rill__cxx_list<sizeof...(T)> rill__cxx_make_list(const T &...item)
{
	return rill__cxx_list<sizeof...(T)>(item...);
}

template <size_t N> struct rill__cxx_event {
	rill_value value;
	rill_field fields[N + 1];

	template <typename... F>
	explicit rill__cxx_event(uint32_t event, const F &...field)
	    : value(rill__event_of(event, fields, N).value), fields{field..., rill_field()}
	{
	}
	rill__cxx_event(const rill__cxx_event &) = delete;
};
template <size_t N> struct rill__cxx_arg<rill__cxx_event<N>> : rill__cxx_typed<RILL_TYPE_EVENT> {
};

template <typename... F>
inline rill__cxx_event<sizeof...(F)> rill__cxx_make_event(uint32_t event, const F &...field)
{
	return rill__cxx_event<sizeof...(F)>(event, field...);
}

#define rill_list(...) rill__cxx_make_list(__VA_ARGS__)

/* --- of a key's one or two arguments ------------------------------------------------------- */

template <unsigned Class> using rill__cxx_class = std::integral_constant<unsigned, Class>;

template <typename T>
rill__cxx_class<rill__cxx_arg<std::decay_t<T>>::cls> rill__cxx_classify(const T &x);

template <typename P, typename N>
rill__cxx_class<!std::is_pointer_v<std::decay_t<P>>                    ? RILL__IS_OTHER
		: std::is_convertible_v<std::decay_t<P>, const char *> ? RILL__IS_TEXT_SIZED
		: std::is_void_v<std::remove_pointer_t<std::decay_t<P>>> ||
				std::is_convertible_v<std::decay_t<P>, const unsigned char *> ||
				std::is_convertible_v<std::decay_t<P>, const signed char *>
			? RILL__IS_BYTES_SIZED
			: RILL__IS_OTHER>
rill__cxx_classify(const P &p, N n);

template <typename T> RILL__INLINE rill__val rill__cxx_make(const T &x)
{
	return rill__cxx_arg<std::decay_t<T>>::make(x);
}

template <typename P, typename N> RILL__INLINE rill__val rill__cxx_make(const P &p, N n)
{
	if constexpr (std::is_same_v<N, size_t>)
		return rill__val_sized(p, n);
	else
		return rill__val_sized(p, static_cast<size_t>(n));
}

template <uint32_t Tag, uint32_t Type> struct rill__cxx_slot {
	rill__val val;
};

template <uint32_t Key, uint32_t Set, typename... A>
RILL__INLINE auto rill__cxx_make_slot(const A &...argument)
{
	constexpr uint32_t type =
		rill__type_for(Set, decltype(rill__cxx_classify(argument...))::value);
	return rill__cxx_slot<RILL__TAG(Key, type), type>{rill__cxx_make(argument...)};
}

template <uint32_t Key, uint32_t Set, typename... A>
inline rill_field rill__cxx_make_field(const A &...argument)
{
	constexpr unsigned cls = decltype(rill__cxx_classify(argument...))::value;
	return rill_field{Key,
			  rill__value_of(rill__type_for(Set, cls), rill__cxx_make(argument...))};
}

/* --- writing the record: the same steps as RILL__WRITE in event.h -------------------------- */

template <uint32_t Tag, uint32_t Type>
RILL__INLINE void rill__cxx_shorten(rill__cxx_slot<Tag, Type> &slot, uint64_t total, uint32_t n)
{
	if constexpr (RILL__HAS_LENGTH(Type)) {
		slot.val = rill__shortened(slot.val, Type, total, n);
	}
}

template <uint32_t Event, uint32_t... Tag, uint32_t... Type>
RILL__INLINE void rill__cxx_emit(const rill__gate *gate, rill__cxx_slot<Tag, Type>... slot)
{
	constexpr uint32_t n = sizeof...(Tag);
	uint64_t any = (0u | ... | (RILL__HAS_LENGTH(Type) ? slot.val.length : 0u));
	if (RILL__UNLIKELY(any > RILL__EASY_LENGTH(n))) {
		uint64_t total = (0u + ... +
				  (RILL__HAS_LENGTH(Type) ? rill__saturate(slot.val.length) : 0u));
		(rill__cxx_shorten(slot, total, n), ...);
		static_cast<void>(total);
	}
	uint64_t size = RILL__TAIL_AT(n) + (((0u + ... + slot.val.length) + 7u) & ~uint64_t{7});
	uint64_t ticks;
	rill__place place = rill__reserve(gate, Event, size, &ticks);
	if (RILL__UNLIKELY(place.producer == nullptr))
		return;
	unsigned char *at = place.producer->write + place.position;
	unsigned char *tag = at + sizeof(rill__record);
	unsigned char *word = at + RILL__WORDS_AT(n);
	unsigned char *tail = at + RILL__TAIL_AT(n);
	if constexpr ((false || ... || RILL__HAS_TAIL(Type)))
		rill__put64(at + size - 8, 0);
	rill__put_header(at, gate, ticks, Event, n, size);
	if constexpr (n % 2 != 0)
		rill__put32(at + RILL__WORDS_AT(n) - 4, 0);
	((rill__put32(tag, Tag), tag += 4), ...);
	((tail = rill__put_slot(word, tail, Type, &slot.val), word += 8), ...);
	static_cast<void>(tag);
	static_cast<void>(word);
	static_cast<void>(tail);
	rill__commit(place, size);
}

/* These macros name nothing without rill's prefix: the program may have a macro of that name. */
#define RILL__CHECK(c, i, key) RILL__KEY(RILL__CHECK_, RILL__NO_SUCH_KEY, i, rill__##c##key)
#define RILL__CHECK_(i, id, set, message, args)                                                    \
	static_assert(RILL__ACCEPTS(set, decltype(rill__cxx_classify args)()), message);

#define RILL__SLOT(c, i, key) RILL__KEY(RILL__SLOT_, RILL__NO_SLOT, i, rill__##c##key)
#define RILL__NO_SLOT(i, key)
#define RILL__SLOT_(i, id, set, message, args) , rill__cxx_make_slot<id, set> args

#define RILL__EMIT(c, e, n, ...)                                                                   \
	do {                                                                                       \
		if (RILL__UNLIKELY(rill__gate_open(&rill__##c##_gate, rill__##c##e))) {            \
			RILL__EACH##n(RILL__CHECK, c, __VA_ARGS__) rill__cxx_emit<rill__##c##e>(   \
				&rill__##c##_gate RILL__EACH##n(RILL__SLOT, c, __VA_ARGS__));      \
		}                                                                                  \
	} while (0)

#define RILL__FIELD(c, i, key) RILL__KEY(RILL__FIELD_, RILL__NO_FIELD, i, rill__##c##key)
#define RILL__NO_FIELD(i, key) , (__extension__({RILL__NO_SUCH_KEY(i, key)}), rill_field())
#define RILL__FIELD_(i, id, set, message, args)                                                    \
	, (__extension__({RILL__CHECK_(i, id, set, message, args)}),                               \
	   rill__cxx_make_field<id, set> args)

#define RILL__NESTED(c, e, n, ...)                                                                 \
	rill__cxx_make_event(rill__##c##e |                                                        \
			     rill__catalog_tag(&rill__##c##_gate)                                  \
				     RILL__EACH_FIELD##n(RILL__FIELD, c, __VA_ARGS__))

#endif
