/*
 * Where lines go: stderr, stdout, or a path. Lines are written whole, several at a time, so that
 * those of several processes in one file never mix.
 *
 * A regular file is written by the caller. What may block for as long as its reader likes (pipe,
 * terminal, socket) gets a queue and a thread: src/sink/queue.h.
 *
 * All calls come from one thread at a time.
 */
#ifndef RILL_SINK_OUT_H
#define RILL_SINK_OUT_H

#include <rill/sink.h>

struct out;

/* One of the lines in a piece of text: where it ends, behind its newline, and whose it is. */
struct out_line {
	size_t end;
	uint16_t catalog_index;
	uint16_t event_id; /* or RILL_SPAN_ENTRY */
};

#define OUT_QUEUE_DEFAULT (4u << 20)
#define OUT_QUEUE_MIN     4096u
#define OUT_QUEUE_MAX     (1u << 30)

/*
 * target: "stderr", "stdout", or a path; a path that does not exist is created with mode 0640: log
 * lines hold personal data, so others get nothing, and the group can read, because logs are read by
 * people and programs that should not run as the server does. queue_size: 0: no queue, whoever
 * calls out_write() waits for the reader. The owner is borrowed.
 */
int out_open(struct out **out, const char *target, size_t queue_size,
	     const struct rill_sink_owner *owner, char *error, size_t error_size);

bool out_is_terminal(const struct out *out);

/* *taken: how many of the lines are written or queued. 0, or why it is less than all. */
int out_write(struct out *out, const char *text, const struct out_line *lines, size_t nlines,
	      size_t *taken);
int out_flush(struct out *out);
void out_close(struct out *out);
void out_forget(struct out *out);

#endif
