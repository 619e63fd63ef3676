#include "support/traced.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/files.h"

#define MAX_ENV 16

struct traced traced_run(int code, const char *const *env, const char *const *argv)
{
	struct traced traced = {.folder = strdup("/dev/shm/rill-test-XXXXXX")};
	cr_assert(mkdtemp(traced.folder), "no folder in /dev/shm");
	const char *all[MAX_ENV + 1] = {"RILL_FILTER=*=trace",
					format("RILL_SINKS=dump:%s/dump", traced.folder),
					format("RILL_RUNTIME_DIR=%s", traced.folder)};
	size_t n = 3;
	for (; env && *env && n < MAX_ENV; env++)
		all[n++] = *env;
	const char *args[16] = {built(format("tests/programs/%s", argv[0]))};
	for (size_t i = 1; argv[i] && i < 15; i++)
		args[i] = argv[i];
	const struct run_options options = {.env = all};
	traced.run = run_command(args, &options);
	int ended = traced.run.signal ? 128 + traced.run.signal : traced.run.code;
	cr_assert_eq(ended, code, "%s ended with %d, said: %s", argv[0], ended, traced.run.err);
	char error[512];
	int result = dump_open(&traced.dump, format("%s/dump", traced.folder), error, sizeof error);
	cr_assert_eq(result, 0, "%s: %s; it said: %s", argv[0], error, traced.run.err);
	return traced;
}

void traced_end(struct traced *traced)
{
	dump_reader_close(traced->dump);
	folder_remove(traced->folder);
	free(traced->folder);
	run_free(&traced->run);
}

uint64_t traced_number(const struct traced *traced, const char *word)
{
	char *pattern = format("%s ", word);
	const char *at = strstr(traced->run.out, pattern);
	cr_assert(at, "no '%s' in: %s", word, traced->run.out);
	at += strlen(pattern);
	free(pattern);
	return strtoull(at, NULL, 10);
}

bool traced_next(struct traced *traced, struct traced_record *record)
{
	if (dump_next(traced->dump, &record->at) != 1)
		return false;
	const struct dump_file *file = dump_file(traced->dump, record->at.file);
	cr_assert_lt(record->at.raw.catalog, file->catalogs.count);
	record->catalog = file->catalogs.catalog[record->at.raw.catalog];
	cr_assert(record->catalog && record->at.raw.event < record->catalog->nevents);
	record->event = record->catalog->events[record->at.raw.event].name;
	record->nitems = raw_record_items(&record->at.raw, record->items);
	cr_assert_geq(record->nitems, 0, "a record that cannot be decoded");
	return true;
}

uint64_t traced_u64(const struct traced_record *record, const char *key)
{
	for (int i = 0; i < record->nitems; i++)
		if (strcmp(record->catalog->keys[record->items[i].key].name, key) == 0)
			return record->items[i].u64;
	cr_assert_fail("%s without %s", record->event, key);
	return 0;
}

struct traced_counts traced_counts(const struct traced *traced)
{
	struct traced_counts sum = {0, 0, 0, 0};
	for (size_t f = 0; f < dump_file_count(traced->dump); f++) {
		const struct dump_file *file = dump_file(traced->dump, f);
		for (size_t i = 0; i < file->ncounts; i++) {
			sum.written += file->counts[i].written;
			sum.filtered += file->counts[i].filtered;
			sum.discarded += file->counts[i].discarded;
			sum.failed += file->counts[i].failed;
		}
	}
	return sum;
}
