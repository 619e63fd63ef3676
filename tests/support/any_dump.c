#include "support/any_dump.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "dump/dump.h"
#include "support/files.h"
#include "support/records.h"

#define RINGS     5
#define MAX_CHUNK (1u << 20)
#define BEGINS_NS UINT64_C(1700000000000000001)

static uint64_t random_state;

static uint64_t random_next(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	return random_state ^= random_state << 17;
}

static bool nested_identities;

/* Keys of spans, and links: records_catalog, records_catalog_other. */
static bool is_identity(void *context, uint8_t catalog, uint16_t key)
{
	(void)context;
	return key == KEY_ID || (key == KEY_JOB && catalog == 0);
}

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
	/* Where an identity is one of these, the chunk has no filter: not in each. */
	if (!nested_identities && slot.type >= RILL_TYPE_LIST && is_identity(NULL, 0, slot.key))
		slot.key = KEY_NOTE;
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
		unsigned char *record = to + size;
		size += record_put(record, *ticks, 0, (uint16_t)(random_next() % EVENT_COUNT),
				   slots, nslots);
		/* Something that no call writes: it is taken as it is. */
		if (random_next() % 50 == 0)
			record[11] = 1;
		else if (nslots && random_next() % 50 == 0)
			record[18] = 77;
	}
	return size;
}

/* --- packs -------------------------------------------------------------------------------------
 */

struct any_writer {
	const struct any_dump *how;
	struct dump_writer *writer;
	struct dump_pack *pack;
	unsigned char *bytes[RINGS]; /* what the pack points to */
	uint64_t ticks[RINGS];
	uint64_t positions[RINGS];
	struct dump_count counts[2];
	uint64_t counted; /* ticks of the last COUNTS */
	uint32_t process;
};

static bool is_watched(void *context, uint8_t catalog, uint16_t event)
{
	(void)context, (void)catalog, (void)event;
	return false;
}

static void pack_begin(struct any_writer *any)
{
	static const struct dump_pack_hooks hooks = {is_watched, is_identity, NULL, false};
	dump_pack_begin(any->pack);
	if (any->how->filters)
		dump_pack_hook(any->pack, &hooks);
}

static void pack_put(struct any_writer *any, bool open)
{
	cr_assert_eq(open ? dump_put_open(any->writer, any->pack)
			  : dump_put_pack(any->writer, any->pack),
		     0);
}

/* Adds records of a ring; when the pack is full it is put, and another one begun. */
static void pack_add(struct any_writer *any, size_t ring, size_t size)
{
	struct dump_chunk chunk = {.ring = any->process * 7 + ring * 1000,
				   .tid = (uint32_t)(70 + ring),
				   .from = any->positions[ring],
				   .to = any->positions[ring] + size};
	bool bad = false;
	while (chunk.from < chunk.to) {
		chunk.from =
			dump_pack_add(any->pack, &chunk,
				      any->bytes[ring] + (chunk.from - any->positions[ring]), &bad);
		cr_assert(!bad);
		if (chunk.from < chunk.to) {
			pack_put(any, false);
			pack_begin(any);
		}
	}
	any->positions[ring] = chunk.to;
}

/* A chunk of the records of some rings. */
static void put_records(struct any_writer *any, bool many_shapes)
{
	bool with[RINGS] = {false};
	size_t size;
	nested_identities = random_next() % 6 == 0;
	pack_begin(any);
	for (size_t n = 1 + random_next() % 3; n > 0; n--)
		with[random_next() % RINGS] = true;
	for (size_t ring = 0; ring < RINGS; ring++) {
		if (!with[ring])
			continue;
		/* More shapes than a byte can number. Drawn one after another: in a call, each
		 * CPU's compiler would have an order of its own. */
		uint64_t more = many_shapes ? 8 : random_next() % 9;
		uint64_t count = many_shapes ? 400 : 1 + random_next() % 60;
		size = random_records(any->bytes[ring], count, &any->ticks[ring], more);
		/* Now and then some were lost. */
		any->positions[ring] += random_next() % 8 ? 0 : 8 * (random_next() % 9);
		pack_add(any, ring, size);
	}
	pack_put(any, false);
	if (any->how->doubles && random_next() % 7 == 0)
		pack_put(any, false); /* as after a recovery */
}

static void put_clock(struct any_writer *any, size_t i)
{
	/* Lines that do not quite meet; the last comes first, as when a counter goes backward. */
	static const struct clock_point points[] = {
		{1000, 1700000000000000000, (uint64_t)3 << 31, 0, 0},
		{20000, 1700000000000028000, 0x15555555, 20, 1},
		{40000, 1700000000000100000, 0xfedcba987, UINT32_MAX, 0}};
	cr_assert_eq(dump_put_clock(any->writer, &points[2 - i % 3]), 0);
}

/* A record with an identity. */
static void put_small(struct any_writer *any)
{
	struct slot id = slot_u64(KEY_ID, 4711);
	pack_begin(any);
	pack_add(any, 0, record_put(any->bytes[0], any->ticks[0], 0, EVENT_WORK, &id, 1));
	pack_put(any, false);
}

