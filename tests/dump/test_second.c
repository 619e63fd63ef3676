/* A reader written from the specification alone says the same of a dump, record for record. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dump/dump.h"
#include "support/chunks.h"
#include "support/dump_lines.h"
#include "support/files.h"
#include "support/records.h"

static uint64_t random_state = 0x9e3779b97f4a7c15;

static uint64_t random_next(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	return random_state ^= random_state << 17;
}

static const struct dump_process process = {.pid = 77,
					    .id = {UINT64_MAX, 1},
					    .start_ns = 1700000000000000001,
					    .program = "\xc3\xa9t\xc3\xa9"};

/* An encoded list of a number and a text, or an event of the same. */
static size_t encode_nested(unsigned char *to, uint32_t event)
{
	struct slot slots[] = {slot_u64(event ? KEY_ID : 0, random_next()),
			       slot_text(event ? KEY_NOTE : 0, "inner")};
	unsigned char record[256];
	size_t size = record_put(record, 0, 0, 0, slots, 2);
	memcpy(to, &event, 4);
	memcpy(to + 4, &(uint32_t){2}, 4);
	memcpy(to + 8, record + 16, size - 16);
	return size - 8;
}

static struct slot random_slot(unsigned char *memory)
{
	static const unsigned char noise[] =
		"\xff\x00\xc3\x28 quite some bytes, more than an address, and more of them than "
		"are ever asked for: a text may move on by one byte a hundred times and still be "
		"in "
		"it. It is as long as that, and then some, because the records of one call go on. "
		"So it goes on and on, until it ends: in the middle of a sentence, which never was";
	struct slot slot = {.key = (uint16_t)(random_next() % KEY_COUNT),
			    .type = (uint8_t)(random_next() % RILL_TYPE_COUNT),
			    .word = random_next()};
	uint32_t kept = (uint32_t)(random_next() % 30);
	switch (slot.type) {
	case RILL_TYPE_BOOL:
		slot.word &= 1;
		return slot;
	case RILL_TYPE_LIST:
	case RILL_TYPE_EVENT:
		kept = (uint32_t)encode_nested(memory, slot.type == RILL_TYPE_LIST ? 0 : 4);
		slot.bytes = memory;
		break;
	case RILL_TYPE_IP:
		kept = (uint32_t)(random_next() % 3 * 4);
		kept = kept == 8 ? 16 : kept;
		slot.word = (uint32_t)slot.word | (uint64_t)kept << 32;
		slot.bytes = noise;
		slot.size = kept == 16 ? 16 : 0;
		return slot;
	case RILL_TYPE_STRING:
	case RILL_TYPE_BYTES:
		slot.bytes = noise;
		break;
	default:
		return slot;
	}
	slot.size = kept;
	slot.word = kept | (uint64_t)(kept + (random_next() % 3 ? 0 : 5)) << 32;
	return slot;
}

/* The value of the next record of the same call: the same, a near one, or one of a few. */
static void vary(struct slot *slot)
{
	bool number = slot->type >= RILL_TYPE_U64 && slot->type <= RILL_TYPE_TIMESTAMP;
	bool text = slot->type == RILL_TYPE_STRING || slot->type == RILL_TYPE_BYTES;
	uint64_t how = random_next() % 4;
	if (number && how < 2)
		slot->word += random_next() % (how ? 600 : 90000) - (how ? 300 : 45000);
	else if (number && how == 2)
		slot->word = (1 + random_next() % 300) * UINT64_C(0x9e3779b97f4a7c15);
	else if (text && how == 2)
		slot->bytes = (const unsigned char *)slot->bytes + (random_next() % 2);
}

/* more: of 8 records, how many are of another shape than the one before. */
static size_t random_records(unsigned char *to, size_t count, uint64_t *ticks, uint64_t more)
{
	size_t size = 0, nslots = 0;
	for (size_t i = 0; i < count; i++) {
		static struct slot slots[16];
		static unsigned char memory[16][128];
		bool other = i == 0 || random_next() % 8 < more;
		nslots = other ? random_next() % 17 : nslots;
		for (size_t s = 0; s < nslots; s++) {
			if (other)
				slots[s] = random_slot(memory[s]);
			else
				vary(&slots[s]);
		}
		/* Now and then a step back. */
		*ticks += random_next() % 9 ? random_next() % 500 : -(random_next() % 200);
		size += record_put(to + size, *ticks, 0, (uint16_t)(random_next() % EVENT_COUNT),
				   slots, nslots);
	}
	return size;
}

static char *make_dump(const char *folder)
{
	struct dump_writer *writer;
	char error[256];
	cr_assert_eq(dump_create(&writer, folder, &process, error, sizeof error), 0);
	char *path = strdup(dump_path(writer));
	dump_put_catalog(writer, 0, &records_catalog);
	dump_put_catalog(writer, 3, &records_catalog_other);
	/* Lines that do not quite meet; the last comes first, as when a counter goes backward. */
	const struct clock_point points[] = {{1000, 1700000000000000000, (uint64_t)3 << 31, 0, 0},
					     {20000, 1700000000000028000, 0x15555555, 0, 0},
					     {40000, 1700000000000100000, 0xfedcba987, 0, 0}};
	unsigned char *bytes = malloc(1 << 20);
	uint64_t ticks[5] = {500, 500, 500, 500, 500}, positions[5] = {0, 64, 0, 8, 0};
	for (size_t i = 0; i < 60; i++) {
		size_t ring = random_next() % 5;
		/* One has more shapes than a byte can number. */
		size_t size = random_records(bytes, i == 9 ? 400 : 1 + random_next() % 60,
					     &ticks[ring], i == 9 ? 8 : random_next() % 9);
		struct dump_chunk chunk = {ring * 1000, (uint32_t)(70 + ring), positions[ring],
					   positions[ring] + size};
		cr_assert_eq(chunk_put(writer, &chunk, bytes), 0);
		/* Some are in the dump twice, as after a recovery. */
		if (i % 7 == 0)
			cr_assert_eq(chunk_put(writer, &chunk, bytes), 0);
		positions[ring] += size;
		if (i % 20 == 5)
			cr_assert_eq(dump_put_clock(writer, &points[2 - i / 20]), 0);
	}
	struct dump_count counts[] = {{0, 4, 1, 2, 3, 4, 5}, {3, 1, UINT64_MAX, 0, 0, 0, 0}};
	cr_assert_eq(dump_put_counts(writer, counts, 2, 17, NULL), 0);
	struct dump_epoch epoch = {10, 12, "*=info,conn.*=trace"};
	cr_assert_eq(dump_put_epoch(writer, &epoch), 0);
	cr_assert_eq(dump_close(writer), 0);
	free(bytes);
	return path;
}

Test(second, agrees_on_a_whole_dump)
{
	char *path = make_dump(folder_make());
	char *lines = readers_agree(path);
	cr_assert_gt(strlen(lines), 20000);
}

Test(second, agrees_on_cut_dumps, .timeout = 120)
{
	char *path = make_dump(folder_make());
	size_t size;
	free(file_load(path, &size));
	for (int i = 0; i < 25; i++) {
		cr_assert_eq(truncate(path, (off_t)(size -= 1 + random_next() % (size / 10))), 0);
		free(readers_agree(path));
	}
}
