/*
 * How long the end of recording may take, whatever the sinks do.
 *
 * What is taken is waited for, what hangs is not: rill_stop() gives the collector up when nothing
 * has moved for STALL (and its thread does not just want for a core), or after MOST in any case. A
 * sink gives its reader up a little earlier, so that the collector can still close the others. With
 * a configured time that alone decides.
 */
#ifndef RILL_CORE_STOPPING_H
#define RILL_CORE_STOPPING_H

#include <stdbool.h>
#include <stdint.h>

/* Around rill_stop(), which may run in several threads at once. */
void stopping_begin(void);
void stopping_end(void);
bool stopping(void);

/* Something was taken: by a sink, by a file. Any thread; next to nothing unless stopping. */
void stopping_moved(void);

/* While stopping: the time on the monotonic clock at which the collector is given up, if nothing
 * moves any more. `runs`: its thread runs, or waits for a core. */
uint64_t stopping_until_ns(bool runs);
/* The same of a sink's reader that took something at moved_ns for the last time. */
uint64_t stopping_sink_until_ns(uint64_t moved_ns, bool runs);

#endif
