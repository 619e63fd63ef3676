/* The values that events carry. */
#include <stdlib.h>
#include <string.h>

#include "bench/common/common.h"

/* splitmix64: each state once, so what is made of whole outputs does not repeat. */
static uint64_t next(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* Eight letters of the first sixteen: 32 of the 64 bits. */
static void put_letters(char *to, uint64_t bits)
{
	uint64_t letters = (bits & UINT64_C(0x0f0f0f0f0f0f0f0f)) + UINT64_C(0x6161616161616161);

	memcpy(to, &letters, sizeof letters);
}

static void fill(struct bench_tables *tables, char *bytes, size_t size)
{
	for (size_t k = 0; k < size; k += 8)
		put_letters(bytes + k, next(&tables->state));
}

static void fill_sessions(struct bench_tables *tables)
{
	for (size_t i = 0; i < BENCH_SESSIONS; i++) {
		tables->sessions[i] = (struct bench_session){
			.id = next(&tables->state),
			.address = (uint32_t)next(&tables->state),
			.port = (uint16_t)next(&tables->state),
			.tls = next(&tables->state) & 1,
			.size = next(&tables->state) & 0xfffff,
			.elapsed_ns = next(&tables->state) & 0xffffffff,
			.code = 200 + (uint32_t)(next(&tables->state) % 400),
		};
	}
}

static void fill_texts(struct bench_tables *tables)
{
	for (size_t i = 0; i < BENCH_TABLE; i++) {
		tables->texts[i] = (struct bench_text){tables->text_bytes[i], 24};
		fill(tables, tables->text_bytes[i], 24);
	}
	for (size_t i = 0; i < TEXTS; i++) {
		tables->longs[i] = (struct bench_text){tables->long_bytes[i], 64};
		fill(tables, tables->long_bytes[i], 64);
	}
}

static void point(struct bench_tables *tables)
{
	size_t at = tables->at, text_at = tables->unique ? 0 : at;
	size_t number_at = tables->kind == NUMBERS_COUNT ? 0 : at;

	tables->data = (struct bench_data){
		.numbers = tables->numbers + number_at,
		.sessions = tables->session_order + at,
		.texts = tables->text_order + text_at,
		.longs = tables->long_order + at,
		.mix = tables->data.mix,
	};
}

struct bench_tables *tables_make(uint64_t seed, enum bench_numbers kind, bool unique)
{
	struct bench_tables *tables = aligned_alloc(64, (sizeof *tables + 63) & ~(size_t)63);

	if (!tables)
		abort();
	memset(tables, 0, sizeof *tables);
	tables->kind = kind;
	tables->unique = unique;
	tables->state = seed * UINT64_C(0x632be59bd9b4e019);
	fill_sessions(tables);
	fill_texts(tables);
	for (size_t i = 0; i < STRETCH; i++) {
		uint64_t bits = next(&tables->state);

		tables->numbers[i] = kind == NUMBERS_COUNT ? i : bits >> 32;
		tables->session_order[i] = &tables->sessions[bits % BENCH_SESSIONS];
		tables->text_order[i] =
			&tables->texts[unique ? i % BENCH_TABLE : (bits >> 8) % TEXTS];
		tables->long_order[i] = &tables->longs[(bits >> 8) % TEXTS];
	}
	point(tables);
	return tables;
}

void tables_renew(struct bench_tables *tables)
{
	tables->at = (tables->at + BENCH_TABLE) % STRETCH;
	tables->data.mix += BENCH_TABLE;
	point(tables);
	for (size_t i = 0; tables->kind == NUMBERS_COUNT && i < BENCH_TABLE; i++)
		tables->numbers[i] += BENCH_TABLE;
	for (size_t i = 0; tables->unique && i < BENCH_TABLE; i++)
		fill(tables, tables->text_bytes[i], 24);
}
