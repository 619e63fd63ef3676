/*
 * What stands in the ring after rill_event(), for every type a value may have. Compiled by
 * tests/types/test_values.c as C and as C++, with several compilers, levels and sanitizers; says on
 * standard error what is wrong, and exits with 1.
 *
 * The record is read back from the ring as docs/dump-format.md describes it, by nothing of rill's.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __cplusplus
#include <string>
#include <string_view>
#include <vector>
#endif

#define RILL_CATALOG kinds
#include "kinds.h"
#include "../../support/form.h"

static int failures;

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "line %d: %s\n", __LINE__, #condition);                    \
			failures = 1;                                                              \
		}                                                                                  \
	} while (0)

/* --- the last record ------------------------------------------------------------------------- */

static const unsigned char *record;
static uint64_t record_bytes;

static uint64_t load(const unsigned char *from, size_t size)
{
	uint64_t value = 0;
	memcpy(&value, from, size);
	return value;
}

/* MARK(event...) emits and finds the record. Events here fit into the ring's first lap. */
#define MARK(...)                                                                                  \
	do {                                                                                       \
		uint64_t at_ = rill__me->position;                                                 \
		rill_event(__VA_ARGS__);                                                           \
		record = rill__me->write + at_;                                                    \
		record_bytes = rill__me->position - at_;                                           \
		CHECK(record_bytes == (load(record + 12, 4) & 0xffffff));                          \
		CHECK(record_bytes % 8 == 0);                                                      \
	} while (0)

struct slot {
	unsigned key, type;
	uint64_t word;
	const unsigned char *tail;
	size_t length;
};

/* Slot i of a body with n slots: tags, words, tails. */
static struct slot slot_of(const unsigned char *tags, unsigned n, unsigned i)
{
	const unsigned char *words = tags + (4 * n + 7) / 8 * 8;
	struct slot slot = {0, 0, 0, words + 8 * n, 0};
	for (unsigned k = 0; k <= i && k < n; k++) {
		slot.tail += slot.length;
		slot.key = (unsigned)load(tags + 4 * k, 2);
		slot.type = (unsigned)load(tags + 4 * k + 2, 2);
		slot.word = load(words + 8 * k, 8);
		slot.length = 0;
		if (slot.type == RILL_TYPE_STRING || slot.type == RILL_TYPE_BYTES ||
		    slot.type == RILL_TYPE_LIST || slot.type == RILL_TYPE_EVENT)
			slot.length = slot.word & 0xffffffff;
		else if (slot.type == RILL_TYPE_IP && slot.word >> 32 == 16)
			slot.length = 16;
	}
	return slot;
}

static struct slot slot(unsigned i)
{
	CHECK(i < record[10]);
	return slot_of(record + 16, record[10], i);
}

static struct slot element(struct slot body, unsigned i)
{
	unsigned n = (unsigned)load(body.tail + 4, 4);
	CHECK(i < n);
	return slot_of(body.tail + 8, n, i);
}

static int is_number(struct slot s, unsigned type, uint64_t word)
{
	return s.type == type && s.word == word;
}

static int is_text(struct slot s, unsigned type, const char *text, size_t length)
{
	return s.type == type && s.word == ((uint64_t)length | (uint64_t)length << 32) &&
	       memcmp(s.tail, text, length) == 0;
}

#define IS_TEXT(s, literal) is_text(s, RILL_TYPE_STRING, literal, sizeof(literal) - 1)

/* --- numbers --------------------------------------------------------------------------------- */

enum colour { RED, GREEN = 7 };
enum below { BELOW = -3, ABOVE = 3 };

struct bits {
	unsigned small : 7;
	int sign : 5;
	unsigned long long large : 40;
	unsigned char flag : 1;
};

#define NUMBER(key, argument, type, word)                                                          \
	do {                                                                                       \
		MARK(kinds_some, key(argument));                                                   \
		CHECK(is_number(slot(0), type, word));                                             \
	} while (0)

