/* What one client, one address, one session may do. */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../support/smtp.h"

static struct smtp_server server;

static void stop(void)
{
	cr_expect_eq(smtp_stop(&server), 0);
	smtp_clean(&server);
}

TestSuite(limits, .fini = stop);

/* Connects until it is let in: a place is free only when the server has seen its owner go. */
static int connect_patiently(const char *before)
{
	char text[4096];

	for (int i = 0; i < 1000; i++) {
		int fd = smtp_connect_raw(&server);

		if (smtp_reply(fd, text, sizeof(text)) == 220)
			return fd;
		cr_assert_eq(strncmp(text, before, strlen(before)), 0, "%s", text);
		smtp_close(fd);
		usleep(10000);
	}
	cr_assert_fail("never let in: %s", text);
	return -1;
}

Test(limits, recipients)
{
	int fd;

	server = SMTP_START("--max-recipients", "2");
	fd = smtp_connect(&server);
	smtp_envelope(fd);
	smtp_say(fd, "RCPT TO:<to@mx.test>", "250 2.1.5"); /* again: counts once */
	smtp_say(fd, "RCPT TO:<two@mx.test>", "250 2.1.5");
	smtp_say(fd, "RCPT TO:<three@mx.test>", "452 4.5.3");
	smtp_say(fd, "DATA", "354 ");
	smtp_say(fd, ".", "250 2.0.0");
	cr_expect_eq(smtp_count(&server, "mail/new"), 1);
}

Test(limits, messages_in_a_session)
{
	int fd;

	server = SMTP_START("--max-messages", "1");
	fd = smtp_connect(&server);
	smtp_envelope(fd);
	smtp_say(fd, "RSET", "250 2.0.0");
	smtp_say(fd, "MAIL FROM:<a@b>", "452 4.5.3");
}

Test(limits, messages_in_a_minute)
{
	int fd;
	int other;

	server = SMTP_START("--rate", "60");
	fd = smtp_connect(&server);
	smtp_say(fd, "EHLO c", "250-");
	for (int i = 0; i < 60; i++) {
		smtp_say(fd, "MAIL FROM:<a@b>", "250 2.1.0");
		smtp_say(fd, "RSET", "250 2.0.0");
	}
	smtp_say(fd, "MAIL FROM:<a@b>", "451 4.7.1");
	other = smtp_connect(&server); /* by address, not by connection */
	smtp_say(other, "EHLO c", "250-");
	smtp_say(other, "MAIL FROM:<a@b>", "451 4.7.1");
	sleep(2);
	smtp_say(fd, "MAIL FROM:<a@b>", "250 2.1.0"); /* one more every second */
}

Test(limits, connections_of_an_address)
{
	int one;
	int two;
	int three;

	server = SMTP_START("--max-connections-per-ip", "2");
	one = smtp_connect(&server);
	two = smtp_connect(&server);
	three = smtp_connect_raw(&server);
	smtp_expect(three, "421 4.7.0");
	smtp_expect_end(three);
	smtp_close(one);
	one = connect_patiently("421 4.7.0");
	smtp_say(one, "NOOP", "250 2.0.0");
	smtp_say(two, "NOOP", "250 2.0.0");
}

Test(limits, connections_in_all)
{
	int one;
	int two;

	server = SMTP_START("--max-connections", "1");
	one = smtp_connect(&server);
	two = smtp_connect_raw(&server);
	smtp_expect(two, "421 4.7.0");
	smtp_close(one);
	connect_patiently("421 4.7.0");
}

Test(limits, errors_in_a_session)
{
	int fd;

	server = SMTP_START("--max-errors", "2");
	fd = smtp_connect(&server);
	smtp_say(fd, "BAD", "500 5.5.2");
	smtp_say(fd, "BAD", "500 5.5.2");
	smtp_send(fd, "BAD\r\nNOOP\r\nNOOP\r\n"); /* what follows is not run, the 421 not lost */
	smtp_expect(fd, "500 5.5.2");
	smtp_expect(fd, "421 4.7.0");
	smtp_expect_end(fd);
}

