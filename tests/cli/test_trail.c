/* rill trail: what belongs together, and what only looks like it. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/chunks.h"
#include "../support/files.h"
#include "../support/records.h"
#include "../support/run.h"
#include "dump/dump.h"

#define NANOSECONDS UINT64_C(1700000000000000000)

/* --- a catalog with each kind of link ------------------------------------------------------- */

enum { CONN_START, CONN_END, JOB_START, JOB_END, NOTE, EVENTS };
enum { ID, JOB, TOKEN, PEER, WORD, KEYS };

static const char *const subsystems[] = {"Things"};

static const struct rill_catalog_event events[EVENTS] = {
	{"conn.start", "", "", NULL, 0, 0, RILL_INFO, 0},
	{"conn.end", "", "", NULL, 0, 0, RILL_INFO, 0},
	{"job.start", "", "", NULL, 0, 0, RILL_INFO, 0},
	{"job.end", "", "", NULL, 0, 0, RILL_INFO, 0},
	{"note", "", "", NULL, 0, 0, RILL_DEBUG, 0},
};

static const struct rill_catalog_key keys[KEYS] = {
	{"id", "", RILL_SET_U64, 0, RILL_NO_KEY},
	{"jobId", "", RILL_SET_U64 | RILL_SET_STRING, RILL_KEY_LINK, RILL_NO_KEY},
	{"token", "", RILL_SET_STRING, RILL_KEY_LINK | RILL_KEY_GLOBAL, RILL_NO_KEY},
	{"peerJob", "", RILL_SET_U64 | RILL_SET_STRING, RILL_KEY_LINK, JOB},
	{"word", "", RILL_SET_STRING, 0, RILL_NO_KEY},
};

static const struct rill_catalog_span spans[] = {
	{"conn", CONN_START, CONN_END, ID},
	{"job", JOB_START, JOB_END, ID},
};

static const struct rill_catalog catalog = {
	.layout = RILL_CATALOG_LAYOUT,
	.size = sizeof(struct rill_catalog),
	.hash = 77,
	.name = "things",
	.subsystems = subsystems,
	.events = events,
	.keys = keys,
	.spans = spans,
	.nsubsystems = 1,
	.nevents = EVENTS,
	.nkeys = KEYS,
	.nspans = 2,
};

/* --- dumps ---------------------------------------------------------------------------------- */

static char *folder;

static void start(void)
{
	folder = folder_make();
}

static void end(void)
{
	folder_remove(folder);
}

TestSuite(trail, .init = start, .fini = end);

struct traced {
	struct dump_writer *writer;
	uint64_t position;
};

static struct traced process(uint32_t pid)
{
	struct dump_process process = {.pid = pid,
				       .id = {pid, pid},
				       .start_ns = NANOSECONDS + pid,
				       .program = pid == 99 ? "od\033[31md" : "worker"};
	const struct clock_point clock = {0, NANOSECONDS, (uint64_t)1 << 32, 0, 0};
	struct traced traced = {0};
	char error[256];
	cr_assert_eq(dump_create(&traced.writer, folder, &process, error, sizeof error), 0, "%s",
		     error);
	cr_assert_eq(dump_put_catalog(traced.writer, 0, &catalog), 0);
	cr_assert_eq(dump_put_clock(traced.writer, &clock), 0);
	return traced;
}

static void emit(struct traced *traced, uint64_t ns, uint16_t event, const struct slot *slots,
		 size_t nslots)
{
	unsigned char bytes[1024];
	size_t size = record_put(bytes, ns, 0, event, slots, nslots);
	struct dump_chunk chunk = {1, 71, traced->position, traced->position + size};
	cr_assert_eq(chunk_put(traced->writer, &chunk, bytes), 0);
	traced->position += size;
}

#define EMIT(traced, ns, event, ...)                                                               \
	emit(traced, ns, event, (const struct slot[]){__VA_ARGS__},                                \
	     sizeof((const struct slot[]){__VA_ARGS__}) / sizeof(struct slot))
/* A word that tells the record from all others. */
#define WORD(text) slot_text(WORD, text)

static void finish(struct traced *traced)
{
	cr_assert_eq(dump_close(traced->writer), 0);
}

/* --- what the command says ------------------------------------------------------------------ */

static struct run_result trail(const char *const *arguments)
{
	const char *argv[16] = {built("rill"), "trail"};
	size_t n = 2;
	while (*arguments)
		argv[n++] = *arguments++;
	argv[n++] = folder;
	argv[n] = NULL;
	return run_command(argv, NULL);
}

