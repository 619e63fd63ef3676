/* rill merge and rill cut: what they write is read as what they were given. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/chunks.h"
#include "../support/files.h"
#include "../support/records.h"
#include "../support/run.h"
#include "dump/dump.h"

#define NANOSECONDS UINT64_C(1700000000000000000)

static char *folder;

static void start(void)
{
	folder = folder_make();
}

static void end(void)
{
	folder_remove(folder);
}

TestSuite(copy, .init = start, .fini = end);

struct traced {
	struct dump_writer *writer;
	uint64_t positions[3]; /* by ring */
};

/* Clocks differ: each process counts from its own zero, and in its own pace. */
static struct traced begin(const char *to, uint32_t pid, uint32_t part,
			   const struct rill_catalog *catalog)
{
	struct dump_process process = {.pid = pid,
				       .part = part,
				       .id = {pid, 7},
				       .start_ns = NANOSECONDS + pid,
				       .begun_ns = NANOSECONDS + pid + part,
				       .program = "worker"};
	const struct clock_point clock = {pid * 1000, NANOSECONDS, (uint64_t)pid << 32, 0, 0};
	struct traced traced = {0};
	char error[256];
	cr_assert_eq(dump_create(&traced.writer, to, &process, error, sizeof error), 0, "%s",
		     error);
	cr_assert_eq(dump_put_catalog(traced.writer, 0, catalog), 0);
	cr_assert_eq(dump_put_clock(traced.writer, &clock), 0);
	return traced;
}

static void emit(struct traced *traced, unsigned ring, uint64_t ticks, uint16_t event, uint64_t id)
{
	unsigned char bytes[256];
	const struct slot slots[] = {slot_u64(KEY_ID, id)};
	size_t size = record_put(bytes, ticks, 0, event, slots, 1);
	struct dump_chunk chunk = {ring, 71 + ring, traced->positions[ring],
				   traced->positions[ring] + size};
	cr_assert_eq(chunk_put(traced->writer, &chunk, bytes), 0);
	traced->positions[ring] += size;
}

static void counts(struct traced *traced, uint16_t event, uint64_t written, uint64_t discarded)
{
	const struct dump_count count = {
		.event = event, .written = written, .filtered = 3, .discarded = discarded};
	const struct dump_period period = {1000, 9000, discarded};
	cr_assert_eq(dump_put_counts(traced->writer, &count, 1, 2, &period), 0);
}

/* Two processes with different catalogs under one index; the first with two rings, two files, a
 * filter change, losses. */
static void make(const char *to)
{
	const struct dump_epoch epoch = {1500, 1600, "*=trace"};
	struct traced a = begin(to, 1, 0, &records_catalog);
	for (uint64_t i = 0; i < 40; i++) {
		emit(&a, 1 + i % 2, 2000 + 10 * i, EVENT_CONN_START, i);
		emit(&a, 1 + i % 2, 2001 + 10 * i, EVENT_WORK, i);
		emit(&a, 1 + i % 2, 2002 + 10 * i, EVENT_CONN_END, i);
	}
	cr_assert_eq(dump_put_epoch(a.writer, &epoch), 0);
	counts(&a, EVENT_WORK, 40, 5);
	cr_assert_eq(dump_close(a.writer), 0);
	struct traced later = begin(to, 1, 1, &records_catalog);
	memcpy(later.positions, a.positions, sizeof a.positions);
	counts(&later, EVENT_WORK, 40, 5);
	emit(&later, 1, 5000, EVENT_WORK, 99);
	counts(&later, EVENT_WORK, 41, 9);
	cr_assert_eq(dump_close(later.writer), 0);
	struct traced b = begin(to, 2, 0, &records_catalog_other);
	for (uint64_t i = 0; i < 30; i++)
		emit(&b, 1, 2500 + 7 * i, i % 2, i);
	cr_assert_eq(dump_close(b.writer), 0);
}

static char *shell(const char *script)
{
	struct run_options options = {.directory = folder};
	struct run_result r = RUN(&options, "bash", "-c", script);
	cr_assert_eq(r.code, 0, "%s: %d %s%s", script, r.code, r.out, r.err);
	return r.out;
}

Test(copy, a_merged_dump_is_the_same_trace)
{
	make(format("%s/in", folder));
	shell("r=$BUILD/rill; $r merge -o out.rill in && [ \"$(stat -c %a out.rill)\" = 600 ] &&"
	      "$r cat -f json in >1 && $r cat -f json out.rill >2 && cmp 1 2 && [ $(wc -l <1) -ge "
	      "151 ] && $r spans -l 0 in >1 && $r spans -l 0 out.rill >2 && cmp 1 2");
	/* Losses and their times, filters, counts; only the files are others. */
	shell("r=$BUILD/rill; $r stats -a in | grep -v 'in$\\|^  files\\|rings' >1; $r stats -a "
	      "out.rill >all; grep -v 'out.rill$\\|^  file  \\|rings' all >2; cmp 1 2 && "
	      "grep -q 'discarded 9' 2 && grep -q 'trace' 2 && grep -qx '  file       .* KiB' all");
}

