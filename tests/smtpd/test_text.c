/* What comes after DATA: its end, its dots, its bytes, and what ends up in the file. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../support/smtp.h"

static struct smtp_server server;
static int fd;

static void setup(void)
{
	server = SMTP_START("--max-size", "100K");
	fd = smtp_connect(&server);
	smtp_envelope(fd);
	smtp_say(fd, "DATA", "354 ");
}

static void teardown(void)
{
	cr_expect_eq(smtp_stop(&server), 0);
	cr_expect_eq(smtp_count(&server, "mail/tmp"), 0);
	smtp_clean(&server);
}

TestSuite(text, .init = setup, .fini = teardown);

/* The text behind the two fields that the server puts in front. */
static const char *body(const char *file)
{
	const char *date = strstr(file, ";\n\t");

	cr_assert(date);
	return strchr(date + 3, '\n') + 1;
}

static void expect_file(const char *expected)
{
	size_t n;
	char *file = smtp_only_file(&server, "mail/new", &n);

	cr_expect_eq(strlen(file), n);
	cr_expect_str_eq(body(file), expected);
	free(file);
}

Test(text, trace_fields_come_first)
{
	char *file;

	smtp_say(fd, "Subject: x\r\n\r\ny\r\n.", "250 2.0.0");
	file = smtp_only_file(&server, "mail/new", NULL);
	cr_expect_eq(strncmp(file,
			     "Return-Path: <from@client.test>\n"
			     "Received: from client.test ([127.0.0.1])\n"
			     "\tby mx.test (smtpd) with ESMTP id ",
			     100),
		     0, "%s", file);
	cr_expect(strstr(file, "\n\tfor <to@mx.test>;\n\t"));
	cr_expect_str_eq(body(file), "Subject: x\n\ny\n");
	free(file);
}

Test(text, empty)
{
	smtp_say(fd, ".", "250 2.0.0");
	expect_file("");
}

Test(text, stuffed_dots)
{
	smtp_say(fd, "..\r\n...\r\n.a\r\na.\r\n..a\r\n.\r.\r\n \r\n.", "250 2.0.0");
	expect_file(".\n..\na\na.\n.a\n\r.\n \n");
}

Test(text, bare_lf_does_not_end_it)
{
	static const char *const ends[] = {"\n.\n", "\n.\r\n", "\r\n.\n", "\n..\r\n"};

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		/* The second mail would be smuggled past whoever sees one. */
		smtp_send(fd, "Subject: x\r\n\r\nouter");
		smtp_send(fd, ends[i]);
		smtp_send(fd, "MAIL FROM:<evil@b>\r\nRCPT TO:<a@b>\r\nDATA\r\nevil\r\n.\r\n");
		smtp_expect(fd, "550 5.6.0");
		smtp_say(fd, "NOOP", "250 2.0.0");
		smtp_say(fd, "MAIL FROM:<a@b>", "250 2.1.0");
		smtp_say(fd, "RCPT TO:<a@b>", "250 2.1.5");
		smtp_say(fd, "DATA", "354 ");
	}
	cr_expect_eq(smtp_count(&server, "mail/new"), 0);
}

Test(text, bare_cr_does_not_end_it)
{
	smtp_say(fd, "a\r.\rb\r\n.\r.\r\nc\r\r\n.\r\r\nz\r\n.", "250 2.0.0");
	expect_file("a\r.\rb\n\r.\nc\r\n\r\nz\n");
}

Test(text, eight_bits_and_nul)
{
	char in[260];
	size_t out_n = 0;
	char out[260];
	size_t n;
	char *file;

	for (int c = 0; c < 256; c++) {
		in[c] = (char)c;
		if (c == '\n') /* not bare */
			in[c] = 'n';
		out[out_n++] = in[c];
	}
	smtp_send_n(fd, in, 256);
	smtp_say(fd, "\r\n.", "250 2.0.0");
	file = smtp_only_file(&server, "mail/new", &n);
	cr_assert_gt(n, 257);
	cr_expect_eq(memcmp(file + n - 257, out, 256), 0);
	cr_expect_eq(file[n - 1], '\n');
	free(file);
}

Test(text, long_lines_stay_whole)
{
	enum { LENGTH = 50000 };
	char *line = malloc(LENGTH + 2);
	char *file;

	memset(line, 'x', LENGTH);
	strcpy(line + LENGTH, "\n");
	smtp_send_n(fd, line, LENGTH);
	smtp_say(fd, "\r\n.", "250 2.0.0");
	file = smtp_only_file(&server, "mail/new", NULL);
	cr_expect_str_eq(body(file), line);
	free(file);
	free(line);
}

/* The limit is 102,400 octets. */
static void send_octets(unsigned n)
{
	char line[101];

	memset(line, 'x', 100);
	strcpy(line + 98, "\r\n");
	for (; n >= 100; n -= 100)
		smtp_send(fd, line);
	if (n) {
		strcpy(line + n - 2, "\r\n");
		smtp_send(fd, line);
	}
	smtp_send(fd, ".\r\n");
}

Test(text, largest)
{
	send_octets(102400);
	smtp_expect(fd, "250 2.0.0");
	cr_expect_eq(smtp_count(&server, "mail/new"), 1);
}

Test(text, too_large)
{
	send_octets(102402);
	smtp_expect(fd, "552 5.3.4");
	smtp_say(fd, "NOOP", "250 2.0.0");
	cr_expect_eq(smtp_count(&server, "mail/new"), 0);
}

Test(text, mail_loop)
{
	for (int i = 0; i < 101; i++)
		smtp_send(fd, "Received: from a by b\r\n");
	smtp_say(fd, "\r\ntext\r\n.", "554 5.4.6");
	cr_expect_eq(smtp_count(&server, "mail/new"), 0);
}

Test(text, received_in_the_body_is_no_loop)
{
	smtp_send(fd, "Subject: x\r\n\r\n");
	for (int i = 0; i < 101; i++)
		smtp_send(fd, "Received: from a by b\r\n");
	smtp_say(fd, ".", "250 2.0.0");
}

Test(text, client_leaves_in_the_middle)
{
	smtp_send(fd, "Subject: x\r\n\r\nhalf a mail\r\n.\r");
	shutdown(fd, SHUT_WR);
	smtp_expect_end(fd);
	cr_expect_eq(smtp_count(&server, "mail/new"), 0);
	cr_expect_eq(smtp_count(&server, "mail/tmp"), 0);
}
