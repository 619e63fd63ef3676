/* Mail that is handed on: to a second smtpd, and to next hops that fail in every way. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../support/files.h"
#include "../support/next_hop.h"
#include "../support/run.h"
#include "../support/smtp.h"

static struct smtp_server server; /* relays */
static struct smtp_server second;
static struct hop hop;
static char *dump; /* NULL: no trace */
static int fd;

static void end(void)
{
	if (server.pid) {
		cr_expect_eq(smtp_stop(&server), 0);
		smtp_clean(&server);
	}
	if (second.pid) {
		cr_expect_eq(smtp_stop(&second), 0);
		smtp_clean(&second);
	}
	if (dump)
		folder_remove(dump);
}

TestSuite(relay, .fini = end);

static void trace(void)
{
	dump = folder_make();
	setenv("RILL_FILTER", "*=trace", 1);
	setenv("RILL_SINKS", format("dump:%s", dump), 1);
}

static void two_servers(void)
{
	second = SMTP_START("--max-connections-per-ip", "1000");
	server = SMTP_START("--deliverers", "4", "--relay", format("127.0.0.1:%u", second.port));
}

static void stop_both(void)
{
	cr_expect_eq(smtp_stop(&server), 0);
	cr_expect_eq(smtp_stop(&second), 0);
}

static void begin(void)
{
	fd = smtp_connect(&server);
	smtp_say(fd, "EHLO client.test", "250-");
}

static void send_text(const char *text, const char *reply)
{
	smtp_say(fd, "MAIL FROM:<from@client.test>", "250 2.1.0");
	smtp_say(fd, "RCPT TO:<to@far.test>", "250 2.1.5");
	smtp_say(fd, "DATA", "354 ");
	smtp_send(fd, text);
	smtp_say(fd, ".", reply);
}

static void send_mail(const char *reply)
{
	send_text("Message-ID: <a@b>\r\n\r\ny\r\n", reply);
}

static char *shell(const char *script)
{
	struct run_result r = run_command((const char *const[]){"bash", "-c", script, NULL}, NULL);

	cr_assert_eq(r.code, 0, "%s: %s", script, r.err);
	return r.out;
}

/* What the first says the second calls the mail is what the second calls it. */
Test(relay, both_servers_tell_of_the_same_mail)
{
	static const char first[] =
		"$BUILD/rill cat -f json -e %s %s | jq -r 'select(.pid == %d).keys | [.messageId, "
		"(.%s | tostring)] | @tsv' | sort";
	char *learnt, *given;

	trace();
	two_servers();
	shell(format("smtp-source -s 4 -m 100 -l 3000 127.0.0.1:%u", server.port));
	stop_both();
	cr_expect_eq(smtp_count(&second, "mail/new"), 100);
	cr_expect_eq(smtp_count(&server, "mail/new"), 0);
	cr_expect_eq(smtp_count(&server, "mail/tmp"), 0);
	cr_expect_eq(smtp_total(&server, "mails"), 100);
	cr_expect_eq(smtp_total(&second, "mails"), 100);
	learnt = shell(format(first, "delivery.delivered", dump, server.pid, "remoteQueueId"));
	given = shell(format(first, "queue.message-queued", dump, second.pid, "queueId"));
	cr_expect_str_eq(learnt, given);
	cr_expect_eq(atoi(shell(format("wc -l <<<'%s'", given))), 101);
	cr_expect(strstr(given, "\t100\n"), "ids count from 1: %s", given);
	smtp_clean(&server);
	smtp_clean(&second);
	server.pid = second.pid = 0;
}

/* The witness counts what relay.c emits as well. */
Test(relay, every_event_is_witnessed)
{
	trace();
	two_servers();
	shell(format("smtp-source -s 2 -m 20 127.0.0.1:%u", server.port));
	stop_both();
	cr_expect_eq(strtoull(shell(format("$BUILD/rill cat -f json %s | jq 'select(.kind == "
					   "\"event\" and .pid == %d)' -c | wc -l",
					   dump, server.pid)),
			      NULL, 10),
		     smtp_total(&server, "emitted"));
	smtp_clean(&server);
	smtp_clean(&second);
	server.pid = second.pid = 0;
}

Test(relay, swaks)
{
	two_servers();
	shell(format("swaks --server 127.0.0.1:%u --from a@b.test --to x@y.test,z@y.test",
		     server.port));
	cr_expect_eq(smtp_count(&second, "mail/new"), 1);
}

/* Dots, eight bits, long lines, no empty line: what arrives is what was sent, after two Received
 * fields and the second server's own Return-Path. */
