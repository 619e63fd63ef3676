/* A filter expression: what it turns on is what another reading of docs/configuration.md does, and
 * what is said of it can be shown. */
#include <stdlib.h>
#include <string.h>

#include "control/filter.h"
#include "fuzz/fuzz.h"
#include "support/entries.h"
#include "support/records.h"

static const struct rill_catalog *const catalogs[] = {&demo_catalog, &records_catalog};

/* By the last star: what a pattern matches, written as it is defined. */
static bool matches(const char *pattern, size_t size, const char *name)
{
	if (!size)
		return !*name;
	if (*pattern != '*')
		return *name == *pattern && matches(pattern + 1, size - 1, name + 1);
	/* Stars in a row are one. */
	while (size > 1 && pattern[1] == '*') {
		pattern++;
		size--;
	}
	for (; *name; name++)
		if (matches(pattern + 1, size - 1, name))
			return true;
	return matches(pattern + 1, size - 1, name);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

static void trim(const char **from, const char **to)
{
	while (*from < *to && is_blank(**from))
		++*from;
	while (*to > *from && is_blank((*to)[-1]))
		--*to;
}

/* Of an expression that was taken. */
static bool is_on(const char *expression, const struct rill_catalog_event *event)
{
	static const char *const levels[] = {"trace", "debug", "info", "warn", "error", "off"};
	bool on = false;
	for (const char *at = expression;; at++) {
		const char *end = strchrnul(at, ','), *to = end, *from = at;
		const char *equals = memchr(at, '=', (size_t)(end - at));
		const char *pattern_end = equals ? equals : end;
		unsigned level = RILL_TRACE;
		trim(&from, &pattern_end);
		if (equals) {
			const char *word = equals + 1;
			trim(&word, &to);
			for (level = 0; level < 6; level++)
				if (strlen(levels[level]) == (size_t)(to - word) &&
				    !memcmp(levels[level], word, (size_t)(to - word)))
					break;
			FUZZ_CHECK(level < 6);
		}
		if (pattern_end > from && matches(from, (size_t)(pattern_end - from), event->name))
			on = level != RILL_OFF && event->level >= level;
		if (!*end)
			return on;
		at = end;
	}
}

static void check_bits(const struct filter *filter, const char *expression,
		       const struct rill_catalog *catalog)
{
	size_t bytes = ((size_t)catalog->nevents + 7) / 8;
	unsigned char *bits = calloc(1, bytes);
	FUZZ_CHECK(bits);
	filter_bits(filter, catalog, bits);
	for (size_t i = 0; i < catalog->nevents; i++)
		FUZZ_CHECK((bits[i / 8] >> i % 8 & 1) == is_on(expression, &catalog->events[i]));
	free(bits);
}

static void told(const char *sentence)
{
	FUZZ_CHECK(sentence[0] && strlen(sentence) < 512);
}

/* Patterns with this many stars take the plain matcher above too long. */
#define MOST_STARS 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char error[256] = "";
	struct filter *filter = NULL;
	char *text = malloc(size + 1);
	FUZZ_CHECK(text);
	memcpy(text, data, size);
	text[size] = 0;
	size_t stars = 0;
	for (const char *at = text; *at; at++)
		stars += *at == '*';
	if (filter_parse(&filter, text, error, sizeof error)) {
		FUZZ_CHECK(error[0] && strlen(error) < sizeof error);
	} else {
		for (size_t i = 0; stars <= MOST_STARS && i < 2; i++)
			check_bits(filter, text, catalogs[i]);
		filter_check(filter, catalogs, 2, told);
		filter_free(filter);
	}
	free(text);
	return 0;
}