#define TRAIL(...) trail((const char *const[]){__VA_ARGS__, NULL})

/* The words of the records in the output, in its order, "|" between trails. */
static char *words(const struct run_result *r)
{
	char *found = calloc(1, r->out_bytes + 1);
	bool first = true;
	for (char *line = strtok(strdup(r->out), "\n"); line; line = strtok(NULL, "\n")) {
		const char *at = strstr(line, " word=");
		if (*line != ' ' && strstr(line, " record")) {
			strcat(found, first ? "" : "|");
			first = false;
		}
		if (at)
			strncat(strcat(found, " "), at + 6, strcspn(at + 6, " "));
	}
	return found;
}

#define EXPECT_WORDS(expected, ...)                                                                \
	do {                                                                                       \
		struct run_result r = TRAIL(__VA_ARGS__);                                          \
		cr_expect_str_eq(words(&r), expected, "%s%s", r.out, r.err);                       \
		cr_expect_eq(r.code, 0, "%s", r.err);                                              \
		run_free(&r);                                                                      \
	} while (0)

/* Number 7 of the one is not number 7 of the other; token x is one thing. */
Test(trail, numbers_collide_between_processes)
{
	struct traced a = process(1), b = process(2);
	EMIT(&a, 10, NOTE, slot_u64(JOB, 7), slot_text(TOKEN, "x"), WORD("a7"));
	EMIT(&a, 15, NOTE, slot_u64(JOB, 9), WORD("a9"));
	EMIT(&b, 20, NOTE, slot_u64(JOB, 7), slot_text(TOKEN, "y"), WORD("b7"));
	EMIT(&b, 30, NOTE, slot_u64(JOB, 9), slot_text(TOKEN, "x"), WORD("b9"));
	EMIT(&b, 40, NOTE, slot_u64(JOB, 9), WORD("b9-late"));
	finish(&a);
	finish(&b);
	EXPECT_WORDS(" a7 b9 b9-late| b7", "jobId", "7");
	EXPECT_WORDS(" a7 b9 b9-late", "--process=1", "jobId", "7");
	EXPECT_WORDS(" b7", "-p", "2", "jobId", "0x7");
	EXPECT_WORDS(" a7 b9 b9-late| b7", "-p", "worker", "jobId", "7");
	EXPECT_WORDS(" a7 b9 b9-late", "token", "x");
	EXPECT_WORDS(" a9| a7 b9 b9-late", "jobId", "9");
	struct run_result r = TRAIL("-p", "3", "jobId", "7");
	cr_expect_eq(r.code, 1);
	cr_expect(strstr(r.err, "no record of such a process has jobId 7"), "%s", r.err);
}

/* Not even when the numbers are the only thing that there is. */
Test(trail, equal_numbers_alone_join_nothing)
{
	struct traced a = process(1), b = process(2);
	EMIT(&a, 10, NOTE, slot_u64(JOB, 7), WORD("a7"));
	EMIT(&b, 20, NOTE, slot_u64(JOB, 7), WORD("b7"));
	finish(&a);
	finish(&b);
	EXPECT_WORDS(" a7| b7", "jobId", "7");
}

Test(trail, a_peers_number_leads_both_ways)
{
	struct traced a = process(1), b = process(2);
	EMIT(&a, 10, NOTE, slot_u64(JOB, 1), WORD("a1"));
	EMIT(&b, 15, NOTE, slot_u64(JOB, 5), WORD("b5"));
	EMIT(&b, 16, NOTE, slot_u64(JOB, 1), WORD("b1"));
	EMIT(&a, 20, NOTE, slot_u64(JOB, 1), slot_u64(PEER, 5), WORD("told"));
	finish(&a);
	finish(&b);
	EXPECT_WORDS(" a1 told b5", "-p", "1", "jobId", "1");
	EXPECT_WORDS(" a1 told b5", "jobId", "5");
	EXPECT_WORDS(" a1 told b5", "peerJob", "5");
	EXPECT_WORDS(" b1", "-p", "2", "jobId", "1");
}

Test(trail, strings_are_numbers_of_peers_too)
{
	struct traced a = process(1), b = process(2);
	EMIT(&a, 10, NOTE, slot_u64(JOB, 1), slot_text(PEER, "4bX"), WORD("a1"));
	EMIT(&b, 15, NOTE, slot_text(JOB, "4bX"), WORD("b4bX"));
	finish(&a);
	finish(&b);
	EXPECT_WORDS(" a1 b4bX", "jobId", "4bX");
}

