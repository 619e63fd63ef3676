/*
 * Changes a text of lines, cells and list elements so that it mostly stays one: a part between
 * separators is replaced by another one of the text, changed, doubled or taken away. Every other
 * time the bytes are libFuzzer's, which has the dictionaries.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"

#define MOST_PARTS 2048

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

struct part {
	size_t at;
	size_t size;
};

static uint64_t state;

static uint64_t any(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	return state ^= state << 17;
}

/* Parts between the separators, which belong to none. */
static size_t split(const uint8_t *text, size_t size, const char *separators, struct part *parts)
{
	size_t count = 0, from = 0;
	for (size_t i = 0; i <= size && count < MOST_PARTS; i++) {
		if (i < size && !memchr(separators, text[i], strlen(separators) + 1))
			continue;
		size_t to = i;
		while (from < to && text[from] == ' ')
			from++;
		while (to > from && text[to - 1] == ' ')
			to--;
		parts[count++] = (struct part){from, to - from};
		from = i + 1;
	}
	return count;
}

/* Puts bytes in the place of a part. Returns the size of the text; it may not fit. */
static size_t replace(uint8_t *text, size_t size, size_t max_size, struct part part,
		      const uint8_t *bytes, size_t length)
{
	if (size - part.size + length > max_size)
		return size;
	memmove(text + part.at + length, text + part.at + part.size, size - part.at - part.size);
	memcpy(text + part.at, bytes, length);
	return size - part.size + length;
}

static size_t change(uint8_t *text, size_t size, size_t max_size)
{
	/* Lines, and what lines consist of. */
	static const char *const separators[] = {"\n", "|\n", "|\n,=&?:; ."};
	static struct part parts[MOST_PARTS];
	size_t count = split(text, size, separators[any() % 3], parts);
	struct part part = parts[any() % count], other = parts[any() % count];
	uint8_t *copy = malloc(max_size + 1);
	if (!copy)
		return size;
	size_t length = 0;
	switch (any() % 4) {
	case 0: /* another one instead, or this one twice */
	case 1:
		length = other.size;
		memcpy(copy, text + other.at, length);
		if (any() % 4 == 0 && part.at + part.size < size) {
			copy[length++] = text[part.at + part.size];
			part.size = 0;
		}
		break;
	case 2:
		memcpy(copy, text + part.at, part.size);
		length = LLVMFuzzerMutate(copy, part.size,
					  part.size + 32 < max_size ? part.size + 32 : max_size);
		break;
	default:
		part.size += part.at + part.size < size && any() % 2;
	}
	size = replace(text, size, max_size, part, copy, length);
	free(copy);
	return size;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	state = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
	any();
	if (!size || any() % 2)
		return LLVMFuzzerMutate(data, size, max_size);
	for (uint64_t times = 1 + any() % 2; times && size; times--)
		size = change(data, size, max_size);
	return size;
}
