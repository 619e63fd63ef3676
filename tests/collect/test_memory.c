/* Memory runs out at the Nth allocation, for every N: records go on, spans are counted, nothing
 * crashes or leaks a span. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../support/chunks.h"
#include "../support/files.h"
#include "../support/records.h"
#include "collect/pipeline.h"
#include "dump/dump.h"

/* A sanitizer has an allocator of its own, which this would replace. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define INTERPOSE 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define INTERPOSE 0
#endif
#endif
#ifndef INTERPOSE
#define INTERPOSE 1
#endif

static unsigned long allocations;
static unsigned long failing; /* the one that fails; 0: none */

#if INTERPOSE
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

static int fails(void)
{
	if (!failing || ++allocations != failing)
		return 0;
	errno = ENOMEM;
	return 1;
}

void *malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
	return fails() ? NULL : __libc_realloc(old, size);
}
#endif

static uint64_t records_seen, spans_seen;

static void take(void *state, const struct rill_batch *batch)
{
	(void)state;
	for (size_t i = 0; i < batch->count; i++) {
		records_seen += batch->entries[i].record != NULL;
		const struct rill_span *span = batch->entries[i].span;
		spans_seen += span != NULL;
		cr_assert(!span || span->nstart_items <= 2);
		cr_assert(!span || span->nend_items <= 2);
		cr_assert(!span || span->state == RILL_SPAN_HEADLESS || span->nstart_items);
	}
}

static const struct output output = {.write = take};
static const struct rill_catalog *const catalogs[] = {&records_catalog};
static const struct rill_catalogs only = {catalogs, 1};

#define STARTS 600u /* more than the first hash table holds */

/* Returns false when there was no pipeline. */
static bool run_pipeline(uint64_t *untracked)
{
	static unsigned char bytes[2000];
	static char text[1501];
	struct pipeline_options options = {.pid = 1, .process_id = {2, 3}, .max_open_spans = 500};
	struct pipeline *pipeline = pipeline_new(&options, &only);
	if (!pipeline)
		return false;
	memset(text, 'x', 1500);
	records_seen = spans_seen = 0;
	for (uint64_t i = 0; i < 2 * STARTS; i++) {
		struct slot slots[] = {slot_u64(KEY_ID, i % STARTS), slot_text(KEY_NOTE, text)};
		struct pipeline_input input = {.ns = i};
		size_t size =
			record_put(bytes, i, 0, i < STARTS ? EVENT_CONN_START : EVENT_CONN_END,
				   slots, 1 + (i % 50 == 0));
		raw_record_read(&input.raw, bytes, size);
		pipeline_feed(pipeline, &input, 1, &output, 1);
	}
	*untracked = pipeline_untracked_spans(pipeline);
	pipeline_end(pipeline, &output, 1);
	pipeline_free(pipeline);
	return true;
}

Test(memory, pipeline, .timeout = 120)
{
	uint64_t untracked, whole;
	cr_assert(run_pipeline(&untracked));
	whole = spans_seen;
	cr_assert_eq(untracked, 0);
	for (failing = 1; INTERPOSE; failing++) {
		allocations = 0;
		bool made = run_pipeline(&untracked);
		unsigned long at = failing, made_allocations = allocations;
		failing = 0;
		if (made) {
			cr_assert_eq(records_seen, 2 * STARTS, "allocation %lu", at);
			/* The end of a span that was not tracked is a headless one. */
			cr_assert_geq(spans_seen + 2 * untracked + 2, whole, "allocation %lu", at);
		}
		if (made_allocations < at)
			break;
		failing = at;
	}
}

/* Opens and reads a dump. Returns the number of records, or an error. */
static long read_dump(const char *path)
{
	struct dump_reader *reader;
	struct dump_record record;
	char error[256];
	int code = dump_open(&reader, path, error, sizeof error);
	if (code)
		return code;
	long count = 0;
	while ((code = dump_next(reader, &record)) == 1)
		count++;
	dump_reader_close(reader);
	return code ? code : count;
}

static char *make_dump(void)
{
	static const struct dump_process process = {
		.pid = 1, .id = {2, 3}, .start_ns = 4, .program = "memory"};
	char *folder = folder_make(), error[256];
	struct dump_writer *writer;
	unsigned char bytes[4096];
	uint64_t position = 0;
	cr_assert_eq(dump_create(&writer, folder, &process, error, sizeof error), 0);
	cr_assert_eq(dump_put_catalog(writer, 0, &records_catalog), 0);
	for (uint64_t chunk = 0; chunk < 20; chunk++) {
		struct clock_point point = {chunk, chunk, (uint64_t)1 << 32, 0, 0};
		struct dump_count count = {0, EVENT_WORK, chunk, 0, 0, 0, 0};
		struct dump_epoch epoch = {1, 2, "*=info"};
		size_t size = record_put(bytes, 100 - chunk % 2, 0, EVENT_WORK, NULL, 0);
		size += record_put(bytes + size, 50, 0, EVENT_WORK, NULL, 0);
		struct dump_chunk place = {chunk % 3, 1, position, position + size};
		position += chunk % 3 == 2 ? size : 0;
		cr_assert_eq(dump_put_clock(writer, &point), 0);
		cr_assert_eq(dump_put_counts(writer, &count, 1, 0, NULL), 0);
		cr_assert_eq(dump_put_epoch(writer, &epoch), 0);
		cr_assert_eq(chunk_put(writer, &place, bytes), 0);
	}
	cr_assert_eq(dump_close(writer), 0);
	return folder;
}

Test(memory, reader, .timeout = 120)
{
	char *folder = make_dump();
	long whole = read_dump(folder);
	cr_assert_eq(whole, 40);
	for (failing = 1; INTERPOSE; failing++) {
		allocations = 0;
		long count = read_dump(folder);
		unsigned long at = failing, made_allocations = allocations;
		failing = 0;
		/* The C library has a say in the order of a directory and in sorting. */
		cr_assert(count == whole || count == -ENOMEM, "allocation %lu: %ld", at, count);
		if (made_allocations < at)
			break;
		failing = at;
	}
}
