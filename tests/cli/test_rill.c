/* The rill command: what it prints, says and returns. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../support/blocks.h"
#include "../support/chunks.h"
#include "../support/files.h"
#include "../support/records.h"
#include "../support/run.h"
#include "dump/dump.h"

#define NANOSECONDS UINT64_C(1700000000000000000)

static const char *const environment[] = {"COLUMNS=110", "LC_ALL=C.UTF-8", "TZ=UTC", NULL};

struct fixture {
	char *folder;
	char *rill;
	struct run_options options;
};

static void put(struct dump_writer *writer, uint64_t *position, uint64_t ns, uint16_t event,
		const struct slot *slots, size_t nslots)
{
	unsigned char bytes[1024];
	size_t size = record_put(bytes, ns, 0, event, slots, nslots);
	struct dump_chunk chunk = {1, 71, *position, *position + size};
	cr_assert_eq(chunk_put(writer, &chunk, bytes), 0);
	*position += size;
}

/* x.rill: three connections, one of them with an idle span, one without an end. */
static void make_dump(const char *folder, bool more)
{
	struct dump_process process = {
		.pid = 4711, .id = {5, 6}, .start_ns = NANOSECONDS, .program = "smtpd"};
	const struct clock_point clock = {0, NANOSECONDS, (uint64_t)1 << 32, 0, 0};
	const unsigned char ip[4] = {192, 0, 2, 1};
	struct dump_writer *writer;
	char error[256];
	uint64_t position = 0;
	cr_assert_eq(dump_create(&writer, folder, &process, error, sizeof error), 0, "%s", error);
	cr_assert_eq(rename(dump_path(writer), format("%s/x.rill", folder)), 0);
	cr_assert_eq(dump_put_catalog(writer, 0, &records_catalog), 0);
	cr_assert_eq(dump_put_clock(writer, &clock), 0);
	for (uint64_t id = 1; more && id <= 3; id++) {
		struct slot slots[] = {slot_u64(KEY_ID, id), slot_ip4(KEY_REMOTE_IP, ip),
				       slot_text(KEY_NOTE, "a \"forged\"\nline")};
		uint64_t ns = id * 1000000000;
		put(writer, &position, ns, EVENT_CONN_START, slots, 2);
		if (id == 1)
			put(writer, &position, ns + 1500, EVENT_IDLE_START, slots, 1);
		if (id == 1)
			put(writer, &position, ns + 2750, EVENT_IDLE_END, slots, 1);
		slots[1] = slots[2];
		put(writer, &position, ns + 400000, EVENT_WORK, slots, 2);
		if (id < 3)
			put(writer, &position, ns + id * 600000, EVENT_CONN_END, slots, 1);
	}
	struct dump_count counts[] = {
		{0, EVENT_WORK, 3, 9, 4, 0, 0},     {0, EVENT_CONN_START, 3, 0, 0, 0, 0},
		{0, EVENT_CONN_END, 2, 0, 0, 0, 0}, {0, EVENT_IDLE_START, 1, 0, 0, 0, 0},
		{0, EVENT_IDLE_END, 1, 0, 0, 0, 0}, {0, EVENT_JOB_START, 0, 0, 0, 0, 1},
		{0, EVENT_JOB_END, 0, 8, 0, 0, 0}};
	cr_assert_eq(dump_put_counts(writer, counts, 7, 2, NULL), 0);
	struct dump_epoch epoch = {0, 1, "*=info,\x1b[31mconn.*=trace"};
	cr_assert_eq(dump_put_epoch(writer, &epoch), 0);
	cr_assert_eq(dump_close(writer), 0);
}

/* long.rill: 5,000 records. */
static void make_long_dump(const char *folder)
{
	struct dump_process process = {
		.pid = 4712, .id = {7, 8}, .start_ns = NANOSECONDS, .program = "long"};
	const struct clock_point clock = {0, NANOSECONDS, (uint64_t)1 << 32, 0, 0};
	struct slot slot = slot_u64(KEY_ID, 1);
	struct dump_writer *writer;
	char error[256];
	uint64_t position = 0;
	cr_assert_eq(dump_create(&writer, folder, &process, error, sizeof error), 0, "%s", error);
	cr_assert_eq(rename(dump_path(writer), format("%s/long.rill", folder)), 0);
	cr_assert_eq(dump_put_catalog(writer, 0, &records_catalog), 0);
	cr_assert_eq(dump_put_clock(writer, &clock), 0);
	for (uint64_t i = 0; i < 5000; i++)
		put(writer, &position, i, EVENT_WORK, &slot, 1);
	cr_assert_eq(dump_close(writer), 0);
}

