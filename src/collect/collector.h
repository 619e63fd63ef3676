/*
 * The collector thread: takes records out of the rings and hands them on.
 *
 * Whoever controls it leaves messages in a mailbox; it alone touches outputs and dumps. It takes no
 * lock, so nothing that the traced program does can hold it up.
 */
#ifndef RILL_COLLECT_COLLECTOR_H
#define RILL_COLLECT_COLLECTOR_H

#include "collect/pipeline.h"
#include "core/core.h"
#include "dump/dump.h"

#define MAX_OUTPUTS 32u
#define MAX_DUMPS   8u

struct collector;

/* Starts the thread. At most one a process. NULL: no memory, or no thread; a diagnostic says which.
 */
struct collector *collector_start(struct process *process);

/* Hands over an output or a dump; the collector closes it when it stops. -ENOSPC: too many; then it
 * is still the caller's. Returns once the collector has it. */
int collector_add_output(struct collector *collector, struct output output);
int collector_add_dump(struct collector *collector, struct dump_writer *writer);

/* Notes a filter change in every dump. */
void collector_add_epoch(struct collector *collector, const struct epoch *epoch,
			 const char *expression);

/* All that was published before the call is written and flushed. -ETIMEDOUT. */
int collector_flush(struct collector *collector, uint64_t timeout_ns);

/* Drains every ring, closes outputs and dumps, ends the thread. All gates are closed. -ETIMEDOUT:
 * it goes on by itself. When 0, the collector is freed. */
int collector_stop(struct collector *collector, uint64_t timeout_ns);

/* In a child: frees what the parent's collector held, writes nothing. */
void collector_forget(struct collector *collector);

/* What it has counted, and the losses in the rings, which only it may read while it may unmap them.
 */
struct collector_counts {
	uint64_t drained;
	uint64_t late;
	uint64_t bad;
	uint64_t filtered;
	uint64_t discarded;
};
int collector_counts(struct collector *collector, struct collector_counts *counts,
		     uint64_t timeout_ns);

#endif
