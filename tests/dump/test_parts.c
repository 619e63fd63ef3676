/* Several files of one process, read as one; and files that grow while they are read. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "../support/chunks.h"
#include "../support/files.h"
#include "../support/records.h"
#include "dump/dump.h"

static const struct clock_point plain = {.rate = (uint64_t)1 << 32};

static struct dump_writer *create(const char *folder, uint32_t part,
				  const struct rill_catalog *catalog)
{
	struct dump_process process = {.pid = 1,
				       .part = part,
				       .id = {1, 2},
				       .start_ns = 3,
				       .begun_ns = 3 + part,
				       .program = "p"};
	struct dump_writer *writer;
	char error[256];
	cr_assert_eq(dump_create(&writer, folder, &process, error, sizeof error), 0, "%s", error);
	cr_assert_eq(dump_put_catalog(writer, 0, catalog), 0);
	cr_assert_eq(dump_put_clock(writer, &plain), 0);
	return writer;
}

/* One record of a ring whose records are all of 32 bytes, `number` of them before it. */
static void put(struct dump_writer *writer, uint64_t number, uint16_t event, uint64_t id)
{
	unsigned char bytes[64];
	struct slot slot = slot_u64(KEY_ID, id);
	cr_assert_eq(record_put(bytes, 10 * number, 0, event, &slot, 1), 32);
	struct dump_chunk chunk = {5, 1, 32 * number, 32 * number + 32};
	cr_assert_eq(chunk_put(writer, &chunk, bytes), 0);
}

static void put_open(struct dump_writer *writer, uint64_t number, uint64_t id)
{
	unsigned char bytes[64];
	struct slot slot = slot_u64(KEY_ID, id);
	struct dump_pack *pack = dump_pack_new();
	bool bad;
	record_put(bytes, 10 * number, 0, EVENT_CONN_START, &slot, 1);
	struct dump_chunk chunk = {5, 1, 0, 32};
	dump_pack_begin(pack);
	cr_assert_eq(dump_pack_add(pack, &chunk, bytes, &bad), 32);
	cr_assert_eq(dump_put_open(writer, pack), 0);
	dump_pack_free(pack);
}

/* Connection 1 begins in part 0 and ends in part 2; 2 is within part 1. */
static void make_parts(const char *folder, char *paths[3])
{
	static const struct {
		uint16_t event;
		uint64_t id;
	} records[3][3] = {
		{{EVENT_CONN_START, 1}, {EVENT_WORK, 1}, {EVENT_WORK, 1}},
		{{EVENT_CONN_START, 2}, {EVENT_WORK, 1}, {EVENT_CONN_END, 2}},
		{{EVENT_WORK, 1}, {EVENT_CONN_END, 1}, {EVENT_WORK, 3}},
	};
	for (uint32_t part = 0; part < 3; part++) {
		struct dump_writer *writer = create(folder, part, &records_catalog);
		paths[part] = strdup(dump_path(writer));
		if (part)
			put_open(writer, 1, 1);
		for (uint64_t i = 0; i < 3; i++)
			put(writer, 1 + 3 * part + i, records[part][i].event, records[part][i].id);
		cr_assert_eq(dump_close(writer), 0);
	}
}

static struct dump_reader *reopen(const char *const *paths, size_t npaths)
{
	struct dump_reader *reader;
	char error[256];
	cr_assert_eq(dump_open_all(&reader, paths, npaths, NULL, error, sizeof error), 0, "%s",
		     error);
	return reader;
}

/* expected: numbers of the records; a negative one: as context. */
static void expect(struct dump_reader *reader, const int *expected)
{
	struct dump_record record;
	for (; *expected; expected++) {
		cr_assert_eq(dump_next(reader, &record), 1);
		cr_expect_eq(record.ns, (uint64_t)(10 * abs(*expected)), "%zu, not %d",
			     (size_t)record.ns, 10 * abs(*expected));
		cr_expect_eq(record.context, *expected < 0);
	}
	cr_assert_eq(dump_next(reader, &record), 0);
}

static void expect_sound(const struct dump_reader *reader)
{
	for (size_t i = 0; i < dump_file_count(reader); i++)
		cr_expect_null(dump_file(reader, i)->damage, "%s", dump_file(reader, i)->damage);
}

