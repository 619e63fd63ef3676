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

static void fill_text(struct bench_tables *tables, size_t i)
{
	for (size_t k = 0; k < sizeof tables->text_bytes[i]; k += 8)
		put_letters(tables->text_bytes[i] + k, next(&tables->state));
}

static void fill_long(struct bench_tables *tables, size_t i)
{
	for (size_t k = 0; k < sizeof tables->long_bytes[i]; k += 8)
		put_letters(tables->long_bytes[i] + k, next(&tables->state));
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
	for (size_t i = 0; i < BENCH_TABLE; i++) {
		tables->numbers[i] = kind == NUMBERS_COUNT ? i : (uint32_t)next(&tables->state);
		tables->texts[i] = (struct bench_text){tables->text_bytes[i], 24};
		tables->longs[i] = (struct bench_text){tables->long_bytes[i], 64};
		fill_text(tables, i);
		fill_long(tables, i);
	}
	tables->data = (struct bench_data){
		.numbers = tables->numbers,
		.sessions = tables->sessions,
		.texts = tables->texts,
		.longs = tables->longs,
		.text_mask = unique ? BENCH_TABLE - 1 : 15,
	};
	return tables;
}

void tables_renew(struct bench_tables *tables)
{
	for (size_t i = 0; i < BENCH_TABLE; i++) {
		if (tables->kind == NUMBERS_COUNT)
			tables->numbers[i] += BENCH_TABLE;
		else
			tables->numbers[i] = (uint32_t)next(&tables->state);
	}
	for (size_t i = 0; tables->unique && i < BENCH_TABLE; i++)
		fill_text(tables, i);
	tables->data.mix += BENCH_TABLE;
}
