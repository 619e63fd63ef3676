/* What the text sink writes: golden files, attempts to forge lines, and values read back by a
 * parser that knows only docs/text.md. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../support/entries.h"
#include "../support/files.h"
#include "../support/run.h"
#include "../support/text_parser.h"

static void expect_golden(const char *options, const char *name)
{
	const struct rill_entry *entries;
	size_t count = story(&entries);
	char *is = render_entries("text", options, entries, count);
	char *should = file_load(source(format("tests/data/sink/%s", name)), NULL);
	cr_expect_str_eq(is, should, "%s; the sink writes\n%s", name, is);
}

Test(text, golden)
{
	expect_golden("", "text.golden");
	expect_golden("?multiline=1", "text-multiline.golden");
	expect_golden("?color=always", "text-color.golden");
	expect_golden("?color=always&multiline=1", "text-color-multiline.golden");
}

Test(text, local_time_has_its_offset)
{
	const struct rill_record *r = RECORD(STEP, 1782907200000000001,
					     item_timestamp(TIMESTAMP_KEY, 1767225600000000002));
	struct rill_entry entry = {r, NULL};
	setenv("TZ", "America/St_Johns", 1);
	tzset();
	char *is = render_entries("text", "?time=local", &entry, 1);
	cr_expect(strstr(is, "2026-07-01T09:30:00.000000001-02:30 "), "%s", is);
	cr_expect(strstr(is, "expires=2025-12-31T20:30:00.000000002-03:30"), "%s", is);
	is = render_entries("text", "?time=utc", &entry, 1);
	cr_expect(strstr(is, "2026-07-01T12:00:00.000000001Z "), "%s", is);
}

/* The line has this key and no other, and the value is the whole of it. */
static void expect_one_value(char *line, const struct rill_item *item)
{
	struct text_line parsed;
	char *text = strdup(line);
	text[strcspn(text, "\n")] = '\0';
	cr_assert(!text_parse(&parsed, text), "%s", text);
	cr_assert_eq(parsed.npairs, 1, "%s", text);
	cr_assert_eq(parsed.pairs[0].value.size, item->size, "%s", text);
	cr_expect_eq(memcmp(parsed.pairs[0].value.bytes, item->bytes, item->size), 0, "%s", text);
	cr_expect_str_eq(parsed.place, "[100/101]");
}

/* Every byte alone, every code point that is special: one line, and nothing that a terminal obeys.
 */
Test(text, a_value_can_not_forge_a_line)
{
	static const char *const attempts[] = {
		"x\n2026-01-01T00:00:00.000000000Z INFO  smtp.connection-start",
		"x\r\nx",
		"\x1b[2J",
		"\xc2\x9b"
		"2J",
		"\xe2\x80\xae"
		"gpj.exe",
		"\xe2\x81\xa6x\xe2\x81\xa9",
		"\xe2\x80\xa8x",
		"\xe2\x80\xa9x",
		"\x7f",
		"\xc2\x85",
		"\" size=1 [1/1]",
		"a\\",
		"a] [100/101]",
		"=",
		"\xff\xfe",
		"\xef\xbb\xbf"
		"a",
	};
	for (size_t i = 0; i < sizeof attempts / sizeof attempts[0] + 256; i++) {
		char byte[2] = {(char)i, '\0'};
		bool single = i < 256;
		struct rill_item item = single ? item_sized(STRING_KEY, byte, 1)
					       : item_string(STRING_KEY, attempts[i - 256]);
		struct rill_entry entry = {RECORD(STEP, 1, item), NULL};
		const char *options[] = {"", "?multiline=1"};
		for (int j = 0; j < 2; j++) {
			char *is = render_entries("text", options[j], &entry, 1);
			size_t newlines = 0;
			for (const char *p = is; *p; p++) {
				newlines += *p == '\n';
				cr_expect(*p == '\n' || ((unsigned char)*p >= 0x20 && *p != 0x7f),
					  "attempt %zu: %s", i, is);
			}
			cr_expect_eq(newlines, 1u + (unsigned)j, "attempt %zu: %s", i, is);
			if (j == 0)
				expect_one_value(is, &item);
			cr_expect(!strstr(is, "\xe2\x80") && !strstr(is, "\xe2\x81"), "%s", is);
		}
	}
}

static double word_to_double(const char *word)
{
	return strtod(word, NULL);
}

