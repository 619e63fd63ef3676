/* Packing and unpacking alone: whatever a ring holds comes back, byte for byte. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../support/records.h"
#include "dump/format.h"
#include "dump/pack_state.h"
#include "dump/unpack.h"

#define RINGS     5
#define MAX_BYTES (4u << 20)

static uint64_t random_state = 0x2545f4914f6cdd1d;

static uint64_t random_next(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	return random_state ^= random_state << 17;
}

/* --- records of every kind ----------------------------------------------------------------- */

static unsigned char noise[70000];

/* Numbers as they come: few different ones, counters, of every width, the edges. */
static uint64_t random_word(uint64_t site)
{
	static uint64_t counters[64];
	static const uint64_t edges[] = {0,          1,          UINT8_MAX, UINT16_MAX, UINT32_MAX,
					 UINT64_MAX, 1ull << 63, 255,       256,        65536};
	switch (random_next() % 6) {
	case 0:
		return edges[random_next() % 10];
	case 1:
		return counters[site % 64] += site;
	case 2:
		return (random_next() % 40 + 1) * UINT64_C(0x9e3779b97f4a7c15);
	case 3:
		return counters[site % 64] + random_next() % 70000 - 35000;
	default:
		return random_next() >> random_next() % 64;
	}
}

static void random_bytes(struct slot *slot, size_t most)
{
	static const size_t sizes[] = {0,  1,  2,  3,  4,  7,  8,  9,   15, 16,
				       17, 24, 31, 32, 33, 64, 65, 255, 256};
	size_t size = sizes[random_next() % (sizeof sizes / sizeof *sizes)];
	if (random_next() % 300 == 0)
		size = most;
	slot->size = size;
	slot->bytes = noise + random_next() % (random_next() % 3 ? 5 : 100);
	slot->word = size | (uint64_t)(size + (random_next() % 8 ? 0 : 5)) << 32;
}

static struct slot random_slot(uint64_t site, size_t i)
{
	struct slot slot = {.key = (uint16_t)((site * 7 + i) % 23),
			    .type = (uint8_t)((site * 5 + i * 3) % (RILL_TYPE_COUNT + 1)),
			    .word = random_word(site + i)};
	if (slot.type == RILL_TYPE_COUNT) {
		slot.type = RILL_TYPE_STRING + 32; /* not known: a word */
	} else if (slot.type == RILL_TYPE_IP) {
		static const uint64_t sizes[] = {4, 16, 4, 0, 16, 7};
		uint64_t size = sizes[random_next() % (random_next() % 20 ? 5 : 6)];
		slot.word = size << 32 | (size == 16 ? 0 : slot.word & UINT32_MAX);
		if (size == 16 && random_next() % 50 == 0)
			slot.word |= 77;
		slot.size = size == 16 ? 16 : 0;
		slot.bytes = noise + random_next() % 4;
	} else if (RILL__HAS_LENGTH(slot.type)) {
		random_bytes(&slot, random_next() % 70000);
	}
	return slot;
}

/* What no producer writes must come back as well, if only it has the size of a record. */
static size_t spoil(unsigned char *record, size_t size)
{
	switch (random_next() % 3) {
	case 0:
		record[11] = (unsigned char)random_next();
		return size;
	case 1:
		if (record[10] % 2)
			record[16 + 4 * record[10]] = 1;
		return size;
	default:
		memcpy(record + size, "no value", 8);
		record[12] = (unsigned char)(size + 8);
		record[13] = (unsigned char)((size + 8) >> 8);
		record[14] = (unsigned char)((size + 8) >> 16);
		return size + 8;
	}
}

static size_t random_record(unsigned char *to, uint64_t *ticks, uint64_t sites)
{
	struct slot slots[16];
	uint64_t site = random_next() % sites;
	size_t nslots = site * 11 % 17;
	for (size_t i = 0; i < nslots; i++)
		slots[i] = random_slot(site, i);
	*ticks += random_next() % 20 ? random_next() % 300 : -(random_next() >> random_next() % 64);
	size_t size =
		record_put(to, *ticks, (uint8_t)(site % 3), (uint16_t)(site * 3), slots, nslots);
	return random_next() % 40 ? size : spoil(to, size);
}

