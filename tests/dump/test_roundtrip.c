/* What the writer is given is what the reader gives. */
#include <criterion/criterion.h>
#include <errno.h>
#include <glob.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/blocks.h"
#include "../support/chunks.h"
#include "../support/files.h"
#include "../support/records.h"
#include "dump/dump.h"

static const struct dump_process process = {
	.pid = 4711, .id = {0xfeed, 0xbeef}, .start_ns = 1700000000123456789, .program = "a/b c"};
static const struct clock_point second_is_1000_ticks = {5000, 1700000001000000000,
							(uint64_t)1000000 << 32, 0, 0};

static struct dump_writer *create(const char *folder)
{
	struct dump_writer *writer;
	char error[256];
	cr_assert_eq(dump_create(&writer, folder, &process, error, sizeof error), 0, "%s", error);
	return writer;
}

static struct dump_reader *reopen(const char *path)
{
	struct dump_reader *reader;
	char error[256];
	cr_assert_eq(dump_open(&reader, path, error, sizeof error), 0, "%s", error);
	return reader;
}

Test(roundtrip, file_is_private_and_named_after_its_process)
{
	char *folder = format("%s/not/yet/there", folder_make());
	struct dump_writer *writer = create(folder);
	char *path = format("%s/20231114T221320.123456789Z-a_b_c-4711.rill", folder);
	cr_expect_str_eq(dump_path(writer), path);
	struct stat status;
	cr_assert_eq(stat(path, &status), 0);
	cr_expect_eq(status.st_mode & 07777, 0600);
	cr_assert_eq(stat(folder, &status), 0);
	cr_expect_eq(status.st_mode & 07777, 0700);
	/* The same process again, as after rill_stop(): another file, and nothing lost. */
	struct dump_writer *again = create(folder);
	cr_expect_str_neq(dump_path(again), path);
	cr_expect_eq(dump_close(again), 0);
	cr_expect_eq(dump_close(writer), 0);
}

Test(roundtrip, unwritable_directory_is_named)
{
	struct dump_writer *writer;
	char error[256];
	cr_expect_eq(dump_create(&writer, "/proc/none/x", &process, error, sizeof error), -ENOENT);
	cr_expect(strstr(error, "/proc/none"), "%s", error);
	char *folder = folder_make();
	char *file = format("%s/file", folder);
	file_store_text(file, "");
	cr_expect_eq(dump_create(&writer, file, &process, error, sizeof error), -ENOTDIR);
	cr_expect(strstr(error, file), "%s", error);
}

static void same_text(const char *a, const char *b)
{
	cr_expect_str_eq(a, b);
}

static void same_catalog(const struct rill_catalog *a, const struct rill_catalog *b)
{
	cr_assert(a && b);
	cr_expect_eq(a->hash, b->hash);
	cr_expect_eq(a->layout, RILL_CATALOG_LAYOUT);
	same_text(a->name, b->name);
	cr_assert_eq(a->nevents, b->nevents);
	cr_assert_eq(a->nkeys, b->nkeys);
	cr_assert_eq(a->nspans, b->nspans);
	cr_assert_eq(a->nsubsystems, b->nsubsystems);
	for (size_t i = 0; i < a->nsubsystems; i++)
		same_text(a->subsystems[i], b->subsystems[i]);
	for (size_t i = 0; i < a->nevents; i++) {
		const struct rill_catalog_event *x = &a->events[i], *y = &b->events[i];
		same_text(x->name, y->name);
		same_text(x->brief, y->brief);
		same_text(x->text, y->text);
		cr_expect(x->level == y->level && x->flags == y->flags);
		cr_assert(x->subsystem == y->subsystem && x->nkeys == y->nkeys);
		for (size_t k = 0; k < x->nkeys; k++)
			cr_expect_eq(x->keys[k], y->keys[k]);
	}
	for (size_t i = 0; i < a->nkeys; i++) {
		same_text(a->keys[i].name, b->keys[i].name);
		same_text(a->keys[i].text, b->keys[i].text);
		cr_expect_eq(a->keys[i].types, b->keys[i].types);
		cr_expect_eq(a->keys[i].flags, b->keys[i].flags);
	}
	for (size_t i = 0; i < a->nspans; i++) {
		same_text(a->spans[i].name, b->spans[i].name);
		cr_expect_eq(a->spans[i].start, b->spans[i].start);
		cr_expect_eq(a->spans[i].end, b->spans[i].end);
		cr_expect_eq(a->spans[i].key, b->spans[i].key);
	}
}

