/* Common Trace Format: babeltrace2 reads what `rill cat -f json` shows. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../support/chunks.h"
#include "../support/exported.h"
#include "../support/files.h"
#include "../support/records.h"
#include "dump/dump.h"

Test(ctf, babeltrace_reads_every_field, .timeout = 600)
{
	struct exported e = export_mixed("ctf", 1);
	struct run_result r = RUN(&patient, "/usr/bin/python3", source("tests/export/ctf.py"),
				  e.out, e.json, source("docs/events.ids"));
	cr_assert_eq(r.code, 0, "%s%s", r.out, r.err);
	cr_assert_str_eq(r.out, format("%zu events are equal\n", e.count));
	/* An event with too many shapes has one text for all keys. */
	r = RUN(&patient, "grep", "-c", "string _keys;", format("%s/metadata", e.out));
	cr_assert_gt(atol(r.out), 0);
	folder_remove(e.folder);
}

/* Two processes are two traces, which babeltrace2 reads as one. */
Test(ctf, each_process_is_a_trace)
{
	struct exported e = export_mixed("ctf", 2);
	struct run_result r =
		RUN(&patient, "sh", "-c",
		    format("cd %s && echo */metadata && babeltrace2 . | wc -l", e.out));
	cr_assert_eq(r.code, 0, "%s", r.err);
	cr_assert_str_eq(r.out,
			 format("mixed-4711-0102030405060708/metadata "
				"mixed-4712-0102030405060709/metadata\n%zu\n",
				e.count),
			 "%s", r.out);
	/* Both times of the trace, to the nanosecond. */
	r = RUN(&patient, "sh", "-c",
		format("cd %s; babeltrace2 --clock-seconds . | sed -n '1p;$p' | cut -c 2-21;"
		       "grep '^{\"kind\":\"event\"' %s | sed -n '1p;$p' | cut -d '\"' -f 8",
		       e.out, e.json));
	char *line[4] = {strtok(r.out, "\n"), strtok(NULL, "\n"), strtok(NULL, "\n"),
			 strtok(NULL, "\n")};
	for (int i = 0; i < 2; i++) {
		cr_assert_str_eq(strchr(line[i], '.') + 1,
				 strndup(strchr(line[2 + i], '.') + 1, 9));
		cr_assert(strncmp(line[i], "1767225599.", 11) == 0, "%s", line[i]);
	}
	folder_remove(e.folder);
}

/* What a copy that was stopped leaves of a stream is told apart from a whole one. */
Test(ctf, a_cut_stream_is_noticed)
{
	struct exported e = export_mixed("ctf", 1);
	struct run_result r =
		RUN(&patient, "sh", "-c",
		    format("truncate -s -7 %s/thread-7000; babeltrace2 %s", e.out, e.out));
	cr_assert_eq(r.code, 1);
	folder_remove(e.folder);
}

/* Counts grow from one of these to the next: two events lose something in the first time, one in a
 * time that overlaps the second, and nothing is lost at the end. */
static void write_losses(const char *folder)
{
	const uint64_t start = 1700000000000000000;
	const struct dump_process process = {
		.pid = 4711, .id = {5, 6}, .start_ns = start, .program = "lossy"};
	const struct clock_point clock = {.ticks = 0, .ns = start, .rate = (uint64_t)1 << 32};
	static const struct {
		struct dump_period period;
		struct dump_count counts[2];
	} steps[] = {
		{{1000, 2000, 12},
		 {{0, EVENT_WORK, 1, 0, 5, 0, 0}, {0, EVENT_CONN_END, 0, 0, 3, 4, 0}}},
		{{3000, 5000, 1},
		 {{0, EVENT_WORK, 1, 0, 6, 0, 0}, {0, EVENT_CONN_END, 0, 0, 3, 4, 0}}},
		{{4000, 6000, 9},
		 {{0, EVENT_WORK, 1, 0, 6, 0, 9}, {0, EVENT_CONN_END, 0, 0, 3, 4, 0}}},
		{{6000, 7000, 0},
		 {{0, EVENT_WORK, 1, 0, 6, 0, 9}, {0, EVENT_CONN_END, 0, 0, 3, 4, 0}}},
	};
	struct dump_writer *writer;
	unsigned char bytes[256];
	char error[256];
	struct slot slot = slot_u64(KEY_ID, 1);
	struct dump_chunk chunk = {1, 71, 0, record_put(bytes, 1, 0, EVENT_WORK, &slot, 1)};
	cr_assert_eq(dump_create(&writer, folder, &process, error, sizeof error), 0, "%s", error);
	cr_assert_eq(dump_put_catalog(writer, 0, &records_catalog), 0);
	cr_assert_eq(dump_put_clock(writer, &clock), 0);
	cr_assert_eq(chunk_put(writer, &chunk, bytes), 0);
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
		cr_assert_eq(dump_put_counts(writer, steps[i].counts, 2, 0, &steps[i].period), 0);
	cr_assert_eq(dump_close(writer), 0);
}

Test(ctf, losses_are_discarded_events_with_their_times)
{
	char *folder = folder_make(), *dump = format("%s/dump", folder);
	char *out = format("%s/ctf", folder);
	write_losses(dump);
	struct run_result r = RUN(NULL, built("rill"), "export", "--to=ctf", "-o", out, dump);
	cr_assert_eq(r.code, 0, "%s", r.err);
	r = RUN(NULL, "/usr/bin/python3", source("tests/export/discarded.py"), out);
	cr_assert_eq(r.code, 0, "%s", r.err);
	cr_assert_str_eq(r.out,
			 "12 1700000000000001000 1700000000000002000\n"
			 "1 1700000000000003000 1700000000000005000\n"
			 "9 1700000000000004000 1700000000000006000\n",
			 "%s", r.out);
	folder_remove(folder);
}
