#include "dump/format.h"

#include <stdlib.h>
#include <string.h>

static void put_int(unsigned char *to, uint64_t value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		to[i] = (unsigned char)(value >> 8 * i);
}

static uint64_t get_int(const unsigned char *from, size_t size)
{
	uint64_t value = 0;
	for (size_t i = 0; i < size; i++)
		value |= (uint64_t)from[i] << 8 * i;
	return value;
}

void block_header_put(unsigned char *to, const struct block *block)
{
	put_int(to, BLOCK_MARK, 4);
	put_int(to + 4, block->type, 2);
	put_int(to + 6, block->flags, 2);
	put_int(to + 8, block->size, 8);
	put_int(to + 16, block->position, 8);
	put_int(to + 24, block->body_check, 4);
	put_int(to + 28, format_crc(0, to, 28), 4);
}

bool block_header_get(struct block *block, const unsigned char *from, uint64_t position)
{
	if (get_int(from, 4) != BLOCK_MARK || get_int(from + 16, 8) != position ||
	    get_int(from + 28, 4) != format_crc(0, from, 28))
		return false;
	block->type = (uint16_t)get_int(from + 4, 2);
	block->flags = (uint16_t)get_int(from + 6, 2);
	block->size = get_int(from + 8, 8);
	block->position = position;
	block->body_check = (uint32_t)get_int(from + 24, 4);
	return true;
}

static unsigned char *pack_room(struct packer *packer, size_t size)
{
	if (packer->failed)
		return NULL;
	if (size > packer->capacity - packer->size) {
		size_t capacity = (packer->size + size) * 2 + 64;
		unsigned char *grown = realloc(packer->bytes, capacity);
		if (!grown) {
			packer->failed = true;
			return NULL;
		}
		packer->bytes = grown;
		packer->capacity = capacity;
	}
	unsigned char *room = packer->bytes + packer->size;
	packer->size += size;
	return room;
}

void pack_int(struct packer *packer, uint64_t value, size_t size)
{
	unsigned char *room = pack_room(packer, size);
	if (room)
		put_int(room, value, size);
}

void pack_text(struct packer *packer, const char *text)
{
	size_t length = text ? strlen(text) : 0;
	pack_int(packer, length, 4);
	unsigned char *room = pack_room(packer, length);
	if (room && length)
		memcpy(room, text, length);
}

uint64_t unpack_int(struct unpacker *unpacker, size_t size)
{
	if (unpacker->failed || size > (size_t)(unpacker->end - unpacker->at)) {
		unpacker->failed = true;
		return 0;
	}
	uint64_t value = get_int(unpacker->at, size);
	unpacker->at += size;
	return value;
}

const char *unpack_text(struct unpacker *unpacker, struct arena *arena)
{
	size_t length = unpack_int(unpacker, 4);
	if (unpacker->failed || length > (size_t)(unpacker->end - unpacker->at) ||
	    (length && memchr(unpacker->at, 0, length))) {
		unpacker->failed = true;
		return "";
	}
	char *text = arena_take(arena, length + 1);
	if (text)
		memcpy(text, unpacker->at, length);
	unpacker->at += length;
	return text;
}
