/* The results of code_litmus.c's programs. */
#include "explore/litmus.h"

#include <stdio.h>

static uint32_t now;  /* a bit for each load that returned 1 */
static uint32_t seen; /* a bit for each result that some execution had */

static void begin(void)
{
	keep_state(&now, sizeof now);
}

static void end(void)
{
	seen |= 1u << now;
}

void saw(unsigned load, uint32_t value)
{
	now |= value << load;
}

/* All results of two loads but these. */
static bool all_but(uint32_t results)
{
	return seen == (0xfu & ~results);
}

static bool all_of_two(void)
{
	return all_but(0);
}

static bool never_both_0(void)
{
	return all_but(1u << 0);
}

/* The flag is seen, and what was stored before it is not. */
static bool never_first_only(void)
{
	return all_but(1u << 1);
}

#define DISAGREE (1u << (1 + 4))

static bool may_disagree(void)
{
	return seen == 0xffff;
}

static bool must_agree(void)
{
	return seen == (0xffff & ~DISAGREE);
}

#define TWO(program, expected)                                                                     \
	{                                                                                          \
		.name = #program, .setup = begin, .threads = {program##_0, program##_1},           \
		.monitor = end, .as_expected = expected, .bounds = {{MOST, MOST}, {MOST, MOST}},   \
	}
#define FOUR(program, expected)                                                                    \
	{                                                                                          \
		.name = #program, .setup = begin,                                                  \
		.threads = {program##_0, program##_1, program##_2, program##_3}, .monitor = end,   \
		.as_expected = expected, .bounds = {{MOST, MOST}, {MOST, MOST}},                   \
	}
const struct scenario litmus[] = {
	TWO(buffers, all_of_two),
	TWO(buffers_fenced, never_both_0),
	TWO(buffers_half_fenced, all_of_two),
	TWO(buffers_membarrier, never_both_0),
	TWO(buffers_seq_cst, never_both_0),
	TWO(message, never_first_only),
	TWO(message_released, all_of_two),
	TWO(message_acquired, all_of_two),
	TWO(coherence, never_first_only),
	FOUR(writers, may_disagree),
	FOUR(writers_seq_cst, must_agree),
};
const unsigned nlitmus = sizeof litmus / sizeof *litmus;
