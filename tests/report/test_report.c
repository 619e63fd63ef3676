/* rill report: what Chromium shows of it, and what the command leaves behind. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "dump/dump.h"
#include "support/chunks.h"
#include "support/files.h"
#include "support/records.h"
#include "support/run.h"
#include "support/smtp.h"

#define START_NS UINT64_C(1700000000000000000)

/* --- a catalog that means harm ---------------------------------------------------------------- */

#define HOSTILE                                                                                    \
	"</script><script>window.hostile=1;alert(1)</script><img src=x onerror=\"window.hostile="  \
	"1\"><!--\xe2\x80\xae&amp;"
/* As text: what reorders it is escaped. */
#define HOSTILE_SHOWN                                                                              \
	"</script><script>window.hostile=1;alert(1)</script><img src=x onerror=\"window.hostile="  \
	"1\"><!--\\u{202e}&amp;"

enum { H_START, H_END, H_WORK, H_FAIL, H_NEVER, H_EVENTS };
enum { K_ID, K_NOTE, K_ELAPSED, K_COUNT };

static const char *const subsystems[] = {"Work <b>"};
static const struct rill_catalog_event events[H_EVENTS] = {
	{"h.start", "Began", HOSTILE, NULL, 0, 0, RILL_INFO, 0},
	{"h.end", "Ended " HOSTILE, "It is over", NULL, 0, 0, RILL_INFO, 0},
	{"h.work", "Worked", "Some work", NULL, 0, 0, RILL_DEBUG, 0},
	{"h.fail", "Failed", "No work", NULL, 0, 0, RILL_ERROR, 0},
	{"h.never", "Never", "It never comes", NULL, 0, 0, RILL_WARN, 0},
};
static const struct rill_catalog_key keys[K_COUNT] = {
	{.name = "id", .text = "Which one " HOSTILE, .types = RILL_SET_U64},
	{.name = "note", .text = "What", .types = RILL_SET_STRING},
	{.name = "elapsed", .text = "How long", .types = RILL_SET_DURATION},
};
static const struct rill_catalog_span spans[] = {{"h.span", H_START, H_END, K_ID}};
static const struct rill_catalog catalog = {
	RILL_CATALOG_LAYOUT,
	sizeof(struct rill_catalog),
	77,
	"hostile",
	subsystems,
	events,
	keys,
	spans,
	1,
	H_EVENTS,
	K_COUNT,
	1,
};

/* --- dumps that are made up --------------------------------------------------------------------
 */

#define RINGS 4u

struct made {
	uint64_t spans, events, fails;
	uint64_t longest_ns, longest_id;
	unsigned hundred_to_200us; /* spans with a duration from 100 to 200 us */
};

struct ring {
	unsigned char bytes[1 << 16];
	size_t size;
	uint64_t position, ns, random;
};

static void ring_put(struct dump_writer *writer, struct ring *ring, unsigned number, uint16_t event,
		     const struct slot *slots, size_t nslots, bool last)
{
	ring->size += record_put(ring->bytes + ring->size, ring->ns, 0, event, slots, nslots);
	if (ring->size + 2048 < sizeof ring->bytes && !last)
		return;
	struct dump_chunk chunk = {number + 1, 100 + number, ring->position,
				   ring->position + ring->size};
	cr_assert_eq(chunk_put(writer, &chunk, ring->bytes), 0);
	ring->position += ring->size;
	ring->size = 0;
}

static uint64_t next_random(struct ring *ring)
{
	ring->random = ring->random * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return ring->random >> 33;
}

/* A span of five events: 20 us to some hundred us, each 1009th takes 100 times as long and fails.
 */
static void put_span(struct dump_writer *writer, struct ring *ring, struct made *made, uint64_t id,
		     bool last)
{
	char note[64];
	bool fails = id % 1009 == 5;
	uint64_t duration = (20000 + next_random(ring) % 300000) * (fails ? 100 : 1);
	unsigned number = (unsigned)(id % RINGS);
	snprintf(note, sizeof note, "work item %llu", (unsigned long long)(id * 7));
	struct slot slots[] = {slot_u64(K_ID, id), slot_text(K_NOTE, note)};
	struct slot elapsed = slot_u64(K_ELAPSED, duration);
	elapsed.type = RILL_TYPE_DURATION;
	ring->ns += 1000 + next_random(ring) % 1000;
	ring_put(writer, ring, number, H_START, slots, 1, false);
	for (int i = 0; i < 3; i++) {
		ring->ns += duration / 4;
		ring_put(writer, ring, number, i == 1 && fails ? H_FAIL : H_WORK, slots, 2, false);
	}
	ring->ns += duration - duration / 4 * 3;
	slots[1] = elapsed;
	ring_put(writer, ring, number, H_END, slots, 2, last);
	made->spans++;
	made->events += 5;
	made->fails += fails;
	made->hundred_to_200us += duration >= 100000 && duration < 200000;
	if (duration > made->longest_ns) {
		made->longest_ns = duration;
		made->longest_id = id;
	}
}

