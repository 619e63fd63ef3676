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
	put_int(to + 24, block->first, 8);
	put_int(to + 32, block->last, 8);
	put_int(to + 40, block->sequence, 4);
	put_int(to + 44, block->process, 2);
	put_int(to + 46, 0, 2);
	put_int(to + 48, block->raw_size, 4);
	put_int(to + 52, block->body_check, 4);
	put_int(to + 56, 0, 4);
	put_int(to + 60, format_crc(0, to, 60), 4);
}

bool block_header_get(struct block *block, const unsigned char *from, uint64_t position)
{
	if (get_int(from, 4) != BLOCK_MARK || get_int(from + 16, 8) != position ||
	    get_int(from + 60, 4) != format_crc(0, from, 60))
		return false;
	block->type = (uint16_t)get_int(from + 4, 2);
	block->flags = (uint16_t)get_int(from + 6, 2);
	block->size = get_int(from + 8, 8);
	block->position = position;
	block->first = get_int(from + 24, 8);
	block->last = get_int(from + 32, 8);
	block->sequence = (uint32_t)get_int(from + 40, 4);
	block->process = (uint16_t)get_int(from + 44, 2);
	block->raw_size = (uint32_t)get_int(from + 48, 4);
	block->body_check = (uint32_t)get_int(from + 52, 4);
	return true;
}

void index_entry_put(unsigned char *to, const struct index_entry *entry)
{
	put_int(to, entry->position, 8);
	put_int(to + 8, entry->first, 8);
	put_int(to + 16, entry->last, 8);
	put_int(to + 24, entry->size, 4);
	put_int(to + 28, entry->records, 4);
	put_int(to + 32, entry->raw, 4);
	put_int(to + 36, entry->type, 2);
	put_int(to + 38, entry->process, 2);
	put_int(to + 40, entry->events, 2);
	put_int(to + 42, entry->filter8, 2);
	put_int(to + 44, 0, 4);
}

void index_entry_get(struct index_entry *entry, const unsigned char *from)
{
	entry->position = get_int(from, 8);
	entry->first = get_int(from + 8, 8);
	entry->last = get_int(from + 16, 8);
	entry->size = (uint32_t)get_int(from + 24, 4);
	entry->records = (uint32_t)get_int(from + 28, 4);
	entry->raw = (uint32_t)get_int(from + 32, 4);
	entry->type = (uint16_t)get_int(from + 36, 2);
	entry->process = (uint16_t)get_int(from + 38, 2);
	entry->events = (uint16_t)get_int(from + 40, 2);
	entry->filter8 = (uint16_t)get_int(from + 42, 2);
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

void pack_bytes(struct packer *packer, const unsigned char *bytes, size_t size)
{
	unsigned char *room = pack_room(packer, size);
	if (room && size)
		memcpy(room, bytes, size);
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
