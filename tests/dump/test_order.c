/* Records of all rings and files in order of time, each once: against a plain sort. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "../support/chunks.h"
#include "../support/files.h"
#include "../support/records.h"
#include "dump/dump.h"

#define MAX_RINGS 40

static const struct clock_point plain = {0, 0, (uint64_t)1 << 32, 0, 0};

static uint64_t random_state = 4101842887655102017u;

static uint64_t random_next(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	return random_state ^= random_state << 17;
}

struct expected {
	uint64_t ns;
	uint32_t file;
	uint64_t ring;
	uint64_t position;
	uint64_t id; /* the value that the record carries */
};

struct oracle {
	struct expected *records;
	size_t count;
	size_t room;
};

static void expect(struct oracle *oracle, struct expected record)
{
	if (oracle->count == oracle->room) {
		oracle->room = 2 * oracle->room + 1000;
		oracle->records = realloc(oracle->records, oracle->room * sizeof record);
	}
	oracle->records[oracle->count++] = record;
}

static int by_order(const void *left, const void *right)
{
	const struct expected *a = left, *b = right;
	if (a->ns != b->ns)
		return a->ns < b->ns ? -1 : 1;
	if (a->file != b->file)
		return a->file < b->file ? -1 : 1;
	if (a->ring != b->ring)
		return a->ring < b->ring ? -1 : 1;
	return (a->position > b->position) - (a->position < b->position);
}

/* Process `id`: those that started at the same time are in the order of their ids. */
static struct dump_writer *create(const char *folder, uint64_t id)
{
	struct dump_process process = {
		.pid = 1, .id = {1, id}, .start_ns = 3, .program = format("p%02u", (unsigned)id)};
	struct dump_writer *writer;
	char error[256];
	cr_assert_eq(dump_create(&writer, folder, &process, error, sizeof error), 0, "%s", error);
	cr_assert_eq(dump_put_catalog(writer, 0, &records_catalog), 0);
	cr_assert_eq(dump_put_clock(writer, &plain), 0);
	return writer;
}

static void compare(const char *path, struct oracle *oracle)
{
	struct dump_reader *reader;
	struct dump_record record;
	char error[256];
	cr_assert_eq(dump_open(&reader, path, error, sizeof error), 0, "%s", error);
	qsort(oracle->records, oracle->count, sizeof *oracle->records, by_order);
	for (size_t i = 0; i < oracle->count; i++) {
		const struct expected *wanted = &oracle->records[i];
		struct rill_item items[RILL_MAX_ITEMS];
		cr_assert_eq(dump_next(reader, &record), 1, "after %zu records", i);
		cr_assert_eq(raw_record_items(&record.raw, items), 1);
		cr_assert(record.ns == wanted->ns && record.file == wanted->file &&
				  record.ring == wanted->ring && items[0].u64 == wanted->id,
			  "record %zu: time %zu ring %zu id %zu, not time %zu ring %zu id %zu", i,
			  (size_t)record.ns, (size_t)record.ring, (size_t)items[0].u64,
			  (size_t)wanted->ns, (size_t)wanted->ring, (size_t)wanted->id);
	}
	cr_assert_eq(dump_next(reader, &record), 0);
	for (size_t i = 0; i < dump_file_count(reader); i++)
		cr_assert_null(dump_file(reader, i)->damage, "%s", dump_file(reader, i)->damage);
	dump_reader_close(reader);
}

/* step: what a ring's clock advances by, at random; back: how far it may step back. */
static void interleave(size_t nfiles, size_t nrings, size_t nchunks, uint64_t step, uint64_t back)
{
	char *folder = folder_make();
	struct oracle oracle = {0};
	unsigned char *bytes = malloc(1 << 20);
	uint64_t id = 0;
	for (uint32_t file = 0; file < nfiles; file++) {
		struct dump_writer *writer = create(folder, file);
		uint64_t ticks[MAX_RINGS], positions[MAX_RINGS];
		for (size_t r = 0; r < nrings; r++) {
			ticks[r] = 1000 + random_next() % 100;
			positions[r] = random_next() % 100 * 8;
		}
		for (size_t c = 0; c < nchunks; c++) {
			size_t r = random_next() % nrings, size = 0;
			uint64_t from = positions[r];
			for (size_t n = random_next() % 50; n > 0; n--) {
				struct slot slot = slot_u64(KEY_ID, ++id);
				ticks[r] += random_next() % step;
				if (back && random_next() % 4 == 0)
					ticks[r] -= random_next() % back;
				expect(&oracle,
				       (struct expected){ticks[r], file, r, from + size, id});
				size += record_put(bytes + size, ticks[r], 0, EVENT_WORK, &slot, 1);
			}
			struct dump_chunk chunk = {r, 1, from, from + size};
			cr_assert_eq(chunk_put(writer, &chunk, bytes), 0);
			positions[r] += size;
		}
		cr_assert_eq(dump_close(writer), 0);
	}
	compare(folder, &oracle);
	folder_remove(folder);
	free(oracle.records);
	free(bytes);
}

