#include "sink/spec.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* %XX in place. False: not two hexadecimal digits, or a NUL. */
static bool unescape(char *text)
{
	char *to = text;
	for (const char *from = text; *from; from++) {
		if (*from != '%') {
			*to++ = *from;
			continue;
		}
		int high = digit_value(from[1]);
		int low = high < 0 ? -1 : digit_value(from[2]);
		if (low < 0 || high + low == 0)
			return false;
		*to++ = (char)(high << 4 | low);
		from += 2;
	}
	*to = '\0';
	return true;
}

static int add_option(struct spec *spec, char *text, const char *raw, char *error,
		      size_t error_size)
{
	char *equals = strchr(text, '=');
	if (!equals || equals == text || !equals[1]) {
		snprintf(error, error_size, "option \"%s\" is not NAME=VALUE", text);
		return -EINVAL;
	}
	*equals = '\0';
	for (size_t i = 0; i < spec->noptions; i++) {
		if (strcmp(spec->options[i].name, text) == 0) {
			snprintf(error, error_size, "option \"%s\" is given twice", text);
			return -EINVAL;
		}
	}
	if (spec->noptions == SPEC_MAX_OPTIONS) {
		snprintf(error, error_size, "more than %u options", SPEC_MAX_OPTIONS);
		return -EINVAL;
	}
	if (!unescape(equals + 1)) {
		snprintf(error, error_size,
			 "value of option \"%s\": %% is followed by two hexadecimal digits", text);
		return -EINVAL;
	}
	spec->options[spec->noptions++] = (struct spec_option){text, equals + 1, raw, false};
	return 0;
}

static int parse(struct spec *spec, char *raw, char *error, size_t error_size)
{
	char *rest = strchr(spec->target, '?');
	if (rest)
		*rest++ = '\0';
	if (!*spec->target) {
		snprintf(error, error_size, "there is no target behind the colon");
		return -EINVAL;
	}
	if (!unescape(spec->target)) {
		snprintf(error, error_size,
			 "target \"%s\": %% is followed by two hexadecimal digits (%%25 is a %%)",
			 spec->target);
		return -EINVAL;
	}
	while (rest) {
		char *option = rest, *option_raw = raw + (rest - spec->memory);
		rest = strchr(rest, '&');
		if (rest) {
			raw[rest - spec->memory] = '\0';
			*rest++ = '\0';
		}
		int result = add_option(spec, option, option_raw, error, error_size);
		if (result)
			return result;
	}
	return 0;
}

int spec_parse(struct spec *spec, const char *argument, char *error, size_t error_size)
{
	size_t size = strlen(argument) + 1;
	memset(spec, 0, sizeof *spec);
	spec->memory = malloc(2 * size);
	if (!spec->memory) {
		snprintf(error, error_size, "no memory");
		return -ENOMEM;
	}
	memcpy(spec->memory, argument, size);
	memcpy(spec->memory + size, argument, size);
	spec->target = spec->memory;
	int result = parse(spec, spec->memory + size, error, error_size);
	if (result)
		spec_free(spec);
	return result;
}

void spec_free(struct spec *spec)
{
	free(spec->memory);
	memset(spec, 0, sizeof *spec);
}

const char *spec_take(struct spec *spec, const char *name)
{
	for (size_t i = 0; i < spec->noptions; i++) {
		if (strcmp(spec->options[i].name, name) == 0) {
			spec->options[i].used = true;
			return spec->options[i].value;
		}
	}
	return NULL;
}

int spec_take_choice(struct spec *spec, const char *name, const char *const *choices,
		     unsigned *choice, char *error, size_t error_size)
{
	const char *value = spec_take(spec, name);
	if (!value)
		return 0;
	for (unsigned i = 0; choices[i]; i++) {
		if (strcmp(value, choices[i]) == 0) {
			*choice = i;
			return 0;
		}
	}
	int length = snprintf(error, error_size, "%s is not \"%s\" but one of", name, value);
	for (unsigned i = 0; choices[i] && length >= 0 && (size_t)length < error_size; i++)
		length += snprintf(error + length, error_size - (size_t)length, " %s", choices[i]);
	return -EINVAL;
}

int spec_take_size(struct spec *spec, const char *name, uint64_t *size, char *error,
		   size_t error_size)
{
	static const char *const suffixes[] = {"", "KiB", "MiB", "GiB"};
	const char *value = spec_take(spec, name);
	if (!value)
		return 0;
	char *end = NULL;
	errno = 0;
	uint64_t number = strtoull(value, &end, 10);
	if (value[0] >= '0' && value[0] <= '9' && !errno) {
		for (unsigned i = 0; i < 4; i++) {
			if (strcmp(end, suffixes[i]) == 0 && number <= UINT64_MAX >> (10 * i)) {
				*size = number << (10 * i);
				return 0;
			}
		}
	}
	snprintf(error, error_size,
		 "%s is not \"%s\" but a number of bytes, such as 65536, 64KiB or 4MiB", name,
		 value);
	return -EINVAL;
}

int spec_refuse_rest(const struct spec *spec, const char *known, char *error, size_t error_size)
{
	for (size_t i = 0; i < spec->noptions; i++) {
		if (!spec->options[i].used) {
			snprintf(error, error_size, "no option is called \"%s\"; there are %s",
				 spec->options[i].name, known);
			return -EINVAL;
		}
	}
	return 0;
}
