/*
 * The queue between the workers, which take mail from the network, and the delivery threads.
 *
 * It lives in memory and may: nobody was promised anything about a mail in it. The client gets
 * its 250 when the mail is in the mailbox, on disk, and 451 when that could not be done in time.
 */
#ifndef SMTPD_QUEUE_H
#define SMTPD_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct mail;
TAILQ_HEAD(queue_list, mail);

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct queue_list mails; /* by due time, soonest first */
	unsigned length;         /* with the reserved places */
	unsigned length_max;
	bool stopping;
};

void queue_init(struct queue *queue, unsigned length_max);
void queue_free(struct queue *queue);

/* A place for one mail, or false: full. Apart from queue_put() so that a mail's event
 * queue.message-queued can precede whatever a delivery thread has to say about it. Any thread. */
bool queue_reserve(struct queue *queue);

/* Takes over a mail that has a place. Any thread. */
void queue_put(struct queue *queue, struct mail *mail);

/* Back for a retry; never refused. Any thread. */
void queue_put_back(struct queue *queue, struct mail *mail);

/* Waits for a mail that is due. NULL: stopped and empty. */
struct mail *queue_take(struct queue *queue);

/* From now on nothing waits for its due time, and queue_take() ends when all is taken. */
void queue_stop(struct queue *queue);

#endif
