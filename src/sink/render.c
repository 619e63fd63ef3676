#include "sink/render.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NS_PER_S   1000000000u
#define DAY_S      86400
#define QUARTER_NS (900ull * NS_PER_S)

void render_u64(struct buffer *to, uint64_t value)
{
	char *at = buffer_reserve(to, ROOM_NUMBER);
	if (at)
		buffer_end(to, write_u64(at, value));
}

void render_i64(struct buffer *to, int64_t value)
{
	char *at = buffer_reserve(to, ROOM_NUMBER);
	if (at)
		buffer_end(to, write_i64(at, value));
}

/*
 * The same as below for a decimal of at most 15 digits that has not many places: such a decimal and
 * its double name each other, and the quotient of two integers that doubles hold exactly is the
 * double next to it. 0: it is none.
 */
static size_t few_digits(double value, char *digits, int *exponent)
{
	uint64_t scale = 1;
	for (int places = 0; places <= 15; places++, scale *= 10) {
		double scaled = value * (double)scale;
		if (scaled >= 1e15)
			break;
		uint64_t whole = (uint64_t)(scaled + 0.5);
		if (!whole || (double)whole / (double)scale != value)
			continue;
		char text[WRITE_U64 + WRITE_SLACK];
		size_t count = (size_t)(write_u64(text, whole) - text);
		memcpy(digits, text, WRITE_U64);
		*exponent = (int)count - places;
		while (count > 1 && digits[count - 1] == '0')
			count--;
		return count;
	}
	return 0;
}

/* The decimal digits of a positive value, without trailing zeros; value = 0.DIGITS * 10^*exponent.
 * Reads digits only from what printf wrote: the point is the locale's. */
static size_t shortest_digits(double value, char *digits, int *exponent)
{
	char text[64];
	size_t few = few_digits(value, digits, exponent);
	if (few)
		return few;
	/* 15 digits are always enough to name a decimal of 15 digits, except where doubles are so
	 * sparse that fewer digits tell them apart: below the normal range. */
	int precision = value < 2.2250738585072014e-308 ? 0 : 14;
	for (; precision <= 16; precision++) {
		snprintf(text, sizeof text, "%.*e", precision, value);
		if (strtod(text, NULL) == value)
			break;
	}
	size_t count = 0;
	const char *p = text;
	for (; *p != 'e'; p++) {
		if (*p >= '0' && *p <= '9')
			digits[count++] = *p;
	}
	*exponent = atoi(p + 1) + 1;
	while (count > 1 && digits[count - 1] == '0')
		count--;
	return count;
}

void render_f64(struct buffer *to, double value)
{
	char digits[32] = "";
	int point;
	if (__builtin_signbit(value))
		buffer_char(to, '-');
	if (value == 0) {
		buffer_text(to, "0.0");
		return;
	}
	size_t count = shortest_digits(value < 0 ? -value : value, digits, &point);
	if (point < -5 || point > 21) {
		buffer_char(to, digits[0]);
		if (count > 1) {
			buffer_char(to, '.');
			buffer_put(to, digits + 1, count - 1);
		}
		buffer_char(to, 'e');
		render_i64(to, point - 1);
	} else if (point <= 0) {
		buffer_text(to, "0.");
		buffer_fill(to, '0', (size_t)-point);
		buffer_put(to, digits, count);
	} else if ((size_t)point >= count) {
		buffer_put(to, digits, count);
		buffer_fill(to, '0', (size_t)point - count);
		buffer_text(to, ".0");
	} else {
		buffer_put(to, digits, (size_t)point);
		buffer_char(to, '.');
		buffer_put(to, digits + point, count - (size_t)point);
	}
}

/* value / scale with all its digits and no trailing zeros; scale: 10^3, 10^6 or 10^9. */
static char *write_fraction(char *to, uint64_t value, uint32_t scale)
{
	uint32_t rest = (uint32_t)(value % scale);
	to = write_u64(to, value / scale);
	if (!rest)
		return to;
	*to = '.';
	to = write_digits9(to + 1, rest * (NS_PER_S / scale));
	while (to[-1] == '0')
		to--;
	return to;
}

char *write_duration(char *to, int64_t ns)
{
	uint64_t left = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
	*to = '-';
	to += ns < 0;
	if (left && left < 1000)
		return write_literal(write_u64(to, left), "ns");
	if (left && left < 1000000)
		return write_literal(write_fraction(to, left, 1000), "us");
	if (left && left < NS_PER_S)
		return write_literal(write_fraction(to, left, 1000000), "ms");
	uint64_t minutes = left / (60ull * NS_PER_S);
	if (minutes >= 60)
		to = write_literal(write_u64(to, minutes / 60), "h");
	if (minutes)
		to = write_literal(write_u64(to, minutes % 60), "m");
	return write_literal(write_fraction(to, left % (60ull * NS_PER_S), NS_PER_S), "s");
}

