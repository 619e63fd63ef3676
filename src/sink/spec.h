/*
 * The grammar of sink specs:
 *
 *     spec     = TYPE ":" argument
 *     argument = target [ "?" option *( "&" option ) ]
 *     option   = NAME "=" VALUE
 *
 * In target and values %XX is the byte XX (two hexadecimal digits): for "?", "&", "%", and for ","
 * where a comma separates specs.
 */
#ifndef RILL_SINK_SPEC_H
#define RILL_SINK_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SPEC_MAX_OPTIONS 16u

struct spec_option {
	const char *name;
	char *value;
	const char *raw; /* as it was written: NAME=VALUE */
	bool used;
};

struct spec {
	char *memory;
	char *target;
	struct spec_option options[SPEC_MAX_OPTIONS];
	size_t noptions;
};

/* 0; -EINVAL, -ENOMEM and one sentence in `error`. */
int spec_parse(struct spec *spec, const char *argument, char *error, size_t error_size);
void spec_free(struct spec *spec);

/* The value of an option, which then counts as known; NULL: it is not there. */
const char *spec_take(struct spec *spec, const char *name);
/* One of the choices, NULL at their end. Leaves *choice alone when the option is not there. */
int spec_take_choice(struct spec *spec, const char *name, const char *const *choices,
		     unsigned *choice, char *error, size_t error_size);
/* Bytes, with a suffix of KiB, MiB or GiB or without. */
int spec_take_size(struct spec *spec, const char *name, uint64_t *size, char *error,
		   size_t error_size);
/* -EINVAL when there are options that nobody took. known: their names, for the message. */
int spec_refuse_rest(const struct spec *spec, const char *known, char *error, size_t error_size);

#endif