Test(limits, refused_recipients_and_the_ban)
{
	int fd;

	server = SMTP_START("--domain", "mx.test", "--max-invalid-rcpt", "1", "--ban", "500ms");
	fd = smtp_connect(&server);
	smtp_envelope(fd);
	smtp_say(fd, "RCPT TO:<a@elsewhere>", "550 5.7.1");
	smtp_say(fd, "RCPT TO:<b@elsewhere>", "550 5.7.1");
	smtp_expect(fd, "421 4.7.0");
	smtp_expect_end(fd);
	fd = smtp_connect_raw(&server);
	smtp_expect(fd, "421 4.7.0 mx.test your address is blocked");
	connect_patiently("421 4.7.0 mx.test your address is blocked");
}

Test(limits, loitering_and_the_ban)
{
	int fd;

	server = SMTP_START("--timeout", "30ms", "--ban", "500ms");
	for (int i = 0; i < 3; i++) {
		fd = smtp_connect(&server);
		smtp_expect(fd, "421 4.4.2");
		smtp_expect_end(fd);
	}
	fd = smtp_connect_raw(&server);
	smtp_expect(fd, "421 4.7.0 mx.test your address is blocked");
	connect_patiently("421 4.7.0 mx.test your address is blocked");
}

Test(limits, silence)
{
	int fd;

	server = SMTP_START("--timeout", "300ms");
	fd = smtp_connect(&server);
	smtp_envelope(fd);
	for (int i = 0; i < 5; i++) { /* who talks stays */
		usleep(100000);
		smtp_say(fd, "NOOP", "250 2.0.0");
	}
	smtp_say(fd, "DATA", "354 ");
	smtp_send(fd, "half a mail");
	smtp_expect(fd, "421 4.4.2");
	smtp_expect_end(fd);
	cr_expect_eq(smtp_count(&server, "mail/tmp"), 0);
}

Test(limits, length_of_a_session)
{
	char text[4096];
	int code = 250;
	int fd;

	server = SMTP_START("--max-session", "300ms");
	fd = smtp_connect(&server);
	for (int i = 0; i < 1000 && code == 250; i++) {
		usleep(10000);
		smtp_send(fd, "NOOP\r\n");
		code = smtp_reply(fd, text, sizeof(text));
	}
	cr_expect_eq(code, 421);
}

Test(limits, bytes_in_a_session)
{
	char line[1024];
	int fd;

	server = SMTP_START("--max-transfer", "1K");
	fd = smtp_connect(&server);
	memset(line, 'x', sizeof(line));
	memcpy(line, "NOOP ", 5);
	strcpy(line + 400, "");
	smtp_say(fd, line, "250 2.0.0");
	smtp_say(fd, line, "250 2.0.0");
	smtp_say(fd, line, "421 4.7.0");
	smtp_expect_end(fd);
}

/* Clients for whom there is no descriptor wait; the others go on, and so does the server. */
Test(limits, descriptors)
{
	enum { CLIENTS = 60, DESCRIPTORS = 40 };
	struct rlimit limit = {DESCRIPTORS, DESCRIPTORS};
	int fds[CLIENTS];

	server = SMTP_START("--workers", "2");
	cr_assert_eq(prlimit(server.pid, RLIMIT_NOFILE, &limit, NULL), 0);
	for (int i = 0; i < CLIENTS; i++)
		fds[i] = smtp_connect_raw(&server);
	smtp_expect(fds[0], "220 ");
	smtp_say(fds[0], "NOOP", "250 2.0.0");
	for (int i = 1; i < CLIENTS - 1; i++) { /* each that leaves lets another in */
		smtp_expect(fds[i], "220 ");
		smtp_close(fds[i]);
	}
	smtp_expect(fds[CLIENTS - 1], "220 ");
	smtp_say(fds[0], "NOOP", "250 2.0.0");
	smtp_say(fds[CLIENTS - 1], "NOOP", "250 2.0.0");
}
