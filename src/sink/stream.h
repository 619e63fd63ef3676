/* Writing whole lines to a file descriptor, and what to do when only a part of one went through. */
#ifndef RILL_SINK_STREAM_H
#define RILL_SINK_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

/* A line that was written only in part ends in this: no line of text or JSON does, so that it
 * can't pass for a shorter line that is whole. */
#define STREAM_TORN " (torn)\n"

struct stream {
	int fd;
	bool is_socket;
	bool torn; /* the last byte written is not the end of a line */
};

/*
 * Writes all of it, in one system call if the kernel takes it so. Before it the end of a torn line.
 * parts[0] is the callee's. *done: bytes of parts[1..] that were written; the caller sets `torn`
 * when a line ends behind them. 0 or -errno. Never raises SIGPIPE in a thread that blocks it.
 */
int stream_write(struct stream *stream, struct iovec *parts, size_t nparts, size_t *done);

#endif