/* 1h2m3.5s, 12.034ms: back to nanoseconds. */
static int64_t word_to_duration(const char *word)
{
	static const struct {
		const char *suffix;
		uint64_t ns;
	} units[] = {{"ns", 1},          {"us", 1000},     {"ms", 1000000}, {"h", 3600000000000},
		     {"m", 60000000000}, {"s", 1000000000}};
	bool negative = *word == '-';
	uint64_t total = 0;
	for (word += negative; *word;) {
		char *end;
		uint64_t whole = strtoull(word, &end, 10), fraction = 0, scale = 1;
		if (*end == '.') {
			for (end++; *end >= '0' && *end <= '9'; end++, scale *= 10)
				fraction = fraction * 10 + (uint64_t)(*end - '0');
		}
		size_t unit = 0;
		while (unit < 6 &&
		       strncmp(end, units[unit].suffix, strlen(units[unit].suffix)) != 0)
			unit++;
		cr_assert_lt(unit, 6, "%s", word);
		total += whole * units[unit].ns + fraction * (units[unit].ns / scale);
		word = end + strlen(units[unit].suffix);
	}
	return (int64_t)(negative ? 0 - total : total);
}

static uint64_t word_to_time(const char *word)
{
	struct tm tm = {0};
	const char *rest = strptime(word, "%Y-%m-%dT%H:%M:%S", &tm);
	cr_assert(rest && *rest == '.', "%s", word);
	cr_assert_eq(strlen(rest), 11, "%s", word);
	return (uint64_t)timegm(&tm) * 1000000000u + strtoull(rest + 1, NULL, 10);
}

static void expect_equal(const struct rill_item *item, const struct text_parsed *is);

static void expect_nested_equal(const struct rill_item *item, const struct text_parsed *is)
{
	struct rill_nested nested;
	struct rill_item element;
	size_t i = 0;
	cr_assert_eq(is->kind, item->type == RILL_TYPE_LIST ? TEXT_LIST : TEXT_EVENT);
	cr_assert_eq(rill_nested_open(&nested, item, &demo_catalogs), 0);
	if (item->type == RILL_TYPE_EVENT)
		cr_expect_str_eq(is->bytes, nested.event->name);
	for (; rill_nested_next(&nested, &element) == 1; i++) {
		cr_assert_lt(i, is->npairs);
		if (item->type == RILL_TYPE_EVENT)
			cr_expect_str_eq(is->pairs[i].key, demo_catalog.keys[element.key].name);
		expect_equal(&element, &is->pairs[i].value);
	}
	cr_expect_eq(i, is->npairs);
}

static void expect_bytes_equal(const struct rill_item *item, const struct text_parsed *is)
{
	cr_assert_eq(is->size, 2 + 2u * item->size);
	for (size_t i = 0; i < item->size; i++) {
		char digits[3] = {is->bytes[2 + 2 * i], is->bytes[3 + 2 * i], '\0'};
		cr_expect_eq(strtoul(digits, NULL, 16), item->bytes[i]);
	}
}

static void expect_equal(const struct rill_item *item, const struct text_parsed *is)
{
	unsigned char address[16];
	const char *word = is->bytes;
	if (item->type < RILL_TYPE_STRING || item->type == RILL_TYPE_BYTES ||
	    item->type == RILL_TYPE_IP)
		cr_assert_eq(is->kind, TEXT_WORD, "type %d: %s", item->type, word);
	switch (item->type) {
	case RILL_TYPE_BOOL:
		cr_expect_str_eq(word, item->boolean ? "true" : "false");
		break;
	case RILL_TYPE_U64:
		cr_expect_str_eq(word, format("%llu", (unsigned long long)item->u64));
		break;
	case RILL_TYPE_I64:
		cr_expect_str_eq(word, format("%lld", (long long)item->i64));
		break;
	case RILL_TYPE_F64:
		if (isnan(item->f64)) {
			cr_expect_str_eq(word, "NaN");
			break;
		}
		cr_expect(strpbrk(word, ".eI"), "%s looks like an integer", word);
		cr_expect_eq(word_to_double(word), item->f64, "%s is not %.17g", word, item->f64);
		cr_expect_eq(*word == '-', !!signbit(item->f64));
		break;
	case RILL_TYPE_DURATION:
		cr_expect_eq(word_to_duration(word), item->i64, "%s is not %lld", word,
			     (long long)item->i64);
		break;
	case RILL_TYPE_TIMESTAMP:
		cr_expect_eq(word_to_time(word), item->u64, "%s is not %llu", word,
			     (unsigned long long)item->u64);
		break;
	case RILL_TYPE_STRING:
		cr_assert_eq(is->size, item->size, "%s", word);
		cr_expect_eq(memcmp(word, item->bytes, item->size), 0, "%s", word);
		if (is->kind == TEXT_WORD)
			cr_expect(strchr("_/", *word) ||
					  ((*word | 32) >= 'a' && (*word | 32) <= 'z'),
				  "%s could be something else", word);
		break;
	case RILL_TYPE_BYTES:
		expect_bytes_equal(item, is);
		break;
	case RILL_TYPE_IP:
		cr_assert_eq(inet_pton(item->size == 4 ? AF_INET : AF_INET6, word, address), 1,
			     "%s", word);
		cr_expect_eq(memcmp(address, item->bytes, item->size), 0, "%s", word);
		break;
	case RILL_TYPE_LIST:
	case RILL_TYPE_EVENT:
		expect_nested_equal(item, is);
		break;
	default:
		cr_expect_str_eq(word, "none");
	}
	cr_expect_eq(is->remark, item->cut);
	if (item->cut)
		cr_expect_eq(is->remark_size, item->original_size);
}