static struct dump_writer *create_part(const char *folder, const char *program, unsigned part)
{
	struct dump_process process = {.pid = 4711,
				       .part = part,
				       .id = {5, 6},
				       .start_ns = START_NS,
				       .begun_ns = START_NS + part,
				       .program = program};
	const struct clock_point clock = {.ns = START_NS, .rate = (uint64_t)1 << 32};
	struct dump_writer *writer;
	char error[256];
	cr_assert_eq(dump_create(&writer, folder, &process, error, sizeof error), 0, "%s", error);
	cr_assert_eq(dump_put_catalog(writer, 0, &catalog), 0);
	cr_assert_eq(dump_put_clock(writer, &clock), 0);
	return writer;
}

static struct dump_writer *create(const char *folder, const char *program)
{
	return create_part(folder, program, 0);
}

static struct made make_spans(const char *folder, uint64_t count)
{
	struct made made = {0};
	struct dump_writer *writer = create(folder, "worker");
	struct ring *rings = calloc(RINGS, sizeof *rings);
	cr_assert(rings);
	for (unsigned i = 0; i < RINGS; i++)
		rings[i].random = i + 1;
	for (uint64_t id = 0; id < count; id++)
		put_span(writer, &rings[id % RINGS], &made, id, id + RINGS >= count);
	struct dump_count counts[] = {{0, H_WORK, made.spans * 3 - made.fails, 9, 0, 0, 0},
				      {0, H_NEVER, 0, 0, 1200, 30, 4}};
	cr_assert_eq(dump_put_counts(writer, counts, 2, 0, NULL), 0);
	cr_assert_eq(dump_close(writer), 0);
	free(rings);
	return made;
}

/* --- looking at a page --------------------------------------------------------------------------
 */

static char *browse(const char *mode, const char *page, const char *event, const char *span)
{
	const struct run_options options = {.timeout_ms = 110000};
	struct run_result run =
		RUN(&options, "node", format("%s/report.mjs", TEST_NODE), mode, page, event, span);
	cr_assert_eq(run.code, 0, "%s%s", run.out, run.err);
	return run.out;
}

/* What the page says of it: "NAME: VALUE". */
static char *said(const char *facts, const char *name)
{
	char *line = format("\n%s: ", name), *with = format("\n%s", facts);
	char *at = strstr(with, line);
	cr_assert(at, "nothing is said of \"%s\":\n%s", name, facts);
	at += strlen(line);
	at[strcspn(at, "\n")] = 0;
	return at;
}

#define expect_fact(facts, name, value) cr_expect_str_eq(said(facts, name), value, "%s", name)

static const char *grouped(uint64_t n)
{
	if (n < 1000)
		return format("%llu", (unsigned long long)n);
	return format("%s,%03u", grouped(n / 1000), (unsigned)(n % 1000));
}

static struct run_result report(const char *folder, const char *option, const char *page)
{
	struct run_result run =
		RUN(NULL, built("rill"), "report", option, "-o", page, format("%s/dump", folder));
	return run;
}

/* Nothing of the page may come from or go to elsewhere, and nothing may go wrong in it. */
static void expect_calm(const char *facts)
{
	expect_fact(facts, "requests", "none");
	expect_fact(facts, "dialogs", "0");
	expect_fact(facts, "errors", "none");
	expect_fact(facts, "elements made by data", "0");
	cr_expect(!strstr(facts, "wider than a telephone"), "%s", facts);
}

static void expect_keyboard(const char *facts)
{
	expect_fact(facts, "zoomed to", "0.216");
	expect_fact(facts, "moved later", "true");
	expect_fact(facts, "event selected", "1");
	expect_fact(facts, "span is all of the view", "true");
	expect_fact(facts, "dark by key", "dark true");
	expect_fact(facts, "dark by preference", "dark");
	expect_fact(facts, "zone by key", "Local");
	expect_fact(facts, "help", "true");
	expect_fact(facts, "after latency", "tab-losses");
	const char *zoomed = said(facts, "events zoomed"),
		   *counted = said(facts, "events zoomed, counted");
	cr_expect(strncmp(zoomed, counted, strlen(counted)) == 0 && zoomed[strlen(counted)] == ' ',
		  "%s, not %s", zoomed, counted);
}