static void integers(void)
{
	struct bits bits = {100, -3, 0xfedcba9876, 1};
	volatile int one = 1;
	NUMBER(count, 0, RILL_TYPE_U64, 0);
	NUMBER(count, UINT64_MAX, RILL_TYPE_U64, UINT64_MAX);
	NUMBER(count, 4000000000u, RILL_TYPE_U64, 4000000000u);
	NUMBER(count, (unsigned char)200, RILL_TYPE_U64, 200);
	NUMBER(count, (unsigned short)50000, RILL_TYPE_U64, 50000);
	NUMBER(count, (size_t)5, RILL_TYPE_U64, 5);
	NUMBER(count, 'x', RILL_TYPE_U64, 'x');
	NUMBER(count, (char)65, RILL_TYPE_U64, 65);
	NUMBER(count, GREEN, RILL_TYPE_U64, 7);
	NUMBER(count, (enum colour)one, RILL_TYPE_U64, 1);
	NUMBER(count, bits.small, RILL_TYPE_U64, 100);
	NUMBER(count, bits.large, RILL_TYPE_U64, 0xfedcba9876);
	NUMBER(count, bits.flag, RILL_TYPE_U64, 1);
	NUMBER(delta, bits.sign, RILL_TYPE_I64, UINT64_MAX - 2);
	NUMBER(delta, BELOW, RILL_TYPE_I64, UINT64_MAX - 2);
	NUMBER(delta, (enum below) - 3, RILL_TYPE_I64, UINT64_MAX - 2);
	NUMBER(delta, INT64_MIN, RILL_TYPE_I64, (uint64_t)1 << 63);
	NUMBER(delta, (signed char)-1, RILL_TYPE_I64, UINT64_MAX);
	NUMBER(delta, (short)-2, RILL_TYPE_I64, UINT64_MAX - 1);
	NUMBER(delta, 3u, RILL_TYPE_I64, 3);
	NUMBER(took, -5, RILL_TYPE_DURATION, UINT64_MAX - 4);
	NUMBER(when, 1700000000000000000, RILL_TYPE_TIMESTAMP, 1700000000000000000);
	NUMBER(number, -1, RILL_TYPE_I64, UINT64_MAX);
	NUMBER(number, bits.sign, RILL_TYPE_I64, UINT64_MAX - 2);
	NUMBER(number, 1u, RILL_TYPE_U64, 1);
	NUMBER(either, 2, RILL_TYPE_U64, 2);
	const int constant = 9;
	const volatile unsigned long shared = 10;
	NUMBER(count, constant, RILL_TYPE_U64, 9);
	NUMBER(count, shared, RILL_TYPE_U64, 10);
}

static void truth_and_fractions(void)
{
	volatile int two = 2;
	NUMBER(flag, (bool)two, RILL_TYPE_BOOL, 1);
	NUMBER(flag, two == 3, RILL_TYPE_BOOL, 0);
	NUMBER(flag, true, RILL_TYPE_BOOL, 1);
	NUMBER(flag, !two, RILL_TYPE_BOOL, 0);
#ifndef __cplusplus
	NUMBER(flag, two, RILL_TYPE_BOOL, 1); /* an int is a truth value where nothing else fits */
	NUMBER(flag, two & 2, RILL_TYPE_BOOL, 1);
#endif
	NUMBER(either, (bool)two, RILL_TYPE_BOOL, 1);
	double fraction = 0.1;
	uint64_t image;
	memcpy(&image, &fraction, sizeof image);
	NUMBER(ratio, fraction, RILL_TYPE_F64, image);
	NUMBER(ratio, 0.5f, RILL_TYPE_F64, (uint64_t)0x3fe << 52);
	NUMBER(ratio, -1.0, RILL_TYPE_F64, (uint64_t)0xbff << 52);
}

/* --- text ------------------------------------------------------------------------------------ */

static char *null_text(void)
{
	return NULL;
}

