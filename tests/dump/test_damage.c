/* A dump that is cut, or whose bytes are not what they were. */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/blocks.h"
#include "../support/chunks.h"
#include "../support/files.h"
#include "../support/records.h"
#include "dump/pack_state.h"

#define MAX_RECORDS 400
#define MAX_CHUNKS  8

/* A dump of two rings, and where each of its records is whole in the file. */
struct sample {
	char *folder;
	char *path;
	uint64_t ends[MAX_RECORDS];
	size_t nrecords;
	uint64_t to[2];
	uint64_t control[MAX_CHUNKS]; /* where each chunk's control bytes begin */
	size_t nchunks;
};

static const struct dump_process process = {
	.pid = 1, .id = {2, 3}, .start_ns = 4, .program = "sample"};
static const struct clock_point plain = {0, 0, (uint64_t)1 << 32, 0, 0};

static uint64_t size_of(const char *path)
{
	struct stat status;
	cr_assert_eq(stat(path, &status), 0);
	return (uint64_t)status.st_size;
}

static size_t make_records(unsigned char *bytes, size_t count, uint64_t ticks, size_t *sizes)
{
	size_t size = 0;
	for (size_t i = 0; i < count; i++) {
		struct slot slots[] = {slot_u64(KEY_ID, ticks + i),
				       slot_text(KEY_NOTE, &"twelve bytes"[i % 13])};
		sizes[i] = record_put(bytes + size, ticks + i, 0, EVENT_WORK, slots, 1 + i % 2);
		size += sizes[i];
	}
	return size;
}

/* Where the payload of each record ends in its chunk: the same records without those after it. */
static uint64_t payload_ends(const struct dump_chunk *chunk, const unsigned char *bytes,
			     const size_t *sizes, size_t count, uint64_t *ends)
{
	struct dump_pack *pack = dump_pack_new();
	struct dump_chunk part = *chunk;
	uint64_t control = 0;
	bool bad;
	part.to = part.from;
	for (size_t i = 0; i < count; i++) {
		part.to += sizes[i];
		dump_pack_begin(pack);
		cr_assert_eq(dump_pack_add(pack, &part, bytes, &bad), part.to);
		ends[i] = (uint64_t)(pack->payload_end - pack->payload);
		control = (uint64_t)(pack->control_end - pack->control);
	}
	dump_pack_free(pack);
	return control;
}

static int put_chunk(struct sample *sample, struct dump_writer *writer, uint64_t ring, size_t count)
{
	unsigned char bytes[8192];
	size_t sizes[64];
	size_t size = make_records(bytes, count, 1000 * ring + sample->to[ring], sizes);
	struct dump_chunk chunk = {ring, (uint32_t)ring + 100, sample->to[ring],
				   sample->to[ring] + size};
	uint64_t start = size_of(sample->path), ends[64];
	int error = chunk_put(writer, &chunk, bytes);
	if (error)
		return error;
	size_t file_size;
	unsigned char *file = (unsigned char *)file_load(sample->path, &file_size);
	uint64_t control = payload_ends(&chunk, bytes, sizes, count, ends);
	uint64_t payload = start + 64 + block_get(file + start + 8, 8) - ends[count - 1];
	for (size_t i = 0; i < count; i++)
		sample->ends[sample->nrecords++] = payload + ends[i];
	sample->to[ring] += size;
	if (sample->nchunks < MAX_CHUNKS)
		sample->control[sample->nchunks++] = payload - control;
	free(file);
	return 0;
}

static struct dump_writer *begin(struct sample *sample)
{
	struct dump_writer *writer;
	char error[256];
	memset(sample, 0, sizeof *sample);
	sample->folder = folder_make();
	cr_assert_eq(dump_create(&writer, sample->folder, &process, error, sizeof error), 0);
	sample->path = strdup(dump_path(writer));
	cr_assert_eq(dump_put_catalog(writer, 0, &records_catalog), 0);
	cr_assert_eq(dump_put_clock(writer, &plain), 0);
	return writer;
}

