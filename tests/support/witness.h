/*
 * The page on which tests/programs/committing.c keeps what it has emitted, outside rill: whatever
 * end the process finds, the page holds what was committed before. What a slot emits is a function
 * of a sequence number, which every event carries, so the page needs no more than the last one.
 *
 * A slot is a thread, or, with `churn`, one after the other. Round r begins a span; the spans of
 * the last WITNESS_OPEN rounds are open.
 */
#ifndef TESTS_WITNESS_H
#define TESTS_WITNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WITNESS_SLOTS  4u
#define WITNESS_OPEN   5u
#define WITNESS_ROUND  8u /* events of a round */
#define WITNESS_STARTS 16u
#define WITNESS_TEXT   61u /* bytes of the longest text */

struct witness_slot {
	_Alignas(128) uint64_t taken; /* the last number that was evaluated as an argument */
	uint64_t committed;           /* the last one whose rill_event() has returned */
	/* When the start events of the last rounds were emitted: not before, not after. */
	struct {
		uint64_t before_ns;
		uint64_t after_ns;
	} start[WITNESS_STARTS];
};

struct witness {
	uint32_t ready; /* all threads emit */
	uint32_t flushes;
	struct witness_slot slot[WITNESS_SLOTS];
};

enum witness_kind {
	WITNESS_START,
	WITNESS_NOTE, /* three events, by number */
	WITNESS_END,
};

struct witness_event {
	enum witness_kind kind;
	uint64_t round; /* whose span it belongs to */
};

/* What the event with this number is, from 1 on. */
static inline struct witness_event witness_event(uint64_t number)
{
	uint64_t round = (number - 1) / WITNESS_ROUND, at = (number - 1) % WITNESS_ROUND;
	if (at == 0)
		return (struct witness_event){WITNESS_START, round};
	uint64_t back = at % WITNESS_OPEN < round ? at % WITNESS_OPEN : round;
	if (at < WITNESS_ROUND - 1 || round < WITNESS_OPEN)
		return (struct witness_event){WITNESS_NOTE, round - back};
	return (struct witness_event){WITNESS_END, round - WITNESS_OPEN};
}

static inline uint64_t witness_span(uint32_t slot, uint64_t round)
{
	return (uint64_t)(slot + 1) << 40 | round;
}

/* Its text: so many bytes, the first of which is this one, and each one more than that before. */
static inline uint32_t witness_text_bytes(uint64_t number)
{
	return (uint32_t)(number * 7 % WITNESS_TEXT);
}

static inline unsigned char witness_text_byte(uint64_t number, uint32_t at)
{
	return (unsigned char)('a' + (number + at) % 26);
}

#endif
