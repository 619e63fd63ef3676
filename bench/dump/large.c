/*
 * large DIRECTORY GIGABYTES [PART_GIGABYTES]: a trace as a busy mail server would leave it, written
 * by the library's own packer and writer: eight threads, 4,000 connections open at a time whose
 * events are spread over many chunks, clock points, counts, sets of open spans. With PART_GIGABYTES
 * a new file is begun at that size.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rill/stalwart.h>
#include <rill/static/encode.h>

#include "dump/dump.h"
#include "dump/filter.h"

#define RINGS      8u
#define SESSIONS   4000u
#define RING_BYTES (256u << 10)
#define DRAIN_NS   UINT64_C(8000000)
#define STEP_NS    40u   /* between two records of all threads together, about */
#define OPEN_EVERY 8192u /* chunks */
#define START_NS   UINT64_C(1790000000000000000)

struct session {
	uint64_t id;
	uint64_t queue_id;
	uint32_t steps; /* left */
	uint32_t start_size;
	uint32_t start_ring;
	unsigned char start[96];
};

struct ring {
	unsigned char *bytes; /* of the stream from `from` on */
	size_t size;
	uint64_t from;
};

struct large {
	struct dump_writer *writer;
	struct dump_pack *pack;
	struct dump_process process;
	const char *directory;
	uint64_t part_bytes;
	uint64_t written; /* bytes of files that are closed */
	uint64_t chunks;
	uint64_t records;
	uint64_t ns;
	uint64_t point_ns;
	struct session *sessions;
	struct ring rings[RINGS];
	uint16_t start, end, said, answered, from, to, queued;
	uint16_t span_id, queue_id, text, size, ip, port, elapsed;
};

static uint64_t random_state = 88172645463325252u;

static uint64_t random_next(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	return random_state ^= random_state << 17;
}

static void check(int error, const char *what)
{
	if (!error)
		return;
	fprintf(stderr, "large: %s: %s\n", what, strerror(-error));
	exit(1);
}

static uint16_t event_named(const char *name)
{
	for (uint16_t i = 0; i < rill_catalog_stalwart.nevents; i++)
		if (strcmp(rill_catalog_stalwart.events[i].name, name) == 0)
			return i;
	fprintf(stderr, "large: the catalog has no event %s\n", name);
	exit(1);
}

static uint16_t key_named(const char *name)
{
	for (uint16_t i = 0; i < rill_catalog_stalwart.nkeys; i++)
		if (strcmp(rill_catalog_stalwart.keys[i].name, name) == 0)
			return i;
	fprintf(stderr, "large: the catalog has no key %s\n", name);
	exit(1);
}

struct value {
	uint16_t key;
	uint8_t type;
	uint64_t word;
	const char *text;
};

static uint32_t put_record(unsigned char *to, uint64_t ticks, uint16_t event,
			   const struct value *values, uint32_t count)
{
	unsigned char *words = to + RILL__WORDS_AT(count);
	unsigned char *tail = to + RILL__TAIL_AT(count);
	memset(to, 0, (size_t)(tail - to));
	for (uint32_t i = 0; i < count; i++) {
		uint32_t tag = RILL__TAG(values[i].key, values[i].type);
		uint64_t word = values[i].word;
		if (values[i].text) {
			word = strlen(values[i].text);
			memcpy(tail, values[i].text, word);
			tail += word;
			word |= word << 32;
		}
		memcpy(to + sizeof(struct rill__record) + (size_t)4 * i, &tag, 4);
		memcpy(words + (size_t)8 * i, &word, 8);
	}
	while ((tail - to) % 8)
		*tail++ = 0;
	struct rill__record record = {.ticks = ticks,
				      .event = event,
				      .nslots = (uint8_t)count,
				      .catalog_size = (uint32_t)(tail - to)};
	memcpy(to, &record, sizeof record);
	return (uint32_t)(tail - to);
}

/* --- the file ------------------------------------------------------------------------------ */

static void put_clock(struct large *large)
{
	const struct clock_point point = {large->ns, START_NS + large->ns, UINT64_C(1) << 32, 20,
					  0};
	check(dump_put_clock(large->writer, &point), "clock");
	large->point_ns = large->ns;
}

