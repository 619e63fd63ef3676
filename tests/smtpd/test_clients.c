/* Real mail clients: smtp-source (postfix) and swaks. And the command line. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/run.h"
#include "../support/smtp.h"

static struct smtp_server server;
static char address[64];

static void start(void)
{
	server = SMTP_START("--workers", "4");
	snprintf(address, sizeof(address), "127.0.0.1:%u", server.port);
}

/* Everything said and done: so many files, mails and connections. */
static void finish(unsigned mails, unsigned connections)
{
	cr_expect_eq(smtp_stop(&server), 0);
	cr_expect_eq(smtp_count(&server, "mail/new"), mails);
	cr_expect_eq(smtp_count(&server, "mail/tmp"), 0);
	cr_expect_eq(smtp_total(&server, "mails"), mails);
	cr_expect_eq(smtp_total(&server, "connections"), connections);
	smtp_clean(&server);
}

static void run_ok(const char *const *argv)
{
	struct run_result result = run_command(argv, NULL);

	cr_expect_eq(result.code, 0, "%s: %s%s", argv[0], result.out, result.err);
	run_free(&result);
}

#define RUN_OK(...) run_ok((const char *const[]){__VA_ARGS__, NULL})

Test(clients, smtp_source, .init = start)
{
	RUN_OK("smtp-source", "-s", "4", "-m", "200", address);
	finish(200, 200);
}

Test(clients, smtp_source_on_four_connections, .init = start)
{
	RUN_OK("smtp-source", "-d", "-s", "4", "-m", "200", "-l", "300000", address);
	finish(200, 4);
}

Test(clients, smtp_source_with_many_recipients, .init = start)
{
	RUN_OK("smtp-source", "-s", "8", "-m", "80", "-r", "50", "-N", "-l", "1", address);
	finish(80, 80);
}

Test(clients, swaks, .init = start)
{
	char *file;

	RUN_OK("swaks", "--server", address, "--from", "a@client.test", "--to",
	       "b@mx.test,c@mx.test", "--ehlo", "client.test", "--pipeline", "--header",
	       "Subject: from swaks", "--body", "first\n.second\n..\nlast");
	file = smtp_only_file(&server, "mail/new", NULL);
	cr_expect(strstr(file, "\nSubject: from swaks\n"));
	cr_expect(strstr(file, "\n\nfirst\n.second\n..\nlast\n"));
	free(file);
	finish(1, 1);
}

/* The program's exit code for these options. */
static int code_of(const char *const *options)
{
	const char *argv[16] = {NULL};
	char program[4096];
	struct run_result result;
	size_t n = 1;
	int code;

	snprintf(program, sizeof(program), "%s/examples/smtpd", getenv("BUILD"));
	argv[0] = program;
	while (*options)
		argv[n++] = *options++;
	result = run_command(argv, NULL);
	cr_expect_gt(result.out_bytes + result.err_bytes, 0, "it said nothing");
	code = result.code;
	run_free(&result);
	return code;
}

#define CODE_OF(...) code_of((const char *const[]){__VA_ARGS__, NULL})

Test(clients, exit_codes, .init = start)
{
	cr_expect_eq(CODE_OF("--help"), 0);
	cr_expect_eq(CODE_OF("--listen", "127.0.0.1:0"), 2);
	cr_expect_eq(CODE_OF("--maildir", "/tmp/x", "--workers", "0"), 2);
	cr_expect_eq(CODE_OF("--maildir", "/tmp/x", "--max-size", "10X"), 2);
	cr_expect_eq(CODE_OF("--maildir", "/tmp/x", "--max-size", "99999999999G"), 2);
	cr_expect_eq(CODE_OF("--maildir", "/tmp/x", "--timeout", "-1"), 2);
	cr_expect_eq(CODE_OF("--maildir", "/tmp/x", "--listen", "nowhere"), 2);
	cr_expect_eq(CODE_OF("--maildir", "/tmp/x", "--hostname", "a b"), 2);
	cr_expect_eq(CODE_OF("--maildir", "/tmp/x", "--frobnicate"), 2);
	cr_expect_eq(CODE_OF("--maildir", "/tmp/x", "stray"), 2);
	cr_expect_eq(CODE_OF("--maildir", "/dev/null/x"), 1);
	cr_expect_eq(CODE_OF("--maildir", server.dir, "--listen", "not-numeric:25"), 1);
	cr_expect_eq(CODE_OF("--maildir", server.dir, "--listen", address), 1); /* in use */
	cr_expect_eq(CODE_OF("--maildir", server.dir, "--witness", "/dev/null/x"), 1);
	finish(0, 0);
}
