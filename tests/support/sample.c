#include "sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blocks.h"
#include "dump/filter.h"
#include "records.h"

/* Criterion is not asked: programs that are no tests use this too. */
static void must(bool right, const char *what)
{
	if (!right) {
		fprintf(stderr, "sample: %s failed\n", what);
		abort();
	}
}

struct writing {
	struct dump_writer *writer;
	struct dump_pack *pack;
	const struct rill_catalog *catalog;
	struct sample_words words;
	uint64_t positions[2]; /* by ring */
	uint64_t ticks;
};

static bool is_identity(void *context, uint8_t catalog, uint16_t key)
{
	const struct writing *writing = context;
	return catalog == 0 && filter_is_identity(writing->catalog, key);
}

/* A list of a number and an event with a string. */
static size_t encode_list(unsigned char *to)
{
	memset(to, 0, 80);
	block_put(to + 4, 2, 4);
	to[10] = RILL_TYPE_U64;
	to[14] = RILL_TYPE_EVENT;
	block_put(to + 16, 12345, 8);
	block_put(to + 24, 32, 4);
	block_put(to + 28, 32, 4);
	unsigned char *event = to + 32;
	block_put(event, EVENT_WORK, 4);
	block_put(event + 4, 1, 4);
	block_put(event + 8, KEY_NOTE, 2);
	event[10] = RILL_TYPE_STRING;
	block_put(event + 16, 5, 4);
	block_put(event + 20, 9, 4);
	memcpy(event + 24, "inner", 5);
	return 64;
}

static void put(struct writing *writing, unsigned ring, uint16_t event, const struct slot *slots,
		size_t nslots)
{
	unsigned char bytes[4096];
	bool bad;
	writing->ticks += 1000;
	size_t size = record_put(bytes, writing->ticks, 0, event, slots, nslots);
	struct dump_chunk chunk = {ring, 71 + ring, writing->positions[ring],
				   writing->positions[ring] + size};
	dump_pack_begin(writing->pack);
	must(dump_pack_add(writing->pack, &chunk, bytes, &bad) == chunk.to, "packing");
	writing->positions[ring] = chunk.to;
}

/* Several records of a ring in one chunk. */
static void put_several(struct writing *writing, unsigned ring, size_t count)
{
	static const unsigned char ip6[16] = {0x20, 1, 0xd, 0xb8, [15] = 1};
	unsigned char bytes[1 << 15], list[80];
	struct slot slots[] = {
		slot_u64(KEY_ID, 7),
		slot_bytes(KEY_NOTE, writing->words.note, writing->words.note_bytes),
		slot_bytes(KEY_TAGS, "\0\377\1", 3),
		{KEY_REMOTE_IP, RILL_TYPE_IP, UINT64_C(16) << 32, ip6, sizeof ip6},
		{KEY_TAGS, RILL_TYPE_LIST, 0, list, encode_list(list)},
		{KEY_NOTE, RILL_TYPE_F64, 0x7ff8000000000000, NULL, 0},
		{KEY_NOTE, RILL_TYPE_TIMESTAMP, SAMPLE_NS, NULL, 0},
		{KEY_NOTE, RILL_TYPE_DURATION, UINT64_MAX, NULL, 0},
	};
	slots[1].type = RILL_TYPE_STRING;
	slots[4].word = slots[4].size | (uint64_t)slots[4].size << 32;
	size_t size = 0;
	bool bad;
	for (size_t i = 0; i < count; i++) {
		slots[0].word = i;
		writing->ticks += 1000;
		size += record_put(bytes + size, writing->ticks, 0, EVENT_WORK, slots, 1 + i % 8);
	}
	struct dump_chunk chunk = {ring, 71 + ring, writing->positions[ring],
				   writing->positions[ring] + size};
	dump_pack_begin(writing->pack);
	must(dump_pack_add(writing->pack, &chunk, bytes, &bad) == chunk.to, "packing");
	must(!dump_put_pack(writing->writer, writing->pack), "writing records");
	writing->positions[ring] = chunk.to;
}