/* --- packing, unpacking, comparing --------------------------------------------------------- */

struct world {
	struct dump_pack *pack;
	struct decoder *decoder;
	unsigned char *body;
	unsigned char *raw;
	unsigned char *bytes;              /* of the rings */
	size_t size;                       /* filled */
	unsigned char *packed[RINGS * 20]; /* pieces in the pack */
	size_t packed_size[RINGS * 20];
	size_t npacked;
	uint64_t records;
};

static void world_make(struct world *world)
{
	memset(world, 0, sizeof *world);
	for (size_t i = 0; i < sizeof noise; i++)
		noise[i] = (unsigned char)random_next();
	world->pack = dump_pack_new();
	world->decoder = decoder_new();
	world->body = malloc(3 * MAX_BYTES);
	world->raw = malloc(PACK_MAX_RAW + DECODER_SLACK);
	world->bytes = malloc(MAX_BYTES);
}

static void world_free(struct world *world)
{
	dump_pack_free(world->pack);
	decoder_free(world->decoder);
	free(world->body);
	free(world->raw);
	free(world->bytes);
}

static size_t body_of(struct world *world)
{
	struct dump_pack *pack = world->pack;
	size_t head = pack_head(pack), control = (size_t)(pack->control_end - pack->control);
	size_t payload = (size_t)(pack->payload_end - pack->payload);
	memcpy(world->body, pack->head, head);
	memcpy(world->body + head, pack->control, control);
	memcpy(world->body + head + control, pack->payload, payload);
	return head + control + payload;
}

static void expect_prefix(const struct world *world, uint64_t whole)
{
	size_t at = 0;
	for (size_t i = 0; i < world->npacked && at < whole; i++) {
		size_t size = world->packed_size[i];
		size = size < whole - at ? size : (size_t)(whole - at);
		cr_assert(memcmp(world->raw + at, world->packed[i], size) == 0, "piece %zu", i);
		at += size;
	}
	cr_assert_eq(at, whole);
}

/* What is in the pack comes back. */
static void check_pack(struct world *world)
{
	struct chunk_view view;
	struct pack_segment segment;
	struct dump_pack_count count;
	size_t size = body_of(world), total = 0;
	uint64_t whole, records = 0, found = 0;
	if (dump_pack_empty(world->pack))
		return;
	for (size_t i = 0; i < world->npacked; i++)
		total += world->packed_size[i];
	/* As many bytes as there are, so that a sanitizer sees what goes beyond. */
	unsigned char *body = malloc(size);
	memcpy(body, world->body, size);
	cr_assert_eq(chunk_view_open(&view, body, size), 0);
	for (size_t i = 0; i < world->npacked; i++) {
		cr_assert_eq(chunk_view_next(&view, &segment), 1);
		cr_assert_eq(segment.size, world->packed_size[i]);
		records += segment.records;
	}
	cr_assert_eq(chunk_view_next(&view, &segment), 0);
	cr_assert_eq(decoder_run(world->decoder, body, size, world->raw, total, &whole), 0);
	cr_assert_eq(whole, total);
	expect_prefix(world, whole);
	/* The file has changed since its segments were counted. */
	unsigned char *less = malloc(total - 8 + DECODER_SLACK);
	cr_assert_eq(decoder_run(world->decoder, body, size, less, total - 8, &whole), -EBADMSG);
	cr_assert_eq(whole, 0);
	free(less);
	for (size_t i = 0; dump_pack_count(world->pack, i, &count); i++)
		found += count.records;
	cr_assert_eq(found, records);
	world->records += records;
	/* Cut anywhere, the records before the cut. */
	for (int i = 0; i < 3; i++) {
		size_t cut = random_next() % size;
		unsigned char *part = malloc(cut + 1);
		memcpy(part, body, cut);
		decoder_run(world->decoder, part, cut, world->raw, total, &whole);
		expect_prefix(world, whole);
		free(part);
	}
	free(body);
}

