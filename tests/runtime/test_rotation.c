/* A dump in several files: nothing is lost between them, and each one stands alone. */
#include <criterion/criterion.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/blocks.h"
#include "support/files.h"
#include "support/parts.h"
#include "support/traced.h"

#define THREADS 3
#define ROUNDS  60000u
#define NAME    "rotating"

/* --- each file begins with what it needs, and ends in order ---------------------------------- */

static void expect_blocks(const struct part *part, uint32_t number_of_part, bool finished)
{
	size_t at = PART_FIRST, counts[BLOCK_END + 1] = {0}, first_counts = 0;
	struct part_block block;
	unsigned last = 0;
	while (part_next(part, &at, &block)) {
		cr_assert(block.type >= BLOCK_PROCESS && block.type <= BLOCK_END);
		if (last == 0) {
			cr_assert_eq(block.type, BLOCK_PROCESS);
			cr_expect_eq(block_get(block.body + 4, 4), number_of_part, "%s",
				     part->path);
		}
		if (block.type == BLOCK_RECORDS && !counts[BLOCK_RECORDS] && number_of_part > 0) {
			cr_expect_gt(counts[BLOCK_CATALOG], 0);
			cr_expect_gt(counts[BLOCK_CLOCK], 0);
			cr_expect_gt(counts[BLOCK_EPOCH], 0);
			cr_expect_eq(counts[BLOCK_COUNTS], 1);
			cr_expect_gt(counts[BLOCK_OPEN], 0);
		}
		if (block.type == BLOCK_COUNTS && counts[BLOCK_COUNTS] == 0 && number_of_part > 0)
			first_counts = (size_t)(block_get(block.header + 24, 8) ==
						block_get(block.header + 32, 8));
		counts[block.type]++;
		last = block.type;
	}
	cr_expect(number_of_part == 0 || first_counts, "the first COUNTS is a base");
	if (!finished)
		return;
	cr_expect_eq(last, BLOCK_END, "%s", part->path);
	cr_expect_eq(counts[BLOCK_SPANS], 1);
	cr_expect(part_file(part)->finished);
	cr_expect_null(part_file(part)->damage, "%s", part_file(part)->damage);
}

/* --- spans, as this test counts them --------------------------------------------------------- */

struct known {
	uint64_t started; /* part + 1 */
	uint64_t ended;
	uint64_t end_ns;
	uint64_t start_ns; /* by the clock of the file that the start stands in */
};

/* Ends without a start have ids of their own. */
static struct known known[THREADS][2 * ROUNDS];

static struct known *known_of(uint64_t id)
{
	cr_assert((id >> 32) < THREADS && (uint32_t)id < 2 * ROUNDS);
	return &known[id >> 32][(uint32_t)id];
}

/* Returns the number of records. */
static uint64_t read_part(const struct part *part, size_t index)
{
	struct traced traced = {.dump = part->dump};
	struct traced_record record;
	uint64_t n = 0;
	while (traced_next(&traced, &record)) {
		/* Of a part before: known by the OPEN of this one. */
		if (record.at.context)
			continue;
		struct known *span = known_of(traced_u64(&record, "spanId"));
		n++;
		if (strcmp(record.event, "smtp.connection-start") == 0) {
			cr_expect_eq(span->started, 0, "twice");
			span->started = index + 1;
			span->start_ns = record.at.ns;
		} else if (strcmp(record.event, "smtp.connection-end") == 0) {
			cr_expect_eq(span->ended, 0, "twice");
			span->ended = index + 1;
			span->end_ns = record.at.ns;
		}
	}
	return n;
}