Test(relay, the_text_stays_what_it_is)
{
	static char text[30000];
	char *file, *at;

	strcpy(text, "Subject: x\r\nMessage-ID: <a@b>\r\n\r\n..\r\n...two\r\n\r\n\xc3\xa9\xff\r\n");
	memset(text + strlen(text), 'x', 20000);
	strcat(text, "\r\n..end\r\n");
	two_servers();
	begin();
	send_text(text, "250 2.0.0 Ok: relayed as 1");
	file = smtp_only_file(&second, "mail/new", NULL);
	cr_expect_eq(strncmp(file, "Return-Path: <from@client.test>\nReceived: from mx.test", 54),
		     0, "%.200s", file);
	cr_expect_null(strstr(file + 10, "Return-Path:"));
	at = strstr(file, "Subject:");
	cr_assert(at);
	*at = '\0';
	cr_expect(strstr(file, "from client.test"), "the first server's own: %s", file);
	*at = 'S';
	cr_expect_null(strstr(file, "\r"));
	cr_expect_eq(
		strncmp(at, "Subject: x\nMessage-ID: <a@b>\n\n.\n..two\n\n\xc3\xa9\xff\nxxx", 45),
		0, "%.100s", at);
	cr_expect(strstr(at, "x\n.end\n"));
}

Test(relay, a_mail_without_an_id_gets_one)
{
	char *file, *at;

	two_servers();
	begin();
	send_text("Subject: x\r\n\r\nMessage-ID: <not@header>\r\n", "250 2.0.0");
	file = smtp_only_file(&second, "mail/new", NULL);
	at = strstr(file, "Message-ID: <");
	cr_assert(at, "%s", file);
	cr_expect(strstr(at, "@mx.test>\nSubject: x\n"), "%s", file);
}

Test(relay, a_lone_carriage_return_is_not_handed_on)
{
	two_servers();
	begin();
	send_text("Subject: x\r\n\r\na\r.\rb\r\n", "550 5.6.0");
	cr_expect_eq(smtp_count(&second, "mail/new"), 0);
}

/* --- who goes where ------------------------------------------------------------------------ */

static void start_hop(const struct hop_script *script, const char *const *options)
{
	const char *argv[12] = {"--relay", NULL};
	unsigned n = 2;

	hop_start(&hop, script);
	argv[1] = hop.address;
	while (*options)
		argv[n++] = *options++;
	server = smtp_start(argv);
	begin();
}

#define HOP(...)               (&(const struct hop_script){__VA_ARGS__})
#define GOOD                   HOP(.times = 0)
#define START_HOP(script, ...) start_hop(script, (const char *const[]){__VA_ARGS__, NULL})

Test(relay, one_mail_to_both)
{
	START_HOP(GOOD, "--domain", "near.test", "--relay-domain", "far.test");
	smtp_say(fd, "VRFY a@far.test", "252 2.1.5");
	smtp_say(fd, "VRFY a@else.test", "550 5.1.1");
	smtp_say(fd, "MAIL FROM:<>", "250 2.1.0");
	smtp_say(fd, "RCPT TO:<a@near.test>", "250 2.1.5");
	smtp_say(fd, "RCPT TO:<a@FAR.test>", "250 2.1.5");
	smtp_say(fd, "RCPT TO:<b@far.test>", "250 2.1.5");
	smtp_say(fd, "RCPT TO:<postmaster>", "250 2.1.5");
	smtp_say(fd, "RCPT TO:<a@else.test>", "550 5.7.1");
	smtp_say(fd, "DATA", "354 ");
	smtp_say(fd, ".", "250 2.0.0 Ok: delivered as 1");
	hop_stop(&hop);
	cr_expect_eq(smtp_count(&server, "mail/new"), 1);
	cr_expect(strstr(hop.commands, "EHLO mx.test\nMAIL FROM:<> SIZE="), "%s", hop.commands);
	cr_expect(
		strstr(hop.commands, "\nRCPT TO:<a@FAR.test>\nRCPT TO:<b@far.test>\nDATA\nQUIT\n"),
		"%s", hop.commands);
	cr_expect_null(strstr(hop.commands, "8BITMIME"), "%s", hop.commands);
}

Test(relay, without_domains_all_is_handed_on_but_the_postmaster)
{
	START_HOP(GOOD, "--expire", "0");
	smtp_say(fd, "VRFY postmaster", "252 2.1.5 <postmaster>: mail is taken");
	smtp_say(fd, "VRFY a@mx.test", "252 2.1.5 <a@mx.test>: mail is handed on");
	send_mail("250 2.0.0 Ok: relayed");
	hop_stop(&hop);
	cr_expect_eq(smtp_count(&server, "mail/new"), 0);
}

