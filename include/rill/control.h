/*
 * Control of the runtime: filters, sinks, flushing, diagnostics.
 *
 * Every function here may be called from any thread at any time, also before main() and in atexit
 * handlers; none is safe in a signal handler. Errors are negative errno values; what was wrong, and
 * where, goes to the diagnostic callback as one sentence.
 */
#ifndef RILL_CONTROL_H
#define RILL_CONTROL_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <rill/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RILL_API __attribute__((visibility("default")))

#ifdef __cplusplus
}
#endif
#endif