/* The set of a part is what began and did not end in the parts before. */
static void expect_open(const struct part *part, size_t index)
{
	size_t at = PART_FIRST, found = 0, expected = 0;
	struct part_block block;
	while (part_next(part, &at, &block) && block.type != BLOCK_RECORDS) {
		size_t n = 0;
		struct part_record *records = NULL;
		if (block.type == BLOCK_OPEN)
			records = part_records(&block, &n);
		for (size_t i = 0; i < n; i++) {
			/* spanId is the first one */
			struct rill_item items[RILL_MAX_ITEMS];
			cr_assert_gt(raw_record_items(&records[i].raw, items), 0);
			const struct known *span = known_of(items[0].u64);
			cr_expect(span->started && span->started <= index &&
					  (!span->ended || span->ended > index),
				  "part %zu: span %llx", index, (unsigned long long)items[0].u64);
		}
		found += n;
	}
	for (uint32_t thread = 0; thread < THREADS; thread++)
		for (uint32_t i = 0; i < 2 * ROUNDS; i++)
			expected += known[thread][i].started && known[thread][i].started <= index &&
				    (!known[thread][i].ended || known[thread][i].ended > index);
	cr_expect_eq(found, expected, "part %zu", index);
}

/* The summary says what is so. */
static void expect_summary(const struct part *part, size_t index)
{
	size_t at = PART_FIRST;
	struct part_block block;
	uint64_t ended = 0, headless = 0, sum = 0, shortest = UINT64_MAX, longest = 0, lasted = 0;
	for (uint32_t thread = 0; thread < THREADS; thread++) {
		for (uint32_t i = 0; i < 2 * ROUNDS; i++) {
			const struct known *span = &known[thread][i];
			if (span->ended != index + 1)
				continue;
			if (!span->started || span->started > index + 1) {
				headless++;
				continue;
			}
			uint64_t ns = span->end_ns - span->start_ns;
			ended++;
			sum += ns;
			shortest = ns < shortest ? ns : shortest;
			longest = ns > longest ? ns : longest;
		}
	}
	while (part_next(part, &at, &block) && block.type != BLOCK_SPANS)
		;
	cr_assert_eq(block.type, BLOCK_SPANS);
	cr_assert_eq(block.size, ended + headless ? 560 : 0, "spans of one kind");
	if (!block.size)
		return;
	cr_expect_eq(block_get(block.body + 8, 8), ended, "part %zu", index);
	cr_expect_eq(block_get(block.body + 16, 8), headless, "part %zu", index);
	cr_expect_eq(block_get(block.body + 24, 8), sum, "part %zu: %llu is not %llu", index,
		     (unsigned long long)block_get(block.body + 24, 8), (unsigned long long)sum);
	if (ended) {
		cr_expect_eq(block_get(block.body + 32, 8), shortest);
		cr_expect_eq(block_get(block.body + 40, 8), longest);
	}
	for (int i = 0; i < 64; i++)
		lasted += block_get(block.body + 48 + 8 * i, 8);
	cr_expect_eq(lasted, ended);
}

/* Where the records begin. */
static size_t first_at(const struct part *part)
{
	size_t at = PART_FIRST;
	struct part_block block;
	while (part_next(part, &at, &block))
		if (block.type == BLOCK_RECORDS)
			return (size_t)(block.header - part->bytes);
	return part->size;
}

/* --- tests --------------------------------------------------------------------------------- */

#define ENV1(text) ((const char *const[]){text, NULL})
#define ARGV(...)  ((const char *const[]){__VA_ARGS__, NULL})

/* Nothing is lost for want of room, however busy the machine is. */
static const char *const patient[] = {"RILL_POLICY=block", "RILL_BLOCK_TIMEOUT=60s", NULL};

static char *program(void)
{
	return built("tests/programs/" NAME);
}

