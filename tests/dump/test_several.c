/* Several processes in one file, compressed; how far reading is; an INDEX that is not to be
 * trusted. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "../support/blocks.h"
#include "../support/chunks.h"
#include "../support/files.h"
#include "../support/records.h"
#include "dump/dump.h"

#define EACH   100u
#define CHUNKS 20u
#define LONG   4000u

/* The second process's clock counts from another zero: its tick t is 1 ns after the first one's. */
static const struct clock_point clocks[2] = {{.rate = (uint64_t)1 << 32},
					     {.ns = 1, .rate = (uint64_t)1 << 32}};

static struct dump_process process_of(uint64_t which)
{
	return (struct dump_process){
		.pid = 7, .id = {1, which}, .start_ns = 3, .program = which ? "second" : "first"};
}

/* Chunks of the processes in turn, in each the same ticks and the same ring. */
static char *make(const char *folder, unsigned nprocesses, int level, uint64_t nchunks)
{
	struct dump_process process = process_of(0);
	struct dump_writer *writer;
	char error[256];
	cr_assert_eq(dump_create(&writer, folder, &process, error, sizeof error), 0, "%s", error);
	char *path = strdup(dump_path(writer));
	cr_assert_eq(dump_compress(writer, level), 0);
	for (unsigned which = 0; which < nprocesses; which++) {
		process = process_of(which);
		if (which)
			cr_assert_eq(dump_put_process(writer, &process), which);
		cr_assert_eq(dump_put_catalog(writer, 0,
					      which ? &records_catalog_other : &records_catalog),
			     0);
		cr_assert_eq(dump_put_clock(writer, &clocks[which]), 0);
	}
	for (uint64_t chunk = 0; chunk < nchunks; chunk++)
		for (unsigned which = 0; which < nprocesses; which++) {
			unsigned char bytes[EACH * 64];
			size_t size = 0;
			for (uint64_t i = 0; i < EACH; i++) {
				struct slot slot = slot_u64(KEY_ID, chunk);
				size += record_put(bytes + size, 10 * (EACH * chunk + i), 0, 0,
						   &slot, 1);
			}
			struct dump_chunk piece = {5, 1, size * chunk, size * (chunk + 1)};
			dump_turn_to(writer, (uint16_t)which);
			cr_assert_eq(chunk_put(writer, &piece, bytes), 0);
		}
	cr_assert_eq(dump_close(writer), 0);
	return path;
}

static struct dump_reader *reopen(const char *path)
{
	struct dump_reader *reader;
	char error[256];
	cr_assert_eq(dump_open(&reader, path, error, sizeof error), 0, "%s", error);
	return reader;
}

static int count_compressed(void *context, const struct dump_block *block)
{
	*(size_t *)context += block->compressed;
	return 0;
}

static void expect_two(int level)
{
	char *folder = folder_make(), *path = make(folder, 2, level, CHUNKS), error[256];
	struct dump_reader *reader = reopen(path);
	struct dump_record record;
	size_t compressed = 0;
	cr_assert_eq(dump_walk(path, count_compressed, &compressed, error, sizeof error), 0);
	cr_expect_eq(compressed > 0, level > 0);
	cr_assert_eq(dump_origin_count(reader), 2);
	cr_assert_eq(dump_file_count(reader), 2);
	for (uint64_t i = 0; i < 2 * CHUNKS * EACH; i++) {
		uint32_t which = i % 2;
		cr_assert_eq(dump_next(reader, &record), 1);
		cr_assert_eq(record.ns, 10 * (i / 2) + which);
		cr_assert_eq(record.origin, which);
		cr_assert_eq(dump_file(reader, record.file)->origin, which);
		cr_assert_eq(dump_file(reader, record.file)->number, which);
	}
	cr_expect_eq(dump_next(reader, &record), 0);
	for (size_t i = 0; i < 2; i++) {
		const struct dump_origin *origin = dump_origin(reader, i);
		cr_expect_str_eq(origin->process.program, i ? "second" : "first");
		cr_expect_str_eq(origin->process.host, "");
		cr_expect_str_eq(origin->catalogs.catalog[0]->name,
				 (i ? &records_catalog_other : &records_catalog)->name);
		cr_expect_eq(dump_file(reader, i)->nrecords, CHUNKS * EACH);
		cr_expect_null(dump_file(reader, i)->damage);
	}
	dump_reader_close(reader);
	folder_remove(folder);
}

Test(several, processes_in_one_file)
{
	expect_two(0);
}

Test(several, processes_in_one_compressed_file)
{
	expect_two(3);
}

Test(several, progress_goes_on_to_the_end)
{
	char *folder = folder_make(), *path = make(folder, 1, 0, LONG);
	struct dump_reader *reader = reopen(path);
	struct dump_record record;
	uint64_t before = 0, done, all, steps = 0;
	for (uint64_t i = 0; i < LONG * EACH; i++) {
		cr_assert_eq(dump_next(reader, &record), 1);
		dump_progress(reader, &done, &all);
		cr_assert(done >= before && done <= all);
		steps += done > before;
		before = done;
	}
	cr_assert_eq(dump_next(reader, &record), 0);
	dump_progress(reader, &done, &all);
	cr_expect_gt(all, 0);
	cr_expect_eq(done, all);
	cr_expect_geq(steps, 2, "an INDEX comes every 1024 blocks");
	dump_reader_close(reader);
	folder_remove(folder);
}

/* One field of one entry says something else than the block. */
Test(several, an_index_that_lies_costs_no_record)
{
	static const struct {
		size_t at;
		size_t size;
	} fields[] = {{0, 8}, {8, 8}, {16, 8}, {24, 4}, {28, 4}, {32, 4}, {36, 2}, {38, 2}};
	char *folder = folder_make(), *path = make(folder, 1, 0, CHUNKS);
	size_t size;
	unsigned char *good = (unsigned char *)file_load(path, &size), *bytes = malloc(size);
	for (size_t f = 0; f < sizeof fields / sizeof *fields; f++)
		for (uint64_t add = 1; add <= 64; add *= 8) {
			memcpy(bytes, good, size);
			unsigned char *block = bytes + 16;
			while (block_get(block + 4, 2) != 9)
				block += 64 + (block_get(block + 8, 8) + 7) / 8 * 8;
			/* Behind PROCESS, CATALOG, CLOCK and two chunks. */
			unsigned char *field = block + 64 + 24 + 5 * 48 + fields[f].at;
			block_put(field, block_get(field, fields[f].size) + add, fields[f].size);
			block_seal(block, block_get(block + 8, 8));
			file_store(path, bytes, size);
			struct dump_reader *reader = reopen(path);
			struct dump_record record;
			uint64_t n = 0;
			while (dump_next(reader, &record) == 1)
				n++;
			cr_expect_eq(n, CHUNKS * EACH, "field at %zu + %zu: %zu", fields[f].at,
				     (size_t)add, (size_t)n);
			cr_expect_eq(dump_file(reader, 0)->nrecords, CHUNKS * EACH,
				     "field at %zu + %zu", fields[f].at, (size_t)add);
			dump_reader_close(reader);
		}
	free(good);
	free(bytes);
	folder_remove(folder);
}