Test(roundtrip, process_catalogs_counts_and_epochs)
{
	char *folder = folder_make();
	struct dump_writer *writer = create(folder);
	cr_assert_eq(dump_put_catalog(writer, 0, &records_catalog), 0);
	cr_assert_eq(dump_put_catalog(writer, 7, &records_catalog_other), 0);
	struct dump_count counts[] = {{0, 4, 1, 2, 3, 4, 5}, {7, 1, 9, 0, 0, 0, 0}};
	cr_assert_eq(dump_put_counts(writer, counts, 2, 6, NULL), 0);
	counts[0].discarded = UINT64_MAX;
	cr_assert_eq(dump_put_counts(writer, counts, 1, 8, NULL), 0);
	struct dump_epoch epoch = {10, 12, "*=info,conn.*=trace"};
	cr_assert_eq(dump_put_epoch(writer, &epoch), 0);
	cr_assert_eq(dump_sync(writer), 0);
	cr_assert_eq(dump_close(writer), 0);

	struct dump_reader *reader = reopen(folder);
	cr_assert_eq(dump_file_count(reader), 1);
	const struct dump_file *file = dump_file(reader, 0);
	cr_expect_null(file->damage, "%s", file->damage);
	cr_expect(file->finished);
	cr_expect_eq(file->process.pid, 4711);
	cr_expect(file->process.id[0] == 0xfeed && file->process.id[1] == 0xbeef);
	cr_expect_eq(file->process.start_ns, process.start_ns);
	same_text(file->process.program, "a/b c");
	cr_assert_eq(file->catalogs.count, 8);
	same_catalog(file->catalogs.catalog[0], &records_catalog);
	same_catalog(file->catalogs.catalog[7], &records_catalog_other);
	cr_expect_null(file->catalogs.catalog[3]);
	cr_assert_eq(file->ncounts, 2);
	for (size_t i = 0; i < 2; i++) {
		cr_expect_eq(file->counts[i].catalog, counts[i].catalog);
		cr_expect_eq(file->counts[i].event, counts[i].event);
		cr_expect(!memcmp(&file->counts[i].written, &counts[i].written, 5 * 8));
	}
	cr_expect_eq(file->values_cut, 8);
	cr_assert_eq(file->nepochs, 1);
	cr_expect(file->epochs[0].published_ticks == 10 && file->epochs[0].confirmed_ticks == 12);
	same_text(file->epochs[0].expression, "*=info,conn.*=trace");
	struct dump_record record;
	cr_expect_eq(dump_next(reader, &record), 0);
	dump_reader_close(reader);
}

Test(roundtrip, records_come_back_byte_for_byte_with_their_time)
{
	char *folder = folder_make();
	struct dump_writer *writer = create(folder);
	unsigned char bytes[1024];
	const unsigned char ip[4] = {192, 0, 2, 1};
	struct slot slots[] = {slot_u64(KEY_ID, 5), slot_ip4(KEY_REMOTE_IP, ip),
			       slot_text(KEY_NOTE, "hello")};
	size_t first = record_put(bytes, 5001, 0, EVENT_CONN_START, slots, 3);
	size_t size = first + record_put(bytes + first, 5002, 0, EVENT_WORK, slots, 0);
	dump_put_catalog(writer, 0, &records_catalog);
	dump_put_clock(writer, &second_is_1000_ticks);
	struct dump_chunk chunk = {42, 1234, 4096, 4096 + size};
	cr_assert_eq(chunk_put(writer, &chunk, bytes), 0);
	chunk.to -= 4;
	cr_expect_eq(chunk_put(writer, &chunk, bytes), -EBADMSG);
	cr_assert_eq(dump_close(writer), 0);

	struct dump_reader *reader = reopen(folder);
	const struct dump_file *file = dump_file(reader, 0);
	cr_expect_null(file->damage, "%s", file->damage);
	cr_expect_eq(file->nrecords, 2);
	struct dump_record record;
	cr_assert_eq(dump_next(reader, &record), 1);
	cr_expect(record.ring == 42 && record.tid == 1234 && record.file == 0);
	cr_expect_eq(record.ns, 1700000001001000000);
	cr_expect(record.raw.size == first && !memcmp(record.raw.bytes, bytes, first));
	struct rill_item items[RILL_MAX_ITEMS];
	cr_assert_eq(raw_record_items(&record.raw, items), 3);
	cr_expect_eq(items[0].u64, 5);
	cr_expect(!memcmp(items[1].bytes, ip, 4));
	cr_expect(items[2].size == 5 && !memcmp(items[2].bytes, "hello", 5));
	cr_assert_eq(dump_next(reader, &record), 1);
	cr_expect_eq(record.ns, 1700000001002000000);
	cr_expect_eq(record.raw.event, EVENT_WORK);
	cr_expect_eq(dump_next(reader, &record), 0);
	cr_expect_eq(dump_next(reader, &record), 0);
	cr_expect(file->nrecords == 2 && file->nrings == 1);
	dump_reader_close(reader);
}

/* Bytes of the one dump in a folder. */
static char *load_only(const char *folder, size_t *size, char **path)
{
	glob_t found;
	cr_assert_eq(glob(format("%s/*.rill", folder), 0, NULL, &found), 0);
	*path = found.gl_pathv[0];
	return file_load(*path, size);
}

