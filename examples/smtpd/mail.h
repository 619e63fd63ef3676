/* One mail on its way: envelope, spool file, place in the queue. */
#ifndef SMTPD_MAIL_H
#define SMTPD_MAIL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "data.h"
#include "header.h"

#define MAIL_NAME_MAX 200u

struct session;
struct worker;

struct recipient {
	char *address;
	char *mailbox;  /* a folder below --maildir; "": --maildir itself */
	bool delivered; /* its mailbox has the mail */
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
	struct data_parser data;
	struct header_scan headers;
	char name[MAIL_NAME_MAX]; /* in tmp/ and in new/ */
	int fd;                   /* the file in tmp/; -1 when closed */
	bool spooled;             /* the file in tmp/ exists */
	int error;                /* 0, or why it is not safe on disk: a negative errno */
	uint64_t file_bytes;
	unsigned attempts;
	uint64_t due_ns; /* next attempt, monotonic */
	uint64_t expires_ns;
};

#endif
