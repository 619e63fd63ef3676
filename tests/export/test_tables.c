/* JSON lines and CSV: DuckDB takes them as they are, and finds what `rill cat -f json` shows. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "../support/chunks.h"
#include "../support/files.h"
#include "../support/mixed.h"
#include "../support/records.h"
#include "../support/run.h"

/* How many records are compared. */
static unsigned long count(void)
{
	const char *tier = getenv("RILL_TEST_TIER");
	return !tier || strcmp(tier, "short") == 0 ? 20000 : 100000;
}

static const struct run_options patient = {.timeout_ms = 300000};

/* Of all dumps in the folder. */
static void compare(const char *folder, const char *to, const char *page, unsigned long events)
{
	char *dump = format("%s/dump", folder), *json = format("%s/json", folder);
	char *out = format("%s/%s", folder, to);
	struct run_result r = RUN(&patient, "sh", "-c",
				  format("%s cat -f json %s >%s", built("rill"), dump, json));
	cr_assert_eq(r.code, 0, "%s", r.err);
	r = RUN(&patient, built("rill"), "export", "--to", to, "-o", out, dump);
	cr_assert_eq(r.code, 0, "%s", r.err);
	cr_assert_str_empty(r.err);
	r = RUN(&patient, "node", TEST_NODE "/tables.mjs", out, to, json, page);
	cr_assert_eq(r.code, 0, "%s%s", r.out, r.err);
	cr_assert_not_null(strstr(r.out, format("%lu events are equal\n", events)), "%s", r.out);
	cr_assert_not_null(strstr(r.out, " spans are equal\n"), "%s", r.out);
}

static void compare_mixed(const char *to)
{
	char *folder = folder_make();
	mixed_write(format("%s/dump", folder), count(), 1);
	compare(folder, to, source("docs/events.ids"), count());
	folder_remove(folder);
}

Test(tables, duckdb_takes_json_lines, .timeout = 600)
{
	compare_mixed("jsonl");
}

Test(tables, duckdb_takes_csv, .timeout = 600)
{
	compare_mixed("csv");
}

/* The records of one ring, of the small catalog. Returns the dump's path. */
static char *put_dump(const char *folder, const void *records, size_t size)
{
	const struct dump_process process = {
		.pid = 77, .id = {1, 2}, .program = "mixed", .host = "mixed.example.org"};
	const struct clock_point clock = {.ns = 1700000000000000000, .rate = (uint64_t)1 << 32};
	const struct dump_chunk chunk = {1, 78, 0, size};
	struct dump_writer *writer;
	char error[256];
	cr_assert_eq(dump_create(&writer, folder, &process, error, sizeof error), 0, "%s", error);
	char *path = strdup(dump_path(writer));
	cr_assert_eq(dump_put_catalog(writer, 0, &records_catalog), 0);
	cr_assert_eq(dump_put_clock(writer, &clock), 0);
	cr_assert_eq(chunk_put(writer, &chunk, records), 0);
	cr_assert_eq(dump_close(writer), 0);
	return path;
}

/* `count` records without keys, and one more with a note. */
static char *late_key(const char *folder, size_t count)
{
	const struct slot note = slot_text(KEY_NOTE, "late");
	unsigned char *bytes = malloc(32 * count + 128);
	size_t size = 0;
	for (size_t i = 0; i < count; i++)
		size += record_put(bytes + size, i, 0, EVENT_WORK, NULL, 0);
	size += record_put(bytes + size, count, 0, EVENT_WORK, &note, 1);
	char *path = put_dump(folder, bytes, size);
	free(bytes);
	return path;
}

/* DuckDB looks at 20,480 lines to see which columns there are. */
Test(tables, a_key_that_comes_late_has_its_column, .timeout = 120)
{
	char *folder = folder_make(), *dump = late_key(folder, 30000);
	static const char *const formats[] = {"jsonl", "csv"};
	for (size_t i = 0; i < 2; i++) {
		char *out = format("%s/%s", folder, formats[i]);
		struct run_result r =
			RUN(&patient, built("rill"), "export", "--to", formats[i], "-o", out, dump);
		cr_assert_eq(r.code, 0, "%s", r.err);
		char *sql = format("select count(*), count(note), max(trim(note::varchar, '\"')) "
				   "from '%s/events.%s'",
				   out, formats[i]);
		r = RUN(&patient, "node", TEST_NODE "/sql.mjs", sql);
		cr_assert_str_eq(r.out, "[\"30001\",\"1\",\"late\"]\n", "%s%s", r.out, r.err);
	}
	folder_remove(folder);
}

