/*
 * smtpd: a small SMTP server, an example program of rill.
 *
 *     listening socket -> workers (worker.c, an epoll set each, sessions)
 *                             |  mail in tmp/, complete        ^  250, or 451
 *                             v                                |
 *                         queue (queue.c) -> delivery threads (deliver.c): fsync, link to new/,
 *                                            or the next server's 250 (relay.c)
 *
 * This thread starts all that, waits for SIGTERM or SIGINT, and stops it in the same order.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#include "deliver.h"
#include "smtpd.h"
#include "worker.h"

static struct server server;
static struct worker *workers[WORKERS_MAX];
static struct deliverer deliverers[DELIVERERS_MAX];
static unsigned workers_running;
static unsigned deliverers_running;

static bool failed(const char *what, int error)
{
	fprintf(stderr, "smtpd: %s: %s\n", what, strerror(-error));
	rill_event(server_startup_error, details(counted(what)), reason(strerror(-error)));
	return false;
}

/* Two descriptors a session, and some for everything else. */
static void raise_descriptor_limit(void)
{
	rlim_t wanted = 2 * (rlim_t)server.config.max_connections + 128;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted)
		return;
	limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit); /* running out is handled where it happens */
}

static bool start_workers(void)
{
	while (workers_running < server.config.workers) {
		struct worker *worker = malloc(sizeof(*worker));
		int error = worker ? worker_init(worker, &server, workers_running) : -ENOMEM;

		if (!error)
			error = -pthread_create(&worker->thread, NULL, worker_main, worker);
		if (error) {
			free(worker);
			return failed("cannot start a worker", error);
		}
		workers[workers_running++] = worker;
	}
	return true;
}

static bool start_deliverers(void)
{
	while (deliverers_running < server.config.deliverers) {
		struct deliverer *deliverer = &deliverers[deliverers_running];
		int error;

		deliverer->server = &server;
		deliverer->number = deliverers_running;
		ids_init(&deliverer->ids, WORKERS_MAX + deliverers_running);
		error = -pthread_create(&deliverer->thread, NULL, deliver_main, deliverer);
		if (error)
			return failed("cannot start a delivery thread", error);
		deliverers_running++;
	}
	rill_event(queue_started, queueName(counted(QUEUE_LOCAL)));
	if (server.config.relay_host)
		rill_event(queue_started, queueName(counted(QUEUE_RELAY)));
	return true;
}

static bool start(void)
{
	struct config *config = &server.config;
	int error;

	server.listen_fd = -1;
	server.maildir.fd = -1;
	server.stop_fd = eventfd(0, EFD_CLOEXEC);
	if (server.stop_fd < 0)
		return failed("cannot make an eventfd", -errno);
	error = witness_open(&server.witness, config->witness);
	if (error)
		return failed(config->witness, error);
	raise_descriptor_limit();
	limits_init(&server.limits, config->max_connections_per_ip, config->rate, config->ban_ms);
	queue_init(&server.queue, config->max_queue);
	error = maildir_open(&server.maildir, config->maildir, config->hostname, config->per_user,
			     config->fsync);
	if (error)
		return failed(config->maildir, error);
	if (!start_deliverers())
		return false;
	error = listener_open(&server);
	if (error)
		return failed("cannot open the listener", error);
	if (!start_workers())
		return false;
	rill_event(server_startup, hostname(counted(config->hostname)), version(SMTPD_VERSION));
	return true;
}

/* Workers first: what they have in the queue, they wait for. */
static int stop(void)
{
	const uint64_t one = 1;
	int error;

	atomic_store(&server.stop_deadline_ms, monotonic_ms() + server.config.grace_ms);
	atomic_store(&server.stopping, true);
	if (write(server.stop_fd, &one, sizeof(one)) < 0) /* only when there is none */
		fprintf(stderr, "smtpd: %s\n", strerror(errno));
	if (server.listen_fd >= 0) /* from now on accept() fails, and the workers know why */
		listener_stop(&server);
	for (unsigned i = 0; i < workers_running; i++)
		worker_wake(workers[i]);
	for (unsigned i = 0; i < workers_running; i++)
		pthread_join(workers[i]->thread, NULL);
	queue_stop(&server.queue);
	for (unsigned i = 0; i < deliverers_running; i++)
		pthread_join(deliverers[i].thread, NULL);
	for (unsigned i = 0; i < workers_running; i++) {
		worker_free(workers[i]);
		free(workers[i]);
	}
	if (server.listen_fd >= 0)
		close(server.listen_fd);
	if (server.maildir.fd >= 0)
		maildir_close(&server.maildir);
	if (server.stop_fd >= 0)
		close(server.stop_fd);
	queue_free(&server.queue);
	limits_free(&server.limits);
	error = witness_close(&server.witness);
	if (error)
		fprintf(stderr, "smtpd: %s: %s\n", server.config.witness, strerror(-error));
	return error;
}

int main(int argc, char **argv)
{
	sigset_t signals;
	int caught;

	options_parse(&server.config, argc, argv);
	/* Blocked in all threads, taken here: no code of ours ever runs in a handler. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	signal(SIGXFSZ, SIG_IGN); /* a file at its limit is an error of write(2), no more */
	if (!start()) {
		stop();
		return 1;
	}
	while (sigwait(&signals, &caught))
		continue;
	rill_event(server_shutdown, causedBy(counted(caught == SIGTERM ? "SIGTERM" : "SIGINT")));
	return stop() ? 1 : 0;
}
