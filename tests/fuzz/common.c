#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz/fuzz.h"

#define DEEPEST 16

_Noreturn void fuzz_failed(const char *what, const char *file, int line)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
	abort();
}

const char *fuzz_file(const uint8_t *data, size_t size)
{
	static char path[32];
	static int fd = -1;
	if (fd < 0) {
		fd = memfd_create("dump", MFD_CLOEXEC);
		FUZZ_CHECK(fd >= 0);
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	}
	FUZZ_CHECK(ftruncate(fd, 0) == 0);
	FUZZ_CHECK(pwrite(fd, data, size, 0) == (ssize_t)size);
	return path;
}

/* Reads every byte of it, so that a sanitizer sees what is not there. */
static size_t length(const char *text)
{
	FUZZ_CHECK(text);
	return strlen(text);
}

static void follow(const struct rill_catalog *catalog)
{
	size_t bytes = length(catalog->name);
	for (size_t i = 0; i < catalog->nsubsystems; i++)
		bytes += length(catalog->subsystems[i]);
	for (size_t i = 0; i < catalog->nevents; i++) {
		const struct rill_catalog_event *event = &catalog->events[i];
		bytes += length(event->name) + length(event->brief);
		FUZZ_CHECK(event->subsystem < catalog->nsubsystems && event->level < RILL_OFF);
		for (size_t k = 0; k < event->nkeys; k++)
			FUZZ_CHECK(event->keys[k] < catalog->nkeys);
	}
	for (size_t i = 0; i < catalog->nkeys; i++)
		bytes += length(catalog->keys[i].name);
	for (size_t i = 0; i < catalog->nspans; i++) {
		const struct rill_catalog_span *span = &catalog->spans[i];
		bytes += length(span->name);
		FUZZ_CHECK(span->start < catalog->nevents && span->end < catalog->nevents);
		FUZZ_CHECK(span->key < catalog->nkeys || span->key == RILL_NO_KEY);
	}
	FUZZ_CHECK(bytes < SIZE_MAX);
}

void fuzz_follow(const struct rill_catalogs *catalogs)
{
	for (size_t i = 0; i < catalogs->count; i++)
		if (catalogs->catalog[i])
			follow(catalogs->catalog[i]);
}

void fuzz_message(const char *text)
{
	FUZZ_CHECK(*text);
	for (const char *at = text; *at; at++)
		FUZZ_CHECK((unsigned char)*at >= ' ' && *at != 127);
}

static uint64_t sum; /* of all bytes: each is read */

static void take(const struct rill_item *item, const struct rill_catalogs *catalogs, int depth)
{
	struct rill_nested nested;
	struct rill_item inner;
	FUZZ_CHECK(item->type < RILL_TYPE_COUNT && item->cut == (item->size < item->original_size));
	for (uint32_t i = 0; item->bytes && i < item->size; i++)
		sum += item->bytes[i];
	if ((item->type != RILL_TYPE_LIST && item->type != RILL_TYPE_EVENT) || depth == DEEPEST ||
	    rill_nested_open(&nested, item, catalogs))
		return;
	while (rill_nested_next(&nested, &inner) == 1)
		take(&inner, catalogs, depth + 1);
}

void fuzz_values(const struct dump_record *record, const struct rill_catalogs *catalogs)
{
	struct rill_item items[RILL_MAX_ITEMS];
	int count = raw_record_items(&record->raw, items);
	FUZZ_CHECK(count <= (int)RILL_MAX_ITEMS);
	for (int i = 0; i < count; i++)
		take(&items[i], catalogs, 0);
}
