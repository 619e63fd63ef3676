/* Commands, their order and their replies (RFC 5321, RFC 2034, RFC 1870, RFC 6152, RFC 2920). */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../support/smtp.h"

static struct smtp_server server;
static int fd;

static void setup(void)
{
	server = SMTP_START("--max-size", "1000", "--max-errors", "100");
	fd = smtp_connect(&server);
}

static void teardown(void)
{
	cr_expect_eq(smtp_stop(&server), 0);
	smtp_clean(&server);
}

TestSuite(protocol, .init = setup, .fini = teardown);

Test(protocol, ehlo_lists_the_extensions)
{
	char text[4096];

	smtp_send(fd, "EHLO client.test\r\n");
	cr_assert_eq(smtp_reply(fd, text, sizeof(text)), 250);
	cr_expect(strstr(text, "250-PIPELINING\n"));
	cr_expect(strstr(text, "250-SIZE 1000\n"));
	cr_expect(strstr(text, "250-8BITMIME\n"));
	cr_expect(strstr(text, "250 ENHANCEDSTATUSCODES\n"));
}

Test(protocol, helo_lists_none)
{
	char text[4096];

	smtp_send(fd, "HELO client.test\r\n");
	cr_assert_eq(smtp_reply(fd, text, sizeof(text)), 250);
	cr_expect_str_eq(text, "250 mx.test\n");
	smtp_say(fd, "MAIL FROM:<a@b> SIZE=10", "555 5.5.4");
}

Test(protocol, greeting_needs_a_name)
{
	smtp_say(fd, "EHLO", "501 5.5.4");
	smtp_say(fd, "EHLO two words", "501 5.5.4");
	smtp_say(fd, "HELO under/slash", "501 5.5.4");
	smtp_say(fd, "EHLO a..b", "501 5.5.4");
	smtp_say(fd, "LHLO client.test", "500 5.5.1");
	smtp_say(fd, "MAIL FROM:<a@b>", "503 5.5.1");
	smtp_say(fd, "EHLO [127.0.0.1]", "250-");
	smtp_say(fd, "EHLO [IPv6:::1]", "250-");
}

Test(protocol, order_of_commands)
{
	smtp_say(fd, "MAIL FROM:<a@b>", "503 5.5.1");
	smtp_say(fd, "EHLO c", "250-");
	smtp_say(fd, "RCPT TO:<a@b>", "503 5.5.1");
	smtp_say(fd, "DATA", "503 5.5.1");
	smtp_say(fd, "MAIL FROM:<a@b>", "250 2.1.0");
	smtp_say(fd, "MAIL FROM:<a@b>", "503 5.5.1");
	smtp_say(fd, "DATA", "554 5.5.1");
	smtp_say(fd, "RCPT TO:<a@b>", "250 2.1.5");
	smtp_say(fd, "RSET", "250 2.0.0");
	smtp_say(fd, "DATA", "503 5.5.1");
	smtp_say(fd, "MAIL FROM:<a@b>", "250 2.1.0");
	smtp_say(fd, "EHLO c", "250-"); /* resets too */
	smtp_say(fd, "RCPT TO:<a@b>", "503 5.5.1");
}

Test(protocol, addresses_that_are_taken)
{
	static const char *const senders[] = {
		"<>",
		"<a@b>",
		"<A.b+c@d.e.f>",
		"<\"quoted @ > part\"@b>",
		"<a@[127.0.0.1]>",
		" <space@b>",
		"<@relay.one,@relay.two:a@b>",
		"<postmaster>",
	};
	char line[512];

	smtp_say(fd, "EHLO c", "250-");
	for (size_t i = 0; i < sizeof(senders) / sizeof(*senders); i++) {
		snprintf(line, sizeof(line), "MAIL FROM:%s", senders[i]);
		smtp_say(fd, line, "250 2.1.0");
		smtp_say(fd, "RSET", "250 2.0.0");
	}
	smtp_say(fd, "mail from:<a@b>", "250 2.1.0");
	smtp_say(fd, "rcpt to:<Postmaster>", "250 2.1.5");
	smtp_say(fd, "RCPT TO:<\"a\\\"b\"@c>", "250 2.1.5");
}

