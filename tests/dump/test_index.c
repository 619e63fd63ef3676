/* What the writer says of its chunks: events, filters, INDEX and END. Read by hand, from
 * docs/dump-format.md. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/blocks.h"
#include "../support/files.h"
#include "../support/records.h"
#include "dump/dump.h"
#include "dump/filter.h"

#define CHUNKS      3000u
#define EACH        20u
#define HEADER      64u
#define END_BYTES   80u
#define MOST_BLOCKS 4096u

struct file {
	unsigned char *bytes;
	size_t size;
	size_t blocks[MOST_BLOCKS]; /* position of each */
	size_t count;
};

static uint64_t id_of(uint64_t chunk, uint64_t i)
{
	/* Zero, equal ones in a row, ones in steps, random ones. */
	static const uint64_t kinds[] = {0, 7, UINT64_C(0x9e3779b97f4a7c15), 1};
	return kinds[chunk % 4] * (chunk % 4 == 2 ? chunk * EACH + i : chunk / 4 + i / 3);
}

static const char *job_of(char *to, uint64_t chunk, uint64_t i)
{
	sprintf(to, i % 5 ? "job-%d" : "", (int)(chunk * 7 + i / 2));
	return to;
}

static bool is_identity(void *context, uint8_t catalog, uint16_t key)
{
	return catalog == 0 && filter_is_identity(context, key);
}

static bool is_end(void *context, uint8_t catalog, uint16_t event)
{
	(void)context;
	(void)catalog;
	return event == EVENT_JOB_END;
}

/* Each chunk: EACH records of connections, and as many of jobs; the watched ones are counted. */
static size_t fill(struct dump_writer *writer, struct dump_pack *pack)
{
	static unsigned char bytes[CHUNKS * EACH * 2 * 80];
	size_t at = 0, watched = 0;
	for (uint64_t chunk = 0; chunk < CHUNKS; chunk++) {
		size_t from = at;
		bool bad;
		for (uint64_t i = 0; i < EACH; i++) {
			char text[32];
			struct slot id[] = {slot_u64(KEY_ID, id_of(chunk, i))};
			struct slot job[] = {slot_text(KEY_JOB, job_of(text, chunk, i))};
			at += record_put(bytes + at, 1000 * chunk + i, 0, EVENT_WORK, id, 1);
			at += record_put(bytes + at, 1000 * chunk + i, 0,
					 i % 2 ? EVENT_JOB_END : EVENT_JOB_START, job, 1);
		}
		struct dump_chunk piece = {9, 1, from, at};
		struct dump_watched found;
		dump_pack_begin(pack);
		cr_assert_eq(dump_pack_add(pack, &piece, bytes + from, &bad), at);
		for (size_t i = 0; dump_pack_watched(pack, i, &found); i++, watched++)
			cr_assert_eq(block_get(found.record + 8, 2), EVENT_JOB_END);
		cr_assert_eq(dump_put_pack(writer, pack), 0);
	}
	return watched;
}

static struct file load(const char *path)
{
	struct file file = {0};
	file.bytes = (unsigned char *)file_load(path, &file.size);
	for (size_t at = 16; at < file.size;) {
		cr_assert_eq(block_get(file.bytes + at + 40, 4), file.count);
		file.blocks[file.count++] = at;
		cr_assert_lt(file.count, MOST_BLOCKS);
		at += HEADER + (block_get(file.bytes + at + 8, 8) + 7) / 8 * 8;
	}
	return file;
}

static uint64_t varint(const unsigned char **at)
{
	uint64_t value = 0;
	for (int shift = 0;; shift += 7) {
		value |= (uint64_t)(**at & 127) << shift;
		if (*(*at)++ < 128)
			return value;
	}
}

struct head {
	const unsigned char *events;
	size_t events_size;
	uint64_t records[EVENT_COUNT];
	const unsigned char *filter;
	uint32_t filter_size;
};

static struct head head_of(const unsigned char *body)
{
	struct head head = {0};
	const unsigned char *at = body;
	uint64_t segments = varint(&at), event = 0;
	varint(&at);
	at += 8;
	for (uint64_t i = 0; i < 8 * segments; i++)
		varint(&at);
	uint64_t count = varint(&at);
	head.events = at;
	for (uint64_t i = 0; i < count; i++) {
		event += varint(&at);
		cr_assert_lt(event, EVENT_COUNT);
		head.records[event] = varint(&at);
	}
	head.events_size = (size_t)(at - head.events);
	head.filter_size = (uint32_t)varint(&at);
	head.filter = at;
	return head;
}

