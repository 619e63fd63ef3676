/* Handing a mail on: a transaction with the next server, RFC 5321 from the client's side. */
#include "relay.h"

#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#include "client.h"
#include "mail.h"
#include "recipients.h"
#include "smtpd.h"

struct relay {
	struct server *server;
	struct mail *mail;
	const char *host;
	uint64_t span_id;
	uint64_t step_ns; /* when the step at hand began */
	struct sockaddr_storage peer;
	struct client client;
	struct reply reply; /* the last one */
	bool extended;      /* EHLO, not HELO */
	bool size;
	bool eight_bit;
};

static uint64_t step_elapsed(const struct relay *relay)
{
	return monotonic_ns() - relay->step_ns;
}

static uint16_t port_of(const struct sockaddr_storage *address)
{
	return ntohs(((const struct sockaddr_in *)address)->sin_port); /* as in IPv6 */
}

/* The connection is not what it should be: worth another attempt. */
static int broken(struct relay *relay, const char *what, int error)
{
	snprintf(relay->mail->problem, sizeof(relay->mail->problem), "%s: %s", what,
		 strerror(-error));
	return error;
}

/* RFC 5321, section 4.2.1: 5yz is for good, whatever else is not 2yz may be better next time. */
static int refused(struct relay *relay, const char *what)
{
	const struct reply *reply = &relay->reply;
	struct mail *mail = relay->mail;

	snprintf(mail->problem, sizeof(mail->problem), "%s: %u %s", what, reply->code, reply->text);
	if (reply->code < 500)
		return -EAGAIN;
	/* Our own client was promised enhanced codes. */
	snprintf(mail->refusal, sizeof(mail->refusal), "%u %s%s", reply->code,
		 strncmp(reply->text, "5.", 2) ? "5.0.0 " : "", reply->text);
	return -EREMOTE;
}

/* --- the connection ------------------------------------------------------------------------ */

static int connect_to(struct relay *relay, const struct addrinfo *to)
{
	struct sockaddr_storage local = {0};
	socklen_t size = sizeof(local);
	int error;

	relay->step_ns = monotonic_ns();
	memcpy(&relay->peer, to->ai_addr, to->ai_addrlen);
	error = client_connect(&relay->client, to);
	if (error) {
		rill_event(delivery_connect_error, spanId(counted(relay->span_id)),
			   hostname(relay->host), remoteIp(&relay->peer),
			   remotePort(port_of(&relay->peer)), reason(strerror(-error)),
			   elapsed(step_elapsed(relay)));
		return error;
	}
	/* Unbound, the address stays zero, and says so. */
	(void)getsockname(relay->client.fd, (struct sockaddr *)&local, &size);
	rill_event(delivery_connect, spanId(counted(relay->span_id)), hostname(relay->host),
		   localIp(&local), localPort(port_of(&local)), remoteIp(&relay->peer),
		   remotePort(port_of(&relay->peer)), elapsed(step_elapsed(relay)));
	return 0;
}

/* Each address in turn. */
static int open_connection(struct relay *relay)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *addresses;
	int error;

	relay->step_ns = monotonic_ns();
	error = getaddrinfo(relay->host, relay->server->config.relay_port, &hints, &addresses);
	if (error) {
		rill_event(delivery_ip_lookup_failed, spanId(counted(relay->span_id)),
			   hostname(relay->host), details(gai_strerror(error)),
			   elapsed(step_elapsed(relay)));
		snprintf(relay->mail->problem, sizeof(relay->mail->problem), "lookup: %s",
			 gai_strerror(error));
		return -EHOSTUNREACH;
	}
	rill_event(delivery_ip_lookup, spanId(counted(relay->span_id)), hostname(relay->host),
		   elapsed(step_elapsed(relay)));
	error = -EHOSTUNREACH;
	for (const struct addrinfo *at = addresses; at; at = at->ai_next) {
		error = connect_to(relay, at);
		if (!error || atomic_load(&relay->server->stopping))
			break;
	}
	freeaddrinfo(addresses);
	return error ? broken(relay, "connect", error) : 0;
}

