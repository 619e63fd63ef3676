/* A connection to the next server. */
#include "client.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#include "smtpd.h"

#define LINE_MAX_BYTES  2048u /* RFC 5321, section 4.5.3.1.5: 512; servers say more */
#define REPLY_MAX_LINES 100u

static uint64_t deadline(const struct client *client, uint64_t timeout_ms)
{
	uint64_t most_ms = client->server->config.relay_timeout_ms;

	return monotonic_ms() + (most_ms && most_ms < timeout_ms ? most_ms : timeout_ms);
}

static int wait_for(const struct client *client, short events, uint64_t until_ms)
{
	struct server *server = client->server;

	for (;;) {
		bool stopping = atomic_load(&server->stopping);
		uint64_t now_ms = monotonic_ms(), end_ms = until_ms;
		/* Once it is readable it stays so, and says nothing new. */
		struct pollfd fds[2] = {{.fd = client->fd, .events = events},
					{.fd = stopping ? -1 : server->stop_fd, .events = POLLIN}};

		if (stopping && atomic_load(&server->stop_deadline_ms) < end_ms)
			end_ms = atomic_load(&server->stop_deadline_ms);
		if (now_ms >= end_ms)
			return -ETIMEDOUT;
		if (poll(fds, 2, (int)(end_ms - now_ms)) < 0 && errno != EINTR)
			return -errno;
		if (fds[0].revents)
			return 0;
	}
}

int client_connect(struct client *client, const struct addrinfo *to)
{
	const int on = 1;
	int error = 0;
	socklen_t size = sizeof(error);

	client->start = client->end = 0;
	client->fd = socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (client->fd < 0)
		return -errno;
	if (connect(client->fd, to->ai_addr, to->ai_addrlen) < 0)
		error = errno == EINPROGRESS ? 0 : -errno;
	if (!error)
		error = wait_for(client, POLLOUT, deadline(client, CLIENT_CONNECT_MS));
	if (!error && !getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &error, &size))
		error = -error;
	if (error) {
		client_close(client);
		return error;
	}
	/* A command is whole when it is sent. Without the option it is only later. */
	(void)setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return 0;
}

void client_close(struct client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	client->fd = -1;
}

static int send_all(struct client *client, const char *text, size_t n)
{
	uint64_t until_ms = deadline(client, CLIENT_BLOCK_MS);

	while (n) {
		ssize_t sent = send(client->fd, text, n, MSG_NOSIGNAL);
		int error = 0;

		if (sent < 0 && errno == EAGAIN)
			error = wait_for(client, POLLOUT, until_ms);
		else if (sent < 0 && errno != EINTR)
			error = -errno;
		if (error)
			return error;
		if (sent <= 0)
			continue;
		text += sent;
		n -= (size_t)sent;
		until_ms = deadline(client, CLIENT_BLOCK_MS);
	}
	return 0;
}

int client_command(struct client *client, const char *format, ...)
{
	char line[LINE_MAX_BYTES];
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(line, sizeof(line) - 2, format, arguments);
	va_end(arguments);
	if (length < 0 || (size_t)length >= sizeof(line) - 2)
		return -EMSGSIZE;
	memcpy(line + length, "\r\n", 2);
	rill_event(delivery_raw_output, spanId(counted(client->span_id)), size(length + 2),
		   contents(line, (size_t)length + 2));
	return send_all(client, line, (size_t)length + 2);
}

int client_text(struct client *client, const char *text, size_t n)
{
	rill_event(delivery_raw_output, spanId(counted(client->span_id)), size(n));
	return send_all(client, text, n);
}

static int fill(struct client *client, uint64_t until_ms)
{
	ssize_t n;

	for (;;) {
		int error = wait_for(client, POLLIN, until_ms);

		if (error)
			return error;
		n = recv(client->fd, client->in, sizeof(client->in), 0);
		if (n > 0)
			break;
		if (!n)
			return -ECONNRESET;
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
	}
	rill_event(delivery_raw_input, spanId(counted(client->span_id)), size(n),
		   contents(client->in, (size_t)n));
	client->start = 0;
	client->end = (size_t)n;
	return 0;
}

/* Without its line end, which may be a lone LF: servers are as they are. */
static int read_line(struct client *client, char line[LINE_MAX_BYTES], uint64_t until_ms)
{
	size_t n = 0;

	for (;;) {
		char c;

		if (client->start == client->end) {
			int error = fill(client, until_ms);

			if (error)
				return error;
		}
		c = client->in[client->start++];
		if (c == '\n')
			break;
		if (n == LINE_MAX_BYTES - 1)
			return -EPROTO;
		line[n++] = c;
	}
	if (n && line[n - 1] == '\r')
		n--;
	line[n] = '\0';
	return 0;
}

/* What this server passes on to its own client must be a line, and one for people. */
static void keep_text(struct reply *reply, const char *text)
{
	size_t n = 0;

	for (; *text && n < REPLY_TEXT_MAX; text++)
		reply->text[n++] = *text >= ' ' && *text <= '~' ? *text : '?';
	reply->text[n] = '\0';
}

static void note_offer(struct reply *reply, const char *text)
{
	size_t n = strcspn(text, " ");

	if (n == 4 && !strncasecmp(text, "SIZE", n))
		reply->offers_size = true;
	if (n == 8 && !strncasecmp(text, "8BITMIME", n))
		reply->offers_8bitmime = true;
}

int client_reply(struct client *client, struct reply *reply, uint64_t timeout_ms)
{
	uint64_t until_ms = deadline(client, timeout_ms);
	char line[LINE_MAX_BYTES];

	*reply = (struct reply){0};
	for (unsigned lines = 0; lines < REPLY_MAX_LINES; lines++) {
		int error = read_line(client, line, until_ms);

		if (error)
			return error;
		/* RFC 5321, section 4.2: 2yz to 5yz */
		if (*line < '2' || *line > '5' || strspn(line, "0123456789") != 3 ||
		    (line[3] && !strchr(" -", line[3])))
			return -EPROTO;
		reply->code = (unsigned)strtoul(line, NULL, 10);
		if (line[3])
			note_offer(reply, line + 4);
		if (line[3] == '-')
			continue;
		keep_text(reply, line[3] ? line + 4 : "");
		return 0;
	}
	return -EPROTO;
}