/* --- the mail server
 * ------------------------------------------------------------------------------ */

/* Each event and span with its values, as `rill cat` prints them, in the form of report.mjs. */
static const char *const lines_of_json =
	"def plain: to_entries | map(select(.value | type | . != \"array\" and . != \"object\")"
	" | \"\\(.key)=\\(.value)\") | join(\",\");"
	"if .kind == \"event\" then [\"event\", .time, .event, .pid, .tid, .span.id // \"\","
	" (.keys | plain)]"
	" else [\"span\", .start.time, .duration, .span.name, .state, .span.id,"
	" .span.parent // \"\", .span.trace, .events] end";

Test(report, page_of_the_mail_server_is_what_cat_prints, .timeout = 180)
{
	char *folder = folder_make(), *page = format("%s/page.html", folder);
	setenv("RILL_SINKS", format("dump:%s/dump", folder), 1);
	setenv("RILL_FILTER", "*=trace", 1);
	struct smtp_server server = SMTP_START(NULL);
	struct run_result run =
		RUN(NULL, "/usr/sbin/smtp-source", "-s", "4", "-m", "100", "-l", "2000", "-f",
		    "a@example.org", "-t", "b@example.org", format("127.0.0.1:%u", server.port));
	cr_assert_eq(run.code, 0, "%s", run.err);
	cr_assert_eq(smtp_stop(&server), 0);
	smtp_clean(&server);
	run = report(folder, "--level=trace", page);
	cr_assert_eq(run.code, 0, "%s", run.err);

	run = RUN(NULL, "sh", "-c", "\"$0\" cat -f json \"$1\" | jq -c \"$2\" | LC_ALL=C sort",
		  built("rill"), format("%s/dump", folder), lines_of_json);
	cr_assert_eq(run.code, 0, "%s", run.err);
	char *lines = browse("lines", page, NULL, NULL);
	file_store_text(format("%s/page.lines", folder), lines);
	file_store_text(format("%s/cat.lines", folder), run.out);
	struct run_result compared =
		RUN(NULL, "sh", "-c", "LC_ALL=C sort \"$0/page.lines\" | diff - \"$0/cat.lines\"",
		    folder);
	cr_expect_eq(compared.code, 0, "%.2000s", compared.out);

	size_t nevents = 0, nspans = 0;
	for (const char *at = run.out; *at; at += strcspn(at, "\n") + 1) {
		nevents += strncmp(at, "[\"event\"", 8) == 0;
		nspans += strncmp(at, "[\"span\"", 7) == 0;
	}
	cr_expect_gt(nevents, 2000);
	char *facts = browse("facts", page, "rcpt to", "smtp.connection");
	expect_calm(facts);
	expect_keyboard(facts);
	expect_fact(facts, "title", "smtpd \xe2\x80\x93 rill report");
	expect_fact(facts, "tile Events", grouped(nevents));
	expect_fact(facts, "tile Spans", grouped(nspans));
	expect_fact(facts, "tile Lost events", "0");
	expect_fact(facts, "events", format("%s events", grouped(nevents)));
	expect_fact(facts, "spans", format("%s spans", grouped(nspans)));
	expect_fact(facts, "events found", "200 matches");
	expect_fact(facts, "spans found", format("100 of %s spans", grouped(nspans)));
	folder_remove(folder);
}

/* --- a million events
 * ------------------------------------------------------------------------------ */

