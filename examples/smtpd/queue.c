/* The queue between workers and delivery threads. */
#include "queue.h"

#include "mail.h"
#include "smtpd.h"

void queue_init(struct queue *queue, unsigned length_max)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_mutex_init(&queue->lock, NULL);
	pthread_cond_init(&queue->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	TAILQ_INIT(&queue->mails);
	queue->length = 0;
	queue->length_max = length_max;
	queue->stopping = false;
}

void queue_free(struct queue *queue)
{
	pthread_cond_destroy(&queue->changed);
	pthread_mutex_destroy(&queue->lock);
}

/* New mails are due at once, so the search from the end passes only what waits for a retry. */
static void insert(struct queue *queue, struct mail *mail)
{
	struct mail *before = TAILQ_LAST(&queue->mails, queue_list);

	while (before && before->due_ns > mail->due_ns)
		before = TAILQ_PREV(before, queue_list, link);
	if (before)
		TAILQ_INSERT_AFTER(&queue->mails, before, mail, link);
	else
		TAILQ_INSERT_HEAD(&queue->mails, mail, link);
	pthread_cond_signal(&queue->changed);
}

bool queue_reserve(struct queue *queue)
{
	bool room;

	pthread_mutex_lock(&queue->lock);
	room = queue->length < queue->length_max;
	if (room)
		queue->length++;
	pthread_mutex_unlock(&queue->lock);
	return room;
}

void queue_put(struct queue *queue, struct mail *mail)
{
	pthread_mutex_lock(&queue->lock);
	insert(queue, mail);
	pthread_mutex_unlock(&queue->lock);
}

void queue_put_back(struct queue *queue, struct mail *mail)
{
	pthread_mutex_lock(&queue->lock);
	queue->length++;
	insert(queue, mail);
	pthread_mutex_unlock(&queue->lock);
}

struct mail *queue_take(struct queue *queue)
{
	struct mail *mail;

	pthread_mutex_lock(&queue->lock);
	for (;;) {
		mail = TAILQ_FIRST(&queue->mails);
		if (mail && (queue->stopping || mail->due_ns <= monotonic_ns()))
			break;
		if (mail) {
			struct timespec due = {(time_t)(mail->due_ns / 1000000000u),
					       (long)(mail->due_ns % 1000000000u)};

			pthread_cond_timedwait(&queue->changed, &queue->lock, &due);
		} else if (queue->stopping) {
			break;
		} else {
			pthread_cond_wait(&queue->changed, &queue->lock);
		}
	}
	if (mail) {
		TAILQ_REMOVE(&queue->mails, mail, link);
		queue->length--;
	}
	pthread_mutex_unlock(&queue->lock);
	return mail;
}

void queue_stop(struct queue *queue)
{
	pthread_mutex_lock(&queue->lock);
	queue->stopping = true;
	pthread_cond_broadcast(&queue->changed);
	pthread_mutex_unlock(&queue->lock);
}