/* Three processes, and 5 may be a number of two of them. */
Test(trail, a_peer_that_may_be_two_is_not_followed)
{
	struct traced a = process(1), b = process(2), c = process(3);
	EMIT(&a, 10, NOTE, slot_u64(JOB, 1), slot_u64(PEER, 5), WORD("a1"));
	EMIT(&b, 20, NOTE, slot_u64(JOB, 5), WORD("b5"));
	EMIT(&c, 30, NOTE, slot_u64(JOB, 5), WORD("c5"));
	finish(&a);
	finish(&b);
	finish(&c);
	EXPECT_WORDS(" a1", "jobId", "1");
	EXPECT_WORDS(" b5| c5", "jobId", "5");
	struct run_result r = TRAIL("jobId", "1");
	cr_expect(strstr(r.out, "jobId=5: several processes have it; not followed"), "%s", r.out);
}

Test(trail, a_peer_without_a_dump_is_told)
{
	struct traced a = process(1);
	EMIT(&a, 10, NOTE, slot_u64(JOB, 1), slot_u64(PEER, 5), WORD("a1"));
	EMIT(&a, 20, NOTE, slot_u64(JOB, 5), WORD("a5"));
	finish(&a);
	EXPECT_WORDS(" a1", "jobId", "1");
	EXPECT_WORDS(" a5", "jobId", "5");
	struct run_result r = TRAIL("jobId", "1");
	cr_expect(strstr(r.out, "jobId=5: no process here has it"), "%s", r.out);
}

/* What holds everywhere says who is not meant. */
Test(trail, a_peer_about_something_else_is_not_meant)
{
	struct traced a = process(1), b = process(2), c = process(3);
	EMIT(&a, 10, NOTE, slot_u64(JOB, 1), slot_text(TOKEN, "mine"), WORD("a1"));
	EMIT(&a, 11, NOTE, slot_u64(JOB, 1), slot_u64(PEER, 5), WORD("told"));
	EMIT(&b, 20, NOTE, slot_u64(JOB, 5), slot_text(TOKEN, "other"), WORD("b5"));
	EMIT(&c, 30, NOTE, slot_u64(JOB, 5), WORD("c5"));
	finish(&a);
	finish(&b);
	finish(&c);
	EXPECT_WORDS(" a1 told c5", "jobId", "1");
	EXPECT_WORDS(" a1 told c5", "token", "mine");
	EXPECT_WORDS(" b5", "token", "other");
}

/* One process hands two jobs on to two others, which both call theirs 7. */
Test(trail, one_number_from_two_peers)
{
	struct traced a = process(1), b = process(2), c = process(3);
	EMIT(&a, 10, NOTE, slot_u64(JOB, 1), slot_text(TOKEN, "x"), slot_u64(PEER, 7), WORD("a1"));
	EMIT(&a, 20, NOTE, slot_u64(JOB, 2), slot_text(TOKEN, "y"), slot_u64(PEER, 7), WORD("a2"));
	EMIT(&b, 30, NOTE, slot_u64(JOB, 7), slot_text(TOKEN, "x"), WORD("b7"));
	EMIT(&c, 40, NOTE, slot_u64(JOB, 7), slot_text(TOKEN, "y"), WORD("c7"));
	finish(&a);
	finish(&b);
	finish(&c);
	EXPECT_WORDS(" a1 b7", "jobId", "1");
	EXPECT_WORDS(" a2 c7", "jobId", "2");
	EXPECT_WORDS(" a1 b7| a2 c7", "jobId", "7");
}

Test(trail, what_names_nothing_joins_nothing)
{
	struct traced a = process(1), b = process(2);
	struct slot cut = slot_text(TOKEN, "abc");
	cut.word = 3 | UINT64_C(2000) << 32;
	EMIT(&a, 10, NOTE, slot_u64(JOB, 1), slot_text(TOKEN, ""), WORD("a1"));
	EMIT(&a, 11, NOTE, slot_u64(JOB, 2), cut, WORD("a2"));
	EMIT(&b, 20, NOTE, slot_u64(JOB, 3), slot_text(TOKEN, ""), WORD("b3"));
	EMIT(&b, 30, NOTE, slot_u64(JOB, 4), cut, WORD("b4"));
	finish(&a);
	finish(&b);
	EXPECT_WORDS(" a1", "jobId", "1");
	EXPECT_WORDS(" a2", "jobId", "2");
}

/* --- spans ---------------------------------------------------------------------------------- */

