#include "sink/queue.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "core/prim/prim.h"
#include "core/stopping.h"

#define MAX_LINES   64u   /* of one write */
#define STALL_MS    200u  /* a flush gives up when nothing has moved for so long */
#define FLUSH_MS    2000u /* and after this in any case; so does closing */
#define SLICE_MS    10u   /* of waiting: recording may begin to stop meanwhile */
#define MS_NS       UINT64_C(1000000)
#define HEADER_SIZE sizeof(struct header)

/* In the queue: this, then the line, padded to 8 bytes. A header never wraps, a line may. */
struct header {
	uint32_t size;
	uint16_t catalog_index;
	uint16_t event_id;
};

struct queue {
	struct stream stream;
	const struct rill_sink_owner *owner;
	pthread_mutex_t mutex;
	pthread_cond_t filled; /* the thread waits here */
	pthread_cond_t moved;  /* queue_wait() waits here */
	char *lines;           /* `size` bytes, mapped */
	size_t size;           /* a multiple of 8 */
	uint64_t head;         /* where the next line goes, modulo size; a multiple of 8 */
	uint64_t tail;         /* lines before it are written or lost */
	uint64_t settled_ns;   /* when lines last were */
	uint32_t tid;          /* of the thread; 0: not started yet */
	bool waiting;          /* the thread sleeps on `filled` */
	bool telling;          /* the thread is calling the owner */
	bool failing;          /* lines were lost since the queue was last empty */
	bool stop;
	bool left; /* the thread was stuck when its owner went: it frees the queue */
	bool gone; /* the thread has returned, or is about to */
	pthread_t thread;
};

/* Lines of one write. */
struct load {
	struct iovec parts[1 + 2 * MAX_LINES];
	struct out_line lines[MAX_LINES]; /* end: among the bytes of this load */
	size_t nparts;
	size_t nlines;
	size_t bytes;
	uint64_t tail;
};

static size_t padded(size_t size)
{
	return HEADER_SIZE + ((size + 7) & ~(size_t)7);
}

static void get_header(const struct queue *queue, uint64_t at, struct header *header)
{
	memcpy(header, queue->lines + at % queue->size, HEADER_SIZE);
}

/* As many lines as a pipe takes without mixing them with another process's (PIPE_BUF); a longer
 * line goes alone. */
static void take(struct queue *queue, struct load *load)
{
	load->nparts = 1;
	load->nlines = 0;
	load->bytes = 0;
	load->tail = queue->tail;
	while (load->tail != queue->head && load->nlines < MAX_LINES) {
		struct header header;
		get_header(queue, load->tail, &header);
		size_t room = PIPE_BUF - (sizeof STREAM_TORN - 1);
		if (load->nlines && load->bytes + header.size > room)
			break;
		size_t at = (load->tail + HEADER_SIZE) % queue->size;
		size_t first = queue->size - at < header.size ? queue->size - at : header.size;
		load->parts[load->nparts++] = (struct iovec){queue->lines + at, first};
		if (first < header.size)
			load->parts[load->nparts++] =
				(struct iovec){queue->lines, header.size - first};
		load->bytes += header.size;
		load->lines[load->nlines++] =
			(struct out_line){load->bytes, header.catalog_index, header.event_id};
		load->tail += padded(header.size);
	}
}

/* Without the mutex: the owner's functions may call the user's diagnostic callback. */
static void tell(const struct queue *queue, const struct load *load, size_t done, int error,
		 bool recovered)
{
	const struct rill_sink_owner *owner = queue->owner;
	for (size_t i = 0; i < load->nlines; i++) {
		const struct out_line *line = &load->lines[i];
		if (line->end > done)
			owner->lost(owner->context, line->catalog_index, line->event_id, error);
	}
	if (recovered)
		owner->recovered(owner->context);
}

