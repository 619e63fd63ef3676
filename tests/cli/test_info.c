/* rill info and rill verify: what they say of good dumps, and that no fault escapes. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../support/chunks.h"
#include "../support/files.h"
#include "../support/random_trace.h"
#include "../support/records.h"
#include "../support/run.h"
#include "dump/format.h"

static const char *const environment[] = {"COLUMNS=110", "LC_ALL=C.UTF-8", "TZ=UTC", NULL};

#define RILL(folder, ...)                                                                          \
	RUN((&(struct run_options){.directory = (folder), .env = environment}), built("rill"),     \
	    __VA_ARGS__)

static char *make_random(size_t records)
{
	char *folder = folder_make();
	random_trace_write(&(struct random_trace){
		.folder = folder, .file = "a.rill", .seed = 11, .pid = 4711, .records = records});
	return folder;
}

Test(info, tells_who_and_what)
{
	char *folder = make_random(20000);
	struct run_result r = RILL(folder, "info", "a.rill");
	cr_expect_eq(r.code, 0, "%s", r.err);
	cr_expect(strstr(r.out, "process      random, pid 4711 on "), "%s", r.out);
	cr_expect(strstr(r.out, "\n  id         0000000000001267000000000000000b\n"), "%s", r.out);
	cr_expect(strstr(r.out, " 1000 MHz, compared with the time of day 1 time;"), "%s", r.out);
	cr_expect(strstr(r.out, "  catalog    records: 9 events, 3 subsystems, 5 keys, 4 spans;"),
		  "%s", r.out);
	cr_expect(strstr(r.out, ", 20000 records from 2023-11-14 22:13:20."), "%s", r.out);
	cr_expect(strstr(r.out, " UTC, complete\n"), "%s", r.out);
	cr_expect(strstr(r.out, "  RECORDS "), "%s", r.out);
	r = RILL(folder, "verify", "a.rill");
	cr_expect_eq(r.code, 0, "%s", r.out);
	cr_expect(strstr(r.out, " blocks, 20000 records\n"), "%s", r.out);
	r = RILL(folder, "verify", "--quiet", "a.rill");
	cr_expect(r.code == 0 && !r.out_bytes);
	RUN((&(struct run_options){.directory = folder}), "truncate", "-s", "-100", "a.rill");
	r = RILL(folder, "info", "a.rill");
	cr_expect_eq(r.code, 1);
	cr_expect(strstr(r.out, "without an end: cut, or its process was killed"), "%s", r.out);
	cr_expect_not(strstr(r.out, " 0 records"), "%s", r.out);
	cr_expect(strstr(r.out, "  catalog    records: 9 events,"), "%s", r.out);
}

/* Whatever byte is another one than was written is told of; but those of the minor version. */
Test(info, every_byte_is_verified)
{
	char *folder = make_random(60), *path = format("%s/a.rill", folder);
	size_t size;
	char *bytes = file_load(path, &size);
	cr_assert_gt(size, 2000);
	for (size_t at = 0; at < size; at += at < 400 ? 1 : 3) {
		if (at == 10 || at == 11)
			continue;
		bytes[at] ^= (char)(1 << at % 8);
		file_store(path, bytes, size);
		struct run_result r = RILL(folder, "verify", "a.rill");
		cr_assert_eq(r.code, 1, "byte %zu: %s", at, r.out);
		cr_assert_eq(r.signal, 0);
		run_free(&r);
		bytes[at] ^= (char)(1 << at % 8);
	}
}

Test(info, every_cut_is_told)
{
	char *folder = make_random(60), *path = format("%s/a.rill", folder);
	size_t size;
	char *bytes = file_load(path, &size);
	for (size_t left = 0; left < size; left += left < 200 ? 1 : 17) {
		file_store(path, bytes, left);
		struct run_result r = RILL(folder, "verify", "a.rill");
		cr_assert_eq(r.code, 1, "%zu bytes: %s", left, r.out);
		run_free(&r);
	}
}

static void put(struct dump_writer *writer, uint64_t position, uint64_t ns)
{
	unsigned char bytes[256];
	struct slot slot = slot_u64(KEY_ID, 1);
	size_t size = record_put(bytes, ns, 0, EVENT_WORK, &slot, 1);
	struct dump_chunk chunk = {3, 71, position, position + size};
	cr_assert_eq(chunk_put(writer, &chunk, bytes), 0);
}

/* A record of 32 bytes each in a chunk of its own, at these positions. */
static char *make_positions(const uint64_t *positions, size_t count)
{
	struct dump_process process = {
		.pid = 4711, .id = {5, 6}, .start_ns = RANDOM_TRACE_START_NS, .program = "smtpd"};
	const struct clock_point clock = {0, RANDOM_TRACE_START_NS, (uint64_t)1 << 32, 0, 0};
	char *folder = folder_make(), error[256];
	struct dump_writer *writer;
	cr_assert_eq(dump_create(&writer, folder, &process, error, sizeof error), 0, "%s", error);
	cr_assert_eq(rename(dump_path(writer), format("%s/x.rill", folder)), 0);
	cr_assert_eq(dump_put_catalog(writer, 0, &records_catalog), 0);
	cr_assert_eq(dump_put_clock(writer, &clock), 0);
	for (size_t i = 0; i < count; i++)
		put(writer, positions[i], 1000 * (i + 1));
	cr_assert_eq(dump_close(writer), 0);
	return folder;
}