static void put_counts(struct large *large)
{
	const struct dump_count counts[] = {{0, large->said, large->records, 0, 0, 0, 0}};
	const struct dump_period period = {large->point_ns, large->ns, 0};
	check(dump_put_counts(large->writer, counts, 1, 0, &period), "counts");
}

/* The spans that are open. */
static void put_open(struct large *large)
{
	bool bad;
	dump_pack_begin(large->pack);
	uint64_t at = 0;
	for (uint32_t i = 0; i < SESSIONS; i++) {
		const struct session *session = &large->sessions[i];
		if (!session->start_size)
			continue;
		struct dump_chunk chunk = {session->start_ring, 100 + session->start_ring, at,
					   at + session->start_size};
		if (dump_pack_add(large->pack, &chunk, session->start, &bad) != chunk.to) {
			check(dump_put_open(large->writer, large->pack), "open spans");
			dump_pack_begin(large->pack);
			dump_pack_add(large->pack, &chunk, session->start, &bad);
		}
		at = chunk.to;
	}
	check(dump_put_open(large->writer, large->pack), "open spans");
}

static void begin_file(struct large *large)
{
	char error[256];
	large->process.begun_ns = START_NS + large->ns;
	if (dump_create(&large->writer, large->directory, &large->process, error, sizeof error)) {
		fprintf(stderr, "large: %s\n", error);
		exit(1);
	}
	check(dump_put_catalog(large->writer, 0, &rill_catalog_stalwart), "catalog");
	put_clock(large);
	put_counts(large);
	if (large->process.part++)
		put_open(large);
}

static void end_file(struct large *large)
{
	put_counts(large);
	large->written += dump_size(large->writer);
	check(dump_close(large->writer), "close");
}

/* Packs what the rings hold. */
static void drain(struct large *large)
{
	for (uint32_t r = 0; r < RINGS; r++) {
		struct ring *ring = &large->rings[r];
		struct dump_chunk chunk = {r, 100 + r, ring->from, ring->from + ring->size};
		const unsigned char *bytes = ring->bytes;
		while (chunk.from < chunk.to) {
			bool bad;
			dump_pack_begin(large->pack);
			uint64_t taken = dump_pack_add(large->pack, &chunk, bytes, &bad);
			check(dump_put_pack(large->writer, large->pack), "records");
			bytes += taken - chunk.from;
			chunk.from = taken;
			if (++large->chunks % OPEN_EVERY == 0)
				put_open(large);
		}
		ring->from += ring->size;
		ring->size = 0;
	}
	if (large->ns - large->point_ns > 1000000000) {
		put_counts(large);
		put_clock(large);
	}
	if (large->part_bytes && dump_size(large->writer) >= large->part_bytes) {
		end_file(large);
		begin_file(large);
	}
}

/* --- the mails ----------------------------------------------------------------------------- */

static void start_session(struct large *large, struct session *session, uint32_t r)
{
	static uint64_t id = 1000000;
	session->id = id++;
	session->queue_id = session->id * 7;
	session->steps = 8 + (uint32_t)(random_next() % 48);
	struct value values[] = {
		{large->span_id, RILL_TYPE_U64, session->id, NULL},
		{large->ip, RILL_TYPE_IP, UINT64_C(4) << 32 | (random_next() & 0xffff0a), NULL},
		{large->port, RILL_TYPE_U64, 25, NULL}};
	session->start_size = put_record(session->start, large->ns, large->start, values, 3);
	session->start_ring = r;
	struct ring *ring = &large->rings[r];
	memcpy(ring->bytes + ring->size, session->start, session->start_size);
	ring->size += session->start_size;
}

