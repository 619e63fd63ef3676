/*
 * Ids for spans: 64 bits, unique without any shared counter.
 *
 *     41 bits  milliseconds since 2020      10 bits  this host and process, hashed
 *      6 bits  thread                        6 bits  sequence within the millisecond
 *
 * More than 64 ids in a millisecond borrow from the next one.
 */
#ifndef SMTPD_ID_H
#define SMTPD_ID_H

#include <stdint.h>

struct ids {
	uint64_t node; /* already shifted to its place */
	uint64_t last_ms;
	uint64_t sequence;
};

/* `thread` is below 64 and no other generator of this process has it. */
void ids_init(struct ids *ids, unsigned thread);

/* One thread at a time. */
uint64_t id_next(struct ids *ids);

#endif
