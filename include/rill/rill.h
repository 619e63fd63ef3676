/*
 * rill: a lock-free in-process tracing runtime.
 *
 * Programs include the header of a catalog (<rill/stalwart.h>, or one that rill-gen made from their
 * own page), which includes this one:
 *
 *     #define RILL_CATALOG stalwart
 *     #include <rill/stalwart.h>
 *
 *     rill_event(smtp_ehlo, spanId(id), remoteIp(&peer), hostname(name, length), elapsed(ns));
 *
 * Nothing is recorded until the environment (RILL_FILTER, RILL_SINKS) or the functions below say
 * so.
 */
#ifndef RILL_RILL_H
#define RILL_RILL_H

#include <rill/catalog.h>
#include <rill/control.h>
#ifdef __cplusplus
#include <rill/static/event_cxx.h>
#else
#include <rill/static/event.h>
#endif

/*
 * rill_event(event, key(value), ...): records an event of the catalog RILL_CATALOG, with at most 16
 * keys.
 *
 * Off, it costs three instructions (x86-64) and its arguments are not evaluated. On, they are
 * evaluated once; strings and bytes are copied before it returns, those of up to 31 bytes without a
 * call. (Longer ones, up to 1,023 bytes, cost what they cost in rill_event_compact(); what is
 * longer still, lists and nested events cost a multiple of that.) errno, the signal mask and
 * floating-point state stay as they were. Takes no lock, allocates nothing and makes no system
 * call, with three exceptions: a thread's first event, the wake-up of a sleeping collector, and a
 * full ring under the policy `block`.
 *
 * Thread-safe; async-signal-safe; usable in constructors, destructors, atexit and TLS destructors,
 * and in the child after fork(). docs/reliability.md has the known limits.
 *
 * What a key takes: u64, i64, duration (ns) and timestamp (ns since the Unix epoch) any integer;
 * bool a bool (in C an int as well: what a comparison yields); f64 a float or double; string a
 * `char *` or `(char *, length)`; bytes `(pointer, length)`; ip a struct in_addr or a pointer to
 * in_addr, in6_addr, sockaddr, sockaddr_in, sockaddr_in6 or sockaddr_storage; list, event and none
 * the values of <rill/value.h>, as does any key whose type is to be stated:
 * details(rill_duration(ns)).
 */
