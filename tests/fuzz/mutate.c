/*
 * Changes a dump so that more of it is read than its checksums: a body or a header is changed,
 * blocks are taken away, doubled or swapped, and positions, sequence, sizes and checks are made
 * right again.
 */
#include <stdlib.h>
#include <string.h>

#include "dump/format.h"
#include "fuzz/fuzz.h"
#include "support/blocks.h"

#define MOST_BLOCKS 1024

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

struct piece {
	size_t at;
	size_t body;
	size_t end; /* where the next one begins */
};

struct layout {
	struct piece pieces[MOST_BLOCKS];
	size_t count;
};

static uint64_t state;

static uint64_t any(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	return state ^= state << 17;
}

static uint64_t edge(void)
{
	static const uint64_t edges[] = {0,
					 1,
					 2,
					 7,
					 8,
					 16,
					 0x7f,
					 0x80,
					 0xff,
					 0x100,
					 0x7fff,
					 0x8000,
					 0xffff,
					 0x10000,
					 1u << 24,
					 1u << 26,
					 0x7fffffff,
					 0x80000000,
					 0xffffffff,
					 1ull << 32,
					 1ull << 40,
					 1ull << 62,
					 INT64_MAX,
					 1ull << 63,
					 UINT64_MAX,
					 UINT64_MAX - 7,
					 UINT64_MAX - 63};
	return any() % 8 ? edges[any() % (sizeof edges / sizeof *edges)] : any();
}

static struct layout *lay_out(const uint8_t *dump, size_t size)
{
	static struct layout layout;
	size_t at = FORMAT_HEADER_SIZE;
	layout.count = 0;
	while (layout.count < MOST_BLOCKS && at + BLOCK_HEADER_SIZE <= size) {
		uint64_t body = block_get(dump + at + 8, 8);
		size_t room = size - at - BLOCK_HEADER_SIZE;
		if (body > room)
			body = room;
		size_t end = at + BLOCK_HEADER_SIZE + (((size_t)body + 7) & ~(size_t)7);
		if (end > size)
			end = size;
		layout.pieces[layout.count++] = (struct piece){at, (size_t)body, end};
		at = end;
	}
	return &layout;
}

static void seal(uint8_t *dump, const struct piece *piece)
{
	uint8_t *block = dump + piece->at;
	block_put(block + 52, format_crc(0, block + BLOCK_HEADER_SIZE, piece->body), 4);
	block_put(block + 60, format_crc(0, block, 60), 4);
}

/* An INDEX gets the positions and sizes of the blocks before it. */
static void point(uint8_t *dump, const struct layout *layout, size_t index, size_t first)
{
	const struct piece *piece = &layout->pieces[index];
	uint8_t *entry = dump + piece->at + BLOCK_HEADER_SIZE + INDEX_HEADER_SIZE;
	const uint8_t *end = dump + piece->at + BLOCK_HEADER_SIZE + piece->body;
	for (size_t i = first; i < index && entry + INDEX_ENTRY_SIZE <= end; i++) {
		block_put(entry, layout->pieces[i].at, 8);
		block_put(entry + 24, layout->pieces[i].body, 4);
		entry += INDEX_ENTRY_SIZE;
	}
}

/* Positions, sequence, sizes and checks of all blocks. */
static void number(uint8_t *dump, const struct layout *layout)
{
	size_t first = 0, last_index = 0;
	for (size_t i = 0; i < layout->count; i++) {
		const struct piece *piece = &layout->pieces[i];
		uint8_t *block = dump + piece->at;
		unsigned type = (unsigned)block_get(block + 4, 2);
		block_put(block, BLOCK_MARK, 4);
		block_put(block + 8, piece->body, 8);
		block_put(block + 16, piece->at, 8);
		block_put(block + 40, i, 4);
		if (type == BLOCK_INDEX) {
			point(dump, layout, i, first);
			if (piece->body >= 8)
				block_put(block + 64, last_index, 8);
			first = i + 1;
			last_index = piece->at;
		}
		if (type == BLOCK_END && piece->body >= END_SIZE) {
			block_put(block + 64, i, 8);
			block_put(block + 72, last_index, 8);
		}
		seal(dump, piece);
	}
}

/* --- the ways ------------------------------------------------------------------------------ */

