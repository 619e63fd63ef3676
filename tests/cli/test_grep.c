/* rill grep, and what cat and export have in common with it: what is found, and what is said. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

#define RILL(fixture, ...) RUN(&(fixture).options, (fixture).rill, __VA_ARGS__)

static size_t count(const char *text, const char *what)
{
	size_t found = 0;
	for (; (text = strstr(text, what)); text += strlen(what))
		found++;
	return found;
}

struct thread {
	uint64_t ring;
	uint32_t tid;
	uint64_t position;
};

static bool is_identity(void *context, uint8_t catalog, uint16_t key)
{
	(void)context;
	(void)catalog;
	return key == KEY_ID || key == KEY_JOB;
}

static const struct dump_pack_hooks hooks = {.identity = is_identity};

static void put(struct dump_writer *writer, struct thread *thread, uint64_t ns, uint16_t event,
		const struct slot *slots, size_t nslots)
{
	unsigned char bytes[1024];
	size_t size = record_put(bytes, ns, 0, event, slots, nslots);
	struct dump_chunk chunk = {thread->ring, thread->tid, thread->position,
				   thread->position + size};
	bool bad;
	/* A chunk for each record, which says what its filter holds: a reader can leave out all but
	 * what it must read. */
	struct dump_pack *pack = dump_pack_new();
	dump_pack_hook(pack, &hooks);
	dump_pack_begin(pack);
	cr_assert_eq(dump_pack_add(pack, &chunk, bytes, &bad), chunk.to);
	cr_assert_eq(dump_put_pack(writer, pack), 0);
	dump_pack_free(pack);
	thread->position += size;
}

/* NAME.rill: connection i, of ten, by thread 71 + i % 2, with job 100 + i inside and three pieces
 * of work: one in the connection, one in the job, one in neither. */
static void make_dump(const char *folder, const char *name, uint32_t pid)
{
	struct dump_process process = {
		.pid = pid, .id = {pid, 6}, .start_ns = NANOSECONDS, .program = name};
	const struct clock_point clock = {0, NANOSECONDS, (uint64_t)1 << 32, 0, 0};
	struct thread threads[2] = {{1, 71, 0}, {2, 72, 0}};
	struct dump_writer *writer;
	char error[256];
	cr_assert_eq(dump_create(&writer, folder, &process, error, sizeof error), 0, "%s", error);
	cr_assert_eq(rename(dump_path(writer), format("%s/%s.rill", folder, name)), 0);
	cr_assert_eq(dump_put_catalog(writer, 0, &records_catalog), 0);
	cr_assert_eq(dump_put_clock(writer, &clock), 0);
	for (uint64_t i = 0; i < 10; i++) {
		struct thread *thread = &threads[i % 2];
		const unsigned char ip[4] = {192, 0, 2, (unsigned char)i};
		struct slot connection[] = {slot_u64(KEY_ID, i), slot_ip4(KEY_REMOTE_IP, ip)};
		struct slot job[] = {slot_u64(KEY_JOB, 100 + i), slot_u64(KEY_ID, i),
				     slot_text(KEY_NOTE, i % 3 ? "plain" : "\x1b[31mred")};
		struct slot in_job[] = {slot_u64(KEY_JOB, 100 + i), slot_text(KEY_NOTE, "piece")};
		struct slot alone[] = {slot_text(KEY_NOTE, "Alone")};
		uint64_t ns = i * 1000000000;
		put(writer, thread, ns, EVENT_CONN_START, connection, 2);
		put(writer, thread, ns + 1000, EVENT_JOB_START, job, 3);
		put(writer, thread, ns + 2000, EVENT_WORK, connection, 1);
		put(writer, thread, ns + 3000, EVENT_WORK, in_job, 2);
		put(writer, thread, ns + 4000, EVENT_WORK, alone, 1);
		put(writer, thread, ns + 5000, EVENT_JOB_END, job, 1);
		put(writer, thread, ns + 6000 + i * 1000000, EVENT_CONN_END, connection, 1);
	}
	cr_assert_eq(dump_close(writer), 0);
}

