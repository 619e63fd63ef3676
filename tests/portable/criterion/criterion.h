/*
 * As much of Criterion as these tests use, for targets that have no Criterion: each test in a
 * process of its own, one after another, with a time limit. A failed cr_assert ends the test, a
 * failed cr_expect lets it go on.
 */
#ifndef TESTS_PORTABLE_CRITERION_H
#define TESTS_PORTABLE_CRITERION_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CR_STR_(x)       #x
#define CR_CONCAT_(a, b) a##b
#define CR_CONCAT(a, b)  CR_CONCAT_(a, b)

struct cr_options {
	double timeout; /* seconds; 0: none */
	void (*init)(void);
	void (*fini)(void);
};

struct cr_test {
	const char *suite, *name;
	void (*run)(void);
	struct cr_options options;
	struct cr_test *next;
};

void cr_register(struct cr_test *test);
void cr_register_suite(const char *suite, struct cr_options options);
/* Says what is wrong; `fatal` ends the test. */
void cr_failed(bool fatal, const char *file, int line, const char *what, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
void cr_skipped(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#define Test(suite_, name_, ...)                                                                   \
	static void CR_CONCAT(suite_##_##name_, _run)(void);                                       \
	static struct cr_test CR_CONCAT(suite_##_##name_,                                          \
					_test) = {.suite = #suite_,                                \
						  .name = #name_,                                  \
						  .run = CR_CONCAT(suite_##_##name_, _run),        \
						  .options = {__VA_ARGS__}};                       \
	__attribute__((constructor)) static void CR_CONCAT(suite_##_##name_, _register)(void)      \
	{                                                                                          \
		cr_register(&CR_CONCAT(suite_##_##name_, _test));                                  \
	}                                                                                          \
	static void CR_CONCAT(suite_##_##name_, _run)(void)

#define TestSuite(suite_, ...)                                                                     \
	__attribute__((constructor)) static void CR_CONCAT(suite_##_, suite_)(void)                \
	{                                                                                          \
		cr_register_suite(#suite_, (struct cr_options){__VA_ARGS__});                      \
	}                                                                                          \
	struct CR_CONCAT(suite_##_, needs_a_semicolon)

/* With text in front, a message may be absent. */
#define CR_CHECK(fatal, good, what, ...)                                                           \
	((good) ? (void)0 : cr_failed(fatal, __FILE__, __LINE__, what, ": " __VA_ARGS__))
#define CR_COMPARE(fatal, a, op, b, ...)                                                           \
	CR_CHECK(fatal, (a)op(b), CR_STR_(a) " " #op " " CR_STR_(b), __VA_ARGS__)

#define cr_assert(x, ...)          CR_CHECK(true, x, #x, __VA_ARGS__)
#define cr_expect(x, ...)          CR_CHECK(false, x, #x, __VA_ARGS__)
#define cr_assert_not(x, ...)      CR_CHECK(true, !(x), "not " #x, __VA_ARGS__)
#define cr_expect_not(x, ...)      CR_CHECK(false, !(x), "not " #x, __VA_ARGS__)
#define cr_assert_fail(...)        cr_failed(true, __FILE__, __LINE__, "fail", ": " __VA_ARGS__)
#define cr_expect_fail(...)        cr_failed(false, __FILE__, __LINE__, "fail", ": " __VA_ARGS__)
#define cr_assert_null(x, ...)     CR_CHECK(true, (x) == NULL, #x " is null", __VA_ARGS__)
#define cr_expect_null(x, ...)     CR_CHECK(false, (x) == NULL, #x " is null", __VA_ARGS__)
#define cr_assert_not_null(x, ...) CR_CHECK(true, (x) != NULL, #x " is not null", __VA_ARGS__)
#define cr_expect_not_null(x, ...) CR_CHECK(false, (x) != NULL, #x " is not null", __VA_ARGS__)

#define cr_assert_eq(a, b, ...)  CR_COMPARE(true, a, ==, b, __VA_ARGS__)
#define cr_assert_neq(a, b, ...) CR_COMPARE(true, a, !=, b, __VA_ARGS__)
#define cr_assert_lt(a, b, ...)  CR_COMPARE(true, a, <, b, __VA_ARGS__)
#define cr_assert_leq(a, b, ...) CR_COMPARE(true, a, <=, b, __VA_ARGS__)
#define cr_assert_gt(a, b, ...)  CR_COMPARE(true, a, >, b, __VA_ARGS__)
#define cr_assert_geq(a, b, ...) CR_COMPARE(true, a, >=, b, __VA_ARGS__)
#define cr_expect_eq(a, b, ...)  CR_COMPARE(false, a, ==, b, __VA_ARGS__)
#define cr_expect_neq(a, b, ...) CR_COMPARE(false, a, !=, b, __VA_ARGS__)
#define cr_expect_lt(a, b, ...)  CR_COMPARE(false, a, <, b, __VA_ARGS__)
#define cr_expect_leq(a, b, ...) CR_COMPARE(false, a, <=, b, __VA_ARGS__)
#define cr_expect_gt(a, b, ...)  CR_COMPARE(false, a, >, b, __VA_ARGS__)
#define cr_expect_geq(a, b, ...) CR_COMPARE(false, a, >=, b, __VA_ARGS__)

#define cr_assert_str_eq(a, b, ...)                                                                \
	CR_CHECK(true, strcmp(a, b) == 0, #a " is the text " #b, __VA_ARGS__)
#define cr_expect_str_eq(a, b, ...)                                                                \
	CR_CHECK(false, strcmp(a, b) == 0, #a " is the text " #b, __VA_ARGS__)
#define cr_assert_str_neq(a, b, ...)                                                               \
	CR_CHECK(true, strcmp(a, b) != 0, #a " is not the text " #b, __VA_ARGS__)
#define cr_expect_str_neq(a, b, ...)                                                               \
	CR_CHECK(false, strcmp(a, b) != 0, #a " is not the text " #b, __VA_ARGS__)
#define cr_assert_str_empty(a, ...) CR_CHECK(true, (a)[0] == 0, #a " is empty", __VA_ARGS__)
#define cr_expect_str_empty(a, ...) CR_CHECK(false, (a)[0] == 0, #a " is empty", __VA_ARGS__)
#define cr_assert_arr_eq(a, b, size, ...)                                                          \
	CR_CHECK(true, memcmp(a, b, size) == 0, #a " has the bytes of " #b, __VA_ARGS__)
#define cr_expect_arr_eq(a, b, size, ...)                                                          \
	CR_CHECK(false, memcmp(a, b, size) == 0, #a " has the bytes of " #b, __VA_ARGS__)

#define CR_LOG(...)       (fprintf(stderr, __VA_ARGS__), fputc('\n', stderr))
#define cr_log_error(...) CR_LOG(__VA_ARGS__)
#define cr_log_warn(...)  CR_LOG(__VA_ARGS__)
#define cr_log_info(...)  CR_LOG(__VA_ARGS__)
#define cr_skip_test(...) cr_skipped(": " __VA_ARGS__)
#define cr_skip(...)      cr_skipped(": " __VA_ARGS__)

#endif
