#include "control/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rill/control.h>

#include "core/core.h"
#include "core/diagnose.h"

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit sizes[] = {{"", 1},         {"K", 1 << 10},   {"KiB", 1 << 10},
				    {"M", 1 << 20},  {"MiB", 1 << 20}, {"G", 1 << 30},
				    {"GiB", 1 << 30}};
static const struct unit durations[] = {{"ns", 1},
					{"us", 1000},
					{"ms", 1000000},
					{"s", 1000000000},
					{"m", UINT64_C(60000000000)},
					{"h", UINT64_C(3600000000000)},
					{"d", UINT64_C(86400000000000)}};

static int parse_with_unit(const char *text, const struct unit *units, size_t count, uint64_t *to)
{
	char *end;
	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	uint64_t value = strtoull(text, &end, 10);
	if (errno)
		return -EINVAL;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(end, units[i].name) != 0)
			continue;
		if (value > UINT64_MAX / units[i].factor)
			return -EINVAL;
		*to = value * units[i].factor;
		return 0;
	}
	return -EINVAL;
}

int settings_parse_size(const char *text, uint64_t *bytes)
{
	return parse_with_unit(text, sizes, sizeof sizes / sizeof *sizes, bytes);
}

int settings_parse_duration(const char *text, uint64_t *ns)
{
	return parse_with_unit(text, durations, sizeof durations / sizeof *durations, ns);
}

static bool valid_ring(uint64_t bytes)
{
	return bytes >= MIN_RING_BYTES && bytes <= MAX_RING_BYTES && !(bytes & (bytes - 1));
}

static bool valid(const struct rill_settings *settings)
{
	if (settings->ring_size_bytes && !valid_ring(settings->ring_size_bytes)) {
		rill__diagnose(
			__func__,
			"a ring of %llu bytes: the size is a power of two from 64KiB to 1GiB",
			(unsigned long long)settings->ring_size_bytes);
		return false;
	}
	if (settings->policy < 0 || settings->policy > RILL_BLOCK + 1) {
		rill__diagnose(__func__, "policy %d: there is RILL_DISCARD + 1 and RILL_BLOCK + 1",
			       settings->policy);
		return false;
	}
	return true;
}

int rill_settings_apply(const struct rill_settings *settings)
{
	if (!valid(settings))
		return -EINVAL;
	control_lock();
	if (settings->ring_size_bytes)
		rill__settings.ring_size_bytes = settings->ring_size_bytes;
	if (settings->ring_memory_bytes)
		rill__settings.ring_memory_bytes = settings->ring_memory_bytes;
	if (settings->block_timeout_ns)
		rill__settings.block_timeout_ns = settings->block_timeout_ns;
	if (settings->exit_timeout_ns)
		rill__settings.exit_timeout_ns = settings->exit_timeout_ns;
	if (settings->policy)
		rill__settings.policy = (enum rill_policy)(settings->policy - 1);
	if (settings->max_open_spans)
		rill__settings.max_open_spans = settings->max_open_spans;
	control_unlock();
	return 0;
}

static void ring_size_from(const char *name, uint64_t *to)
{
	const char *text = secure_getenv(name);
	if (text && (settings_parse_size(text, to) != 0 || !valid_ring(*to))) {
		rill__diagnose(name,
			       "%s: '%s' is no size of a ring: a power of two from 64KiB to "
			       "1GiB, for example 256KiB. The default stays",
			       name, text);
		*to = 0;
	}
}

static void memory_from(const char *name, uint64_t *to)
{
	const char *text = secure_getenv(name);
	if (text && (settings_parse_size(text, to) != 0 || !*to))
		rill__diagnose(name,
			       "%s: '%s' is no size; write for example 256MiB. The default "
			       "stays",
			       name, text);
}

static void number_from(const char *name, uint32_t *to)
{
	static const struct unit one = {"", 1};
	const char *text = secure_getenv(name);
	uint64_t number = 0;
	if (text && (parse_with_unit(text, &one, 1, &number) != 0 || !number))
		rill__diagnose(name, "%s: '%s' is no number above 0. The default stays", name,
			       text);
	*to = number < UINT32_MAX ? (uint32_t)number : UINT32_MAX;
}

static void policy_from(const char *name, int *to)
{
	const char *text = secure_getenv(name);
	if (!text)
		return;
	if (strcmp(text, "discard") == 0)
		*to = RILL_DISCARD + 1;
	else if (strcmp(text, "block") == 0)
		*to = RILL_BLOCK + 1;
	else
		rill__diagnose(name,
			       "%s: '%s' is no policy; there is discard and block. The "
			       "default stays",
			       name, text);
}

static void duration_from(const char *name, uint64_t *to)
{
	const char *text = secure_getenv(name);
	if (text && (settings_parse_duration(text, to) != 0 || !*to))
		rill__diagnose(name,
			       "%s: '%s' is no duration; write for example 100ms. The default "
			       "stays",
			       name, text);
}

void settings_from_environment(void)
{
	struct rill_settings settings = {0};
	ring_size_from("RILL_RING_SIZE", &settings.ring_size_bytes);
	memory_from("RILL_RING_MEMORY", &settings.ring_memory_bytes);
	number_from("RILL_MAX_OPEN_SPANS", &settings.max_open_spans);
	policy_from("RILL_POLICY", &settings.policy);
	duration_from("RILL_BLOCK_TIMEOUT", &settings.block_timeout_ns);
	duration_from("RILL_EXIT_TIMEOUT", &settings.exit_timeout_ns);
	rill_settings_apply(&settings);
	uint64_t remains = 0;
	memory_from("RILL_REMAINS_MEMORY", &remains);
	if (remains)
		rill__settings.remains_bytes = remains;

	const char *directory = secure_getenv("RILL_RUNTIME_DIR");
	if (directory && strlen(directory) >= sizeof rill__settings.runtime_directory)
		rill__diagnose(__func__,
			       "RILL_RUNTIME_DIR is longer than %zu bytes. The default "
			       "stays",
			       sizeof rill__settings.runtime_directory - 1);
	else if (directory)
		strcpy(rill__settings.runtime_directory, directory);
}
