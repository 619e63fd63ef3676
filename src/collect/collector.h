/*
 * The collector thread: takes records out of the rings and hands them on.
 *
 * Whoever controls it leaves messages in a mailbox; it alone touches outputs and dumps. It takes no
 * lock, so nothing that the traced program does can hold it up.
 */
#ifndef RILL_COLLECT_COLLECTOR_H
#define RILL_COLLECT_COLLECTOR_H

#include "collect/pipeline.h"
#include "collect/retain.h"
#include "core/core.h"
#include "dump/dump.h"

#define MAX_OUTPUTS 32u
#define MAX_DUMPS   8u

struct collector;

/* A dump as it was asked for. */
struct dump_target {
	struct dump_writer *writer;  /* of its current file */
	struct dump_process process; /* what that file says of its process */
	char host[256];
	char *directory;
	int level;             /* of zstd; 0: not compressed */
	uint64_t rotate_bytes; /* a file of this size is finished and another one begun; 0: never */
	uint64_t rotate_ns;    /* the same by its age */
	struct retention keep;
};
/* Begins a file, which the writer of the target is then. */
int dump_target_begin(struct dump_target *target, char *error, size_t error_size);
/* NULL is none. The file of its writer, if it has one, is removed. */
void dump_target_free(struct dump_target *target);

/* Starts the thread. At most one a process. NULL: no memory, or no thread; a diagnostic says which.
 * It leaves the rings alone until collector_begin(): what they hold is for all outputs and dumps.
 */
struct collector *collector_start(struct process *process);
void collector_begin(struct collector *collector);

/* Hands over an output or a dump, which is the collector's from then on: it closes it when it
 * stops, or at once with -ENOSPC when there are too many, or -ENOMEM. Returns when it has it, or
 * after five seconds. */
int collector_add_output(struct collector *collector, struct output output);
int collector_add_dump(struct collector *collector, struct dump_target *target);

/* Notes a filter change in every dump. */
void collector_add_epoch(struct collector *collector, const struct epoch *epoch,
			 const char *expression);

/* Between the two it is not freed. */
void collector_hold(struct collector *collector);
void collector_release(struct collector *collector);

/* All that was published before the call is written and flushed. -ETIMEDOUT. */
int collector_flush(struct collector *collector, uint64_t timeout_ns);

/* While stopping (core/stopping.h), with all gates closed: drains every ring, closes outputs and
 * dumps, ends the thread. -ETIMEDOUT: a sink holds it up, and it goes on by itself. -EBUSY: it has
 * stopped, but somebody waits for a flush. Then it is to be freed once collector_stopped(); with 0
 * it has been. */
int collector_stop(struct collector *collector);

bool collector_stopped(const struct collector *collector);
void collector_free(struct collector *collector);

/* In a child: closes the descriptors of the parent's collector, writes nothing, leaves its memory.
 */
void collector_forget(const struct collector *collector);

/* What it has counted so far. */
struct collector_counts {
	uint64_t drained;
	uint64_t late;
	uint64_t bad;
};
int collector_counts(struct collector *collector, struct collector_counts *counts,
		     uint64_t timeout_ns);

#endif
