#include "core/diagnose.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rill/control.h>

#include "core/prim/prim.h"

#include "core/characters.h"

#define PLACES    64
#define PER_PLACE 20u

static rill_diagnostic_fn callback;
static void *callback_context;

static struct {
	const char *place;
	unsigned count;
} told[PLACES];

void rill_on_diagnostic(rill_diagnostic_fn function, void *context)
{
	__atomic_store_n(&callback_context, context, __ATOMIC_RELAXED);
	__atomic_store_n(&callback, function, __ATOMIC_RELEASE);
}

/* How often this place has spoken, counting now. A full table leaves new places unlimited. */
static unsigned count_of(const char *place)
{
	for (size_t i = 0; i < PLACES; i++) {
		const char *seen = __atomic_load_n(&told[i].place, __ATOMIC_RELAXED);
		if (!seen && __atomic_compare_exchange_n(&told[i].place, &seen, place, false,
							 __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			seen = place;
		if (seen == place)
			return __atomic_add_fetch(&told[i].count, 1, __ATOMIC_RELAXED);
	}
	return 1;
}

void rill__diagnose(const char *place, const char *format, ...)
{
	int saved = errno;
	char raw[1024], text[2048];
	unsigned count = count_of(place);
	if (count > PER_PLACE + 1)
		return;
	if (count == PER_PLACE + 1) {
		snprintf(raw, sizeof raw, "further messages of this kind are left out (%s)", place);
	} else {
		va_list arguments;
		va_start(arguments, format);
		vsnprintf(raw, sizeof raw, format, arguments);
		va_end(arguments);
	}
	/* Paths, filters and names of programs are not ours: none ends the line or drives a
	 * terminal.
	 */
	characters_escape(text, sizeof text, raw, strlen(raw));
	rill_diagnostic_fn function = __atomic_load_n(&callback, __ATOMIC_ACQUIRE);
	if (function) {
		function(__atomic_load_n(&callback_context, __ATOMIC_RELAXED), text);
	} else {
		char line[sizeof text + 16];
		int length = snprintf(line, sizeof line, "rill: %s\n", text);
		/* Never wait for a pager that was paused: the collector speaks through here too. */
		struct pollfd ready = {.fd = STDERR_FILENO, .events = POLLOUT};
		struct prim_quiet quiet; /* nor end the program because nobody reads it */
		prim_quiet_begin(&quiet);
		if (poll(&ready, 1, 0) == 1 && (ready.revents & POLLOUT) &&
		    write(STDERR_FILENO, line, (size_t)length) < 0)
			(void)line; /* nobody left to tell */
		prim_quiet_end(&quiet);
	}
	errno = saved;
}
