/* A worker: a thread with an epoll set and the sessions that it accepted. */
#ifndef SMTPD_WORKER_H
#define SMTPD_WORKER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "data.h"
#include "id.h"
#include "queue.h"
#include "session.h"

struct server;

struct worker {
	struct server *server;
	pthread_t thread;
	unsigned number;
	int epoll_fd;
	int event_fd; /* others wake this worker through it */
	struct ids ids;
	bool accepting;
	uint64_t accept_again_ms;      /* 0, or when to try after descriptors ran out */
	struct session_list ages;      /* by accept, oldest first */
	struct session_list active;    /* by last activity, oldest first */
	struct session_list lingering; /* likewise, those that wait for their peer to close */
	pthread_mutex_t delivered_lock;
	struct queue_list delivered; /* mails that the queue is done with */
	char text[DATA_OUT_SIZE(
		INPUT_SIZE)]; /* of transaction_text(), between two calls nobody's */
};

/* 0 or a negative errno. */
int worker_init(struct worker *worker, struct server *server, unsigned number);
void worker_free(struct worker *worker);

/* The thread's main function: ends when the server is stopping and no session is left. */
void *worker_main(void *argument);

/* From any thread: look at the server's state, at the delivered mails. */
void worker_wake(struct worker *worker);
/* From a delivery thread: gives the mail back. */
void worker_delivered(struct worker *worker, struct mail *mail);

#endif