/* A span that began with the number is all about it, whatever its records carry. */
Test(trail, a_span_hands_its_number_to_what_is_in_it)
{
	struct traced a = process(1), b = process(2);
	EMIT(&a, 10, JOB_START, slot_u64(ID, 3), slot_u64(JOB, 1), WORD("start"));
	EMIT(&a, 11, NOTE, slot_u64(ID, 3), WORD("in"));
	EMIT(&a, 12, NOTE, slot_u64(ID, 3), slot_u64(PEER, 5), WORD("told"));
	EMIT(&a, 13, NOTE, slot_u64(ID, 4), WORD("other"));
	EMIT(&a, 14, JOB_END, slot_u64(ID, 3), WORD("end"));
	EMIT(&a, 15, NOTE, slot_u64(ID, 3), WORD("after"));
	EMIT(&b, 20, JOB_START, slot_u64(ID, 3), slot_u64(JOB, 5), WORD("b-start"));
	EMIT(&b, 21, NOTE, slot_u64(ID, 3), WORD("b-in"));
	finish(&a);
	finish(&b);
	EXPECT_WORDS(" start in told end b-start b-in", "jobId", "1");
	EXPECT_WORDS(" start in told end b-start b-in", "jobId", "5");
	struct run_result r = TRAIL("jobId", "1");
	cr_expect(strstr(r.out, ": 6 records, 2 spans, 2 processes, 11 ns\n"), "%s", r.out);
	cr_expect(strstr(r.out, "\nworker 1  job  id=3  4 ns\n"), "%s", r.out);
	cr_expect(strstr(r.out, "\nworker 2  job  id=3  1 ns  open\n"), "%s", r.out);
}

/* A connection that had one job only is shown whole; of one that had several, what is the job's. */
Test(trail, a_span_shared_with_others)
{
	struct traced a = process(1);
	for (uint64_t id = 1; id <= 2; id++) {
		uint64_t ns = 100 * id;
		EMIT(&a, ns, CONN_START, slot_u64(ID, id), WORD("start"));
		EMIT(&a, ns + 1, NOTE, slot_u64(ID, id), WORD("hello"));
		EMIT(&a, ns + 2, NOTE, slot_u64(ID, id), slot_u64(JOB, id), WORD("job"));
		if (id == 2)
			EMIT(&a, ns + 3, NOTE, slot_u64(ID, id), slot_u64(JOB, 9), WORD("nine"));
		EMIT(&a, ns + 4, NOTE, slot_u64(ID, id), WORD("bye"));
		EMIT(&a, ns + 5, CONN_END, slot_u64(ID, id), WORD("end"));
	}
	finish(&a);
	EXPECT_WORDS(" start hello job bye end", "jobId", "1");
	EXPECT_WORDS(" start job end", "jobId", "2");
	EXPECT_WORDS(" start nine end", "jobId", "9");
	/* The span itself as the thing that is asked for. */
	EXPECT_WORDS(" start hello job nine bye end", "id", "2");
	struct run_result r = TRAIL("jobId", "2");
	cr_expect(strstr(r.out, "(3 more in this span, which is shared with others)"), "%s", r.out);
}

/* Each pass finds one more: the chain runs against time. */
Test(trail, a_chain_against_time)
{
	char expected[1024] = "";
	struct traced a = process(1);
	for (uint64_t i = 0; i < 30; i++) {
		EMIT(&a, 1000 - i, NOTE, slot_text(TOKEN, format("t%d", (int)i)),
		     slot_text(TOKEN, format("t%d", (int)i + 1)), WORD(format("w%d", (int)i)));
		snprintf(expected + strlen(expected), sizeof expected - strlen(expected), " w%d",
			 29 - (int)i);
	}
	finish(&a);
	EXPECT_WORDS(expected, "token", "t30");
	EXPECT_WORDS(expected, "token", "t0");
}

Test(trail, what_leads_to_everything_is_cut_and_told)
{
	struct traced a = process(1);
	for (uint64_t i = 0; i < 20000; i++)
		EMIT(&a, i, NOTE, slot_u64(JOB, 1), slot_text(TOKEN, format("t%d", (int)i)));
	finish(&a);
	struct run_result r = TRAIL("jobId", "1");
	cr_expect_eq(r.code, 1);
	cr_expect(strstr(r.err, "more than 16384 values"), "%s", r.err);
	cr_expect(strstr(r.out, ": 20000 records"), "%.300s", r.out);
}