Test(text, random_values_come_back_equal)
{
	enum { RECORDS = 3000 };
	static struct rill_entry entries[RECORDS];
	for (size_t i = 0; i < RECORDS; i++) {
		struct rill_item items[3];
		for (int j = 0; j < 3; j++) {
			items[j] = random_item(ANY_KEY, 0);
			if (items[j].bytes && items[j].type != RILL_TYPE_IP &&
			    random_u64() % 8 == 0)
				items[j] = item_cut(items[j], (uint32_t)random_u64() | 1u << 31);
		}
		entries[i].record = new_record(i % 2 ? WARNING : ODD, i, items, 3);
	}
	char *rest = render_entries("text", "", entries, RECORDS);
	for (size_t i = 0; i < RECORDS; i++) {
		struct text_line line;
		char *text = strsep(&rest, "\n");
		const char *wrong = text_parse(&line, text);
		cr_assert(!wrong, "record %zu, at <%s> of\n%s", i, wrong, text);
		const struct rill_record *r = entries[i].record;
		cr_expect_eq(word_to_time(line.time), r->time_ns);
		cr_expect_str_eq(line.event, r->event->name);
		cr_expect_str_eq(line.brief, r->event->brief);
		cr_expect_str_eq(line.place, "[100/101]");
		cr_assert_eq(line.npairs, 3, "%s", text);
		for (size_t j = 0; j < 3; j++) {
			cr_expect_str_eq(line.pairs[j].key, "details");
			expect_equal(&r->items[j], &line.pairs[j].value);
		}
	}
	cr_expect_str_empty(rest);
}

/* Lists in lists, deeper than any encoder goes; and bytes that no encoder writes. */
Test(text, hostile_nesting_is_bounded_and_marked)
{
	struct rill_item item = item_u64(0, 1),
			 damaged = LIST(ANY_KEY, item_u64(0, 1), item_u64(0, 2));
	for (int i = 0; i < 20; i++)
		item = item_list(ANY_KEY, &item, 1);
	uint32_t many = UINT32_MAX;
	unsigned char *bytes = (unsigned char *)(uintptr_t)damaged.bytes;
	memcpy(bytes + 4, &many, 4);
	struct rill_entry entries[] = {{RECORD(STEP, 1, item), NULL},
				       {RECORD(STEP, 1, damaged), NULL}};
	char *is = render_entries("text", "", entries, 2);
	cr_expect(strstr(is, "details=[[[[[[[[[]...(too deep, "), "%s", is);
	cr_expect(strstr(is, "details=[]...(damaged, 32 bytes)"), "%s", is);
}

Test(text, numbers_do_not_depend_on_the_locale)
{
	struct rill_entry entry = {RECORD(STEP, 1, item_f64(F64_KEY, 0.5)), NULL};
	char *folder = folder_make();
	struct run_result r = RUN(NULL, "localedef", "-i", "de_DE", "-f", "UTF-8",
				  format("%s/de_DE.UTF-8", folder));
	setenv("LOCPATH", folder, 1);
	if (!setlocale(LC_ALL, "de_DE.UTF-8"))
		cr_skip("no locale with a decimal comma can be made here: %s", r.err);
	cr_assert_str_eq(format("%.1f", 0.5), "0,5");
	cr_expect(strstr(render_entries("text", "", &entry, 1), "score=0.5 "));
	cr_expect(strstr(render_entries("json", "", &entry, 1), "\"score\":0.5}"));
	folder_remove(folder);
}