Test(parts, are_one_process_whatever_the_order_they_are_given_in)
{
	char *folder = folder_make(), *paths[3];
	make_parts(folder, paths);
	const char *const mixed[] = {paths[2], paths[0], paths[1]};
	struct dump_reader *reader = reopen(mixed, 3);
	cr_expect_eq(dump_origin_count(reader), 1);
	cr_expect_eq(dump_file_count(reader), 3);
	expect(reader, (const int[]){1, 2, 3, 4, 5, 6, 7, 8, 9, 0});
	expect_sound(reader);
	dump_reader_close(reader);
	folder_remove(folder);
}

Test(parts, a_part_alone_knows_the_spans_that_were_open)
{
	char *folder = folder_make(), *paths[3];
	make_parts(folder, paths);
	const char *const later[] = {paths[1], paths[2]};
	struct dump_reader *reader = reopen(later, 2);
	expect(reader, (const int[]){-1, 4, 5, 6, 7, 8, 9, 0});
	expect_sound(reader);
	dump_reader_close(reader);
	folder_remove(folder);
}

Test(parts, a_missing_part_is_no_damage_and_spans_are_not_started_twice)
{
	char *folder = folder_make(), *paths[3];
	make_parts(folder, paths);
	const char *const holed[] = {paths[0], paths[2]};
	struct dump_reader *reader = reopen(holed, 2);
	/* The start of connection 1 is in part 0. */
	expect(reader, (const int[]){1, 2, 3, 7, 8, 9, 0});
	expect_sound(reader);
	dump_reader_close(reader);
	folder_remove(folder);
}

Test(parts, a_copy_is_read_once_and_told)
{
	char *folder = folder_make(), *paths[3];
	make_parts(folder, paths);
	file_copy(paths[1], format("%s/zz.rill", folder));
	struct dump_reader *reader = reopen((const char *const *)&folder, 1);
	cr_expect_eq(dump_file_count(reader), 4);
	cr_expect_eq(dump_origin_count(reader), 1);
	expect(reader, (const int[]){1, 2, 3, 4, 5, 6, 7, 8, 9, 0});
	const char *damage = dump_file(reader, 3)->damage;
	cr_assert(damage);
	cr_expect(strstr(damage, "is the same file as "), "%s", damage);
	cr_expect(!strstr(damage, "more fault"), "none of it was read: %s", damage);
	dump_reader_close(reader);
	folder_remove(folder);
}

/* So many blocks stand before it that an INDEX is due within the set. */
static void expect_one_set(bool closed)
{
	char *folder = folder_make();
	struct dump_writer *writer = create(folder, 1, &records_catalog);
	for (int i = 0; i < 1018; i++)
		cr_assert_eq(dump_put_clock(writer, &plain), 0);
	for (uint64_t i = 1; i <= 9; i++)
		put_open(writer, i, i);
	put(writer, 10, EVENT_WORK, 1);
	if (closed)
		cr_assert_eq(dump_close(writer), 0);
	else
		dump_forget(writer);
	struct dump_reader *reader = reopen((const char *const *)&folder, 1);
	expect(reader, (const int[]){-1, -2, -3, -4, -5, -6, -7, -8, -9, 10, 0});
	cr_expect_eq(dump_file(reader, 0)->finished, closed);
	dump_reader_close(reader);
	folder_remove(folder);
}

Test(parts, a_set_of_open_spans_is_one_piece)
{
	expect_one_set(true);
}

/* Without an INDEX behind the last blocks. */
Test(parts, a_set_of_open_spans_is_one_piece_in_a_file_that_was_not_closed)
{
	expect_one_set(false);
}

static void put_discarded(struct dump_writer *writer, uint64_t discarded, uint64_t from,
			  uint64_t to)
{
	const struct dump_count count = {.event = EVENT_WORK, .discarded = discarded};
	const struct dump_period period = {from, to, discarded};
	cr_assert_eq(dump_put_counts(writer, &count, 1, 0, &period), 0);
}

