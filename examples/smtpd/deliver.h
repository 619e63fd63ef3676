/* Delivery threads: from the queue into the mailboxes. */
#ifndef SMTPD_DELIVER_H
#define SMTPD_DELIVER_H

#include <pthread.h>

#include "id.h"

struct server;

struct deliverer {
	struct server *server;
	pthread_t thread;
	struct ids ids;
	unsigned number;
};

/* A thread's main function; `argument` is its struct deliverer. It ends when the queue is stopped
 * and empty. */
void *deliver_main(void *argument);

#endif