Test(relay, other_domains_stay_where_they_were)
{
	START_HOP(GOOD, "--relay-domain", "far.test");
	smtp_say(fd, "MAIL FROM:<>", "250 2.1.0");
	smtp_say(fd, "RCPT TO:<a@near.test>", "250 2.1.5");
	smtp_say(fd, "DATA", "354 ");
	smtp_say(fd, ".", "250 2.0.0 Ok: delivered");
	hop_stop(&hop);
	cr_expect_eq(smtp_count(&server, "mail/new"), 1);
	cr_expect_eq(hop.connections, 0);
}

/* --- next hops that fail -------------------------------------------------------------------- */

/* No further attempt, and this reply; the mail is nowhere afterwards. */
static void expect_failure(const struct hop_script *script, const char *reply, unsigned quits)
{
	start_hop(script, (const char *const[]){"--expire", "0", "--domain", "near.test",
						"--relay-timeout", "300ms", NULL});
	smtp_say(fd, "MAIL FROM:<from@client.test>", "250 2.1.0");
	smtp_say(fd, "RCPT TO:<a@near.test>", "250 2.1.5");
	smtp_say(fd, "RCPT TO:<b@far.test>", "250 2.1.5");
	smtp_say(fd, "DATA", "354 ");
	smtp_say(fd, "Subject: x\r\n\r\ny\r\n.", reply);
	smtp_say(fd, "NOOP", "250 2.0.0");
	cr_expect_eq(smtp_count(&server, "mail/new"), 0, "not in part either");
	cr_expect_eq(smtp_count(&server, "mail/tmp"), 0);
	hop_stop(&hop);
	cr_expect_eq(hop.connections, 1);
	cr_expect_eq(hop.quits, quits);
}

#define FAILS(name, reply, quits, ...)                                                             \
	Test(relay, name)                                                                          \
	{                                                                                          \
		expect_failure(&(const struct hop_script){__VA_ARGS__}, reply, quits);             \
	}

FAILS(greeting_4xx, "451 4.4.0", 1, .greeting = "421 4.3.2 busy")
FAILS(greeting_5xx_is_not_for_good, "451 4.4.0", 1, .greeting = "554 no")
FAILS(greeting_of_no_mail_server, "451 4.4.0", 0, .greeting = "SSH-2.0-OpenSSH")
FAILS(greeting_never, "451 4.4.0", 0, .greeting = HOP_SILENT)
FAILS(greeting_closed, "451 4.4.0", 0, .greeting = "")
FAILS(ehlo_and_helo_5xx, "451 4.4.0", 1, .ehlo = "502 no", .helo = "550 5.7.1 go away")
FAILS(ehlo_4xx, "451 4.4.0", 1, .ehlo = "421 4.3.2 later")
FAILS(mail_5xx, "550 5.1.8 not you\n", 1, .mail = "550 5.1.8 not you")
FAILS(mail_4xx, "451 4.4.0", 1, .mail = "450 4.1.8 not now")
FAILS(rcpt_5xx, "553 5.0.0 plain words\n", 1, .rcpt = "553-some lines\r\n553 plain words")
FAILS(rcpt_4xx, "451 4.4.0", 1, .rcpt = "450 4.2.1 greylisted")
FAILS(rcpt_closed, "451 4.4.0", 0, .rcpt = "")
FAILS(data_5xx, "554 5.5.1 no\n", 1, .data = "554 5.5.1 no")
FAILS(data_4xx, "451 4.4.0", 1, .data = "451 4.3.0 no")
FAILS(data_2xx, "451 4.4.0", 1, .data = "250 Ok, and what now?")
FAILS(text_cut, "451 4.4.0", 0, .text = "")
FAILS(end_5xx, "550 5.7.1 spam?[31m\n", 1, .end = "550 5.7.1 spam\033[31m")
FAILS(end_4xx, "451 4.4.0", 1, .end = "452 4.3.1 disk full")
FAILS(end_never, "451 4.4.0", 0, .end = HOP_SILENT)
FAILS(end_closed, "451 4.4.0", 0, .end = "")
FAILS(reply_that_does_not_end, "451 4.4.0", 0, .mail = "250-a\r\n250-b\r\n250-c\r\n250-d\r\n250-e")

Test(relay, nobody_there)
{
	START_HOP(GOOD, "--expire", "0");
	hop_stop(&hop);
	send_mail("451 4.4.0");
}

