#include "control/filter.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/nearest.h"

#define MAX_RULES   1024u
#define MAX_PATTERN 200u

struct rule {
	char pattern[MAX_PATTERN];
	enum rill_level level;
};

struct filter {
	size_t count;
	struct rule rules[];
};

static const char *const level_names[] = {"trace", "debug", "info", "warn", "error", "off"};

/* `*` stands for any characters; nothing else is special. */
static bool matches(const char *pattern, const char *name)
{
	const char *star = NULL, *from = NULL;
	while (*name) {
		if (*pattern == '*') {
			star = pattern++;
			from = name;
		} else if (*pattern == *name) {
			pattern++;
			name++;
		} else if (star) {
			pattern = star + 1;
			name = ++from;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == 0;
}

static const char *skip_blanks(const char *text)
{
	return text + strspn(text, " \t\n");
}

/* One rule, from `at` to `end`. */
static int parse_rule(struct rule *rule, const char *expression, const char *at, const char *end,
		      char *error, size_t error_size)
{
	const int place = (int)(at - expression) + 1;
	while (end > at && strchr(" \t\n", end[-1]))
		end--;
	const char *equals = memchr(at, '=', (size_t)(end - at));
	const char *pattern_end = equals ? equals : end;
	while (pattern_end > at && strchr(" \t\n", pattern_end[-1]))
		pattern_end--;
	size_t length = (size_t)(pattern_end - at);
	if (length == 0) {
		snprintf(error, error_size,
			 "filter, character %d: a rule without a pattern; write PATTERN=LEVEL",
			 place);
		return -EINVAL;
	}
	if (length >= MAX_PATTERN || memchr(at, ' ', length)) {
		snprintf(
			error, error_size,
			"filter, character %d: '%.*s' is no pattern; rules are separated by commas",
			place, length > 40 ? 40 : (int)length, at);
		return -EINVAL;
	}
	memcpy(rule->pattern, at, length);
	rule->pattern[length] = 0;
	rule->level = RILL_TRACE;
	if (!equals)
		return 0;
	const char *level = skip_blanks(equals + 1);
	for (size_t i = 0; i < sizeof level_names / sizeof *level_names; i++) {
		if (strlen(level_names[i]) == (size_t)(end - level) &&
		    strncmp(level_names[i], level, (size_t)(end - level)) == 0) {
			rule->level = (enum rill_level)i;
			return 0;
		}
	}
	snprintf(error, error_size,
		 "filter, character %d: unknown level '%.*s'; one of trace, debug, info, warn, "
		 "error, off",
		 (int)(level - expression) + 1, (int)(end - level) > 40 ? 40 : (int)(end - level),
		 level);
	return -EINVAL;
}

int filter_parse(struct filter **filter, const char *expression, char *error, size_t error_size)
{
	size_t rules = 1;
	for (const char *c = expression; *c; c++)
		rules += *c == ',';
	if (rules > MAX_RULES) {
		snprintf(error, error_size, "filter: more than %u rules", MAX_RULES);
		return -EINVAL;
	}
	struct filter *made = calloc(1, sizeof *made + rules * sizeof *made->rules);
	if (!made) {
		snprintf(error, error_size, "filter: no memory");
		return -ENOMEM;
	}
	for (const char *at = skip_blanks(expression); *at; at = skip_blanks(at)) {
		const char *end = at + strcspn(at, ",");
		if (end != at) {
			int result = parse_rule(&made->rules[made->count], expression, at, end,
						error, error_size);
			if (result) {
				free(made);
				return result;
			}
			made->count++;
		}
		at = *end ? end + 1 : end;
	}
	*filter = made;
	return 0;
}

void filter_free(struct filter *filter)
{
	free(filter);
}

void filter_bits(const struct filter *filter, const struct rill_catalog *catalog,
		 unsigned char *bits)
{
	if (!filter)
		return;
	for (size_t i = 0; i < catalog->nevents; i++) {
		const struct rill_catalog_event *event = &catalog->events[i];
		for (size_t r = filter->count; r-- > 0;) {
			const struct rule *rule = &filter->rules[r];
			if (!matches(rule->pattern, event->name))
				continue;
			if (rule->level != RILL_OFF && event->level >= rule->level)
				bits[i / 8] |= (unsigned char)(1u << i % 8);
			break;
		}
	}
}

static bool rule_matches_any(const struct rule *rule, const struct rill_catalog *const *catalogs,
			     size_t count)
{
	for (size_t c = 0; c < count; c++)
		for (size_t i = 0; i < catalogs[c]->nevents; i++)
			if (matches(rule->pattern, catalogs[c]->events[i].name))
				return true;
	return false;
}

#define MAX_NAMES 256u

/* What a rule may have meant: all events, or for a rule with a star all patterns `subsystem.*`. */
struct names {
	const struct rill_catalog *const *catalogs;
	size_t count;
	char globs[MAX_NAMES][64];
	size_t nglobs;
};

static const char *event_name(const void *context, size_t i)
{
	const struct names *names = context;
	size_t c = 0;
	while (i >= names->catalogs[c]->nevents)
		i -= names->catalogs[c++]->nevents;
	return names->catalogs[c]->events[i].name;
}

static const char *glob_name(const void *context, size_t i)
{
	return ((const struct names *)context)->globs[i];
}

static void add_glob(struct names *names, const char *event)
{
	char glob[sizeof names->globs[0]];
	const char *dot = strchr(event, '.');
	if (!dot || (size_t)(dot - event) + 3 > sizeof glob || names->nglobs == MAX_NAMES)
		return;
	snprintf(glob, sizeof glob, "%.*s.*", (int)(dot - event), event);
	for (size_t i = 0; i < names->nglobs; i++)
		if (strcmp(names->globs[i], glob) == 0)
			return;
	strcpy(names->globs[names->nglobs++], glob);
}

static size_t suggest(struct names *names, const char *pattern, const char **found, size_t max)
{
	size_t events = 0;
	names->nglobs = 0;
	for (size_t c = 0; c < names->count; c++) {
		events += names->catalogs[c]->nevents;
		for (size_t e = 0; e < names->catalogs[c]->nevents; e++)
			add_glob(names, names->catalogs[c]->events[e].name);
	}
	if (strchr(pattern, '*'))
		return nearest_names(pattern, glob_name, names, names->nglobs, found, max);
	return nearest_names(pattern, event_name, names, events, found, max);
}

void filter_check(const struct filter *filter, const struct rill_catalog *const *catalogs,
		  size_t count, void (*tell)(const char *sentence))
{
	struct names names = {.catalogs = catalogs, .count = count};
	for (size_t r = 0; r < filter->count; r++) {
		const char *pattern = filter->rules[r].pattern, *found[3];
		char sentence[512];
		if (rule_matches_any(&filter->rules[r], catalogs, count))
			continue;
		size_t n = suggest(&names, pattern, found, 3);
		int used = snprintf(sentence, sizeof sentence, "filter: '%s' matches no event%s",
				    pattern, n ? "; did you mean " : "");
		for (size_t i = 0; i < n && used < (int)sizeof sentence; i++)
			used += snprintf(sentence + used, sizeof sentence - (size_t)used, "%s%s",
					 i ? ", " : "", found[i]);
		if (n && used < (int)sizeof sentence)
			snprintf(sentence + used, sizeof sentence - (size_t)used, "?");
		tell(sentence);
	}
}
