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
	"cd %s; a=%d b=%d q=%u\n"
	"lines() { grep -F \"$1\" all | jq -r \"select($2) | $3 // empty\" | sort -u; }\n"
	"m=$(lines '\"queueId\":\"'$q'\"' \".pid == $a\" .keys.messageId)\n"
	"[ $(wc -l <<<\"$m\") = 1 ] || exit 3\n"
	"r=$(lines \"\\\"messageId\\\":\\\"$m\\\"\" \".pid == $b\" .keys.queueId)\n"
	"[ $r != $q ] || exit 4\n"
	"(lines '\"queueId\":\"'$q'\"' \".pid == $a and .keys.queueId == \\\"$q\\\"\" "
	".keys.spanId\n"
	"lines '\"queueId\":\"'$r'\"' \".pid == $b and .keys.queueId == \\\"$r\\\"\" .keys.spanId\n"
	"lines \"\\\"messageId\\\":\\\"$m\\\"\" true .keys.spanId) |\n"
	"sort -u | sed 's/.*/\"spanId\":\"&\"/' >ids\n"
	"grep -F -f ids all >expected\n"
	"$BUILD/rill trail -p $a -f json queueId $q dump | grep '^{\"kind\":\"event\"' >found\n"
	"[ $(wc -l <found) -ge 50 ] && cmp expected found";

static void compare(const struct smtp_server *from, const struct smtp_server *to, unsigned mail)
{
	struct run_result r =
		RUN(NULL, "bash", "-c", format(oracle, folder, from->pid, to->pid, mail));
	cr_expect_eq(r.code, 0, "mail %u: %d %s%s", mail, r.code, r.out, r.err);
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
	setenv("RILL_FILTER", "*=trace", 1);
	setenv("RILL_SINKS", format("dump:%s/dump", folder), 1);
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
	struct run_result r = RUN(NULL, "bash", "-c",
				  format("$BUILD/rill cat -f json %s/dump | grep "
					 "'^{\"kind\":\"event\"' >%s/all",
					 folder, folder));
	cr_assert_eq(r.code, 0, "%s", r.err);
	compare(&first, &second, 1);
	compare(&first, &second, mails / 2);
	compare(&first, &second, mails);
	smtp_clean(&first);
	smtp_clean(&second);
	folder_remove(folder);
}
