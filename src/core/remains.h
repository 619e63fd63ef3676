/*
 * What a process leaves in its runtime directory for whoever finds it dead: the beginnings of its
 * files, as docs/ring-file.md specifies them. Everything in them is to be doubted when it is read.
 */
#ifndef RILL_CORE_REMAINS_H
#define RILL_CORE_REMAINS_H

#include <stddef.h>
#include <stdint.h>

#include "core/clock.h"
#include "core/prim/prim.h"

#define REMAINS_VERSION 1u

/* Names in the directory. */
#define REMAINS_LOCK     "lock"
#define REMAINS_PROCESS  "process"
#define REMAINS_DUMPS    "dumps"
#define REMAINS_RING     "ring-"     /* and the serial number that the file was made with */
#define REMAINS_CATALOGS "catalogs-" /* and a number, and ".rill" */

/* Losses of one event id. */
struct event_loss {
	uint64_t filtered;
	uint64_t discarded;
};

#define RING_MAGIC "rillring"

/* The beginning of a ring's file. Producer and consumer write to lines of their own. */
struct ring_file {
	char magic[8];
	uint32_t version;
	uint32_t header_bytes; /* where the data begin */
	uint64_t data_bytes;
	uint64_t serial;
	uint32_t pid;
	uint32_t tid;
	uint32_t nlosses; /* length of losses: indices beyond go to struct process_file */
	uint32_t lossy;   /* not 0: some of them are not zero */
	uint64_t id[2];   /* of the process */
	_Alignas(2 * PRIM_CACHE_LINE) uint64_t head;              /* producer */
	_Alignas(2 * PRIM_CACHE_LINE) uint64_t tail;              /* consumer */
	_Alignas(2 * PRIM_CACHE_LINE) struct event_loss losses[]; /* producer, off the hot path */
};

#define PROCESS_MAGIC "rillproc"

/* The file of the process itself. */
struct process_file {
	char magic[8];
	uint32_t version;
	uint32_t header_bytes; /* where the losses begin */
	uint32_t pid;
	uint32_t nlosses; /* length of losses; grows with the catalogs */
	uint64_t id[2];
	uint64_t start_ns; /* both at the same moment, nearly */
	uint64_t start_ticks;
	/* Of the line from ticks to time: the first point, and the last one. That one stands at
	 * last[(npoints - 1) % 2]; the other place may be on its way. */
	uint64_t npoints;
	struct clock_point first;
	struct clock_point last[2];
	/* Of events that were lost without a ring, or in one that is no more. */
	struct event_loss losses[];
};

/* A line of the file `dumps`, its end included. Its length; 0: it is longer than `size`. */
#define REMAINS_LINE 16384u
size_t remains_put_place(char *to, size_t size, uint64_t series, int level, const char *folder);
/* Takes a line apart, in place; it ends with a NUL. The folder; NULL: it is none. */
char *remains_take_place(char *line, uint64_t *series, int *level);

#endif