Test(copy, losses_keep_their_times)
{
	char *path = format("%s/out.rill", folder), error[256];
	struct dump_reader *readers[2];
	make(format("%s/in", folder));
	shell("$BUILD/rill merge -o out.rill in");
	cr_assert_eq(dump_open(&readers[0], format("%s/in", folder), error, sizeof error), 0);
	cr_assert_eq(dump_open(&readers[1], path, error, sizeof error), 0);
	uint64_t lost[2] = {0};
	for (int i = 0; i < 2; i++) {
		for (size_t f = 0; f < dump_file_count(readers[i]); f++) {
			const struct dump_file *file = dump_file(readers[i], f);
			for (size_t k = 0; k < file->nlosses; k++)
				lost[i] += file->losses[k].discarded * 1000003 +
					   file->losses[k].from_ns + file->losses[k].to_ns;
		}
		dump_reader_close(readers[i]);
	}
	cr_expect_neq(lost[0], 0);
	cr_expect_eq(lost[0], lost[1]);
}

/* Merged with one of its own sources, each record counts once. */
Test(copy, positions_are_kept)
{
	make(format("%s/in", folder));
	shell("r=$BUILD/rill; $r merge -o out.rill in && $r cat -f json in >1; $r cat -f json in "
	      "out.rill 2>err >2; cmp 1 2");
}

Test(copy, a_cut_is_what_is_selected)
{
	static const char *const cuts[] = {
		"-e 'conn.s*'",
		"-e conn.work",
		"-l info",
		"-w 'id == 7'",
		"-w 'id > 3 && id < 20' -e conn.work",
		"--since @1700000000.0000011 --until @1700000000.0000013",
		"--until @1700000000.0000015",
	};
	make(format("%s/in", folder));
	for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
		struct run_options options = {.directory = folder};
		struct run_result r = RUN(
			&options, "bash", "-c",
			format("set -o pipefail; r=$BUILD/rill\n"
			       "ids='select(.kind == \"event\") | [.time, .event, .pid, .tid, "
			       ".keys.id]'\n"
			       "$r cut -o out.rill %s in && $r cat -f json %s in | jq -c \"$ids\" "
			       ">1 &&"
			       "$r cat -f json out.rill | jq -c \"$ids\" >2 && cmp 1 2 && [ -s 1 ] "
			       "&&"
			       "! $r stats out.rill 2>&1 >/dev/null | grep . &&"
			       "[ $(wc -l <1) -lt $($r cat -f json in | jq -c \"$ids\" | wc -l) ]",
			       cuts[i], cuts[i]));
		cr_expect_eq(r.code, 0, "%s: %s%s", cuts[i], r.out, r.err);
		run_free(&r);
	}
}

/* Starts 1, 2 and 3 are before the cut, the end of 1 as well; that of 2 comes behind it, 3 has
 * none. */
static void make_open(const char *to)
{
	struct traced a = begin(to, 1, 0, &records_catalog);
	emit(&a, 1, 2000, EVENT_CONN_START, 1);
	emit(&a, 1, 2010, EVENT_CONN_START, 2);
	emit(&a, 2, 2020, EVENT_CONN_START, 3);
	emit(&a, 2, 2030, EVENT_CONN_END, 1);
	emit(&a, 1, 2100, EVENT_WORK, 2);
	emit(&a, 1, 2110, EVENT_CONN_END, 2);
	cr_assert_eq(dump_close(a.writer), 0);
}

Test(copy, spans_that_are_open_where_a_cut_begins_are_known)
{
	make_open(format("%s/in", folder));
	shell("r=$BUILD/rill; $r cut -o out.rill --since @1700000000.00000105 in &&"
	      "$r cat -f json out.rill | jq -r 'select(.kind == \"event\") | .keys.id' >1 &&"
	      "[ \"$(cat 1)\" = $'2\\n2' ] && $r verify out.rill && $r info out.rill >1 && "
	      "grep -q OPEN 1 && $r spans -l 0 out.rill >2 && grep -q '^ *100 ns .*ended .*id=2' 2 "
	      "&&"
	      "grep -q 'open .*id=3' 2 && grep -q '2 spans, 1 open' 2 || { cat 1 2; exit 1; }");
	/* A start that is not asked for stays out of it. */
	shell("r=$BUILD/rill; $r cut -o out.rill -e conn.end --since @1700000000.00000105 in &&"
	      "[ $($r cat -f json out.rill | grep -c .) -ge 1 ] &&"
	      "$r info out.rill >1 && ! grep OPEN 1");
}

