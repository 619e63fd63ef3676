/* The listening socket. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#include "smtpd.h"

#define BACKLOG 512

/* Written under another name first: who sees the file sees the whole number. */
static int write_port_file(const struct server *server)
{
	const char *path = server->config.port_file;
	char temporary[4096];
	char text[16];
	int length = snprintf(text, sizeof(text), "%u\n", server->port);
	int error = 0;
	int fd;

	if ((size_t)snprintf(temporary, sizeof(temporary), "%s.new", path) >= sizeof(temporary))
		return -ENAMETOOLONG;
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	if (write(fd, text, (size_t)length) != length)
		error = -EIO;
	if (close(fd) < 0 && !error)
		error = -errno;
	if (!error && rename(temporary, path) < 0)
		error = -errno;
	if (error)
		unlink(temporary);
	return error;
}

static int fail(const struct server *server, const char *what, int error)
{
	const struct config *config = &server->config;

	fprintf(stderr, "smtpd: %s %s:%s: %s\n", what, config->host, config->port,
		strerror(-error));
	return error;
}

static int bind_and_listen(struct server *server, const struct addrinfo *address)
{
	const int on = 1;
	int error;

	/* An address that was listened on a moment ago: TIME-WAIT is no reason to wait. */
	if (setsockopt(server->listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		rill_event(network_set_opt_error, reason(counted(strerror(errno))),
			   details("SO_REUSEADDR"));
	if (bind(server->listen_fd, address->ai_addr, address->ai_addrlen) < 0) {
		error = -errno;
		rill_event(network_bind_error, listenerId(counted(LISTENER_ID)),
			   localIp(&server->address), localPort(server->port), tls(false),
			   reason(strerror(-error)));
		return fail(server, "cannot bind", error);
	}
	if (listen(server->listen_fd, BACKLOG) < 0) {
		error = -errno;
		rill_event(network_listen_error, listenerId(counted(LISTENER_ID)),
			   localIp(&server->address), localPort(server->port), tls(false),
			   reason(strerror(-error)));
		return fail(server, "cannot listen on", error);
	}
	return 0;
}

static void read_port(struct server *server)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)&server->address;

	server->port = ntohs(in->sin_port); /* at the same place for IPv6 */
}

int listener_open(struct server *server)
{
	const struct config *config = &server->config;
	const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
				       .ai_socktype = SOCK_STREAM};
	socklen_t length = sizeof(server->address);
	struct addrinfo *address;
	int error = getaddrinfo(config->host, config->port, &hints, &address);

	if (error) {
		fprintf(stderr, "smtpd: %s:%s: %s\n", config->host, config->port,
			gai_strerror(error));
		return -EINVAL;
	}
	memcpy(&server->address, address->ai_addr, address->ai_addrlen);
	read_port(server);
	server->listen_fd =
		socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	error = server->listen_fd < 0 ? fail(server, "cannot make a socket for", -errno)
				      : bind_and_listen(server, address);
	freeaddrinfo(address);
	if (error)
		return error;
	getsockname(server->listen_fd, (struct sockaddr *)&server->address, &length);
	read_port(server);
	rill_event(network_listen_start, listenerId(counted(LISTENER_ID)),
		   localIp(&server->address), localPort(server->port), tls(false));
	if (config->port_file) {
		error = write_port_file(server);
		if (error)
			fprintf(stderr, "smtpd: %s: %s\n", config->port_file, strerror(-error));
	}
	return error;
}

void listener_stop(struct server *server)
{
	/* Not close(): a worker may be about to accept, and the number could be another's then. */
	shutdown(server->listen_fd, SHUT_RDWR);
	rill_event(network_listen_stop, listenerId(counted(LISTENER_ID)), localIp(&server->address),
		   localPort(server->port), tls(false));
}
