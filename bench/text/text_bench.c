/*
 * text_bench: what a line costs. Events of 1, 4 and 8 values are made in memory, as rings hold
 * them, and become lines of text and JSON that /dev/null takes. One thread; each round prints
 *
 *     text.render.w4   ns an event, from a decoded record to its line
 *     text.line.w4     the same from the bytes of a record: decoded and followed by the span
 * tracker
 *
 * and both for json. BENCH_QUICK=1: fewer rounds. BENCH_PRODUCER_CPU: where it runs (default 0).
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sink/sink.h"
#include "support/records.h"

#define EVENTS   8192u /* their records fit into a cache, as those of a ring that is drained do */
#define BATCH    256u
#define REPEAT   8u
#define SESSIONS 64u
#define STRINGS  16u
#define MAX_SIZE 256u /* of a record */
#define STEP_NS  50u  /* from one event to the next */

extern const struct rill_catalog rill_catalog_stalwart;

static const struct rill_catalog *const catalog_list[] = {&rill_catalog_stalwart};
static const struct rill_catalogs catalogs = {catalog_list, 1};

struct workload {
	const char *name;
	unsigned nslots;
	unsigned char *bytes;
	struct pipeline_input inputs[EVENTS];
	struct rill_record records[BATCH];
	struct rill_entry entries[BATCH];
};

__attribute__((noreturn)) static void fail(const char *what)
{
	fprintf(stderr, "text_bench: %s\n", what);
	exit(1);
}

static uint16_t event_id(const char *name)
{
	for (uint16_t i = 0; i < rill_catalog_stalwart.nevents; i++)
		if (strcmp(rill_catalog_stalwart.events[i].name, name) == 0)
			return i;
	fail("an event is not in the catalog");
}

static uint16_t key_id(const char *name)
{
	for (uint16_t i = 0; i < rill_catalog_stalwart.nkeys; i++)
		if (strcmp(rill_catalog_stalwart.keys[i].name, name) == 0)
			return i;
	fail("a key is not in the catalog");
}