/* After a write: what became of its lines. */
static void settle(struct queue *queue, const struct load *load, size_t done, int error)
{
	bool lost = done < load->bytes;
	bool recovered = queue->failing && !lost && load->tail == queue->head;
	if (lost)
		queue->failing = true;
	else if (recovered)
		queue->failing = false;
	if (lost || recovered) {
		queue->telling = true;
		pthread_mutex_unlock(&queue->mutex);
		tell(queue, load, done, error, recovered);
		pthread_mutex_lock(&queue->mutex);
		queue->telling = false;
	}
	queue->tail = load->tail;
	queue->settled_ns = prim_monotonic_ns();
	if (queue->tail == queue->head)
		queue->head = queue->tail = 0; /* the first pages are in the cache */
	pthread_cond_broadcast(&queue->moved);
}

static void destroy(struct queue *queue)
{
	close(queue->stream.fd);
	munmap(queue->lines, queue->size);
	pthread_mutex_destroy(&queue->mutex);
	pthread_cond_destroy(&queue->filled);
	pthread_cond_destroy(&queue->moved);
	free(queue);
}

static void set_up_thread(void)
{
	pthread_setname_np(pthread_self(), "rill-out");
	prim_use_all_cores();
}

static void *run(void *argument)
{
	struct queue *queue = argument;
	struct load load;
	set_up_thread();
	pthread_mutex_lock(&queue->mutex);
	queue->tid = prim_tid();
	for (;;) {
		while (queue->tail == queue->head && !queue->stop) {
			queue->waiting = true;
			pthread_cond_wait(&queue->filled, &queue->mutex);
			queue->waiting = false;
		}
		if (queue->tail == queue->head)
			break;
		take(queue, &load);
		pthread_mutex_unlock(&queue->mutex);
		size_t done = 0;
		int error = stream_write(&queue->stream, load.parts, load.nparts, &done);
		size_t whole = 0;
		for (size_t i = 0; i < load.nlines && load.lines[i].end <= done; i++)
			whole = load.lines[i].end;
		if (done > whole)
			queue->stream.torn = true;
		pthread_mutex_lock(&queue->mutex);
		if (queue->left)
			break;
		settle(queue, &load, done, error);
	}
	bool left = queue->left;
	queue->gone = true;
	pthread_cond_broadcast(&queue->moved);
	pthread_mutex_unlock(&queue->mutex);
	if (left)
		destroy(queue);
	return NULL;
}

/* The thread blocks all signals: they are the application's; and EPIPE then leaves a SIGPIPE
 * pending that nobody ever gets. */
static int start_thread(struct queue *queue)
{
	sigset_t all, old;
	pthread_attr_t attributes;
	sigfillset(&all);
	int error = pthread_attr_init(&attributes);
	if (error)
		return -error;
	pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(&queue->thread, &attributes, run, queue);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attributes);
	return -error;
}