Test(rotation, every_part_stands_alone, .timeout = 120)
{
	struct parts *parts = parts_run("rotate=128KiB", patient, ARGV(program(), "60000"));
	cr_assert_eq(parts->run.code, 0, "%s", parts->run.err);
	cr_assert_gt(parts->count, 10);
	uint64_t records = 0;
	for (size_t i = 0; i < parts->count; i++) {
		expect_blocks(&parts->part[i], (uint32_t)i, true);
		/* It may be longer by a chunk and what ends it. */
		size_t first = first_at(&parts->part[i]);
		cr_expect_lt(parts->part[i].size,
			     (2 * first > 128 << 10 ? 2 * first : 128 << 10) + (96 << 10));
		records += read_part(&parts->part[i], i);
	}
	for (size_t i = 1; i < parts->count; i++)
		expect_open(&parts->part[i], i);
	for (size_t i = 0; i < parts->count; i++)
		expect_summary(&parts->part[i], i);
	struct parts_sums sums = parts_sums(parts);
	cr_expect_eq(sums.written, records);
	cr_expect_eq(sums.failed, 0);
	cr_expect_eq(records + sums.filtered + sums.discarded, parts_number(parts, "emitted"),
		     "%llu read, %llu written, %llu filtered, %llu discarded of: %s",
		     (unsigned long long)records, (unsigned long long)sums.written,
		     (unsigned long long)sums.filtered, (unsigned long long)sums.discarded,
		     parts->run.out);
	parts_end(parts);
}

/* A ring that is too small: what is lost is counted, over all parts together. */
Test(rotation, losses_add_up, .timeout = 120)
{
	struct parts *parts = parts_run("rotate=256KiB", ENV1("RILL_RING_SIZE=64KiB"),
					ARGV(built("tests/programs/threads"), "3", "500000"));
	cr_assert_eq(parts->run.code, 0, "%s", parts->run.err);
	cr_assert_gt(parts->count, 3);
	uint64_t records = 0;
	for (size_t i = 0; i < parts->count; i++) {
		struct dump_record record;
		expect_blocks(&parts->part[i], (uint32_t)i, true);
		while (dump_next(parts->part[i].dump, &record) == 1)
			records += !record.context;
	}
	struct parts_sums sums = parts_sums(parts);
	cr_expect_gt(sums.discarded, 0, "a ring that never fills shows nothing: make it smaller");
	cr_expect_eq(sums.written, records);
	cr_expect_eq(records + sums.filtered + sums.discarded, parts_number(parts, "emitted"));
	parts_end(parts);
}

/* What was flushed is there; every part but the last is whole. It may have died while it began
 * another file: that one is the last then, and has no records. */
Test(rotation, kill_9_leaves_all_parts_but_the_last_whole, .timeout = 120)
{
	struct parts *parts = parts_run("rotate=128KiB", patient, ARGV(program(), "60000", "kill"));
	cr_assert_eq(parts->run.signal, SIGKILL, "%s", parts->run.err);
	cr_assert_gt(parts->count, 3);
	bool began = part_file(&parts->part[parts->count - 1])->nrecords == 0;
	parts->count -= began;
	uint64_t records = 0;
	for (size_t i = 0; i < parts->count; i++) {
		expect_blocks(&parts->part[i], (uint32_t)i, i + 1 < parts->count);
		records += read_part(&parts->part[i], i);
	}
	cr_expect(began || !part_file(&parts->part[parts->count - 1])->finished);
	for (size_t i = 1; i < parts->count; i++)
		expect_open(&parts->part[i], i);
	struct parts_sums sums = parts_sums(parts);
	cr_expect_geq(records + sums.filtered, parts_number(parts, "emitted"));
	parts_end(parts);
}

