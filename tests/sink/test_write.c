/* Digits, strings and times as lines are made of them, against what printf and plain loops say. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../support/entries.h"
#include "sink/render.h"
#include "sink/scan.h"

#define CANARY 0x55

/* What a writer leaves, and that it went no further than its slack. */
static char field[WRITE_U64 + 2 * WRITE_SLACK];

static char *begin(void)
{
	memset(field, CANARY, sizeof field);
	return field;
}

static void expect(const char *end, const char *format, uint64_t value)
{
	char should[64];
	int size = snprintf(should, sizeof should, format, value);
	cr_assert_eq(end - field, size, "%s", should);
	cr_assert_eq(memcmp(field, should, (size_t)size), 0, "%s is %.*s", should, size, field);
	for (const char *p = end + WRITE_SLACK; p < field + sizeof field; p++)
		cr_assert_eq(*p, CANARY, "%s: written too far", should);
}

static void expect_number(uint64_t value)
{
	expect(write_u64(begin(), value), "%" PRIu64, value);
	expect(write_hex64(begin(), value), "%016" PRIx64, value);
	expect(write_i64(begin(), (int64_t)value), "%" PRId64, value);
	expect(write_digits8(begin(), (uint32_t)(value % 100000000)), "%08" PRIu64,
	       value % 100000000);
	expect(write_digits9(begin(), (uint32_t)(value % 1000000000)), "%09" PRIu64,
	       value % 1000000000);
}

Test(write, numbers)
{
	for (uint64_t power = 1; power; power = power > UINT64_MAX / 10 ? 0 : power * 10)
		for (uint64_t factor = 1; factor < 10 && power <= UINT64_MAX / factor; factor++)
			for (int d = -2; d <= 2; d++)
				expect_number(power * factor + (uint64_t)d);
	for (uint64_t i = 0; i < 10000; i++)
		expect_number(i * 10000 + i);
	for (int i = 0; i < 200000; i++)
		expect_number(random_u64() >> i % 64);
	expect_number(UINT64_MAX);
	expect_number(INT64_MAX);
}

Test(write, addresses)
{
	for (unsigned i = 0; i < 256; i++) {
		const unsigned char ip[4] = {(unsigned char)i, 0, (unsigned char)(255 - i), 9};
		char should[32];
		int size = snprintf(should, sizeof should, "%u.0.%u.9", i, 255 - i);
		const char *end = write_ip4(begin(), ip);
		cr_assert_eq(end - field, size, "%s", should);
		cr_assert_eq(memcmp(field, should, (size_t)size), 0, "%s", should);
	}
}

static bool in_word(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr(".-@+_/", c));
}

static enum scan_found should_find(const unsigned char *bytes, size_t size)
{
	enum scan_found found = SCAN_WORD;
	for (size_t i = 0; i < size; i++) {
		if (bytes[i] < 0x20 || bytes[i] > 0x7e || bytes[i] == '"' || bytes[i] == '\\')
			return SCAN_SPECIAL;
		if (!in_word(bytes[i]))
			found = SCAN_PLAIN;
	}
	return found;
}

/* Blocks of exactly the size, so that AddressSanitizer sees what is read or written beyond. */
static void expect_scan(const unsigned char *bytes, size_t size)
{
	unsigned char *from = malloc(size);
	char *to = malloc(size + 1);
	memcpy(from, bytes, size);
	memset(to, CANARY, size + 1);
	cr_assert_eq(scan_copy(to, from, size), should_find(bytes, size), "%zu bytes: %.*s", size,
		     (int)size, (const char *)bytes);
	cr_assert_eq(memcmp(to, bytes, size), 0, "%zu bytes", size);
	cr_assert_eq(to[size], CANARY, "%zu bytes", size);
	free(from);
	free(to);
}

/* Each byte at each place of strings of each length: none hides between two blocks. */
Test(write, a_string_is_looked_at_whole)
{
	unsigned char bytes[70];
	for (size_t size = 1; size <= sizeof bytes; size++) {
		for (size_t at = 0; at < size; at++) {
			memset(bytes, 'a', sizeof bytes);
			for (unsigned c = 0; c<256; c += size> 40 ? 7 : 1) {
				bytes[at] = (unsigned char)c;
				expect_scan(bytes, size);
			}
		}
	}
	for (int i = 0; i < 20000; i++) {
		static const char some[] = "abcXYZ019.-@+_/ !\"\\\x7f\x80\x1f`[{^";
		size_t size = 1 + random_u64() % (sizeof bytes - 1);
		for (size_t at = 0; at < size; at++)
			bytes[at] = (unsigned char)
				some[random_u64() % (random_u64() % 3 ? 15 : sizeof some)];
		expect_scan(bytes, size);
	}
}

