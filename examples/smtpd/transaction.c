/* From MAIL to the reply after the text. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#include "mail.h"
#include "recipients.h"
#include "session.h"
#include "smtpd.h"
#include "worker.h"

#define RECEIVED_MAX 100u /* RFC 5321, section 6.3 */

static void mail_free(struct mail *mail)
{
	for (unsigned i = 0; i < mail->nrecipients; i++) {
		free(mail->recipients[i].address);
		free(mail->recipients[i].mailbox);
	}
	free(mail->recipients);
	free(mail->from);
	free(mail);
}

void transaction_reset(struct session *session)
{
	if (!session->mail)
		return;
	maildir_discard(&session->worker->server->maildir, session->mail);
	mail_free(session->mail);
	session->mail = NULL;
}

static bool listed(const char *const *domains, unsigned n, const char *domain)
{
	for (unsigned i = 0; i < n; i++)
		if (!strcasecmp(domain, domains[i]))
			return true;
	return false;
}

enum route transaction_route(const struct session *session, const char *domain)
{
	const struct config *config = &session->worker->server->config;

	if (!*domain || listed(config->domains, config->ndomains, domain))
		return ROUTE_LOCAL;
	if (config->relay_host && (!config->nrelay_domains ||
				   listed(config->relay_domains, config->nrelay_domains, domain)))
		return ROUTE_RELAY;
	return config->ndomains ? ROUTE_NONE : ROUTE_LOCAL;
}

static void no_memory(struct session *session)
{
	session_reply(session, "452 4.3.0 Out of memory");
}

/* Parameters of extensions that are not offered; the catalog has an event for each. */
static void unsupported(struct session *session, const char *name)
{
	uint64_t id = session->seen.span_id;

	if (!strcmp(name, "REQUIRETLS"))
		rill_event(smtp_require_tls_disabled, spanId(counted(id)));
	else if (!strcmp(name, "BY"))
		rill_event(smtp_deliver_by_disabled, spanId(counted(id)));
	else if (!strcmp(name, "HOLDFOR") || !strcmp(name, "HOLDUNTIL"))
		rill_event(smtp_future_release_disabled, spanId(counted(id)));
	else if (!strcmp(name, "MT-PRIORITY"))
		rill_event(smtp_mt_priority_disabled, spanId(counted(id)));
	else if (!strcmp(name, "RET") || !strcmp(name, "ENVID") || !strcmp(name, "NOTIFY") ||
		 !strcmp(name, "ORCPT"))
		rill_event(smtp_dsn_disabled, spanId(counted(id)));
	else
		rill_event(smtp_unsupported_parameter, spanId(counted(id)), details(name));
	session_reply(session, "555 5.5.4 Parameter %s not supported", name);
}

static bool invalid_parameter(struct session *session, const char *what)
{
	rill_event(smtp_invalid_parameter, spanId(counted(session->seen.span_id)), details(what));
	session_reply(session, "501 5.5.4 Invalid parameter");
	return false;
}

/* MAIL's parameters; false if a refusal was sent. */
static bool mail_parameters(struct session *session, const char *rest)
{
	uint64_t limit_bytes = session->worker->server->config.max_size_bytes;
	struct parameter parameter;
	uint64_t size_bytes = 0;
	bool has_size = false;
	bool has_body = false;
	int found;

	while ((found = command_parameter(&rest, &parameter)) > 0) {
		if (!session->extended ||
		    (strcmp(parameter.name, "SIZE") && strcmp(parameter.name, "BODY"))) {
			unsupported(session, parameter.name);
			return false;
		}
		if (!strcmp(parameter.name, "SIZE")) {
			if (has_size || !command_number(parameter.value, &size_bytes))
				return invalid_parameter(session, "SIZE");
			has_size = true;
		} else {
			if (has_body || (strcasecmp(parameter.value, "7BIT") &&
					 strcasecmp(parameter.value, "8BITMIME")))
				return invalid_parameter(session, "BODY");
			has_body = true;
		}
	}
	if (found < 0)
		return invalid_parameter(session, rest);
	if (size_bytes > limit_bytes) {
		rill_event(smtp_message_too_large, spanId(counted(session->seen.span_id)),
			   size(size_bytes), limit(limit_bytes));
		session_reply(session, "552 5.3.4 Message too large: the limit is %llu bytes",
			      (unsigned long long)limit_bytes);
		return false;
	}
	return true;
}

