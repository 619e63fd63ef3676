/* The loop of a worker: accept, sockets, time-outs, mails that come back from the queue. */
#include "worker.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#include "mail.h"
#include "smtpd.h"

#define EVENTS_MAX     64
#define ACCEPT_BATCH   4 /* few: a connection burst is spread over the workers */
#define ACCEPT_WAIT_MS 100u
#define LINGER_MS      1000u

int worker_init(struct worker *worker, struct server *server, unsigned number)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = &worker->event_fd};

	memset(worker, 0, sizeof(*worker));
	worker->server = server;
	worker->number = number;
	ids_init(&worker->ids, number);
	TAILQ_INIT(&worker->ages);
	TAILQ_INIT(&worker->active);
	TAILQ_INIT(&worker->lingering);
	TAILQ_INIT(&worker->delivered);
	pthread_mutex_init(&worker->delivered_lock, NULL);
	worker->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	worker->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (worker->epoll_fd < 0 || worker->event_fd < 0 ||
	    epoll_ctl(worker->epoll_fd, EPOLL_CTL_ADD, worker->event_fd, &event) < 0)
		return -errno;
	return 0;
}

void worker_free(struct worker *worker)
{
	if (worker->epoll_fd >= 0)
		close(worker->epoll_fd);
	if (worker->event_fd >= 0)
		close(worker->event_fd);
	pthread_mutex_destroy(&worker->delivered_lock);
}

void worker_wake(struct worker *worker)
{
	const uint64_t one = 1;

	/* Fails only when the counter is full: then the worker is awake anyway. */
	if (write(worker->event_fd, &one, sizeof(one)) < 0)
		return;
}

void worker_delivered(struct worker *worker, struct mail *mail)
{
	pthread_mutex_lock(&worker->delivered_lock);
	TAILQ_INSERT_TAIL(&worker->delivered, mail, link);
	pthread_mutex_unlock(&worker->delivered_lock);
	worker_wake(worker);
}

static void set_accepting(struct worker *worker, bool accepting)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE,
				    .data.ptr = &worker->server->listen_fd};

	if (accepting == worker->accepting)
		return;
	if (!epoll_ctl(worker->epoll_fd, accepting ? EPOLL_CTL_ADD : EPOLL_CTL_DEL,
		       worker->server->listen_fd, &event))
		worker->accepting = accepting;
}

static void accept_failed(struct worker *worker, int error)
{
	struct server *server = worker->server;

	rill_event(network_accept_error, listenerId(counted(LISTENER_ID)),
		   localIp(&server->address), localPort(server->port), tls(false),
		   reason(strerror(error)));
	/* Out of descriptors or memory: the listener stays ready, and asking it again at once
	 * would burn the CPU that closing connections needs. Clients wait in the backlog. */
	if (error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM) {
		set_accepting(worker, false);
		worker->accept_again_ms = monotonic_ms() + ACCEPT_WAIT_MS;
	}
}

/* Turns a connection away that was never a session. */
static void turn_away(struct server *server, int fd, const char *text)
{
	char reply[512];
	int length = snprintf(reply, sizeof(reply), "421 4.7.0 %s %s\r\n", server->config.hostname,
			      text);

	/* Politeness, nothing hangs on it: the socket's buffer is empty and takes it, or the peer
	 * is gone. */
	(void)!send(fd, reply, (size_t)length, MSG_DONTWAIT | MSG_NOSIGNAL);
	witness_refused(&server->witness);
	close(fd);
}

static uint16_t port_of(const struct sockaddr_storage *address)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)address;

	return ntohs(in->sin_port); /* at the same place for IPv6 */
}

