/* rill_list() in C: an array of the elements' values, in the block that the call stands in. */
#ifndef RILL_STATIC_LIST_H
#define RILL_STATIC_LIST_H

#define RILL__LIST1(a0)         (a0).rill__value
#define RILL__LIST2(a0, a1)     (a0).rill__value, (a1).rill__value
#define RILL__LIST3(a0, a1, a2) (a0).rill__value, (a1).rill__value, (a2).rill__value
#define RILL__LIST4(a0, a1, a2, a3)                                                                \
	(a0).rill__value, (a1).rill__value, (a2).rill__value, (a3).rill__value
#define RILL__LIST5(a0, a1, a2, a3, a4)                                                            \
	(a0).rill__value, (a1).rill__value, (a2).rill__value, (a3).rill__value, (a4).rill__value
#define RILL__LIST6(a0, a1, a2, a3, a4, a5)                                                        \
	(a0).rill__value, (a1).rill__value, (a2).rill__value, (a3).rill__value, (a4).rill__value,  \
		(a5).rill__value
#define RILL__LIST7(a0, a1, a2, a3, a4, a5, a6)                                                    \
	(a0).rill__value, (a1).rill__value, (a2).rill__value, (a3).rill__value, (a4).rill__value,  \
		(a5).rill__value, (a6).rill__value
#define RILL__LIST8(a0, a1, a2, a3, a4, a5, a6, a7)                                                \
	(a0).rill__value, (a1).rill__value, (a2).rill__value, (a3).rill__value, (a4).rill__value,  \
		(a5).rill__value, (a6).rill__value, (a7).rill__value
#define RILL__LIST9(a0, a1, a2, a3, a4, a5, a6, a7, a8)                                            \
	(a0).rill__value, (a1).rill__value, (a2).rill__value, (a3).rill__value, (a4).rill__value,  \
		(a5).rill__value, (a6).rill__value, (a7).rill__value, (a8).rill__value
#define RILL__LIST10(a0, a1, a2, a3, a4, a5, a6, a7, a8, a9)                                       \
	(a0).rill__value, (a1).rill__value, (a2).rill__value, (a3).rill__value, (a4).rill__value,  \
		(a5).rill__value, (a6).rill__value, (a7).rill__value, (a8).rill__value,            \
		(a9).rill__value
#define RILL__LIST11(a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10)                                  \
	(a0).rill__value, (a1).rill__value, (a2).rill__value, (a3).rill__value, (a4).rill__value,  \
		(a5).rill__value, (a6).rill__value, (a7).rill__value, (a8).rill__value,            \
		(a9).rill__value, (a10).rill__value
#define RILL__LIST12(a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11)                             \
	(a0).rill__value, (a1).rill__value, (a2).rill__value, (a3).rill__value, (a4).rill__value,  \
		(a5).rill__value, (a6).rill__value, (a7).rill__value, (a8).rill__value,            \
		(a9).rill__value, (a10).rill__value, (a11).rill__value
#define RILL__LIST13(a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12)                        \
	(a0).rill__value, (a1).rill__value, (a2).rill__value, (a3).rill__value, (a4).rill__value,  \
		(a5).rill__value, (a6).rill__value, (a7).rill__value, (a8).rill__value,            \
		(a9).rill__value, (a10).rill__value, (a11).rill__value, (a12).rill__value
#define RILL__LIST14(a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13)                   \
	(a0).rill__value, (a1).rill__value, (a2).rill__value, (a3).rill__value, (a4).rill__value,  \
		(a5).rill__value, (a6).rill__value, (a7).rill__value, (a8).rill__value,            \
		(a9).rill__value, (a10).rill__value, (a11).rill__value, (a12).rill__value,         \
		(a13).rill__value
#define RILL__LIST15(a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14)              \
	(a0).rill__value, (a1).rill__value, (a2).rill__value, (a3).rill__value, (a4).rill__value,  \
		(a5).rill__value, (a6).rill__value, (a7).rill__value, (a8).rill__value,            \
		(a9).rill__value, (a10).rill__value, (a11).rill__value, (a12).rill__value,         \
		(a13).rill__value, (a14).rill__value
#define RILL__LIST16(a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15)         \
	(a0).rill__value, (a1).rill__value, (a2).rill__value, (a3).rill__value, (a4).rill__value,  \
		(a5).rill__value, (a6).rill__value, (a7).rill__value, (a8).rill__value,            \
		(a9).rill__value, (a10).rill__value, (a11).rill__value, (a12).rill__value,         \
		(a13).rill__value, (a14).rill__value, (a15).rill__value
#define RILL__PICK16(a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, name,   \
		     ...)                                                                          \
	name

#define RILL__LIST(...)                                                                            \
	rill_list_of((const struct rill_value[]){RILL__PICK16(                                     \
			     __VA_ARGS__, RILL__LIST16, RILL__LIST15, RILL__LIST14, RILL__LIST13,  \
			     RILL__LIST12, RILL__LIST11, RILL__LIST10, RILL__LIST9, RILL__LIST8,   \
			     RILL__LIST7, RILL__LIST6, RILL__LIST5, RILL__LIST4, RILL__LIST3,      \
			     RILL__LIST2, RILL__LIST1, )(__VA_ARGS__)},                            \
		     RILL__PICK16(__VA_ARGS__, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, \
				  1, ))

#endif
