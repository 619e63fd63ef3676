/* Settings from the environment and from rill_settings_apply(). */
#ifndef RILL_CONTROL_SETTINGS_H
#define RILL_CONTROL_SETTINGS_H

#include <stdint.h>

/* Reads RILL_RING_SIZE and its like; what is malformed is a diagnostic and keeps its default. */
void settings_from_environment(void);

/* "262144", "256K", "256KiB", "1MiB", "2GiB": bytes. 0 or -EINVAL. */
int settings_parse_size(const char *text, uint64_t *bytes);

/* "100ms", "2s", "50us", "1000ns": nanoseconds. 0 or -EINVAL. */
int settings_parse_duration(const char *text, uint64_t *ns);

#endif