Test(trail, more_processes_than_are_printed)
{
	for (uint32_t pid = 1; pid <= 20; pid++) {
		struct traced a = process(pid);
		EMIT(&a, 10, NOTE, slot_u64(JOB, 7), WORD("w"));
		finish(&a);
	}
	struct run_result r = TRAIL("jobId", "7");
	cr_expect_eq(r.code, 1);
	cr_expect(strstr(r.err, "4 more of jobId 7: choose with --process"), "%s", r.err);
}

/* --- forms ---------------------------------------------------------------------------------- */

Test(trail, json_is_in_order_of_time)
{
	struct traced a = process(1), b = process(2);
	EMIT(&a, 10, NOTE, slot_u64(JOB, 7), slot_text(TOKEN, "x"), WORD("one"));
	EMIT(&b, 20, JOB_START, slot_u64(ID, 3), slot_text(TOKEN, "x"), WORD("two"));
	EMIT(&a, 30, NOTE, slot_u64(JOB, 7), WORD("three"));
	EMIT(&b, 40, JOB_END, slot_u64(ID, 3), WORD("four"));
	EMIT(&b, 50, NOTE, slot_u64(JOB, 7), WORD("five"));
	finish(&a);
	finish(&b);
	struct run_result r =
		RUN(NULL, "bash", "-c",
		    format("set -o pipefail; %s trail -p 1 -f json jobId 7 %s | jq -c "
			   "'[.kind, .keys.word, .of.value, (.ids // [] | length)]'",
			   built("rill"), folder));
	cr_expect_eq(r.code, 0, "%s", r.err);
	cr_expect_str_eq(r.out, "[\"trail\",null,\"7\",2]\n[\"event\",\"one\",null,0]\n"
				"[\"event\",\"two\",null,0]\n[\"event\",\"three\",null,0]\n"
				"[\"event\",\"four\",null,0]\n[\"span\",null,null,0]\n");
	r = TRAIL("-p", "1", "-f", "text", "-l", "info", "jobId", "7");
	cr_expect(strstr(r.out, "word=two"), "%s", r.out);
	cr_expect_null(strstr(r.out, "word=one"), "%s", r.out);
}

Test(trail, levels)
{
	struct traced a = process(1);
	EMIT(&a, 10, NOTE, slot_u64(JOB, 7), WORD("debug"));
	EMIT(&a, 20, JOB_END, slot_u64(JOB, 7), WORD("info"));
	finish(&a);
	EXPECT_WORDS(" debug info", "jobId", "7");
	EXPECT_WORDS(" info", "-l", "info", "jobId", "7");
}

Test(trail, no_control_byte_reaches_the_terminal)
{
	struct traced a = process(99);
	EMIT(&a, 10, NOTE, slot_text(TOKEN, "x\033[2J\ny"), slot_text(WORD, "a\033b\rc"));
	EMIT(&a, 11, NOTE, slot_text(TOKEN, "x\033[2J\ny"), slot_text(JOB, "\302\233"));
	finish(&a);
	struct run_result r = TRAIL("token", "x\033[2J\ny");
	cr_expect_eq(r.code, 0, "%s", r.err);
	for (size_t i = 0; i < r.out_bytes; i++)
		cr_assert((unsigned char)r.out[i] >= 0x20 || r.out[i] == '\n', "%s", r.out);
	cr_expect(strstr(r.out, "od\\x1b[31md 99"), "%s", r.out);
	cr_expect_null(strstr(r.out, "\302\233"), "%s", r.out);
}

Test(trail, wrong_usage_and_nothing_found)
{
	struct traced a = process(1);
	EMIT(&a, 10, NOTE, slot_u64(JOB, 7));
	finish(&a);
	cr_expect_eq(TRAIL("-f", "xml", "jobId", "7").code, 2);
	cr_expect_eq(TRAIL("-l", "loud", "jobId", "7").code, 2);
	cr_expect_eq(TRAIL("jobId").code, 2);
	cr_expect_eq(TRAIL("--nothing", "jobId", "7").code, 2);
	struct run_result r = TRAIL("jobId", "8");
	cr_expect_eq(r.code, 1);
	cr_expect(strstr(r.err, "no record has jobId 8"), "%s", r.err);
	r = TRAIL("word", "x");
	cr_expect_eq(r.code, 1);
	cr_expect(strstr(r.err, "\"word\" links nothing in these dumps; what does: jobId, token, "
				"peerJob"),
		  "%s", r.err);
	cr_expect_eq(TRAIL("--help", "a", "b").code, 0);
}