/* idle.rill: a connection with an idle span inside, and the starts of two more. */
static void make_idle_dump(const char *folder)
{
	struct dump_process process = {
		.pid = 4713, .id = {4713, 6}, .start_ns = NANOSECONDS, .program = "idle"};
	const struct clock_point clock = {0, NANOSECONDS, (uint64_t)1 << 32, 0, 0};
	const unsigned char ip[4] = {192, 0, 2, 9}, other_ip[4] = {192, 0, 2, 10};
	struct slot slots[] = {slot_u64(KEY_ID, 5), slot_ip4(KEY_REMOTE_IP, ip)};
	struct slot others[] = {slot_u64(KEY_ID, 6), slot_ip4(KEY_REMOTE_IP, other_ip)};
	static const uint16_t events[] = {EVENT_CONN_START, EVENT_IDLE_START, EVENT_WORK,
					  EVENT_IDLE_END, EVENT_CONN_END};
	struct thread thread = {1, 71, 0}, filler = {2, 72, 0};
	struct dump_writer *writer;
	char error[256];
	cr_assert_eq(dump_create(&writer, folder, &process, error, sizeof error), 0, "%s", error);
	cr_assert_eq(rename(dump_path(writer), format("%s/idle.rill", folder)), 0);
	cr_assert_eq(dump_put_catalog(writer, 0, &records_catalog), 0);
	cr_assert_eq(dump_put_clock(writer, &clock), 0);
	for (uint64_t i = 0; i < 5; i++)
		put(writer, &thread, i * 1000, events[i], slots, i ? 1 : 2);
	/* So many that the spans of the first are given to the next ones. */
	for (uint64_t i = 0; i < 600; i++)
		put(writer, &filler, 5000 + i, EVENT_WORK, NULL, 0);
	put(writer, &thread, 6000, EVENT_CONN_START, others, 2);
	others[0].word = 7;
	put(writer, &thread, 7000, EVENT_CONN_START, others, 2);
	cr_assert_eq(dump_close(writer), 0);
}

/* 70 records and 20 spans in each of two files. */
static struct fixture begin(void)
{
	struct fixture fixture = {.folder = folder_make(), .rill = built("rill")};
	make_dump(fixture.folder, "one", 4711);
	make_dump(fixture.folder, "two", 4712);
	fixture.options = (struct run_options){.directory = fixture.folder, .env = environment};
	return fixture;
}

Test(grep, finds_by_predicate)
{
	struct fixture f = begin();
	static const struct {
		const char *predicate;
		size_t lines;
	} cases[] = {
		{"conn.work", 30},
		{"conn.*", 50 + 10},
		{"conn", 10},
		{"id == 3", 4 + 4}, /* the job's end and what is in it have it from its start */
		{"jobId == 103", 3 + 1},
		{"jobId in (103, 104)", 6 + 2},
		{"jobId == 103 && conn.work", 1},
		{"id == 3 && @kind == span", 2},
		{"remoteIp in 192.0.2.4/31", 2 * 3 + 2},
		{"note ~ Alone", 10},
		{"note ~ '^\x1b'", 4 * 2 + 4},
		{"@duration > 4ms", 6},
		{"@time >= @1700000005 && @time < @1700000006", 7 + 2},
		{"@span == job", 3 * 10 + 10},
		{"@tid == 71", 35},
		{"@process == one", 90},
		{"@process == two", 0},
		{"@level >= warn", 2 * 10 + 10},
		{"! conn.work && ! @kind == span", 40},
		{"jobId == 103 || jobId == 104", 6 + 2},
		{"jobId == 7", 0},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct run_result r = RILL(f, "grep", cases[i].predicate, "one.rill");
		cr_expect_eq(count(r.out, "\n"), cases[i].lines, "%s: %s", cases[i].predicate,
			     r.out);
		cr_expect_eq(r.code, cases[i].lines ? 0 : 1, "%s", cases[i].predicate);
		cr_expect_str_empty(r.err);
		run_free(&r);
		r = RILL(f, "grep", "-c", cases[i].predicate, "one.rill");
		cr_expect_str_eq(r.out, format("%zu\n", cases[i].lines));
		r = RILL(f, "grep", "-vc", cases[i].predicate, "one.rill");
		cr_expect_str_eq(r.out, format("%zu\n", 90 - cases[i].lines), "%s",
				 cases[i].predicate);
		run_free(&r);
	}
}