Test(report, a_million_events, .timeout = 240)
{
	char *folder = folder_make(), *page = format("%s/page.html", folder);
	struct made made = make_spans(format("%s/dump", folder), 200000);
	cr_assert_eq(made.events, 1000000);
	struct run_result run = report(folder, "--limit=1000000", page);
	cr_assert_eq(run.code, 0, "%s", run.err);
	struct rusage usage;
	getrusage(RUSAGE_CHILDREN, &usage);
#ifndef __SANITIZE_ADDRESS__
	cr_expect_leq(usage.ru_maxrss, 256 * 1024, "%ld KiB", usage.ru_maxrss);
#endif

	/* The words are searched in every one of them. */
	char *facts = browse("facts", page, "item id=71", "id=71");
	expect_calm(facts);
	expect_keyboard(facts);
	expect_fact(facts, "tile Events", "1,000,000");
	expect_fact(facts, "tile Spans", "200,000");
	expect_fact(facts, "tile Warnings, errors", grouped(made.fails));
	expect_fact(facts, "tile Lost events", "1,234");
	expect_fact(facts, "events", "1,000,000 events");
	expect_fact(facts, "spans", "200,000 spans");
	/* 71, 710 to 719, and so on up to 71999, in three events each that have a note. */
	expect_fact(facts, "events found", "3,333 matches");
	expect_fact(facts, "spans found", "1,111 of 200,000 spans");
	char *slowest = said(facts, "slowest");
	cr_expect(strstr(slowest, format("h.span %llu, ", (unsigned long long)made.longest_id)),
		  "%s instead of %llu", slowest, (unsigned long long)made.longest_id);
	expect_fact(facts, "account",
		    "1,001,243 emitted = 1,000,000 written + 9 filtered + 1,200 discarded + 30 "
		    "overwritten + 4 failed");
	expect_fact(facts, "histograms", "2");
	expect_fact(facts, "spans with a problem",
		    format("%s of 200,000 spans", grouped(made.fails)));
	int paint = atoi(said(facts, "first paint, ms"));
	cr_log_info("first paint after %d ms", paint);
	const char *tier = getenv("RILL_TEST_TIER");
	if (tier && strcmp(tier, "short") != 0)
		cr_expect_lt(paint, 2000);
	folder_remove(folder);
}

/* Beyond the limit: counts are of all, and the details are those that matter. */
Test(report, a_part_of_the_details, .timeout = 120)
{
	char *folder = folder_make(), *page = format("%s/page.html", folder);
	struct made made = make_spans(format("%s/dump", folder), 40000);
	struct run_result run = report(folder, "--limit=20000", page);
	cr_assert_eq(run.code, 0, "%s", run.err);
	char *facts = browse("facts", page, "h.fail",
			     format("id=%llu", (unsigned long long)made.longest_id));
	expect_calm(facts);
	expect_keyboard(facts);
	expect_fact(facts, "tile Events", grouped(made.events));
	expect_fact(facts, "tile Spans", grouped(made.spans));
	cr_expect(strstr(said(facts, "notices"), "those of all 200,000 events"), "%s",
		  said(facts, "notices"));
	expect_fact(facts, "events found", format("%llu matches", (unsigned long long)made.fails));
	char *slowest = said(facts, "slowest");
	cr_expect(strstr(slowest, format("h.span %llu, ", (unsigned long long)made.longest_id)),
		  "%s", slowest);
	/* About as many as asked for, in whole traces but for errors. */
	int shown =
		1000 * atoi(said(facts, "events")) + atoi(strchr(said(facts, "events"), ',') + 1);
	cr_expect(shown > 15000 && shown < 25000, "%d", shown);
	struct stat status;
	stat(page, &status);
	run = report(folder, "--limit=1000000", page);
	struct stat whole;
	stat(page, &whole);
	cr_expect_lt(status.st_size, whole.st_size / 3);
	folder_remove(folder);
}

/* Two files of one process: what it counted goes on from the first to the second. */
Test(report, counts_of_several_files_of_a_process)
{
	char *folder = folder_make(), *page = format("%s/page.html", folder);
	for (unsigned part = 0; part < 2; part++) {
		struct dump_writer *writer = create_part(format("%s/dump", folder), "worker", part);
		unsigned char bytes[256];
		struct slot slot = slot_u64(K_ID, part);
		size_t size = record_put(bytes, part * 1000, 0, H_WORK, &slot, 1);
		struct dump_chunk chunk = {1, 71, 1000 * part, 1000 * part + size};
		cr_assert_eq(chunk_put(writer, &chunk, bytes), 0);
		struct dump_count count = {0, H_WORK, 1 + part, 3, 10 + 5 * part, 0, 0};
		cr_assert_eq(dump_put_counts(writer, &count, 1, 7, NULL), 0);
		cr_assert_eq(dump_close(writer), 0);
	}
	struct run_result run = report(folder, "--limit=10", page);
	cr_assert_eq(run.code, 0, "%s", run.err);
	run = RUN(NULL, "sh", "-c",
		  "sed -n 's/.*id=\"summary\">\\(.*\\)<.script>/\\1/p' \"$0\" | jq -c '[.total, "
		  ".valuesCut, "
		  "(.processes | length), (.files | length), "
		  "(.events[] | select(.[1] == \"h.work\") | .[8:10])]'",
		  page);
	cr_expect_str_eq(run.out, "[2,7,1,2,[3,15]]\n", "%s", run.err);
	folder_remove(folder);
}

/* --- data that means harm
 * --------------------------------------------------------------------------- */