Test(relay, no_such_host)
{
	server = SMTP_START("--expire", "0", "--relay", "no-such-host.invalid:25");
	begin();
	send_mail("451 4.4.0");
}

Test(relay, tried_again)
{
	START_HOP(HOP(.rcpt = "450 4.2.1 greylisted", .times = 2), "--expire", "20");
	send_mail("250 2.0.0");
	hop_stop(&hop);
	cr_expect_eq(hop.connections, 3);
	cr_expect_eq(hop.mails, 1);
}

Test(relay, only_helo)
{
	START_HOP(HOP(.ehlo = "500 what?"), "--expire", "0");
	send_mail("250 2.0.0");
	hop_stop(&hop);
	cr_expect(
		strstr(hop.commands, "EHLO mx.test\nHELO mx.test\nMAIL FROM:<from@client.test>\n"),
		"%s", hop.commands);
}

Test(relay, eight_bits)
{
	START_HOP(GOOD, "--expire", "0");
	send_text("Subject: x\r\n\r\n\xc3\xa9\r\n", "250 2.0.0");
	hop_stop(&hop);
	cr_expect(strstr(hop.commands, " BODY=8BITMIME\n"), "%s", hop.commands);
}

Test(relay, eight_bits_that_the_next_hop_does_not_take)
{
	START_HOP(HOP(.ehlo = "250 hop.test"), "--expire", "20");
	send_text("Subject: x\r\n\r\n\xc3\xa9\r\n", "554 5.6.3");
	hop_stop(&hop);
	cr_expect_eq(hop.mails, 0);
}

/* The mailbox fails after the next hop has taken the mail: that one does not get it again. */
Test(relay, the_other_half_is_tried_again_alone)
{
	START_HOP(GOOD, "--domain", "near.test", "--expire", "20");
	cr_assert_eq(rmdir(format("%s/mail/new", server.dir)), 0);
	smtp_say(fd, "MAIL FROM:<>", "250 2.1.0");
	smtp_say(fd, "RCPT TO:<a@near.test>", "250 2.1.5");
	smtp_say(fd, "RCPT TO:<a@far.test>", "250 2.1.5");
	smtp_say(fd, "DATA", "354 ");
	smtp_send(fd, ".\r\n");
	usleep(400000);
	shell(format("mkdir -m 700 %s/mail/new", server.dir));
	smtp_expect(fd, "250 2.0.0");
	hop_stop(&hop);
	cr_expect_eq(hop.mails, 1);
	cr_expect_eq(smtp_count(&server, "mail/new"), 1);
}

/* A next hop that says nothing does not keep this server from ending. */
Test(relay, the_end_of_the_server)
{
	struct timespec from, to;

	START_HOP(HOP(.end = HOP_SILENT), "--grace", "300ms");
	smtp_envelope(fd);
	smtp_say(fd, "DATA", "354 ");
	smtp_send(fd, "Subject: x\r\n\r\ny\r\n.\r\n");
	usleep(200000);
	clock_gettime(CLOCK_MONOTONIC, &from);
	kill(server.pid, SIGTERM);
	smtp_expect(fd, "451 4.4.0");
	cr_expect_eq(smtp_stop(&server), 0);
	clock_gettime(CLOCK_MONOTONIC, &to);
	cr_expect_lt(to.tv_sec - from.tv_sec, 4);
	hop_stop(&hop);
	smtp_clean(&server);
	server.pid = 0;
}

/* The id of a server that is not one of ours is a string. */
Test(relay, queue_id_of_another_server)
{
	trace();
	START_HOP(GOOD, "--expire", "0");
	send_mail("250 2.0.0");
	hop_stop(&hop);
	cr_expect_eq(smtp_stop(&server), 0);
	cr_expect_str_eq(shell(format("$BUILD/rill cat -f json -e delivery.delivered %s | jq -c "
				      ".keys.remoteQueueId",
				      dump)),
			 "\"4bXyZ1\"\n");
	smtp_clean(&server);
	server.pid = 0;
}

Test(relay, bad_options)
{
	static const char *const bad[][2] = {{"--relay", "127.0.0.1"},
					     {"--relay", ":25"},
					     {"--relay-domain", "a.test"},
					     {"--relay-timeout", "0"}};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct run_result r = RUN(NULL, built("examples/smtpd"), "--maildir",
					  "/nonexistent/x", bad[i][0], bad[i][1]);

		cr_expect_eq(r.code, 2, "%s %s: %d %s", bad[i][0], bad[i][1], r.code, r.err);
		cr_expect(strstr(r.err, bad[i][0]), "%s", r.err);
		run_free(&r);
	}
}