/* The same lines, in the same order, as jq chooses from all of them. */
Test(grep, agrees_with_jq)
{
	struct fixture f = begin();
	static const char *const cases[][2] = {
		{"id == 3 && note ~ piece",
		 ".kind == \"event\" and (.inherited + .keys).note == \"piece\" and "
		 "(.inherited + .keys).id == \"3\""},
		{"@duration >= 3ms", ".kind == \"span\" and (.duration | tonumber) >= 3000000"},
		{"@level >= info && !(remoteIp == 192.0.2.4)",
		 "(.level == \"info\" or .level == \"warn\" or .level == \"error\") and "
		 "((.inherited + .keys).remoteIp // .start.keys.remoteIp) != \"192.0.2.4\""},
		{"@span == job || conn.end", ".span.name == \"job\" or .event == \"conn.end\" or "
					     ".end.event == \"conn.end\""},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct run_result found = RILL(f, "grep", "--format=json", cases[i][0], ".");
		struct run_result all =
			RUN(&f.options, "sh", "-c",
			    format("%s cat --format=json . | jq -c 'select(%s) | del(.events)'",
				   f.rill, cases[i][1]));
		struct run_result same =
			run_command((const char *const[]){"jq", "-c", "del(.events)", NULL},
				    &(struct run_options){.input = found.out});
		cr_expect_str_eq(same.out, all.out, "%s", cases[i][0]);
		cr_expect_gt(count(all.out, "\n"), 1);
	}
}

