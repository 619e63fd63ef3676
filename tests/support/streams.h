/* Pipes, clocks and lines for tests of what sinks write. */
#ifndef TESTS_STREAMS_H
#define TESTS_STREAMS_H

#include <stddef.h>
#include <stdint.h>

uint64_t now_ms(void);
void sleep_ms(long ms);

/* A FIFO in the folder, and its reading end, which is non-blocking. */
char *make_fifo(const char *folder, int *reader);
/* Everything that comes until nothing has come for `quiet_ms`. */
char *drain(int reader, long quiet_ms);

/* Fails the test unless the text is whole lines of JSON, as the sink writes them, and torn ones
 * that are marked. Returns how many are whole. */
size_t count_lines(const char *text, size_t *torn);
/* The same, none torn, and each line's hostname holds one letter only. */
void expect_unmixed(const char *text, size_t count);
/* Opens the sink, writes this many lines of different lengths made of the letter, closes it. */
void write_many(const char *spec, char letter, int count);
/* A record with a string of this many bytes. */
struct rill_record *step(size_t padding);

/* Makes stderr a file in the folder, where the diagnostics go. Returns its path. */
char *capture_diagnostics(const char *folder);
size_t count_text(const char *text, const char *part);

#endif
