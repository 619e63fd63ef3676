/* What all parts of the server share: its settings, its state, its clocks. */
#ifndef SMTPD_H
#define SMTPD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <time.h>

#include "limits.h"
#include "maildir.h"
#include "queue.h"
#include "witness.h"

#define SMTPD_VERSION "1.0"
#define LISTENER_ID   "smtp" /* key listenerId: there is one listener */
#define QUEUE_LOCAL   "local"
#define QUEUE_RELAY   "relay" /* of a mail that the next server gets, alone or besides */

/* Thread numbers are part of every id (id.h), which has six bits for them. */
#define WORKERS_MAX    32u
#define DELIVERERS_MAX 16u
#define DOMAINS_MAX    16u

struct config {
	const char *host; /* --listen: address, numeric */
	const char *port;
	const char *port_file;
	const char *maildir;
	const char *witness;
	const char *hostname;             /* in the greeting, in Received: and in file names */
	const char *domains[DOMAINS_MAX]; /* none: every domain that is not relayed */
	unsigned ndomains;
	const char *relay_host; /* --relay; NULL: none */
	const char *relay_port;
	const char *relay_domains[DOMAINS_MAX]; /* none: every domain that is not local */
	unsigned nrelay_domains;
	unsigned workers;
	unsigned deliverers;
	unsigned max_connections;
	unsigned max_connections_per_ip;
	unsigned max_recipients;
	unsigned max_messages;     /* in one session */
	unsigned max_errors;       /* 5xx replies in one session */
	unsigned max_invalid_rcpt; /* refused recipients in one session */
	unsigned max_queue;
	unsigned rate; /* mails a minute and IP address; 0: no limit */
	uint64_t max_size_bytes;
	uint64_t max_transfer_bytes; /* in one session */
	uint64_t timeout_ms;
	uint64_t max_session_ms;
	uint64_t grace_ms;         /* for open transactions when the server stops */
	uint64_t expire_ms;        /* how long a delivery is tried before the client is told 451 */
	uint64_t ban_ms;           /* 0: nobody is banned */
	uint64_t relay_timeout_ms; /* for each answer of the next server; 0: as RFC 5321 has it */
	bool per_user;
	bool vrfy;
	bool fsync;
};

struct worker;

struct server {
	struct config config;
	int listen_fd;
	struct sockaddr_storage address; /* as bound */
	uint16_t port;
	struct limits limits;
	struct maildir maildir;
	struct queue queue;
	struct witness witness;
	atomic_uint connections;    /* open now */
	_Atomic uint64_t queue_ids; /* the last one given */
	int stop_fd;                /* an eventfd that becomes readable with `stopping` */
	atomic_bool stopping;
	_Atomic uint64_t stop_deadline_ms; /* set before `stopping` */
};

static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline uint64_t monotonic_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

static inline uint64_t monotonic_ms(void)
{
	return monotonic_ns() / 1000000u;
}

static inline uint64_t realtime_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

/* options.c: fills `config`; prints and exits on --help (0) and on a bad option (2). */
void options_parse(struct config *config, int argc, char **argv);

/* listener.c: 0 or a negative errno; the failure was printed and emitted as an event. */
int listener_open(struct server *server);
void listener_stop(struct server *server);

#endif
