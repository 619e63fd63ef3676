/* Mailboxes, failures of the disk, the end of the server, and what the witness says. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/smtp.h"

static struct smtp_server server;
static int fd;

static void start(void)
{
	server.pid = 0;
}

static void stop(void)
{
	if (server.pid) {
		cr_expect_eq(smtp_stop(&server), 0);
		smtp_clean(&server);
	}
}

TestSuite(delivery, .init = start, .fini = stop);

static void in_dir(const char *name, char path[256])
{
	snprintf(path, 256, "%s/%s", server.dir, name);
}

static void make(const char *name)
{
	char path[256];

	in_dir(name, path);
	cr_assert_eq(mkdir(path, 0700), 0);
}

static void drop(const char *name)
{
	char path[256];

	in_dir(name, path);
	cr_assert_eq(rmdir(path), 0);
}

static void send_mail(const char *reply)
{
	smtp_say(fd, "MAIL FROM:<from@client.test>", "250 2.1.0");
	smtp_say(fd, "RCPT TO:<to@mx.test>", "250 2.1.5");
	smtp_say(fd, "DATA", "354 ");
	smtp_say(fd, "Subject: x\r\n\r\ny\r\n.", reply);
}

static void begin(void)
{
	fd = smtp_connect(&server);
	smtp_say(fd, "EHLO client.test", "250-");
}

Test(delivery, a_mailbox_a_user)
{
	server = SMTP_START("--per-user");
	make("mail/ann");
	make("mail/bob");
	begin();
	smtp_say(fd, "VRFY ann", "250 2.1.5");
	smtp_say(fd, "VRFY tmp", "550 5.1.1");
	smtp_say(fd, "VRFY nobody", "550 5.1.1");
	smtp_say(fd, "MAIL FROM:<>", "250 2.1.0");
	smtp_say(fd, "RCPT TO:<Ann+tag@mx.test>", "250 2.1.5");
	smtp_say(fd, "RCPT TO:<ann@mx.test>", "250 2.1.5"); /* the same mailbox: one file */
	smtp_say(fd, "RCPT TO:<bob@mx.test>", "250 2.1.5");
	smtp_say(fd, "RCPT TO:<nobody@mx.test>", "550 5.1.1");
	smtp_say(fd, "RCPT TO:<\"../mail/ann\"@mx.test>", "550 5.1.1");
	smtp_say(fd, "RCPT TO:<\"..\"@mx.test>", "550 5.1.1");
	smtp_say(fd, "DATA", "354 ");
	smtp_say(fd, ".", "250 2.0.0");
	cr_expect_eq(smtp_count(&server, "mail/ann/new"), 1);
	cr_expect_eq(smtp_count(&server, "mail/bob/new"), 1);
	cr_expect_eq(smtp_count(&server, "mail/tmp"), 0);
}

Test(delivery, domains)
{
	server = SMTP_START("--domain", "one.test", "--domain", "two.test");
	begin();
	smtp_say(fd, "VRFY a@two.test", "252 2.1.5");
	smtp_say(fd, "VRFY a@three.test", "550 5.1.1");
	smtp_say(fd, "MAIL FROM:<a@anywhere>", "250 2.1.0");
	smtp_say(fd, "RCPT TO:<a@ONE.test>", "250 2.1.5");
	smtp_say(fd, "RCPT TO:<a@two.test>", "250 2.1.5");
	smtp_say(fd, "RCPT TO:<postmaster>", "250 2.1.5");
	smtp_say(fd, "RCPT TO:<a@three.test>", "550 5.7.1");
	smtp_say(fd, "RCPT TO:<a@sub.one.test>", "550 5.7.1");
}

Test(delivery, vrfy_off)
{
	server = SMTP_START("--no-vrfy", "--per-user");
	begin();
	smtp_say(fd, "VRFY nobody", "252 2.5.0");
}

Test(delivery, no_250_for_a_mail_that_is_not_in_the_mailbox)
{
	server = SMTP_START("--expire", "0");
	drop("mail/new");
	begin();
	send_mail("451 4.3.0");
	cr_expect_eq(smtp_count(&server, "mail/tmp"), 0);
	make("mail/new");
	send_mail("250 2.0.0");
	cr_expect_eq(smtp_count(&server, "mail/new"), 1);
}

Test(delivery, tried_again)
{
	pid_t helper;

	server = SMTP_START("--expire", "20");
	drop("mail/new");
	begin();
	helper = fork();
	if (!helper) {
		usleep(400000);
		make("mail/new");
		_exit(0);
	}
	send_mail("250 2.0.0");
	waitpid(helper, NULL, 0);
	cr_expect_eq(smtp_count(&server, "mail/new"), 1);
}

Test(delivery, spool_that_cannot_be_written)
{
	server = SMTP_START("--expire", "0");
	drop("mail/tmp");
	begin();
	smtp_say(fd, "MAIL FROM:<a@b>", "250 2.1.0");
	smtp_say(fd, "RCPT TO:<a@b>", "250 2.1.5");
	smtp_say(fd, "DATA", "452 4.3.1");
	smtp_say(fd, "NOOP", "250 2.0.0");
}

Test(delivery, disk_full)
{
	struct rlimit limit = {10000, 10000};
	char line[101];

	setrlimit(RLIMIT_FSIZE, &limit);
	server = SMTP_START("--max-size", "1M");
	begin();
	smtp_envelope(fd);
	smtp_say(fd, "DATA", "354 ");
	memset(line, 'x', sizeof(line));
	strcpy(line + 98, "\r\n");
	for (int i = 0; i < 1000; i++)
		smtp_send(fd, line);
	smtp_say(fd, ".", "452 4.3.1");
	cr_expect_eq(smtp_count(&server, "mail/tmp"), 0);
	send_mail("250 2.0.0");
}