static struct fixture begin(void)
{
	struct fixture fixture = {.folder = folder_make(), .rill = built("rill")};
	make_dump(fixture.folder, true);
	fixture.options = (struct run_options){.directory = fixture.folder, .env = environment};
	return fixture;
}

#define RILL(fixture, ...) RUN(&(fixture).options, (fixture).rill, __VA_ARGS__)

static size_t count(const char *text, const char *what)
{
	size_t found = 0;
	for (; (text = strstr(text, what)); text += strlen(what))
		found++;
	return found;
}

static void cut(const struct fixture *fixture, size_t less)
{
	char *path = format("%s/x.rill", fixture->folder);
	size_t size;
	free(file_load(path, &size));
	cr_assert_eq(truncate(path, (off_t)(size - less)), 0);
}

Test(rill, usage_is_told_and_has_code_2)
{
	struct fixture f = begin();
	static const char *const wrong[][4] = {
		{"cat", NULL},
		{"cat", "--format=xml", "x.rill"},
		{"cat", "--level=loud", "x.rill"},
		{"cat", "--span=12", "x.rill"},
		{"cat", "--since=yesterday", "x.rill"},
		{"cat", "--key=spanId", "x.rill"},
		{"cat", "--nothing", "x.rill"},
		{"spans", NULL},
		{"spans", "--span=12", "x.rill"},
		{"spans", "--sort=name", "x.rill"},
		{"spans", "--limit=-1", "x.rill"},
		{"stats", "--nothing", "x.rill"},
		{"diff", "x.rill", NULL},
		{"export", "--to=yaml", "x.rill"},
		{"info", NULL},
		{"verify", "--nothing", "x.rill"},
		{"catalog", "find", "x"},
		{"catalog", "explain", NULL},
		{"nothing", NULL},
	};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct run_result r = RILL(f, wrong[i][0], wrong[i][1], wrong[i][2]);
		cr_expect_eq(r.code, 2, "%s %s: %d", wrong[i][0], wrong[i][1], r.code);
		cr_expect_eq(r.out_bytes, 0);
		cr_expect(strstr(r.err, "help"), "%s", r.err);
		run_free(&r);
	}
	struct run_result r = RUN(&f.options, f.rill);
	cr_expect_eq(r.code, 2);
	r = RILL(f, "spans", "--nothing");
	cr_expect_str_eq(r.err, "rill spans: unrecognized option '--nothing'\n"
				"`rill spans --help` says how it is used\n");
	r = RILL(f, "export", "--to=yaml", "x.rill");
	cr_expect(strstr(r.err, "\"yaml\"; there are ctf, perfetto, "), "%s", r.err);
	cr_expect(strstr(r.err, " and csv\n"), "%s", r.err);
	r = RILL(f, "cat", "--since=yesterday", "x.rill");
	cr_expect(strstr(r.err, "\"yesterday\" is no time, as 2026-"), "%s", r.err);
	r = RILL(f, "spasn");
	cr_expect_eq(r.code, 2);
	cr_expect_str_eq(r.err, "rill: there is no command \"spasn\"; did you mean \"spans\"?\n");
}

Test(rill, help_and_version)
{
	struct fixture f = begin();
	static const char *const commands[] = {"cat",  "spans",  "stats",  "diff",
					       "info", "verify", "catalog"};
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		struct run_result help = RILL(f, commands[i], "--help");
		struct run_result same = RILL(f, "help", commands[i]);
		char *usage = format("usage: rill %s ", commands[i]);
		cr_expect_eq(help.code, 0);
		cr_expect_eq(strncmp(help.out, usage, strlen(usage)), 0, "%s", help.out);
		cr_expect(strstr(help.out, "Exit codes: "));
		cr_expect_str_eq(help.out, same.out);
		cr_expect_eq(help.err_bytes, 0);
	}
	struct run_result r = RILL(f, "--version");
	cr_expect(r.code == 0 && strncmp(r.out, "rill ", 5) == 0);
	r = RILL(f, "help");
	cr_expect(r.code == 0 && strstr(r.out, "  catalog "));
}