int queue_open(struct queue **result, const struct stream *stream, size_t size,
	       const struct rill_sink_owner *owner)
{
	struct queue *queue = calloc(1, sizeof *queue);
	pthread_condattr_t clock;
	if (!queue)
		return -ENOMEM;
	queue->stream = *stream;
	queue->owner = owner;
	queue->size = size & ~(size_t)7;
	queue->lines = mmap(NULL, queue->size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (queue->lines == MAP_FAILED) {
		free(queue);
		return -ENOMEM;
	}
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_mutex_init(&queue->mutex, NULL);
	pthread_cond_init(&queue->filled, NULL);
	pthread_cond_init(&queue->moved, &clock);
	pthread_condattr_destroy(&clock);
	int error = start_thread(queue);
	if (error) {
		munmap(queue->lines, queue->size);
		free(queue);
		return error;
	}
	*result = queue;
	return 0;
}

static bool put_line(struct queue *queue, const char *text, const struct out_line *line,
		     size_t size)
{
	struct header header = {(uint32_t)size, line->catalog_index, line->event_id};
	if (padded(size) > queue->size - (size_t)(queue->head - queue->tail))
		return false;
	memcpy(queue->lines + queue->head % queue->size, &header, HEADER_SIZE);
	size_t at = (queue->head + HEADER_SIZE) % queue->size;
	size_t first = queue->size - at < size ? queue->size - at : size;
	memcpy(queue->lines + at, text, first);
	memcpy(queue->lines, text + first, size - first);
	queue->head += padded(size);
	return true;
}

int queue_put(struct queue *queue, const char *text, const struct out_line *lines, size_t nlines,
	      size_t *taken)
{
	size_t from = 0;
	*taken = 0;
	pthread_mutex_lock(&queue->mutex);
	while (*taken < nlines) {
		size_t size = lines[*taken].end - from;
		if (!put_line(queue, text + from, &lines[*taken], size)) {
			queue->failing = true;
			break;
		}
		from += size;
		++*taken;
	}
	bool wake = queue->waiting && queue->head != queue->tail;
	pthread_mutex_unlock(&queue->mutex);
	if (wake)
		pthread_cond_signal(&queue->filled);
	return *taken < nlines ? -ENOBUFS : 0;
}

static void wait_until(struct queue *queue, uint64_t ns)
{
	struct timespec until = {(time_t)(ns / 1000000000), (long)(ns % 1000000000)};
	pthread_cond_timedwait(&queue->moved, &queue->mutex, &until);
}

/* When waiting ends that began at start_ns, if the thread settles nothing more. */
static uint64_t patience_ends(const struct queue *queue, uint64_t start_ns, uint64_t stall_ns)
{
	if (stopping()) {
		uint64_t ns = stopping_sink_until_ns(queue->settled_ns, false);
		if (prim_monotonic_ns() >= ns && (!queue->tid || prim_thread_runs(queue->tid)))
			ns = stopping_sink_until_ns(queue->settled_ns, true);
		return ns;
	}
	uint64_t end_ns = start_ns + FLUSH_MS * MS_NS;
	uint64_t moved_ns = queue->settled_ns > start_ns ? queue->settled_ns : start_ns;
	return moved_ns + stall_ns < end_ns ? moved_ns + stall_ns : end_ns;
}

/* With the mutex held. True when everything is written or lost. */
static bool wait_empty(struct queue *queue, uint64_t stall_ns)
{
	uint64_t start_ns = prim_monotonic_ns();
	while (queue->tail != queue->head) {
		uint64_t now_ns = prim_monotonic_ns();
		uint64_t end_ns = patience_ends(queue, start_ns, stall_ns);
		if (now_ns >= end_ns)
			break;
		uint64_t slice_ns = now_ns + SLICE_MS * MS_NS;
		wait_until(queue, slice_ns < end_ns ? slice_ns : end_ns);
	}
	return queue->tail == queue->head;
}

int queue_flush(struct queue *queue)
{
	pthread_mutex_lock(&queue->mutex);
	bool empty = wait_empty(queue, STALL_MS * MS_NS);
	bool failing = queue->failing;
	pthread_mutex_unlock(&queue->mutex);
	if (!empty)
		return -ETIMEDOUT;
	return failing ? -EIO : 0;
}

/* What the thread has not written, the line that it is stuck in included. */
static void lose_rest(struct queue *queue)
{
	const struct rill_sink_owner *owner = queue->owner;
	while (queue->tail != queue->head) {
		struct header header;
		get_header(queue, queue->tail, &header);
		queue->tail += padded(header.size);
		owner->lost(owner->context, header.catalog_index, header.event_id, -ETIMEDOUT);
	}
}

void queue_close(struct queue *queue)
{
	pthread_mutex_lock(&queue->mutex);
	queue->stop = true;
	pthread_cond_signal(&queue->filled);
	bool empty = wait_empty(queue, FLUSH_MS * MS_NS);
	while (queue->telling || (empty && !queue->gone))
		pthread_cond_wait(&queue->moved, &queue->mutex);
	bool left = queue->left = !queue->gone;
	if (left)
		lose_rest(queue);
	pthread_t thread = queue->thread;
	if (left)
		pthread_detach(thread);
	pthread_mutex_unlock(&queue->mutex);
	if (left)
		return; /* the thread frees the queue when its write returns */
	pthread_join(thread, NULL);
	destroy(queue);
}

void queue_forget(struct queue *queue)
{
	close(queue->stream.fd);
}