/* Takes a place for the connection, or turns it away. */
static bool admit(struct server *server, int fd, const struct sockaddr_storage *peer)
{
	enum limits_verdict verdict;

	if (atomic_fetch_add(&server->connections, 1) >= server->config.max_connections) {
		atomic_fetch_sub(&server->connections, 1);
		rill_event(smtp_concurrency_limit_exceeded, listenerId(counted(LISTENER_ID)),
			   remoteIp(peer), limit(server->config.max_connections));
		turn_away(server, fd, "too many connections");
		return false;
	}
	verdict = limits_connect(&server->limits, peer, monotonic_ms());
	if (verdict == LIMITS_OK)
		return true;
	atomic_fetch_sub(&server->connections, 1);
	if (verdict == LIMITS_BANNED) {
		rill_event(security_ip_blocked, listenerId(counted(LISTENER_ID)),
			   localPort(server->port), remoteIp(peer), remotePort(port_of(peer)));
		turn_away(server, fd, "your address is blocked");
	} else {
		rill_event(limit_concurrent_connection, listenerId(counted(LISTENER_ID)),
			   localPort(server->port), remoteIp(peer), remotePort(port_of(peer)),
			   limit(server->config.max_connections_per_ip));
		turn_away(server, fd, "too many connections from your address");
	}
	return false;
}

static void accept_connections(struct worker *worker)
{
	struct server *server = worker->server;

	for (int i = 0; i < ACCEPT_BATCH && worker->accepting; i++) {
		struct sockaddr_storage peer = {0};
		socklen_t length = sizeof(peer);
		struct session *session;
		uint64_t accepted_ns;
		int fd = accept4(server->listen_fd, (struct sockaddr *)&peer, &length,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);

		accepted_ns = realtime_ns();
		if (fd < 0) {
			if (errno == EAGAIN || errno == EINTR || atomic_load(&server->stopping))
				return;
			accept_failed(worker, errno);
			continue;
		}
		if (!admit(server, fd, &peer))
			continue;
		session = connection_open(worker, fd, &peer, accepted_ns);
		if (session) {
			connection_progress(session);
			continue;
		}
		limits_disconnect(&server->limits, &peer);
		atomic_fetch_sub(&server->connections, 1);
		accept_failed(worker, ENOMEM);
		turn_away(server, fd, "out of memory");
	}
}

static void take_delivered(struct worker *worker)
{
	struct queue_list mails = TAILQ_HEAD_INITIALIZER(mails);
	struct mail *mail;

	pthread_mutex_lock(&worker->delivered_lock);
	TAILQ_CONCAT(&mails, &worker->delivered, link);
	pthread_mutex_unlock(&worker->delivered_lock);
	while ((mail = TAILQ_FIRST(&mails))) {
		struct session *session = mail->session;

		TAILQ_REMOVE(&mails, mail, link);
		transaction_delivered(session);
		connection_progress(session);
	}
}

static void idle(struct session *session)
{
	struct server *server = session->worker->server;

	rill_event(network_timeout, spanId(counted(session->seen.span_id)),
		   details("the client said nothing for too long"));
	if (limits_loiter(&server->limits, &session->peer, monotonic_ms()))
		rill_event(security_loiter_ban, spanId(counted(session->seen.span_id)),
			   remoteIp(&session->peer));
	connection_refuse(session, "4.4.2", "timeout");
}

/* Ends what is over. Each list is in order of time, so only its head is looked at. */
static void expire(struct worker *worker, uint64_t now_ms)
{
	const struct config *config = &worker->server->config;
	struct session *session;

	while ((session = TAILQ_FIRST(&worker->lingering)) &&
	       now_ms - session->active_ms >= LINGER_MS)
		connection_close(session, "closed by the server");
	while ((session = TAILQ_FIRST(&worker->active)) &&
	       now_ms - session->active_ms >= config->timeout_ms) {
		if (session->state != SESSION_DELIVERING) {
			idle(session);
			continue;
		}
		session->active_ms = now_ms; /* it is waiting for us */
		TAILQ_REMOVE(&worker->active, session, by_activity);
		TAILQ_INSERT_TAIL(&worker->active, session, by_activity);
	}
	while ((session = TAILQ_FIRST(&worker->ages)) &&
	       now_ms - session->started_ms >= config->max_session_ms) {
		TAILQ_REMOVE(&worker->ages, session, by_age);
		session->overdue = true;
		rill_event(smtp_time_limit_exceeded, spanId(counted(session->seen.span_id)));
		if (session->state != SESSION_DELIVERING && session->state != SESSION_LINGER)
			connection_refuse(session, "4.4.2", "session too long");
	}
	if (worker->accept_again_ms && now_ms >= worker->accept_again_ms) {
		worker->accept_again_ms = 0;
		set_accepting(worker, true);
	}
}