static uint64_t random_u64(void)
{
	static uint64_t state = 88172645463325252u; /* Marsaglia's xorshift64 */
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static struct slot slot_of(const char *key, enum rill_type type, uint64_t word)
{
	return (struct slot){.key = key_id(key), .type = (uint8_t)type, .word = word};
}

/* All eight of them; smaller workloads take the first ones. */
static void fill_slots(struct slot *slots, size_t i, unsigned nslots)
{
	static char names[STRINGS][32], text[STRINGS][80];
	static uint64_t sessions[SESSIONS];
	unsigned char ip[4];
	uint64_t random = random_u64();
	size_t s = i % STRINGS;
	if (!sessions[i % SESSIONS])
		sessions[i % SESSIONS] = random_u64();
	memcpy(ip, &random, sizeof ip);
	snprintf(names[s], sizeof names[s], "mail-%02zu.customers.org.uk", s);
	snprintf(text[s], sizeof text[s], "250 2.0.0 queued as %02zu, %39s", s, "delivery follows");
	uint64_t id = nslots == 1 ? i : sessions[i % SESSIONS];
	slots[0] = slot_of("spanId", RILL_TYPE_U64, id);
	slots[1] = slot_ip4(key_id("remoteIp"), ip);
	slots[2] = slot_of("remotePort", RILL_TYPE_U64, random >> 48);
	slots[3] = slot_text(key_id("hostname"), names[s]);
	slots[4] = slot_of("size", RILL_TYPE_U64, random >> 32 & 0xfffff);
	slots[5] = slot_of("elapsed", RILL_TYPE_DURATION, random >> 20 & 0xffffffff);
	slots[6] = slot_of("tls", RILL_TYPE_BOOL, i & 1);
	slots[7] = slot_text(key_id("details"), text[s]);
}

static struct workload *make_workload(const char *name, unsigned nslots)
{
	struct workload *made = calloc(1, sizeof *made);
	unsigned char *at = made ? malloc((size_t)EVENTS * MAX_SIZE) : NULL;
	uint16_t event = event_id("smtp.ehlo");
	if (!at)
		fail("no memory");
	made->name = name;
	made->nslots = nslots;
	made->bytes = at;
	for (size_t i = 0; i < EVENTS; i++) {
		struct slot slots[8];
		struct pipeline_input *input = &made->inputs[i];
		fill_slots(slots, i, nslots);
		size_t size = record_put(at, i, 0, event, slots, nslots);
		if (size > MAX_SIZE || raw_record_read(&input->raw, at, size))
			fail("a record was not made as it is read");
		input->ns = 1767225599123456789u + i * STEP_NS;
		input->tid = 4711;
		at += size;
	}
	for (size_t i = 0; i < BATCH; i++) {
		struct rill_record *record = &made->records[i];
		*record = (struct rill_record){.catalog = &rill_catalog_stalwart,
					       .event = &rill_catalog_stalwart.events[event],
					       .event_id = event,
					       .time_ns = made->inputs[i].ns,
					       .pid = 4711,
					       .tid = 4711};
		record->nitems = (uint16_t)raw_record_items(&made->inputs[i].raw, record->items);
		made->entries[i].record = record;
	}
	return made;
}

static double now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double render(const struct workload *workload, struct sink *sink)
{
	struct rill_batch batch = {workload->entries, BATCH, catalogs};
	double start = now_ns();
	for (unsigned i = 0; i < REPEAT * EVENTS / BATCH; i++)
		sink_write(sink, &batch);
	return (now_ns() - start) / (REPEAT * EVENTS);
}

static double feed(const struct workload *workload, struct sink *sink)
{
	struct pipeline_options options = {.pid = 4711, .max_open_spans = 1000};
	struct pipeline *pipeline = pipeline_new(&options, &catalogs);
	struct output output = sink_output(sink);
	if (!pipeline)
		fail("no memory");
	double start = now_ns();
	for (unsigned r = 0; r < REPEAT; r++)
		for (size_t i = 0; i < EVENTS; i += BATCH)
			pipeline_feed(pipeline, &workload->inputs[i], BATCH, &output, 1);
	double ns = (now_ns() - start) / (REPEAT * EVENTS);
	if (pipeline_bad_records(pipeline))
		fail("records could not be decoded");
	pipeline_free(pipeline);
	return ns;
}

static struct sink *open_sink(const char *type)
{
	char spec[64], error[256];
	struct sink *sink;
	snprintf(spec, sizeof spec, "%s:/dev/null", type);
	if (sink_open(&sink, spec, error, sizeof error))
		fail(error);
	return sink;
}

static void expect_written(const struct sink *sink, uint64_t lines)
{
	struct sink_totals totals;
	sink_totals(sink, &totals);
	if (totals.records.written != lines || totals.records.failed)
		fail("lines are missing");
}

static void pin(void)
{
	const char *cpu = getenv("BENCH_PRODUCER_CPU");
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(cpu ? (size_t)atoi(cpu) : 0, &set);
	if (sched_setaffinity(0, sizeof set, &set))
		fail("BENCH_PRODUCER_CPU is not a CPU of this machine");
}

int main(void)
{
	static const char *const types[] = {"text", "json"};
	struct workload *workloads[] = {make_workload("w1", 1), make_workload("w4", 4),
					make_workload("w8", 8)};
	const char *quick = getenv("BENCH_QUICK");
	unsigned rounds = quick && *quick == '1' ? 5 : 21;
	pin();
	for (unsigned t = 0; t < 2; t++) {
		struct sink *sink = open_sink(types[t]);
		for (unsigned r = 0; r < rounds; r++) {
			for (size_t w = 0; w < sizeof workloads / sizeof *workloads; w++) {
				const struct workload *workload = workloads[w];
				printf("%s.render.%s\trill\t%.2f\tns\n", types[t], workload->name,
				       render(workload, sink));
				printf("%s.line.%s\trill\t%.2f\tns\n", types[t], workload->name,
				       feed(workload, sink));
			}
		}
		expect_written(sink, 2ull * rounds * 3 * REPEAT * EVENTS);
		sink_close(sink);
	}
	for (size_t w = 0; w < sizeof workloads / sizeof *workloads; w++) {
		free(workloads[w]->bytes);
		free(workloads[w]);
	}
	return 0;
}