Test(order, one_ring)
{
	interleave(1, 1, 20, 10, 0);
}

Test(order, equal_times_by_file_ring_and_position)
{
	interleave(3, 10, 100, 2, 0);
	interleave(2, 3, 50, 1, 0);
}

Test(order, many_rings_with_clocks_of_different_pace)
{
	interleave(1, 40, 400, 1000, 0);
}

Test(order, several_files)
{
	interleave(4, 7, 100, 50, 0);
}

Test(order, time_stamps_that_step_back_within_and_between_chunks)
{
	interleave(1, 1, 60, 10, 12);
	interleave(2, 6, 200, 100, 300);
}

/* One ring's ids 1, 2, 3... at ticks 10, 20, 30...; each record is 32 bytes. */
static void put_ids(struct dump_writer *writer, uint64_t first, uint64_t last)
{
	unsigned char bytes[4096];
	size_t size = 0;
	for (uint64_t id = first; id <= last; id++) {
		struct slot slot = slot_u64(KEY_ID, id);
		size += record_put(bytes + size, 10 * id, 0, EVENT_WORK, &slot, 1);
	}
	struct dump_chunk chunk = {5, 1, 32 * first, 32 * first + size};
	cr_assert_eq(size, 32 * (last + 1 - first));
	cr_assert_eq(chunk_put(writer, &chunk, bytes), 0);
}

static struct dump_reader *read_ids(const char *folder, struct dump_writer *writer,
				    const uint64_t *ids, size_t count)
{
	struct dump_reader *reader;
	struct dump_record record;
	char error[256];
	cr_assert_eq(dump_close(writer), 0);
	cr_assert_eq(dump_open(&reader, folder, error, sizeof error), 0, "%s", error);
	for (size_t i = 0; i < count; i++) {
		cr_assert_eq(dump_next(reader, &record), 1);
		cr_expect_eq(record.ns, 10 * ids[i]);
	}
	cr_expect_eq(dump_next(reader, &record), 0);
	cr_expect_eq(dump_file(reader, 0)->nrecords, count);
	return reader;
}

Test(order, positions_that_overlap_are_read_once)
{
	char *folder = folder_make();
	struct dump_writer *writer = create(folder, 1);
	put_ids(writer, 1, 4);
	put_ids(writer, 1, 4);
	put_ids(writer, 3, 6); /* half of it is new */
	put_ids(writer, 2, 3); /* nothing is */
	put_ids(writer, 7, 7);
	const uint64_t ids[] = {1, 2, 3, 4, 5, 6, 7};
	struct dump_reader *reader = read_ids(folder, writer, ids, 7);
	const char *damage = dump_file(reader, 0)->damage;
	cr_assert(damage);
	cr_expect(strstr(damage, "records of ring 5 in the block at byte "), "%s", damage);
	cr_expect(strstr(damage, " are there twice (and 2 more faults)"), "%s", damage);
	cr_expect_eq(dump_file(reader, 0)->nrings, 1);
	dump_reader_close(reader);
}

Test(order, chunks_out_of_place_are_put_in_line)
{
	char *folder = folder_make();
	struct dump_writer *writer = create(folder, 1);
	put_ids(writer, 5, 8);
	put_ids(writer, 1, 4);
	const uint64_t ids[] = {1, 2, 3, 4, 5, 6, 7, 8};
	struct dump_reader *reader = read_ids(folder, writer, ids, 8);
	cr_expect_null(dump_file(reader, 0)->damage, "%s", dump_file(reader, 0)->damage);
	dump_reader_close(reader);
}

Test(order, missing_positions_are_damage)
{
	char *folder = folder_make();
	struct dump_writer *writer = create(folder, 1);
	put_ids(writer, 3, 4);
	put_ids(writer, 7, 8);
	const uint64_t ids[] = {3, 4, 7, 8};
	struct dump_reader *reader = read_ids(folder, writer, ids, 4);
	cr_assert(dump_file(reader, 0)->damage);
	cr_expect(strstr(dump_file(reader, 0)->damage, "64 bytes of the records of ring 5 are"),
		  "%s", dump_file(reader, 0)->damage);
	dump_reader_close(reader);
}