/* --- the steps: each 0, or an error of broken() or refused() --------------------------------- */

/* What refuses everybody refuses no mail in particular: never for good. */
static int not_now(struct relay *relay, const char *what)
{
	int error = refused(relay, what);

	relay->mail->refusal[0] = '\0';
	return error == -EREMOTE ? -EAGAIN : error;
}

static int greet(struct relay *relay)
{
	int error;

	relay->step_ns = monotonic_ns();
	error = client_reply(&relay->client, &relay->reply, CLIENT_GREETING_MS);
	if (error)
		error = broken(relay, "greeting", error);
	else if (relay->reply.code != 220)
		error = not_now(relay, "greeting");
	if (error)
		rill_event(delivery_greeting_failed, spanId(counted(relay->span_id)),
			   hostname(relay->host), details(relay->mail->problem),
			   elapsed(step_elapsed(relay)));
	return error;
}

static int say(struct relay *relay, const char *what, const char *line, uint64_t timeout_ms)
{
	int error;

	relay->step_ns = monotonic_ns();
	error = client_command(&relay->client, "%s", line);
	if (!error)
		error = client_reply(&relay->client, &relay->reply, timeout_ms);
	return error ? broken(relay, what, error) : 0;
}

static int hello(struct relay *relay)
{
	char line[300];
	int error;

	snprintf(line, sizeof(line), "EHLO %s", relay->server->config.hostname);
	error = say(relay, "EHLO", line, CLIENT_COMMAND_MS);
	relay->extended = !error && relay->reply.code == 250;
	if (!error && relay->reply.code >= 500) { /* RFC 5321, section 3.2 */
		memcpy(line, "HELO", 4);
		error = say(relay, "HELO", line, CLIENT_COMMAND_MS);
	}
	if (!error && relay->reply.code != 250)
		error = not_now(relay, "EHLO");
	if (error) {
		rill_event(delivery_ehlo_rejected, spanId(counted(relay->span_id)),
			   hostname(relay->host), details(relay->mail->problem),
			   elapsed(step_elapsed(relay)));
		return error;
	}
	relay->size = relay->extended && relay->reply.offers_size;
	relay->eight_bit = relay->extended && relay->reply.offers_8bitmime;
	rill_event(delivery_ehlo, spanId(counted(relay->span_id)), hostname(relay->host),
		   details(relay->reply.text), elapsed(step_elapsed(relay)));
	return 0;
}

static int mail_from(struct relay *relay)
{
	struct mail *mail = relay->mail;
	char line[1024];
	int n;
	int error;

	if (mail->eight_bit && !relay->eight_bit) { /* RFC 6152, section 3 */
		relay->reply = (struct reply){.code = 554};
		snprintf(relay->reply.text, sizeof(relay->reply.text),
			 "5.6.3 The next server takes no 8-bit text");
		return refused(relay, "8BITMIME");
	}
	n = snprintf(line, sizeof(line), "MAIL FROM:<%s>", mail->from);
	if (relay->size)
		n += snprintf(line + n, sizeof(line) - (size_t)n, " SIZE=%llu",
			      (unsigned long long)(mail->data.size + mail->trace_to));
	if (mail->eight_bit)
		snprintf(line + n, sizeof(line) - (size_t)n, " BODY=8BITMIME");
	error = say(relay, "MAIL", line, CLIENT_COMMAND_MS);
	if (!error && relay->reply.code != 250)
		error = refused(relay, "MAIL");
	if (error)
		rill_event(delivery_mail_from_rejected, spanId(counted(relay->span_id)),
			   hostname(relay->host), queueId(mail->queue_id), from(mail->from),
			   code(relay->reply.code), details(mail->problem),
			   elapsed(step_elapsed(relay)));
	else
		rill_event(delivery_mail_from, spanId(counted(relay->span_id)),
			   hostname(relay->host), queueId(mail->queue_id), from(mail->from),
			   code(relay->reply.code), details(relay->reply.text),
			   elapsed(step_elapsed(relay)));
	return error;
}

