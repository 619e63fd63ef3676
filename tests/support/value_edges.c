/* The edges of each type. Their text forms are written by hand, not computed. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "support/files.h"
#include "support/value.h"

#define KIB4 4096u

struct number {
	const char *edge;
	uint64_t word;
	const char *text;
};

static const struct number u64s[] = {{"0", 0, NULL},
				     {"1", 1, NULL},
				     {"2^53+1", 9007199254740993, NULL},
				     {"max", UINT64_MAX, NULL}};
static const struct number i64s[] = {{"min", UINT64_C(1) << 63, NULL},
				     {"-1", UINT64_MAX, NULL},
				     {"0", 0, NULL},
				     {"max", INT64_MAX, NULL}};
static const struct number f64s[] = {
	{"0", 0, "0.0"},
	{"-0", UINT64_C(0x8000000000000000), "-0.0"},
	{"1/3", UINT64_C(0x3fd5555555555555), "0.3333333333333333"},
	{"least normal", UINT64_C(0x0010000000000000), "2.2250738585072014e-308"},
	{"greatest", UINT64_C(0x7fefffffffffffff), "1.7976931348623157e308"},
	{"least", 1, "5e-324"},
	{"infinity", UINT64_C(0x7ff0000000000000), "Infinity"},
	{"-infinity", UINT64_C(0xfff0000000000000), "-Infinity"},
	{"not a number", UINT64_C(0x7ff8000000000000), "NaN"}};
static const struct number durations[] = {{"0", 0, "0s"},
					  {"-1 ns", UINT64_MAX, "-1ns"},
					  {"999 ns", 999, "999ns"},
					  {"ms", 1234567, "1.234567ms"},
					  {"an hour", 3600500000000, "1h0m0.5s"},
					  {"max", INT64_MAX, "2562047h47m16.854775807s"},
					  {"min", UINT64_C(1) << 63, "-2562047h47m16.854775808s"}};
static const struct number timestamps[] = {
	{"0", 0, "1970-01-01T00:00:00.000000000Z"},
	{"ns", 1767225599123456789, "2025-12-31T23:59:59.123456789Z"},
	{"leap day", 1709164800000000001, "2024-02-29T00:00:00.000000001Z"},
	{"max", UINT64_MAX, "2554-07-21T23:34:33.709551615Z"}};
static const struct number bools[] = {{"false", 0, NULL}, {"true", 1, NULL}};

struct piece {
	const char *edge;
	const char *bytes;
	size_t size;
};

#define PIECE(edge, text)                                                                          \
	{                                                                                          \
		edge, text, sizeof(text) - 1                                                       \
	}
static const struct piece strings[] = {
	PIECE("empty", ""),
	PIECE("word", "mx.example.org"),
	PIECE("quotes and controls", "a \"b\" \\ \n\r\t\b\f\x01\x1b[31m\x7f, ]}= | [x"),
	PIECE("UTF-8", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x93\xa7 \xef\xbf\xbd"),
	PIECE("not UTF-8", "\xff\xc3(\xe2\x82 \xed\xa0\x80 \xc0\xaf \xf4\x90\x80\x80 x\xf0"),
	PIECE("NUL inside", "before\0after\0"),
	PIECE("a number", "18446744073709551615"),
	PIECE("a word of the text form", "nOnE"),
	PIECE("unsafe characters", "\xc2\x85\xe2\x80\xa8\xe2\x80\xae \xf3\xa0\x81\x81\xef\xbb\xbf"),
	/* On both sides of each length at which rill__put_bytes() copies in another way. */
	PIECE("1 byte", "a"),
	PIECE("2 bytes", "ab"),
	PIECE("3 bytes", "abc"),
	PIECE("4 bytes", "abcd"),
	PIECE("7 bytes", "abcdefg"),
	PIECE("8 bytes", "abcdefgh"),
	PIECE("15 bytes", "abcdefghijklmno"),
	PIECE("16 bytes", "abcdefghijklmnop"),
	PIECE("32 bytes", "abcdefghijklmnopqrstuvwxyzABCDEF"),
	PIECE("33 bytes", "abcdefghijklmnopqrstuvwxyzABCDEFG"),
};

