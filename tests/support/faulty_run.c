#include "support/faulty_run.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dump/dump.h"
#include "faults/faulty.h"
#include "support/files.h"
#include "support/run.h"

#define EXIT_CODE  7
#define TIMEOUT_MS 30000
#define MAX_LINES  4   /* of `said`: a process each */
#define MAX_SEEN   512 /* threads */

const char *const fault_names[FAULT_COUNT] = {
#define FAULT_TEXT(name) #name,
	FAULT_NAMES(FAULT_TEXT)};
const char *const fault_phases[PHASE_COUNT] = {"start", "steady", "filter", "sink", "rotation",
					       "churn", "fork",   "flush",  "stop", "after"};

/* What a process said of itself. */
struct said {
	int pid;
	uint64_t emitted;
	uint64_t drained;
	uint64_t filtered;
	uint64_t discarded;
};

struct look {
	struct faulty_run *run;
	const char *folder;
	const struct fault_plan *plan;
	bool told; /* some diagnostic */
	struct said said[MAX_LINES];
	size_t nsaid;
	uint64_t emitted; /* of all processes */
};

__attribute__((format(printf, 2, 3))) static void wrong(struct look *look, const char *pattern, ...)
{
	va_list arguments;
	char *text, *all;
	va_start(arguments, pattern);
	if (vasprintf(&text, pattern, arguments) < 0)
		abort();
	va_end(arguments);
	all = format("%s  %s\n", look->run->wrong, text);
	free(look->run->wrong);
	free(text);
	look->run->wrong = all;
}

/* --- a dump -------------------------------------------------------------------------------- */

/* The last number seen of each thread of each process: they only grow. */
struct seen {
	uint32_t pid;
	uint32_t thread;
	uint64_t next;
};

struct dump_look {
	struct look *look;
	const char *name;
	struct dump_reader *reader;
	struct seen seen[MAX_SEEN];
	size_t nseen;
	uint64_t records[MAX_LINES]; /* by process, as in look->said */
};

static struct seen *seen_of(struct dump_look *dump, uint32_t pid, uint32_t thread)
{
	size_t i = 0;
	while (i < dump->nseen && (dump->seen[i].pid != pid || dump->seen[i].thread != thread))
		i++;
	if (i == dump->nseen) {
		cr_assert_lt(dump->nseen++, MAX_SEEN);
		dump->seen[i] = (struct seen){pid, thread, 0};
	}
	return &dump->seen[i];
}

static size_t said_of(const struct look *look, uint32_t pid)
{
	size_t i = 0;
	while (i < look->nsaid && look->said[i].pid != (int)pid)
		i++;
	return i;
}

static bool is_right(const struct dump_record *record, const struct rill_catalog *catalog,
		     uint64_t *id)
{
	struct rill_item items[RILL_MAX_ITEMS];
	char text[FAULTY_TEXT + 1];
	int n = raw_record_items(&record->raw, items);
	if (n < 1 || strcmp(catalog->keys[items[0].key].name, "spanId") != 0)
		return false;
	*id = items[0].u64;
	const char *event = catalog->events[record->raw.event].name;
	unsigned place = (uint32_t)*id % 16;
	faulty_text(text, *id);
	if (place == 0)
		return strcmp(event, "smtp.connection-start") == 0 && n == 1;
	if (place == 15)
		return strcmp(event, "smtp.connection-end") == 0 && n == 2 &&
		       items[1].u64 == *id - 15;
	return strcmp(event, "smtp.ehlo") == 0 && n == 2 && items[1].size == FAULTY_TEXT &&
	       memcmp(items[1].bytes, text, FAULTY_TEXT) == 0;
}

static void read_records(struct dump_look *dump)
{
	struct dump_record record;
	while (dump_next(dump->reader, &record) == 1) {
		const struct dump_origin *origin = dump_origin(dump->reader, record.origin);
		const struct rill_catalog *catalog =
			record.raw.catalog < origin->catalogs.count
				? origin->catalogs.catalog[record.raw.catalog]
				: NULL;
		uint64_t id = 0;
		if (!catalog || !is_right(&record, catalog, &id)) {
			wrong(dump->look, "%s: a record that nobody emitted (%" PRIx64 ")",
			      dump->name, id);
			return;
		}
		uint32_t pid = origin->process.pid;
		struct seen *seen = seen_of(dump, pid, (uint32_t)(id >> 32));
		if ((uint32_t)id < seen->next)
			wrong(dump->look, "%s: thread %u: %u comes after %" PRIu64, dump->name,
			      seen->thread, (uint32_t)id, seen->next - 1);
		seen->next = (uint32_t)id + 1;
		size_t i = said_of(dump->look, pid);
		if (i < dump->look->nsaid)
			dump->records[i]++;
	}
}