/* The starts of some spans, each a segment of its own. */
static void put_open(struct any_writer *any)
{
	static unsigned char bytes[RINGS][256];
	pack_begin(any);
	for (size_t i = 0; i < RINGS && random_next() % 4; i++) {
		struct slot id = slot_u64(KEY_ID, random_next() % 50);
		struct dump_chunk chunk = {.tid = (uint32_t)(70 + i)};
		bool bad;
		chunk.to =
			record_put(bytes[i], 300 + random_next() % 99, 0, EVENT_CONN_START, &id, 1);
		cr_assert_eq(dump_pack_add(any->pack, &chunk, bytes[i], &bad), chunk.to);
	}
	pack_put(any, true);
}

/* base: what was counted in the files before. */
static void put_counts(struct any_writer *any, bool base)
{
	struct dump_period period = {.from_ticks = any->counted,
				     .to_ticks = any->counted + (base ? 0 : 777)};
	for (size_t i = 0; i < 2; i++) {
		struct dump_count *count = &any->counts[i];
		uint64_t more[5];
		for (size_t n = 0; n < 5; n++)
			more[n] = random_next() % 9;
		count->catalog = i ? 3 : 0;
		count->event = i ? 1 : 4;
		count->written += more[0];
		count->filtered += more[1];
		count->discarded += more[2];
		count->overwritten += more[3];
		count->failed += more[4];
		period.lost += base ? 0 : more[2] + more[3] + more[4];
	}
	any->counted = period.to_ticks;
	cr_assert_eq(dump_put_counts(any->writer, any->counts, 2, random_next() % 99, &period), 0);
}

static void put_spans(struct any_writer *any)
{
	struct dump_span_summary spans[3] = {
		{.catalog = 0, .span = 0}, {.catalog = 0, .span = 2}, {.catalog = 3, .span = 0}};
	for (size_t i = 0; i < 3; i++) {
		spans[i].ended = random_next() % 9;
		spans[i].headless = random_next() % 9;
		spans[i].sum_ns = random_next();
		spans[i].shortest_ns = random_next() % 99;
		spans[i].longest_ns = UINT64_MAX - i;
		for (size_t n = 0; n < 64; n++)
			spans[i].lasted[n] = random_next() % 3;
	}
	cr_assert_eq(dump_put_spans(any->writer, spans, 3), 0);
}

/* --- files -------------------------------------------------------------------------------------
 */

static struct dump_process process_of(const struct any_dump *how, unsigned process)
{
	return (struct dump_process){
		.pid = 77 + process,
		.part = how->part,
		.series = UINT64_C(0xfedcba9876543210),
		.id = {UINT64_MAX - process, 1},
		.start_ns = BEGINS_NS - process % 2,
		.begun_ns = BEGINS_NS + how->part * UINT64_C(1000000000),
		.boot = {process % 2 ? 0 : UINT64_C(0x0123456789abcdef), process % 2 ? 0 : 5},
		.program = "\xc3\xa9t\xc3\xa9",
		.host = "host.example.org",
		.clock = "tsc",
		.writer = "rill, some version",
	};
}

/* What stands before the records of a process in a file. */
static void put_beginning(struct any_writer *any)
{
	struct dump_epoch epoch = {10, 12, "*=info,conn.*=trace"};
	cr_assert_eq(dump_put_catalog(any->writer, 0, &records_catalog), 0);
	cr_assert_eq(dump_put_catalog(any->writer, 3, &records_catalog_other), 0);
	put_clock(any, 0);
	cr_assert_eq(dump_put_epoch(any->writer, &epoch), 0);
	if (any->how->part) {
		put_counts(any, true);
		put_open(any);
	}
}

static void any_begin(struct any_writer *any, uint32_t process)
{
	any->process = process;
	for (size_t ring = 0; ring < RINGS; ring++) {
		any->bytes[ring] = any->bytes[ring] ? any->bytes[ring] : malloc(MAX_CHUNK);
		any->ticks[ring] = 500;
		any->positions[ring] = ring * 64;
	}
	any->counted = 400;
	memset(any->counts, 0, sizeof any->counts);
}

char *any_dump_write(const char *folder, const struct any_dump *how)
{
	struct any_writer any = {.how = how, .pack = dump_pack_new()};
	char error[256];
	random_state = how->seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	struct dump_process process = process_of(how, 0);
	cr_assert_eq(dump_create(&any.writer, folder, &process, error, sizeof error), 0, "%s",
		     error);
	char *path = strdup(dump_path(any.writer));
	cr_assert_eq(dump_compress(any.writer, how->level), 0);
	for (unsigned p = 0; p <= how->more_processes; p++) {
		process = process_of(how, p);
		if (p) {
			int index = dump_put_process(any.writer, &process);
			cr_assert_eq(index, (int)p);
			dump_turn_to(any.writer, (uint16_t)p);
		}
		any_begin(&any, p);
		put_beginning(&any);
		for (size_t i = 0; i < how->chunks; i++) {
			put_records(&any, i == 9);
			if (i % 20 == 5)
				put_clock(&any, 1 + i / 20);
			if (i % 9 == 8)
				put_counts(&any, false);
			if (i % 30 == 29)
				put_open(&any);
		}
		if (how->small) {
			put_small(&any);
			continue;
		}
		put_counts(&any, false);
		put_spans(&any);
	}
	cr_assert_eq(dump_close(any.writer), 0);
	dump_pack_free(any.pack);
	for (size_t ring = 0; ring < RINGS; ring++)
		free(any.bytes[ring]);
	return path;
}
