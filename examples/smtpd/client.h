/*
 * The other side of SMTP: bytes and replies of a connection to the next server. What is said on it
 * is relay.c's.
 *
 * Every wait has an end: its own time, --relay-timeout, or the stop of this server.
 */
#ifndef SMTPD_CLIENT_H
#define SMTPD_CLIENT_H

#include <netdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct server;

/* RFC 5321, section 4.5.3.2; what it does not name (connect, EHLO, QUIT) is as postfix has it. */
#define CLIENT_CONNECT_MS  30000u
#define CLIENT_GREETING_MS 300000u
#define CLIENT_COMMAND_MS  300000u
#define CLIENT_DATA_MS     120000u
#define CLIENT_BLOCK_MS    180000u
#define CLIENT_END_MS      600000u
#define CLIENT_QUIT_MS     5000u

#define REPLY_TEXT_MAX 400u /* of a reply that is passed on */

struct reply {
	unsigned code;
	char text[REPLY_TEXT_MAX + 1]; /* what follows the code in the last line; printable */
	/* Of EHLO: what the lines offer. */
	bool offers_size;
	bool offers_8bitmime;
};

struct client {
	struct server *server;
	uint64_t span_id;
	int fd;
	size_t start; /* of what is in `in` and not read yet */
	size_t end;
	char in[4096];
};

/* All: 0 or a negative errno; -ETIMEDOUT also when this server stops, -ECONNRESET when the other
 * one has closed, -EPROTO when it does not speak SMTP. */
int client_connect(struct client *client, const struct addrinfo *to);
/* A whole command line, with its CRLF. */
int client_command(struct client *client, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Text of a mail, of which no event tells more than the size. */
int client_text(struct client *client, const char *text, size_t n);
int client_reply(struct client *client, struct reply *reply, uint64_t timeout_ms);
void client_close(struct client *client);

#endif