static void expect_loss(const struct dump_file *file, uint64_t discarded, uint64_t from,
			uint64_t to)
{
	cr_assert_eq(file->nlosses, 1);
	cr_expect_eq(file->losses[0].event, EVENT_WORK);
	cr_expect_eq(file->losses[0].discarded, discarded);
	cr_expect_eq(file->losses[0].from_ns, from);
	cr_expect_eq(file->losses[0].to_ns, to);
}

/* What a later part begins with was lost before it, and is told there. */
Test(parts, losses_are_told_once_and_when)
{
	char *folder = folder_make();
	struct dump_writer *writer = create(folder, 0, &records_catalog);
	put(writer, 1, EVENT_WORK, 1);
	put_discarded(writer, 5, 100, 200);
	cr_assert_eq(dump_close(writer), 0);
	writer = create(folder, 1, &records_catalog);
	put_discarded(writer, 5, 200, 200);
	put(writer, 2, EVENT_WORK, 1);
	put_discarded(writer, 9, 300, 400);
	put_discarded(writer, 9, 400, 500);
	cr_assert_eq(dump_close(writer), 0);
	struct dump_reader *reader = reopen((const char *const *)&folder, 1);
	cr_assert_eq(dump_file_count(reader), 2);
	expect_loss(dump_file(reader, 0), 5, 100, 200);
	expect_loss(dump_file(reader, 1), 4, 300, 400);
	expect_sound(reader);
	dump_reader_close(reader);
	folder_remove(folder);
}

/* Two dumps of one process, each with a part 0: the second was begun later, as after a rill_stop(),
 * or beside the first. */
static void make_series(const char *folder, uint64_t from, uint64_t to)
{
	for (uint64_t series = 1; series <= 2; series++) {
		struct dump_process process = {.pid = 1,
					       .id = {1, 2},
					       .series = series,
					       .start_ns = 3,
					       .begun_ns = series};
		struct dump_writer *writer;
		char error[256];
		cr_assert_eq(dump_create(&writer, folder, &process, error, sizeof error), 0);
		cr_assert_eq(dump_put_catalog(writer, 0, &records_catalog), 0);
		cr_assert_eq(dump_put_clock(writer, &plain), 0);
		for (uint64_t i = series == 1 ? 1 : from; i < (series == 1 ? to : 10); i++)
			put(writer, i, EVENT_WORK, i);
		cr_assert_eq(dump_close(writer), 0);
	}
}

Test(parts, a_dump_begun_after_another_one_goes_on_where_that_ends)
{
	char *folder = folder_make();
	make_series(folder, 4, 4);
	struct dump_reader *reader = reopen((const char *const *)&folder, 1);
	cr_expect_eq(dump_origin_count(reader), 2, "each has counts of its own");
	expect(reader, (const int[]){1, 2, 3, 4, 5, 6, 7, 8, 9, 0});
	expect_sound(reader);
	dump_reader_close(reader);
	folder_remove(folder);
}

Test(parts, what_two_dumps_hold_is_read_once_and_told)
{
	char *folder = folder_make();
	make_series(folder, 4, 7);
	struct dump_reader *reader = reopen((const char *const *)&folder, 1);
	expect(reader, (const int[]){1, 2, 3, 4, 5, 6, 7, 8, 9, 0});
	const char *first = dump_file(reader, 0)->damage, *second = dump_file(reader, 1)->damage;
	const char *damage = first ? first : second;
	cr_assert(damage);
	cr_expect(strstr(damage, "are there twice"), "%s", damage);
	dump_reader_close(reader);
	folder_remove(folder);
}

Test(parts, another_catalog_makes_another_process_of_it)
{
	char *folder = folder_make();
	struct dump_writer *writer = create(folder, 0, &records_catalog);
	put(writer, 1, EVENT_WORK, 1);
	cr_assert_eq(dump_close(writer), 0);
	writer = create(folder, 1, &records_catalog_other);
	put(writer, 2, EVENT_WORK, 1);
	cr_assert_eq(dump_close(writer), 0);
	struct dump_reader *reader = reopen((const char *const *)&folder, 1);
	cr_expect_eq(dump_origin_count(reader), 2);
	expect(reader, (const int[]){1, 2, 0});
	cr_expect_null(dump_file(reader, 0)->damage);
	const char *damage = dump_file(reader, 1)->damage;
	cr_assert(damage);
	cr_expect(strstr(damage, "its catalog is not the one that "), "%s", damage);
	dump_reader_close(reader);
	folder_remove(folder);
}

