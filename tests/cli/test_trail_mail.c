/* rill trail on real mail: through two servers, with numbers that collide. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/files.h"
#include "../support/run.h"
#include "../support/smtp.h"

static char *folder;

/*
 * What jq makes of all records, without a span tracker: the mail's message id; the numbers that go
 * with it in each process; the spans of all of these; the records in them.
 */
static const char oracle[] =
	"$BUILD/rill cat -f json %s | jq -c 'select(.kind == \"event\")' >%s/all\n"
	"first() { jq -r \"select($1) | $2 // empty\" %s/all | sort -u; }\n"
	"m=$(first \".pid == %d and .keys.queueId == \\\"$q\\\"\" .keys.messageId)\n"
	"[ $(wc -l <<<\"$m\") = 1 ] || exit 3\n"
	"r=$(first \".pid == %d and .keys.messageId == \\\"$m\\\"\" .keys.queueId)\n"
	"jq -r \"select((.pid == %d and .keys.queueId == \\\"$q\\\") or (.pid == %d and "
	".keys.queueId == \\\"$r\\\") or .keys.messageId == \\\"$m\\\") | .keys.spanId\" %s/all | "
	"sort -u >%s/ids\n"
	"jq -c --rawfile ids %s/ids '($ids | split(\"\\n\")) as $set | select(.keys.spanId as $s | "
	"$set | index($s))' %s/all >%s/expected\n";

static void compare(const char *dump, const struct smtp_server *from, const struct smtp_server *to,
		    unsigned mail)
{
	char *script = format(oracle, dump, folder, folder, from->pid, to->pid, from->pid, to->pid,
			      folder, folder, folder, folder, folder);
	script = format("q=%u\n%s$BUILD/rill trail -p %d -f json queueId %u %s | jq -c "
			"'select(.kind == \"event\")' >%s/found\n"
			"[ $(wc -l <%s/found) -ge 50 ] && cmp %s/expected %s/found",
			mail, script, from->pid, mail, dump, folder, folder, folder, folder);
	struct run_result r = RUN(NULL, "bash", "-c", script);
	cr_expect_eq(r.code, 0, "mail %u: %s%s", mail, r.out, r.err);
	run_free(&r);
}

static void send(const struct smtp_server *server, unsigned mails)
{
	struct run_options options = {.timeout_ms = 300000};
	struct run_result r = RUN(&options, "smtp-source", "-s", "4", "-m", format("%u", mails),
				  format("127.0.0.1:%u", server->port));
	cr_assert_eq(r.code, 0, "%s", r.err);
	run_free(&r);
}

Test(trail_mail, of_one_mail_among_many, .timeout = 600)
{
	const char *tier = getenv("RILL_TEST_TIER");
	folder = folder_make();
	unsigned mails = tier && strcmp(tier, "short") != 0 ? 10000 : 300;
	char *dump = format("%s/dump", folder);
	setenv("RILL_FILTER", "*=trace", 1);
	setenv("RILL_SINKS", format("dump:%s", dump), 1);
	setenv("RILL_POLICY", "block", 1);
	struct smtp_server second = SMTP_START("--max-connections-per-ip", "1000", "--no-fsync");
	struct smtp_server first =
		SMTP_START("--no-fsync", "--relay", format("127.0.0.1:%u", second.port));
	/* The second has counted to 3 before: number n of the first is number n + 3 of the second,
	 * and number n of the second is another mail. */
	send(&second, 3);
	send(&first, mails);
	cr_expect_eq(smtp_stop(&first), 0);
	cr_expect_eq(smtp_stop(&second), 0);
	cr_expect_eq(smtp_count(&second, "mail/new"), mails + 3);
	compare(dump, &first, &second, 1);
	compare(dump, &first, &second, mails / 2);
	compare(dump, &first, &second, mails);
	smtp_clean(&first);
	smtp_clean(&second);
	folder_remove(folder);
}
