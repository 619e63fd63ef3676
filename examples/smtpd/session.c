/* SMTP, line by line (RFC 5321). */
#include "session.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#include "smtpd.h"
#include "worker.h"

void session_reply(struct session *session, const char *format, ...)
{
	size_t room = OUTPUT_SIZE - session->out_end;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(session->out + session->out_end, room, format, arguments);
	va_end(arguments);
	if (length < 0 || (size_t)length + 2 > room) {
		/* Not reached: commands run only with REPLY_MAX of room. */
		session->close_after_flush = true;
		return;
	}
	session->out_end += (uint32_t)length;
	session->out[session->out_end++] = '\r';
	session->out[session->out_end++] = '\n';
	if (format[0] == '5')
		session->errors++;
}

void session_finish(struct session *session, bool linger)
{
	session->close_after_flush = true;
	session->linger_at_close = linger;
}

static void hello(struct session *session, const char *name, bool extended)
{
	const struct config *config = &session->worker->server->config;

	if (!command_domain(name)) {
		rill_event(smtp_invalid_ehlo, spanId(counted(session->seen.span_id)), domain(name));
		session_reply(session, "501 5.5.4 Invalid host name");
		return;
	}
	transaction_reset(session); /* RFC 5321, section 4.1.4 */
	strcpy(session->helo, name);
	session->extended = extended;
	rill_event(smtp_ehlo, spanId(counted(session->seen.span_id)), domain(name));
	if (!extended) {
		session_reply(session, "250 %s", config->hostname);
		return;
	}
	session_reply(session,
		      "250-%s greets [%s]\r\n250-PIPELINING\r\n250-SIZE %llu\r\n250-8BITMIME\r\n"
		      "250-HELP\r\n250 ENHANCEDSTATUSCODES",
		      config->hostname, session->peer_text,
		      (unsigned long long)config->max_size_bytes);
}

static void verify(struct session *session, const char *arguments)
{
	struct server *server = session->worker->server;
	char mailbox[MAILBOX_MAX + 1];
	struct address address;
	enum route route;

	if (!command_address(arguments, &address)) {
		rill_event(smtp_syntax_error, spanId(counted(session->seen.span_id)),
			   details(arguments));
		session_reply(session, "501 5.5.4 Syntax: VRFY address");
		return;
	}
	if (!server->config.vrfy) {
		rill_event(smtp_vrfy_disabled, spanId(counted(session->seen.span_id)),
			   to(address.text));
		/* 252 and not 5xx: RFC 5321, section 3.5.3 */
		session_reply(session, "252 2.5.0 Send some mail, I'll try my best");
		return;
	}
	route = transaction_route(session, address.domain);
	if (route == ROUTE_RELAY) { /* who is there, only the next server knows */
		rill_event(smtp_vrfy, spanId(counted(session->seen.span_id)), to(address.text));
		session_reply(session, "252 2.1.5 <%s>: mail is handed on", address.text);
		return;
	}
	if (route == ROUTE_NONE ||
	    !maildir_lookup(&server->maildir, address.local, strlen(address.local), mailbox)) {
		rill_event(smtp_vrfy_not_found, spanId(counted(session->seen.span_id)),
			   to(address.text));
		session_reply(session, "550 5.1.1 <%s>: no such mailbox", address.text);
		return;
	}
	rill_event(smtp_vrfy, spanId(counted(session->seen.span_id)), to(address.text));
	if (server->maildir.per_user)
		session_reply(session, "250 2.1.5 <%s>", address.text);
	else
		session_reply(session, "252 2.1.5 <%s>: mail is taken for any name", address.text);
}

static void help(struct session *session)
{
	rill_event(smtp_help, spanId(counted(session->seen.span_id)));
	session_reply(session, "214-2.0.0 smtpd " SMTPD_VERSION ", an example program of rill\r\n"
			       "214 2.0.0 EHLO HELO MAIL RCPT DATA RSET NOOP VRFY HELP QUIT");
}

static void quit(struct session *session)
{
	rill_event(smtp_quit, spanId(counted(session->seen.span_id)));
	session_reply(session, "221 2.0.0 %s closing connection",
		      session->worker->server->config.hostname);
	session->quit = true;
	session_finish(session, false);
}

/* Verbs that are understood well enough to be refused. */
static void refuse(struct session *session, enum verb verb, const char *line, const char *arguments)
{
	uint64_t id = session->seen.span_id;

	switch (verb) {
	case VERB_LHLO:
		rill_event(smtp_ehlo_expected, spanId(counted(id)));
		session_reply(session, "500 5.5.1 This is SMTP: say EHLO");
		break;
	case VERB_AUTH:
		rill_event(smtp_auth_not_allowed, spanId(counted(id)));
		session_reply(session, "502 5.5.1 Authentication is not offered");
		break;
	case VERB_STARTTLS:
		rill_event(smtp_start_tls_unavailable, spanId(counted(id)));
		session_reply(session, "502 5.5.1 TLS is not offered");
		break;
	case VERB_EXPN:
		rill_event(smtp_expn_disabled, spanId(counted(id)), to(arguments));
		session_reply(session, "502 5.5.1 EXPN is disabled");
		break;
	case VERB_OTHER:
		rill_event(smtp_command_not_implemented, spanId(counted(id)), details(line));
		session_reply(session, "502 5.5.1 Command not implemented");
		break;
	default:
		rill_event(smtp_invalid_command, spanId(counted(id)));
		session_reply(session, "500 5.5.2 Command not recognized");
		break;
	}
}