static void step_session(struct large *large, struct session *session, uint32_t r)
{
	static const char *const names[] = {"anna", "bert", "carla", "dieter", "eva", "frank"};
	struct ring *ring = &large->rings[r];
	unsigned char *to = ring->bytes + ring->size;
	char text[80];
	struct value values[4] = {{large->span_id, RILL_TYPE_U64, session->id, NULL}};
	uint32_t kind = session->steps % 5;
	if (--session->steps == 0) {
		values[1] = (struct value){large->elapsed, RILL_TYPE_DURATION,
					   random_next() % 90000000, NULL};
		ring->size += put_record(to, large->ns, large->end, values, 2);
		session->start_size = 0;
		return;
	}
	snprintf(text, sizeof text, "RCPT TO:<%s.%u@mail%u.example>\r\n", names[random_next() % 6],
		 (unsigned)(random_next() % 10000), (unsigned)(random_next() % 40));
	uint16_t event = kind < 2 ? large->said : kind == 2 ? large->answered : large->to;
	if (kind == 4) {
		event = large->queued;
		values[1] = (struct value){large->queue_id, RILL_TYPE_U64, session->queue_id, NULL};
	} else if (kind == 2) {
		values[1] = (struct value){large->text, RILL_TYPE_STRING, 0, "250 2.1.5 OK\r\n"};
	} else {
		values[1] = (struct value){large->text, RILL_TYPE_STRING, 0, text};
	}
	values[2] = (struct value){large->size, RILL_TYPE_U64, strlen(text), NULL};
	ring->size += put_record(to, large->ns, event, values, 3);
}

static void run(struct large *large, uint64_t bytes)
{
	uint64_t drain_ns = DRAIN_NS;
	begin_file(large);
	while (large->written + dump_size(large->writer) < bytes) {
		struct session *session = &large->sessions[random_next() % SESSIONS];
		uint32_t r = (uint32_t)(random_next() % RINGS);
		large->ns += 1 + random_next() % (2 * STEP_NS);
		if (!session->start_size)
			start_session(large, session, r);
		else
			step_session(large, session, r);
		large->records++;
		if (large->ns >= drain_ns || large->rings[r].size > RING_BYTES - 512) {
			drain(large);
			drain_ns = large->ns + DRAIN_NS;
		}
	}
	drain(large);
	end_file(large);
}

static bool is_identity(void *context, uint8_t catalog, uint16_t key)
{
	(void)context;
	return catalog == 0 && filter_is_identity(&rill_catalog_stalwart, key);
}

int main(int argc, char **argv)
{
	static struct large large = {.process = {.pid = 4711,
						 .id = {UINT64_C(0x5eed), UINT64_C(0x1a56e)},
						 .start_ns = START_NS,
						 .boot = {1, 2},
						 .program = "mail",
						 .host = "mx1.example",
						 .clock = "monotonic",
						 .writer = "bench/dump/large"}};
	if (argc < 3 || argc > 4) {
		fputs("usage: large DIRECTORY GIGABYTES [PART_GIGABYTES]\n", stderr);
		return 2;
	}
	large.directory = argv[1];
	large.part_bytes = argc > 3 ? (uint64_t)(strtod(argv[3], NULL) * 1e9) : 0;
	large.start = event_named("smtp.connection-start");
	large.end = event_named("smtp.connection-end");
	large.said = event_named("smtp.raw-input");
	large.answered = event_named("smtp.raw-output");
	large.to = event_named("smtp.rcpt-to");
	large.queued = event_named("queue.message-queued");
	large.span_id = key_named("spanId");
	large.queue_id = key_named("queueId");
	large.text = key_named("contents");
	large.size = key_named("size");
	large.ip = key_named("remoteIp");
	large.port = key_named("remotePort");
	large.elapsed = key_named("elapsed");
	large.sessions = calloc(SESSIONS, sizeof *large.sessions);
	large.pack = dump_pack_new();
	for (uint32_t r = 0; r < RINGS; r++)
		large.rings[r].bytes = malloc(RING_BYTES);
	const struct dump_pack_hooks hooks = {.identity = is_identity};
	dump_pack_hook(large.pack, &hooks);
	run(&large, (uint64_t)(strtod(argv[2], NULL) * 1e9));
	printf("%llu records, %llu chunks, %.3f s of trace, the last id %llu\n",
	       (unsigned long long)large.records, (unsigned long long)large.chunks,
	       (double)large.ns / 1e9, (unsigned long long)large.sessions[0].id);
	return 0;
}
