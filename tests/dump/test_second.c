/* A reader written from the specification alone says the same of a dump, record for record, and
 * finds that what the dump says of itself is so. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/any_dump.h"
#include "support/blocks.h"
#include "support/dump_lines.h"
#include "support/files.h"
#include "support/parts.h"

/* Of a dump that nothing happened to: no line says that something is not as it should be. */
static void expect_right(const char *lines)
{
	static const char *const words[] = {" wrong", " misses ", "damage ", "contradicts"};
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		const char *at = strstr(lines, words[i]);
		while (at && at > lines && at[-1] != '\n')
			at--;
		cr_assert(!at, "%.*s", (int)strcspn(at, "\n"), at);
	}
	for (const char *at = lines; (at = strstr(at, "\nchunk ")); at++)
		cr_assert(!strncmp(at + 1 + strcspn(at + 1, "\n") - 6, " right", 6), "%.*s",
			  (int)strcspn(at + 1, "\n"), at + 1);
	for (const char *at = lines; (at = strstr(at, "\nentry ")); at++)
		cr_assert(!strncmp(at + 1 + strcspn(at + 1, "\n") - 6, " right", 6), "%.*s",
			  (int)strcspn(at + 1, "\n"), at + 1);
}

static size_t count(const char *lines, const char *word)
{
	size_t n = 0;
	for (; (lines = strstr(lines, word)); lines++)
		n++;
	return n;
}

Test(second, agrees_on_whole_dumps, .timeout = 120)
{
	size_t filters = 0;
	for (unsigned i = 0; i < 8; i++) {
		struct any_dump how = {.seed = i + 1,
				       .chunks = 40,
				       .level = i & 1 ? 3 : 0,
				       .part = i & 2 ? i : 0,
				       .more_processes = i == 5 ? 2 : 0,
				       .filters = i != 3};
		char *path = any_dump_write(folder_make(), &how), *lines = readers_agree(path);
		expect_right(lines);
		cr_assert_gt(strlen(lines), 200000);
		cr_assert_geq(count(lines, "\nchunk "), 40 * (1 + how.more_processes));
		cr_assert_geq(count(lines, "\nentry "), 50);
		filters += count(lines, "\nfilter ") - count(lines, " bytes 0 ");
		free(lines);
	}
	cr_assert_geq(filters, 20);
}

/* What a process writes: its chunks have filters, its files open spans, counts and epochs. */
Test(second, agrees_on_the_files_of_a_process, .timeout = 300)
{
	static const char *const patient[] = {"RILL_POLICY=block", "RILL_BLOCK_TIMEOUT=60s", NULL};
	const char *program = built("tests/programs/rotating");
	for (int compressed = 0; compressed < 2; compressed++) {
		struct parts *parts =
			parts_run(compressed ? "rotate=128KiB&zstd=1" : "rotate=128KiB", patient,
				  (const char *const[]){program, "9000", NULL});
		size_t open = 0, spans = 0, filters = 0;
		cr_assert_geq(parts->count, 2);
		for (size_t i = 0; i < parts->count; i++) {
			char *lines = readers_agree(parts->part[i].path);
			expect_right(lines);
			open += count(lines, "\nopen ");
			spans += count(lines, "\nspans ");
			filters += count(lines, " bytes 512 ");
			free(lines);
		}
		cr_assert_geq(open, 3);
		cr_assert_geq(spans, parts->count);
		cr_assert_geq(filters, 1);
		parts_end(parts);
	}
}

/* A dump with one record, which has an identity. */
static char *make_small(void)
{
	struct any_dump how = {.filters = true, .small = true};
	return any_dump_write(folder_make(), &how);
}

/* Changes a byte of the first block of a type, whose checks are right then: the second reader says
 * so. */
static void expect_verdict(unsigned type, size_t at, const char *verdict)
{
	size_t size;
	char *path = make_small();
	unsigned char *bytes = (unsigned char *)file_load(path, &size), *block = bytes + 16;
	while (block_get(block + 4, 2) != type)
		block += 64 + (block_get(block + 8, 8) + 7) / 8 * 8;
	size_t body = block_get(block + 8, 8);
	cr_assert_lt(at, 64 + body);
	/* Of a filter: no bit is left. */
	if (strstr(verdict, "misses"))
		memset(block + at, 0, 8);
	else
		block[at] ^= 1;
	block_seal(block, body);
	file_store(path, bytes, size);
	char *lines = second_lines(path);
	cr_assert(strstr(lines, verdict), "type %u, byte %zu: no '%s'", type, at, verdict);
	free(lines);
	free(bytes);
}

Test(second, finds_what_is_wrong, .timeout = 120)
{
	char *lines = readers_agree(make_small());
	expect_right(lines);
	cr_assert(strstr(lines, "segments 1 records 1 "));
	cr_assert(strstr(lines, " identities 1 right"));
	/* first, last; base, that of the segment, its flag, lowest, highest */
	expect_verdict(4, 24, " time\n");
	expect_verdict(4, 32, " time\n");
	expect_verdict(4, 64 + 2, " time\n");
	expect_verdict(4, 64 + 15, " base ");
	expect_verdict(4, 64 + 14, " order\n");
	expect_verdict(4, 64 + 16, " lowest\n");
	expect_verdict(4, 64 + 17, " highest\n");
	/* The event, its number; the filter. */
	expect_verdict(4, 64 + 19, " events\n");
	expect_verdict(4, 64 + 20, " events\n");
	expect_verdict(4, 64 + 22, " misses 1\n");
	/* Of the index's first entry: position, first, size, records, type. */
	expect_verdict(9, 64 + 24, " not there\n");
	expect_verdict(9, 64 + 24 + 8, " header\n");
	expect_verdict(9, 64 + 24 + 24, " header\n");
	expect_verdict(9, 64 + 24 + 28, " content\n");
	expect_verdict(9, 64 + 24 + 36, " header\n");
	expect_verdict(9, 64, " contradicts index before\n");
	expect_verdict(10, 64, " wrong\n");
	expect_verdict(10, 64 + 8, " wrong\n");
}

Test(second, agrees_on_cut_dumps, .timeout = 120)
{
	struct any_dump how = {.seed = 5, .chunks = 60, .filters = true, .doubles = true};
	char *path = any_dump_write(folder_make(), &how);
	size_t size;
	free(file_load(path, &size));
	uint64_t random = 12345;
	for (int i = 0; i < 25; i++) {
		random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
		size -= 1 + (random >> 33) % (size / 10);
		cr_assert_eq(truncate(path, (off_t)size), 0);
		free(readers_agree(path));
	}
}

Test(second, agrees_on_spoilt_dumps, .timeout = 120)
{
	struct any_dump how = {.seed = 6, .chunks = 12, .filters = true, .more_processes = 1};
	char *path = any_dump_write(folder_make(), &how);
	size_t size;
	unsigned char *bytes = (unsigned char *)file_load(path, &size);
	uint64_t random = 99;
	for (int i = 0; i < 25; i++) {
		random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
		size_t at = 16 + (random >> 33) % (size - 16);
		unsigned char was = bytes[at];
		bytes[at] ^= (unsigned char)(1 + (random >> 20) % 255);
		file_store(path, bytes, size);
		free(readers_agree(path));
		bytes[at] = was;
	}
}
