#include <stdlib.h>

#include "cli/report/report.h"

static size_t place(const struct span_numbers *numbers, uint64_t id)
{
	return (size_t)(id * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (numbers->capacity - 1);
}

struct span_number *numbers_find(const struct span_numbers *numbers, uint64_t id)
{
	if (!numbers->count)
		return NULL;
	for (size_t i = place(numbers, id);; i = (i + 1) & (numbers->capacity - 1)) {
		if (numbers->slots[i].id == id)
			return &numbers->slots[i];
		if (!numbers->slots[i].id)
			return NULL;
	}
}

static struct span_number *put(struct span_numbers *numbers, uint64_t id)
{
	size_t i = place(numbers, id);
	while (numbers->slots[i].id && numbers->slots[i].id != id)
		i = (i + 1) & (numbers->capacity - 1);
	return &numbers->slots[i];
}

static bool grow(struct span_numbers *numbers)
{
	struct span_numbers wider = {.capacity = numbers->capacity ? 2 * numbers->capacity : 1024,
				     .count = numbers->count};
	wider.slots = calloc(wider.capacity, sizeof *wider.slots);
	if (!wider.slots)
		return false;
	for (size_t i = 0; i < numbers->capacity; i++)
		if (numbers->slots[i].id)
			*put(&wider, numbers->slots[i].id) = numbers->slots[i];
	free(numbers->slots);
	*numbers = wider;
	return true;
}

struct span_number *numbers_get(struct span_numbers *numbers, uint64_t id)
{
	struct span_number *found = numbers_find(numbers, id);
	if (found)
		return found;
	if (2 * (numbers->count + 1) > numbers->capacity && !grow(numbers))
		return NULL;
	numbers->count++;
	found = put(numbers, id);
	*found = (struct span_number){.id = id};
	return found;
}

/* Linear probing without marks: what stood behind moves up where it may. */
void numbers_remove(struct span_numbers *numbers, struct span_number *number)
{
	size_t mask = numbers->capacity - 1, hole = (size_t)(number - numbers->slots);
	for (size_t i = (hole + 1) & mask; numbers->slots[i].id; i = (i + 1) & mask) {
		size_t home = place(numbers, numbers->slots[i].id);
		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		numbers->slots[hole] = numbers->slots[i];
		hole = i;
	}
	numbers->slots[hole].id = 0;
	numbers->count--;
}

void numbers_free(struct span_numbers *numbers)
{
	free(numbers->slots);
}