Test(protocol, addresses_that_are_refused)
{
	static const char *const syntax[] = {"", "a@b", "<a@b", "<a@b>x", ":<a@b>"};
	static const char *const bad[] = {
		"<@>",    "<a@>",     "<@b>",     "<a b@c>", "<.a@b>",
		"<a.@b>", "<a..b@c>", "<a@b..c>", "<a@.b>",  "<a@[b>",
		"<a@[]>", "<\"\"@b>", "<\"a@b>",  "<a@b@c>", "<@route>",
	};
	char line[512];

	smtp_say(fd, "EHLO c", "250-");
	for (size_t i = 0; i < sizeof(syntax) / sizeof(*syntax); i++) {
		snprintf(line, sizeof(line), "MAIL FROM:%s", syntax[i]);
		smtp_say(fd, line, "501 5.5.4");
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char text[4096];

		snprintf(line, sizeof(line), "MAIL FROM:%s\r\n", bad[i]);
		smtp_send(fd, line);
		cr_expect_eq(smtp_reply(fd, text, sizeof(text)), 501, "%s: %s", bad[i], text);
	}
	smtp_say(fd, "MAIL FROM:<a@b>", "250 2.1.0");
	smtp_say(fd, "RCPT TO:<>", "501 5.1.3");
	smtp_say(fd, "RCPT TO:<a..b@c>", "501 5.1.3");
	smtp_say(fd, "RCPT FROM:<a@c>", "501 5.5.4");
}

Test(protocol, address_lengths)
{
	char line[600];

	smtp_say(fd, "EHLO c", "250-");
	memset(line, 'a', sizeof(line));
	memcpy(line, "MAIL FROM:<", 11);
	strcpy(line + 11 + 65, "@b>");
	smtp_say(fd, line, "501 5.1.7");
	strcpy(line + 11 + 64, "@b>");
	smtp_say(fd, line, "250 2.1.0");
}

Test(protocol, parameters_of_mail)
{
	smtp_say(fd, "EHLO c", "250-");
	smtp_say(fd, "MAIL FROM:<a@b> SIZE=x", "501 5.5.4");
	smtp_say(fd, "MAIL FROM:<a@b> SIZE=", "501 5.5.4");
	smtp_say(fd, "MAIL FROM:<a@b> SIZE", "501 5.5.4");
	smtp_say(fd, "MAIL FROM:<a@b> SIZE=1 SIZE=1", "501 5.5.4");
	smtp_say(fd, "MAIL FROM:<a@b> SIZE=99999999999999999999", "501 5.5.4");
	smtp_say(fd, "MAIL FROM:<a@b> BODY=9BIT", "501 5.5.4");
	smtp_say(fd, "MAIL FROM:<a@b> =x", "501 5.5.4");
	smtp_say(fd, "MAIL FROM:<a@b> RET=FULL", "555 5.5.4");
	smtp_say(fd, "MAIL FROM:<a@b> AUTH=<>", "555 5.5.4");
	smtp_say(fd, "MAIL FROM:<a@b> SIZE=1001", "552 5.3.4");
	smtp_say(fd, "MAIL FROM:<a@b> SIZE=1000 BODY=8BITMIME", "250 2.1.0");
	smtp_say(fd, "RCPT TO:<a@b> NOTIFY=NEVER", "555 5.5.4");
	smtp_say(fd, "RCPT TO:<a@b>", "250 2.1.5");
}

Test(protocol, small_commands)
{
	smtp_say(fd, "NOOP", "250 2.0.0");
	smtp_say(fd, "NOOP anything", "250 2.0.0");
	smtp_say(fd, "RSET", "250 2.0.0");
	smtp_say(fd, "RSET now", "501 5.5.4");
	smtp_say(fd, "HELP", "214-2.0.0");
	smtp_say(fd, "VRFY someone", "252 2.1.5");
	smtp_say(fd, "VRFY <some one>", "501 5.5.4");
	smtp_say(fd, "VRFY", "501 5.5.4");
	smtp_say(fd, "EXPN list", "502 5.5.1");
	smtp_say(fd, "STARTTLS", "502 5.5.1");
	smtp_say(fd, "AUTH PLAIN AGEAYg==", "502 5.5.1");
	smtp_say(fd, "BDAT 10 LAST", "502 5.5.1");
	smtp_say(fd, "GET / HTTP/1.1", "500 5.5.2");
	smtp_say(fd, "", "500 5.5.2");
	smtp_say(fd, "QUIT now", "501 5.5.4");
	smtp_say(fd, "noop", "250 2.0.0");
}