Test(roundtrip, unknown_block_is_skipped_and_newer_version_is_refused)
{
	char *folder = folder_make(), *path;
	struct dump_writer *writer = create(folder);
	struct dump_epoch epoch = {1, 2, "unknown"};
	cr_assert_eq(dump_put_epoch(writer, &epoch), 0);
	cr_assert_eq(dump_put_catalog(writer, 0, &records_catalog), 0);
	dump_close(writer);
	size_t size;
	char *bytes = load_only(folder, &size, &path);
	struct dump_reader *reader;
	char error[256];
	bytes[8] = 2;
	file_store(path, bytes, size);
	cr_expect_eq(dump_open(&reader, path, error, sizeof error), -EBADMSG);
	cr_expect(strstr(error, "format version 2"), "%s", error);
	/* A minor version says that there may be blocks of new types. */
	bytes[8] = 1;
	bytes[10] = 9;
	unsigned char *block = (unsigned char *)bytes + 16;
	while (block_get(block + 4, 2) != 6)
		block += 64 + (block_get(block + 8, 8) + 7) / 8 * 8;
	block_put(block + 4, 4000, 2);
	block_seal(block, block_get(block + 8, 8));
	file_store(path, bytes, size);
	reader = reopen(path);
	cr_expect_null(dump_file(reader, 0)->damage, "%s", dump_file(reader, 0)->damage);
	cr_expect_eq(dump_file(reader, 0)->nepochs, 0);
	cr_expect_eq(dump_file(reader, 0)->catalogs.count, 1);
	dump_reader_close(reader);
}

/* A catalog whose indexes lead nowhere is damage, and no catalog. */
static void expect_refused(const struct rill_catalog *catalog)
{
	char *folder = folder_make();
	struct dump_writer *writer = create(folder);
	cr_assert_eq(dump_put_catalog(writer, 0, catalog), 0);
	cr_assert_eq(dump_close(writer), 0);
	struct dump_reader *reader = reopen(folder);
	cr_assert(dump_file(reader, 0)->damage);
	cr_expect(strstr(dump_file(reader, 0)->damage, " is broken"));
	cr_expect_eq(dump_file(reader, 0)->catalogs.count, 0);
	dump_reader_close(reader);
}

Test(roundtrip, catalogs_that_lead_nowhere_are_refused)
{
	static const uint16_t no_such_key = 1;
	struct rill_catalog_event event = {"a.b", "", "", &no_such_key, 0, 0, RILL_INFO, 0};
	struct rill_catalog_key key = {"id", "", RILL_SET_U64, 0, RILL_NO_KEY};
	struct rill_catalog_span span = {"a", 0, 0, 0};
	const char *const subsystem = "A";
	struct rill_catalog catalog = {.name = "bad",
				       .subsystems = &subsystem,
				       .events = &event,
				       .keys = &key,
				       .spans = &span,
				       .nsubsystems = 1,
				       .nevents = 1,
				       .nkeys = 1,
				       .nspans = 1};
	event.nkeys = 1;
	expect_refused(&catalog);
	event.nkeys = 0;
	event.level = RILL_OFF;
	expect_refused(&catalog);
	event.level = RILL_INFO;
	event.subsystem = 1;
	expect_refused(&catalog);
	event.subsystem = 0;
	span.start = 1;
	expect_refused(&catalog);
	span = (struct rill_catalog_span){"a", 0, 1, 0};
	expect_refused(&catalog);
	span = (struct rill_catalog_span){"a", 0, 0, 1};
	expect_refused(&catalog);
	span = (struct rill_catalog_span){"a", 0, 0, 0};
	key.refers = 1;
	expect_refused(&catalog);
}

Test(roundtrip, what_is_no_dump_is_an_error)
{
	char *folder = folder_make();
	char *path = format("%s/x.rill", folder);
	struct dump_reader *reader;
	char error[256];
	cr_expect_eq(dump_open(&reader, path, error, sizeof error), -ENOENT);
	cr_expect(strstr(error, path), "%s", error);
	cr_expect_eq(dump_open(&reader, folder, error, sizeof error), -ENOENT);
	cr_expect(strstr(error, "holds no dump"), "%s", error);
	file_store_text(path, "");
	cr_expect_eq(dump_open(&reader, path, error, sizeof error), -EBADMSG);
	cr_expect(strstr(error, "is empty"), "%s", error);
	file_store_text(path, "\x7f"
			      "ELF and so on, for many bytes");
	cr_expect_eq(dump_open(&reader, path, error, sizeof error), -EBADMSG);
	cr_expect(strstr(error, "is not a dump"), "%s", error);
	cr_expect_eq(dump_open(&reader, "/dev/null", error, sizeof error), -EBADMSG);
	/* Beside others in a directory it is told, and the others are read. */
	dump_close(create(folder));
	reader = reopen(folder);
	cr_assert_eq(dump_file_count(reader), 2);
	cr_expect_null(dump_file(reader, 0)->damage);
	cr_expect_str_eq(dump_file(reader, 1)->damage, "is not a dump");
	dump_reader_close(reader);
}
