/* Values that are too long for a record: what tests/programs/cut.c emits, and
 * tests/edges/test_cut.c expects. */
#ifndef TESTS_CUT_CASES_H
#define TESTS_CUT_CASES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define CUT_BYTES           (4u << 20) /* how much of a string there really is to be read */
#define CUT_ELEMENTS        100000u
#define CUT_STRING_ELEMENTS 10000u

/* A text: some bytes, and then one character again and again. */
struct cut_text {
	const char *name;
	const char *character;
	unsigned before;
	int bytes; /* emitted as bytes */
	uint64_t length;
};

#define CUT_ABSURD UINT64_MAX

/* Each in a record by itself. */
static const struct cut_text cut_texts[] = {
	{"ASCII", "a", 0, 0, 1 << 20},
	{"two bytes", "\xc3\xa9", 0, 0, 1 << 20},
	{"two bytes, shifted", "\xc3\xa9", 1, 0, 1 << 20},
	{"three bytes", "\xe2\x82\xac", 0, 0, 1 << 20},
	{"three bytes, shifted", "\xe2\x82\xac", 1, 0, 1 << 20},
	{"three bytes, shifted twice", "\xe2\x82\xac", 2, 0, 1 << 20},
	{"four bytes", "\xf0\x9f\x93\xa7", 0, 0, 1 << 20},
	{"four bytes, shifted", "\xf0\x9f\x93\xa7", 1, 0, 1 << 20},
	{"four bytes, shifted twice", "\xf0\x9f\x93\xa7", 2, 0, 1 << 20},
	{"four bytes, shifted thrice", "\xf0\x9f\x93\xa7", 3, 0, 1 << 20},
	{"not UTF-8", "\x80", 0, 0, 1 << 20},
	{"bytes", "\xe2\x82\xac", 0, 1, 1 << 20},
	{"just short enough for 64 KiB", "a", 0, 0, 8000},
	{"just too long for 64 KiB", "a", 0, 0, 8200},
	{"just short enough for 256 KiB", "a", 0, 0, 32600},
	{"just too long for 256 KiB", "a", 0, 0, 32800},
	{"-1", "a", 0, 0, CUT_ABSURD},
	{"-1 bytes", "a", 0, 1, CUT_ABSURD},
	{"the greatest signed length", "a", 0, 0, INT64_MAX},
	{"2^40", "a", 0, 0, UINT64_C(1) << 40},
	{"2^41 + 3", "a", 0, 0, (UINT64_C(1) << 41) + 3},
	{"4 GiB", "a", 0, 0, UINT64_C(1) << 32},
	{"4 GiB and 5", "a", 0, 0, (UINT64_C(1) << 32) + 5},
	{"12 GiB less one, bytes", "a", 0, 1, (UINT64_C(3) << 32) - 1},
};
#define CUT_TEXTS (sizeof cut_texts / sizeof cut_texts[0])

/* Records of sixteen: lengths that the slots have in turn. */
static const uint64_t cut_sixteens[][4] = {
	{20000, 20000, 20000, 20000}, {100000, 255, 1, 0},
	{300, 299, 256, 255},         {255, 255, 255, 255},
	{1 << 20, 1 << 20, 0, 0},     {CUT_ABSURD, 10, 10, 10},
	{5000, CUT_ABSURD, 200, 200}, {CUT_ABSURD, CUT_ABSURD, CUT_ABSURD, CUT_ABSURD},
};
#define CUT_SIXTEENS (sizeof cut_sixteens / sizeof cut_sixteens[0])

/* Lists and events. */
enum cut_nested {
	CUT_NUMBERS,      /* a list of CUT_ELEMENTS numbers from 0 */
	CUT_STRINGS,      /* a list of CUT_STRING_ELEMENTS strings of 100 bytes */
	CUT_IN_LIST,      /* a number, a list of CUT_ELEMENTS numbers, a number */
	CUT_IN_EVENT,     /* an event with a number, 1 MiB of text, a number */
	CUT_ABSURD_TEXT,  /* a list of 1, a text of length -1, 2 */
	CUT_ABSURD_COUNT, /* a list of -1 elements */
	CUT_ABSURD_INNER, /* a list of 1, a list of -1 elements, 2 */
	CUT_DEPTH,        /* a list of 1 and a list of 1 and ..., 9 deep */
	CUT_NESTED,
};

#define CUT_CASES (CUT_TEXTS + CUT_SIXTEENS + CUT_NESTED)

static inline void cut_fill(char *to, size_t size, const struct cut_text *text)
{
	size_t width = strlen(text->character);
	for (size_t i = 0; i < size; i++)
		to[i] = i < text->before ? 'x' : text->character[(i - text->before) % width];
}

#endif
