/*
 * The recorded mix: what examples/smtpd emits, in the order in which it did. After the last event
 * the first comes again, as of another mail: ids and times go on, and strings that the recording
 * has once only are others. One thread at a time, in each object that includes this.
 */
#ifndef BENCH_MIX_H
#define BENCH_MIX_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum mix_moves { MIX_SAME, MIX_WORD, MIX_TEXT };

struct mix_event {
	uint32_t site, first; /* of its values */
};

struct mix_recorded {
	uint64_t word;
	const char *text;
	enum mix_moves moves;
};

/* What a call site takes: a number, or a string with its length in `word`. */
struct mix_value {
	uint64_t word;
	char *text;
};

#include "mix_data.h"

#define MIX_EVENTS (sizeof mix_events / sizeof *mix_events)
#define MIX_VALUES (sizeof mix_recorded / sizeof *mix_recorded)

static struct mix_value mix_values[MIX_VALUES];
static uint64_t mix_pass;

/* Four letters in the middle of the string become those of the pass. */
static void mix_letters(char *text, uint64_t length)
{
	for (unsigned i = 0; i < 4; i++)
		text[length / 2 - 2 + i] = (char)('a' + (mix_pass >> 4 * i) % 16);
}

static void mix_next_pass(void)
{
	for (size_t i = 0; i < MIX_VALUES; i++) {
		const struct mix_recorded *recorded = &mix_recorded[i];
		struct mix_value *value = &mix_values[i];

		if (mix_pass == 0 && recorded->text && !(value->text = strdup(recorded->text)))
			abort();
		value->word = recorded->word;
		if (recorded->moves == MIX_WORD)
			value->word += mix_pass * UINT64_C(0x10000000);
		if (recorded->moves == MIX_TEXT)
			mix_letters(value->text, value->word);
	}
	mix_pass++;
}

static inline const struct mix_event *mix_take(size_t index)
{
	if (index % MIX_EVENTS == 0 || mix_pass == 0)
		mix_next_pass();
	return &mix_events[index % MIX_EVENTS];
}

#endif