static const struct piece addresses[] = {
	PIECE("0.0.0.0", "\0\0\0\0"),
	PIECE("255.255.255.255", "\xff\xff\xff\xff"),
	PIECE("::", "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
	PIECE("2001:db8:1:2:3:4:5:feed", "\x20\x01\x0d\xb8\0\1\0\2\0\3\0\4\0\5\xfe\xed"),
	PIECE("::ffff:10.1.2.3", "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\1\2\3"),
	PIECE("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	      "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
	PIECE("no address", ""),
};

static struct value *new_value(enum rill_type type, const char *edge)
{
	struct value *value = calloc(1, sizeof *value);
	cr_assert(value);
	value->type = type;
	value->edge = edge;
	value->members = calloc(16, sizeof *value->members);
	value->keys = calloc(16, sizeof *value->keys);
	return value;
}

static void add(struct edges *edges, struct value *value)
{
	size_t n = edges->count[value->type]++;
	cr_assert_lt(n, sizeof edges->of[0] / sizeof edges->of[0][0]);
	value->index = n;
	edges->of[value->type][n] = value;
}

static void add_numbers(struct edges *edges, enum rill_type type, const struct number *numbers,
			size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct value *value = new_value(type, numbers[i].edge);
		value->word = numbers[i].word;
		value->text = numbers[i].text;
		add(edges, value);
	}
}

static void add_piece(struct edges *edges, enum rill_type type, const struct piece *piece)
{
	struct value *value = new_value(type, piece->edge);
	value->bytes = (const unsigned char *)piece->bytes;
	value->size = piece->size;
	if (type == RILL_TYPE_IP)
		value->text = piece->size ? piece->edge : "none";
	add(edges, value);
}

/* 4 KiB with a character of each length, and a byte string with each byte in it. */
static void add_long(struct edges *edges)
{
	static const char pattern[] = "4 KiB \xc3\xa4\xe2\x82\xac\xf0\x9f\x93\xa7.";
	char *text = malloc(KIB4), *every = malloc(256), *many = malloc(KIB4);
	for (size_t i = 0; i < KIB4; i++) {
		text[i] = pattern[i % (sizeof pattern - 1)];
		many[i] = (char)(i * 7 + (i >> 8));
	}
	memcpy(text + KIB4 / (sizeof pattern - 1) * (sizeof pattern - 1), "................",
	       KIB4 % (sizeof pattern - 1));
	for (size_t i = 0; i < 256; i++)
		every[i] = (char)i;
	add_piece(edges, RILL_TYPE_STRING, &(struct piece){"4 KiB", text, KIB4});
	add_piece(edges, RILL_TYPE_BYTES, &(struct piece){"empty", "", 0});
	add_piece(edges, RILL_TYPE_BYTES, &(struct piece){"every byte", every, 256});
	add_piece(edges, RILL_TYPE_BYTES, &(struct piece){"4 KiB", many, KIB4});
}

static void member(struct value *of, size_t key, const struct value *value)
{
	cr_assert_lt(of->nmembers, 16);
	of->keys[of->nmembers] = key;
	of->members[of->nmembers++] = value;
}

/* The first key of the page that takes this type; nkeys: none does. */
static size_t key_for(const struct page *page, enum rill_type type)
{
	size_t key = 0;
	while (key < page->nkeys && !(page->keys[key].types >> type & 1))
		key++;
	return key;
}

static struct value *new_event(const struct page *page, size_t event, const char *edge)
{
	struct value *value = new_value(RILL_TYPE_EVENT, edge);
	value->page = page;
	value->event = event % page->nevents;
	return value;
}

/* An edge, counted from the last, of every type that the page has a key for. */
static void add_members(struct value *event, const struct edges *edges, unsigned first,
			unsigned last, size_t back)
{
	for (unsigned type = first; type <= last; type++) {
		size_t key = key_for(event->page, type), count = edges->count[type];
		if (key < event->page->nkeys)
			member(event, key, edges->of[type][back < count ? count - 1 - back : 0]);
	}
}

/* Eight levels, the most that there may be, with a number at the bottom. */
static struct value *add_deep(const struct page *page, const struct edges *edges,
			      enum rill_type type, size_t key)
{
	const struct value *inner = edges->of[RILL_TYPE_U64][3];
	size_t inner_key = key_for(page, RILL_TYPE_U64);
	struct value *outer = NULL;
	for (unsigned depth = 0; depth < 8; depth++) {
		outer = type == RILL_TYPE_LIST ? new_value(type, "8 deep")
					       : new_event(page, depth, "8 deep");
		if (depth < 4)
			member(outer, key_for(page, RILL_TYPE_STRING),
			       edges->of[RILL_TYPE_STRING][depth + 3]);
		member(outer, inner_key, inner);
		inner = outer;
		inner_key = key;
	}
	return outer;
}

static void add_lists(struct edges *edges, const struct page *page)
{
	struct value *mixed = new_value(RILL_TYPE_LIST, "mixed");
	struct value *numbers = new_value(RILL_TYPE_LIST, "numbers");
	struct value *texts = new_value(RILL_TYPE_LIST, "16 texts");
	struct value *short_event = new_event(page, 1, "in a list"), *inner;
	add(edges, new_value(RILL_TYPE_LIST, "empty"));
	add_members(short_event, edges, RILL_TYPE_BOOL, RILL_TYPE_STRING, 5);
	for (unsigned type = 0; type <= RILL_TYPE_IP; type++)
		member(mixed, 0, edges->of[type][edges->count[type] / 2]);
	member(mixed, 0, edges->of[RILL_TYPE_IP][6]);
	inner = new_value(RILL_TYPE_LIST, "in a list");
	member(inner, 0, edges->of[RILL_TYPE_I64][0]);
	member(inner, 0, edges->of[RILL_TYPE_BYTES][1]);
	member(mixed, 0, inner);
	member(mixed, 0, short_event);
	add(edges, mixed);
	for (size_t i = 0; i < 4; i++)
		member(numbers, 0, edges->of[RILL_TYPE_U64][i]);
	add(edges, numbers);
	for (size_t i = 0; i < 16; i++)
		member(texts, 0, edges->of[RILL_TYPE_STRING][i % edges->count[RILL_TYPE_STRING]]);
	texts->nmembers = 16;
	add(edges, texts);
	add(edges, add_deep(page, edges, RILL_TYPE_LIST, 0));
}

static void add_events(struct edges *edges, const struct page *page)
{
	size_t key = key_for(page, RILL_TYPE_EVENT);
	struct value *every = new_event(page, page->nevents / 2, "a key of every type");
	struct value *cause = new_event(page, 0, "the cause");
	struct value *outer = new_event(page, page->nevents - 1, "an event in it");
	add(edges, new_event(page, 0, "no keys"));
	add_members(every, edges, RILL_TYPE_NONE, RILL_TYPE_BYTES, 0);
	add_members(every, edges, RILL_TYPE_IP, RILL_TYPE_IP, 2);
	add_members(every, edges, RILL_TYPE_LIST, RILL_TYPE_LIST, 3);
	add(edges, every);
	if (key == page->nkeys)
		return;
	add_members(cause, edges, RILL_TYPE_U64, RILL_TYPE_STRING, 4);
	add_members(outer, edges, RILL_TYPE_STRING, RILL_TYPE_STRING, 4);
	member(outer, key, cause);
	add(edges, outer);
	add(edges, add_deep(page, edges, RILL_TYPE_EVENT, key));
}

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

struct edges edges_make(const struct page *page)
{
	struct edges edges = {0};
	add(&edges, new_value(RILL_TYPE_NONE, "none"));
	add_numbers(&edges, RILL_TYPE_BOOL, bools, COUNT(bools));
	add_numbers(&edges, RILL_TYPE_U64, u64s, COUNT(u64s));
	add_numbers(&edges, RILL_TYPE_I64, i64s, COUNT(i64s));
	add_numbers(&edges, RILL_TYPE_F64, f64s, COUNT(f64s));
	add_numbers(&edges, RILL_TYPE_DURATION, durations, COUNT(durations));
	add_numbers(&edges, RILL_TYPE_TIMESTAMP, timestamps, COUNT(timestamps));
	for (size_t i = 0; i < COUNT(strings); i++)
		add_piece(&edges, RILL_TYPE_STRING, &strings[i]);
	for (size_t i = 0; i < COUNT(addresses); i++)
		add_piece(&edges, RILL_TYPE_IP, &addresses[i]);
	add_long(&edges);
	add_lists(&edges, page);
	add_events(&edges, page);
	return edges;
}
