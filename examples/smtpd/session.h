/*
 * A session: the state of SMTP on one connection, its two buffers, its place in its worker.
 *
 *     connection.c   bytes: socket <-> buffers, and the end of the connection
 *     session.c      lines: from the input buffer to the command's function, replies
 *     transaction.c  MAIL, RCPT, DATA: from the envelope to the queue and back
 *
 * Only the session's worker touches it. While its mail is with a delivery thread it waits in
 * SESSION_DELIVERING; whatever happens on the socket, it is not freed then.
 */
#ifndef SMTPD_SESSION_H
#define SMTPD_SESSION_H

#include <netdb.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "command.h"
#include "witness.h"

#define INPUT_SIZE  16384u
#define OUTPUT_SIZE 8192u
#define REPLY_MAX   1024u /* the longest reply, and the room that a command needs to be run */

struct mail;
struct worker;

enum session_state {
	SESSION_COMMAND,
	SESSION_DATA,
	SESSION_DELIVERING, /* its mail is in the queue: nothing is read or run */
	SESSION_LINGER,     /* last reply sent: whatever still comes is thrown away */
};

struct session {
	TAILQ_ENTRY(session) by_age;
	TAILQ_ENTRY(session) by_activity; /* in the worker's list `active` or `lingering` */
	struct worker *worker;
	struct sockaddr_storage peer;
	char peer_text[NI_MAXHOST];
	uint16_t peer_port;
	int fd;
	enum session_state state;
	uint32_t watched; /* epoll events; 0: not in the epoll set */
	bool close_after_flush;
	bool linger_at_close; /* input may be left unread: close() alone would reset the reply */
	bool eof;             /* the peer has sent all that it will */
	bool discarding_line; /* a line was too long: the rest of it */
	bool extended;        /* EHLO, not HELO */
	bool quit;
	bool overdue; /* open for too long: it has left the worker's list `ages` */
	unsigned errors;
	unsigned invalid_rcpt;
	unsigned messages;
	uint64_t transferred_bytes;
	uint64_t started_ns; /* monotonic, like the next two */
	uint64_t started_ms;
	uint64_t active_ms;
	struct witness_connection seen;
	char helo[DOMAIN_MAX + 1]; /* "": no greeting yet */
	struct mail *mail;         /* from MAIL on */
	uint32_t in_start;
	uint32_t in_end;
	uint32_t out_start;
	uint32_t out_end;
	char in[INPUT_SIZE];
	char out[OUTPUT_SIZE];
};

TAILQ_HEAD(session_list, session);

/* --- connection.c -------------------------------------------------------------------------- */

/* Makes the session for an accepted socket and greets; takes over `fd`. NULL: no memory. */
struct session *connection_open(struct worker *worker, int fd, const struct sockaddr_storage *peer,
				uint64_t accepted_ns);
/* What epoll said. The session may be gone afterwards. */
void connection_event(struct session *session, uint32_t events);
/* Runs what is in the buffers, as far as it goes. The session may be gone afterwards. */
void connection_progress(struct session *session);
/* Sends 421, the enhanced code and `why`, as far as the socket takes them at once, and closes. Not
 * while delivering. The session may be gone afterwards. */
void connection_refuse(struct session *session, const char *code, const char *why);
/* Frees the session. `why` is for key `details`. */
void connection_close(struct session *session, const char *why);

/* --- session.c ----------------------------------------------------------------------------- */

/* Runs as many commands, or as much text, as there are in the input buffer and as there is room
 * for their replies. */
void session_run(struct session *session);
/* Appends a line, or several (\r\n between, none at the end). */
void session_reply(struct session *session, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Nothing is read any more; the connection ends when the replies are sent. */
void session_finish(struct session *session, bool linger);

/* --- transaction.c ------------------------------------------------------------------------- */

void transaction_mail(struct session *session, const char *arguments);
void transaction_rcpt(struct session *session, const char *arguments);
void transaction_data(struct session *session);
/* Takes text from the input buffer. */
void transaction_text(struct session *session);
/* The queue is done with the mail: the reply. */
void transaction_delivered(struct session *session);
void transaction_reset(struct session *session);
/* Where mail for a domain goes; "" is ours. */
enum route { ROUTE_LOCAL, ROUTE_RELAY, ROUTE_NONE };
enum route transaction_route(const struct session *session, const char *domain);

#endif
