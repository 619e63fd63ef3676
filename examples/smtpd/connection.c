/* Bytes: socket <-> buffers, and the end of the connection. */
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#include "session.h"
#include "smtpd.h"
#include "worker.h"

static void watch(struct session *session, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = session};
	int operation = EPOLL_CTL_MOD;

	if (events == session->watched)
		return;
	/* An empty set still reports hang-ups, again and again: leave the set instead. */
	if (!events)
		operation = EPOLL_CTL_DEL;
	else if (!session->watched)
		operation = EPOLL_CTL_ADD;
	if (epoll_ctl(session->worker->epoll_fd, operation, session->fd, &event) < 0) {
		/* Unwatched, it would stay for ever: the idle time-out ends it. */
		rill_event(network_set_opt_error, spanId(counted(session->seen.span_id)),
			   reason(strerror(errno)), details("epoll_ctl"));
		events = 0;
	}
	session->watched = events;
}

static void touch(struct session *session)
{
	session->active_ms = monotonic_ms();
	TAILQ_REMOVE(&session->worker->active, session, by_activity);
	TAILQ_INSERT_TAIL(&session->worker->active, session, by_activity);
}

/* The peer's address, as numbers; an IPv4 client of an IPv6 socket is an IPv4 client. */
static void name_peer(struct session *session, const struct sockaddr_storage *peer)
{
	char port[NI_MAXSERV] = "";

	session->peer = *peer;
	getnameinfo((const struct sockaddr *)peer, sizeof(*peer), session->peer_text,
		    sizeof(session->peer_text), port, sizeof(port),
		    NI_NUMERICHOST | NI_NUMERICSERV);
	session->peer_port = (uint16_t)strtoul(port, NULL, 10);
}

struct session *connection_open(struct worker *worker, int fd, const struct sockaddr_storage *peer,
				uint64_t accepted_ns)
{
	struct server *server = worker->server;
	struct session *session = malloc(sizeof(*session));
	const int on = 1;

	if (!session)
		return NULL;
	memset(session, 0, offsetof(struct session, in)); /* not the buffers */
	session->worker = worker;
	session->fd = fd;
	session->started_ns = monotonic_ns();
	session->started_ms = session->active_ms = session->started_ns / 1000000u;
	session->seen.accepted_ns = accepted_ns;
	session->seen.number = witness_next_connection(&server->witness);
	session->seen.span_id = id_next(&worker->ids);
	name_peer(session, peer);
	TAILQ_INSERT_TAIL(&worker->ages, session, by_age);
	TAILQ_INSERT_TAIL(&worker->active, session, by_activity);
	rill_event(smtp_connection_start, spanId(counted(session->seen.span_id)),
		   listenerId(LISTENER_ID), localPort(server->port), remoteIp(&session->peer),
		   remotePort(session->peer_port));
	/* Replies are whole when they are sent: waiting for more helps nobody. */
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0)
		rill_event(network_set_opt_error, spanId(counted(session->seen.span_id)),
			   reason(strerror(errno)), details("TCP_NODELAY"));
	session_reply(session, "220 %s ESMTP", server->config.hostname);
	return session;
}

void connection_close(struct session *session, const char *why)
{
	struct worker *worker = session->worker;
	struct server *server = worker->server;

	assert(session->state != SESSION_DELIVERING); /* the queue would come back to it */
	transaction_reset(session);
	if (why)
		rill_event(network_closed, spanId(counted(session->seen.span_id)), details(why));
	watch(session, 0);
	TAILQ_REMOVE(session->state == SESSION_LINGER ? &worker->lingering : &worker->active,
		     session, by_activity);
	if (!session->overdue)
		TAILQ_REMOVE(&worker->ages, session, by_age);
	rill_event(smtp_connection_end, spanId(counted(session->seen.span_id)),
		   elapsed(monotonic_ns() - session->started_ns));
	close(session->fd);
	session->seen.closed_ns = realtime_ns();
	witness_connection(&server->witness, &session->seen);
	limits_disconnect(&server->limits, &session->peer);
	atomic_fetch_sub(&server->connections, 1);
	free(session);
}

static void read_failed(struct session *session, const char *why)
{
	rill_event(network_read_error, spanId(counted(session->seen.span_id)), reason(why));
	connection_close(session, NULL);
}