/* The newest finished ones stay, beside the last. */
Test(rotation, keeps_so_many, .timeout = 120)
{
	struct parts *parts = parts_run("rotate=128KiB&keep=3", patient, ARGV(program(), "60000"));
	cr_expect_eq(parts->run.code, 0, "%s", parts->run.err);
	cr_expect(parts->count >= 3 && parts->count <= 5, "%zu", parts->count);
	/* Those of the next run push them out; a file of another name or program stays. */
	char *dump = format("%s/dump", parts->folder);
	char *other = format("%s/20200101T000000.000000000Z-other-1.rill", dump);
	char *mine = format("%s/precious.rill", dump);
	char *fake = format("%s/20200101T000000.000000000Z-" NAME "-1.rill", dump);
	file_copy(parts->part[0].path, mine);
	file_store_text(fake, "not a dump");
	const struct run_options options = {
		.env = (const char *const[]){"RILL_FILTER=*=trace",
					     format("RILL_SINKS=dump:%s", dump), NULL}};
	struct run_result filters = RUN(&options, built("tests/programs/threads"), "1", "10");
	cr_expect_eq(filters.code, 0);
	glob_t found;
	cr_assert_eq(glob(format("%s/*-threads-*.rill", dump), 0, NULL, &found), 0);
	cr_assert_eq(rename(found.gl_pathv[0], other), 0);
	globfree(&found);
	/* Nor is one touched to which somebody writes. */
	char *locked = format("%s/20200101T000001.000000000Z-" NAME "-2.rill", dump);
	file_copy(parts->part[0].path, locked);
	char *command = format("exec 9<'%s'; flock 9; RILL_FILTER='*=trace' "
			       "RILL_SINKS='dump:%s?keep=1' '%s' 10",
			       locked, dump, program());
	struct run_result again = RUN(NULL, "sh", "-c", command);
	cr_expect_eq(again.code, 0, "%s", again.err);
	cr_expect(file_exists(other));
	cr_expect(file_exists(mine));
	cr_expect(file_exists(fake));
	cr_expect(file_exists(locked));
	for (size_t i = 0; i + 1 < parts->count; i++)
		cr_expect_not(file_exists(parts->part[i].path), "%s", parts->part[i].path);
	cr_expect(file_exists(parts->part[parts->count - 1].path));
	parts_end(parts);
}

Test(rotation, keeps_so_many_bytes, .timeout = 120)
{
	struct parts *parts =
		parts_run("rotate=64KiB&keep-size=300KiB", patient, ARGV(program(), "60000"));
	uint64_t bytes = 0;
	for (size_t i = 0; i + 1 < parts->count; i++)
		bytes += parts->part[i].size;
	/* Three of them, of 256 KiB, may have come since the last look. */
	cr_expect_leq(bytes, (300 + 3 * 256) << 10);
	cr_expect_gt(parts->count, 1);
	parts_end(parts);
}

static void make_old(const char *path)
{
	struct run_result touch = RUN(NULL, "touch", "-d", "2 hours ago", path);
	cr_assert_eq(touch.code, 0);
}

Test(rotation, keeps_so_long, .timeout = 120)
{
	struct parts *parts = parts_run("rotate=128KiB", patient, ARGV(program(), "20000"));
	cr_assert_gt(parts->count, 2);
	for (size_t i = 0; i < 2; i++)
		make_old(parts->part[i].path);
	const struct run_options options = {
		.env = (const char *const[]){
			"RILL_FILTER=*=trace",
			format("RILL_SINKS=dump:%s/dump?keep-age=1h", parts->folder), NULL}};
	struct run_result again = RUN(&options, program(), "10");
	cr_expect_eq(again.code, 0);
	for (size_t i = 0; i < parts->count; i++)
		cr_expect_eq(file_exists(parts->part[i].path), i >= 2, "part %zu", i);
	parts_end(parts);
}

/* A process that rests finishes its file when that is old, and rests again. */
Test(rotation, a_file_has_its_age_even_in_a_process_that_rests, .timeout = 120)
{
	struct parts *parts =
		parts_run("every=1s", NULL, ARGV(built("tests/programs/idle"), "2500"));
	cr_assert_eq(parts->run.code, 0, "%s", parts->run.err);
	cr_assert_eq(parts->count, 2, "the second one is empty, and not followed by another");
	cr_expect_gt(part_file(&parts->part[0])->nrecords, 0);
	cr_expect_eq(part_file(&parts->part[1])->nrecords, 0);
	int64_t apart = file_time_ns(parts->part[1].path) - file_time_ns(parts->part[0].path);
	cr_expect_gt(apart, 800000000, "finished while the process slept, not when it ended");
	expect_blocks(&parts->part[0], 0, true);
	parts_end(parts);
}

