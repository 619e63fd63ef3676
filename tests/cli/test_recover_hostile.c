/* rill recover believes nothing that stands in a runtime directory. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/dead.h"
#include "support/files.h"

static char *folder, *run, *out;
static const char *busy; /* the ring that has records */

static const char *find_busy(void)
{
	glob_t rings;
	cr_assert_eq(glob(format("%s/ring-*", run), 0, NULL, &rings), 0);
	for (size_t i = 0; i < rings.gl_pathc; i++) {
		uint64_t head, tail;
		char *bytes = file_load(rings.gl_pathv[i], NULL);
		memcpy(&head, bytes + 128, sizeof head);
		memcpy(&tail, bytes + 256, sizeof tail);
		free(bytes);
		if (head > tail)
			return format("%s", strrchr(rings.gl_pathv[i], '/') + 1);
	}
	cr_assert_fail("no ring has records");
	return NULL;
}

static void start(void)
{
	folder = dead_folder();
	out = format("%s/out", folder);
	run = dead_killed(folder, format("text:%s/log", folder));
	busy = find_busy();
}

static void end(void)
{
	folder_remove(folder);
}

TestSuite(recover_hostile, .init = start, .fini = end, .timeout = 200);

static unsigned times(unsigned in_short)
{
	const char *tier = getenv("RILL_TEST_TIER");
	return tier && strcmp(tier, "short") != 0 ? 30 * in_short : in_short;
}

/* Within 1 GiB of addresses and 20 s; it ends by itself, and what it wrote is a dump without
 * fault. The number of dumps. */
static size_t recover_bounded(const char *what)
{
	const struct run_options options = {.env = dead_environment(folder, "text:stderr"),
					    .timeout_ms = 20000};
	if (file_exists(out))
		folder_remove(out);
	struct run_result result = RUN(&options, "sh", "-c",
				       format("ulimit -v 1048576; exec %s recover --keep -o %s %s",
					      built("rill"), out, run));
	cr_assert(result.code == 0 || result.code == 1, "%s: code %d, signal %d\n%s", what,
		  result.code, result.signal, result.err);
	run_free(&result);
	glob_t files;
	if (glob(format("%s/*.rill", out), 0, NULL, &files) != 0)
		return 0;
	result = RUN(NULL, built("rill"), "verify", out);
	cr_assert_eq(result.code, 0, "%s: %s%s", what, result.out, result.err);
	run_free(&result);
	return files.gl_pathc;
}

struct field {
	const char *file;
	size_t at;
	size_t size;
};

#define RING NULL /* the busy one */

/* docs/ring-file.md */
static const struct field fields[] = {
	{RING, 0, 8},        {RING, 8, 4},        {RING, 12, 4},      {RING, 16, 8},
	{RING, 24, 8},       {RING, 32, 4},       {RING, 36, 4},      {RING, 40, 4},
	{RING, 44, 4},       {RING, 48, 8},       {RING, 128, 8},     {RING, 256, 8},
	{RING, 384, 8},      {"process", 0, 8},   {"process", 8, 4},  {"process", 12, 4},
	{"process", 20, 4},  {"process", 24, 8},  {"process", 40, 8}, {"process", 48, 8},
	{"process", 56, 8},  {"process", 64, 8},  {"process", 80, 8}, {"process", 96, 8},
	{"process", 112, 8}, {"process", 160, 8},
};

static const uint64_t values[] = {
	0,
	1,
	7,
	8,
	40,
	4096,
	65536,
	262143,
	262144,
	(UINT64_C(1) << 30) + 1,
	UINT64_C(1) << 31,
	UINT64_C(0xffffffff),
	UINT64_C(1) << 62,
	(UINT64_C(1) << 63) + 8,
	UINT64_MAX - 7,
	UINT64_MAX,
};

Test(recover_hostile, every_field_at_every_edge)
{
	for (size_t f = 0; f < sizeof fields / sizeof *fields; f++) {
		size_t size;
		const char *name = fields[f].file ? fields[f].file : busy;
		char *path = format("%s/%s", run, name), *bytes = file_load(path, &size);
		char *changed = malloc(size);
		cr_assert_leq(fields[f].at + fields[f].size, size);
		for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
			memcpy(changed, bytes, size);
			memcpy(changed + fields[f].at, &values[v], fields[f].size);
			file_store(path, changed, size);
			recover_bounded(format("%s at %zu: %llx", name, fields[f].at,
					       (unsigned long long)values[v]));
			unlink(format("%s/dumps", run));
		}
		file_store(path, bytes, size);
	}
	cr_expect_eq(recover_bounded("as it was"), 1);
}

