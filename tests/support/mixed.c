#include "mixed.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include <rill/stalwart.h>

#include "chunks.h"
#include "files.h"
#include "records.h"
#include "value.h"

#define MAX_RECORD 65536u
#define MAX_SLOTS  12u
#define CHUNK      (1u << 20)
#define MANY_SITES 100u /* an event */

struct mix {
	const struct rill_catalog *catalog;
	struct page page;
	struct edges edges;
	uint64_t random;
	size_t used[RILL_TYPE_COUNT]; /* edges of a type come in turn */
	unsigned char *memory;        /* of one record's nested values */
	size_t nmemory;
};

static uint64_t next_random(struct mix *mix)
{
	mix->random ^= mix->random << 13;
	mix->random ^= mix->random >> 7;
	return mix->random ^= mix->random << 17;
}

static uint64_t hash(uint64_t value)
{
	value = (value ^ value >> 31) * UINT64_C(0x9e3779b97f4a7c15);
	return value ^ value >> 29;
}

static struct slot slot_of(struct mix *mix, size_t key, const struct value *value);

/* Its elements or keys, as a record without its header, behind an event and a count. */
static struct slot nested_slot(struct mix *mix, size_t key, const struct value *value)
{
	struct slot slots[16];
	unsigned char *record = calloc(1, MAX_RECORD), *to;
	for (size_t i = 0; i < value->nmembers; i++)
		slots[i] = slot_of(mix, value->page ? value->keys[i] : 0, value->members[i]);
	size_t size = record_put(record, 0, 0, 0, slots, value->nmembers) - 8;
	cr_assert_lt(mix->nmemory + size, MAX_RECORD);
	to = mix->memory + mix->nmemory;
	mix->nmemory += size;
	memcpy(to, &(uint32_t){value->page ? (uint32_t)value->event : 0}, 4);
	memcpy(to + 4, &(uint32_t){(uint32_t)value->nmembers}, 4);
	memcpy(to + 8, record + 16, size - 8);
	free(record);
	struct slot slot = slot_bytes((uint16_t)key, to, size);
	slot.type = (uint8_t)value->type;
	return slot;
}

static struct slot slot_of(struct mix *mix, size_t key, const struct value *value)
{
	struct slot slot = {.key = (uint16_t)key, .type = (uint8_t)value->type};
	switch (value->type) {
	case RILL_TYPE_LIST:
	case RILL_TYPE_EVENT:
		return nested_slot(mix, key, value);
	case RILL_TYPE_STRING:
	case RILL_TYPE_BYTES:
		slot = slot_bytes((uint16_t)key, value->bytes, value->size);
		slot.type = (uint8_t)value->type;
		if (value->original)
			slot.word = value->size | value->original << 32;
		return slot;
	case RILL_TYPE_IP:
		if (value->size == 4)
			return slot_ip4((uint16_t)key, value->bytes);
		slot.bytes = value->bytes;
		slot.size = value->size;
		slot.word = (uint64_t)value->size << 32;
		return slot;
	default:
		slot.word = value->word;
		return slot;
	}
}

/* The next edge of one of the key's types; `form` says which type. */
static struct slot next_slot(struct mix *mix, uint16_t key, uint64_t form)
{
	unsigned types = mix->catalog->keys[key].types, type = (unsigned)(form % RILL_TYPE_COUNT);
	while (!(types >> type & 1) || !mix->edges.count[type])
		type = (type + 1) % RILL_TYPE_COUNT;
	size_t edge = mix->used[type]++ % mix->edges.count[type];
	struct slot slot = slot_of(mix, key, mix->edges.of[type][edge]);
	/* Some are what is left of longer ones. */
	if ((type == RILL_TYPE_STRING || type == RILL_TYPE_BYTES) && next_random(mix) % 16 == 0)
		slot.word = slot.size | (uint64_t)(slot.size + 70000) << 32;
	return slot;
}

/* A few spans of each kind are open at a time. */
static struct slot span_slot(struct mix *mix, uint16_t key)
{
	return slot_u64(key, 1 + next_random(mix) % 50);
}

static uint16_t key_named(const struct rill_catalog *catalog, const char *name)
{
	for (uint16_t key = 0; key < catalog->nkeys; key++)
		if (strcmp(catalog->keys[key].name, name) == 0)
			return key;
	cr_assert_fail("no key %s", name);
	return 0;
}