static void make_sample(struct sample *sample)
{
	struct dump_writer *writer = begin(sample);
	struct dump_count count = {0, EVENT_WORK, 1, 2, 3, 4, 5};
	struct dump_epoch epoch = {1, 2, "*=info"};
	put_chunk(sample, writer, 0, 7);
	put_chunk(sample, writer, 1, 3);
	cr_assert_eq(dump_put_epoch(writer, &epoch), 0);
	put_chunk(sample, writer, 0, 20);
	cr_assert_eq(dump_put_counts(writer, &count, 1, 0, NULL), 0);
	put_chunk(sample, writer, 1, 1);
	cr_assert_eq(dump_close(writer), 0);
}

/* ordered: the clock is not forged. */
static size_t read_all(struct dump_reader *reader, bool ordered)
{
	struct dump_record record;
	struct rill_item items[RILL_MAX_ITEMS];
	size_t count = 0;
	uint64_t last = 0;
	while (dump_next(reader, &record) == 1) {
		cr_assert(!ordered || record.ns >= last);
		last = record.ns;
		raw_record_items(&record.raw, items);
		count++;
	}
	return count;
}

Test(damage, every_prefix_gives_all_whole_records_and_says_where_it_ends)
{
	struct sample sample;
	make_sample(&sample);
	uint64_t full = size_of(sample.path);
	for (uint64_t size = full; size-- > 0;) {
		cr_assert_eq(truncate(sample.path, (off_t)size), 0);
		struct dump_reader *reader;
		char error[256];
		int code = dump_open(&reader, sample.path, error, sizeof error);
		if (size < 16) {
			cr_assert_eq(code, -EBADMSG);
			cr_assert(strstr(error, size ? "cut at byte" : "is empty"), "%s", error);
			continue;
		}
		cr_assert_eq(code, 0, "%zu: %s", (size_t)size, error);
		size_t whole = 0;
		while (whole < sample.nrecords && sample.ends[whole] <= size)
			whole++;
		const struct dump_file *file = dump_file(reader, 0);
		cr_assert_eq(read_all(reader, true), whole, "prefix of %zu bytes", (size_t)size);
		cr_assert_eq(file->nrecords, whole);
		/* The last block's padding is not missed. */
		if (!file->finished) {
			cr_assert(file->damage);
			cr_assert(strstr(file->damage, format("at byte %zu", (size_t)size)), "%s",
				  file->damage);
		}
		cr_assert(!file->finished || full - size < 8);
		dump_reader_close(reader);
	}
}

static uint64_t random_state = 88172645463325252u;

static uint64_t random_next(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	return random_state ^= random_state << 17;
}

/* Whatever a catalog says, its indexes can be followed. */
static void follow(const struct rill_catalog *catalog)
{
	for (size_t i = 0; i < catalog->nevents; i++) {
		const struct rill_catalog_event *event = &catalog->events[i];
		cr_assert(event->subsystem < catalog->nsubsystems && event->level < RILL_OFF);
		for (size_t k = 0; k < event->nkeys; k++)
			cr_assert(event->keys[k] < catalog->nkeys);
	}
	for (size_t i = 0; i < catalog->nspans; i++) {
		const struct rill_catalog_span *span = &catalog->spans[i];
		cr_assert(span->start < catalog->nevents && span->end < catalog->nevents);
		cr_assert(span->key < catalog->nkeys || span->key == RILL_NO_KEY);
	}
}

static void read_hostile(const char *path, size_t most)
{
	struct dump_reader *reader;
	char error[256];
	if (dump_open(&reader, path, error, sizeof error)) {
		cr_assert(error[0]);
		return;
	}
	const struct rill_catalogs *catalogs = &dump_file(reader, 0)->catalogs;
	for (size_t i = 0; i < catalogs->count; i++)
		if (catalogs->catalog[i])
			follow(catalogs->catalog[i]);
	cr_assert_leq(read_all(reader, false), most);
	dump_reader_close(reader);
}

