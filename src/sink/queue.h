/*
 * A bounded queue of lines, and the thread that writes them: for streams whose reader may stop
 * reading. Whoever queues never waits for the reader.
 *
 * Synchronisation: one producer (the sink's caller) and one consumer (the thread) under one mutex,
 * which is never held across a system call that can block. The thread waits on a condition.
 */
#ifndef RILL_SINK_QUEUE_H
#define RILL_SINK_QUEUE_H

#include "sink/out.h"
#include "sink/stream.h"

struct queue;

/* Takes the stream's descriptor over. -EAGAIN: no thread; -ENOMEM. */
int queue_open(struct queue **queue, const struct stream *stream, size_t size,
	       const struct rill_sink_owner *owner);
/* As out_write(); -ENOBUFS: the queue is full. */
int queue_put(struct queue *queue, const char *text, const struct out_line *lines, size_t nlines,
	      size_t *taken);
int queue_flush(struct queue *queue);
void queue_close(struct queue *queue);
void queue_forget(struct queue *queue);

#endif