static size_t put_record(struct mix *mix, unsigned char *to, uint64_t ticks, size_t n)
{
	const struct rill_catalog *catalog = mix->catalog;
	struct slot slots[MAX_SLOTS];
	size_t nslots = 0, bytes = 0;
	/* Spans start and end more often than other things happen. */
	const struct rill_catalog_span *span = &catalog->spans[next_random(mix) % catalog->nspans];
	uint16_t event = (uint16_t)(n % 4   ? n / 4 * 3 % catalog->nevents + n % 4 - 1
				    : n & 4 ? span->start
					    : span->end);
	event = n % 10 == 7 ? MANY_SITES : event % catalog->nevents;
	mix->nmemory = 0;
	if (next_random(mix) % 4)
		slots[nslots++] = span_slot(mix, key_named(catalog, "spanId"));
	/* A site always writes the same keys; one event comes from a great many sites. */
	uint64_t site = next_random(mix) % (event == MANY_SITES ? UINT64_MAX : 3) * 1000 + event,
		 form;
	for (size_t i = hash(site) % 9; i && bytes < 6000; i--) {
		form = hash(site + i * 7919);
		slots[nslots] = next_slot(mix, (uint16_t)(form % catalog->nkeys), form >> 32);
		bytes += slots[nslots++].size;
	}
	return record_put(to, ticks, 0, event, slots, nslots);
}

static void write_process(struct mix *mix, const char *folder, size_t count, unsigned index,
			  int level)
{
	const struct dump_process process = {
		.pid = 4711 + index,
		.id = {0x0102030405060708 + index, UINT64_MAX - index},
		.start_ns = MIXED_START,
		.program = "mixed",
		.host = "mixed.example.org",
	};
	const struct clock_point clock = {.ticks = 0, .ns = MIXED_START, .rate = (uint64_t)1 << 32};
	struct dump_writer *writer;
	char error[256];
	unsigned char *bytes[MIXED_THREADS];
	size_t sizes[MIXED_THREADS] = {0};
	uint64_t positions[MIXED_THREADS] = {0}, ticks = 1;
	cr_assert_eq(dump_create(&writer, folder, &process, error, sizeof error), 0, "%s", error);
	cr_assert_eq(dump_compress(writer, level), 0);
	cr_assert_eq(dump_put_catalog(writer, 0, mix->catalog), 0);
	cr_assert_eq(dump_put_clock(writer, &clock), 0);
	for (size_t i = 0; i < MIXED_THREADS; i++)
		bytes[i] = calloc(1, CHUNK + MAX_RECORD);
	for (size_t i = 0; i < count + MIXED_THREADS; i++) {
		/* After the last one, what is left of each. */
		size_t thread = i < count ? next_random(mix) % MIXED_THREADS : i - count;
		if (i < count)
			sizes[thread] += put_record(mix, bytes[thread] + sizes[thread], ticks, i);
		ticks += next_random(mix) % 2000;
		if (sizes[thread] < CHUNK && i < count)
			continue;
		struct dump_chunk chunk = {100 + thread, (uint32_t)(7000 + thread),
					   positions[thread], positions[thread] + sizes[thread]};
		if (sizes[thread])
			cr_assert_eq(chunk_put(writer, &chunk, bytes[thread]), 0);
		positions[thread] += sizes[thread];
		sizes[thread] = 0;
	}
	for (size_t i = 0; i < MIXED_THREADS; i++)
		free(bytes[i]);
	cr_assert_eq(dump_close(writer), 0);
}

void mixed_write_compressed(const char *folder, size_t count, unsigned nprocesses, int level)
{
	struct mix mix = {.catalog = &rill_catalog_stalwart, .random = 0x9e3779b97f4a7c15};
	const struct rill_catalog *catalog = mix.catalog;
	mix.page = (struct page){catalog->name, calloc(catalog->nkeys, sizeof(struct page_key)),
				 calloc(catalog->nevents, sizeof(char *)), catalog->nkeys,
				 catalog->nevents};
	for (size_t i = 0; i < catalog->nkeys; i++)
		mix.page.keys[i] = (struct page_key){catalog->keys[i].name, catalog->keys[i].types};
	for (size_t i = 0; i < catalog->nevents; i++)
		mix.page.events[i] = catalog->events[i].name;
	mix.edges = edges_make(&mix.page);
	mix.memory = malloc(MAX_RECORD);
	for (unsigned i = 0; i < nprocesses; i++)
		write_process(&mix, folder, count / nprocesses, i, level);
	free(mix.memory);
	free(mix.page.keys);
	free(mix.page.events);
}

void mixed_write(const char *folder, size_t count, unsigned nprocesses)
{
	mixed_write_compressed(folder, count, nprocesses, 0);
}