/* The spans that are open at the beginning of a later part are no records of it. */
Test(copy, a_later_part_alone_is_merged_as_it_is)
{
	struct traced a = begin(format("%s/in", folder), 1, 1, &records_catalog);
	unsigned char bytes[256];
	const struct slot slots[] = {slot_u64(KEY_ID, 5)};
	size_t size = record_put(bytes, 1500, 0, EVENT_CONN_START, slots, 1);
	struct dump_chunk chunk = {0, 71, 0, size};
	struct dump_pack *pack = dump_pack_new();
	bool bad;
	dump_pack_begin(pack);
	cr_assert_eq(dump_pack_add(pack, &chunk, bytes, &bad), size);
	cr_assert_eq(dump_put_open(a.writer, pack), 0);
	dump_pack_free(pack);
	emit(&a, 1, 2100, EVENT_WORK, 5);
	emit(&a, 1, 2110, EVENT_CONN_END, 5);
	cr_assert_eq(dump_close(a.writer), 0);
	shell("r=$BUILD/rill; $r merge -o out.rill in && $r cat -f json in >1 && $r cat -f json "
	      "out.rill >2 && cmp 1 2 && $r verify out.rill && $r stats out.rill >1 && "
	      "grep -q 'written 2 ' 1 || { cat 1; exit 1; }");
}

/* 41 were written, 3 filtered, 9 lost: of 53 emitted one is left, so 43 are filtered. */
Test(copy, what_is_cut_counts_as_filtered)
{
	make(format("%s/in", folder));
	shell("r=$BUILD/rill; $r cut -o out.rill -e conn.work -w 'id == 7' in && $r stats out.rill "
	      ">1 &&"
	      "grep 'emitted 53 = written 1 + filtered 43 + discarded 9' 1");
}

Test(copy, nothing_is_left)
{
	make(format("%s/in", folder));
	struct run_options options = {.directory = folder};
	struct run_result r =
		RUN(&options, built("rill"), "cut", "-o", "out.rill", "-w", "id == 12345", "in");
	cr_expect_eq(r.code, 1);
	cr_expect(strstr(r.err, "no record is left"), "%s", r.err);
}

Test(copy, usage)
{
	static const char *const wrong[][5] = {
		{"merge", "in"},           {"merge", "-o", "out.rill"},
		{"merge", "--nothing"},    {"cut", "in"},
		{"cut", "-o", "out.rill"}, {"cut", "-o", "out.rill", "-l", "loud"},
	};
	struct run_options options = {.directory = folder};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		const char *argv[8] = {built("rill")};
		for (size_t k = 0; k < 5 && wrong[i][k]; k++)
			argv[k + 1] = wrong[i][k];
		struct run_result r = run_command(argv, &options);
		cr_expect_eq(r.code, 2, "%s: %d", wrong[i][0], r.code);
		run_free(&r);
	}
}

/* OUT is whole or not there, and what was there before stays. */
Test(copy, no_half_file)
{
	make(format("%s/in", folder));
	shell("mkdir away; echo before >out.rill");
	shell("! $BUILD/rill merge -o away in 2>/dev/null && ! $BUILD/rill merge -o no/out in "
	      "2>/dev/null && ! $BUILD/rill merge -o out.rill nowhere 2>/dev/null");
	shell("! (ulimit -f 1; trap '' XFSZ; $BUILD/rill merge -o out.rill in 2>err) && grep -q "
	      "'too "
	      "large' err && [ \"$(cat out.rill)\" = before ] && [ $(ls | grep -c out.rill) = 1 ]");
	shell("$BUILD/rill merge -o /dev/null in 2>err; [ $? = 1 ] && grep -q 'regular file' err");
}

Test(copy, a_signal_leaves_nothing)
{
	struct traced a = begin(format("%s/in", folder), 1, 0, &records_catalog);
	unsigned char *bytes = malloc(8 << 20);
	const struct slot slots[] = {slot_u64(KEY_ID, 1)};
	for (uint64_t block = 0; block < 40; block++) {
		size_t size = 0;
		for (uint64_t i = 0; i < 100000; i++)
			size += record_put(bytes + size, block * 1000000 + i, 0, EVENT_WORK, slots,
					   1);
		struct dump_chunk chunk = {1, 71, a.positions[1], a.positions[1] + size};
		cr_assert_eq(chunk_put(a.writer, &chunk, bytes), 0);
		a.positions[1] += size;
	}
	cr_assert_eq(dump_close(a.writer), 0);
	shell("$BUILD/rill merge -o out.rill in & pid=$!\n"
	      "for i in $(seq 500); do [ \"$(find . -name 'out.rill.*' -size +8k)\" ] && break; "
	      "sleep "
	      ".002; done\n"
	      "kill -TERM $pid || exit 3; wait $pid; code=$?\n"
	      "[ $code = 0 ] && exit 4; [ -z \"$(find . -name 'out.rill*')\" ]");
}

Test(copy, damage_is_told_and_the_rest_is_there)
{
	make(format("%s/in", folder));
	shell("f=$(ls in/*worker-1.rill | head -1); truncate -s -3000 $f; $BUILD/rill merge -o "
	      "out.rill "
	      "in 2>err; [ $? = 1 ] && [ -s err ] && $BUILD/rill cat -f json in 2>/dev/null >1; "
	      "$BUILD/rill cat -f json out.rill >2 && cmp 1 2");
}