static void begin(struct world *world)
{
	check_pack(world);
	dump_pack_begin(world->pack);
	world->npacked = 0;
}

static void add(struct world *world, uint64_t ring, size_t size)
{
	unsigned char *at = world->bytes + world->size;
	struct dump_chunk chunk = {ring, (uint32_t)random_next(), random_next() >> 16, 0};
	chunk.to = chunk.from + size;
	while (chunk.from < chunk.to) {
		bool bad;
		uint64_t to = dump_pack_add(world->pack, &chunk, at, &bad);
		cr_assert(!bad);
		if (to > chunk.from) {
			world->packed[world->npacked] = at;
			world->packed_size[world->npacked++] = to - chunk.from;
		}
		at += to - chunk.from;
		chunk.from = to;
		if (to < chunk.to || world->npacked == RINGS * 20)
			begin(world);
	}
	world->size += size;
}

static void fuzz(uint64_t rounds, uint64_t sites, uint64_t most)
{
	struct world world;
	uint64_t ticks[RINGS] = {1000, 2000, 3000, UINT64_MAX - 500, 0}, expected = 0;
	world_make(&world);
	for (uint64_t round = 0; round < rounds; round++) {
		uint64_t ring = random_next() % RINGS, count = random_next() % most;
		size_t size = 0;
		if (world.size > MAX_BYTES - most * 100000 || random_next() % 10 == 0) {
			begin(&world);
			world.size = 0;
		}
		for (uint64_t i = 0; i < count && world.size + size < MAX_BYTES / 2;
		     i++, expected++)
			size += random_record(world.bytes + world.size + size, &ticks[ring], sites);
		add(&world, ring, size);
	}
	begin(&world);
	cr_assert_eq(world.records, expected);
	cr_assert_gt(expected, rounds);
	world_free(&world);
}

Test(pack, few_shapes_in_many_records, .timeout = 120)
{
	fuzz(400, 3, 20);
	fuzz(300, 17, 20);
}

Test(pack, many_shapes, .timeout = 120)
{
	fuzz(500, 5000, 30);
	fuzz(300, 100, 10);
}

/* A stretch of `count` records with one number and one text each, each text another one. */
static size_t unique_records(unsigned char *to, size_t count)
{
	size_t size = 0;
	for (size_t i = 0; i < count; i++) {
		uint64_t text[2] = {i, i};
		struct slot slots[] = {slot_u64(KEY_ID, i << 20),
				       slot_bytes(KEY_NOTE, text, 9 + i % 8)};
		size += record_put(to + size, 100 + i, 0, EVENT_WORK, slots, 2);
	}
	return size;
}

Test(pack, a_full_pack_goes_on_in_the_next)
{
	struct world world;
	world_make(&world);
	size_t size = unique_records(world.bytes, 20000), packs = 0;
	struct dump_chunk chunk = {1, 2, 0, size};
	while (chunk.from < chunk.to) {
		bool bad;
		dump_pack_begin(world.pack);
		uint64_t to = dump_pack_add(world.pack, &chunk, world.bytes + chunk.from, &bad);
		cr_assert(!bad && to > chunk.from && to - chunk.from <= PACK_RAW_BYTES);
		/* Filled up to where another record would not fit. */
		cr_expect(to == chunk.to || to - chunk.from > PACK_RAW_BYTES - 64);
		world.packed[0] = world.bytes + chunk.from;
		world.packed_size[0] = to - chunk.from;
		world.npacked = 1;
		check_pack(&world);
		/* What is full takes no more. */
		if (to < chunk.to)
			cr_expect_eq(dump_pack_add(world.pack, &chunk, world.packed[0], &bad),
				     chunk.from);
		chunk.from = to;
		packs++;
	}
	cr_expect_geq(packs, size / PACK_RAW_BYTES);
	world_free(&world);
}

/* Sixteen slots each, each value another one; `most` records of a shape: each tries its luck anew.
 */
