#include "next_hop.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

/* False: the connection is to be closed. */
static bool answer(int fd, const char *scripted, const char *usual)
{
	const char *reply = scripted ? scripted : usual;
	char line[1024], sink[1024];

	if (strcmp(reply, HOP_SILENT) == 0) {
		while (recv(fd, sink, sizeof(sink), 0) > 0)
			continue;
		return false;
	}
	if (!*reply)
		return false;
	snprintf(line, sizeof(line), "%s\r\n", reply);
	return send(fd, line, strlen(line), MSG_NOSIGNAL) > 0;
}

/* With its CRLF. */
static bool read_line(int fd, char *line, size_t size)
{
	size_t n = 0;

	while (n + 1 < size) {
		if (recv(fd, line + n, 1, 0) != 1)
			return false;
		if (line[n++] == '\n') {
			line[n] = '\0';
			return true;
		}
	}
	return false;
}

static bool take_text(struct hop *hop, int fd, const struct hop_script *script)
{
	char line[8192];

	hop->text[0] = '\0';
	if (!answer(fd, script->data, "354 go on") || (script->data && *script->data != '3'))
		return script->data && *script->data;
	if (script->text && !*script->text) {
		read_line(fd, line, sizeof(line));
		return false;
	}
	while (read_line(fd, line, sizeof(line))) {
		if (strcmp(line, ".\r\n") == 0) {
			hop->mails++;
			return answer(fd, script->end, "250 2.0.0 Ok: queued as 4bXyZ1");
		}
		if (strlen(hop->text) + strlen(line) < sizeof(hop->text))
			strcat(hop->text, line);
	}
	return false;
}

static void serve(struct hop *hop, int fd, const struct hop_script *script)
{
	char line[2048];
	bool more = answer(fd, script->greeting, "220 hop.test ESMTP");

	while (more && read_line(fd, line, sizeof(line))) {
		size_t used = strlen(hop->commands), length = strcspn(line, "\r\n");

		snprintf(hop->commands + used, sizeof(hop->commands) - used, "%.*s\n", (int)length,
			 line);
		if (strncasecmp(line, "EHLO", 4) == 0)
			more = answer(fd, script->ehlo,
				      "250-hop.test\r\n250-SIZE 1000000\r\n250 8BITMIME");
		else if (strncasecmp(line, "HELO", 4) == 0)
			more = answer(fd, script->helo, "250 hop.test");
		else if (strncasecmp(line, "MAIL", 4) == 0)
			more = answer(fd, script->mail, "250 2.1.0 Ok");
		else if (strncasecmp(line, "RCPT", 4) == 0)
			more = answer(fd, script->rcpt, "250 2.1.5 Ok");
		else if (strncasecmp(line, "DATA", 4) == 0)
			more = take_text(hop, fd, script);
		else if (strncasecmp(line, "QUIT", 4) == 0)
			more = (hop->quits++, answer(fd, NULL, "221 bye"), false);
		else
			more = answer(fd, NULL, "500 what?");
	}
	close(fd);
}

static void *run(void *argument)
{
	static const struct hop_script good;
	struct hop *hop = argument;
	int fd;

	while ((fd = accept(hop->listen_fd, NULL, NULL)) >= 0) {
		unsigned times = hop->script.times;
		bool scripted = !times || hop->connections < times;

		hop->connections++;
		serve(hop, fd, scripted ? &hop->script : &good);
	}
	return NULL;
}

void hop_start(struct hop *hop, const struct hop_script *script)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);

	memset(hop, 0, sizeof(*hop));
	hop->script = *script;
	hop->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert(hop->listen_fd >= 0 && !bind(hop->listen_fd, (struct sockaddr *)&address, size) &&
		  !listen(hop->listen_fd, 16) &&
		  !getsockname(hop->listen_fd, (struct sockaddr *)&address, &size));
	hop->port = ntohs(address.sin_port);
	snprintf(hop->address, sizeof(hop->address), "127.0.0.1:%u", hop->port);
	cr_assert_eq(pthread_create(&hop->thread, NULL, run, hop), 0);
}

void hop_stop(struct hop *hop)
{
	shutdown(hop->listen_fd, SHUT_RDWR);
	pthread_join(hop->thread, NULL);
	close(hop->listen_fd);
}
