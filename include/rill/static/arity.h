/*
 * Counting and walking macro arguments, up to sixteen.
 *
 * Events and keys may be named like macros that are in scope (errno, linux, true). So every
 * argument is pasted to a prefix before anything could expand it: RILL__COUNT only selects, by
 * pasting the first, and RILL__KEYSn pastes each. What is inside a key's parentheses expands as
 * usual.
 */
#ifndef RILL_STATIC_ARITY_H
#define RILL_STATIC_ARITY_H

#define RILL__PICK17(e, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, n,   \
		     ...)                                                                          \
	n

#define RILL__PASTE(a, b)  RILL__PASTE_(a, b)
#define RILL__PASTE_(a, b) a##b

/* RILL__KEYSn(m, catalog, event, key(...), ...): m(catalog, event, n, _k_key(...), ...). */
#define RILL__KEYS0(m, c, e)                 m(c, e, 0, )
#define RILL__KEYS1(m, c, e, a0)             m(c, e, 1, _k_##a0)
#define RILL__KEYS2(m, c, e, a0, a1)         m(c, e, 2, _k_##a0, _k_##a1)
#define RILL__KEYS3(m, c, e, a0, a1, a2)     m(c, e, 3, _k_##a0, _k_##a1, _k_##a2)
#define RILL__KEYS4(m, c, e, a0, a1, a2, a3) m(c, e, 4, _k_##a0, _k_##a1, _k_##a2, _k_##a3)
#define RILL__KEYS5(m, c, e, a0, a1, a2, a3, a4)                                                   \
	m(c, e, 5, _k_##a0, _k_##a1, _k_##a2, _k_##a3, _k_##a4)
#define RILL__KEYS6(m, c, e, a0, a1, a2, a3, a4, a5)                                               \
	m(c, e, 6, _k_##a0, _k_##a1, _k_##a2, _k_##a3, _k_##a4, _k_##a5)
#define RILL__KEYS7(m, c, e, a0, a1, a2, a3, a4, a5, a6)                                           \
	m(c, e, 7, _k_##a0, _k_##a1, _k_##a2, _k_##a3, _k_##a4, _k_##a5, _k_##a6)
#define RILL__KEYS8(m, c, e, a0, a1, a2, a3, a4, a5, a6, a7)                                       \
	m(c, e, 8, _k_##a0, _k_##a1, _k_##a2, _k_##a3, _k_##a4, _k_##a5, _k_##a6, _k_##a7)
#define RILL__KEYS9(m, c, e, a0, a1, a2, a3, a4, a5, a6, a7, a8)                                   \
	m(c, e, 9, _k_##a0, _k_##a1, _k_##a2, _k_##a3, _k_##a4, _k_##a5, _k_##a6, _k_##a7, _k_##a8)
#define RILL__KEYS10(m, c, e, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9)                              \
	m(c, e, 10, _k_##a0, _k_##a1, _k_##a2, _k_##a3, _k_##a4, _k_##a5, _k_##a6, _k_##a7,        \
	  _k_##a8, _k_##a9)
#define RILL__KEYS11(m, c, e, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10)                         \
	m(c, e, 11, _k_##a0, _k_##a1, _k_##a2, _k_##a3, _k_##a4, _k_##a5, _k_##a6, _k_##a7,        \
	  _k_##a8, _k_##a9, _k_##a10)
#define RILL__KEYS12(m, c, e, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11)                    \
	m(c, e, 12, _k_##a0, _k_##a1, _k_##a2, _k_##a3, _k_##a4, _k_##a5, _k_##a6, _k_##a7,        \
	  _k_##a8, _k_##a9, _k_##a10, _k_##a11)
#define RILL__KEYS13(m, c, e, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12)               \
	m(c, e, 13, _k_##a0, _k_##a1, _k_##a2, _k_##a3, _k_##a4, _k_##a5, _k_##a6, _k_##a7,        \
	  _k_##a8, _k_##a9, _k_##a10, _k_##a11, _k_##a12)
#define RILL__KEYS14(m, c, e, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13)          \
	m(c, e, 14, _k_##a0, _k_##a1, _k_##a2, _k_##a3, _k_##a4, _k_##a5, _k_##a6, _k_##a7,        \
	  _k_##a8, _k_##a9, _k_##a10, _k_##a11, _k_##a12, _k_##a13)
#define RILL__KEYS15(m, c, e, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14)     \
	m(c, e, 15, _k_##a0, _k_##a1, _k_##a2, _k_##a3, _k_##a4, _k_##a5, _k_##a6, _k_##a7,        \
	  _k_##a8, _k_##a9, _k_##a10, _k_##a11, _k_##a12, _k_##a13, _k_##a14)
#define RILL__KEYS16(m, c, e, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14,     \
		     a15)                                                                          \
	m(c, e, 16, _k_##a0, _k_##a1, _k_##a2, _k_##a3, _k_##a4, _k_##a5, _k_##a6, _k_##a7,        \
	  _k_##a8, _k_##a9, _k_##a10, _k_##a11, _k_##a12, _k_##a13, _k_##a14, _k_##a15)

/* RILL__EACHn(m, catalog, key, ...): m(catalog, index, key) one after another. */
#define RILL__EACH0(m, c, none)
#define RILL__EACH1(m, c, a0)             m(c, 0, a0)
#define RILL__EACH2(m, c, a0, a1)         m(c, 0, a0) m(c, 1, a1)
#define RILL__EACH3(m, c, a0, a1, a2)     m(c, 0, a0) m(c, 1, a1) m(c, 2, a2)
#define RILL__EACH4(m, c, a0, a1, a2, a3) m(c, 0, a0) m(c, 1, a1) m(c, 2, a2) m(c, 3, a3)
#define RILL__EACH5(m, c, a0, a1, a2, a3, a4)                                                      \
	m(c, 0, a0) m(c, 1, a1) m(c, 2, a2) m(c, 3, a3) m(c, 4, a4)
#define RILL__EACH6(m, c, a0, a1, a2, a3, a4, a5)                                                  \
	m(c, 0, a0) m(c, 1, a1) m(c, 2, a2) m(c, 3, a3) m(c, 4, a4) m(c, 5, a5)
#define RILL__EACH7(m, c, a0, a1, a2, a3, a4, a5, a6)                                              \
	m(c, 0, a0) m(c, 1, a1) m(c, 2, a2) m(c, 3, a3) m(c, 4, a4) m(c, 5, a5) m(c, 6, a6)
#define RILL__EACH8(m, c, a0, a1, a2, a3, a4, a5, a6, a7)                                          \
	m(c, 0, a0) m(c, 1, a1) m(c, 2, a2) m(c, 3, a3) m(c, 4, a4) m(c, 5, a5) m(c, 6, a6)        \
		m(c, 7, a7)
#define RILL__EACH9(m, c, a0, a1, a2, a3, a4, a5, a6, a7, a8)                                      \
	m(c, 0, a0) m(c, 1, a1) m(c, 2, a2) m(c, 3, a3) m(c, 4, a4) m(c, 5, a5) m(c, 6, a6)        \
		m(c, 7, a7) m(c, 8, a8)
#define RILL__EACH10(m, c, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9)                                 \
	m(c, 0, a0) m(c, 1, a1) m(c, 2, a2) m(c, 3, a3) m(c, 4, a4) m(c, 5, a5) m(c, 6, a6)        \
		m(c, 7, a7) m(c, 8, a8) m(c, 9, a9)
#define RILL__EACH11(m, c, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10)                            \
	m(c, 0, a0) m(c, 1, a1) m(c, 2, a2) m(c, 3, a3) m(c, 4, a4) m(c, 5, a5) m(c, 6, a6)        \
		m(c, 7, a7) m(c, 8, a8) m(c, 9, a9) m(c, 10, a10)
#define RILL__EACH12(m, c, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11)                       \
	m(c, 0, a0) m(c, 1, a1) m(c, 2, a2) m(c, 3, a3) m(c, 4, a4) m(c, 5, a5) m(c, 6, a6)        \
		m(c, 7, a7) m(c, 8, a8) m(c, 9, a9) m(c, 10, a10) m(c, 11, a11)
#define RILL__EACH13(m, c, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12)                  \
	m(c, 0, a0) m(c, 1, a1) m(c, 2, a2) m(c, 3, a3) m(c, 4, a4) m(c, 5, a5) m(c, 6, a6)        \
		m(c, 7, a7) m(c, 8, a8) m(c, 9, a9) m(c, 10, a10) m(c, 11, a11) m(c, 12, a12)
#define RILL__EACH14(m, c, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13)             \
	m(c, 0, a0) m(c, 1, a1) m(c, 2, a2) m(c, 3, a3) m(c, 4, a4) m(c, 5, a5) m(c, 6, a6)        \
		m(c, 7, a7) m(c, 8, a8) m(c, 9, a9) m(c, 10, a10) m(c, 11, a11) m(c, 12, a12)      \
			m(c, 13, a13)
#define RILL__EACH15(m, c, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14)        \
	m(c, 0, a0) m(c, 1, a1) m(c, 2, a2) m(c, 3, a3) m(c, 4, a4) m(c, 5, a5) m(c, 6, a6)        \
		m(c, 7, a7) m(c, 8, a8) m(c, 9, a9) m(c, 10, a10) m(c, 11, a11) m(c, 12, a12)      \
			m(c, 13, a13) m(c, 14, a14)
#define RILL__EACH16(m, c, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15)   \
	m(c, 0, a0) m(c, 1, a1) m(c, 2, a2) m(c, 3, a3) m(c, 4, a4) m(c, 5, a5) m(c, 6, a6)        \
		m(c, 7, a7) m(c, 8, a8) m(c, 9, a9) m(c, 10, a10) m(c, 11, a11) m(c, 12, a12)      \
			m(c, 13, a13) m(c, 14, a14) m(c, 15, a15)

/* RILL__FIELDSn(m, catalog, event, key(...), ...): m(catalog, event, n, _k_key(...), ...). */
#define RILL__FIELDS0(m, c, e)                 m(c, e, 0, )
#define RILL__FIELDS1(m, c, e, a0)             m(c, e, 1, _k_##a0)
#define RILL__FIELDS2(m, c, e, a0, a1)         m(c, e, 2, _k_##a0, _k_##a1)
#define RILL__FIELDS3(m, c, e, a0, a1, a2)     m(c, e, 3, _k_##a0, _k_##a1, _k_##a2)
#define RILL__FIELDS4(m, c, e, a0, a1, a2, a3) m(c, e, 4, _k_##a0, _k_##a1, _k_##a2, _k_##a3)
#define RILL__FIELDS5(m, c, e, a0, a1, a2, a3, a4)                                                 \
	m(c, e, 5, _k_##a0, _k_##a1, _k_##a2, _k_##a3, _k_##a4)
#define RILL__FIELDS6(m, c, e, a0, a1, a2, a3, a4, a5)                                             \
	m(c, e, 6, _k_##a0, _k_##a1, _k_##a2, _k_##a3, _k_##a4, _k_##a5)
#define RILL__FIELDS7(m, c, e, a0, a1, a2, a3, a4, a5, a6)                                         \
	m(c, e, 7, _k_##a0, _k_##a1, _k_##a2, _k_##a3, _k_##a4, _k_##a5, _k_##a6)
#define RILL__FIELDS8(m, c, e, a0, a1, a2, a3, a4, a5, a6, a7)                                     \
	m(c, e, 8, _k_##a0, _k_##a1, _k_##a2, _k_##a3, _k_##a4, _k_##a5, _k_##a6, _k_##a7)
#define RILL__FIELDS9(m, c, e, a0, a1, a2, a3, a4, a5, a6, a7, a8)                                 \
	m(c, e, 9, _k_##a0, _k_##a1, _k_##a2, _k_##a3, _k_##a4, _k_##a5, _k_##a6, _k_##a7, _k_##a8)
#define RILL__FIELDS10(m, c, e, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9)                            \
	m(c, e, 10, _k_##a0, _k_##a1, _k_##a2, _k_##a3, _k_##a4, _k_##a5, _k_##a6, _k_##a7,        \
	  _k_##a8, _k_##a9)
#define RILL__FIELDS11(m, c, e, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10)                       \
	m(c, e, 11, _k_##a0, _k_##a1, _k_##a2, _k_##a3, _k_##a4, _k_##a5, _k_##a6, _k_##a7,        \
	  _k_##a8, _k_##a9, _k_##a10)
#define RILL__FIELDS12(m, c, e, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11)                  \
	m(c, e, 12, _k_##a0, _k_##a1, _k_##a2, _k_##a3, _k_##a4, _k_##a5, _k_##a6, _k_##a7,        \
	  _k_##a8, _k_##a9, _k_##a10, _k_##a11)
#define RILL__FIELDS13(m, c, e, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12)             \
	m(c, e, 13, _k_##a0, _k_##a1, _k_##a2, _k_##a3, _k_##a4, _k_##a5, _k_##a6, _k_##a7,        \
	  _k_##a8, _k_##a9, _k_##a10, _k_##a11, _k_##a12)
#define RILL__FIELDS14(m, c, e, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13)        \
	m(c, e, 14, _k_##a0, _k_##a1, _k_##a2, _k_##a3, _k_##a4, _k_##a5, _k_##a6, _k_##a7,        \
	  _k_##a8, _k_##a9, _k_##a10, _k_##a11, _k_##a12, _k_##a13)
#define RILL__FIELDS15(m, c, e, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14)   \
	m(c, e, 15, _k_##a0, _k_##a1, _k_##a2, _k_##a3, _k_##a4, _k_##a5, _k_##a6, _k_##a7,        \
	  _k_##a8, _k_##a9, _k_##a10, _k_##a11, _k_##a12, _k_##a13, _k_##a14)
#define RILL__FIELDS16(m, c, e, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14,   \
		       a15)                                                                        \
	m(c, e, 16, _k_##a0, _k_##a1, _k_##a2, _k_##a3, _k_##a4, _k_##a5, _k_##a6, _k_##a7,        \
	  _k_##a8, _k_##a9, _k_##a10, _k_##a11, _k_##a12, _k_##a13, _k_##a14, _k_##a15)

/* RILL__EACH_FIELDn(m, catalog, key, ...): m(catalog, index, key) one after another. */
#define RILL__EACH_FIELD0(m, c, none)
#define RILL__EACH_FIELD1(m, c, a0)             m(c, 0, a0)
#define RILL__EACH_FIELD2(m, c, a0, a1)         m(c, 0, a0) m(c, 1, a1)
#define RILL__EACH_FIELD3(m, c, a0, a1, a2)     m(c, 0, a0) m(c, 1, a1) m(c, 2, a2)
#define RILL__EACH_FIELD4(m, c, a0, a1, a2, a3) m(c, 0, a0) m(c, 1, a1) m(c, 2, a2) m(c, 3, a3)
#define RILL__EACH_FIELD5(m, c, a0, a1, a2, a3, a4)                                                \
	m(c, 0, a0) m(c, 1, a1) m(c, 2, a2) m(c, 3, a3) m(c, 4, a4)
#define RILL__EACH_FIELD6(m, c, a0, a1, a2, a3, a4, a5)                                            \
	m(c, 0, a0) m(c, 1, a1) m(c, 2, a2) m(c, 3, a3) m(c, 4, a4) m(c, 5, a5)
#define RILL__EACH_FIELD7(m, c, a0, a1, a2, a3, a4, a5, a6)                                        \
	m(c, 0, a0) m(c, 1, a1) m(c, 2, a2) m(c, 3, a3) m(c, 4, a4) m(c, 5, a5) m(c, 6, a6)
#define RILL__EACH_FIELD8(m, c, a0, a1, a2, a3, a4, a5, a6, a7)                                    \
	m(c, 0, a0) m(c, 1, a1) m(c, 2, a2) m(c, 3, a3) m(c, 4, a4) m(c, 5, a5) m(c, 6, a6)        \
		m(c, 7, a7)
#define RILL__EACH_FIELD9(m, c, a0, a1, a2, a3, a4, a5, a6, a7, a8)                                \
	m(c, 0, a0) m(c, 1, a1) m(c, 2, a2) m(c, 3, a3) m(c, 4, a4) m(c, 5, a5) m(c, 6, a6)        \
		m(c, 7, a7) m(c, 8, a8)
#define RILL__EACH_FIELD10(m, c, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9)                           \
	m(c, 0, a0) m(c, 1, a1) m(c, 2, a2) m(c, 3, a3) m(c, 4, a4) m(c, 5, a5) m(c, 6, a6)        \
		m(c, 7, a7) m(c, 8, a8) m(c, 9, a9)
#define RILL__EACH_FIELD11(m, c, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10)                      \
	m(c, 0, a0) m(c, 1, a1) m(c, 2, a2) m(c, 3, a3) m(c, 4, a4) m(c, 5, a5) m(c, 6, a6)        \
		m(c, 7, a7) m(c, 8, a8) m(c, 9, a9) m(c, 10, a10)
#define RILL__EACH_FIELD12(m, c, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11)                 \
	m(c, 0, a0) m(c, 1, a1) m(c, 2, a2) m(c, 3, a3) m(c, 4, a4) m(c, 5, a5) m(c, 6, a6)        \
		m(c, 7, a7) m(c, 8, a8) m(c, 9, a9) m(c, 10, a10) m(c, 11, a11)
#define RILL__EACH_FIELD13(m, c, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12)            \
	m(c, 0, a0) m(c, 1, a1) m(c, 2, a2) m(c, 3, a3) m(c, 4, a4) m(c, 5, a5) m(c, 6, a6)        \
		m(c, 7, a7) m(c, 8, a8) m(c, 9, a9) m(c, 10, a10) m(c, 11, a11) m(c, 12, a12)
#define RILL__EACH_FIELD14(m, c, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13)       \
	m(c, 0, a0) m(c, 1, a1) m(c, 2, a2) m(c, 3, a3) m(c, 4, a4) m(c, 5, a5) m(c, 6, a6)        \
		m(c, 7, a7) m(c, 8, a8) m(c, 9, a9) m(c, 10, a10) m(c, 11, a11) m(c, 12, a12)      \
			m(c, 13, a13)
#define RILL__EACH_FIELD15(m, c, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14)  \
	m(c, 0, a0) m(c, 1, a1) m(c, 2, a2) m(c, 3, a3) m(c, 4, a4) m(c, 5, a5) m(c, 6, a6)        \
		m(c, 7, a7) m(c, 8, a8) m(c, 9, a9) m(c, 10, a10) m(c, 11, a11) m(c, 12, a12)      \
			m(c, 13, a13) m(c, 14, a14)
#define RILL__EACH_FIELD16(m, c, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14,  \
			   a15)                                                                    \
	m(c, 0, a0) m(c, 1, a1) m(c, 2, a2) m(c, 3, a3) m(c, 4, a4) m(c, 5, a5) m(c, 6, a6)        \
		m(c, 7, a7) m(c, 8, a8) m(c, 9, a9) m(c, 10, a10) m(c, 11, a11) m(c, 12, a12)      \
			m(c, 13, a13) m(c, 14, a14) m(c, 15, a15)

/* RILL__INDEXn(m, extra): m(index, extra) one after another. */
#define RILL__INDEX0(m, x)
#define RILL__INDEX1(m, x) m(0, x)
#define RILL__INDEX2(m, x) m(0, x) m(1, x)
#define RILL__INDEX3(m, x) m(0, x) m(1, x) m(2, x)
#define RILL__INDEX4(m, x) m(0, x) m(1, x) m(2, x) m(3, x)
#define RILL__INDEX5(m, x) m(0, x) m(1, x) m(2, x) m(3, x) m(4, x)
#define RILL__INDEX6(m, x) m(0, x) m(1, x) m(2, x) m(3, x) m(4, x) m(5, x)
#define RILL__INDEX7(m, x) m(0, x) m(1, x) m(2, x) m(3, x) m(4, x) m(5, x) m(6, x)
#define RILL__INDEX8(m, x) m(0, x) m(1, x) m(2, x) m(3, x) m(4, x) m(5, x) m(6, x) m(7, x)
#define RILL__INDEX9(m, x) m(0, x) m(1, x) m(2, x) m(3, x) m(4, x) m(5, x) m(6, x) m(7, x) m(8, x)
#define RILL__INDEX10(m, x)                                                                        \
	m(0, x) m(1, x) m(2, x) m(3, x) m(4, x) m(5, x) m(6, x) m(7, x) m(8, x) m(9, x)
#define RILL__INDEX11(m, x)                                                                        \
	m(0, x) m(1, x) m(2, x) m(3, x) m(4, x) m(5, x) m(6, x) m(7, x) m(8, x) m(9, x) m(10, x)
#define RILL__INDEX12(m, x)                                                                        \
	m(0, x) m(1, x) m(2, x) m(3, x) m(4, x) m(5, x) m(6, x) m(7, x) m(8, x) m(9, x) m(10, x)   \
		m(11, x)
#define RILL__INDEX13(m, x)                                                                        \
	m(0, x) m(1, x) m(2, x) m(3, x) m(4, x) m(5, x) m(6, x) m(7, x) m(8, x) m(9, x) m(10, x)   \
		m(11, x) m(12, x)
#define RILL__INDEX14(m, x)                                                                        \
	m(0, x) m(1, x) m(2, x) m(3, x) m(4, x) m(5, x) m(6, x) m(7, x) m(8, x) m(9, x) m(10, x)   \
		m(11, x) m(12, x) m(13, x)
#define RILL__INDEX15(m, x)                                                                        \
	m(0, x) m(1, x) m(2, x) m(3, x) m(4, x) m(5, x) m(6, x) m(7, x) m(8, x) m(9, x) m(10, x)   \
		m(11, x) m(12, x) m(13, x) m(14, x)
#define RILL__INDEX16(m, x)                                                                        \
	m(0, x) m(1, x) m(2, x) m(3, x) m(4, x) m(5, x) m(6, x) m(7, x) m(8, x) m(9, x) m(10, x)   \
		m(11, x) m(12, x) m(13, x) m(14, x) m(15, x)

#ifdef __cplusplus
#define RILL__STATIC_ASSERT static_assert
#else
#define RILL__STATIC_ASSERT _Static_assert
#endif

/*
 * A key in a call, `_k_spanId(x)`, becomes the macro of that key in its catalog, which yields
 * `id, set of types, message, (x)`. One argument instead of four: there is no such key,
 * and none_ is called instead of do_.
 */
#define RILL__KEY(do_, none_, i, ...) RILL__KEY_(do_, none_, i, __VA_ARGS__)
#define RILL__KEY_(do_, none_, i, ...)                                                             \
	RILL__PICK5(__VA_ARGS__, do_, do_, do_, none_, )(i, __VA_ARGS__)
#define RILL__PICK5(a, b, c, d, name, ...) name
#define RILL__NO_SUCH_KEY(i, key)                                                                  \
	RILL__STATIC_ASSERT(0, "rill: the catalog has no such key: " #key);

#endif
