#include "random_trace.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chunks.h"
#include "files.h"
#include "records.h"

#define RINGS       3u
#define CHUNK_BYTES 40000u

struct ring {
	unsigned char bytes[CHUNK_BYTES + 1024];
	uint64_t position;
	size_t size;
};

struct making {
	const struct random_trace *trace;
	struct dump_writer *writer;
	uint64_t state;
	struct ring rings[RINGS];
};

/* SplitMix64. */
static uint64_t mix(uint64_t z)
{
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static uint64_t next(struct making *making)
{
	return mix(making->state += UINT64_C(0x9e3779b97f4a7c15));
}

static double uniform(struct making *making)
{
	return ((double)(next(making) >> 11) + 0.5) / 9007199254740992.0;
}

/* Log-normal. */
static uint64_t duration(struct making *making, double typical)
{
	double normal = sqrt(-2 * log(uniform(making))) * cos(6.283185307179586 * uniform(making));
	return (uint64_t)(typical * exp(0.8 * normal));
}

static void flush(struct making *making, uint32_t index)
{
	struct ring *ring = &making->rings[index];
	struct dump_chunk chunk = {index + 1, making->trace->pid + index, ring->position,
				   ring->position + ring->size};
	if (!ring->size)
		return;
	cr_assert_eq(chunk_put(making->writer, &chunk, ring->bytes), 0);
	ring->position += ring->size;
	ring->size = 0;
}

static void put_random(struct making *making, uint64_t ns)
{
	const struct random_trace *trace = making->trace;
	static const uint16_t others[] = {EVENT_CONN_START, EVENT_CONN_START, EVENT_CONN_END,
					  EVENT_CONN_END,   EVENT_CONN_END,   EVENT_IDLE_START,
					  EVENT_IDLE_END,   EVENT_JOB_START,  EVENT_JOB_END,
					  EVENT_IDLE_END};
	double part = trace->work_part > 0 ? trace->work_part : 0.5;
	bool work = uniform(making) < part;
	uint16_t event = work ? EVENT_WORK : others[next(making) % 10];
	uint16_t key = event == EVENT_JOB_START || event == EVENT_JOB_END ? KEY_JOB : KEY_ID;
	struct slot slots[2] = {slot_u64(key, next(making) % 40)};
	size_t nslots = 1;
	if (work || event == EVENT_JOB_END) {
		double typical = trace->work_ns > 0 ? trace->work_ns : 40000;
		if (trace->burst > 0 && mix(trace->seed * 1000003 + ns / 50000000) % 8 == 0)
			typical *= trace->burst;
		slots[1] = (struct slot){.key = KEY_NOTE, .type = RILL_TYPE_DURATION};
		slots[1].word = duration(making, work ? typical : 3e6);
		nslots = 2;
		/* Where the duration stands, and that it is not always there, is part of the test.
		 */
		if (next(making) % 8 == 0) {
			struct slot first = slots[0];
			slots[0] = slots[1];
			slots[1] = first;
		} else if (next(making) % 16 == 0) {
			nslots = 1;
		}
	}
	uint32_t index = (uint32_t)(next(making) % RINGS);
	struct ring *ring = &making->rings[index];
	ring->size += record_put(ring->bytes + ring->size, ns, 0, event, slots, nslots);
	if (ring->size >= CHUNK_BYTES)
		flush(making, index);
}

void random_trace_write(const struct random_trace *trace)
{
	struct dump_process process = {.pid = trace->pid,
				       .id = {trace->pid, trace->seed},
				       .start_ns = RANDOM_TRACE_START_NS,
				       .program = "random"};
	const struct clock_point clock = {0, RANDOM_TRACE_START_NS, (uint64_t)1 << 32, 0, 0};
	struct rill_catalog catalog = records_catalog;
	struct rill_catalog_event events[EVENT_COUNT];
	struct rill_catalog_key keys[KEY_COUNT];
	struct making *making = calloc(1, sizeof *making);
	char error[256];
	cr_assert(making);
	memcpy(events, catalog.events, sizeof events);
	memcpy(keys, catalog.keys, sizeof keys);
	keys[KEY_NOTE].name = "elapsed";
	keys[KEY_NOTE].types = RILL_SET_DURATION;
	if (trace->name)
		events[EVENT_WORK].name = trace->name;
	catalog.events = events;
	catalog.keys = keys;
	catalog.hash++;
	making->trace = trace;
	making->state = trace->seed;
	cr_assert_eq(dump_create(&making->writer, trace->folder, &process, error, sizeof error), 0,
		     "%s", error);
	cr_assert_eq(rename(dump_path(making->writer), format("%s/%s", trace->folder, trace->file)),
		     0);
	cr_assert_eq(dump_put_catalog(making->writer, 0, &catalog), 0);
	cr_assert_eq(dump_put_clock(making->writer, &clock), 0);
	double mean = 1e6 / (trace->tempo > 0 ? trace->tempo : 100), ns = 0;
	for (size_t i = 0; i < trace->records; i++) {
		ns += 1 - mean * log(uniform(making));
		put_random(making, (uint64_t)ns);
	}
	for (uint32_t i = 0; i < RINGS; i++)
		flush(making, i);
	cr_assert_eq(dump_close(making->writer), 0);
	free(making);
}