Test(delivery, queue_full)
{
	int first;

	server = SMTP_START("--max-queue", "1", "--grace", "100ms");
	drop("mail/new");
	begin();
	first = fd;
	smtp_envelope(fd);
	smtp_say(fd, "DATA", "354 ");
	smtp_send(fd, ".\r\n"); /* waits for its next attempt, for half a minute */
	usleep(200000);
	begin();
	send_mail("451 4.3.2");
	kill(server.pid, SIGTERM); /* nothing waits for its next attempt any more */
	smtp_expect(first, "451 4.3.0");
	smtp_expect(first, "421 4.3.2");
}

Test(delivery, the_end_of_the_server)
{
	int idle;
	int silent;
	int code;

	server = SMTP_START("--grace", "500ms");
	idle = smtp_connect(&server);
	silent = smtp_connect(&server);
	smtp_envelope(silent);
	fd = smtp_connect(&server);
	smtp_envelope(fd);
	smtp_say(fd, "DATA", "354 ");
	kill(server.pid, SIGTERM);
	smtp_expect(idle, "421 4.3.2");
	smtp_expect_end(idle);
	smtp_say(fd, "Subject: x\r\n\r\nlast\r\n.", "250 2.0.0"); /* a transaction may end */
	smtp_expect(fd, "421 4.3.2");
	smtp_expect_end(fd);
	smtp_expect(silent, "421 4.3.2"); /* but not for ever */
	smtp_close(silent);
	cr_expect_eq(smtp_count(&server, "mail/new"), 1);
	code = smtp_stop(&server);
	cr_expect_eq(code, 0);
	cr_expect_eq(smtp_total(&server, "connections"), 3);
	cr_expect_eq(smtp_total(&server, "mails"), 1);
	smtp_clean(&server);
	server.pid = 0;
}

/* The mail is taken, whether the client waits for the reply or not (RFC 1047). */
Test(delivery, client_that_does_not_wait_for_the_reply)
{
	const struct linger reset = {.l_onoff = 1, .l_linger = 0};

	server = SMTP_START("--workers", "1");
	for (int i = 0; i < 20; i++) {
		begin();
		smtp_envelope(fd);
		smtp_say(fd, "DATA", "354 ");
		smtp_send(fd, "Subject: x\r\n\r\ny\r\n.\r\nNOOP\r\n");
		if (i % 2)
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		else
			usleep(1000);
		smtp_close(fd);
	}
	cr_expect_eq(smtp_stop(&server), 0);
	cr_expect_eq(smtp_count(&server, "mail/tmp"), 0);
	cr_expect_eq(smtp_count(&server, "mail/new"), smtp_total(&server, "mails"));
	cr_expect_geq(smtp_count(&server, "mail/new"), 10);
	cr_expect_eq(smtp_total(&server, "connections"), 20);
	smtp_clean(&server);
	server.pid = 0;
}

Test(delivery, witness)
{
	unsigned long long number, span, accepted, closed, commands, mails, last_span = 0;
	char path[256];
	FILE *file;
	int n;

	server = SMTP_START("--workers", "1");
	for (n = 1; n <= 3; n++) {
		begin();
		usleep(20000);
		for (int i = 1; i < n; i++)
			send_mail("250 2.0.0");
		smtp_say(fd, "QUIT", "221 2.0.0");
		smtp_expect_end(fd);
		smtp_close(fd);
	}
	cr_expect_eq(smtp_stop(&server), 0);
	in_dir("witness", path);
	file = fopen(path, "r");
	cr_assert(file);
	for (n = 1; n <= 3; n++) {
		cr_assert_eq(fscanf(file,
				    " connection %llu span %llu accepted %llu closed %llu"
				    " commands %llu mails %llu",
				    &number, &span, &accepted, &closed, &commands, &mails),
			     6);
		cr_expect_eq(number, n);
		cr_expect_gt(span, last_span);
		cr_expect_geq(closed, accepted + 20000000);
		cr_expect_lt(closed, accepted + 10000000000);
		cr_expect_eq(mails, n - 1);
		cr_expect_eq(commands, 2 + 3 * (n - 1));
		last_span = span;
	}
	fclose(file);
	cr_expect_eq(smtp_total(&server, "connections"), 3);
	cr_expect_eq(smtp_total(&server, "mails"), 3);
	cr_expect_eq(smtp_total(&server, "commands"), 2 + 5 + 8);
	cr_expect_eq(smtp_total(&server, "refused"), 0);
	smtp_clean(&server);
	server.pid = 0;
}

/* Whatever comes from the network: the server stays, and the next client finds it well. */
Test(delivery, noise)
{
	static const char *const words[] = {"EHLO c\r\n", "MAIL FROM:<a@b>\r\n",
					    "DATA\r\n",   "RCPT TO:<a@b>\r\n",
					    ".\r\n",      "\r\n",
					    "\"",         "<"};
	unsigned seed = 1;

	server = SMTP_START("--max-errors", "50", "--max-connections-per-ip", "1000");
	for (int i = 0; i < 300; i++) {
		char noise[2000];
		size_t n = 0;

		fd = smtp_connect_raw(&server);
		while (n < sizeof(noise) - 32) {
			unsigned choice = (unsigned)rand_r(&seed) % 24;

			if (choice < 8)
				n += (size_t)sprintf(noise + n, "%s", words[choice]);
			else
				noise[n++] = (char)(rand_r(&seed) & 255);
		}
		smtp_send_n(fd, noise, n);
		smtp_close(fd);
	}
	begin();
	send_mail("250 2.0.0");
}