static size_t full_records(unsigned char *to, size_t count, bool texts, size_t most)
{
	static unsigned char numbers[UINT16_MAX + 1][2];
	size_t size = 0, n = 0;
	for (size_t i = 0; i < count; i++) {
		struct slot slots[16];
		for (size_t k = 0; k < 16; k++, n++) {
			memcpy(numbers[n], &n, 2);
			slots[k] = texts ? slot_bytes(KEY_TAGS, numbers[n], 2)
					 : slot_u64(KEY_ID, n * n * UINT64_C(0x9e3779b97f4a7c15));
		}
		size += record_put(to + size, i, (uint8_t)(i / most), EVENT_WORK, slots, 16);
	}
	return size;
}

Test(pack, a_full_dictionary_is_done_without)
{
	struct world world;
	world_make(&world);
	for (int texts = 0; texts < 2; texts++) {
		size_t size = full_records(world.bytes, 268, texts, 100);
		cr_assert_leq(size, PACK_RAW_BYTES);
		world.size = world.npacked = 0;
		dump_pack_begin(world.pack);
		add(&world, 1, size);
		cr_expect_eq(texts ? world.pack->ntexts : world.pack->nwords, PACK_MAX_ENTRIES);
		check_pack(&world);
	}
	/* One shape gives up before that, and later tries again. */
	for (int round = 0; round < 20; round++) {
		size_t size = full_records(world.bytes, 268, true, 1000);
		world.size = world.npacked = 0;
		dump_pack_begin(world.pack);
		add(&world, 1, size);
		cr_expect_leq(world.pack->ntexts, PACK_MAX_ENTRIES);
		cr_expect(round < 3 || (world.pack->ntexts == 0 ||
					world.pack->ntexts == 16 * PATIENCE_AGAIN),
			  "%u", world.pack->ntexts);
		check_pack(&world);
	}
	world_free(&world);
}

Test(pack, a_large_record_has_a_pack_of_its_own)
{
	static unsigned char large[1 << 20];
	struct world world;
	world_make(&world);
	struct slot slot = slot_bytes(KEY_TAGS, large, sizeof large);
	size_t first = unique_records(world.bytes, 10), size = first;
	size += record_put(world.bytes + size, 500, 0, EVENT_WORK, &slot, 1);
	size += unique_records(world.bytes + size, 10);
	struct dump_chunk chunk = {1, 2, 0, size};
	bool bad;
	cr_expect_eq(dump_pack_add(world.pack, &chunk, world.bytes, &bad), first);
	dump_pack_begin(world.pack);
	chunk.from = first;
	uint64_t to = dump_pack_add(world.pack, &chunk, world.bytes + first, &bad);
	cr_expect(!bad && to > first + sizeof large && to < size);
	world.packed[0] = world.bytes + first;
	world.packed_size[0] = to - first;
	world.npacked = 1;
	check_pack(&world);
	world_free(&world);
}

/* A record that looks like the ones before, but is longer than its lengths say. */
Test(pack, what_no_producer_writes_ends_a_pack_and_comes_back)
{
	struct world world;
	world_make(&world);
	size_t good = unique_records(world.bytes, 6), all = unique_records(world.bytes, 9);
	/* The next one's first bytes become the end of this one. */
	unsigned char *odd = world.bytes + good;
	size_t size = (size_t)odd[12] | (size_t)odd[13] << 8;
	memmove(odd + size + 8, odd + size, all - good - size);
	odd[12] = (unsigned char)(size + 8);
	odd[13] = (unsigned char)((size + 8) >> 8);
	struct dump_chunk chunk = {1, 2, 0, all + 8};
	bool bad;
	cr_expect_eq(dump_pack_add(world.pack, &chunk, world.bytes, &bad), good);
	cr_expect(!bad);
	world.packed[0] = world.bytes;
	world.packed_size[0] = good;
	world.npacked = 1;
	check_pack(&world);
	/* What was begun of it must not be gone on with. */
	const struct dump_chunk other = {3, 4, 0, good};
	cr_expect_eq(dump_pack_add(world.pack, &other, world.bytes, &bad), 0);
	chunk.from = good;
	dump_pack_begin(world.pack);
	cr_expect_eq(dump_pack_add(world.pack, &chunk, odd, &bad), chunk.to);
	world.packed[0] = odd;
	world.packed_size[0] = chunk.to - good;
	check_pack(&world);
	cr_expect_eq(world.records, 9);
	world_free(&world);
}