/* The last counts of a process in the dump, and whether its last file was finished. */
static bool last_counts(struct dump_reader *reader, int pid, struct dump_count *sum)
{
	const struct dump_file *last = NULL;
	for (size_t f = 0; f < dump_file_count(reader); f++) {
		const struct dump_file *file = dump_file(reader, f);
		if ((int)file->process.pid == pid &&
		    (!last || file->process.part >= last->process.part))
			last = file;
	}
	memset(sum, 0, sizeof *sum);
	for (size_t i = 0; last && i < last->ncounts; i++) {
		sum->written += last->counts[i].written;
		sum->filtered += last->counts[i].filtered;
		sum->discarded += last->counts[i].discarded;
		sum->failed += last->counts[i].failed;
	}
	return last && last->finished;
}

/* What the dump's counts say must add up; what they leave out must have been told. */
static void check_counts(struct dump_look *dump, bool whole)
{
	struct look *look = dump->look;
	for (size_t i = 0; i < look->nsaid; i++) {
		const struct said *said = &look->said[i];
		struct dump_count sum;
		bool finished = last_counts(dump->reader, said->pid, &sum);
		uint64_t all = sum.written + sum.filtered + sum.discarded + sum.failed;
		bool exact = finished && all == said->emitted;
		if (whole && exact && dump->records[i] != sum.written)
			wrong(look, "%s of %d: %" PRIu64 " records, %" PRIu64 " written",
			      dump->name, said->pid, dump->records[i], sum.written);
		if (!exact && !look->told)
			wrong(look,
			      "%s of %d%s: emitted %" PRIu64 ", written %" PRIu64
			      ", filtered %" PRIu64 ", discarded %" PRIu64 ", failed %" PRIu64
			      ", and nothing was told",
			      dump->name, said->pid, finished ? "" : ", not finished",
			      said->emitted, sum.written, sum.filtered, sum.discarded, sum.failed);
		if (all > said->emitted)
			wrong(look, "%s of %d: %" PRIu64 " counted, %" PRIu64 " emitted",
			      dump->name, said->pid, all, said->emitted);
	}
}

static void look_at_dump(struct look *look, const char *name, bool whole)
{
	struct dump_look *dump = calloc(1, sizeof *dump);
	char error[512], *path = format("%s/%s", look->folder, name);
	cr_assert(dump);
	dump->look = look;
	dump->name = name;
	if (dump_open(&dump->reader, path, error, sizeof error) != 0) {
		if (!look->told)
			wrong(look, "%s, and nothing was told", error);
	} else {
		read_records(dump);
		check_counts(dump, whole);
		dump_reader_close(dump->reader);
	}
	free(path);
	free(dump);
}

/* --- the rest ------------------------------------------------------------------------------ */

static void read_said(struct look *look)
{
	char *path = format("%s/said", look->folder);
	char *text = file_exists(path) ? file_load(path, NULL) : strdup("");
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		struct said *said = &look->said[look->nsaid];
		uint64_t open, work;
		cr_assert_lt(look->nsaid, MAX_LINES);
		if (sscanf(line,
			   "%d emitted %" SCNu64 " drained %" SCNu64 " filtered %" SCNu64
			   " discarded %" SCNu64 " open %" SCNu64 " work %" SCNu64,
			   &said->pid, &said->emitted, &said->drained, &said->filtered,
			   &said->discarded, &open, &work) != 7 ||
		    open || work != 1)
			wrong(look, "it said: %s", line);
		look->emitted += said->emitted;
		look->nsaid++;
		uint64_t all = said->drained + said->filtered + said->discarded;
		if (all != said->emitted && !look->told)
			wrong(look, "%s, and nothing was told", line);
	}
	if (look->nsaid != 2)
		wrong(look, "%zu of 2 processes came to their end", look->nsaid);
	free(text);
	free(path);
}

static size_t count(const char *text, const char *part)
{
	size_t n = 0;
	for (; (text = strstr(text, part)); text += strlen(part))
		n++;
	return n;
}