void render_duration(struct buffer *to, int64_t ns)
{
	char *at = buffer_reserve(to, ROOM_DURATION);
	if (at)
		buffer_end(to, write_duration(at, ns));
}

static int32_t zone_offset(struct zone *zone, uint64_t ns)
{
	uint64_t quarter = ns / QUARTER_NS;
	if (!zone->known || zone->quarter != quarter) {
		time_t seconds = (time_t)(ns / NS_PER_S);
		struct tm tm;
		zone->offset_s = localtime_r(&seconds, &tm) ? (int32_t)tm.tm_gmtoff : 0;
		zone->quarter = quarter;
		zone->known = true;
	}
	return zone->offset_s;
}

static char *write_two(char *to, uint32_t value, char behind)
{
	to[0] = (char)('0' + value / 10);
	to[1] = (char)('0' + value % 10);
	to[2] = behind;
	return to + 3;
}

/* Proleptic Gregorian date of a day since 1970-01-01: Howard Hinnant, "chrono-compatible low-level
 * date algorithms", civil_from_days. */
static char *write_date(char *to, int64_t days)
{
	int64_t z = days + 719468; /* since 0000-03-01; never negative here */
	int64_t era = z / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;
	int64_t month = mp < 10 ? mp + 3 : mp - 9;
	uint32_t year = (uint32_t)(yoe + era * 400 + (month <= 2));
	write_two(to, year / 100, '\0');
	to = write_two(to + 2, year % 100, '-');
	to = write_two(to, (uint32_t)month, '-');
	return write_two(to, (uint32_t)(doy - (153 * mp + 2) / 5 + 1), 'T');
}

void zone_move(struct zone *zone, uint64_t ns)
{
	int32_t offset = zone->local ? zone_offset(zone, ns) : 0;
	int64_t seconds = (int64_t)(ns / NS_PER_S) + offset;
	int64_t days = seconds / DAY_S - (seconds % DAY_S < 0);
	uint32_t second = (uint32_t)(seconds - days * DAY_S);
	char *to = write_date(zone->prefix, days);
	to = write_two(to, second / 3600, ':');
	to = write_two(to, second / 60 % 60, ':');
	write_two(to, second % 60, '.');
	zone->second_ns = ns - ns % NS_PER_S;
	/* The last second is cut off where the numbers end: those behind it begin at 1970 again. */
	zone->valid_ns = UINT64_MAX - zone->second_ns < NS_PER_S ? 0 - zone->second_ns : NS_PER_S;
	zone->suffix[0] = 'Z';
	zone->suffix_size = 1;
	if (!zone->local)
		return;
	uint32_t minutes = (uint32_t)(offset < 0 ? -offset : offset) / 60;
	zone->suffix[0] = offset < 0 ? '-' : '+';
	write_two(write_two(zone->suffix + 1, minutes / 60, ':'), minutes % 60, '\0');
	zone->suffix_size = 6;
}

void render_time(struct buffer *to, uint64_t ns, struct zone *zone)
{
	char *at = buffer_reserve(to, ROOM_TIME);
	if (at)
		buffer_end(to, write_time(at, ns, zone));
}

char *write_hex(char *to, const unsigned char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		to = write_hex8(to, bytes[i]);
	return to;
}

void render_hex(struct buffer *to, const unsigned char *bytes, size_t size)
{
	char *at = size ? buffer_reserve(to, 2 * size) : NULL;
	if (at)
		buffer_end(to, write_hex(at, bytes, size));
}

void render_id(struct buffer *to, uint64_t id)
{
	char *at = buffer_reserve(to, ROOM_NUMBER);
	if (at)
		buffer_end(to, write_hex64(at, id));
}

char *write_ip(char *to, const struct rill_item *ip)
{
	if (ip->size == 4)
		return write_ip4(to, ip->bytes);
	return inet_ntop(AF_INET6, ip->bytes, to, INET6_ADDRSTRLEN) ? to + strlen(to) : to;
}

void render_ip(struct buffer *to, const struct rill_item *ip)
{
	char *at = buffer_reserve(to, ROOM_IP);
	if (at)
		buffer_end(to, write_ip(at, ip));
}
