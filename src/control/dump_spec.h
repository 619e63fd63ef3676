/* The spec of a dump, `DIRECTORY?OPTION=VALUE&...`, as docs/configuration.md has it. */
#ifndef RILL_CONTROL_DUMP_SPEC_H
#define RILL_CONTROL_DUMP_SPEC_H

#include "collect/collector.h"

/* A target without a process yet; dump_target_free() it. 0; -EINVAL, -ENOMEM and one sentence in
 * `error`. */
int dump_spec_parse(struct dump_target **target, const char *argument, char *error,
		    size_t error_size);

#endif
