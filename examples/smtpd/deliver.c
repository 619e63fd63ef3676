/* Delivery threads. */
#include "deliver.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#include "mail.h"
#include "recipients.h"
#include "relay.h"
#include "smtpd.h"
#include "worker.h"

#define RETRY_FIRST_MS 250u
#define RETRY_MAX_MS   5000u

static _Atomic uint64_t changes; /* to all mailboxes, since the start: key changeId */

static bool delivered_before(const struct mail *mail, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (!mail->recipients[i].relayed &&
		    !strcmp(mail->recipients[i].mailbox, mail->recipients[n].mailbox))
			return mail->recipients[i].delivered;
	return false;
}

/* Into the mailbox of recipient n. */
static int ingest(struct server *server, struct mail *mail, unsigned n, uint64_t span_id)
{
	const struct recipient *recipient = &mail->recipients[n];
	struct maildir_entry entry = {0};
	uint64_t start_ns = monotonic_ns();
	int error = maildir_link(&server->maildir, mail, recipient->mailbox, &entry);

	if (error) {
		rill_event(message_ingest_error, spanId(counted(span_id)),
			   reason("cannot link the mail into the mailbox"), code(-error),
			   causedBy(rill_nested(store_filesystem_error, reason(strerror(-error)),
						path(recipient->mailbox))));
		return error;
	}
	rill_event(message_ingest_ham, spanId(counted(span_id)), accountId(entry.owner),
		   documentId(entry.document_id), mailboxId(rill_list(rill_u64(entry.mailbox_id))),
		   blobId(mail->name), changeId(atomic_fetch_add(&changes, 1) + 1),
		   messageId(mail->headers.message_id), size(mail->file_bytes),
		   elapsed(monotonic_ns() - start_ns));
	return 0;
}

/* To all mailboxes that do not have it yet. 0, or the last error. */
static int store(struct server *server, struct mail *mail, uint64_t span_id)
{
	int result = 0;

	for (unsigned i = 0; i < mail->nrecipients; i++) {
		struct recipient *recipient = &mail->recipients[i];
		int error = 0;

		if (recipient->delivered || recipient->relayed)
			continue;
		if (!delivered_before(mail, i))
			error = ingest(server, mail, i, span_id);
		recipient->delivered = !error;
		if (error)
			result = error;
	}
	return result;
}

/* To the next server, unless it has the mail. 0 or an error. */
static int hand_on(struct server *server, struct mail *mail, uint64_t span_id)
{
	int error = mail->handed_on ? 0 : relay_hand_on(server, mail, span_id);

	if (error)
		return error;
	mail->handed_on = true;
	for (unsigned i = 0; i < mail->nrecipients; i++)
		if (mail->recipients[i].relayed)
			mail->recipients[i].delivered = true;
	return 0;
}

/* The time of the next attempt, or 0: there is none. `final`: none would help. */
static uint64_t retry_at(struct server *server, const struct mail *mail, bool final)
{
	uint64_t wait_ms = (uint64_t)RETRY_FIRST_MS << (mail->attempts < 8 ? mail->attempts : 8);
	uint64_t due_ns;

	if (wait_ms > RETRY_MAX_MS)
		wait_ms = RETRY_MAX_MS;
	due_ns = monotonic_ns() + wait_ms * 1000000u;
	if (final || atomic_load(&server->stopping) || due_ns > mail->expires_ns)
		return 0;
	return due_ns;
}

/* Monotonic to wall clock, as keys want it. */
static uint64_t wall_ns(uint64_t monotonic)
{
	return realtime_ns() + monotonic - monotonic_ns();
}

static void failed(const struct mail *mail, uint64_t span_id, int error, uint64_t due_ns)
{
	const char *first = mail->recipients[0].address;

	for (unsigned i = mail->nrecipients; i-- > 0;)
		if (!mail->recipients[i].delivered)
			first = mail->recipients[i].address;
	if (mail->problem[0])
		rill_event(delivery_failed, spanId(counted(span_id)), queueId(mail->queue_id),
			   queueName(mail_queue(mail)), to(first), reason(mail->problem),
			   expires(rill_timestamp(wall_ns(mail->expires_ns))),
			   nextRetry(wall_ns(due_ns ? due_ns : monotonic_ns())));
	else
		rill_event(delivery_failed, spanId(counted(span_id)), queueId(mail->queue_id),
			   queueName(mail_queue(mail)), to(first),
			   reason(rill_nested(store_filesystem_error, reason(strerror(-error)))),
			   expires(rill_timestamp(wall_ns(mail->expires_ns))),
			   nextRetry(wall_ns(due_ns ? due_ns : monotonic_ns())));
	if (due_ns)
		rill_event(queue_rescheduled, spanId(counted(span_id)), queueId(mail->queue_id),
			   nextRetry(wall_ns(due_ns)),
			   expires(rill_timestamp(wall_ns(mail->expires_ns))));
}

/* To the mailboxes. *final: a later attempt would be in vain. */
static int deliver(struct server *server, struct mail *mail, uint64_t span_id, bool *final)
{
	int error = maildir_sync(&server->maildir, mail);

	if (!error)
		return store(server, mail, span_id);
	/* A file that fsync() failed on stays unsafe, however often one asks. */
	*final = true;
	rill_event(message_ingest_error, spanId(counted(span_id)),
		   reason("cannot write the mail to disk"), code(-error),
		   causedBy(rill_nested(store_filesystem_error, reason(strerror(-error)))));
	return error;
}

/* One attempt. True if the queue is rid of the mail, one way or the other. */
static bool attempt(struct deliverer *self, struct mail *mail)
{
	struct server *server = self->server;
	struct rill_value list[RECIPIENTS_LISTED];
	uint64_t span_id = id_next(&self->ids);
	uint64_t start_ns = monotonic_ns();
	uint64_t due_ns = 0;
	bool final = false;
	int error = 0;

	rill_event(delivery_attempt_start, spanId(counted(span_id)), queueId(mail->queue_id),
		   messageId(mail->headers.message_id), queueName(mail_queue(mail)),
		   from(mail->from), to(recipients_list(mail, list)), size(mail->data.size),
		   total(mail->nrecipients));
	/* The next server first: what it refuses, no mailbox gets either. */
	if (mail->nrelayed)
		error = hand_on(server, mail, span_id);
	if (error == -EREMOTE)
		final = true;
	else if (!error && mail->nrelayed < mail->nrecipients)
		error = deliver(server, mail, span_id, &final);
	if (error) {
		due_ns = retry_at(server, mail, final);
		failed(mail, span_id, error, due_ns);
	} else {
		rill_event(delivery_completed, spanId(counted(span_id)), queueId(mail->queue_id),
			   elapsed(monotonic_ns() - start_ns));
	}
	rill_event(delivery_attempt_end, spanId(counted(span_id)),
		   elapsed(monotonic_ns() - start_ns));
	mail->error = error;
	mail->attempts++;
	mail->due_ns = due_ns;
	return !due_ns;
}

void *deliver_main(void *argument)
{
	struct deliverer *self = argument;
	struct server *server = self->server;
	char name[16];
	struct mail *mail;

	snprintf(name, sizeof(name), "smtpd-d%u", self->number);
	pthread_setname_np(pthread_self(), name);
	while ((mail = queue_take(&server->queue))) {
		if (attempt(self, mail)) {
			maildir_discard(&server->maildir, mail);
			worker_delivered(mail->worker, mail);
		} else {
			queue_put_back(&server->queue, mail);
		}
	}
	witness_thread_end(&server->witness);
	return NULL;
}