static void texts(void)
{
	static const char long_text[] = "0123456789abcdef0123456789abcdef0123456789abcdef";
	char array[16] = "array", *mutable_text = array;
	unsigned char octets[3] = {1, 2, 3};
	MARK(kinds_some, text("literal"));
	CHECK(IS_TEXT(slot(0), "literal"));
	MARK(kinds_some, text(array), octets(mutable_text));
	CHECK(IS_TEXT(slot(0), "array"));
	CHECK(IS_TEXT(slot(1), "array"));
	MARK(kinds_some, text(""), text(null_text()), text((const char *)NULL));
	for (unsigned i = 0; i < 3; i++)
		CHECK(IS_TEXT(slot(i), ""));
	MARK(kinds_some, text(null_text(), 5), blob((void *)NULL, 5));
	CHECK(IS_TEXT(slot(0), ""));
	CHECK(is_text(slot(1), RILL_TYPE_BYTES, "", 0));
	for (size_t length = 0; length < sizeof long_text; length++) {
		MARK(kinds_some, text(long_text, length), count(length));
		CHECK(is_text(slot(0), RILL_TYPE_STRING, long_text, length));
		CHECK(is_number(slot(1), RILL_TYPE_U64, length));
	}
	int length = 3;
	MARK(kinds_some, text("abcdef", length), text(array, (short)2), text(array, 1u));
	CHECK(IS_TEXT(slot(0), "abc"));
	CHECK(IS_TEXT(slot(1), "ar"));
	CHECK(IS_TEXT(slot(2), "a"));
	MARK(kinds_some, blob(octets, 3), octets(octets, sizeof octets), blob((void *)octets, 2),
	     blob((const void *)octets, 1), octets("text", 4), text(octets, 3));
	CHECK(is_text(slot(0), RILL_TYPE_BYTES, "\1\2\3", 3));
	CHECK(is_text(slot(1), RILL_TYPE_BYTES, "\1\2\3", 3));
	CHECK(is_text(slot(2), RILL_TYPE_BYTES, "\1\2", 2));
	CHECK(is_text(slot(3), RILL_TYPE_BYTES, "\1", 1));
	CHECK(IS_TEXT(slot(4), "text"));
	CHECK(is_text(slot(5), RILL_TYPE_STRING, "\1\2\3", 3));
}

/* A negative length is an error of the caller's: nothing is read, nothing kept but the fact. */
static void negative_lengths(void)
{
	volatile int negative = -1;
	MARK(kinds_some, text("abc", negative), blob("abc", (long)negative), count(5));
	CHECK(slot(0).type == RILL_TYPE_STRING && slot(0).length == 0 && slot(0).word >> 32 != 0);
	CHECK(slot(1).type == RILL_TYPE_BYTES && slot(1).length == 0 && slot(1).word >> 32 != 0);
	CHECK(is_number(slot(2), RILL_TYPE_U64, 5));
}

#ifdef __cplusplus
static std::string made(void)
{
	return std::string("a temporary string that is not in the object itself");
}

static void cxx_texts(void)
{
	using namespace std::literals;
	const std::string string = "string";
	const std::vector<char> vector = {'v', 'e', 'c'};
	MARK(kinds_some, text(string), text("view"sv), text(made()), octets(vector),
	     text(string.c_str()), text(std::string()), text(std::string_view()));
	CHECK(IS_TEXT(slot(0), "string"));
	CHECK(IS_TEXT(slot(1), "view"));
	CHECK(is_text(slot(2), RILL_TYPE_STRING, made().data(), made().size()));
	CHECK(IS_TEXT(slot(3), "vec"));
	CHECK(IS_TEXT(slot(4), "string"));
	CHECK(IS_TEXT(slot(5), ""));
	CHECK(IS_TEXT(slot(6), ""));
}
#endif

/* --- addresses ------------------------------------------------------------------------------- */