/* One read, so that a fast sender does not starve the others. False: the session is gone. */
static bool fill(struct session *session)
{
	const struct config *config = &session->worker->server->config;
	ssize_t n;

	if (session->in_start) {
		session->in_end -= session->in_start;
		memmove(session->in, session->in + session->in_start, session->in_end);
		session->in_start = 0;
	}
	if (session->in_end == INPUT_SIZE)
		return true;
	n = recv(session->fd, session->in + session->in_end, INPUT_SIZE - session->in_end, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n < 0) {
		read_failed(session, strerror(errno));
		return false;
	}
	if (!n) {
		session->eof = true;
		return true;
	}
	session->in_end += (uint32_t)n;
	session->transferred_bytes += (uint64_t)n;
	touch(session);
	if (session->transferred_bytes <= config->max_transfer_bytes)
		return true;
	rill_event(smtp_transfer_limit_exceeded, spanId(counted(session->seen.span_id)));
	connection_refuse(session, "4.7.0", "session transferred too much data");
	return false;
}

/* Sends what there is. False: the session is gone. */
static bool flush(struct session *session)
{
	while (session->out_start < session->out_end) {
		const char *text = session->out + session->out_start;
		ssize_t n = send(session->fd, text, session->out_end - session->out_start,
				 MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0 && session->state == SESSION_DELIVERING) {
			/* Nobody hears us, but the queue has the mail, and the mail this session:
			 * the reply to it will find the connection broken again. */
			session->in_start = session->in_end;
			session->out_start = session->out_end;
			break;
		}
		if (n < 0) {
			rill_event(network_write_error, spanId(counted(session->seen.span_id)),
				   reason(strerror(errno)));
			connection_close(session, NULL);
			return false;
		}
		rill_event(smtp_raw_output, spanId(counted(session->seen.span_id)), size(n),
			   contents(text, (size_t)n));
		session->out_start += (uint32_t)n;
		touch(session);
	}
	session->out_end -= session->out_start;
	memmove(session->out, session->out + session->out_start, session->out_end);
	session->out_start = 0;
	return true;
}

/* Replies are sent; end it. close() with unread input would send a reset that overtakes them, so
 * where more may come: half a close, then read until the peer has closed too. */
static void finish(struct session *session)
{
	struct worker *worker = session->worker;

	if (!session->linger_at_close || session->eof) {
		connection_close(session, session->quit ? "quit" : "closed by the server");
		return;
	}
	transaction_reset(session);
	shutdown(session->fd, SHUT_WR);
	TAILQ_REMOVE(&worker->active, session, by_activity);
	TAILQ_INSERT_TAIL(&worker->lingering, session, by_activity);
	session->state = SESSION_LINGER;
	session->active_ms = monotonic_ms();
	watch(session, EPOLLIN | EPOLLRDHUP);
}

static void drain(struct session *session)
{
	ssize_t n = recv(session->fd, session->in, INPUT_SIZE, 0);

	if (!n || (n < 0 && errno != EAGAIN && errno != EINTR))
		connection_close(session, "closed by the server");
}

/* The peer has sent all that it will, and all that it sent has been answered. */
static void end_of_input(struct session *session)
{
	if (session->mail || session->in_start < session->in_end)
		read_failed(session, "the peer closed the connection in the middle of something");
	else
		connection_close(session, "closed by the peer");
}

void connection_progress(struct session *session)
{
	uint32_t start;
	enum session_state state;

	/* Replies make room for commands make replies. */
	do {
		start = session->in_start;
		state = session->state;
		session_run(session);
		if (!flush(session))
			return;
	} while (session->out_start == session->out_end && !session->close_after_flush &&
		 (session->in_start != start || session->state != state));
	if (session->state == SESSION_DELIVERING)
		watch(session, 0);
	else if (session->out_end)
		watch(session, EPOLLOUT);
	else if (session->close_after_flush)
		finish(session);
	else if (session->overdue)
		connection_refuse(session, "4.4.2", "session too long");
	else if (session->eof)
		end_of_input(session);
	else
		watch(session, EPOLLIN | EPOLLRDHUP);
}

void connection_event(struct session *session, uint32_t events)
{
	if (session->state == SESSION_LINGER) {
		drain(session);
		return;
	}
	if ((events & ~(uint32_t)EPOLLOUT) && !session->eof && !fill(session))
		return;
	connection_progress(session);
}

void connection_refuse(struct session *session, const char *code, const char *why)
{
	session->in_start = session->in_end;
	if (OUTPUT_SIZE - session->out_end < REPLY_MAX) {
		/* The peer reads no replies; this one would be no exception. */
		connection_close(session, why);
		return;
	}
	session_reply(session, "421 %s %s %s", code, session->worker->server->config.hostname, why);
	session_finish(session, true);
	if (!flush(session))
		return;
	if (session->out_end)
		connection_close(session, why);
	else
		finish(session);
}
