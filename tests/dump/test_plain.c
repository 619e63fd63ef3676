/* Records that the reader says need not be looked at again. */
#include <criterion/criterion.h>
#include <rill/sink.h>
#include <string.h>

#include "../support/files.h"
#include "../support/records.h"
#include "dump/dump.h"

#define RECORDS 30u
#define ODD     13u /* which of them is the odd one */

/* A dump of as many records, of which one is not as the catalog has it; how many are plain. What
 * does not decode must not be among them. */
static size_t count_plain(uint8_t catalog, uint16_t event, const struct slot *odd)
{
	const struct dump_process process = {.pid = 1, .id = {1, 2}, .start_ns = 3, .program = "p"};
	static unsigned char bytes[RECORDS * 128];
	struct dump_chunk chunk = {1, 1, 0, 0};
	struct dump_pack *pack = dump_pack_new();
	struct dump_writer *writer;
	struct dump_reader *reader;
	struct dump_record record;
	char *folder = folder_make(), error[256];
	size_t plain = 0, count = 0;
	bool bad;
	for (uint64_t i = 0; i < RECORDS; i++) {
		const struct slot slots[] = {slot_u64(KEY_ID, i), slot_text(KEY_NOTE, "a note")};
		unsigned char *to = bytes + chunk.to;
		chunk.to += i == ODD ? record_put(to, i, catalog, event, odd, 1)
				     : record_put(to, i, 0, EVENT_WORK, slots, 2);
	}
	cr_assert_eq(dump_create(&writer, folder, &process, error, sizeof error), 0);
	cr_assert_eq(dump_put_catalog(writer, 0, &records_catalog), 0);
	dump_pack_begin(pack);
	cr_assert_eq(dump_pack_add(pack, &chunk, bytes, &bad), chunk.to);
	cr_assert_eq(dump_put_pack(writer, pack), 0);
	cr_assert_eq(dump_close(writer), 0);
	dump_pack_free(pack);
	cr_assert_eq(dump_open(&reader, folder, error, sizeof error), 0, "%s", error);
	for (; dump_next(reader, &record) == 1; count++) {
		cr_expect(!record.plain ||
			  (record.raw.catalog == 0 && record.raw.event < EVENT_COUNT &&
			   raw_record_decodes(&record.raw, KEY_COUNT)));
		plain += record.plain;
	}
	cr_expect_eq(count, RECORDS);
	dump_reader_close(reader);
	folder_remove(folder);
	return plain;
}

static struct slot with_word(uint16_t key, uint8_t type, uint64_t word)
{
	struct slot slot = slot_u64(key, word);
	slot.type = type;
	return slot;
}

Test(plain, what_does_not_decode_is_looked_at)
{
	const struct slot good = slot_u64(KEY_ID, 7), no_key = slot_u64(KEY_COUNT, 7);
	const struct slot no_type = with_word(KEY_ID, RILL_TYPE_COUNT, 7);
	const struct slot no_size = with_word(KEY_REMOTE_IP, RILL_TYPE_IP, UINT64_C(5) << 32);
	const struct slot no_address = with_word(KEY_REMOTE_IP, RILL_TYPE_IP, 0);
	cr_expect_eq(count_plain(0, EVENT_WORK, &good), RECORDS);
	cr_expect_eq(count_plain(0, EVENT_WORK, &no_address), RECORDS);
	/* A span begins with it. */
	cr_expect_eq(count_plain(0, EVENT_CONN_START, &good), RECORDS - 1);
	/* Then nobody vouches for the chunk. */
	cr_expect_eq(count_plain(0, EVENT_COUNT, &good), 0);
	cr_expect_eq(count_plain(1, EVENT_WORK, &good), 0);
	cr_expect_eq(count_plain(0, EVENT_WORK, &no_key), 0);
	cr_expect_eq(count_plain(0, EVENT_WORK, &no_type), 0);
	cr_expect_eq(count_plain(0, EVENT_WORK, &no_size), 0);
}
