/* One mail on its way: envelope, spool file, place in the queue. */
#ifndef SMTPD_MAIL_H
#define SMTPD_MAIL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "data.h"
#include "header.h"
#include "smtpd.h"

#define MAIL_NAME_MAX    200u
#define MAIL_PROBLEM_MAX 500u

struct session;
struct worker;

struct recipient {
	char *address;
	char *mailbox;  /* a folder below --maildir; "": --maildir itself */
	bool relayed;   /* goes to the next server, not to a mailbox */
	bool delivered; /* its mailbox, or the next server, has the mail */
};

/*
 * Owned by the session until it is queued, then by the queue, then, in struct worker's list
 * `delivered`, by the session's worker again. The session waits all the while.
 */
struct mail {
	TAILQ_ENTRY(mail) link;
	struct session *session;
	struct worker *worker;
	uint64_t queue_id;
	uint64_t connection_id; /* the connection's span */
	char *from;             /* "": the null sender */
	struct recipient *recipients;
	unsigned nrecipients;
	unsigned nrelayed; /* of them */
	struct data_parser data;
	struct header_scan headers;
	char name[MAIL_NAME_MAX]; /* in tmp/ and in new/ */
	int fd;                   /* the file in tmp/; -1 when closed */
	bool spooled;             /* the file in tmp/ exists */
	bool eight_bit;           /* there are octets above 127 in the text */
	bool handed_on;           /* the next server has it */
	bool made_message_id;     /* it had none: headers.message_id is ours */
	uint64_t trace_from;      /* in the file: Received:, after the Return-Path: */
	uint64_t trace_to;        /* in the file: where the client's text begins */
	int error;                /* 0, or why nobody answers for it: a negative errno */
	char problem[MAIL_PROBLEM_MAX +
		     1]; /* what the last attempt to hand it on met; "": nothing */
	char refusal[MAIL_PROBLEM_MAX + 1]; /* 5xx of the next server, with the code; "": none */
	uint64_t file_bytes;
	unsigned attempts;
	uint64_t due_ns; /* next attempt, monotonic */
	uint64_t expires_ns;
};

static inline const char *mail_queue(const struct mail *mail)
{
	return mail->nrelayed ? QUEUE_RELAY : QUEUE_LOCAL;
}

#endif