static void run(struct session *session, const char *line)
{
	const char *arguments;
	enum verb verb = command_verb(line, &arguments);

	switch (verb) {
	case VERB_EHLO:
	case VERB_HELO:
		hello(session, arguments, verb == VERB_EHLO);
		break;
	case VERB_MAIL:
		transaction_mail(session, arguments);
		break;
	case VERB_RCPT:
		transaction_rcpt(session, arguments);
		break;
	case VERB_DATA:
	case VERB_RSET:
	case VERB_QUIT:
		if (*arguments) {
			rill_event(smtp_syntax_error, spanId(counted(session->seen.span_id)),
				   details(line));
			session_reply(session, "501 5.5.4 This command takes no argument");
		} else if (verb == VERB_DATA) {
			transaction_data(session);
		} else if (verb == VERB_QUIT) {
			quit(session);
		} else {
			transaction_reset(session);
			rill_event(smtp_rset, spanId(counted(session->seen.span_id)));
			session_reply(session, "250 2.0.0 Ok");
		}
		break;
	case VERB_NOOP:
		rill_event(smtp_noop, spanId(counted(session->seen.span_id)));
		session_reply(session, "250 2.0.0 Ok");
		break;
	case VERB_VRFY:
		verify(session, arguments);
		break;
	case VERB_HELP:
		help(session);
		break;
	default:
		refuse(session, verb, line, arguments);
		break;
	}
}

static void too_long(struct session *session)
{
	rill_event(smtp_request_too_large, spanId(counted(session->seen.span_id)));
	session_reply(session, "500 5.5.2 Line too long");
}

static void bad_line(struct session *session, const char *why)
{
	rill_event(smtp_syntax_error, spanId(counted(session->seen.span_id)), details(why));
	session_reply(session, "500 5.5.2 Syntax error: %s", why);
}

/* One line, with its LF. What does not end in CRLF is refused: a bare LF ends a line here only
 * so that whoever types into a plain socket gets an answer. */
static void run_line(struct session *session, const char *text, size_t n)
{
	char line[COMMAND_MAIL_MAX + 1];
	bool crlf = n >= 2 && text[n - 2] == '\r';
	const char *arguments;
	size_t length = crlf ? n - 2 : n - 1;

	session->seen.commands++;
	if (length + 2 > COMMAND_MAIL_MAX) {
		too_long(session);
		return;
	}
	memcpy(line, text, length);
	line[length] = '\0';
	/* What follows AUTH is a secret, also where it is refused. */
	if (!strncasecmp(line, "AUTH", 4))
		rill_event(smtp_raw_input, spanId(counted(session->seen.span_id)), size(n));
	else
		rill_event(smtp_raw_input, spanId(counted(session->seen.span_id)), size(n),
			   contents(text, n));
	for (size_t i = 0; i < length; i++) {
		if (line[i] < ' ' || line[i] > '~') {
			bad_line(session, "only printable ASCII in commands");
			return;
		}
	}
	if (!crlf)
		bad_line(session, "lines end in <CR><LF>");
	else if (length + 2 > COMMAND_MAX && command_verb(line, &arguments) != VERB_MAIL)
		too_long(session);
	else
		run(session, line);
}

/* Runs the next line; false if there is no whole one. */
static bool next_line(struct session *session)
{
	const char *text = session->in + session->in_start;
	size_t n = session->in_end - session->in_start;
	const char *end = memchr(text, '\n', n);

	if (!end) {
		if (!session->discarding_line && n < COMMAND_MAIL_MAX)
			return false;
		session->discarding_line = true;
		session->in_start = session->in_end;
		return false;
	}
	n = (size_t)(end - text) + 1;
	session->in_start += (uint32_t)n;
	if (session->discarding_line) {
		session->discarding_line = false;
		session->seen.commands++;
		too_long(session);
	} else {
		run_line(session, text, n);
	}
	return true;
}

static void check_errors(struct session *session)
{
	const struct config *config = &session->worker->server->config;

	if (session->close_after_flush || session->errors <= config->max_errors)
		return;
	rill_event(smtp_error, spanId(counted(session->seen.span_id)), code(421),
		   details("too many errors"), reason("the session made more errors than allowed"));
	session_reply(session, "421 4.7.0 %s too many errors", config->hostname);
	session_finish(session, true);
}

void session_run(struct session *session)
{
	const struct server *server = session->worker->server;

	while (!session->close_after_flush && OUTPUT_SIZE - session->out_end >= REPLY_MAX) {
		if (session->state == SESSION_COMMAND && !session->mail &&
		    atomic_load(&server->stopping)) {
			session_reply(session, "421 4.3.2 %s shutting down",
				      server->config.hostname);
			session_finish(session, true);
		} else if (session->state == SESSION_COMMAND) {
			if (!next_line(session))
				break;
			check_errors(session);
		} else if (session->state == SESSION_DATA && session->in_start < session->in_end) {
			transaction_text(session);
		} else {
			break;
		}
	}
}