/* The lines of a log: as many as events, or it was told. */
static void look_at_text(struct look *look)
{
	char *path = format("%s/text", look->folder);
	size_t size = 0;
	char *text = file_exists(path) ? file_load(path, &size) : strdup("");
	uint64_t lines = count(text, " smtp.connection-start ") +
			 count(text, " smtp.connection-end ") + count(text, " smtp.ehlo ");
	uint64_t filtered = 0;
	for (size_t i = 0; i < look->nsaid; i++)
		filtered += look->said[i].filtered + look->said[i].discarded;
	if (lines + filtered != look->emitted && !look->told)
		wrong(look,
		      "%" PRIu64 " lines of %" PRIu64 " events, %" PRIu64
		      " filtered, and nothing was told",
		      lines, look->emitted, filtered);
	if (lines > look->emitted)
		wrong(look, "%" PRIu64 " lines of %" PRIu64 " events", lines, look->emitted);
	free(text);
	free(path);
}

/* Nothing may stay in the runtime directory, unless it could not be removed. */
static void look_at_rest(struct look *look)
{
	const enum fault_name name = look->plan ? look->plan->name : FAULT_COUNT;
	char *path = format("%s/run", look->folder);
	DIR *entries = opendir(path);
	cr_assert(entries);
	for (struct dirent *entry; (entry = readdir(entries)) != NULL;)
		if (entry->d_name[0] != '.' && name != FAULT_unlink && name != FAULT_rmdir)
			wrong(look, "%s stays in the runtime directory", entry->d_name);
	closedir(entries);
	free(path);
}

static char *plan_text(const struct fault_plan *plan)
{
	return plan ? format("FAULTS_PLAN=%s:%u:%lu:%lu:%d", fault_names[plan->name],
			     (unsigned)plan->phase, plan->from, plan->count, plan->how)
		    : strdup("FAULTS_NONE=");
}

static void judge(struct look *look, const struct run_result *run)
{
	if (run->timed_out || run->signal || run->code != EXIT_CODE) {
		wrong(look, "ended with %d, signal %d%s", run->code, run->signal,
		      run->timed_out ? ", by its time limit" : "");
		return;
	}
	look->told = strstr(run->err, "rill: ") != NULL;
	/* Then nobody hears it. */
	if (look->plan && (look->plan->name == FAULT_write || look->plan->name == FAULT_poll))
		look->told = true;
	if (look->run->page.fired == 0 && strstr(run->err, "rill: "))
		wrong(look, "nothing failed, and it said: %s", run->err);
	read_said(look);
	look_at_dump(look, "all", true);
	look_at_dump(look, "parts", false);
	look_at_text(look);
	look_at_rest(look);
}

struct faulty_run faulty_run(const struct fault_plan *plan, const char *const *env)
{
	struct faulty_run result = {.wrong = strdup("")};
	char folder[] = "/dev/shm/rill-faulty-XXXXXX";
	cr_assert(mkdtemp(folder), "no folder in /dev/shm");
	char *page = format("%s/page", folder), *run_folder = format("%s/run", folder);
	char *said = plan_text(plan);
	cr_assert_eq(mkdir(run_folder, 0700), 0);
	file_store(page, &result.page, sizeof result.page);
	const char *all[16] = {
		said,
		format("FAULTS_PAGE=%s", page),
		"RILL_FILTER=*=trace",
		"RILL_POLICY=block",
		"RILL_BLOCK_TIMEOUT=10s", /* the machine may be busy */
		format("RILL_RUNTIME_DIR=%s", run_folder),
		format("RILL_SINKS=dump:%s/all,dump:%s/parts?rotate=64KiB&keep=2&zstd=1,"
		       "text:%s/text,text:stdout?level=info",
		       folder, folder, folder)};
	size_t n = 7;
	for (; env && *env && n < 15; env++)
		all[n++] = *env;
	char *program = built("tests/programs/faulty");
	const struct run_options options = {.env = all, .timeout_ms = TIMEOUT_MS};
	struct run_result run = RUN(&options, program, folder);
	size_t size;
	char *bytes = file_load(page, &size);
	cr_assert_eq(size, sizeof result.page);
	memcpy(&result.page, bytes, sizeof result.page);
	struct look look = {.run = &result, .folder = folder, .plan = plan};
	judge(&look, &run);
	result.said = run.err;
	run.err = NULL;
	run_free(&run);
	folder_remove(folder);
	free(bytes);
	free((char *)(uintptr_t)all[1]);
	free((char *)(uintptr_t)all[5]);
	free((char *)(uintptr_t)all[6]);
	free(program);
	free(said);
	free(run_folder);
	free(page);
	return result;
}

void faulty_run_free(struct faulty_run *run)
{
	free(run->wrong);
	free(run->said);
}