static int rcpt_to(struct relay *relay, const char *address)
{
	const struct mail *mail = relay->mail;
	char line[1024];
	int error;

	snprintf(line, sizeof(line), "RCPT TO:<%s>", address);
	error = say(relay, "RCPT", line, CLIENT_COMMAND_MS);
	if (error) {
		rill_event(delivery_rcpt_to_failed, spanId(counted(relay->span_id)),
			   hostname(relay->host), queueId(mail->queue_id), to(address),
			   reason(mail->problem), elapsed(step_elapsed(relay)));
		return error;
	}
	if (relay->reply.code / 10 == 25) { /* 250, 251 */
		rill_event(delivery_rcpt_to, spanId(counted(relay->span_id)), hostname(relay->host),
			   queueId(mail->queue_id), to(address), code(relay->reply.code),
			   details(relay->reply.text), elapsed(step_elapsed(relay)));
		return 0;
	}
	error = refused(relay, "RCPT");
	rill_event(delivery_rcpt_to_rejected, spanId(counted(relay->span_id)),
		   hostname(relay->host), queueId(mail->queue_id), to(address),
		   code(relay->reply.code), details(relay->reply.text),
		   elapsed(step_elapsed(relay)));
	return error;
}

/* All recipients or none: one reply is all that our own client gets. */
static int envelope(struct relay *relay)
{
	const struct mail *mail = relay->mail;
	int error = mail_from(relay);

	for (unsigned i = 0; i < mail->nrecipients && !error; i++)
		if (mail->recipients[i].relayed)
			error = rcpt_to(relay, mail->recipients[i].address);
	return error;
}

/* --- the text ------------------------------------------------------------------------------ */

/* From the file's LF to CRLF, dots stuffed (RFC 5321, section 4.5.2). */
struct stuffing {
	bool in_line;
	size_t n;
	char out[8192];
};

static int put_text(struct relay *relay, struct stuffing *to, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (to->n > sizeof(to->out) - 2) {
			int error = client_text(&relay->client, to->out, to->n);

			if (error)
				return error;
			to->n = 0;
		}
		if (text[i] == '\n')
			to->out[to->n++] = '\r';
		else if (text[i] == '.' && !to->in_line)
			to->out[to->n++] = '.';
		to->out[to->n++] = text[i];
		to->in_line = text[i] != '\n';
	}
	return 0;
}

/* [from, to) of the file. */
static int put_file(struct relay *relay, struct stuffing *stuffing, int fd, uint64_t from,
		    uint64_t to)
{
	char text[8192];

	while (from < to) {
		size_t most = to - from < sizeof(text) ? (size_t)(to - from) : sizeof(text);
		ssize_t n = pread(fd, text, most, (off_t)from);
		int error;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		error = put_text(relay, stuffing, text, (size_t)n);
		if (error)
			return error;
		from += (uint64_t)n;
	}
	return 0;
}

/* Without the Return-Path: that is for the mailbox where the mail stays (section 4.4). */
static int send_file(struct relay *relay, int fd)
{
	const struct mail *mail = relay->mail;
	struct stuffing stuffing = {0};
	char id[MESSAGE_ID_MAX + 32];
	int error = put_file(relay, &stuffing, fd, mail->trace_from, mail->trace_to);

	if (!error && mail->made_message_id) {
		snprintf(id, sizeof(id), "Message-ID: <%s>\n", mail->headers.message_id);
		error = put_text(relay, &stuffing, id, strlen(id));
	}
	if (!error)
		error = put_file(relay, &stuffing, fd, mail->trace_to, mail->file_bytes);
	if (!error && stuffing.n)
		error = client_text(&relay->client, stuffing.out, stuffing.n);
	return error;
}

/* What the next server calls the mail: "Ok: delivered as 1f" or "relayed as" of one like this
 * one, whose ids are numbers; "queued as ID" of others. Returns the id in the reply, or NULL. */
