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

#define RILL__CXX_INLINE inline __attribute__((always_inline))

/* --- class and value of an argument -------------------------------------------------------- */

template <typename T, typename = void> struct rill__cxx_arg {
	static constexpr unsigned cls = RILL__IS_OTHER;
	static rill_value make(const T &)
	{
		return rill__val_word(0);
	}
};

template <typename T> struct rill__cxx_arg<T, std::enable_if_t<std::is_integral_v<T>>> {
	static constexpr unsigned cls = std::is_same_v<T, bool> ? RILL__IS_BOOL
					: std::is_signed_v<T>   ? RILL__IS_SIGNED
								: RILL__IS_UNSIGNED;
	static rill_value make(T x)
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
	static rill_value make(double x)
	{
		return rill__val_float(x);
	}
};

template <> struct rill__cxx_arg<const char *> {
	static constexpr unsigned cls = RILL__IS_TEXT;
	static rill_value make(const char *x)
	{
		return rill__val_at(x);
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
	static rill_value make(const T &x)
	{
		return rill__val_sized(x.data(), x.size());
	}
};

template <> struct rill__cxx_arg<in_addr> {
	static constexpr unsigned cls = RILL__IS_IP(RILL__BY_WORD);
	static rill_value make(in_addr x)
	{
		return rill__val_in4_value(x);
	}
};
template <> struct rill__cxx_arg<const in_addr *> {
	static constexpr unsigned cls = RILL__IS_IP(RILL__BY_IN4);
	static rill_value make(const in_addr *x)
	{
		return rill__val_at(x);
	}
};
template <> struct rill__cxx_arg<in_addr *> : rill__cxx_arg<const in_addr *> {
};
template <> struct rill__cxx_arg<const in6_addr *> {
	static constexpr unsigned cls = RILL__IS_IP(RILL__BY_IN6);
	static rill_value make(const in6_addr *x)
	{
		return rill__val_at(x);
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
	static constexpr unsigned cls = RILL__IS_IP(RILL__BY_SOCKADDR);
	static rill_value make(const T *x)
	{
		return rill__val_at(x);
	}
};

/* The structures of <rill/value.h>, and what rill_list() and rill_nested() make here. */
template <uint32_t Type> struct rill__cxx_typed {
	static constexpr unsigned cls = RILL__IS_TYPED(Type);
	template <typename T> static rill_value make(const T &x)
	{
		return x.value;
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

template <typename T> RILL__INLINE rill_value rill__cxx_make(const T &x)
{
	return rill__cxx_arg<std::decay_t<T>>::make(x);
}

template <typename P, typename N> RILL__INLINE rill_value rill__cxx_make(const P &p, N n)
{
	if constexpr (std::is_same_v<N, size_t>)
		return rill__val_sized(p, n);
	else
		return rill__val_sized(p, static_cast<size_t>(n));
}

/* Words: how many of a call of rill__emit() it takes, one for each argument of the key. */
template <uint32_t Tag, uint32_t Type, uint32_t Kind, size_t Words> struct rill__cxx_slot {
	rill_value val;
};

template <uint32_t Key, uint32_t Set, typename... A>
RILL__INLINE auto rill__cxx_make_slot(const A &...argument)
{
	constexpr uint32_t cls = decltype(rill__cxx_classify(argument...))::value;
	constexpr uint32_t type = RILL__TYPE_FOR(Set, cls);
	constexpr uint32_t kind = RILL__KIND_OF(cls);
	constexpr size_t words = RILL__WORDS_OF(kind);
	return rill__cxx_slot<RILL__TAG(Key, type), type, kind, words>{rill__cxx_make(argument...)};
}

template <uint32_t Key, uint32_t Set, typename... A>
inline rill_field rill__cxx_make_field(const A &...argument)
{
	constexpr uint32_t cls = decltype(rill__cxx_classify(argument...))::value;
	return rill_field{Key, rill__value_of(RILL__TYPE_FOR(Set, cls), RILL__KIND_OF(cls),
					      rill__cxx_make(argument...))};
}

/* --- the call of rill__emit() -------------------------------------------------------------- */

/* Hidden, or each site would be a name that keeps a plugin from being unloaded. */
template <const rill__gate *Gate, uint64_t Kinds, uint32_t Head, uint32_t... Tag>
struct __attribute__((visibility("hidden"))) rill__cxx_site {
	const rill__gate *gate;
	uint64_t kinds;
	uint32_t head;
	uint32_t tags[sizeof...(Tag) + 1];
	static const rill__cxx_site site;
};
template <const rill__gate *Gate, uint64_t Kinds, uint32_t Head, uint32_t... Tag>
constexpr rill__cxx_site<Gate, Kinds, Head, Tag...>
	rill__cxx_site<Gate, Kinds, Head, Tag...>::site = {Gate, Kinds, Head, {Tag..., 0}};

/* The kind of the first slot is lowest. */
template <uint32_t... Kind> constexpr uint64_t rill__cxx_kinds()
{
	uint64_t kinds = 0;
	unsigned shift = 0;
	((kinds |= uint64_t{Kind} << shift, shift += 4), ...);
	static_cast<void>(shift);
	return kinds;
}

template <typename... W> RILL__INLINE void rill__cxx_pass(const void *site, W... word)
{
	rill__emit(site, word...);
}

/* Takes the first slot and puts its words behind all others: until there are only words. */
template <uint32_t Tag, uint32_t Type, uint32_t Kind, typename... R>
RILL__INLINE void rill__cxx_pass(const void *site, const rill__cxx_slot<Tag, Type, Kind, 1> &slot,
				 const R &...rest);
template <uint32_t Tag, uint32_t Type, uint32_t Kind, typename... R>
RILL__INLINE void rill__cxx_pass(const void *site, const rill__cxx_slot<Tag, Type, Kind, 2> &slot,
				 const R &...rest)
{
	rill__cxx_pass(site, rest..., rill__word1(Kind, &slot.val), rill__word2(&slot.val));
}
template <uint32_t Tag, uint32_t Type, uint32_t Kind, typename... R>
RILL__INLINE void rill__cxx_pass(const void *site, const rill__cxx_slot<Tag, Type, Kind, 1> &slot,
				 const R &...rest)
{
	rill__cxx_pass(site, rest..., rill__word1(Kind, &slot.val));
}

template <const rill__gate *Gate, uint32_t Event, uint32_t... Tag, uint32_t... Type,
	  uint32_t... Kind, size_t... Words>
RILL__INLINE void rill__cxx_emit_compact(const rill__cxx_slot<Tag, Type, Kind, Words> &...slot)
{
	constexpr uint32_t head =
		RILL__SITE_HEAD(Event, uint32_t{sizeof...(Tag)}, (0u + ... + RILL__WORDS_OF(Kind)));
	rill__cxx_pass(&rill__cxx_site<Gate, rill__cxx_kinds<Kind...>(), head, Tag...>::site,
		       slot...);
}

/* --- writing the record: the same steps as RILL__EMIT in event.h --------------------------- */

/* A slot whose value has been looked at. */
template <uint32_t Type, uint32_t Kind> struct rill__cxx_seen {
	rill_value val;
	uint64_t length;

	template <uint32_t Tag, size_t Words>
	RILL__CXX_INLINE explicit rill__cxx_seen(const rill__cxx_slot<Tag, Type, Kind, Words> &slot)
	    : val(rill__looked_at(Kind, slot.val)), length(rill__length(Type, Kind, &val))
	{
	}
	RILL__CXX_INLINE bool quick() const
	{
		return !RILL__IS_BODY(Type) && (!RILL__HAS_LENGTH(Type) || rill__has_bytes(&val));
	}
};

template <const rill__gate *Gate, uint32_t Event, uint32_t... Tag, uint32_t... Type,
	  uint32_t... Kind>
RILL__INLINE bool rill__cxx_write(const rill__cxx_seen<Type, Kind> &...seen)
{
	constexpr uint32_t n = sizeof...(Tag);
	uint64_t any = (0u | ... | (RILL__HAS_LENGTH(Type) ? seen.length : 0u));
	uint64_t size = RILL__TAIL_AT(n) + (((0u + ... + seen.length) + 7u) & ~uint64_t{7});
	uint64_t ticks;
	rill__place place;
	if (!RILL__LIKELY(any <= RILL__SHORT_LENGTH && (true && ... && seen.quick())) ||
	    !rill__reserved(place = rill__reserve(Gate, Event, size, &ticks)))
		return false;
	unsigned char *at = rill__place_at(place);
	unsigned char *tag = at + sizeof(rill__record);
	unsigned char *word = at + RILL__WORDS_AT(n);
	unsigned char *tail = at + RILL__TAIL_AT(n);
	if constexpr ((false || ... || RILL__HAS_TAIL(Type)))
		rill__put64(at + size - 8, 0);
	rill__put_header(at, Gate, ticks, Event, n, size);
	((rill__put32(tag, Tag), tag += 4), ...);
	if constexpr (n % 2 != 0)
		rill__put32(tag, 0);
	((tail = rill__put_slot(word, tail, Type, &seen.val, seen.length), word += 8), ...);
	static_cast<void>(tag);
	static_cast<void>(word);
	static_cast<void>(tail);
	rill__commit(place, size);
	return true;
}

template <const rill__gate *Gate, uint32_t Event, uint32_t... Tag, uint32_t... Type,
	  uint32_t... Kind, size_t... Words>
RILL__INLINE void rill__cxx_emit(const rill__cxx_slot<Tag, Type, Kind, Words> &...slot)
{
	bool written = rill__cxx_write<Gate, Event, Tag...>(rill__cxx_seen<Type, Kind>(slot)...);
	if (RILL__UNLIKELY(!written))
		rill__cxx_emit_compact<Gate, Event>(slot...);
}

/* These macros name nothing without rill's prefix: the program may have a macro of that name. */
#define RILL__CHECK(c, i, key) RILL__KEY(RILL__CHECK_, RILL__NO_SUCH_KEY, i, rill__##c##key)
#define RILL__CHECK_(i, id, set, message, args)                                                    \
	static_assert(RILL__ACCEPTS(set, decltype(rill__cxx_classify args)()), message);

#define RILL__SLOT(c, i, key)                  RILL__KEY(RILL__SLOT_, RILL__NO_SLOT, i, rill__##c##key)
#define RILL__NO_SLOT(i, key)                  RILL__COMMA##i rill__cxx_slot<0, 0, 0, 1>()
#define RILL__SLOT_(i, id, set, message, args) RILL__COMMA##i rill__cxx_make_slot<id, set> args
#define RILL__COMMA0
#define RILL__COMMA1                     ,
#define RILL__COMMA2                     ,
#define RILL__COMMA3                     ,
#define RILL__COMMA4                     ,
#define RILL__COMMA5                     ,
#define RILL__COMMA6                     ,
#define RILL__COMMA7                     ,
#define RILL__COMMA8                     ,
#define RILL__COMMA9                     ,
#define RILL__COMMA10                    ,
#define RILL__COMMA11                    ,
#define RILL__COMMA12                    ,
#define RILL__COMMA13                    ,
#define RILL__COMMA14                    ,
#define RILL__COMMA15                    ,
#define RILL__EMIT(c, e, n, ...)         RILL__EMIT_BY(rill__cxx_emit, c, e, n, __VA_ARGS__)
#define RILL__EMIT_COMPACT(c, e, n, ...) RILL__EMIT_BY(rill__cxx_emit_compact, c, e, n, __VA_ARGS__)
#define RILL__EMIT_BY(emit, c, e, n, ...)                                                          \
	do {                                                                                       \
		if (RILL__UNLIKELY(rill__gate_open(&rill__##c##_gate, rill__##c##e))) {            \
			RILL__EACH##n(RILL__CHECK, c, __VA_ARGS__);                                \
			emit<&rill__##c##_gate, rill__##c##e>(                                     \
				RILL__EACH##n(RILL__SLOT, c, __VA_ARGS__));                        \
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