static size_t change_header(uint8_t *dump, const struct piece *piece, size_t size)
{
	static const struct {
		uint8_t at;
		uint8_t size;
	} fields[] = {{4, 2}, {6, 2}, {8, 8}, {16, 8}, {24, 8}, {32, 8}, {40, 4}, {44, 2}, {48, 4}};
	size_t field = any() % (sizeof fields / sizeof *fields);
	uint8_t *block = dump + piece->at;
	uint64_t value = fields[field].at == 4 ? any() % 12 : edge();
	block_put(block + fields[field].at, value, fields[field].size);
	block_put(block + 60, format_crc(0, block, 60), 4);
	return size;
}

/* Some bytes of a body, which stays as long as it is. */
static size_t change_body(uint8_t *dump, const struct piece *piece, size_t size)
{
	uint8_t *body = dump + piece->at + BLOCK_HEADER_SIZE;
	for (uint64_t times = 1 + any() % 4; times && piece->body; times--) {
		size_t width = (size_t)1 << any() % 4;
		size_t at = any() % piece->body;
		/* What stands at the beginning says how the rest is read. */
		if (any() % 2)
			at %= 64;
		if (at + width > piece->body)
			width = 1, at = any() % piece->body;
		if (any() % 3 == 0)
			body[at] ^= (uint8_t)(1u << any() % 8);
		else if (any() % 2)
			block_put(body + at, edge(), width);
		else
			block_put(body + at, block_get(body + at, width) + any() % 9 - 4, width);
	}
	seal(dump, piece);
	return size;
}

/* A body as libFuzzer would have it, longer or shorter. */
static size_t replace_body(uint8_t *dump, const struct piece *piece, size_t size, size_t max_size)
{
	size_t room = piece->body + (max_size - size);
	uint8_t *body = malloc(room + 8), *tail = malloc(size - piece->end + 1);
	size_t rest = size - piece->end, start = piece->at + BLOCK_HEADER_SIZE;
	if (body && tail && room > 8) {
		memcpy(body, dump + start, piece->body);
		memcpy(tail, dump + piece->end, rest);
		size_t now = LLVMFuzzerMutate(body, piece->body, room - 8);
		size_t padded = (now + 7) & ~(size_t)7;
		memset(body + now, 0, padded - now);
		if (start + padded + rest <= max_size) {
			memcpy(dump + start, body, padded);
			memcpy(dump + start + padded, tail, rest);
			block_put(dump + piece->at + 8, now, 8);
			size = start + padded + rest;
		}
	}
	free(body);
	free(tail);
	number(dump, lay_out(dump, size));
	return size;
}

static size_t move_block(uint8_t *dump, const struct layout *layout, size_t size, size_t max_size)
{
	const struct piece *from = &layout->pieces[any() % layout->count];
	const struct piece *to = &layout->pieces[any() % layout->count];
	size_t bytes = from->end - from->at;
	uint8_t *copy = malloc(bytes);
	if (!copy)
		return size;
	memcpy(copy, dump + from->at, bytes);
	if (any() % 2 && size + bytes <= max_size) {
		memmove(dump + to->at + bytes, dump + to->at, size - to->at);
		memcpy(dump + to->at, copy, bytes);
		size += bytes;
	} else if (layout->count > 1) {
		memmove(dump + from->at, dump + from->end, size - from->end);
		size -= bytes;
	}
	free(copy);
	number(dump, lay_out(dump, size));
	return size;
}

static size_t change(uint8_t *dump, size_t size, size_t max_size)
{
	struct layout *layout = lay_out(dump, size);
	if (!layout->count)
		return LLVMFuzzerMutate(dump, size, max_size);
	const struct piece *piece = &layout->pieces[any() % layout->count];
	switch (any() % 16) {
	case 0:
		return LLVMFuzzerMutate(dump, size, max_size);
	case 1:
	case 2:
		return change_header(dump, piece, size);
	case 3:
	case 4:
		return replace_body(dump, piece, size, max_size);
	case 5:
		return move_block(dump, layout, size, max_size);
	default:
		return change_body(dump, piece, size);
	}
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	state = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
	if (size <= fuzz_prefix || max_size <= fuzz_prefix)
		return LLVMFuzzerMutate(data, size, max_size);
	if (fuzz_prefix && any() % 4 == 0) {
		LLVMFuzzerMutate(data, fuzz_prefix, fuzz_prefix);
		return size;
	}
	for (uint64_t times = 1 + any() % 3; times; times--)
		size = fuzz_prefix +
		       change(data + fuzz_prefix, size - fuzz_prefix, max_size - fuzz_prefix);
	return size;
}