static void addresses(void)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_storage storage;
	struct sockaddr other;
	struct in_addr *none = NULL;
	memset(&v4, 0, sizeof v4);
	memset(&v6, 0, sizeof v6);
	memset(&storage, 0, sizeof storage);
	memset(&other, 0, sizeof other);
	v4.sin_family = AF_INET;
	v6.sin6_family = AF_INET6;
	other.sa_family = AF_UNIX;
	inet_pton(AF_INET, "192.0.2.1", &v4.sin_addr);
	inet_pton(AF_INET6, "2001:db8::1", &v6.sin6_addr);
	memcpy(&storage, &v6, sizeof v6);
	uint64_t word4 = (uint64_t)4 << 32 | load((const unsigned char *)&v4.sin_addr, 4);
	NUMBER(address, v4.sin_addr, RILL_TYPE_IP, word4);
	NUMBER(address, &v4.sin_addr, RILL_TYPE_IP, word4);
	NUMBER(address, &v4, RILL_TYPE_IP, word4);
	NUMBER(address, (struct sockaddr *)(void *)&v4, RILL_TYPE_IP, word4);
	NUMBER(address, &other, RILL_TYPE_IP, 0);
	NUMBER(address, rill_ip(NULL), RILL_TYPE_IP, 0);
	NUMBER(address, (struct sockaddr *)NULL, RILL_TYPE_IP, 0);
	NUMBER(address, none, RILL_TYPE_IP, 0);
	NUMBER(address, (const struct in6_addr *)NULL, RILL_TYPE_IP, 0);
	MARK(kinds_some, address(&v6), address(&v6.sin6_addr), address(&storage),
	     address((const struct sockaddr *)(const void *)&v6), address(rill_ip6(&v6.sin6_addr)));
	for (unsigned i = 0; i < 5; i++) {
		CHECK(slot(i).word >> 32 == 16 && slot(i).length == 16);
		CHECK(memcmp(slot(i).tail, &v6.sin6_addr, 16) == 0);
	}
	MARK(kinds_some, address(&v6.sin6_addr), count(7), address(&v6), text("six"));
	for (unsigned i = 0; i < 3; i += 2)
		CHECK(slot(i).length == 16 && memcmp(slot(i).tail, &v6.sin6_addr, 16) == 0);
	CHECK(is_number(slot(1), RILL_TYPE_U64, 7));
	CHECK(IS_TEXT(slot(3), "six"));
}

/* --- lists, events, any ---------------------------------------------------------------------- */

static void bodies(void)
{
	MARK(kinds_some, nothing(rill_none()), any(rill_duration(-1)), any(rill_bool(2)),
	     items(rill_list(rill_u64(1), rill_string("two"), rill_list(rill_i64(-3)),
			     rill_none())));
	CHECK(is_number(slot(0), RILL_TYPE_NONE, 0));
	CHECK(is_number(slot(1), RILL_TYPE_DURATION, UINT64_MAX));
	CHECK(is_number(slot(2), RILL_TYPE_BOOL, 1));
	CHECK(slot(3).type == RILL_TYPE_LIST);
	CHECK(is_number(element(slot(3), 0), RILL_TYPE_U64, 1));
	CHECK(IS_TEXT(element(slot(3), 1), "two"));
	CHECK(is_number(element(element(slot(3), 2), 0), RILL_TYPE_I64, UINT64_MAX - 2));
	CHECK(is_number(element(slot(3), 3), RILL_TYPE_NONE, 0));
	MARK(kinds_some, count(1), cause(rill_nested(kinds_inner, text("why"), count(7u))),
	     text("last"));
	CHECK(slot(1).type == RILL_TYPE_EVENT);
	CHECK((load(slot(1).tail, 4) & 0xffffff) == rill__kinds_e_kinds_inner);
	CHECK(IS_TEXT(element(slot(1), 0), "why"));
	CHECK(is_number(element(slot(1), 1), RILL_TYPE_U64, 7));
	CHECK(IS_TEXT(slot(2), "last"));
	MARK(kinds_some, cause(rill_nested(kinds_inner)), items(rill_list_of(NULL, 3)),
	     items(rill_list(rill_string(null_text()), rill_string("abcd", 2))));
	CHECK(load(slot(0).tail + 4, 4) == 0);
	CHECK(load(slot(1).tail + 4, 4) == 0);
	CHECK(IS_TEXT(element(slot(2), 0), ""));
	CHECK(IS_TEXT(element(slot(2), 1), "ab"));
}

/* --- how often arguments are evaluated ------------------------------------------------------- */

static int evaluated;

static uint64_t number(void)
{
	evaluated++;
	return 1;
}

static const char *word(void)
{
	evaluated++;
	return "word";
}

