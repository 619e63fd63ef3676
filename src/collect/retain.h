/*
 * Retention: how many of a program's finished dumps stay in its folder. A thread of its own removes
 * the others, since the end of a file of gigabytes takes a while.
 */
#ifndef RILL_COLLECT_RETAIN_H
#define RILL_COLLECT_RETAIN_H

#include <stdbool.h>
#include <stdint.h>

/* 0: any. */
struct retention {
	uint64_t files;
	uint64_t bytes;
	uint64_t age_ns;
};

/* A round of it. Both its thread and its owner let go of it. */
struct retaining;

/* In *place: the last round, which is let go of; while it goes on, nothing is begun. */
void retain_begin(struct retaining **place, const struct retention *keep, const char *directory,
		  const char *program);
/* Waits for it, for a while, and lets go of it. */
void retain_end(struct retaining **place);
/* What the thread does: removes all that is too much now, the oldest first; never a file that some
 * process still writes to. */
void retain(const struct retention *keep, const char *directory, const char *program);

#endif
