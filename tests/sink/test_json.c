/* What the JSON sink writes, read by jq: every line is valid, and every value comes back equal. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../support/entries.h"
#include "../support/files.h"
#include "../support/run.h"

/* jq of a program on the file; its output. */
static char *jq(const char *program, const char *path)
{
	struct run_result r = RUN(NULL, "jq", "-r", program, path);
	cr_assert_eq(r.code, 0, "jq: %s", r.err);
	return r.out;
}

Test(json, golden)
{
	const struct rill_entry *entries;
	size_t count = story(&entries);
	char *is = render_entries("json", "", entries, count);
	char *should = file_load(source("tests/data/sink/json.golden"), NULL);
	cr_expect_str_eq(is, should, "the sink writes\n%s", is);
}

/* Lines of "path value", sorted: what jq makes of a value, and what the test makes of it. */
struct leaves {
	char *lines[4096];
	size_t count;
};

static void add_leaf(struct leaves *leaves, char *line)
{
	cr_assert_lt(leaves->count, sizeof leaves->lines / sizeof leaves->lines[0]);
	leaves->lines[leaves->count++] = line;
}

/* Code points, as jq's explode gives them. Independent of src/sink: glibc's mbrtowc() would want a
 * UTF-8 locale, so the decoder is the shortest that works on what random_item() makes. */
static char *code_points(const unsigned char *bytes, size_t size, bool *valid)
{
	char *line = format("s");
	*valid = true;
	for (size_t i = 0; i < size;) {
		uint32_t c = bytes[i], n = c < 0x80 ? 1 : c >> 5 == 6 ? 2 : c >> 4 == 14 ? 3 : 4;
		bool good = c < 0x80 || (c >= 0xc2 && c < 0xf5);
		c &= n == 1 ? 0x7f : 0xffu >> (n + 1);
		for (uint32_t j = 1; good && j < n; j++) {
			good = i + j < size && bytes[i + j] >> 6 == 2;
			c = good ? c << 6 | (bytes[i + j] & 0x3f) : c;
		}
		if (good && ((n == 3 && (c < 0x800 || c >> 11 == 27)) ||
			     (n == 4 && (c < 0x10000 || c > 0x10ffff))))
			good = false;
		line = format("%s%s%u", line, line[1] ? "," : "", good ? c : 0xfffd);
		*valid = *valid && good;
		i += good ? n : 1;
	}
	return line;
}

static char *ascii(const char *text)
{
	bool valid;
	return code_points((const unsigned char *)text, strlen(text), &valid);
}

static char *hex(const unsigned char *bytes, size_t size)
{
	char *text = format("%s", "");
	for (size_t i = 0; i < size; i++)
		text = format("%s%02x", text, bytes[i]);
	return text;
}

static char *time_text(uint64_t ns)
{
	char date[64];
	time_t seconds = (time_t)(ns / 1000000000);
	struct tm tm;
	strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", gmtime_r(&seconds, &tm));
	return format("%s.%09uZ", date, (unsigned)(ns % 1000000000));
}