Test(info, gaps_and_pieces_twice)
{
	struct run_result r = RILL(make_positions((uint64_t[]){640, 672, 704}, 3), "verify", ".");
	cr_expect_eq(r.code, 0, "%s", r.out);
	r = RILL(make_positions((uint64_t[]){640, 672, 768}, 3), "verify", ".");
	cr_expect_eq(r.code, 1);
	cr_expect(strstr(r.out, ": 64 bytes of records of ring 3 are missing before its position "
				"768\n"),
		  "%s", r.out);
	r = RILL(make_positions((uint64_t[]){640, 672, 672}, 3), "verify", ".");
	cr_expect_eq(r.code, 1);
	cr_expect(strstr(r.out, ": 32 bytes of records of ring 3 from its position 672 on stand in "
				"a chunk before as well\n"),
		  "%s", r.out);
	cr_expect(strstr(r.out, "./x.rill: 1 fault\n"), "%s", r.out);
}

static void put32(char *to, uint32_t value)
{
	for (size_t i = 0; i < 4; i++)
		to[i] = (char)(value >> 8 * i);
}

/* The n-th block of a type, from 0. */
static size_t find_block(const char *bytes, size_t size, uint16_t type, size_t n)
{
	struct block block;
	for (size_t at = FORMAT_HEADER_SIZE; at + BLOCK_HEADER_SIZE <= size;) {
		cr_assert(block_header_get(&block, (const unsigned char *)bytes + at, at));
		if (block.type == type && !n--)
			return at;
		at += BLOCK_HEADER_SIZE + ((block.size + 7) & ~(uint64_t)7);
	}
	cr_assert_fail("there is no such block");
	return 0;
}

/* A byte of a block's body becomes another one, and all checks are right. */
static void forge(char *bytes, size_t at, size_t offset)
{
	struct block block;
	cr_assert(block_header_get(&block, (unsigned char *)bytes + at, at));
	bytes[at + BLOCK_HEADER_SIZE + offset] ^= 1;
	put32(bytes + at + 52, format_crc(0, bytes + at + BLOCK_HEADER_SIZE, block.size));
	put32(bytes + at + 60, format_crc(0, bytes + at, 60));
}

/* What checks say is right, but it contradicts what it is about. */
Test(info, lies_are_found)
{
	static const struct {
		uint16_t type;
		size_t block;
		size_t offset;
		const char *fault;
	} lies[] = {
		/* Records of the first block, which has none; records and bytes of a chunk. */
		{BLOCK_INDEX, 0, INDEX_HEADER_SIZE + 28, "says something else of this block"},
		{BLOCK_INDEX, 0, INDEX_HEADER_SIZE + 3 * INDEX_ENTRY_SIZE + 28,
		 "says something else of this block"},
		{BLOCK_INDEX, 0, INDEX_HEADER_SIZE + 3 * INDEX_ENTRY_SIZE + 32,
		 "says something else of this block"},
		{BLOCK_INDEX, 0, 0, " as the index before it"},
		{BLOCK_END, 0, 0, "this end does not say what stands before it"},
		{BLOCK_END, 0, 8, "this end does not say what stands before it"},
		{BLOCK_RECORDS, 0, 6, "its times are not those of its records"},
		{BLOCK_CATALOG, 0, 0, "a record of it is of no event in the catalogs"},
	};
	char *folder = make_positions((uint64_t[]){640, 672, 704}, 3);
	char *path = format("%s/x.rill", folder);
	size_t size;
	char *bytes = file_load(path, &size), *lie = malloc(size);
	for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
		memcpy(lie, bytes, size);
		size_t at = find_block(bytes, size, lies[i].type, lies[i].block);
		forge(lie, at, lies[i].offset);
		file_store(path, lie, size);
		struct run_result r = RILL(folder, "verify", "x.rill");
		cr_expect_eq(r.code, 1, "%zu: %s", i, r.out);
		cr_expect(strstr(r.out, lies[i].fault), "%zu: %s", i, r.out);
	}
}

/* The index says how much a broken chunk held. */
Test(info, what_was_lost_is_told)
{
	char *folder = make_random(20000), *path = format("%s/a.rill", folder);
	size_t size;
	char *bytes = file_load(path, &size);
	size_t at = find_block(bytes, size, BLOCK_RECORDS, 1);
	bytes[at + BLOCK_HEADER_SIZE + 200] ^= 1;
	file_store(path, bytes, size);
	struct run_result r = RILL(folder, "verify", "a.rill");
	unsigned lost = 0;
	char *told = strstr(r.out, "by the index ");
	cr_assert(told, "%s", r.out);
	cr_assert_eq(sscanf(told, "by the index %u records are lost here", &lost), 1);
	r = RILL(folder, "cat", "--format=json", "a.rill");
	size_t events = 0;
	for (char *line = r.out; (line = strstr(line, "{\"kind\":\"event\"")); line++)
		events++;
	cr_expect_eq(events + lost, 20000, "%zu and %u", events, lost);
	/* Without its header it is no block. */
	bytes[at + 20] ^= 1;
	file_store(path, bytes, size);
	r = RILL(folder, "verify", "a.rill");
	cr_expect(strstr(r.out, format("byte %zu: the next ", at)), "%s", r.out);
	cr_expect(strstr(r.out, ": 1 block is missing before it\n"), "%s", r.out);
	cr_expect(strstr(r.out, format("by the index %u records are lost here", lost)), "%s",
		  r.out);
}
