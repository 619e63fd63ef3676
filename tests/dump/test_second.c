/* A reader written from the specification alone says the same of a dump, record for record. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../support/chunks.h"
#include "../support/files.h"
#include "../support/records.h"
#include "../support/run.h"
#include "dump/dump.h"

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

static void show_items(FILE *out, struct rill_item *items, int count,
		       const struct rill_catalogs *catalogs);

static void show_nested(FILE *out, const struct rill_item *item,
			const struct rill_catalogs *catalogs)
{
	struct rill_nested nested;
	struct rill_item items[8];
	int count = 0;
	uint32_t event = 0;
	cr_assert_eq(rill_nested_open(&nested, item, catalogs), 0);
	while (rill_nested_next(&nested, &items[count]) == 1)
		count++;
	if (nested.event)
		event = (uint32_t)(nested.event - nested.catalog->events);
	fprintf(out, "%" PRIu32 "(", event);
	show_items(out, items, count, catalogs);
	fputc(')', out);
}

static void show_items(FILE *out, struct rill_item *items, int count,
		       const struct rill_catalogs *catalogs)
{
	static const char *const names[] = {"none",  "bool",     "u64",       "i64",
					    "f64",   "duration", "timestamp", "string",
					    "bytes", "ip",       "list",      "event"};
	for (int i = 0; i < count; i++) {
		const struct rill_item *item = &items[i];
		fprintf(out, "%s%d:%s=", i ? " " : "", item->key, names[item->type]);
		if (item->type == RILL_TYPE_LIST || item->type == RILL_TYPE_EVENT)
			show_nested(out, item, catalogs);
		else if (item->type == RILL_TYPE_I64 || item->type == RILL_TYPE_DURATION)
			fprintf(out, "%" PRId64, item->i64);
		else if (item->type == RILL_TYPE_NONE)
			fputc('0', out);
		else if (item->type == RILL_TYPE_BOOL)
			fprintf(out, "%d", item->boolean);
		else if (!item->bytes && item->type < RILL_TYPE_STRING)
			fprintf(out, "%" PRIu64, item->u64);
		for (size_t b = 0;
		     item->type >= RILL_TYPE_STRING && item->type <= RILL_TYPE_IP && b < item->size;
		     b++)
			fprintf(out, "%02x", item->bytes[b]);
		if (item->cut)
			fputc('~', out);
	}
}

static void show_catalog(FILE *out, size_t index, const struct rill_catalog *catalog)
{
	fprintf(out, "catalog|%zu|%016" PRIx64 "|%s", index, catalog->hash, catalog->name);
	for (size_t i = 0; i < catalog->nsubsystems; i++)
		fprintf(out, "|%s", catalog->subsystems[i]);
	for (size_t i = 0; i < catalog->nevents; i++) {
		const struct rill_catalog_event *event = &catalog->events[i];
		fprintf(out, "|%s|%s|%s|%d|%d|%d", event->name, event->brief, event->text,
			event->subsystem, event->level, event->flags);
		for (size_t k = 0; k < event->nkeys; k++)
			fprintf(out, "|k%d", event->keys[k]);
	}
	for (size_t i = 0; i < catalog->nkeys; i++)
		fprintf(out, "|%s|%s|%d|%d|%d", catalog->keys[i].name, catalog->keys[i].text,
			catalog->keys[i].types, catalog->keys[i].flags, catalog->keys[i].refers);
	for (size_t i = 0; i < catalog->nspans; i++)
		fprintf(out, "|%s|%d|%d|%d", catalog->spans[i].name, catalog->spans[i].start,
			catalog->spans[i].end, catalog->spans[i].key);
	fputc('\n', out);
}

static void show_file(FILE *out, const struct dump_file *file)
{
	if (*file->process.program)
		fprintf(out, "process %" PRIu32 " %" PRIx64 " %" PRIx64 " %" PRIu64 " %s\n",
			file->process.pid, file->process.id[0], file->process.id[1],
			file->process.start_ns, file->process.program);
	for (size_t i = 0; i < file->catalogs.count; i++)
		if (file->catalogs.catalog[i])
			show_catalog(out, i, file->catalogs.catalog[i]);
	for (size_t i = 0; i < file->ncounts; i++) {
		const struct dump_count *c = &file->counts[i];
		fprintf(out,
			"count %d %d %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
			c->catalog, c->event, c->written, c->filtered, c->discarded, c->overwritten,
			c->failed);
	}
	fprintf(out, "cut %" PRIu64 "\n", file->values_cut);
	for (size_t i = 0; i < file->nepochs; i++)
		fprintf(out, "epoch %" PRIu64 " %" PRIu64 " %s\n", file->epochs[i].published_ticks,
			file->epochs[i].confirmed_ticks, file->epochs[i].expression);
	fprintf(out, "finished %d\n", file->finished);
}

/* What the second reader would print, from the first one. */
static char *first_reader(const char *path)
{
	char *text = NULL, error[256];
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct dump_reader *reader;
	struct dump_record record;
	cr_assert_eq(dump_open(&reader, path, error, sizeof error), 0, "%s", error);
	const struct dump_file *file = dump_file(reader, 0);
	show_file(out, file);
	while (dump_next(reader, &record) == 1) {
		struct rill_item items[RILL_MAX_ITEMS];
		fprintf(out, "%" PRIu64 " %" PRIu64 " %" PRIu32 " %d %d ", record.ns, record.ring,
			record.tid, record.raw.catalog, record.raw.event);
		int count = raw_record_items(&record.raw, items);
		if (count < 0)
			fputs("bad", out);
		else
			show_items(out, items, count, &file->catalogs);
		fputc('\n', out);
	}
	dump_reader_close(reader);
	fclose(out);
	return text;
}

static void compare(const char *path)
{
	struct run_result second = RUN(NULL, "python3", "tests/dump/second_reader.py", path);
	cr_assert_eq(second.code, 0, "%s", second.err);
	char *first = first_reader(path);
	if (strcmp(first, second.out) == 0) {
		free(first);
		run_free(&second);
		return;
	}
	char *a = first, *b = second.out;
	while (strcspn(a, "\n") == strcspn(b, "\n") && !strncmp(a, b, strcspn(a, "\n"))) {
		a += strcspn(a, "\n") + 1;
		b += strcspn(b, "\n") + 1;
	}
	cr_assert_fail("%s\nfirst:  %.*s\nsecond: %.*s", path, (int)strcspn(a, "\n"), a,
		       (int)strcspn(b, "\n"), b);
}

Test(second, agrees_on_a_whole_dump)
{
	char *path = make_dump(folder_make());
	char *first = first_reader(path);
	cr_assert_gt(strlen(first), 20000);
	compare(path);
}

Test(second, agrees_on_cut_dumps, .timeout = 120)
{
	char *path = make_dump(folder_make());
	size_t size;
	free(file_load(path, &size));
	for (int i = 0; i < 25; i++) {
		cr_assert_eq(truncate(path, (off_t)(size -= 1 + random_next() % (size / 10))), 0);
		compare(path);
	}
}
