/* rill spans: the traces it shows are those that come out of the lines of rill cat. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/chunks.h"
#include "../support/files.h"
#include "../support/random_trace.h"
#include "../support/records.h"
#include "../support/run.h"
#include "dump/dump.h"

static const char *const environment[] = {"COLUMNS=72", "LC_ALL=C.UTF-8", "TZ=UTC", NULL};

#define RILL(folder, ...)                                                                          \
	RUN((&(struct run_options){.directory = (folder), .env = environment}), built("rill"),     \
	    __VA_ARGS__)

static void write_trace(const char *folder, const char *file, uint64_t seed, size_t records)
{
	random_trace_write(&(struct random_trace){.folder = folder,
						  .file = file,
						  .seed = seed,
						  .pid = (uint32_t)(100 * seed),
						  .records = records});
}

static void check(const char *folder, const char *paths, unsigned limit, const char *name,
		  unsigned least_depth)
{
	struct run_options options = {.directory = folder, .env = environment};
	char *only = *name == '-' ? "" : format("--name=%s", name);
	char *script = format("set -e; %s spans --tree --ascii --limit=%u %s %s >tree; "
			      "%s cat --format=json %s >lines; python3 %s %u '%s' tree <lines",
			      built("rill"), limit, only, paths, built("rill"), paths,
			      source("tests/cli/spans_check.py"), limit, name);
	struct run_result r = RUN(&options, "sh", "-c", script);
	cr_assert_eq(r.code, 0, "%s%s", r.out, r.err);
	unsigned found, depth;
	cr_assert_eq(sscanf(r.out, "%u %u", &found, &depth), 2, "%s", r.out);
	cr_assert(found > 0 && found <= limit);
	cr_assert_geq(depth, least_depth, "%u of %s, %s: depth %u", limit, paths, name, depth);
}

Test(spans, trees_are_those_of_the_lines)
{
	for (uint64_t seed = 1; seed <= 4; seed++) {
		char *folder = folder_make();
		write_trace(folder, "a.rill", seed, 1500 * seed);
		check(folder, "a.rill", 1, "-", 0);
		check(folder, "a.rill", 7, "-", 0);
		check(folder, "a.rill", 1000, "-", 2);
		check(folder, "a.rill", 7, "idle", 1);
	}
}

Test(spans, trees_of_several_processes)
{
	char *folder = folder_make();
	write_trace(folder, "a.rill", 5, 3000);
	write_trace(folder, "b.rill", 6, 3000);
	check(folder, ".", 50, "-", 1);
	check(folder, "b.rill a.rill", 50, "conn", 1);
}

static void put_in(struct dump_writer *writer, uint64_t ring, uint64_t *position, uint64_t ns,
		   uint16_t event, uint64_t id)
{
	unsigned char bytes[256];
	struct slot slot = slot_u64(KEY_ID, id);
	size_t size = record_put(bytes, ns, 0, event, &slot, 1);
	struct dump_chunk chunk = {ring, 71, *position, *position + size};
	cr_assert_eq(chunk_put(writer, &chunk, bytes), 0);
	*position += size;
}

static void put(struct dump_writer *writer, uint64_t *position, uint64_t ns, uint16_t event,
		uint64_t id)
{
	put_in(writer, 1, position, ns, event, id);
}

static struct dump_writer *begin_dump(const char *folder)
{
	struct dump_process process = {
		.pid = 4711, .id = {5, 6}, .start_ns = RANDOM_TRACE_START_NS, .program = "smtpd"};
	const struct clock_point clock = {0, RANDOM_TRACE_START_NS, (uint64_t)1 << 32, 0, 0};
	char error[256];
	struct dump_writer *writer;
	cr_assert_eq(dump_create(&writer, folder, &process, error, sizeof error), 0, "%s", error);
	cr_assert_eq(rename(dump_path(writer), format("%s/x.rill", folder)), 0);
	cr_assert_eq(dump_put_catalog(writer, 0, &records_catalog), 0);
	cr_assert_eq(dump_put_clock(writer, &clock), 0);
	return writer;
}

/* One connection with two idle spans of which the second is open at the end; and an end without a
 * start. */
static char *make_example(void)
{
	char *folder = folder_make();
	struct dump_writer *writer = begin_dump(folder);
	uint64_t position = 0;
	put(writer, &position, 1000, EVENT_CONN_START, 1);
	put(writer, &position, 251000, EVENT_IDLE_START, 1);
	put(writer, &position, 506000, EVENT_IDLE_END, 1);
	put(writer, &position, 751000, EVENT_IDLE_START, 1);
	put(writer, &position, 901000, EVENT_WORK, 1);
	put(writer, &position, 901500, EVENT_IDLE_END, 2);
	put(writer, &position, 1001000, EVENT_CONN_END, 1);
	cr_assert_eq(dump_close(writer), 0);
	return folder;
}

/* The ids are hashes. */
static void hide_ids(char *text)
{
	for (char *at = text; *at;) {
		size_t digits = strspn(at, "0123456789abcdef");
		if (digits == 16 || digits == 32)
			memset(at, 'x', digits);
		at += digits ? digits : 1;
	}
}

