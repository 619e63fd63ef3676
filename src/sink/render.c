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
	char digits[20];
	size_t at = sizeof digits;
	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	buffer_put(to, digits + at, sizeof digits - at);
}

void render_i64(struct buffer *to, int64_t value)
{
	if (value < 0)
		buffer_char(to, '-');
	render_u64(to, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

/* With leading zeros. */
static void put_padded(struct buffer *to, uint64_t value, int ndigits)
{
	char digits[20];
	for (int i = ndigits; i > 0; i--) {
		digits[i - 1] = (char)('0' + value % 10);
		value /= 10;
	}
	buffer_put(to, digits, (size_t)ndigits);
}

/* The decimal digits of a positive value, without trailing zeros; value = 0.DIGITS * 10^*exponent.
 * Reads digits only from what printf wrote: the point is the locale's. */
static size_t shortest_digits(double value, char *digits, int *exponent)
{
	char text[64];
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

/* value / 10^ndigits with all its digits and no trailing zeros. */
static void put_fraction(struct buffer *to, uint64_t value, int ndigits, uint64_t scale)
{
	uint64_t rest = value % scale;
	render_u64(to, value / scale);
	if (!rest)
		return;
	while (rest % 10 == 0) {
		rest /= 10;
		ndigits--;
	}
	buffer_char(to, '.');
	put_padded(to, rest, ndigits);
}

void render_duration(struct buffer *to, int64_t ns)
{
	uint64_t left = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
	if (ns < 0)
		buffer_char(to, '-');
	if (left && left < 1000) {
		render_u64(to, left);
		buffer_text(to, "ns");
	} else if (left && left < 1000000) {
		put_fraction(to, left, 3, 1000);
		buffer_text(to, "us");
	} else if (left && left < NS_PER_S) {
		put_fraction(to, left, 6, 1000000);
		buffer_text(to, "ms");
	} else {
		uint64_t minutes = left / (60ull * NS_PER_S);
		if (minutes >= 60) {
			render_u64(to, minutes / 60);
			buffer_char(to, 'h');
		}
		if (minutes) {
			render_u64(to, minutes % 60);
			buffer_char(to, 'm');
		}
		put_fraction(to, left % (60ull * NS_PER_S), 9, NS_PER_S);
		buffer_char(to, 's');
	}
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

/* Proleptic Gregorian date of a day since 1970-01-01: Howard Hinnant, "chrono-compatible low-level
 * date algorithms", civil_from_days. */
static void put_date(struct buffer *to, int64_t days)
{
	int64_t z = days + 719468; /* since 0000-03-01; never negative here */
	int64_t era = z / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;
	int64_t month = mp < 10 ? mp + 3 : mp - 9;
	put_padded(to, (uint64_t)(yoe + era * 400 + (month <= 2)), 4);
	buffer_char(to, '-');
	put_padded(to, (uint64_t)month, 2);
	buffer_char(to, '-');
	put_padded(to, (uint64_t)(doy - (153 * mp + 2) / 5 + 1), 2);
}

void render_time(struct buffer *to, uint64_t ns, struct zone *zone)
{
	bool local = zone && zone->local;
	int32_t offset = local ? zone_offset(zone, ns) : 0;
	int64_t seconds = (int64_t)(ns / NS_PER_S) + offset;
	int64_t days = seconds / DAY_S - (seconds % DAY_S < 0);
	uint32_t second = (uint32_t)(seconds - days * DAY_S);
	put_date(to, days);
	buffer_char(to, 'T');
	put_padded(to, second / 3600, 2);
	buffer_char(to, ':');
	put_padded(to, second / 60 % 60, 2);
	buffer_char(to, ':');
	put_padded(to, second % 60, 2);
	buffer_char(to, '.');
	put_padded(to, ns % NS_PER_S, 9);
	if (!local) {
		buffer_char(to, 'Z');
		return;
	}
	uint32_t minutes = (uint32_t)(offset < 0 ? -offset : offset) / 60;
	buffer_char(to, offset < 0 ? '-' : '+');
	put_padded(to, minutes / 60, 2);
	buffer_char(to, ':');
	put_padded(to, minutes % 60, 2);
}

void render_hex(struct buffer *to, const unsigned char *bytes, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	char *out = size ? buffer_reserve(to, 2 * size) : NULL;
	if (!out)
		return;
	for (size_t i = 0; i < size; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
	to->size += 2 * size;
}

void render_id(struct buffer *to, uint64_t id)
{
	unsigned char bytes[8];
	for (int i = 0; i < 8; i++)
		bytes[i] = (unsigned char)(id >> (56 - 8 * i));
	render_hex(to, bytes, sizeof bytes);
}

void render_ip(struct buffer *to, const struct rill_item *ip)
{
	char text[INET6_ADDRSTRLEN];
	if (inet_ntop(ip->size == 4 ? AF_INET : AF_INET6, ip->bytes, text, sizeof text))
		buffer_text(to, text);
}