Test(rill, cat_prints_every_record_and_span)
{
	struct fixture f = begin();
	struct run_result r = RILL(f, "cat", "x.rill");
	cr_expect_eq(r.code, 0, "%s", r.err);
	cr_expect_str_empty(r.err);
	cr_expect_eq(count(r.out, "\n"), 10 + 4);
	cr_expect_eq(count(r.out, "conn.work"), 3);
	cr_expect_eq(count(r.out, "2023-11-14T22:13:21.000400000"), 1);
	cr_expect_eq(count(r.out, "\x1b"), 0);
	r = RILL(f, "cat", "--color", "x.rill");
	cr_expect_geq(count(r.out, "\x1b["), 10);
	r = RILL(f, "cat", "--format=json", ".");
	cr_expect_eq(r.code, 0, "%s", r.err);
	cr_expect_eq(count(r.out, "\n"), 10 + 4);
	cr_expect_eq(count(r.out, "{\"kind\":\"event\""), 10);
	r = RILL(f, "cat", "--multiline", "x.rill");
	cr_expect_gt(count(r.out, "\n"), 30);
}

Test(rill, cat_selects)
{
	struct fixture f = begin();
	static const struct {
		const char *option;
		size_t lines;
	} cases[] = {
		{"--event=conn.w*", 3},
		{"--event=nothing", 0},
		{"--event=idle*", 3},
		{"--level=debug", 7 + 4},
		{"--level=info", 5 + 3},
		{"--key=id=1", 5 + 2},
		{"--key=remoteIp=192.0.2.1", 10 + 4},
		{"--key=note=x", 0},
		{"--since=@1700000002", 5 + 2},
		{"--since=2023-11-14T22:13:22.5Z", 2 + 1},
		{"--since=2023-11-14T23:13:22.5+01:00", 2 + 1},
		{"--since=2023-11-14 22:13:23", 2 + 1},
		{"--until=2023-11-14T22:13:21.0000015", 1},
		{"--span=0123456789abcdef", 0},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct run_result r = RILL(f, "cat", cases[i].option, "x.rill");
		cr_expect_eq(count(r.out, "\n"), cases[i].lines, "%s: %s", cases[i].option, r.out);
		cr_expect_eq(r.code, cases[i].lines ? 0 : 1);
		if (!cases[i].lines)
			cr_expect_str_eq(r.err, "rill: nothing found\n");
		run_free(&r);
	}
	struct run_result r = RILL(f, "cat", "-e", "conn.*", "-e", "idle.*", "-k", "id=1");
	cr_expect_eq(r.code, 2);
	r = RILL(f, "cat", "-e", "conn.*", "-e", "idle.*", "-k", "id=1", "x.rill");
	cr_expect_eq(count(r.out, "\n"), 7);
}

Test(rill, cat_of_a_span_and_of_its_trace)
{
	struct fixture f = begin();
	struct run_result r = RILL(f, "spans", "--name=idle", "x.rill");
	char *line = strstr(r.out, "ended");
	cr_assert(line, "%s", r.out);
	char *id = format("--span=%.16s", line + 11);
	r = RILL(f, "cat", id, "x.rill");
	cr_expect_eq(count(r.out, "\n"), 3, "%s", r.out);
	r = RILL(f, "cat", "-e", "conn", "-k", "id=1", "x.rill");
	char *trace = strstr(r.out, "trace ");
	cr_assert(trace, "%s", r.out);
	r = RILL(f, "cat", format("--span=%.32s", trace + 6), "x.rill");
	cr_expect_eq(count(r.out, "\n"), 7, "%s", r.out);
}