Test(damage, random_flips_never_crash, .timeout = 120)
{
	struct sample sample;
	make_sample(&sample);
	size_t size;
	char *bytes = file_load(sample.path, &size), *copy = malloc(size);
	for (int round = 0; round < 4000; round++) {
		memcpy(copy, bytes, size);
		for (uint64_t flips = 1 + random_next() % 8; flips; flips--)
			copy[random_next() % size] ^= (char)(1 << random_next() % 8);
		file_store(sample.path, copy, size);
		/* Every record is at least 2 bytes, and none is given twice. */
		read_hostile(sample.path, size / 2);
	}
}

/* Such headers pass, and their numbers reach the code behind them. */
Test(damage, forged_bodies_with_good_checksums_never_crash, .timeout = 120)
{
	static const uint64_t edges[] = {
		0,          1,        7,          0x7f,      0xff,       0xffff,        0x7fffffff,
		0xffffffff, 1u << 31, 1ull << 40, INT64_MAX, UINT64_MAX, UINT64_MAX - 7};
	struct sample sample;
	make_sample(&sample);
	size_t size;
	unsigned char *bytes = (unsigned char *)file_load(sample.path, &size);
	unsigned char *copy = malloc(size);
	for (int round = 0; round < 6000; round++) {
		memcpy(copy, bytes, size);
		/* To a random block, and there to a random byte. */
		size_t at = 16, next = 16;
		for (uint64_t blocks = random_next() % 10; next < size && blocks; blocks--) {
			at = next;
			next = at + 64 + (block_get(copy + at + 8, 8) + 7) / 8 * 8;
		}
		size_t body = block_get(copy + at + 8, 8), width = (size_t)1 << random_next() % 4;
		size_t target = random_next() % body;
		if (round % 5 == 0)
			block_put(copy + at + 8, edges[random_next() % 13], 8); /* its size */
		else if (target + width <= body)
			block_put(copy + at + 64 + target, edges[random_next() % 13], width);
		block_seal(copy + at, body);
		file_store(sample.path, copy, size);
		read_hostile(sample.path, size / 2);
	}
}

Test(damage, noise_between_blocks_costs_only_what_it_covers)
{
	struct sample sample;
	make_sample(&sample);
	size_t size;
	char *bytes = file_load(sample.path, &size);
	/* The second chunk of ring 0. */
	size_t header = (sample.ends[9] + 7) / 8 * 8;
	while (memcmp(bytes + header, "RBLK\4", 5) != 0)
		header += 8;
	bytes[header + 1] ^= 1;
	file_store(sample.path, bytes, size);
	struct dump_reader *reader;
	char error[256];
	cr_assert_eq(dump_open(&reader, sample.path, error, sizeof error), 0);
	cr_expect_eq(read_all(reader, true), 7 + 3 + 1);
	const struct dump_file *file = dump_file(reader, 0);
	cr_assert(file->damage);
	cr_expect(strstr(file->damage, format("bytes %zu to ", header)), "%s", file->damage);
	cr_expect(file->finished);
	dump_reader_close(reader);
}

/* A dump whose one readable block of records holds another one as a value, at a multiple of 8. */
static bool hide_block(struct sample *sample, size_t padding)
{
	struct dump_writer *writer = begin(sample);
	put_chunk(sample, writer, 0, 5);
	size_t size, whole;
	char *bytes = file_load(sample->path, &size);
	/* The chunk just written, header and all, as the value of a record of another ring. */
	size_t start = sample->ends[0] / 8 * 8;
	while (memcmp(bytes + start, "RBLK", 4) != 0)
		start -= 8;
	char value[2048] = "";
	unsigned char record[4096];
	memcpy(value + padding, bytes + start, size - start);
	struct slot slot = slot_bytes(KEY_TAGS, value, padding + size - start);
	size_t record_size = record_put(record, 9000, 0, EVENT_WORK, &slot, 1);
	struct dump_chunk chunk = {1, 7, 0, record_size};
	cr_assert_eq(chunk_put(writer, &chunk, record), 0);
	cr_assert_eq(dump_close(writer), 0);
	bytes = file_load(sample->path, &whole);
	bytes[size] ^= 1; /* the mark of that record's block */
	/* And the original is gone, so that its positions are free. */
	memset(bytes + start, 0, size - start);
	file_store(sample->path, bytes, whole);
	for (size_t at = size; at < whole; at += 8)
		if (memcmp(bytes + at, "RBLK\4", 5) == 0)
			return true;
	return false;
}