/* --- files that grow ------------------------------------------------------------------------- */

Test(refresh, what_is_appended_and_new_parts_are_read_on)
{
	char *folder = folder_make();
	struct dump_writer *writer = create(folder, 0, &records_catalog);
	put(writer, 1, EVENT_WORK, 1);
	struct dump_reader *reader = reopen((const char *const *)&folder, 1);
	expect(reader, (const int[]){1, 0});
	cr_expect(dump_file(reader, 0)->running);
	expect_sound(reader);
	cr_expect_eq(dump_refresh(reader), 0);
	expect(reader, (const int[]){0});
	for (uint64_t number = 2; number < 40; number++) {
		put(writer, number, EVENT_WORK, 1);
		cr_expect_eq(dump_refresh(reader), 1);
		expect(reader, (const int[]){(int)number, 0});
	}
	cr_assert_eq(dump_close(writer), 0);
	writer = create(folder, 1, &records_catalog);
	put_open(writer, 1, 1);
	put(writer, 40, EVENT_WORK, 1);
	cr_expect_eq(dump_refresh(reader), 1);
	/* The part before was read: its open spans are known. */
	expect(reader, (const int[]){40, 0});
	cr_expect_eq(dump_origin_count(reader), 1);
	cr_expect(dump_file(reader, 0)->finished && !dump_file(reader, 0)->running);
	cr_expect(!dump_file(reader, 1)->finished && dump_file(reader, 1)->running);
	cr_expect_eq(dump_file(reader, 0)->nrecords, 39);
	expect_sound(reader);
	/* A process that is killed leaves a file without an end: then it is told. */
	dump_forget(writer);
	dump_refresh(reader);
	expect(reader, (const int[]){0});
	cr_expect(dump_file(reader, 1)->damage != NULL && !dump_file(reader, 1)->running);
	dump_reader_close(reader);
	folder_remove(folder);
}

/* --- bounds -------------------------------------------------------------------------------- */

#define RINGS   2000u
#define BURST   450u
#define BURSTS  4u
#define RECORDS (RINGS * BURST * BURSTS)

/* Every ring's chunk of nearly 64 KiB goes on to the end of the trace: 110 MiB are read at a time.
 */
Test(bounds, more_chunks_at_a_time_than_memory_is_for, .timeout = 120)
{
	char *folder = folder_make();
	struct dump_writer *writer = create(folder, 0, &records_catalog);
	unsigned char *bytes = malloc(BURST * BURSTS * 32);
	for (uint64_t ring = 0; ring < RINGS; ring++) {
		size_t size = 0;
		for (uint64_t i = 0; i < BURST * BURSTS; i++) {
			uint64_t ticks = i / BURST * RINGS * BURST + ring * BURST + i % BURST;
			struct slot slot = slot_u64(KEY_ID, ticks);
			size += record_put(bytes + size, ticks, 0, EVENT_WORK, &slot, 1);
		}
		struct dump_chunk chunk = {ring, 1, 0, size};
		cr_assert_eq(chunk_put(writer, &chunk, bytes), 0);
	}
	cr_assert_eq(dump_close(writer), 0);
	struct dump_reader *reader = reopen((const char *const *)&folder, 1);
	struct dump_record record;
	struct rill_item items[RILL_MAX_ITEMS];
	for (uint64_t i = 0; i < RECORDS; i++) {
		cr_assert_eq(dump_next(reader, &record), 1);
		cr_assert_eq(record.ns, i);
		cr_assert_eq(raw_record_items(&record.raw, items), 1);
		cr_assert_eq(items[0].u64, i);
	}
	cr_expect_eq(dump_next(reader, &record), 0);
	expect_sound(reader);
	dump_reader_close(reader);
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
#ifndef __SANITIZE_ADDRESS__
	/* The bound of decoded chunks is 64 MiB; a run takes some 200 bytes. */
	cr_expect_lt(usage.ru_maxrss, (64 + 40) * 1024, "%ld KiB", usage.ru_maxrss);
#endif
	folder_remove(folder);
}
