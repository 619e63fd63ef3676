/* What is secret by its page leaves the process in no sink, no dump and no diagnostic; what is not
 * does. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../support/files.h"
#include "../support/run.h"

static const char page[] =
	"## Part\n\n"
	"| Event | Level | Short | Long |\n|-|-|-|-|\n"
	"| in | info | Came | It came |\n| out | info | Went | It went |\n\n"
	"## Keys\n\n"
	"| Key | Type | Description | Privacy |\n|-|-|-|-|\n"
	"| user | string | Who | personal |\n"
	"| pass | string\\|bytes\\|u64\\|i64\\|f64\\|bool\\|duration\\|ip\\|list | Proof | secret "
	"|\n"
	"| cause | event | Why | |\n| all | list | More | |\n| n | u64 | Count | |\n\n"
	"## Spans\n\n| Span | Start | End | Key |\n|-|-|-|-|\n| visit | in | out | n |\n";

/* Every form that a secret may have; 1234567891 and s3cr are looked for afterwards. */
static const char program[] =
	"#include <arpa/inet.h>\n#include <signal.h>\n#define RILL_CATALOG x\n#include "
	"\"x.h\"\n#include <rill/control.h>\n"
	"int main(int argc, char **argv)\n{\n	(void)argv;\n"
	"	struct in6_addr ip6;\n	struct in_addr ip4;\n"
	"	inet_pton(AF_INET6, \"fe80::7363:7272\", &ip6);\n	inet_pton(AF_INET, "
	"\"73.63.72.74\", &ip4);\n"
	"	for (int i = 0; i < 100; i++) {\n"
	"		rill_event_in(x, in, n(i), user(\"eve\"), pass(\"s3cr-one\"), n(1));\n"
	"		rill_event_in(x, in, pass(rill_u64(1234567891)), "
	"pass(rill_i64(-1234567891)), pass(rill_f64(1234567891.5)));\n"
	"		rill_event_in(x, in, pass(rill_duration(1234567891)), pass(&ip6), "
	"pass(&ip4), user(\"mallory\"));\n"
	"		rill_event_in(x, in, pass(rill_bytes(\"s3cr-two\", 8)), user(\"trudy\"), "
	"pass(\"\"));\n"
	"		rill_event_in(x, in, pass(rill_list(rill_string(\"s3cr-three\"), "
	"rill_u64(1234567891))), n(2));\n"
	"		rill_event_in(x, in, cause(rill_nested(out, pass(\"s3cr-four\"), "
	"user(\"oscar\"))), n(3));\n"
	"		rill_event_in(x, in, all(rill_list(rill_nested(out, pass(\"s3cr-five\"), "
	"user(\"peggy\")))), n(4));\n"
	"		rill_event_in(x, out, n(i), pass(\"s3cr-six\"));\n"
	"	}\n	return argc > 1 ? raise(9) : 0;\n}\n";

static const char *const users[] = {"eve", "mallory", "trudy", "oscar", "peggy"};

static char *made(const char *folder)
{
	file_store_text(format("%s/x.md", folder), page);
	file_store_text(format("%s/main.c", folder), program);
	const struct run_options options = {.directory = folder};
	struct run_result r = RUN(&options, built("rill-gen"), "--name", "x", "--header", "x.h",
				  "--source", "x.c", "x.md");
	cr_assert_eq(r.code, 0, "%s", r.err);
	r = RUN(&options, "sh", "-c",
		format("%s %s -std=gnu11 -D_GNU_SOURCE -I%s -I%s -I. -o program main.c x.c %s "
		       "-pthread -lm -lzstd",
		       TEST_CC, TEST_SANITIZE, source("include"), built("include"),
		       built("librill.a")));
	cr_assert_eq(r.code, 0, "%s", r.err);
	return format("%s/program", folder);
}

/* In a file or below a folder. */
static bool holds(const char *path, const char *text)
{
	struct run_result r = RUN(NULL, "grep", "-raqF", "--", text, path);
	cr_assert(r.code == 0 || r.code == 1, "%s", r.err);
	return r.code == 0;
}

/* The numbers as they may be written, in a text or in a record. */
static void check_hidden(const char *path)
{
	static const char *const secrets[] = {
		"s3cr",        "1234567891",      "1.234567891",     "733363722d",
		"73.63.72.74", "fe80::7363:7272", "\xd3\x02\x96\x49" /* 1234567891 */};
	for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++)
		cr_expect(!holds(path, secrets[i]), "%s holds %s", path, secrets[i]);
}