/* Bytes from within the last chunk to the end of the file. */
static size_t cut_into_records(const struct fixture *f)
{
	size_t size, chunk = 0;
	const unsigned char *bytes =
		(unsigned char *)file_load(format("%s/x.rill", f->folder), &size);
	for (size_t at = 16; at < size - 64; at += 64 + (block_get(bytes + at + 8, 8) + 7) / 8 * 8)
		if (block_get(bytes + at + 4, 2) == 4)
			chunk = at;
	return size - chunk - 64 - 20;
}

Test(rill, damaged_dump_is_read_up_to_the_damage)
{
	struct fixture f = begin();
	cut(&f, 1);
	struct run_result r = RILL(f, "cat", "x.rill");
	cr_expect_eq(r.code, 1);
	cr_expect_eq(count(r.out, "\n"), 10 + 4);
	cr_expect(strstr(r.err, "rill: x.rill: cut at byte "), "%s", r.err);
	/* Into the last record. */
	cut(&f, cut_into_records(&f));
	r = RILL(f, "cat", "x.rill");
	cr_expect_eq(r.code, 1);
	cr_expect_lt(count(r.out, "\n"), 10 + 4);
	cr_expect_gt(count(r.out, "\n"), 5);
	r = RILL(f, "spans", "x.rill");
	cr_expect_eq(r.code, 1);
	cr_expect(strstr(r.out, "3 spans") || strstr(r.out, "4 spans"), "%s", r.out);
	cr_expect(strstr(r.err, "cut at byte "));
	r = RILL(f, "stats", "x.rill");
	cr_expect_eq(r.code, 1);
	cr_expect(strstr(r.out, "the dump has no end"));
	cr_expect(strstr(r.err, "cut at byte "));
}

Test(rill, what_is_no_dump_is_told)
{
	struct fixture f = begin();
	static const char *const commands[] = {"cat", "spans", "stats", "info", "verify"};
	static const struct {
		const char *name;
		const char *error;
	} cases[] = {
		{"missing", "rill: missing cannot be read: No such file or directory\n"},
		{"empty", "rill: empty is empty\n"},
		{"text", "rill: text is not a dump\n"},
		{"folder", "rill: folder holds no dump: no file there ends in .rill\n"},
	};
	file_store_text(format("%s/empty", f.folder), "");
	file_store_text(format("%s/text", f.folder), "some text, longer than any header is\n");
	run_command((const char *const[]){"mkdir", "folder", NULL}, &f.options);
	for (size_t i = 0; i < 4; i++) {
		for (size_t c = 0; c < 5; c++) {
			struct run_result r = RILL(f, commands[c], cases[i].name);
			cr_expect_eq(r.code, 1);
			cr_expect_str_eq(r.err, cases[i].error);
			cr_expect_eq(r.out_bytes, 0);
			run_free(&r);
		}
	}
	struct run_result r = RILL(f, "catalog", "-d", "empty");
	cr_expect(r.code == 1 && strstr(r.err, "is empty"));
	/* The others are still printed. */
	r = RILL(f, "cat", "text", "x.rill");
	cr_expect_eq(r.code, 1);
	cr_expect_eq(count(r.out, "\n"), 14);
}

Test(rill, reader_of_the_pipe_goes_away)
{
	struct fixture f = begin();
	/* More than a pipe holds. */
	make_long_dump(f.folder);
	char *script =
		format("{ %s cat long.rill; echo $? >code; } 2>errors | head -n 1 >/dev/null; "
		       "cat code errors",
		       f.rill);
	struct run_result r = RUN(&f.options, "sh", "-c", script);
	cr_expect_str_eq(r.out, "141\n");
}

Test(rill, full_disk_is_told)
{
	struct fixture f = begin();
	static const char *const commands[] = {"cat", "spans", "stats", "catalog"};
	for (size_t i = 0; i < 4; i++) {
		struct run_result r = RUN(
			&f.options, "sh", "-c",
			format("%s %s %s >/dev/full", f.rill, commands[i], i == 3 ? "" : "x.rill"));
		cr_expect_eq(r.code, 1, "%s: %s", commands[i], r.err);
		cr_expect(strstr(r.err, "rill: "), "%s", r.err);
		run_free(&r);
	}
}