static void put_span(struct writing *writing, uint64_t id, uint16_t event)
{
	static const unsigned char ip[4] = {192, 0, 2, 1};
	const struct slot slots[] = {slot_u64(KEY_ID, id), slot_ip4(KEY_REMOTE_IP, ip)};
	put(writing, id % 2, event, slots, 2);
	must(!dump_put_pack(writing->writer, writing->pack), "writing a span");
}

static void put_blocks(struct writing *writing)
{
	struct dump_writer *writer = writing->writer;
	const struct clock_point clock = {0, SAMPLE_NS, (uint64_t)1 << 32, 5, 0};
	const struct dump_epoch epoch = {20500, 20600, writing->words.filter};
	const struct dump_count count = {0, EVENT_WORK, 40, 3, 5, 0, 1};
	const struct dump_period period = {1000, 30000, 6};
	const struct dump_span_summary span = {.ended = 2,
					       .sum_ns = 9000,
					       .shortest_ns = 4000,
					       .longest_ns = 5000,
					       .lasted = {[12] = 2}};
	const struct slot job = slot_text(KEY_JOB, writing->words.job);
	must(!dump_put_catalog(writer, 0, writing->catalog), "writing a catalog");
	must(!dump_put_clock(writer, &clock), "writing a clock");
	put_span(writing, 1, EVENT_CONN_START);
	put_span(writing, 2, EVENT_CONN_START);
	put_several(writing, 0, 12);
	put_several(writing, 1, 9);
	must(!dump_put_epoch(writer, &epoch), "writing a filter");
	put_span(writing, 1, EVENT_CONN_END);
	put(writing, 1, EVENT_JOB_START, &job, 1);
	must(!dump_put_pack(writer, writing->pack), "writing a job");
	must(!dump_put_open(writer, writing->pack), "writing open spans");
	put_several(writing, 0, 5);
	put_span(writing, 2, EVENT_CONN_END);
	must(!dump_put_counts(writer, &count, 1, 2, &period), "writing counts");
	must(!dump_put_spans(writer, &span, 1), "writing spans");
}

static struct sample_words words_of(const struct sample_options *options)
{
	static const char note[] = "a note, \"quoted\"\n";
	struct sample_words words = options->words;
	if (!words.note) {
		words.note = note;
		words.note_bytes = sizeof note - 1;
	}
	words.program = words.program ? words.program : "smtpd";
	words.host = words.host ? words.host : "mx1";
	words.clock = words.clock ? words.clock : "monotonic";
	words.writer = words.writer ? words.writer : "sample";
	words.filter = words.filter ? words.filter : "*=debug";
	words.job = words.job ? words.job : "job-1";
	return words;
}

char *sample_write(const char *folder, const struct sample_options *options)
{
	struct sample_words words = words_of(options);
	struct dump_process process = {.pid = options->pid,
				       .part = options->part,
				       .id = {options->pid, 6},
				       .start_ns = SAMPLE_NS,
				       .begun_ns = SAMPLE_NS + options->part,
				       .boot = {3, 4},
				       .program = words.program,
				       .host = words.host,
				       .clock = words.clock,
				       .writer = words.writer};
	struct writing writing = {
		.pack = dump_pack_new(), .catalog = options->catalog, .words = words};
	const struct dump_pack_hooks hooks = {.identity = is_identity, .context = &writing};
	char error[256];
	if (!writing.catalog)
		writing.catalog = &records_catalog;
	must(writing.pack != NULL, "taking memory");
	dump_pack_hook(writing.pack, &hooks);
	must(!dump_create(&writing.writer, folder, &process, error, sizeof error), "creating");
	if (options->level)
		must(!dump_compress(writing.writer, options->level), "compressing");
	put_blocks(&writing);
	for (unsigned i = 1; i < options->processes; i++) {
		process.pid++;
		process.id[0]++;
		must(dump_put_process(writing.writer, &process) == (int)i, "adding a process");
		dump_turn_to(writing.writer, (uint16_t)i);
		memset(writing.positions, 0, sizeof writing.positions);
		writing.ticks = 0;
		put_blocks(&writing);
	}
	char *path = strdup(dump_path(writing.writer));
	must(!dump_close(writing.writer), "closing");
	dump_pack_free(writing.pack);
	return path;
}
