/*
 * The environment: lines NAME=VALUE, of which the RILL_ ones are set, and the program is started
 * with. What a sink would open stays here: every path is /dev/null, and no folder is made.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "control/dump_spec.h"
#include "control/settings.h"
#include "core/core.h"
#include "fuzz/fuzz.h"
#include "rill/control.h"
#include "sink/sink.h"

#define MOST_SINKS 16

/* The linker gives our objects these, with --wrap. */
int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
	va_list arguments;
	va_start(arguments, flags);
	mode_t mode = flags & O_CREAT ? (mode_t)va_arg(arguments, unsigned) : 0;
	va_end(arguments);
	/* Those that the fuzzer itself opens; a sink's path was checked for its slash before. */
	if (!(flags & O_APPEND))
		return __real_open(path, flags, mode);
	return __real_open("/dev/null", flags & ~O_CREAT);
}

static const char *const names[] = {
	"RILL_FILTER", "RILL_SINKS",         "RILL_RING_SIZE",      "RILL_RING_MEMORY",
	"RILL_POLICY", "RILL_BLOCK_TIMEOUT", "RILL_MAX_OPEN_SPANS", "RILL_RUNTIME_DIR",
};

static void said(void *context, const char *sentence)
{
	(void)context;
	fuzz_message(sentence);
}

static void set(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *next = text;
	FUZZ_CHECK(text);
	memcpy(text, data, size);
	text[size] = 0;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		unsetenv(names[i]);
	for (char *line; (line = strsep(&next, "\n"));) {
		char *equals = strchr(line, '=');
		if (!equals)
			continue;
		*equals = 0;
		for (size_t i = 0; i < sizeof names / sizeof *names; i++)
			if (strcmp(names[i] + sizeof "RILL_" - 1, line) == 0)
				setenv(names[i], equals + 1, 1);
	}
	free(text);
}

static void check_settings(void)
{
	static struct settings before;
	static bool kept;
	if (!kept)
		before = rill__settings;
	kept = true;
	rill__settings = before;
	settings_from_environment();
	uint64_t ring = rill__settings.ring_size_bytes;
	FUZZ_CHECK(ring >= MIN_RING_BYTES && ring <= MAX_RING_BYTES && !(ring & (ring - 1)));
	FUZZ_CHECK(rill__settings.ring_memory_bytes && rill__settings.block_timeout_ns);
	FUZZ_CHECK(rill__settings.max_open_spans);
	FUZZ_CHECK(rill__settings.policy == RILL_DISCARD || rill__settings.policy == RILL_BLOCK);
	FUZZ_CHECK(memchr(rill__settings.runtime_directory, 0,
			  sizeof rill__settings.runtime_directory));
}

static void open_sink(const char *spec)
{
	char error[512] = "";
	struct dump_target *target = NULL;
	struct sink *sink = NULL;
	int code;
	if (strncmp(spec, "dump:", 5) == 0) {
		code = dump_spec_parse(&target, spec + 5, error, sizeof error);
		if (!code) {
			FUZZ_CHECK(target->directory[0] && target->level <= 19);
			dump_target_free(target);
		}
	} else {
		/* Without a thread: it would be one more for each input. */
		code = strstr(spec, "std") ? -EINVAL : sink_open(&sink, spec, error, sizeof error);
		if (!code)
			sink_close(sink);
		else if (strstr(spec, "std"))
			return;
	}
	FUZZ_CHECK(code <= 0 && (code == 0) == (error[0] == 0) && strlen(error) < sizeof error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	rill_on_diagnostic(said, NULL);
	set(data, size);
	check_settings();
	const char *sinks = getenv("RILL_SINKS");
	char *list = sinks ? strdup(sinks) : NULL, *next = list;
	size_t count = 0;
	for (char *spec; list && count < MOST_SINKS && (spec = strsep(&next, ",")); count++)
		open_sink(spec);
	free(list);
	return 0;
}