Test(tables, one_of_the_two_is_a_file)
{
	char *folder = folder_make(), *dump = late_key(folder, 10);
	char *both = format("%s/both", folder), *one = format("%s/one", folder);
	struct run_result r = RUN(NULL, built("rill"), "export", "--to=csv", "-o", both, dump);
	cr_assert_eq(r.code, 0, "%s", r.err);
	r = RUN(NULL, built("rill"), "export", "--to=csv", "--only=events", "-o", one, dump);
	cr_assert_eq(r.code, 0, "%s", r.err);
	char *events = file_load(format("%s/events.csv", both), NULL);
	cr_expect_str_eq(file_load(one, NULL), events);
	r = RUN(NULL, built("rill"), "export", "--to=csv", "--only=events", dump);
	cr_expect_str_eq(r.out, events, "standard output has it too");
	r = RUN(NULL, built("rill"), "export", "--to=csv", "--only=spans", dump);
	cr_expect_str_eq(r.out, file_load(format("%s/spans.csv", both), NULL));
	cr_expect_eq(strncmp(r.out, "start_time,end_time,start_ns,", 29), 0, "%s", r.out);
	r = RUN(NULL, built("rill"), "export", "--to=csv", dump);
	cr_expect_eq(r.code, 2);
	cr_expect_not_null(strstr(r.err, "--only=events"), "%s", r.err);
	r = RUN(NULL, built("rill"), "export", "--to=csv", "--only=records", dump);
	cr_expect_eq(r.code, 2);
	r = RUN(NULL, built("rill"), "export", "--to=ctf", "--only=spans", dump);
	cr_expect_eq(r.code, 2);
	folder_remove(folder);
}

static uint64_t random_next(void)
{
	static uint64_t state = 0x9e3779b97f4a7c15;
	state ^= state << 13;
	state ^= state >> 7;
	return state ^= state << 17;
}

/* Of any type, under any key, whatever the page says of it. */
static struct slot any_slot(void)
{
	static const unsigned char noise[] = "\xff\x00\xc3\x28\",\r\n'\\ =1+1 \xe2\x80\xae";
	struct slot slot = {.key = (uint16_t)(random_next() % KEY_COUNT),
			    .type = (uint8_t)(random_next() % RILL_TYPE_LIST),
			    .word = random_next()};
	switch (slot.type) {
	case RILL_TYPE_BOOL:
		slot.word &= 1;
		return slot;
	case RILL_TYPE_IP:
		slot.size = random_next() % 2 * 16;
		slot.word = slot.size << 32;
		slot.bytes = noise;
		return slot;
	case RILL_TYPE_STRING:
	case RILL_TYPE_BYTES:
		slot.size = random_next() % sizeof noise;
		slot.word = slot.size | (slot.size + random_next() % 2) << 32;
		slot.bytes = noise;
		return slot;
	default:
		return slot;
	}
}

/* A writer that broke its own rules loses nothing either. */
Test(tables, values_that_the_page_does_not_allow, .timeout = 120)
{
	char *folder = folder_make(), *page = format("%s/page", folder);
	unsigned char *bytes = malloc(4 << 20);
	size_t size = 0, count = 3000;
	for (size_t i = 0; i < count; i++) {
		struct slot slots[12];
		size_t nslots = random_next() % 12;
		for (size_t s = 0; s < nslots; s++)
			slots[s] = any_slot();
		size += record_put(bytes + size, 10 * i, 0, (uint16_t)(random_next() % EVENT_COUNT),
				   slots, nslots);
	}
	put_dump(format("%s/dump", folder), bytes, size);
	file_store_text(page, "key 0 id u64|string\nkey 1 remoteIp ip\nkey 2 note string\n"
			      "key 3 jobId u64|string\nkey 4 tags list|bytes\n");
	compare(folder, "jsonl", page, count);
	compare(folder, "csv", page, count);
	free(bytes);
	folder_remove(folder);
}