#define rill_event(...)                                                                            \
	RILL__PICK17(_e_##__VA_ARGS__, RILL__KEYS16, RILL__KEYS15, RILL__KEYS14, RILL__KEYS13,     \
		     RILL__KEYS12, RILL__KEYS11, RILL__KEYS10, RILL__KEYS9, RILL__KEYS8,           \
		     RILL__KEYS7, RILL__KEYS6, RILL__KEYS5, RILL__KEYS4, RILL__KEYS3, RILL__KEYS2, \
		     RILL__KEYS1, RILL__KEYS0, )                                                   \
	(RILL__EMIT, RILL_CATALOG, _e_##__VA_ARGS__)

/* The same with the catalog in the call: rill_event_in(stalwart, smtp_ehlo, spanId(id)). */
#define rill_event_in(catalog, ...)                                                                \
	RILL__PICK17(_e_##__VA_ARGS__, RILL__KEYS16, RILL__KEYS15, RILL__KEYS14, RILL__KEYS13,     \
		     RILL__KEYS12, RILL__KEYS11, RILL__KEYS10, RILL__KEYS9, RILL__KEYS8,           \
		     RILL__KEYS7, RILL__KEYS6, RILL__KEYS5, RILL__KEYS4, RILL__KEYS3, RILL__KEYS2, \
		     RILL__KEYS1, RILL__KEYS0, )                                                   \
	(RILL__EMIT, catalog, _e_##__VA_ARGS__)

/*
 * rill_event_compact(event, key(value), ...): the same event by one call of the library, for code
 * that is not hot: start-up, errors, what happens once a connection. Keys, checks, cuts, accounting
 * and all that is said above are those of rill_event(), and both may stand in one program.
 *
 * With gcc 12 and clang 14 on x86-64 a site of four keys takes 55 to 59 bytes of code instead of
 * 430 to 460, besides 40 bytes of constants in either form; off, it costs the same three
 * instructions. On, it takes two and a half to three times the instructions, and some 90 more when
 * a string is longer than 31 bytes. At most five argument words (a string with its length is two)
 * and strings of up to 1,023 bytes: beyond that it is slower.
 */
#define rill_event_compact(...)                                                                    \
	RILL__PICK17(_e_##__VA_ARGS__, RILL__KEYS16, RILL__KEYS15, RILL__KEYS14, RILL__KEYS13,     \
		     RILL__KEYS12, RILL__KEYS11, RILL__KEYS10, RILL__KEYS9, RILL__KEYS8,           \
		     RILL__KEYS7, RILL__KEYS6, RILL__KEYS5, RILL__KEYS4, RILL__KEYS3, RILL__KEYS2, \
		     RILL__KEYS1, RILL__KEYS0, )                                                   \
	(RILL__EMIT_COMPACT, RILL_CATALOG, _e_##__VA_ARGS__)

#define rill_event_compact_in(catalog, ...)                                                        \
	RILL__PICK17(_e_##__VA_ARGS__, RILL__KEYS16, RILL__KEYS15, RILL__KEYS14, RILL__KEYS13,     \
		     RILL__KEYS12, RILL__KEYS11, RILL__KEYS10, RILL__KEYS9, RILL__KEYS8,           \
		     RILL__KEYS7, RILL__KEYS6, RILL__KEYS5, RILL__KEYS4, RILL__KEYS3, RILL__KEYS2, \
		     RILL__KEYS1, RILL__KEYS0, )                                                   \
	(RILL__EMIT_COMPACT, catalog, _e_##__VA_ARGS__)

/* An event as a value, for keys that take one: causedBy(rill_nested(auth_error, reason(text))). */
#define rill_nested(...)                                                                           \
	RILL__PICK17(_e_##__VA_ARGS__, RILL__FIELDS16, RILL__FIELDS15, RILL__FIELDS14,             \
		     RILL__FIELDS13, RILL__FIELDS12, RILL__FIELDS11, RILL__FIELDS10,               \
		     RILL__FIELDS9, RILL__FIELDS8, RILL__FIELDS7, RILL__FIELDS6, RILL__FIELDS5,    \
		     RILL__FIELDS4, RILL__FIELDS3, RILL__FIELDS2, RILL__FIELDS1, RILL__FIELDS0, )  \
	(RILL__NESTED, RILL_CATALOG, _e_##__VA_ARGS__)

#define rill_nested_in(catalog, ...)                                                               \
	RILL__PICK17(_e_##__VA_ARGS__, RILL__FIELDS16, RILL__FIELDS15, RILL__FIELDS14,             \
		     RILL__FIELDS13, RILL__FIELDS12, RILL__FIELDS11, RILL__FIELDS10,               \
		     RILL__FIELDS9, RILL__FIELDS8, RILL__FIELDS7, RILL__FIELDS6, RILL__FIELDS5,    \
		     RILL__FIELDS4, RILL__FIELDS3, RILL__FIELDS2, RILL__FIELDS1, RILL__FIELDS0, )  \
	(RILL__NESTED, catalog, _e_##__VA_ARGS__)

/*
 * This object's gate for a catalog, and its registration before main() (or in dlopen()). Stands
 * once in each generated header. The symbols are weak and hidden: one gate for an executable or
 * shared object, however many files of it include the header.
 */
#ifdef __cplusplus
#define RILL__EXTERN_C extern "C"
#else
#define RILL__EXTERN_C extern
#endif

#define RILL_CATALOG_OBJECT(name)                                                                  \
	RILL__EXTERN_C const struct rill_catalog rill_catalog_##name;                              \
	RILL__EXTERN_C                                                                             \
	__attribute__((weak, visibility("hidden"))) struct rill__gate rill__##name##_gate;         \
	struct rill__gate rill__##name##_gate = {rill__closed, 0, 0, RILL__NULL};                  \
	__attribute__((constructor(101), used)) static void rill__##name##_register(void)          \
	{                                                                                          \
		rill__register(&rill__##name##_gate, &rill_catalog_##name, RILL_CATALOG_LAYOUT,    \
			       sizeof(struct rill__gate));                                         \
	}                                                                                          \
	__attribute__((destructor(101), used)) static void rill__##name##_unregister(void)         \
	{                                                                                          \
		rill__unregister(&rill__##name##_gate);                                            \
	}

#endif
