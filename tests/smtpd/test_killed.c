/* A mail server that is killed: rill recover says which connections were open, and at which stage,
 * as their clients know. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "../support/dead.h"
#include "../support/files.h"
#include "../support/smtp.h"

/* How many lines of the output have both. */
static unsigned lines_with(const char *out, const char *span, const char *stage)
{
	unsigned n = 0;
	for (const char *line = out; *line; line = strchr(line, '\n') + 1) {
		char *copy = format("%.*s", (int)(strchr(line, '\n') - line), line);
		n += strstr(copy, span) && strstr(copy, stage);
		free(copy);
	}
	return n;
}

Test(killed, what_was_in_flight_is_what_the_clients_saw, .timeout = 100)
{
	char *folder = dead_folder();
	const char *const *env = dead_environment(folder, format("dump:%s/dump", folder));
	for (size_t i = 0; env[i]; i++)
		putenv((char *)(uintptr_t)env[i]);
	setenv("RILL_FILTER", "*=debug", 1); /* without each line that comes and goes */
	struct smtp_server server = SMTP_START(NULL);
	/* One is done, and gone. */
	int done = smtp_connect(&server);
	smtp_say(done, "EHLO done.test", "250");
	smtp_say(done, "QUIT", "221");
	smtp_expect_end(done);
	int greeted = smtp_connect(&server), with_rcpt = smtp_connect(&server),
	    in_data = smtp_connect(&server);
	smtp_say(greeted, "EHLO greeted.test", "250");
	smtp_envelope(with_rcpt);
	smtp_envelope(in_data);
	smtp_say(in_data, "DATA", "354 ");
	smtp_send(in_data, "Subject: half\r\n");
	cr_assert_eq(kill(server.pid, SIGKILL), 0);
	cr_assert_eq(waitpid(server.pid, NULL, 0), server.pid);
	server.pid = 0;

	struct run_result run = DEAD_RECOVER(folder, 0, NULL);
	cr_expect_eq(lines_with(run.out, "smtp.connection ", ": open for "), 3, "%s", run.out);
	cr_expect_eq(lines_with(run.out, "smtp.connection ", "last smtp.ehlo"), 1, "%s", run.out);
	cr_expect_eq(lines_with(run.out, "smtp.connection ", "last smtp.rcpt-to"), 2, "%s",
		     run.out);
	run_free(&run);
	smtp_clean(&server);
	folder_remove(folder);
}