/* One to eight bytes of a file, more often of its beginning. */
static void spoil(char *bytes, size_t size)
{
	unsigned n = 1 + (unsigned)random() % 8;
	for (unsigned i = 0; i < n; i++) {
		size_t most = random() % 2 && size > 40000 ? 40000 : size;
		bytes[(size_t)random() % most] = (char)(random() % 3 ? random() : 0xff);
	}
}

Test(recover_hostile, random_bytes_in_every_file)
{
	const char *const files[] = {busy, "process", "catalogs-0.rill"};
	srandom(5);
	for (size_t f = 0; f < 3; f++) {
		size_t size;
		char *path = format("%s/%s", run, files[f]), *bytes = file_load(path, &size);
		char *changed = malloc(size);
		for (unsigned i = 0; i < times(40); i++) {
			memcpy(changed, bytes, size);
			spoil(changed, size);
			file_store(path, changed, i % 5 ? size : (size_t)random() % size);
			recover_bounded(format("%s, round %u", files[f], i));
			unlink(format("%s/dumps", run));
		}
		file_store(path, bytes, size);
	}
}

Test(recover_hostile, a_record_that_is_none_ends_its_ring)
{
	size_t size, half = 250;
	char *path = format("%s/%s", run, busy), *bytes = file_load(path, &size);
	uint32_t header;
	memcpy(&header, bytes + 12, sizeof header);
	/* Records of 16 + 8 + 8 bytes; the noops of the run stand before them. */
	size_t record = header + (500 + half) * 32;
	cr_assert_lt(record + 32, size);
	bytes[record + 10] = 127; /* slots */
	file_store(path, bytes, size);
	struct run_result result = DEAD_RECOVER(folder, 1, "-o", out);
	cr_expect(strstr(result.out, "250 records written"), "%s", result.out);
	cr_expect(strstr(result.out, "are no records"), "%s", result.out);
	cr_expect(file_exists(path), "what was not recovered stays");
	cr_expect_eq(dead_content(out).rsets, half);
	run_free(&result);
}

Test(recover_hostile, links_and_the_files_of_others_are_refused)
{
	char *ring = format("%s/%s", run, busy), *aside = format("%s/aside", folder);
	cr_assert_eq(rename(ring, aside), 0);
	cr_assert_eq(symlink(aside, ring), 0);
	struct run_result result = DEAD_RECOVER(folder, 1, "--keep", "-o", out);
	cr_expect(strstr(result.err, "it is no file of this user"), "%s", result.err);
	cr_expect_null(strstr(result.out, "records written"), "%s", result.out);
	unlink(ring);
	cr_assert_eq(mkfifo(ring, 0600), 0);
	result = DEAD_RECOVER(folder, 1, "--keep", "-o", out);
	cr_expect(strstr(result.err, "it is no file of this user"), "%s", result.err);
	unlink(ring);
	file_copy(aside, ring);
	if (geteuid() == 0) {
		cr_assert_eq(chown(ring, 12345, 12345), 0);
		result = DEAD_RECOVER(folder, 1, "--keep", "-o", out);
		cr_expect(strstr(result.err, "no file of this user"), "%s", result.err);
		cr_assert_eq(chown(ring, 0, 0), 0);
		cr_assert_eq(chown(run, 12345, 12345), 0);
		result = DEAD_RECOVER(folder, 1, "--keep", "-o", out, run);
		cr_expect(strstr(result.err, "it is another user's"), "%s", result.err);
		cr_assert_eq(chown(run, 0, 0), 0);
	}
	char *link = format("%s/link", folder);
	cr_assert_eq(symlink(run, link), 0);
	result = DEAD_RECOVER(folder, 1, "--keep", "-o", out, link);
	cr_expect(strstr(result.err, "link: "), "%s", result.err);
	result = DEAD_RECOVER(folder, 0, "-o", out);
	cr_expect(strstr(result.out, "500 records written"), "%s", result.out);
}

Test(recover_hostile, two_rings_with_one_number_count_once)
{
	file_copy(format("%s/%s", run, busy), format("%s/ring-77", run));
	struct run_result result = DEAD_RECOVER(folder, 1, "-o", out);
	cr_expect(strstr(result.err, "another ring has its number"), "%s", result.err);
	cr_expect_eq(dead_content(out).rsets, 500);
	run_free(&result);
}