static void emit_counted(void)
{
	rill_event(kinds_some, count(number()), flag(number() == 1), text(word()),
		   octets(word(), number()), ratio((double)number()),
		   items(rill_list(rill_u64(number()), rill_string(word()))),
		   cause(rill_nested(kinds_inner, count(number()), text(word()))),
		   any(rill_string(word(), number())));
}

static void evaluation(void)
{
	evaluated = 0;
	emit_counted();
	CHECK(evaluated == 12);
	CHECK(rill_filter_apply("*=off") == 0);
	evaluated = 0;
	emit_counted();
	CHECK(evaluated == 0);
	CHECK(rill_filter_apply("*=trace") == 0);
	if (evaluated == 0)
		rill_event(kinds_some, count(number()));
	else
		failures = 1;
	CHECK(evaluated == 1);
}

/* --- what an event must leave alone ---------------------------------------------------------- */

struct state {
	int error;
	unsigned mxcsr;
	unsigned short control, status;
	sigset_t mask;
};

static struct state state_now(void)
{
	struct state s;
	memset(&s, 0, sizeof s);
	s.error = errno;
	sigprocmask(SIG_BLOCK, NULL, &s.mask);
#ifdef __x86_64__
	__asm__ volatile("stmxcsr %0\n\tfnstcw %1\n\tfnstsw %2"
			 : "=m"(s.mxcsr), "=m"(s.control), "=m"(s.status));
#endif
	return s;
}

/* Rounding upwards, flush to zero, single precision in the x87: nothing that rill would choose. */
static void unusual_state(void)
{
	sigset_t mask;
	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR2);
	sigprocmask(SIG_SETMASK, &mask, NULL);
#ifdef __x86_64__
	unsigned mxcsr = 0xdf80;
	unsigned short control = 0x0b7f & ~0x300;
	__asm__ volatile("ldmxcsr %0\n\tfldcw %1" ::"m"(mxcsr), "m"(control));
#endif
	errno = EXDEV;
}

static void usual_state(void)
{
#ifdef __x86_64__
	unsigned mxcsr = 0x1f80;
	__asm__ volatile("ldmxcsr %0\n\tfninit" ::"m"(mxcsr));
#endif
}

static void check_state(const struct state *before, int line)
{
	struct state after = state_now();
	if (memcmp(&after, before, sizeof after) == 0)
		return;
	fprintf(stderr, "line %d: errno %d -> %d, mxcsr %x -> %x, x87 %x %x -> %x %x\n", line,
		before->error, after.error, before->mxcsr, after.mxcsr, before->control,
		before->status, after.control, after.status);
	failures = 1;
}

#define KEEPS_STATE(...)                                                                           \
	do {                                                                                       \
		struct state before_ = state_now();                                                \
		rill_event(__VA_ARGS__);                                                           \
		check_state(&before_, __LINE__);                                                   \
	} while (0)

/* The thread's first event among them. */
static void keeps_state(void)
{
	static char large[100000];
	struct sockaddr_in6 v6;
	double x = 1.0, y = 3.0;
	memset(&v6, 0, sizeof v6);
	memset(large, 'x', sizeof large - 1);
	v6.sin6_family = AF_INET6;
	unusual_state();
	KEEPS_STATE(kinds_some);
	KEEPS_STATE(kinds_some, count(1), ratio(x), ratio(0.5f), text("text"), address(&v6));
	KEEPS_STATE(kinds_some, text(large), blob(large, sizeof large), text(large, -1));
	KEEPS_STATE(kinds_some, items(rill_list(rill_f64(y), rill_string(large))),
		    cause(rill_nested(kinds_inner, ratio(x), text("why"))));
	/* More than a ring holds: wrap, full, discarded, and the collector woken. */
	for (int i = 0; i < 2000; i++)
		KEEPS_STATE(kinds_some, blob(large, 1000), ratio(x));
	usual_state();
}

int main(void)
{
	if (rill_sink_add("text:/dev/null") != 0 || rill_filter_apply("*=trace") != 0)
		return 2;
	rill_event(kinds_some);
	integers();
	truth_and_fractions();
	texts();
	negative_lengths();
#ifdef __cplusplus
	cxx_texts();
#endif
	addresses();
	bodies();
	evaluation();
	keeps_state();
	return failures;
}