static const char *remote_id(char *text, uint64_t *number, bool *is_number)
{
	char *at = strstr(text, "Ok: delivered as ");
	char *end;

	at = at ? at + 17 : strstr(text, "Ok: relayed as ");
	if (at && !strncmp(at, "Ok: ", 4))
		at += 15;
	*is_number = at != NULL;
	if (at && isxdigit((unsigned char)*at)) {
		*number = strtoull(at, &end, 16);
		return *end ? NULL : at;
	}
	at = strstr(text, "queued as ");
	if (!at)
		return NULL;
	at += 10;
	end = at + strcspn(at, " ;,)");
	*end = '\0';
	return *at ? at : NULL;
}

/* The catalog has one event for this; a queue id is a number or a string, or is not told. */
#define DELIVERED(...)                                                                             \
	rill_event(delivery_delivered, spanId(counted(relay->span_id)), queueId(mail->queue_id),   \
		   messageId(mail->headers.message_id), hostname(relay->host),                     \
		   remoteIp(&relay->peer), remotePort(port_of(&relay->peer)),                      \
		   to(relayed_list(mail, list)), code(relay->reply.code),                          \
		   details(relay->reply.text), elapsed(step_elapsed(relay)), ##__VA_ARGS__)

static void delivered(const struct relay *relay)
{
	const struct mail *mail = relay->mail;
	struct rill_value list[RECIPIENTS_LISTED];
	char text[sizeof(relay->reply.text)];
	uint64_t number = 0;
	bool is_number;
	const char *id;

	memcpy(text, relay->reply.text, sizeof(text));
	id = remote_id(text, &number, &is_number);
	if (id && is_number)
		DELIVERED(remoteQueueId(number));
	else if (id)
		DELIVERED(remoteQueueId(id));
	else
		DELIVERED();
}

static int data(struct relay *relay)
{
	const struct mail *mail = relay->mail;
	int error = say(relay, "DATA", "DATA", CLIENT_DATA_MS);
	int fd;

	if (!error && relay->reply.code != 354)
		error = refused(relay, "DATA");
	if (!error) {
		fd = maildir_read(&relay->server->maildir, mail);
		error = fd < 0 ? fd : send_file(relay, fd);
		if (fd >= 0)
			close(fd);
		if (error)
			error = broken(relay, "text", error);
	}
	if (!error) {
		error = say(relay, "end of the text", ".", CLIENT_END_MS);
		if (!error && relay->reply.code != 250)
			error = refused(relay, "end of the text");
	}
	if (error)
		rill_event(delivery_message_rejected, spanId(counted(relay->span_id)),
			   queueId(mail->queue_id), messageId(mail->headers.message_id),
			   hostname(relay->host), code(relay->reply.code), details(mail->problem),
			   elapsed(step_elapsed(relay)));
	else
		delivered(relay);
	return error;
}

static int transaction(struct relay *relay)
{
	int error = greet(relay);

	if (!error)
		error = hello(relay);
	if (!error)
		error = envelope(relay);
	if (!error)
		error = data(relay);
	return error;
}

int relay_hand_on(struct server *server, struct mail *mail, uint64_t span_id)
{
	struct relay relay = {
		.server = server,
		.mail = mail,
		.host = server->config.relay_host,
		.span_id = span_id,
		.client = {.server = server, .span_id = span_id, .fd = -1},
	};
	struct reply last;
	int error;

	mail->problem[0] = '\0';
	error = open_connection(&relay);
	if (error)
		return error;
	error = transaction(&relay);
	/* Whatever comes of it: who was spoken to is taken leave of, and the mail's fate is
	 * decided. A broken connection gets no QUIT. */
	if ((!error || error == -EAGAIN || error == -EREMOTE) &&
	    !client_command(&relay.client, "QUIT"))
		(void)client_reply(&relay.client, &last, CLIENT_QUIT_MS);
	client_close(&relay.client);
	return error;
}