Test(rill, spans_slowest_first)
{
	struct fixture f = begin();
	struct run_result r = RILL(f, "spans", "--ascii", "x.rill");
	cr_expect_eq(r.code, 0, "%s", r.err);
	/* The ids are hashes: another test says what holds for them. */
	for (char *id = r.out; (id = strstr(id, "ended      ")) || 0; id++)
		memcpy(id + 11, "0123456789abcdef", 16);
	char *open = strstr(r.out, "open       ");
	cr_assert(open, "%s", r.out);
	memcpy(open + 11, "0123456789abcdef", 16);
	static const char wanted[] =
		" DURATION                                  SPAN  2023-11-14 UTC      EVENTS  "
		"STATE      SPAN ID           KEY\n"
		" 1.200 ms  ##############################  conn  22:13:22.000000000       3  "
		"ended      0123456789abcdef  id=2\n"
		" 600.0 us  ###############                 conn  22:13:21.000000000       5  "
		"ended      0123456789abcdef  id=1\n"
		" 400.0 us  ##########                      conn  22:13:23.000000000       2  "
		"open       0123456789abcdef  id=3\n"
		" 1.250 us  #                               idle  22:13:21.000001500       2  "
		"ended      0123456789abcdef  id=1\n"
		"\n"
		"4 spans, 1 open\n";
	cr_expect_str_eq(r.out, wanted, "%s", r.out);
	r = RILL(f, "spans", "--sort=start", "--limit=2", "x.rill");
	cr_expect(strstr(r.out, "4 spans, 2 shown, 1 open"), "%s", r.out);
	cr_expect(strstr(r.out, "22:13:21.000000000") < strstr(r.out, "22:13:21.000001500"));
	cr_expect(strstr(r.out, "\xe2\x96\x88"));
	r = RILL(f, "spans", "--name=x*", "x.rill");
	cr_expect_eq(r.code, 1);
	cr_expect_str_eq(r.err, "rill: x.rill: no spans named x*\n");
}

Test(rill, stats_account_for_everything)
{
	struct fixture f = begin();
	struct run_result r = RILL(f, "stats", "--all", "x.rill");
	cr_expect_eq(r.code, 0, "%s", r.err);
	char *expected = file_load(source("tests/cli/stats.expected"), NULL);
	cr_expect_str_eq(r.out, expected, "%s", r.out);
	r = RILL(f, "stats", "x.rill");
	cr_expect_not(strstr(r.out, "job.end"));
	r = RILL(f, "diff", "x.rill", "x.rill");
	cr_expect(strstr(r.out, "\n!  5 more were lost: figures of B are of"), "%s", r.out);
}

Test(rill, stats_of_a_dump_without_records)
{
	char *folder = folder_make(), *rill = built("rill");
	make_dump(folder, false);
	struct run_options options = {.directory = folder};
	struct run_result r = RUN(&options, rill, "stats", "x.rill");
	cr_expect_eq(r.code, 0, "%s", r.err);
	cr_expect(strstr(r.out, "10 were counted as written, the dump holds 0"), "%s", r.out);
	r = RUN(&options, rill, "stats", "-e", "no.such-event", "x.rill");
	cr_expect_eq(r.code, 1);
	cr_expect_str_eq(r.err, "rill: nothing found\n");
	r = RUN(&options, rill, "spans", "x.rill");
	cr_expect_eq(r.code, 1);
	r = RUN(&options, rill, "cat", "x.rill");
	cr_expect_eq(r.code, 1);
}

Test(rill, catalog_lists_the_built_in_one)
{
	struct fixture f = begin();
	struct run_result r = RILL(f, "catalog");
	cr_expect_eq(r.code, 0);
	/* Events are indented, headings are not, and a blank line is between subsystems. */
	cr_expect_eq(count(r.out, "\n  "), 605);
	cr_expect_eq(count(r.out, "\n\n"), 42);
	struct run_result search = RILL(f, "catalog", "search", "GREYLIST");
	cr_expect_eq(search.code, 0);
	cr_expect(strstr(search.out, "smtp.rcpt-to-greylisted"));
	r = RILL(f, "catalog", "search", "no such thing");
	cr_expect(r.code == 1 && r.err_bytes);
}