Test(spans, tree_and_waterfall_as_they_look)
{
	char *folder = make_example();
	struct run_result r = RILL(folder, "spans", "--tree", "--limit=1", "x.rill");
	hide_ids(r.out);
	static const char tree[] =
		"trace xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx  2023-11-14 22:13:20.000001000 UTC  smtpd, "
		"pid 4711  3 spans in 1.000 ms\n"
		"SPAN     DURATION      AFTER  EVENTS  STATE      SPAN ID           KEY\n"
		"conn     1.000 ms       0 ns       6  ended      xxxxxxxxxxxxxxxx  id=1\n"
		"├─idle   255.0 us   250.0 us       2  ended      xxxxxxxxxxxxxxxx  id=1\n"
		"└─idle   250.0 us   750.0 us       3  open       xxxxxxxxxxxxxxxx  id=1\n";
	cr_expect_str_eq(r.out, tree, "%s", r.out);
	r = RILL(folder, "spans", "--waterfall", "--ascii", "x.rill");
	hide_ids(r.out);
	static const char waterfall[] =
		"trace xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx  2023-11-14 22:13:20.000001000 UTC  smtpd, "
		"pid 4711  3 spans in 1.000 ms\n"
		"conn id=1     1.000 ms  ################################################\n"
		"|-idle id=1   255.0 us              #############\n"
		"`-idle id=1   250.0 us                                      ~~~~~~~~~~~~\n"
		"\n"
		"trace xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx  2023-11-14 22:13:20.000901500 UTC  smtpd, "
		"pid 4711  1 span in 0 ns\n"
		"idle id=2       0 ns  <\n";
	cr_expect_str_eq(r.out, waterfall, "%s", r.out);
}

static size_t lines(const char *text)
{
	size_t count = 0;
	for (; *text; text++)
		count += *text == '\n';
	return count;
}

Test(spans, chosen_by_id_state_and_number)
{
	char *folder = make_example();
	struct run_result r = RILL(folder, "spans", "--open", "x.rill");
	cr_expect(strstr(r.out, "\n1 span, 1 open\n"), "%s", r.out);
	r = RILL(folder, "spans", "--slowest=1", "--sort=start", "--slowest=2", "x.rill");
	cr_expect(strstr(r.out, "4 spans, 2 shown"), "%s", r.out);
	char *row = strstr(r.out, "conn");
	cr_assert(row);
	char *id = strstr(row, "ended") + 11;
	r = RILL(folder, "spans", format("--span=%.16s", id), "x.rill");
	cr_expect(strstr(r.out, "3 spans, 1 open"), "%s", r.out);
	r = RILL(folder, "spans", "--tree", format("--span=%.16s", id), "x.rill");
	cr_expect_eq(lines(r.out), 5, "%s", r.out);
	/* Of an inner span what is below it, and nothing else. */
	char *inner = strstr(strstr(r.out, "idle") + 1, "idle");
	id = strstr(inner, "open") + 11;
	r = RILL(folder, "spans", "--tree", format("--span=%.16s", id), "x.rill");
	cr_expect_eq(lines(r.out), 3, "%s", r.out);
	cr_expect(strstr(r.out, "\nidle"), "%s", r.out);
	r = RILL(folder, "spans", "--waterfall", "x.rill");
	char *trace = format("--span=%.32s", r.out + 6);
	r = RILL(folder, "spans", trace, "x.rill");
	cr_expect(strstr(r.out, "3 spans, 1 open"), "%s", r.out);
	r = RILL(folder, "spans", "--where=@duration < 1ms && id == 1", "x.rill");
	cr_expect(strstr(r.out, "2 spans, 1 open"), "%s", r.out);
	r = RILL(folder, "spans", "--tree", "--where=@duration < 1ms && id == 1", "x.rill");
	cr_expect_eq(lines(r.out), 5, "%s", r.out);
	r = RILL(folder, "spans", "--since=@1700000000.00095", "x.rill");
	cr_expect(strstr(r.out, "\n2 spans, 1 open\n"), "%s", r.out);
	cr_expect(strstr(r.out, "  -  ended"), "%s", r.out);
	r = RILL(folder, "spans", "--where=@duration <", "x.rill");
	cr_expect_eq(r.code, 2);
	r = RILL(folder, "spans", "--tree", "--span=0123456789abcdef", "x.rill");
	cr_expect_eq(r.code, 1);
	cr_expect_str_eq(r.err, "rill: x.rill: no spans that match\n");
}

/* An end that comes before its start, of the same time on another thread, is told of twice: the
 * trace has it once, and whole. */
Test(spans, headless_and_then_whole)
{
	char *folder = folder_make();
	struct dump_writer *writer = begin_dump(folder);
	uint64_t positions[2] = {0, 0};
	put_in(writer, 1, &positions[0], 5000, EVENT_CONN_END, 9);
	put_in(writer, 2, &positions[1], 5000, EVENT_CONN_START, 9);
	cr_assert_eq(dump_close(writer), 0);
	struct run_result r = RILL(folder, "spans", "x.rill");
	cr_expect(strstr(r.out, "2 spans, 1 headless"), "%s", r.out);
	r = RILL(folder, "spans", "--tree", "x.rill");
	cr_expect(strstr(r.out, "1 span in 0 ns"), "%s", r.out);
	cr_expect(strstr(r.out, "  ended  "), "%s", r.out);
	cr_expect_not(strstr(r.out, "headless"), "%s", r.out);
}