Test(damage, a_block_within_a_value_is_no_block)
{
	struct sample sample;
	size_t padding = 0;
	while (!hide_block(&sample, padding))
		cr_assert_lt(++padding, 8);
	struct dump_reader *reader;
	char error[256];
	cr_assert_eq(dump_open(&reader, sample.path, error, sizeof error), 0);
	cr_expect_eq(read_all(reader, true), 0);
	cr_expect(dump_file(reader, 0)->finished);
	dump_reader_close(reader);
}

/* The first chunk of a sample, of 7 records, is changed by `spoil`; how many records are left? */
static void expect_spoiled(void (*spoil)(struct sample *, unsigned char *block), bool seal,
			   size_t lost, const char *damage)
{
	struct sample sample;
	make_sample(&sample);
	size_t size;
	unsigned char *bytes = (unsigned char *)file_load(sample.path, &size), *block = bytes + 16;
	while (block_get(block + 4, 2) != 4)
		block += 64 + (block_get(block + 8, 8) + 7) / 8 * 8;
	spoil(&sample, block);
	if (seal)
		block_seal(block, block_get(block + 8, 8));
	file_store(sample.path, bytes, size);
	struct dump_reader *reader;
	char error[256];
	cr_assert_eq(dump_open(&reader, sample.path, error, sizeof error), 0);
	cr_expect_eq(read_all(reader, true), sample.nrecords - lost);
	const char *said = dump_file(reader, 0)->damage;
	cr_assert(said);
	cr_expect(strstr(said, format(damage, (size_t)(block - bytes))), "%s", said);
	dump_reader_close(reader);
}

static void spoil_segments(struct sample *sample, unsigned char *block)
{
	(void)sample;
	block_put(block + 64, 0xffff, 2);
}

Test(damage, a_chunk_that_contradicts_itself_is_broken)
{
	expect_spoiled(spoil_segments, true, 7, "the block at byte %zu is broken");
}

static void spoil_value(struct sample *sample, unsigned char *block)
{
	(void)sample;
	block[64 + block_get(block + 8, 8) - 1] ^= 1;
}

Test(damage, a_flipped_bit_costs_its_chunk_and_no_other)
{
	expect_spoiled(spoil_value, false, 7, "the block at byte %zu is broken");
}

/* The third record gets a nibble that means nothing: before it come 1 and 2 bytes of control. */
static void spoil_record(struct sample *sample, unsigned char *block)
{
	block[sample->control[0] - block_get(block + 16, 8) + 3] |= 0xf0;
}

Test(damage, a_record_that_cannot_be_unpacked_ends_its_chunk_and_no_other)
{
	expect_spoiled(spoil_record, true, 5, "the chunk at byte %zu is broken");
}

Test(damage, full_disk_leaves_a_whole_file_and_the_chunk_can_be_tried_again)
{
	struct sample sample;
	struct dump_writer *writer = begin(&sample);
	signal(SIGXFSZ, SIG_IGN);
	uint64_t before = size_of(sample.path);
	cr_assert_eq(put_chunk(&sample, writer, 0, 20), 0);
	uint64_t block = size_of(sample.path) - before;
	before += block;
	/* Room for a part of the next chunk, at every distance from its beginning. */
	for (uint64_t room = 0; room < block; room += 7) {
		struct rlimit limit = {before + room, RLIM_INFINITY};
		cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
		cr_assert_eq(put_chunk(&sample, writer, 0, 20), -EFBIG);
		cr_assert_eq(size_of(sample.path), before);
	}
	struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
	cr_assert_eq(put_chunk(&sample, writer, 0, 20), 0);
	cr_assert_eq(dump_close(writer), 0);
	struct dump_reader *reader;
	char error[256];
	cr_assert_eq(dump_open(&reader, sample.path, error, sizeof error), 0);
	cr_expect_null(dump_file(reader, 0)->damage, "%s", dump_file(reader, 0)->damage);
	cr_expect_eq(read_all(reader, true), 40);
	dump_reader_close(reader);
}
