/*
 * Control of the runtime: filters, sinks, flushing, counters, diagnostics.
 *
 * Every function here may be called from any thread at any time, also before main(), in atexit
 * handlers and in a forked child; none is safe in a signal handler. Errors are negative errno
 * values; what was wrong, and where, goes to the diagnostic callback as one sentence.
 *
 * The environment does the same without a line of code (it is ignored in set-user-ID programs):
 *
 *     RILL_FILTER='*=info,smtp.*=trace,store.*=off'     what to record
 *     RILL_SINKS='text:stderr,json:/path,dump:/dir'     where to write it
 *     RILL_RING_SIZE=256KiB  RILL_RING_MEMORY=1GiB      bounds; docs/configuration.md has them all
 *     RILL_POLICY=discard|block  RILL_BLOCK_TIMEOUT=100ms  RILL_EXIT_TIMEOUT=1s
 */
#ifndef RILL_CONTROL_H
#define RILL_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rill/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Sets what is recorded: comma-separated rules `PATTERN=LEVEL`, of which the last that matches an
 * event decides. PATTERN is an event id in which * stands for any characters; LEVEL is trace,
 * debug, info, warn, error (that and above) or off. A PATTERN alone means =trace.
 *
 * When it has returned 0, no event decided under the old filter can be recorded any more. It
 * applies to catalogs that are registered later as well. A rule that matches no event is a
 * diagnostic that names the nearest ones, not an error.
 *
 * -EINVAL: the expression is malformed, and the old filter stays. -EBUSY: published, but some
 * thread has been inside one event for ten seconds (stopped, or it left a signal handler by
 * siglongjmp()).
 */
RILL_API int rill_filter_apply(const char *expression);

/*
 * Adds a sink: "text:stderr", "json:/var/log/app.jsonl", "dump:/var/tmp/traces". The part after ?
 * holds options: "text:stderr?level=warn&color=never". -EINVAL, or what opening it failed with.
 */
RILL_API int rill_sink_add(const char *spec);

/* Everything recorded before the call is in the sinks when it returns 0, and in dumps so that a
 * power failure does not take it. -ETIMEDOUT, or what syncing a dump failed with. */
RILL_API int rill_flush(uint64_t timeout_ns);

/*
 * Stops recording, drains the rings, flushes and closes the sinks. Done at exit by itself.
 * Recording starts again with rill_filter_apply() and rill_sink_add().
 *
 * Sinks that take what they get are waited for, two seconds at most; after 80 ms in which nothing
 * moves they are given up. exit_timeout_ns, when set, is waited instead of both. What is not
 * written then is told, and left in the files of the rings.
 */
RILL_API void rill_stop(void);

/* What a thread does when its ring is full. */
enum rill_policy {
	RILL_DISCARD, /* the event is dropped and counted by its id */
	RILL_BLOCK,   /* waits for room, at most the configured time, then as RILL_DISCARD */
};

/* Bounds and policy. Zero in a field: leave as it is. Rings that exist keep their size. */
struct rill_settings {
	uint64_t ring_size_bytes;   /* power of two, 64 KiB to 1 GiB; default 256 KiB */
	uint64_t ring_memory_bytes; /* of all rings together; default 1 GiB */
	uint64_t block_timeout_ns;  /* default 100 ms */
	int policy;                 /* enum rill_policy + 1; default RILL_DISCARD + 1 */
	uint32_t max_open_spans;    /* default 65536 */
	uint64_t exit_timeout_ns;   /* of rill_stop(); default: as it says */
};

/* -EINVAL: a value out of its range; then nothing changed. */
RILL_API int rill_settings_apply(const struct rill_settings *settings);

/*
 * What became of the events: emitted (calls that passed the gate) = filtered + discarded +
 * recorded, and recorded - drained is still on its way. What the sinks made of the drained ones is
 * in the dump and in docs/accounting.md.
 */
struct rill_counts {
	uint64_t drained;   /* taken out of the rings */
	uint64_t filtered;  /* off again when looked at inside the section */
	uint64_t discarded; /* no room, no ring */
	uint64_t late;      /* written to live sinks out of order, and marked so */
	uint64_t cut;       /* values too long for a record */
	uint64_t bad;       /* records that could not be decoded */
	uint64_t repaired;  /* events that a signal handler left by siglongjmp() */
	uint64_t rings;     /* that have memory: of threads, and spares */
};

RILL_API void rill_counts_get(struct rill_counts *counts);

/*
 * Where diagnostics go: one sentence a call, without a newline, valid until the function returns.
 * Default, and with NULL: standard error. The function may be called from any thread, and must not
 * call rill.
 */
typedef void (*rill_diagnostic_fn)(void *context, const char *sentence);
RILL_API void rill_on_diagnostic(rill_diagnostic_fn function, void *context);

#ifdef __cplusplus
}
#endif
#endif