Test(report, hostile_text_is_text, .timeout = 120)
{
	char *folder = folder_make(), *page = format("%s/page.html", folder);
	struct dump_writer *writer = create(format("%s/dump", folder), HOSTILE);
	unsigned char bytes[4096];
	const char strange[] = "\x1b[31m\xff\xfe\n\t\xc2\x85 end" HOSTILE;
	struct slot slots[] = {slot_u64(K_ID, 1), slot_text(K_NOTE, HOSTILE)};
	size_t size = record_put(bytes, 1000, 0, H_START, slots, 2);
	slots[1] = slot_text(K_NOTE, strange);
	size += record_put(bytes + size, 2000000, 0, H_FAIL, slots, 2);
	struct dump_chunk chunk = {1, 71, 0, size};
	cr_assert_eq(chunk_put(writer, &chunk, bytes), 0);
	struct dump_epoch epoch = {0, 1, HOSTILE};
	cr_assert_eq(dump_put_epoch(writer, &epoch), 0);
	cr_assert_eq(dump_close(writer), 0);
	struct run_result run = report(folder, "--event=*", page);
	cr_assert_eq(run.code, 0, "%s", run.err);

	char *facts = browse("facts", page, "note=</script>", "note=</script>");
	expect_calm(facts);
	expect_fact(facts, "events found", "1 match");
	expect_fact(facts, "spans found", "1 of 1 span");
	cr_expect(strstr(said(facts, "first found"), HOSTILE_SHOWN), "%s",
		  said(facts, "first found"));
	cr_expect(strstr(said(facts, "side"), HOSTILE_SHOWN), "%s", said(facts, "side"));
	cr_expect(strstr(said(facts, "catalog"), HOSTILE_SHOWN), "%s", said(facts, "catalog"));
	cr_expect(strstr(said(facts, "title"), HOSTILE_SHOWN), "%s", said(facts, "title"));
	char *lines = browse("lines", page, NULL, NULL);
	cr_expect(strstr(lines, "\\\\u{1b}[31m\\\\xff\\\\xfe\\n\\\\t\\\\u{85} end</script>"), "%s",
		  lines);
	folder_remove(folder);
}

/* --- what the command leaves behind
 * ------------------------------------------------------------------- */

Test(report, half_a_page_is_none, .timeout = 120)
{
	char *folder = folder_make(), *out = format("%s/out", folder);
	make_spans(format("%s/dump", folder), 100000);
	cr_assert_eq(mkdir(out, 0700), 0);
	char *page = format("%s/page.html", out);
	file_store_text(page, "the one before");
	struct run_result run = RUN(NULL, "timeout", "-s", "INT", "--preserve-status", "0.3",
				    built("rill"), "report", "-o", page, format("%s/dump", folder));
	cr_expect_eq(run.code, 128 + 2, "%d %s", run.code, run.err);
	cr_expect_str_eq(run.err, "");
	run = RUN(NULL, "ls", out);
	cr_expect_str_eq(run.out, "page.html\n");
	cr_expect_str_eq(file_load(page, NULL), "the one before");

	run = report(folder, "--event=nothing", page);
	cr_expect_eq(run.code, 1);
	cr_expect_str_eq(run.err, "rill: nothing found\n");
	cr_expect_str_eq(file_load(page, NULL), "the one before");
	/* A full disk. */
	run = report(folder, "--level=info", "/dev/full");
	cr_expect_eq(run.code, 1);
	cr_expect(strstr(run.err, "No space left on device"), "%s", run.err);
	run = RUN(NULL, "sh", "-c", "\"$0\" report -o - \"$1\" | head -c 15", built("rill"),
		  format("%s/dump", folder));
	cr_expect_str_eq(run.out, "<!doctype html>");
	cr_expect_str_eq(run.err, "");
	folder_remove(folder);
}

Test(report, usage_is_told)
{
	static const char *const wrong[][2] = {{"--limit=0", "x"},
					       {"--limit=many", "x"},
					       {"--level=loud", "x"},
					       {"--nothing", "x"}};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct run_result run =
			RUN(NULL, built("rill"), "report", wrong[i][0], wrong[i][1]);
		cr_expect_eq(run.code, 2, "%s: %d", wrong[i][0], run.code);
		cr_expect(strstr(run.err, "help"), "%s", run.err);
	}
	struct run_result run = RUN(NULL, built("rill"), "report");
	cr_expect_eq(run.code, 2);
	run = RUN(NULL, built("rill"), "report", "--help");
	cr_expect_eq(run.code, 0);
	cr_expect(strncmp(run.out, "usage: rill report", 18) == 0);
}