/* Limits on the number of mails; false if a refusal was sent. */
static bool mail_allowed(struct session *session, const char *sender)
{
	struct server *server = session->worker->server;
	uint64_t id = session->seen.span_id;

	if (session->messages >= server->config.max_messages) {
		rill_event(smtp_too_many_messages, spanId(counted(id)),
			   limit(server->config.max_messages));
		session_reply(session, "452 4.5.3 Too many messages in this session");
		return false;
	}
	if (!limits_mail(&server->limits, &session->peer, monotonic_ms())) {
		rill_event(smtp_rate_limit_exceeded, spanId(counted(id)), id("mails-per-minute"),
			   limit(rill_list(rill_u64(server->config.rate),
					   rill_duration(60 * 1000000000ull))),
			   from(sender));
		session_reply(session, "451 4.7.1 Too many messages, try again later");
		return false;
	}
	return true;
}

void transaction_mail(struct session *session, const char *arguments)
{
	uint64_t id = session->seen.span_id;
	struct address address;
	const char *rest;
	struct mail *mail;

	if (!session->helo[0]) {
		rill_event(smtp_did_not_say_ehlo, spanId(counted(id)));
		session_reply(session, "503 5.5.1 Say EHLO first");
		return;
	}
	if (session->mail) {
		rill_event(smtp_multiple_mail_from, spanId(counted(id)));
		session_reply(session, "503 5.5.1 Sender already given");
		return;
	}
	switch (command_path(arguments, "FROM:", &address, &rest)) {
	case PATH_SYNTAX:
		rill_event(smtp_syntax_error, spanId(counted(id)), details(arguments));
		session_reply(session, "501 5.5.4 Syntax: MAIL FROM:<address>");
		return;
	case PATH_ADDRESS:
		rill_event(smtp_invalid_sender_address, spanId(counted(id)));
		session_reply(session, "501 5.1.7 Invalid sender address");
		return;
	case PATH_OK:
		break;
	}
	if (!mail_parameters(session, rest) || !mail_allowed(session, address.text))
		return;
	mail = calloc(1, sizeof(*mail));
	if (mail)
		mail->from = strdup(address.text);
	if (!mail || !mail->from) {
		free(mail);
		no_memory(session);
		return;
	}
	mail->session = session;
	mail->worker = session->worker;
	mail->connection_id = id;
	mail->queue_id = atomic_fetch_add(&session->worker->server->queue_ids, 1) + 1;
	mail->fd = -1;
	session->mail = mail;
	session->messages++;
	rill_event(smtp_mail_from, spanId(counted(id)), queueId(mail->queue_id), from(mail->from));
	session_reply(session, "250 2.1.0 Ok");
}

/* A recipient was refused; more than a few of them are somebody trying names. */
static void invalid_rcpt(struct session *session, const char *address)
{
	struct server *server = session->worker->server;
	uint64_t id = session->seen.span_id;

	if (++session->invalid_rcpt <= server->config.max_invalid_rcpt)
		return;
	rill_event(smtp_too_many_invalid_rcpt, spanId(counted(id)),
		   limit(server->config.max_invalid_rcpt), to(address));
	if (limits_abuse(&server->limits, &session->peer, monotonic_ms()))
		rill_event(security_abuse_ban, spanId(counted(id)), remoteIp(&session->peer),
			   to(address));
	session_reply(session, "421 4.7.0 %s too many invalid recipients", server->config.hostname);
	session_finish(session, true);
}

static bool add_recipient(struct mail *mail, const char *address, const char *mailbox, bool relayed)
{
	struct recipient *recipients =
		reallocarray(mail->recipients, mail->nrecipients + 1, sizeof(*recipients));
	struct recipient *recipient;

	if (!recipients)
		return false;
	mail->recipients = recipients;
	recipient = &recipients[mail->nrecipients];
	*recipient = (struct recipient){strdup(address), strdup(mailbox), relayed, false};
	if (!recipient->address || !recipient->mailbox) {
		free(recipient->address);
		free(recipient->mailbox);
		return false;
	}
	mail->nrecipients++;
	mail->nrelayed += relayed;
	return true;
}

/* RCPT's address, or false and a refusal. */
static bool rcpt_address(struct session *session, const char *arguments, struct address *address)
{
	uint64_t id = session->seen.span_id;
	struct parameter parameter;
	const char *rest;
	enum path_status status = command_path(arguments, "TO:", address, &rest);

	if (status == PATH_SYNTAX) {
		rill_event(smtp_syntax_error, spanId(counted(id)), details(arguments));
		session_reply(session, "501 5.5.4 Syntax: RCPT TO:<address>");
		return false;
	}
	if (status == PATH_ADDRESS || !address->text[0]) {
		rill_event(smtp_invalid_recipient_address, spanId(counted(id)));
		session_reply(session, "501 5.1.3 Invalid recipient address");
		return false;
	}
	switch (command_parameter(&rest, &parameter)) {
	case 0:
		return true;
	case 1:
		unsupported(session, parameter.name);
		return false;
	default:
		return invalid_parameter(session, rest);
	}
}