Test(rill, catalog_of_a_dump)
{
	struct fixture f = begin();
	struct run_result r = RILL(f, "catalog", "-d", "x.rill", "explain", "conn.start");
	cr_expect_eq(r.code, 0, "%s", r.err);
	cr_expect_str_eq(r.out, "conn.start  [info]  Connections\n"
				"  Connection started\n"
				"  A client came.\n"
				"  keys\n"
				"    id        u64|string  Which one\n"
				"    remoteIp  ip          Where from (personal)\n"
				"  starts span conn, by id; its end is conn.end\n"
				"  by id in the span of that value: idle\n");
	r = RILL(f, "catalog", "-d", "x.rill", "explain", "job.start");
	cr_expect(strstr(r.out, "kept longest"));
	r = RILL(f, "catalog", "-d", "x.rill", "explain", "conn.startt");
	cr_expect_eq(r.code, 1);
	cr_expect_str_eq(r.err, "rill: there is no event \"conn.startt\"; did you mean "
				"conn.start?\n");
}

/* A dump with the same content, of another process. */
static void copy_as_another(const struct fixture *fixture, const char *from, const char *to)
{
	size_t size;
	unsigned char *bytes =
		(unsigned char *)file_load(format("%s/%s", fixture->folder, from), &size);
	unsigned char *process = bytes + 16; /* the first block */
	process[64 + 8] ^= 1;
	block_seal(process, block_get(process + 8, 8));
	file_store(format("%s/%s", fixture->folder, to), bytes, size);
	free(bytes);
}

Test(rill, several_dumps_in_one_directory)
{
	struct fixture f = begin();
	copy_as_another(&f, "x.rill", "y.rill");
	struct run_result r = RILL(f, "cat", ".");
	cr_expect_eq(r.code, 0, "%s", r.err);
	cr_expect_eq(count(r.out, "\n"), 28);
	r = RILL(f, "stats", ".");
	cr_expect_eq(count(r.out, "emitted 64 ="), 1, "%s", r.out);
	r = RILL(f, "stats", "--by-process", ".");
	cr_expect_eq(count(r.out, "emitted 32 ="), 2, "%s", r.out);
	r = RILL(f, "catalog", "-d", ".");
	cr_expect_eq(count(r.out, "conn.start"), 1);
}

/* A dump of one event, of a catalog that calls it so. */
static void make_named(const struct fixture *fixture, uint64_t id, const char *file,
		       const char *event)
{
	struct dump_process process = {
		.pid = 4711, .id = {5, id}, .start_ns = NANOSECONDS, .program = "smtpd"};
	struct rill_catalog catalog = records_catalog;
	struct rill_catalog_event events[EVENT_COUNT];
	struct dump_writer *writer;
	char error[256];
	uint64_t position = 0;
	memcpy(events, catalog.events, sizeof events);
	events[EVENT_WORK].name = event;
	catalog.events = events;
	const struct clock_point clock = {0, NANOSECONDS, (uint64_t)1 << 32, 0, 0};
	cr_assert_eq(dump_create(&writer, fixture->folder, &process, error, sizeof error), 0);
	cr_assert_eq(rename(dump_path(writer), format("%s/%s", fixture->folder, file)), 0);
	cr_assert_eq(dump_put_catalog(writer, 0, &catalog), 0);
	cr_assert_eq(dump_put_clock(writer, &clock), 0);
	put(writer, &position, 1, EVENT_WORK, NULL, 0);
	cr_assert_eq(dump_close(writer), 0);
}

/* What was made for the lines of one is not used for the other's, whose catalog may come to lie
 * where the first one's did. */
Test(rill, dumps_of_other_catalogs_one_after_the_other)
{
	struct fixture f = begin();
	const char *const formats[] = {"--format=text", "--format=json"};
	make_named(&f, 6, "a.rill", "first.event");
	make_named(&f, 7, "b.rill", "other.event");
	make_named(&f, 8, "c.rill", "first.event");
	for (size_t i = 0; i < 2; i++) {
		struct run_result r = RILL(f, "cat", formats[i], "a.rill", "b.rill", "c.rill");
		cr_expect_eq(r.code, 0, "%s", r.err);
		cr_expect_eq(count(r.out, "first.event"), 2, "%s", r.out);
		cr_expect_eq(count(r.out, "other.event"), 1, "%s", r.out);
	}
}
