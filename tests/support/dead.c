#include "support/dead.h"

#include <criterion/criterion.h>
#include <glob.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "dump/dump.h"
#include "support/files.h"

char *dead_folder(void)
{
	char *name = format("/dev/shm/rill-test-XXXXXX");
	cr_assert_not_null(mkdtemp(name));
	cr_assert_eq(mkdir(format("%s/run", name), 0700), 0);
	return name;
}

const char *const *dead_environment(const char *folder, const char *sinks)
{
	const char **env = calloc(8, sizeof *env);
	cr_assert_not_null(env);
	env[0] = format("RILL_RUNTIME_DIR=%s/run", folder);
	env[1] = "RILL_FILTER=*=trace";
	env[2] = "RILL_POLICY=block";
	env[3] = "RILL_BLOCK_TIMEOUT=60s";
	env[4] = format("RILL_SINKS=%s", sinks);
	return env;
}

char *dead_killed(const char *folder, const char *sinks)
{
	const struct run_options options = {.env = dead_environment(folder, sinks)};
	struct run_result run = RUN(&options, built("tests/programs/killed"), "500");
	cr_assert_eq(run.signal, SIGKILL, "%s", run.err);
	run_free(&run);
	glob_t found;
	cr_assert_eq(glob(format("%s/run/rill-*", folder), 0, NULL, &found), 0);
	return format("%s", found.gl_pathv[found.gl_pathc - 1]);
}

struct run_result dead_recover(const char *folder, int code, const char *const *arguments)
{
	const struct run_options options = {.env = dead_environment(folder, "text:stderr"),
					    .directory = folder};
	const char *argv[16] = {built("rill"), "recover"};
	for (size_t i = 0; arguments[i]; i++)
		argv[2 + i] = arguments[i];
	struct run_result run = run_command(argv, &options);
	cr_assert_eq(run.code, code, "%d, signal %d\n%s%s", run.code, run.signal, run.out, run.err);
	return run;
}

struct dead_content dead_content(const char *path)
{
	struct dead_content content = {0};
	struct dump_reader *reader;
	struct dump_record record;
	char error[256];
	cr_assert_eq(dump_open(&reader, path, error, sizeof error), 0, "%s", error);
	while (dump_next(reader, &record) == 1) {
		const struct rill_catalog *catalog =
			dump_origin(reader, record.origin)->catalogs.catalog[record.raw.catalog];
		struct rill_item items[RILL_MAX_ITEMS];
		cr_assert_eq(raw_record_items(&record.raw, items), 1);
		bool noop = strcmp(catalog->events[record.raw.event].name, "smtp.noop") == 0;
		uint64_t *next = noop ? &content.noops : &content.rsets;
		cr_assert_eq(items[0].u64, *next);
		++*next;
	}
	content.files = dump_file_count(reader);
	for (size_t i = 0; i < content.files; i++) {
		const char *damage = dump_file(reader, i)->damage;
		cr_assert(!damage || !strstr(damage, "twice"), "%s", damage);
	}
	const struct dump_file *last = dump_file(reader, content.files - 1);
	for (size_t i = 0; i < last->ncounts; i++)
		content.written += last->counts[i].written;
	dump_reader_close(reader);
	return content;
}