void transaction_rcpt(struct session *session, const char *arguments)
{
	struct server *server = session->worker->server;
	uint64_t id = session->seen.span_id;
	struct mail *mail = session->mail;
	char mailbox[MAILBOX_MAX + 1] = "";
	struct address address;
	enum route route;

	if (!mail) {
		rill_event(smtp_mail_from_missing, spanId(counted(id)));
		session_reply(session, "503 5.5.1 Say MAIL first");
		return;
	}
	if (!rcpt_address(session, arguments, &address))
		return;
	route = transaction_route(session, address.domain);
	for (unsigned i = 0; i < mail->nrecipients; i++) {
		if (!strcmp(mail->recipients[i].address, address.text)) {
			rill_event(smtp_rcpt_to_duplicate, spanId(counted(id)), to(address.text));
			session_reply(session, "250 2.1.5 Ok, once is enough");
			return;
		}
	}
	if (mail->nrecipients >= server->config.max_recipients) {
		rill_event(smtp_too_many_recipients, spanId(counted(id)),
			   limit(server->config.max_recipients));
		session_reply(session, "452 4.5.3 Too many recipients");
	} else if (route == ROUTE_NONE) {
		rill_event(smtp_relay_not_allowed, spanId(counted(id)), to(address.text));
		session_reply(session, "550 5.7.1 <%s>: relaying denied", address.text);
		invalid_rcpt(session, address.text);
	} else if (route == ROUTE_LOCAL && !maildir_lookup(&server->maildir, address.local,
							   strlen(address.local), mailbox)) {
		rill_event(smtp_mailbox_does_not_exist, spanId(counted(id)), to(address.text));
		session_reply(session, "550 5.1.1 <%s>: no such mailbox", address.text);
		invalid_rcpt(session, address.text);
	} else if (!add_recipient(mail, address.text, mailbox, route == ROUTE_RELAY)) {
		no_memory(session);
	} else {
		rill_event(smtp_rcpt_to, spanId(counted(id)), queueId(mail->queue_id),
			   to(address.text));
		session_reply(session, "250 2.1.5 Ok");
	}
}

/* What delivery puts in front of the mail: RFC 5321, section 4.4. */
static int write_trace(struct session *session)
{
	const struct config *config = &session->worker->server->config;
	struct mail *mail = session->mail;
	time_t now = time(NULL);
	char text[2048];
	char date[64];
	struct tm tm;
	int length;
	bool one = mail->nrecipients == 1;

	localtime_r(&now, &tm);
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S %z", &tm);
	length = snprintf(text, sizeof(text), "Return-Path: <%s>\n", mail->from);
	mail->trace_from = (uint64_t)length;
	length +=
		snprintf(text + length, sizeof(text) - (size_t)length,
			 "Received: from %s ([%s%s])\n"
			 "\tby %s (smtpd) with %s id %llx%s%s%s;\n"
			 "\t%s\n",
			 session->helo, session->peer.ss_family == AF_INET6 ? "IPv6:" : "",
			 session->peer_text, config->hostname, session->extended ? "ESMTP" : "SMTP",
			 (unsigned long long)mail->queue_id, one ? "\n\tfor <" : "",
			 one ? mail->recipients[0].address : "", one ? ">" : "", date);
	mail->trace_to = (uint64_t)length;
	return maildir_write(mail, text, (size_t)length);
}

static void spool_failed(struct session *session, int error)
{
	rill_event(store_filesystem_error, spanId(counted(session->seen.span_id)),
		   reason(strerror(-error)), queueId(session->mail->queue_id));
}

void transaction_data(struct session *session)
{
	struct server *server = session->worker->server;
	struct mail *mail = session->mail;
	int error;

	if (!mail || !mail->nrecipients) {
		rill_event(smtp_rcpt_to_missing, spanId(counted(session->seen.span_id)));
		session_reply(session, mail ? "554 5.5.1 No valid recipients"
					    : "503 5.5.1 Say MAIL and RCPT first");
		return;
	}
	error = maildir_create(&server->maildir, mail);
	if (!error)
		error = write_trace(session);
	if (error) {
		spool_failed(session, error);
		session_reply(session, "452 4.3.1 Cannot store mail now");
		transaction_reset(session);
		return;
	}
	session->state = SESSION_DATA;
	session_reply(session, "354 End data with <CR><LF>.<CR><LF>");
}

