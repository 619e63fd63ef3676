/*
 * A catalog's page, and the lock file behind a line of it that is a NUL: as rill-gen reads them.
 * What it takes, it takes again: with the lock file that it has made, and with --locked, it writes
 * the same header and source.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../gen/arena.h"
#include "../../gen/buffer.h"
#include "../../gen/check.h"
#include "../../gen/emit.h"
#include "../../gen/lock.h"
#include "../../gen/read.h"
#include "fuzz/fuzz.h"

struct made {
	struct buffer appended, header, source;
	size_t errors;
};

/* What a message says is printed as it is, in one line. */
static void look_at(struct report *report)
{
	char *text = NULL;
	size_t size = 0, lines = 0;
	FILE *out = open_memstream(&text, &size);
	FUZZ_CHECK(out);
	report_print(report, out);
	FUZZ_CHECK(!fclose(out));
	for (size_t i = 0; i < size; i++) {
		FUZZ_CHECK((unsigned char)text[i] >= ' ' || text[i] == '\n');
		lines += text[i] == '\n';
	}
	FUZZ_CHECK(lines == (report->count < REPORT_MAX_ERRORS ? report->count
							       : REPORT_MAX_ERRORS + 1) ||
		   report->count == REPORT_MAX_ERRORS);
	free(text);
}

static struct made make(const char *page_path, const char *lock_path, bool locked)
{
	struct arena arena = {0};
	struct report report = {.arena = &arena};
	struct page page = {.path = page_path, .catalog = "fuzz"};
	struct lock lock;
	struct made made = {0};
	page_read(&page, &arena, &report);
	page_check(&page, &arena, &report);
	lock_read(&lock, lock_path, &arena, &report);
	if (!report.count)
		lock_apply(&lock, &page, locked, &made.appended, &arena, &report);
	if (!report.count) {
		emit_header(&made.header, &page);
		emit_source(&made.source, &page, &arena);
	}
	made.errors = report.count;
	look_at(&report);
	arena_free(&arena);
	return made;
}

static void made_free(struct made *made)
{
	buffer_free(&made->appended);
	buffer_free(&made->header);
	buffer_free(&made->source);
}

static bool same(const struct buffer *a, const struct buffer *b)
{
	return a->size == b->size && memcmp(a->data, b->data, a->size) == 0;
}

/* A comment is ended by nothing in it, a string by nothing either; the rest is of a few bytes. */
static void check_source(const struct buffer *source)
{
	bool comment = false, string = false;
	for (size_t i = 0; i < source->size; i++) {
		char c = source->data[i], next = i + 1 < source->size ? source->data[i + 1] : 0;
		if (comment) {
			FUZZ_CHECK(!(c == '/' && next == '*'));
			comment = !(c == '*' && next == '/');
			i += !comment;
		} else if (string) {
			FUZZ_CHECK(c != '\n');
			i += c == '\\';
			string = c != '"';
		} else if (c == '/' && next == '*') {
			comment = true;
			i++;
		} else {
			string = c == '"';
			FUZZ_CHECK((c >= ' ' && c < 0x7f) || c == '\n' || c == '\t');
		}
	}
	FUZZ_CHECK(!comment && !string);
}

static void put(int fd, const void *first, size_t first_size, const void *then, size_t then_size)
{
	FUZZ_CHECK(!ftruncate(fd, 0));
	FUZZ_CHECK(pwrite(fd, first, first_size, 0) == (ssize_t)first_size);
	FUZZ_CHECK(!then_size ||
		   pwrite(fd, then, then_size, (off_t)first_size) == (ssize_t)then_size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	static char path[32];
	if (fd < 0) {
		fd = memfd_create("lock", MFD_CLOEXEC);
		FUZZ_CHECK(fd >= 0);
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	}
	const uint8_t *end = memchr(data, 0, size);
	size_t page_size = end ? (size_t)(end - data) : size;
	const uint8_t *lock = end ? end + 1 : data + size;
	size_t lock_size = size - (size_t)(lock - data);
	const char *page = fuzz_file(data, page_size);
	put(fd, lock, lock_size, NULL, 0);
	struct made first = make(page, path, false);
	if (!first.errors) {
		check_source(&first.header);
		check_source(&first.source);
		put(fd, lock, lock_size, first.appended.data, first.appended.size);
		struct made again = make(page, path, true);
		FUZZ_CHECK(!again.errors && !again.appended.size);
		FUZZ_CHECK(same(&first.header, &again.header));
		FUZZ_CHECK(same(&first.source, &again.source));
		made_free(&again);
	}
	made_free(&first);
	return 0;
}