/* Runs the program with a file system of its own, and loads what it left there. */
static struct parts *run_on(const char *file_system, const char *options, const char *argument)
{
	char *folder = folder_make();
	if (geteuid() != 0)
		cr_skip_test("mounts a file system");
	char *command = format("mkdir %s/small && mount -t tmpfs -o %s tmpfs %s/small && "
			       "RILL_FILTER='*=trace' RILL_SINKS='dump:%s/small?%s' '%s' %s; "
			       "echo code $?; cp -r %s/small %s/out",
			       folder, file_system, folder, folder, options, program(), argument,
			       folder, folder);
	const struct run_options how = {.env = patient};
	struct parts *parts = calloc(1, sizeof *parts);
	parts->run = RUN(&how, "unshare", "-m", "sh", "-c", command);
	parts->folder = folder;
	if (!strstr(parts->run.out, "emitted"))
		cr_skip_test("may not mount a file system");
	cr_expect(strstr(parts->run.out, "code 0"));
	parts_load(parts, format("%s/out/*.rill", folder));
	return parts;
}

static uint64_t records_of(const struct parts *parts)
{
	uint64_t records = 0;
	struct dump_record record;
	for (size_t i = 0; i < parts->count; i++)
		while (dump_next(parts->part[i].dump, &record) == 1)
			records += !record.context;
	return records;
}

/* What does not fit is lost, and told; what is there can be read. */
Test(rotation, a_full_disk, .timeout = 120)
{
	struct parts *parts = run_on("size=1m", "rotate=256KiB", "60000");
	cr_assert_gt(parts->count, 2);
	cr_expect(strstr(parts->run.err, "records are lost to it, and counted"), "%s",
		  parts->run.err);
	for (size_t i = 0; i + 1 < parts->count; i++)
		cr_expect(part_file(&parts->part[i])->finished);
	uint64_t records = records_of(parts);
	cr_expect_gt(records, 1000);
	cr_expect_lt(records, parts_number(parts, "emitted"));
	parts_end(parts);
}

/* Room for three files, not for a fourth: the third one goes on, and nothing is lost. */
Test(rotation, another_file_cannot_be_begun, .timeout = 120)
{
	struct parts *parts = run_on("size=64m,nr_inodes=4", "rotate=128KiB", "300000");
	cr_assert_eq(parts->count, 3);
	const char *told = strstr(parts->run.err, "though it is time for another file");
	cr_assert(told, "%s", parts->run.err);
	cr_expect(!strstr(told + 1, "though it is time"), "once: %s", parts->run.err);
	for (size_t i = 0; i < parts->count; i++)
		expect_blocks(&parts->part[i], (uint32_t)i, true);
	struct parts_sums sums = parts_sums(parts);
	cr_expect_eq(records_of(parts), sums.written);
	cr_expect_eq(sums.written + sums.filtered, parts_number(parts, "emitted"));
	parts_end(parts);
}

/* With retention the same disk never fills. */
Test(rotation, retention_keeps_a_small_disk_from_filling, .timeout = 120)
{
	struct parts *parts = run_on("size=8m", "rotate=128KiB&keep=1", "300000");
	cr_expect_str_eq(parts->run.err, "");
	parts_end(parts);
}

/* Two dumps of one process, with options of their own. */
Test(rotation, two_dumps_at_once, .timeout = 120)
{
	char *folder = folder_make();
	char *sinks = format("RILL_SINKS=dump:%s/many?rotate=128KiB,dump:%s/one", folder, folder);
	const struct run_options options = {.env = (const char *const[]){"RILL_FILTER=*=trace",
									 sinks, patient[0],
									 patient[1], NULL}};
	struct run_result result = RUN(&options, program(), "30000");
	struct parts *many = calloc(1, sizeof *many), *one = calloc(1, sizeof *one);
	parts_load(many, format("%s/many/*.rill", folder));
	parts_load(one, format("%s/one/*.rill", folder));
	cr_assert_eq(one->count, 1);
	cr_assert_gt(many->count, 3);
	uint64_t records = 0;
	for (size_t i = 0; i < many->count; i++)
		records += part_file(&many->part[i])->nrecords;
	cr_expect_eq(records, part_file(&one->part[0])->nrecords);
	cr_expect_eq(parts_sums(many).written, parts_sums(one).written);
	expect_blocks(&one->part[0], 0, true);
	run_free(&result);
	folder_remove(folder);
}