/* Is the complete text acceptable? If not, says why. */
static bool text_acceptable(struct session *session)
{
	const struct config *config = &session->worker->server->config;
	uint64_t id = session->seen.span_id;
	struct mail *mail = session->mail;

	if (mail->data.size > config->max_size_bytes) {
		rill_event(smtp_message_too_large, spanId(counted(id)), size(mail->data.size),
			   limit(config->max_size_bytes));
		session_reply(session, "552 5.3.4 Message too large: the limit is %llu bytes",
			      (unsigned long long)config->max_size_bytes);
	} else if (mail->data.bare_lf) {
		rill_event(smtp_message_parse_failed, spanId(counted(id)),
			   details("bare <LF> in the text"));
		session_reply(session, "550 5.6.0 Bare <LF>: lines must end in <CR><LF>");
	} else if (mail->data.bare_cr && mail->nrelayed) {
		/* The next server may take it for the end of a line. */
		rill_event(smtp_message_parse_failed, spanId(counted(id)),
			   details("bare <CR> in a text to be handed on"));
		session_reply(session, "550 5.6.0 Bare <CR>: lines must end in <CR><LF>");
	} else if (mail->headers.received > RECEIVED_MAX) {
		rill_event(smtp_loop_detected, spanId(counted(id)), from(mail->from),
			   total(mail->headers.received), limit(RECEIVED_MAX));
		session_reply(session, "554 5.4.6 Mail loop: too many Received fields");
	} else if (mail->error) {
		session_reply(session, "452 4.3.1 Cannot store mail now");
	} else {
		return true;
	}
	return false;
}

static void enqueue(struct session *session)
{
	struct server *server = session->worker->server;
	struct rill_value list[RECIPIENTS_LISTED];
	uint64_t now_ns = monotonic_ns();
	struct mail *mail = session->mail;

	if (!queue_reserve(&server->queue)) {
		rill_event(queue_back_pressure, spanId(counted(session->seen.span_id)),
			   reason("the delivery queue is full"), queueName(mail_queue(mail)),
			   limit(server->config.max_queue));
		session_reply(session, "451 4.3.2 Busy, try again later");
		transaction_reset(session);
		return;
	}
	/* A mail without an id cannot be followed from server to server. */
	if (mail->nrelayed && !mail->headers.message_id[0]) {
		header_make_id(&mail->headers, mail->queue_id, server->config.hostname);
		mail->made_message_id = true;
	}
	mail->due_ns = now_ns;
	mail->expires_ns = now_ns + server->config.expire_ms * 1000000u;
	rill_event(queue_message_queued, spanId(counted(session->seen.span_id)),
		   queueId(mail->queue_id), messageId(mail->headers.message_id), from(mail->from),
		   to(recipients_list(mail, list)), size(mail->data.size), nextRetry(realtime_ns()),
		   expires(rill_timestamp(realtime_ns() + server->config.expire_ms * 1000000u)));
	session->state = SESSION_DELIVERING;
	queue_put(&server->queue, mail);
}

void transaction_text(struct session *session)
{
	const struct config *config = &session->worker->server->config;
	char *text = session->worker->text;
	struct mail *mail = session->mail;
	size_t text_n;
	size_t taken = data_feed(&mail->data, session->in + session->in_start,
				 session->in_end - session->in_start, text, &text_n);

	/* Without the contents: they are the sender's letter and nobody's log line. */
	rill_event(smtp_raw_input, spanId(counted(session->seen.span_id)), size(taken));
	session->in_start += (uint32_t)taken;
	header_feed(&mail->headers, text, text_n);
	for (size_t i = 0; i < text_n && !mail->eight_bit; i++)
		mail->eight_bit = (text[i] & 0x80) != 0;
	/* A mail that will be refused is read to its end, for the session to stay in step. */
	if (!mail->error && mail->data.size <= config->max_size_bytes) {
		mail->error = maildir_write(mail, text, text_n);
		if (mail->error)
			spool_failed(session, mail->error);
	}
	if (mail->data.state != DATA_END)
		return;
	session->state = SESSION_COMMAND;
	if (text_acceptable(session))
		enqueue(session);
	else
		transaction_reset(session);
}

void transaction_delivered(struct session *session)
{
	struct mail *mail = session->mail;

	session->state = SESSION_COMMAND;
	if (!mail->error) {
		session->seen.mails++;
		session_reply(session, "250 2.0.0 Ok: %s as %llx",
			      mail->nrelayed < mail->nrecipients ? "delivered" : "relayed",
			      (unsigned long long)mail->queue_id);
	} else if (mail->refusal[0]) {
		/* Not this client's error: the next server's word. */
		session_reply(session, "%s", mail->refusal);
	} else if (mail->error == -ENOSPC || mail->error == -EDQUOT) {
		session_reply(session, "452 4.3.1 Insufficient storage");
	} else if (mail->problem[0]) {
		session_reply(session, "451 4.4.0 Cannot hand on now");
	} else {
		session_reply(session, "451 4.3.0 Cannot deliver now");
	}
	transaction_reset(session);
}