static struct file make(size_t *watched)
{
	static const struct dump_process process = {.pid = 1, .id = {1, 2}, .program = "index"};
	struct dump_pack_hooks hooks = {.watched = is_end,
					.identity = is_identity,
					.context = (void *)(uintptr_t)&records_catalog};
	struct dump_pack *pack = dump_pack_new();
	char *folder = folder_make(), error[256];
	struct dump_writer *writer;
	cr_assert_eq(dump_create(&writer, folder, &process, error, sizeof error), 0, "%s", error);
	cr_assert_eq(dump_put_catalog(writer, 0, &records_catalog), 0);
	dump_pack_hook(pack, &hooks);
	*watched = fill(writer, pack);
	char *path = format("%s", dump_path(writer));
	cr_assert_eq(dump_records(writer), CHUNKS * EACH * 2);
	cr_assert_eq(dump_close(writer), 0);
	dump_pack_free(pack);
	struct file file = load(path);
	folder_remove(folder);
	return file;
}

Test(index, chunks_say_which_events_and_identities_they_hold)
{
	size_t watched, false_hits = 0;
	uint64_t chunk = 0;
	struct file file = make(&watched);
	cr_expect_eq(watched, CHUNKS * EACH / 2);
	for (size_t b = 0; b < file.count; b++) {
		const unsigned char *block = file.bytes + file.blocks[b];
		if (block_get(block + 4, 2) != 4)
			continue;
		struct head head = head_of(block + HEADER);
		cr_assert_eq(head.records[EVENT_WORK], EACH);
		cr_assert_eq(head.records[EVENT_JOB_START], EACH / 2);
		cr_assert_eq(head.records[EVENT_JOB_END], EACH / 2);
		cr_assert_eq(block_get(block + 24, 8), 1000 * chunk);
		cr_assert_eq(block_get(block + 32, 8), 1000 * chunk + EACH - 1);
		cr_assert_gt(head.filter_size, 0);
		for (uint64_t i = 0; i < EACH; i++) {
			char text[32];
			const unsigned char *job = (const unsigned char *)job_of(text, chunk, i);
			uint64_t hash = filter_hash(id_of(chunk, i), 0, KEY_ID);
			cr_assert(filter_may_hold(head.filter, head.filter_size, hash));
			hash = filter_hash(filter_value(job, strlen(text)), 0, KEY_JOB);
			cr_assert(filter_may_hold(head.filter, head.filter_size, hash));
			hash = filter_hash(UINT64_MAX - chunk * EACH - i, 0, KEY_ID);
			false_hits += filter_may_hold(head.filter, head.filter_size, hash);
		}
		chunk++;
	}
	cr_expect_eq(chunk, CHUNKS);
	/* The page says 10 bits each, which is one in a hundred; small ones have some more. */
	cr_expect_lt(false_hits, CHUNKS * EACH / 50);
}

/* From END backwards through the INDEX blocks: every block but them and END, once. */
Test(index, index_says_what_stands_where)
{
	size_t watched, found = 0, indexes = 0;
	struct file file = make(&watched);
	const unsigned char *end = file.bytes + file.size - END_BYTES;
	cr_assert_eq(block_get(end + 4, 2), 10);
	cr_assert_eq(block_get(end + HEADER, 8), file.count - 1);
	size_t at = block_get(end + HEADER + 8, 8), before = file.size;
	for (; at; at = block_get(file.bytes + at + HEADER, 8), indexes++) {
		const unsigned char *body = file.bytes + at + HEADER;
		size_t count = block_get(body + 8, 4);
		const unsigned char *entry = body + 24, *events = entry + 48 * count;
		const unsigned char *filter = events + block_get(body + 12, 4);
		cr_assert_lt(at, before);
		cr_assert_eq(block_get(file.bytes + at + 4, 2), 9);
		for (size_t i = 0; i < count; i++, entry += 48, found++) {
			const unsigned char *block = file.bytes + block_get(entry, 8);
			cr_assert_eq(memcmp(entry + 8, block + 24, 16), 0);
			cr_assert_eq(block_get(entry + 24, 4), block_get(block + 8, 8));
			cr_assert_eq(block_get(entry + 36, 2), block_get(block + 4, 2));
			if (block_get(block + 4, 2) != 4)
				continue;
			struct head head = head_of(block + HEADER);
			size_t events_size = block_get(entry + 40, 2);
			size_t filter_size = 8 * block_get(entry + 42, 2);
			cr_assert_eq(block_get(entry + 28, 4), 2 * EACH);
			cr_assert_eq(events_size, head.events_size);
			cr_assert_eq(memcmp(events, head.events, events_size), 0);
			cr_assert_eq(filter_size, head.filter_size);
			cr_assert_eq(memcmp(filter, head.filter, filter_size), 0);
			events += events_size;
			filter += filter_size;
		}
		cr_assert_eq(filter, body + block_get(file.bytes + at + 8, 8));
		before = at;
	}
	cr_expect_geq(indexes, 3);
	cr_expect_eq(found + indexes + 1, file.count);
}