Test(pack, what_is_no_record_is_told_and_costs_none_before_it)
{
	struct world world;
	world_make(&world);
	size_t size = unique_records(world.bytes, 10), good = unique_records(world.bytes, 6);
	memset(world.bytes + good + 12, 0xff, 3);
	struct dump_chunk chunk = {1, 2, 800, 800 + size};
	bool bad;
	cr_expect_eq(dump_pack_add(world.pack, &chunk, world.bytes, &bad), 800 + good);
	cr_expect(bad);
	world.packed[0] = world.bytes;
	world.packed_size[0] = good;
	world.npacked = 1;
	check_pack(&world);
	cr_expect_eq(world.records, 6);
	/* A stretch that ends within a record, and one of less than a header. */
	for (uint64_t left = 8; left < 24; left += 8) {
		dump_pack_begin(world.pack);
		chunk.to = chunk.from + left;
		cr_expect_eq(dump_pack_add(world.pack, &chunk, world.bytes, &bad), 800);
		cr_expect(bad && dump_pack_empty(world.pack));
	}
	world_free(&world);
}

Test(pack, flipped_bits_give_records_or_an_error, .timeout = 120)
{
	struct world world;
	uint64_t ticks = 77;
	world_make(&world);
	for (int round = 0; round < 30; round++) {
		struct dump_chunk chunk = {1, 2, 0, 0};
		bool bad;
		for (int i = 0; i < 40; i++)
			chunk.to += random_record(world.bytes + chunk.to, &ticks, 9);
		dump_pack_begin(world.pack);
		dump_pack_add(world.pack, &chunk, world.bytes, &bad);
		size_t size = body_of(&world);
		for (int flip = 0; flip < 1000; flip++) {
			struct chunk_view view;
			struct pack_segment segment;
			uint64_t whole = 0;
			unsigned char *body = malloc(size);
			memcpy(body, world.body, size);
			for (uint64_t n = 1 + random_next() % 4; n; n--)
				body[random_next() % (random_next() % 2 ? size : 200 % size + 1)] ^=
					(unsigned char)(1 << random_next() % 8);
			int more = chunk_view_open(&view, body, size);
			while (!more && (more = chunk_view_next(&view, &segment)) == 1)
				more = 0;
			if (!more) {
				unsigned char *raw = malloc(view.raw + DECODER_SLACK);
				decoder_run(world.decoder, body, size, raw, view.raw, &whole);
				cr_assert_leq(whole, view.raw);
				struct raw_record record;
				for (uint64_t at = 0; at < whole; at += record.size)
					cr_assert_eq(raw_record_read(&record, raw + at, whole - at),
						     0);
				free(raw);
			}
			free(body);
		}
	}
	world_free(&world);
}

/* RFC 3720, appendix B.4, and the check value that every description of the CRC gives. */
Test(pack, checks_are_crc32c_with_and_without_an_instruction_for_it)
{
	unsigned char bytes[1000] = {0};
	cr_expect_eq(format_crc(0, "123456789", 9), 0xe3069283);
	cr_expect_eq(format_crc(0, bytes, 32), 0x8a9136aa);
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (unsigned char)random_next();
	for (size_t size = 0; size < sizeof bytes; size += 13) {
		uint32_t half = format_crc(0, bytes, size / 2);
		cr_expect_eq(format_crc(0, bytes, size), format_crc_table(0, bytes, size));
		cr_expect_eq(format_crc(half, bytes + size / 2, size - size / 2),
			     format_crc(0, bytes, size));
	}
}
