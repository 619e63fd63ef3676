/* Times as people give them. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/select.h"

/* ".5" in nanoseconds. Returns what follows. */
static const char *parse_fraction(uint64_t *ns, const char *text)
{
	*ns = 0;
	if (*text != '.' && *text != ',')
		return text;
	uint64_t unit = 100000000;
	for (text++; isdigit((unsigned char)*text); text++, unit /= 10)
		*ns += unit * (uint64_t)(*text - '0');
	return text;
}

/* "Z", "+01:00" or nothing (local time) after a date. */
static bool parse_zone(struct tm *date, const char *text, int64_t *seconds)
{
	if (!*text) {
		date->tm_isdst = -1;
		*seconds = mktime(date);
		return true;
	}
	*seconds = timegm(date);
	if (!strcmp(text, "Z") || !strcmp(text, "z"))
		return true;
	int hours, minutes, used = 0;
	if ((*text != '+' && *text != '-') ||
	    sscanf(text + 1, "%2d:%2d%n", &hours, &minutes, &used) < 2 || text[1 + used])
		return false;
	int64_t offset = hours * 3600 + minutes * 60;
	*seconds -= *text == '+' ? offset : -offset;
	return true;
}

/* Beyond 2554 there is no time. */
static bool to_ns(uint64_t *ns, int64_t seconds, uint64_t fraction)
{
	if (seconds < 0 || (uint64_t)seconds >= UINT64_MAX / 1000000000)
		return false;
	*ns = (uint64_t)seconds * 1000000000 + fraction;
	return true;
}

bool select_parse_time(uint64_t *ns, const char *text)
{
	static const char *const forms[] = {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S",
					    "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%d"};
	uint64_t fraction;
	int64_t seconds;
	if (*text == '@') {
		char *end;
		seconds = strtoll(text + 1, &end, 10);
		if (end == text + 1 || *parse_fraction(&fraction, end))
			return false;
		return to_ns(ns, seconds, fraction);
	}
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		struct tm date = {0};
		const char *rest = strptime(text, forms[i], &date);
		if (!rest)
			continue;
		if (!parse_zone(&date, parse_fraction(&fraction, rest), &seconds))
			continue;
		return to_ns(ns, seconds, fraction);
	}
	return false;
}