Test(secrets, leave_the_process_nowhere, .timeout = 100)
{
	char *folder = folder_make(), *run = made(folder);
	char *sinks =
		format("RILL_SINKS=text:%s/log,json:%s/json,dump:%s/dump,dump:%s/packed?zstd=3",
		       folder, folder, folder, folder);
	const struct run_options options = {.env = (const char *const[]){sinks, NULL}};
	struct run_result r = RUN(&options, run);
	cr_assert_eq(r.code, 0, "%s", r.err);
	cr_expect_str_eq(r.err, "");
	char *outputs[] = {format("%s/log", folder), format("%s/json", folder),
			   format("%s/dump", folder), format("%s/cat", folder),
			   format("%s/catj", folder)};
	struct run_result cat = RUN(NULL, built("rill"), "cat", format("%s/packed", folder));
	cr_assert_eq(cat.code, 0, "%s", cat.err);
	file_store(outputs[3], cat.out, cat.out_bytes);
	cat = RUN(NULL, built("rill"), "cat", "-f", "json", outputs[2]);
	cr_assert_eq(cat.code, 0, "%s", cat.err);
	file_store(outputs[4], cat.out, cat.out_bytes);
	for (size_t i = 0; i < sizeof outputs / sizeof *outputs; i++) {
		check_hidden(outputs[i]);
		for (size_t u = 0; u < sizeof users / sizeof *users; u++)
			cr_expect(holds(outputs[i], users[u]), "%s has no %s", outputs[i],
				  users[u]);
	}
	cr_expect(holds(outputs[0], "pass=\"********\""));
	cr_expect(holds(outputs[0], "pass=none"));
	cr_expect(holds(outputs[0], "causedBy") ||
		  holds(outputs[0], "cause=out{pass=\"*********\" user=oscar}"));
	cr_expect(holds(outputs[1], "\"pass\":\"********\""));
	r = RUN(NULL, built("rill"), "verify", outputs[2]);
	cr_expect_eq(r.code, 0, "%s", r.out);
	folder_remove(folder);
}

/* Nor when it was killed: what it left in its rings is recovered without them. */
Test(secrets, are_not_recovered, .timeout = 100)
{
	char *folder = folder_make(), *run = made(folder);
	char *sinks = format("RILL_SINKS=dump:%s/dump", folder);
	char *runtime = format("RILL_RUNTIME_DIR=%s/run", folder);
	const struct run_options options = {.env = (const char *const[]){sinks, runtime, NULL}};
	struct run_result r;
	/* The collector may have been faster: then nothing is left to be recovered. */
	for (int i = 0; i < 20; i++) {
		folder_remove(format("%s/run", folder));
		mkdir(format("%s/run", folder), 0700);
		r = RUN(&options, run, "killed");
		cr_assert_eq(r.signal, 9);
		if (holds(format("%s/run", folder), "s3cr"))
			break;
	}
	cr_assert(holds(format("%s/run", folder), "s3cr"), "nothing is ever left");
	r = RUN(&options, built("rill"), "recover");
	cr_assert_eq(r.code, 0, "%s", r.err);
	file_store(format("%s/dump/told", folder), r.out, r.out_bytes);
	check_hidden(format("%s/dump", folder));
	cr_expect(holds(format("%s/dump", folder), "eve"));
	folder_remove(folder);
}

/* A program that is told apart or joined by what is masked would be told nonsense. */
Test(secrets, tell_nothing_apart)
{
	char *folder = folder_make();
	const struct run_options options = {.directory = folder};
	file_store_text(
		format("%s/x.md", folder),
		"## Part\n\n| Event | Level | Short | Long |\n|-|-|-|-|\n| a | info | A | |\n"
		"| b | info | B | |\n\n## Keys\n\n| Key | Type | Description | Link | Privacy |\n"
		"|-|-|-|-|-|\n| k | string | K | | secret |\n| l | string | L | yes | secret |\n\n"
		"## Spans\n\n| Span | Start | End | Key |\n|-|-|-|-|\n| s | a | b | k |\n");
	struct run_result r = RUN(&options, built("rill-gen"), "--name", "x", "--header", "x.h",
				  "--source", "x.c", "x.md");
	cr_expect_eq(r.code, 1);
	cr_expect(strstr(r.err, "x.md:13: error: key 'l' is secret and a link"), "%s", r.err);
	cr_expect(strstr(r.err, "x.md:19: error: key 'k' of span 's' is secret"), "%s", r.err);
	folder_remove(folder);
}
