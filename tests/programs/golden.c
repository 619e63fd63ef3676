/*
 * Writes the golden dumps to the folder $GOLDEN: `make golden`, by hand and once for a version of
 * the format. Never run by the tests: what they read are the files as they were written then.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include <rill/stalwart.h>

#include "dump/dump.h"
#include "support/any_dump.h"
#include "support/blocks.h"
#include "support/chunks.h"
#include "support/files.h"
#include "support/mixed.h"
#include "support/records.h"
#include "support/run.h"

static char *target(const char *name)
{
	const char *folder = getenv("GOLDEN");
	cr_assert(folder, "GOLDEN is not set");
	return format("%s/%s.rill", folder, name);
}

/* A value of the n-th type that the key may have. */
static struct slot slot_of(const struct rill_catalog_key *key, uint16_t index, unsigned n)
{
	static const char long_text[] = "a value that is longer than an address";
	struct slot slot = {.key = index, .word = n * UINT64_C(0x123456789abcdef)};
	unsigned count = 0;
	for (unsigned type = 0; type < RILL_TYPE_COUNT; type++)
		count += key->types >> type & 1;
	n %= count;
	while (!(key->types >> slot.type & 1) || n-- > 0)
		slot.type++;
	if (slot.type == RILL_TYPE_STRING || slot.type == RILL_TYPE_BYTES) {
		slot.bytes = long_text;
		slot.size = slot.word % sizeof long_text;
		slot.word = slot.size | (slot.size + index % 2) << 32;
	} else if (slot.type == RILL_TYPE_IP) {
		slot.bytes = long_text;
		slot.size = index % 2 ? 16 : 0;
		slot.word =
			index % 2 ? UINT64_C(16) << 32 : UINT64_C(4) << 32 | (uint32_t)slot.word;
	} else if (slot.type == RILL_TYPE_LIST || slot.type == RILL_TYPE_EVENT) {
		slot.word = UINT64_C(20) << 32; /* cut to nothing */
	} else if (slot.type == RILL_TYPE_BOOL) {
		slot.word = index % 2;
	} else if (slot.type == RILL_TYPE_NONE) {
		slot.word = 0;
	}
	return slot;
}

/* All events of the catalog, each with all its keys. */
static void write_events(void)
{
	const struct rill_catalog *catalog = &rill_catalog_stalwart;
	const struct dump_process process = {.pid = 1,
					     .id = {2, 3},
					     .start_ns = 4000000000,
					     .series = 5,
					     .program = "events",
					     .host = "",
					     .clock = "monotonic",
					     .writer = "golden"};
	struct clock_point point = {.ticks = 5, .ns = 4000000005, .rate = (uint64_t)1 << 32};
	char *folder = folder_make(), error[256];
	struct dump_writer *writer;
	unsigned char *bytes = calloc(1, 1 << 20);
	struct dump_chunk chunk = {.ring = 1, .tid = 1};
	cr_assert_eq(dump_create(&writer, folder, &process, error, sizeof error), 0, "%s", error);
	cr_assert_eq(dump_compress(writer, 19), 0);
	cr_assert_eq(dump_put_catalog(writer, 0, catalog), 0);
	cr_assert_eq(dump_put_clock(writer, &point), 0);
	for (uint16_t e = 0; e < catalog->nevents; e++) {
		const struct rill_catalog_event *event = &catalog->events[e];
		struct slot slots[RILL_MAX_ITEMS];
		cr_assert_leq(event->nkeys, RILL_MAX_ITEMS);
		for (unsigned k = 0; k < event->nkeys; k++)
			slots[k] = slot_of(&catalog->keys[event->keys[k]], event->keys[k], e + k);
		chunk.to += record_put(bytes + chunk.to, 10 + UINT64_C(7) * e, 0, e, slots,
				       event->nkeys);
	}
	cr_assert_eq(chunk_put(writer, &chunk, bytes), 0);
	char *path = strdup(dump_path(writer));
	cr_assert_eq(dump_close(writer), 0);
	file_copy(path, target("events"));
	folder_remove(folder);
	free(bytes);
}

static void write_any(const char *name, const struct any_dump *how)
{
	char *folder = folder_make();
	file_copy(any_dump_write(folder, how), target(name));
	folder_remove(folder);
}

/* Every edge of every type, from several threads. */
static void write_edges(void)
{
	char *folder = folder_make();
	mixed_write_compressed(folder, 400, 1, 19);
	struct run_result found = RUN(NULL, "find", folder, "-name", "*.rill");
	found.out[strcspn(found.out, "\n")] = '\0';
	file_copy(found.out, target("edges"));
	folder_remove(folder);
}

/* Of a dump, what is left when it is cut within its last block of records, or a byte of that is
 * another. */
static void write_damaged(void)
{
	size_t size, at = 16, last = 0;
	unsigned char *bytes = (unsigned char *)file_load(target("catalogs"), &size);
	for (; at < size; at += 64 + (block_get(bytes + at + 8, 8) + 7) / 8 * 8)
		if (block_get(bytes + at + 4, 2) == 4)
			last = at;
	cr_assert(last);
	size_t middle = last + 64 + block_get(bytes + last + 8, 8) / 2;
	file_store(target("cut"), bytes, middle);
	bytes[middle] ^= 0x10;
	file_store(target("spoilt"), bytes, size);
	free(bytes);
}

Test(golden, write)
{
	write_events();
	write_edges();
	write_any("small", &(struct any_dump){.small = true, .filters = true});
	write_any("catalogs", &(struct any_dump){.seed = 21, .chunks = 6, .filters = true});
	write_any("compressed",
		  &(struct any_dump){.seed = 22, .chunks = 6, .filters = true, .level = 3});
	write_any("processes", &(struct any_dump){.seed = 23, .chunks = 2, .more_processes = 2});
	for (unsigned part = 0; part < 3; part++)
		write_any(format("part-%u", part),
			  &(struct any_dump){
				  .seed = 30 + part, .chunks = 2, .filters = true, .part = part});
	write_damaged();
}
