#include "control/dump_spec.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/settings.h"
#include "sink/spec.h"

/* Each file begins with its catalogs, which take up to this. */
#define MIN_ROTATE_BYTES (64u << 10)
#define SECOND_NS        UINT64_C(1000000000)
#define MAX_LEVEL        19u /* of zstd; those above need a reader with more memory */

typedef int parse_fn(const char *text, uint64_t *to);

static int parse_number(const char *text, uint64_t *to)
{
	char *end;
	errno = 0;
	*to = strtoull(text, &end, 10);
	return *text < '0' || *text > '9' || errno || *end ? -EINVAL : 0;
}

/* An option of a kind, and what it may be. */
struct option {
	const char *name;
	parse_fn *parse;
	uint64_t least;
	uint64_t most;
	const char *hint;
	uint64_t *to;
};

static int take(struct spec *spec, const struct option *option, char *error, size_t size)
{
	uint64_t value;
	const char *text = spec_take(spec, option->name);
	if (!text)
		return 0;
	if (option->parse(text, &value) != 0 || value < option->least || value > option->most) {
		snprintf(error, size, "%s is not \"%s\" but %s", option->name, text, option->hint);
		return -EINVAL;
	}
	*option->to = value;
	return 0;
}

static int take_options(struct spec *spec, struct dump_target *target, char *error, size_t size)
{
	uint64_t level = 0;
	const struct option options[] = {
		{"rotate", settings_parse_size, MIN_ROTATE_BYTES, UINT64_MAX,
		 "the size of a file, 64KiB at least, such as 256MiB", &target->rotate_bytes},
		{"every", settings_parse_duration, SECOND_NS, UINT64_MAX,
		 "the age of a file, 1s at least, such as 15m or 1d", &target->rotate_ns},
		{"keep", parse_number, 1, UINT64_MAX, "a number of files, 1 at least",
		 &target->keep.files},
		{"keep-size", settings_parse_size, 1, UINT64_MAX,
		 "the size of all files, such as 4GiB", &target->keep.bytes},
		{"keep-age", settings_parse_duration, SECOND_NS, UINT64_MAX,
		 "how long files stay, 1s at least, such as 12h or 7d", &target->keep.age_ns},
		{"zstd", parse_number, 1, MAX_LEVEL, "a level of zstd, 1 to 19", &level},
	};
	for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
		int result = take(spec, &options[i], error, size);
		if (result)
			return result;
	}
	target->level = (int)level;
	return spec_refuse_rest(spec, "rotate, every, keep, keep-size, keep-age and zstd", error,
				size);
}

int dump_spec_parse(struct dump_target **made, const char *argument, char *error, size_t size)
{
	struct spec spec;
	*made = NULL;
	int result = spec_parse(&spec, argument, error, size);
	if (result)
		return result;
	struct dump_target *target = calloc(1, sizeof *target);
	if (target)
		target->directory = strdup(spec.target);
	if (!target || !target->directory) {
		snprintf(error, size, "no memory");
		result = -ENOMEM;
	} else {
		result = take_options(&spec, target, error, size);
	}
	spec_free(&spec);
	if (result)
		dump_target_free(target);
	else
		*made = target;
	return result;
}