static void expect_time(struct zone *zone, uint64_t ns)
{
	char text[ROOM_TIME], should[64], part[32];
	time_t seconds = (time_t)(ns / 1000000000);
	struct tm tm;
	cr_assert(zone->local ? localtime_r(&seconds, &tm) : gmtime_r(&seconds, &tm));
	strftime(part, sizeof part, "%Y-%m-%dT%H:%M:%S", &tm);
	int size = snprintf(should, sizeof should, "%s.%09" PRIu64, part, ns % 1000000000);
	if (zone->local) {
		long minutes = tm.tm_gmtoff / 60;
		snprintf(should + size, sizeof should - (size_t)size, "%c%02ld:%02ld",
			 minutes < 0 ? '-' : '+', labs(minutes) / 60, labs(minutes) % 60);
	} else {
		snprintf(should + size, sizeof should - (size_t)size, "Z");
	}
	*write_time(text, ns, zone) = '\0';
	cr_assert_str_eq(text, should);
}

/* The second is remembered: forwards, backwards, over its ends, and where the numbers wrap. */
Test(write, times)
{
	setenv("TZ", "America/St_Johns", 1);
	tzset();
	for (int local = 0; local < 2; local++) {
		struct zone zone = {.local = local};
		uint64_t ns = 1767225599999999999;
		expect_time(&zone, 5);
		expect_time(&zone, UINT64_MAX);
		expect_time(&zone, 100);
		expect_time(&zone, UINT64_MAX - UINT64_MAX % 1000000000);
		expect_time(&zone, UINT64_MAX - UINT64_MAX % 1000000000 - 1);
		for (int i = 0; i < 50000; i++) {
			expect_time(&zone, ns);
			uint64_t step = random_u64() >> (18 + random_u64() % 40);
			ns += random_u64() % 3 ? step : 0 - step;
			if (ns % 7 == 0)
				ns -= ns % 1000000000;
		}
	}
}

/* Of any decimal with up to 15 digits exactly its own digits are written. */
Test(write, decimals)
{
	for (int i = 0; i < 100000; i++) {
		uint64_t whole = random_u64() % 1000000, part = random_u64();
		unsigned places = (unsigned)(random_u64() % 9);
		char should[64];
		if (places == 0) {
			snprintf(should, sizeof should, "%" PRIu64 ".0", whole);
		} else {
			static const uint32_t powers[] = {
				1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
			part %= powers[places];
			part += part % 10 == 0; /* no zero at the end */
			snprintf(should, sizeof should, "%" PRIu64 ".%0*" PRIu64, whole,
				 (int)places, part);
		}
		if (strtod(should, NULL) < 1e-5)
			continue; /* written with an exponent */
		struct buffer buffer = {0};
		render_f64(&buffer, strtod(should, NULL));
		cr_assert_eq(buffer.size, strlen(should), "%s is %.*s", should, (int)buffer.size,
			     buffer.data);
		cr_assert_eq(memcmp(buffer.data, should, buffer.size), 0, "%s", should);
		buffer_free(&buffer);
	}
}

static size_t count(const char *text, const char *part)
{
	size_t found = 0;
	for (; (text = strstr(text, part)); text += strlen(part))
		found++;
	return found;
}

/* What was made for one catalog or thread is not taken for another's, whose numbers are alike. */
Test(write, pieces_belong_to_their_catalog_and_thread)
{
	static struct rill_catalog_event events[DEMO_EVENTS];
	static struct rill_catalog_key keys[DEMO_KEYS];
	static struct rill_catalog other;
	static struct rill_entry entries[4000];
	const char *const types[] = {"text", "json"};
	other = demo_catalog;
	memcpy(events, demo_catalog.events, sizeof events);
	memcpy(keys, demo_catalog.keys, sizeof keys);
	events[STEP].name = "other.step";
	keys[U64_KEY].name = "otherSize";
	other.name = "other";
	other.events = events;
	other.keys = keys;
	for (size_t i = 0; i < 4000; i++) {
		struct rill_record *r = RECORD(STEP, i, item_u64(U64_KEY, i));
		if (i % 2) {
			r->catalog = &other;
			r->event = &events[STEP];
		}
		r->tid = i % 8 < 4 ? 5 : 5 + 64;
		r->pid = i % 4 < 2 ? 1 : 2;
		entries[i].record = r;
	}
	for (int t = 0; t < 2; t++) {
		char *text = render_entries(types[t], "", entries, 4000);
		cr_expect_eq(count(text, "demo.step"), 2000);
		cr_expect_eq(count(text, "other.step"), 2000);
		cr_expect_eq(count(text, "otherSize"), 2000);
		cr_expect_eq(count(text, t ? "\"pid\":1,\"tid\":5," : "[1/5]"), 1000);
		cr_expect_eq(count(text, t ? "\"pid\":2,\"tid\":69," : "[2/69]"), 1000);
	}
}