/* object: path of the object whose notes are about this value; note: its path in there. */
static void expected(struct leaves *leaves, const struct rill_item *item, const char *path,
		     const char *object, const char *note)
{
	char address[64];
	bool valid = true;
	struct rill_nested nested;
	struct rill_item element;
	switch (item->type) {
	case RILL_TYPE_BOOL:
		add_leaf(leaves, format("%s %s", path, item->boolean ? "true" : "false"));
		return;
	case RILL_TYPE_U64:
		add_leaf(leaves, format("%s %s", path,
					ascii(format("%llu", (unsigned long long)item->u64))));
		return;
	case RILL_TYPE_I64:
	case RILL_TYPE_DURATION:
		add_leaf(leaves,
			 format("%s %s", path, ascii(format("%lld", (long long)item->i64))));
		return;
	case RILL_TYPE_F64:
		if (isfinite(item->f64))
			add_leaf(leaves, format("%s n%.17g", path, item->f64));
		else
			add_leaf(leaves, format("%s %s", path,
						ascii(isnan(item->f64) ? "NaN"
						      : item->f64 < 0  ? "-Infinity"
								       : "Infinity")));
		return;
	case RILL_TYPE_TIMESTAMP:
		add_leaf(leaves, format("%s %s", path, ascii(time_text(item->u64))));
		return;
	case RILL_TYPE_STRING:
		add_leaf(leaves,
			 format("%s %s", path, code_points(item->bytes, item->size, &valid)));
		if (!valid)
			add_leaf(leaves, format("%s/raw/%s %s", object, note,
						ascii(hex(item->bytes, item->size))));
		return;
	case RILL_TYPE_BYTES:
		add_leaf(leaves, format("%s %s", path, ascii(hex(item->bytes, item->size))));
		return;
	case RILL_TYPE_IP:
		inet_ntop(item->size == 4 ? AF_INET : AF_INET6, item->bytes, address,
			  sizeof address);
		add_leaf(leaves, format("%s %s", path, ascii(address)));
		return;
	case RILL_TYPE_LIST:
	case RILL_TYPE_EVENT:
		break;
	default:
		add_leaf(leaves, format("%s z", path));
		return;
	}
	rill_nested_open(&nested, item, &demo_catalogs);
	bool is_list = item->type == RILL_TYPE_LIST;
	if (!is_list)
		add_leaf(leaves, format("%s/event %s", path, ascii(nested.event->name)));
	if (nested.count == 0)
		add_leaf(leaves, format(is_list ? "%s e" : "%s/keys e", path));
	for (unsigned i = 0; rill_nested_next(&nested, &element) == 1; i++) {
		const char *key = demo_catalog.keys[element.key].name;
		if (is_list)
			expected(leaves, &element, format("%s/%u", path, i), object,
				 format("%s[%u]", note, i));
		else
			expected(leaves, &element, format("%s/keys/%s", path, key), path, key);
	}
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Numbers may be written otherwise, if they are the same double. */
static bool same_leaf(const char *a, const char *b)
{
	const char *x = strstr(a, " n"), *y = strstr(b, " n");
	if (!x || !y)
		return strcmp(a, b) == 0;
	return x - a == y - b && strncmp(a, b, (size_t)(x - a)) == 0 &&
	       strtod(x + 2, NULL) == strtod(y + 2, NULL);
}

static const char leaves_program[] =
	"{keys, raw} | [paths as $p | getpath($p) as $v"
	" | select(($v|type) != \"object\" and ($v|type) != \"array\" or ($v|length) == 0)"
	" | select(($p|map(tostring)|join(\"/\")) | test(\"(^|/)(types|cut)/\") | not)"
	" | select($p != [\"raw\"])"
	" | \"/\" + ($p|map(tostring)|join(\"/\")) + \" \" +"
	" (if ($v|type) == \"string\" then \"s\" + ($v|explode|map(tostring)|join(\",\"))"
	" elif ($v|type) == \"number\" then \"n\" + ($v|tostring)"
	" elif $v == null then \"z\""
	" elif ($v|type) == \"boolean\" then ($v|tostring) else \"e\" end)]"
	" | .[], \"--\"";

Test(json, random_values_come_back_equal_from_jq)
{
	enum { RECORDS = 2000 };
	static struct rill_entry entries[RECORDS];
	char *folder = folder_make(), *path = format("%s/log", folder);
	for (size_t i = 0; i < RECORDS; i++) {
		struct rill_item items[] = {random_item(ANY_KEY, 0), random_item(LIST_KEY, 0)};
		entries[i].record = new_record(WARNING, i, items, 2);
	}
	struct sink *sink = open_sink(format("json:%s", path));
	write_entries(sink, entries, RECORDS);
	sink_close(sink);
	char *rest = jq(leaves_program, path);
	for (size_t i = 0; i < RECORDS; i++) {
		static struct leaves should, is;
		should.count = is.count = 0;
		for (int j = 0; j < 2; j++) {
			const struct rill_item *item = &entries[i].record->items[j];
			const char *key = demo_catalog.keys[item->key].name;
			expected(&should, item, format("/keys/%s", key), "", key);
		}
		for (char *line; (line = strsep(&rest, "\n")) && strcmp(line, "--") != 0;)
			add_leaf(&is, line);
		qsort(should.lines, should.count, sizeof(char *), compare);
		qsort(is.lines, is.count, sizeof(char *), compare);
		for (size_t j = 0; j < should.count && j < is.count; j++)
			cr_assert(same_leaf(should.lines[j], is.lines[j]),
				  "record %zu: jq has\n%s\nfor\n%s", i, is.lines[j],
				  should.lines[j]);
		cr_assert_eq(should.count, is.count, "record %zu", i);
	}
	folder_remove(folder);
}

Test(json, a_hundred_thousand_lines_are_valid)
{
	enum { LINES = 100000, BATCH = 1000 };
	static struct rill_entry entries[BATCH];
	char *folder = folder_make(), *path = format("%s/log", folder);
	struct sink *sink = open_sink(format("json:%s", path));
	for (size_t i = 0; i < BATCH; i++) {
		struct rill_item items[] = {random_item(ANY_KEY, 1), random_item(STRING_KEY, 4),
					    item_u64(U64_KEY, random_u64())};
		entries[i].record = new_record(STEP, i, items, 3);
	}
	for (int i = 0; i < LINES / BATCH; i++)
		write_entries(sink, entries, BATCH);
	sink_close(sink);
	/* -R gives jq each line by itself: a value that spans lines would not parse. */
	struct run_result r =
		RUN(NULL, "jq", "-nR", "reduce (inputs | fromjson) as $line (0; . + 1)", path);
	cr_expect_eq(r.code, 0, "%s", r.err);
	cr_expect_str_eq(r.out, "100000\n");
	folder_remove(folder);
}

/* A key is string or number by its type; the type is noted where the page leaves it open. */
Test(json, notes_tell_what_the_plain_form_does_not)
{
	struct rill_item deep = LIST(0, item_u64(0, 7), item_sized(0, "\xff", 1));
	struct rill_item elements[] = {item_cut(item_string(0, "ab"), 10), deep, item_u64(0, 1)};
	struct rill_item addresses = LIST(LIST_KEY, item_ip(0, "10.0.0.1"), item_ip(0, "::1"));
	struct rill_entry entries[] = {
		{RECORD(STEP, 1, item_list(ANY_KEY, elements, 3), item_u64(U64_KEY, 1),
			item_bytes(ANY_KEY, "a", 1), item_string(U64_KEY, "not a number")),
		 NULL},
		{RECORD(STEP, 1, addresses, item_f64(ANY_KEY, NAN), item_none(IP_KEY)), NULL},
	};
	char *is = render_entries("json", "", entries, 2);
	cr_expect(strstr(is,
			 "\"keys\":{\"details\":[\"ab\",[\"7\",\"\\ufffd\"],\"1\"],\"size\":\"1\","
			 "\"details#2\":\"61\",\"size#2\":\"not a number\"},"
			 "\"types\":{\"details[1][0]\":\"u64\",\"details[2]\":\"u64\","
			 "\"details#2\":\"bytes\",\"size#2\":\"string\"},"
			 "\"raw\":{\"details[1][1]\":\"ff\"},\"cut\":{\"details[0]\":10}}"),
		  "%s", is);
	cr_expect(strstr(is, "\"keys\":{\"to\":[\"10.0.0.1\",\"::1\"],\"details\":\"NaN\","
			     "\"remoteIp\":null},\"types\":{\"to[]\":\"ip\",\"details\":\"f64\"}}"),
		  "%s", is);
}

Test(json, hostile_nesting_is_bounded_and_marked)
{
	struct rill_item item = item_u64(0, 1), damaged = LIST(ANY_KEY, item_u64(0, 1));
	for (int i = 0; i < 20; i++)
		item = item_event(ANY_KEY, CAUSE, &item, 1);
	uint32_t many = UINT32_MAX, nobody = 0x09000fff;
	struct rill_item unknown = EVENT(ANY_KEY, CAUSE, item_u64(77, 1), item_u64(77, 2));
	memcpy((unsigned char *)(uintptr_t)damaged.bytes + 4, &many, 4);
	memcpy((unsigned char *)(uintptr_t)unknown.bytes, &nobody, 4);
	struct rill_entry entries[] = {{RECORD(STEP, 1, item), NULL},
				       {RECORD(STEP, 1, damaged), NULL},
				       {RECORD(STEP, 1, unknown), NULL}};
	char *is = render_entries("json", "", entries, 3);
	size_t depth = 0;
	for (const char *p = is; *p != '\n'; p++)
		depth += strncmp(p, "{\"event\":\"dns.error\"", 20) == 0;
	cr_expect_eq(depth, 8, "%zu deep: %s", depth, is);
	cr_expect(strstr(is, "\"keys\":{\"details\":null},\"cut\":{\"details\":24}}"), "%s", is);
	cr_expect(strstr(is, "{\"event\":null,\"keys\":{\"#77\":\"1\",\"#77#2\":\"2\"},"
			     "\"types\":{\"#77\":\"u64\",\"#77#2\":\"u64\"}}"),
		  "%s", is);
	struct run_result r = RUN((&(struct run_options){.input = is}), "jq", "-c", ".");
	cr_expect_eq(r.code, 0, "%s", r.err);
}