Test(grep, options_say_what_is_meant)
{
	struct fixture f = begin();
	static const struct {
		const char *arguments;
		const char *out; /* of -c */
	} cases[] = {
		{"-e 'conn.*' .", "120"},
		{"-w 'id == 3' -w 'conn.work' .", "4"},
		{"-w 'id == 3' one.rill two.rill", "16"},
		{"--since=@1700000009 .", "18"},
		{"--since=@1700000009 conn.work .", "6"},
		{"--until=@1700000001 --level=info .", "12"},
		{"-k jobId=103 .", "8"},
		{"-i 'note ~ alone' .", "20"},
		{"'note ~ alone' .", "0"},
		{"-m 7 conn.work .", "7"},
		{"-m 0 conn.work .", "0"},
		{"--alone 'jobId == 103' .", "8"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct run_result r = RUN(&f.options, "sh", "-c",
					  format("%s grep -c %s", f.rill, cases[i].arguments));
		cr_expect_str_eq(r.out, format("%s\n", cases[i].out), "%s: %s", cases[i].arguments,
				 r.err);
		cr_expect_eq(r.code, !strcmp(cases[i].out, "0"));
		run_free(&r);
	}
}

/* Spans that are open at the end of the time asked for did not end there. */
Test(grep, what_is_open_at_until_is_no_line)
{
	struct fixture f = begin();
	make_idle_dump(f.folder);
	struct run_result all = RILL(f, "grep", "-c", "conn", "idle.rill");
	struct run_result r =
		RILL(f, "grep", "-c", "--until=@1700000000.000008", "conn", "idle.rill");
	cr_expect_str_eq(all.out, "3\n");
	cr_expect_str_eq(r.out, "1\n");
}

Test(grep, wrong_usage_has_code_2_and_its_place)
{
	struct fixture f = begin();
	static const struct {
		const char *arguments;
		const char *error;
	} cases[] = {
		{"", "rill grep: for what, and in which dump?\n"},
		{"conn.work", "rill grep: in which dump?\n"},
		{"'id ==' .",
		 "rill grep: not a predicate:\n  id ==\n       ^\n  expected a value, not the "
		 "end\n"},
		{"'jobIt == 3' .",
		 "rill grep: not a predicate of these dumps:\n  jobIt == 3\n  ^~~~~\n"
		 "  no catalog here has a key jobIt; did you mean jobId?\n"},
		{"-m x conn.work .", "rill grep: --max-count takes a number, not \"x\"\n"},
		{"-A 1000000 conn.work .", "rill grep: context is at most 100000\n"},
		{"-c -A 1 conn.work .", "rill grep: -A, -B and -C are for what is printed whole\n"},
		{"-o jobIt conn.work .",
		 "rill grep: no catalog here has a key jobIt; did you mean jobId?\n"},
		{"--around=x conn.work .", "rill grep: around \"x\" is not thread or span\n"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct run_result r = RUN(&f.options, "sh", "-c",
					  format("%s grep %s", f.rill, cases[i].arguments));
		cr_expect_eq(r.code, 2, "%s", cases[i].arguments);
		cr_expect_eq(strncmp(r.err, cases[i].error, strlen(cases[i].error)), 0, "%s",
			     r.err);
		cr_expect_str_empty(r.out);
		run_free(&r);
	}
}

Test(grep, what_can_never_hold_is_noted)
{
	struct fixture f = begin();
	struct run_result r = RILL(f, "grep", "remoteIp == 5", ".");
	cr_expect_eq(r.code, 1);
	cr_expect_str_eq(r.err, "rill grep: note:\n  remoteIp == 5\n              ^\n"
				"  remoteIp is ip, which a number never equals\n");
}

Test(grep, values_files_and_silence)
{
	struct fixture f = begin();
	struct run_result r = RILL(f, "grep", "-o", "id", "jobId in (103, 104) && conn.work", ".");
	cr_expect_str_eq(r.out, "3\n3\n4\n4\n");
	r = RILL(f, "grep", "-o", "note", "job.start && id == 3 && @kind == event", "one.rill");
	cr_expect_str_eq(r.out, "\\x1b[31mred\n");
	r = RILL(f, "grep", "-o", "remoteIp", "conn.end && id == 3 && @kind == event", "one.rill");
	cr_expect_str_eq(r.out, "192.0.2.3\n");
	r = RILL(f, "grep", "-l", "jobId == 103", ".");
	cr_expect_str_eq(r.out, "./one.rill\n./two.rill\n");
	r = RILL(f, "grep", "-l", "jobId == 103 && @process == two", ".");
	cr_expect_str_eq(r.out, "./two.rill\n");
	r = RILL(f, "grep", "-q", "jobId == 103", ".");
	cr_expect(r.code == 0 && !r.out_bytes);
	r = RILL(f, "grep", "-q", "jobId == 7", ".");
	cr_expect(r.code == 1 && !r.out_bytes && !r.err_bytes);
}

/* The files of a process are one trace, and each hit is in one of them. */
Test(grep, files_of_one_process)
{
	struct fixture f = begin();
	struct slot slots[] = {slot_u64(KEY_ID, 5), slot_text(KEY_NOTE, "x")};
	for (uint32_t part = 0; part < 3; part++) {
		struct dump_process process = {.pid = 4714,
					       .part = part,
					       .id = {4714, 6},
					       .start_ns = NANOSECONDS,
					       .begun_ns = NANOSECONDS + part,
					       .program = "parts"};
		const struct clock_point clock = {0, NANOSECONDS, (uint64_t)1 << 32, 0, 0};
		struct thread thread = {1, 71, part * 1000};
		struct dump_writer *writer;
		char error[256];
		cr_assert_eq(dump_create(&writer, f.folder, &process, error, sizeof error), 0, "%s",
			     error);
		cr_assert_eq(rename(dump_path(writer), format("%s/part%u.rill", f.folder, part)),
			     0);
		cr_assert_eq(dump_put_catalog(writer, 0, &records_catalog), 0);
		cr_assert_eq(dump_put_clock(writer, &clock), 0);
		put(writer, &thread, part * 1000, part == 1 ? EVENT_WORK : EVENT_CONN_START, slots,
		    part == 1 ? 2 : 1);
		cr_assert_eq(dump_close(writer), 0);
	}
	struct run_result r =
		RUN(&f.options, "sh", "-c", format("%s grep -l note part*.rill", f.rill));
	cr_expect_str_eq(r.out, "part1.rill\n", "%s", r.err);
}

Test(grep, around_a_hit_stands_its_thread)
{
	struct fixture f = begin();
	/* Thread 71 has connections 0, 2, 4, ... */
	struct run_result r = RILL(f, "grep", "-B", "2", "-A", "1",
				   "@event == conn.start && id == 2 && @kind == event", "one.rill");
	cr_expect_eq(count(r.out, "\n"), 4, "%s", r.out);
	cr_expect_eq(count(r.out, "/71"), 4);
	const char *before = strstr(r.out, "job.end"), *end = strstr(r.out, "conn.end");
	const char *hit = strstr(r.out, "conn.start"), *after = strstr(r.out, "job.start");
	cr_expect(before && before < end && end < hit && hit < after, "%s", r.out);
	/* In JSON, only lines of JSON. */
	r = RILL(f, "grep", "-C", "1", "-fjson", "conn.start && id in (2, 3) && @kind == event",
		 "one.rill");
	cr_expect_eq(count(r.out, "\n"), 6);
	cr_expect_eq(count(r.out, "--"), 0);
	/* Groups that do not touch are set apart; those that do are one. */
	r = RILL(f, "grep", "-C", "1", "conn.start && id in (2, 3) && @kind == event", "one.rill");
	cr_expect_eq(count(r.out, "\n--\n"), 1, "%s", r.out);
	cr_expect_eq(count(r.out, "\n"), 7);
	r = RILL(f, "grep", "-C", "1",
		 "@kind == event && (conn.end && id == 2 || conn.start && id == 4)", "one.rill");
	cr_expect_eq(count(r.out, "--"), 0, "%s", r.out);
	cr_expect_eq(count(r.out, "\n"), 4);
	r = RILL(f, "grep", "-C", "1", "conn.start && id in (2, 6) && @kind == event", "one.rill");
	cr_expect_eq(count(r.out, "\n--\n"), 1, "%s", r.out);
	/* After the last hit its lines still come. */
	r = RILL(f, "grep", "-m", "1", "-A", "3", "conn.start && id >= 4 && @kind == event",
		 "one.rill");
	cr_expect_eq(count(r.out, "\n"), 4, "%s", r.out);
	cr_expect_eq(count(r.out, "conn.start"), 1);
}

Test(grep, around_a_hit_stands_its_span)
{
	struct fixture f = begin();
	struct run_result r = RILL(f, "grep", "--around=span", "-C", "5",
				   "note == piece && jobId == 103", "one.rill");
	/* Start, the hit, end, and the span's own line. */
	cr_expect_eq(count(r.out, "\n"), 4, "%s", r.out);
}

/* Kept lines are what they would have been at their time: whole, with the values of their spans. */
Test(grep, kept_lines_are_whole)
{
	struct fixture f = begin();
	make_idle_dump(f.folder);
	struct run_result all = RILL(f, "cat", "one.rill");
	struct run_result r =
		RILL(f, "grep", "-B", "10", "conn.end && id == 9 && @kind == event", "one.rill");
	cr_expect_eq(count(r.out, "\n"), 11);
	for (char *line = strtok(r.out, "\n"); line; line = strtok(NULL, "\n"))
		cr_expect(strstr(all.out, line), "%s", line);
	/* The span inside of a span, when both have long been closed. */
	r = RILL(f, "grep", "@kind == event && @tid == 71", "idle.rill");
	struct run_result kept =
		RILL(f, "grep", "-B", "9", "id == 7 && @kind == event", "idle.rill");
	cr_expect_eq(count(kept.out, "| remoteIp=192.0.2.9 ["), 4, "%s", kept.out);
	cr_expect_str_eq(r.out, kept.out);
}

Test(grep, the_number_of_a_spans_records_is_told_when_it_is_known)
{
	struct fixture f = begin();
	struct run_result r = RILL(f, "cat", "--where=conn && id == 3", "one.rill");
	cr_expect_eq(count(r.out, "events"), 0, "%s", r.out);
	r = RILL(f, "cat", "--where=@duration > 1ms", "one.rill");
	cr_expect_eq(count(r.out, ", 4 events"), 9, "%s", r.out);
	r = RILL(f, "cat", "--where=id == 3 && @kind == span", "--format=json", "one.rill");
	cr_expect_eq(count(r.out, "\"state\""), 2);
	cr_expect_eq(count(r.out, "\"events\""), 0);
}

Test(grep, reader_of_the_pipe_goes_away)
{
	struct fixture f = begin();
	char *script = format("{ %s grep -o id '*' .; echo $? >code; } 2>errors | head -n 1; "
			      "cat code errors",
			      f.rill);
	struct run_result r = RUN(&f.options, "sh", "-c", script);
	cr_expect(!strcmp(r.out, "0\n141\n") || !strcmp(r.out, "0\n0\n"), "%s", r.out);
	r = RUN(&f.options, "sh", "-c", format("%s grep id . >/dev/full", f.rill));
	cr_expect_eq(r.code, 1);
	cr_expect(strstr(r.err, "rill: "), "%s", r.err);
}