Test(protocol, quit)
{
	smtp_say(fd, "QUIT", "221 2.0.0");
	smtp_expect_end(fd);
}

Test(protocol, line_lengths)
{
	char line[2000];

	memset(line, 'x', sizeof(line));
	memcpy(line, "NOOP ", 5);
	strcpy(line + 510, "");
	smtp_say(fd, line, "250 2.0.0"); /* 512 with CRLF */
	memset(line + 510, 'x', 100);
	strcpy(line + 511, "");
	smtp_say(fd, line, "500 5.5.2");
	memset(line + 511, 'x', 1400);
	strcpy(line + 1900, "");
	smtp_say(fd, line, "500 5.5.2");
	for (int i = 0; i < 100; i++) /* one line of 190,000: one reply */
		smtp_send(fd, line);
	smtp_say(fd, "", "500 5.5.2");
	smtp_say(fd, "NOOP", "250 2.0.0");
}

Test(protocol, lines_end_in_crlf_and_are_ascii)
{
	smtp_send(fd, "NOOP\n");
	smtp_expect(fd, "500 5.5.2");
	smtp_send(fd, "NOOP\rNOOP\r\n");
	smtp_expect(fd, "500 5.5.2");
	smtp_send_n(fd, "NOOP\0\r\n", 7);
	smtp_expect(fd, "500 5.5.2");
	smtp_say(fd, "NOOP \xc3\xa9", "500 5.5.2");
	smtp_say(fd, "NOOP", "250 2.0.0");
}

Test(protocol, pipelining_in_one_segment)
{
	smtp_send(fd, "EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n"
		      "Subject: one\r\n\r\ntext\r\n.\r\n"
		      "MAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\nDATA\r\n"
		      "Subject: two\r\n\r\ntext\r\n.\r\nQUIT\r\n");
	smtp_expect(fd, "250-");
	for (int i = 0; i < 2; i++) {
		smtp_expect(fd, "250 2.1.0");
		smtp_expect(fd, "250 2.1.5");
		if (!i)
			smtp_expect(fd, "250 2.1.5");
		smtp_expect(fd, "354 ");
		smtp_expect(fd, "250 2.0.0");
	}
	smtp_expect(fd, "221 2.0.0");
	smtp_expect_end(fd);
	cr_expect_eq(smtp_count(&server, "mail/new"), 2);
}

Test(protocol, replies_that_nobody_reads_do_not_pile_up)
{
	enum { COMMANDS = 100000 };
	char *text = malloc(COMMANDS * 6 + 1);
	pid_t child;

	for (int i = 0; i < COMMANDS; i++)
		memcpy(text + i * 6, "NOOP\r\n", 7);
	child = fork(); /* sends while this process reads late */
	if (!child) {
		smtp_send(fd, text);
		_exit(0);
	}
	usleep(200000);
	for (int i = 0; i < COMMANDS; i++)
		smtp_expect(fd, "250 2.0.0 Ok");
	free(text);
}

Test(protocol, everything_byte_by_byte)
{
	const char *text = "EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\nDATA\r\n"
			   "Subject: slow\r\n\r\n..dot\r\n.\r\nQUIT\r\n";
	char *file;

	for (const char *p = text; *p; p++) {
		smtp_send_n(fd, p, 1);
		usleep(500);
	}
	smtp_expect(fd, "250-");
	smtp_expect(fd, "250 2.1.0");
	smtp_expect(fd, "250 2.1.5");
	smtp_expect(fd, "354 ");
	smtp_expect(fd, "250 2.0.0");
	smtp_expect(fd, "221 2.0.0");
	file = smtp_only_file(&server, "mail/new", NULL);
	cr_expect(strstr(file, "\nSubject: slow\n\n.dot\n"));
	free(file);
}
