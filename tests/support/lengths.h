/* What tests/programs/lengths.c emits, and tests/edges/test_lengths.c expects: strings of each
 * length up to and beyond what is written in one pass. */
#ifndef TESTS_LENGTHS_H
#define TESTS_LENGTHS_H

#include <stddef.h>
#include <stdint.h>

#define LENGTHS_MAX  1060u /* 1,023 is the longest of the one pass */
#define LENGTHS_TEXT (LENGTHS_MAX + 26)

/* Letters in turn, so that a byte tells where it is from. */
static inline void lengths_fill(char text[LENGTHS_TEXT + 1])
{
	for (size_t i = 0; i < LENGTHS_TEXT; i++)
		text[i] = (char)((i / 26 % 2 ? 'A' : 'a') + (int)(i % 26));
	text[LENGTHS_TEXT] = '\0';
}

/* Of event n: a stretch of the text with its length, and an end of it with its NUL. */
static inline size_t lengths_from(uint64_t n)
{
	return n % 26;
}
static inline size_t lengths_sized(uint64_t n)
{
	return n % LENGTHS_MAX;
}
static inline size_t lengths_text(uint64_t n)
{
	return n * 7 % LENGTHS_MAX;
}
/* Of five ends of the text in one event: together more than a small ring's reserve has room for. */
static inline size_t lengths_long(uint64_t n, unsigned i)
{
	return 1023 - (n * 5 + i) % 128;
}

#endif