/* The server is stopping: idle sessions end, transactions may go on until the deadline. */
static void stop_sessions(struct worker *worker, uint64_t now_ms)
{
	bool late = now_ms >= atomic_load(&worker->server->stop_deadline_ms);
	struct session *session;
	struct session *next;

	worker->accept_again_ms = 0;
	set_accepting(worker, false);
	for (session = TAILQ_FIRST(&worker->active); session; session = next) {
		next = TAILQ_NEXT(session, by_activity);
		if (session->state == SESSION_DELIVERING || session->close_after_flush)
			continue;
		if (late || (!session->mail && session->in_start == session->in_end))
			connection_refuse(session, "4.3.2", "shutting down");
	}
}

static void sooner(uint64_t *wait_ms, uint64_t due_ms, uint64_t now_ms)
{
	uint64_t left_ms = due_ms > now_ms ? due_ms - now_ms : 0;

	if (left_ms < *wait_ms)
		*wait_ms = left_ms;
}

/* Milliseconds until something is due, -1: nothing is. */
static int wait_ms(const struct worker *worker, bool stopping)
{
	const struct config *config = &worker->server->config;
	const struct session *session;
	uint64_t now_ms = monotonic_ms();
	uint64_t wait = INT32_MAX;

	if ((session = TAILQ_FIRST(&worker->active)))
		sooner(&wait, session->active_ms + config->timeout_ms, now_ms);
	if ((session = TAILQ_FIRST(&worker->lingering)))
		sooner(&wait, session->active_ms + LINGER_MS, now_ms);
	if ((session = TAILQ_FIRST(&worker->ages)))
		sooner(&wait, session->started_ms + config->max_session_ms, now_ms);
	if (worker->accept_again_ms)
		sooner(&wait, worker->accept_again_ms, now_ms);
	if (stopping &&
	    !TAILQ_EMPTY(&worker->active)) /* deliveries wake us: no need to ask often */
		sooner(&wait, now_ms + 50, now_ms);
	return wait == INT32_MAX ? -1 : (int)wait;
}

static void handle(struct worker *worker, const struct epoll_event *event)
{
	uint64_t count;

	if (event->data.ptr == &worker->server->listen_fd)
		accept_connections(worker);
	else if (event->data.ptr != &worker->event_fd)
		connection_event(event->data.ptr, event->events);
	else if (read(worker->event_fd, &count, sizeof(count)) > 0)
		take_delivered(worker);
}

void *worker_main(void *argument)
{
	struct worker *worker = argument;
	struct epoll_event events[EVENTS_MAX];
	bool stopping = false;
	char name[16];

	snprintf(name, sizeof(name), "smtpd-w%u", worker->number);
	pthread_setname_np(pthread_self(), name);
	set_accepting(worker, true);
	while (!stopping || !TAILQ_EMPTY(&worker->active) || !TAILQ_EMPTY(&worker->lingering)) {
		int n = epoll_wait(worker->epoll_fd, events, EVENTS_MAX, wait_ms(worker, stopping));

		if (n < 0 && errno != EINTR) {
			rill_event(server_thread_error, details(counted("epoll_wait")),
				   reason(strerror(errno)));
			break;
		}
		for (int i = 0; i < n; i++)
			handle(worker, &events[i]);
		expire(worker, monotonic_ms());
		stopping = atomic_load(&worker->server->stopping);
		if (stopping)
			stop_sessions(worker, monotonic_ms());
	}
	witness_thread_end(&worker->server->witness);
	return NULL;
}
