/*
 * The second witness: what the server did, written down without rill, so that a trace can be
 * checked against it (--witness FILE).
 *
 * For each connection a line, written when it was closed, both times CLOCK_REALTIME in
 * nanoseconds, taken next to accept(2) and close(2):
 *
 *     connection 7 span 843290348203 accepted 1700000000123456789 closed 1700000000125456789
 *         commands 5 mails 1                                              (all on one line)
 *
 * and at the end
 *
 *     total connections 200 refused 0 commands 1000 mails 200 emitted 4321
 *
 * `emitted` is the number of rill_event() calls that passed rill's gate. rill evaluates the
 * arguments of an event exactly once, and only if the event is enabled; so every rill_event()
 * here passes one of its values through counted().
 */
#ifndef SMTPD_WITNESS_H
#define SMTPD_WITNESS_H

#include <stdatomic.h>
#include <stdint.h>

extern _Thread_local uint64_t witness_emitted; /* by this thread, since witness_thread_end() */

static inline void witness_count(void)
{
	witness_emitted++;
}

/* The value, any type, and one emitted event more for this thread. A call and not a plain
 * increment: clang warns of increments in the unevaluated operands that macros need. */
#define counted(value) (witness_count(), (value))

struct witness {
	int fd; /* -1: none */
	atomic_int error;
	_Atomic uint64_t connections;
	_Atomic uint64_t refused;
	_Atomic uint64_t commands;
	_Atomic uint64_t mails;
	_Atomic uint64_t emitted;
};

struct witness_connection {
	uint64_t number; /* 1, 2, ... in the order of accept */
	uint64_t span_id;
	uint64_t accepted_ns;
	uint64_t closed_ns;
	uint64_t commands;
	uint64_t mails;
};

/* path NULL: totals are kept, nothing is written. 0 or a negative errno. */
int witness_open(struct witness *witness, const char *path);

uint64_t witness_next_connection(struct witness *witness);
void witness_refused(struct witness *witness);

/* One line, in one write(2) to a file opened with O_APPEND: threads need no lock. */
void witness_connection(struct witness *witness, const struct witness_connection *connection);

/* Adds this thread's count; the last thing that a thread which emits does. */
void witness_thread_end(struct witness *witness);

/* Writes the totals. Called when all other threads have ended; nothing is emitted after it.
 * 0, or the first error of writing, as a negative errno. */
int witness_close(struct witness *witness);

#endif
