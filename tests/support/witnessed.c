#include "support/witnessed.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dump/dump.h"
#include "support/files.h"
#include "support/run.h"

/* --- running ------------------------------------------------------------------------------- */

struct witnessed witnessed_make(const char *options, bool discards)
{
	struct witnessed w = {.folder = strdup("/dev/shm/rill-test-XXXXXX"), .discards = discards};
	cr_assert(mkdtemp(w.folder), "no folder in /dev/shm");
	w.dump = format("%s/dump", w.folder);
	w.here = format("%s/here", w.folder);
	cr_assert_eq(mkdir(w.here, 0700), 0);
	w.page_path = format("%s/page", w.folder);
	int fd = open(w.page_path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	cr_assert(fd >= 0 && ftruncate(fd, sizeof *w.page) == 0);
	void *page = mmap(NULL, sizeof *w.page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	cr_assert_neq(page, MAP_FAILED);
	close(fd);
	w.page = page;
	witnessed_env(&w, "RILL_FILTER=*=trace");
	witnessed_env(&w, format("RILL_SINKS=dump:%s?%s", w.dump, options));
	witnessed_env(&w, format("RILL_RUNTIME_DIR=%s", w.folder));
	witnessed_env(&w, discards ? "RILL_POLICY=discard" : "RILL_POLICY=block");
	witnessed_env(&w, "RILL_BLOCK_TIMEOUT=1h");
	return w;
}

void witnessed_env(struct witnessed *w, const char *setting)
{
	cr_assert_lt(w->nenv, 11);
	w->env[w->nenv++] = setting;
}

pid_t witnessed_start(const struct witnessed *w, const char *const *arguments)
{
	const char *argv[16] = {built("tests/programs/committing"), w->page_path};
	for (size_t i = 0; arguments[i] && i < 13; i++)
		argv[2 + i] = arguments[i];
	fflush(NULL);
	pid_t pid = fork();
	cr_assert_geq(pid, 0);
	if (pid > 0)
		return pid;
	for (size_t i = 0; i < w->nenv; i++)
		putenv((char *)(uintptr_t)w->env[i]);
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	execv(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

void witnessed_wait(const struct witnessed *w, pid_t pid)
{
	while (!__atomic_load_n(&w->page->ready, __ATOMIC_ACQUIRE)) {
		cr_assert_eq(waitpid(pid, NULL, WNOHANG), 0, "it has ended before it began");
		usleep(200);
	}
}

int witnessed_kill(pid_t pid)
{
	int status = 0;
	kill(pid, SIGKILL);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return status;
}

void witnessed_end(struct witnessed *w)
{
	munmap((void *)(uintptr_t)w->page, sizeof *w->page);
	folder_remove(w->folder);
}

/* --- reading ------------------------------------------------------------------------------- */

enum { START_EVEN, START_ODD, NOTE_0, NOTE_1, NOTE_2, END_EVEN, END_ODD, EVENTS };

static const char *const event_names[EVENTS] = {
	"smtp.connection-start", "delivery.attempt-start", "smtp.ehlo", "smtp.noop", "smtp.rset",
	"smtp.connection-end",   "delivery.attempt-end"};

/* Which of them an event with this number is. */
static unsigned event_of(uint64_t number)
{
	struct witness_event event = witness_event(number);
	unsigned odd = event.round % 2;
	if (event.kind == WITNESS_NOTE)
		return NOTE_0 + (unsigned)(number % 3);
	return event.kind == WITNESS_START ? START_EVEN + odd : END_EVEN + odd;
}

struct reading {
	struct dump_reader *dump;
	const struct rill_catalog *catalog;
	uint16_t events[EVENTS];
	uint16_t key_total;
	uint16_t key_span;
	uint16_t key_text;
	uint64_t last[WITNESS_SLOTS];
	unsigned char *seen[WITNESS_SLOTS]; /* of a damaged dump: bits by number */
	uint64_t count[EVENTS];
	uint64_t all;
	uint64_t newest_ns;
};

static uint16_t key_of(const struct rill_catalog *catalog, const char *name)
{
	for (uint16_t i = 0; i < catalog->nkeys; i++)
		if (strcmp(catalog->keys[i].name, name) == 0)
			return i;
	cr_assert_fail("no key %s", name);
	return 0;
}

static void learn(struct reading *reading, const struct rill_catalog *catalog)
{
	reading->catalog = catalog;
	reading->key_total = key_of(catalog, "total");
	reading->key_span = key_of(catalog, "spanId");
	reading->key_text = key_of(catalog, "hostname");
	for (unsigned e = 0; e < EVENTS; e++) {
		uint16_t i = 0;
		while (i < catalog->nevents && strcmp(catalog->events[i].name, event_names[e]) != 0)
			i++;
		cr_assert_lt(i, catalog->nevents);
		reading->events[e] = i;
	}
}

static void expect_text(const struct rill_item *text, uint64_t number)
{
	cr_assert_eq(text->size, witness_text_bytes(number), "event %lu", number);
	for (uint32_t i = 0; i < text->size; i++)
		cr_assert_eq(text->bytes[i], witness_text_byte(number, i), "event %lu", number);
}

static void expect_once(const struct witnessed *w, struct reading *reading, uint64_t slot,
			uint64_t number)
{
	if (!reading->seen[slot])
		reading->seen[slot] = calloc(w->page->slot[slot].taken / 8 + 1, 1);
	unsigned char *seen = &reading->seen[slot][number / 8];
	cr_assert_eq(*seen >> number % 8 & 1, 0, "slot %lu: event %lu comes twice", slot, number);
	*seen = (unsigned char)(*seen | 1u << number % 8);
}

static void take(const struct witnessed *w, struct reading *reading,
		 const struct dump_record *record)
{
	struct rill_item items[RILL_MAX_ITEMS];
	int n = raw_record_items(&record->raw, items);
	uint64_t number = 0, span = 0;
	const struct rill_item *text = NULL;
	cr_assert_geq(n, 3, "a record that was not written so");
	for (int i = 0; i < n; i++) {
		if (items[i].key == reading->key_total)
			number = items[i].u64;
		else if (items[i].key == reading->key_span)
			span = items[i].u64;
		else if (items[i].key == reading->key_text)
			text = &items[i];
	}
	uint64_t slot = (span >> 40) - 1;
	cr_assert(slot < WITNESS_SLOTS && number > 0 && text, "a record that was not written so");
	cr_assert_leq(number, w->page->slot[slot].taken, "slot %lu: was not emitted", slot);
	if (w->damaged)
		expect_once(w, reading, slot, number);
	else
		cr_assert_gt(number, reading->last[slot], "slot %lu: twice, or out of order", slot);
	if (!w->discards && !w->damaged)
		cr_assert_eq(number, reading->last[slot] + 1, "slot %lu: events are missing", slot);
	struct witness_event event = witness_event(number);
	cr_assert_eq(span, witness_span((uint32_t)slot, event.round), "event %lu", number);
	cr_assert_eq(record->raw.event, reading->events[event_of(number)], "event %lu", number);
	expect_text(text, number);
	reading->last[slot] = number;
	reading->count[event_of(number)]++;
	reading->all++;
}

static bool any_file(const char *folder)
{
	glob_t found = {0};
	int result = glob(format("%s/*.rill", folder), 0, NULL, &found);
	globfree(&found);
	return result == 0;
}

/* The dump's folder, and what had no dump. */
static struct reading read_dump(const struct witnessed *w)
{
	struct reading reading = {0};
	struct dump_record record;
	char error[512];
	const char *paths[2];
	size_t npaths = 0;
	if (any_file(w->dump))
		paths[npaths++] = w->dump;
	if (any_file(w->here))
		paths[npaths++] = w->here;
	if (!npaths)
		return reading; /* killed before it made one */
	int result = dump_open_all(&reading.dump, paths, npaths, NULL, error, sizeof error);
	cr_assert_eq(result, 0, "%s", error);
	while (dump_next(reading.dump, &record) == 1) {
		const struct rill_catalog *catalog = dump_origin(reading.dump, record.origin)
							     ->catalogs.catalog[record.raw.catalog];
		cr_assert(catalog, "a record without a catalog");
		if (catalog != reading.catalog)
			learn(&reading, catalog);
		reading.newest_ns = record.ns;
		if (!record.context)
			take(w, &reading, &record);
	}
	return reading;
}

static void reading_end(struct witnessed *w, struct reading *reading)
{
	w->ntold = 0;
	for (size_t i = 0; reading->dump && i < dump_file_count(reading->dump); i++)
		w->ntold += dump_file(reading->dump, i)->damage != NULL;
	if (reading->dump)
		dump_reader_close(reading->dump);
	for (size_t i = 0; i < WITNESS_SLOTS; i++)
		free(reading->seen[i]);
}

uint64_t witnessed_dump(struct witnessed *w)
{
	struct reading reading = read_dump(w);
	reading_end(w, &reading);
	return reading.all;
}

/* --- what was recovered -------------------------------------------------------------------- */

/* Events of each kind up to this number. */
static void add_events(uint64_t numbers, uint64_t *count)
{
	for (uint64_t number = 1; number <= numbers; number++)
		count[event_of(number)]++;
}

/* The newest count of an event: numbers grow, and a part that was just begun has none yet. */
static struct dump_count count_of(const struct reading *reading, uint16_t event)
{
	struct dump_count newest = {0};
	for (size_t f = 0; f < dump_file_count(reading->dump); f++) {
		const struct dump_file *file = dump_file(reading->dump, f);
		for (size_t i = 0; i < file->ncounts; i++) {
			const struct dump_count *count = &file->counts[i];
			if (count->event == event &&
			    count->written + count->discarded >= newest.written + newest.discarded)
				newest = *count;
		}
	}
	return newest;
}

/* What is there, and what the dump says was lost, is all that was emitted, but for what the kill
 * interrupted. A recovered part says what was written, too. */
static void expect_counts(const struct witnessed *w, const struct reading *reading,
			  const char *said)
{
	uint64_t least[EVENTS] = {0}, most[EVENTS] = {0};
	for (uint32_t i = 0; i < WITNESS_SLOTS; i++) {
		add_events(w->page->slot[i].committed, least);
		add_events(w->page->slot[i].taken, most);
	}
	for (unsigned e = 0; e < EVENTS; e++) {
		struct dump_count count = count_of(reading, reading->events[e]);
		uint64_t sum = reading->count[e] + count.filtered + count.discarded +
			       count.overwritten + count.failed;
		cr_expect(!strstr(said, "records written to") || count.written == reading->count[e],
			  "%s: %lu written, not %lu", event_names[e], reading->count[e],
			  count.written);
		cr_expect(sum >= least[e] && sum <= most[e],
			  "%s: %lu accounted for, %lu to %lu emitted; %s", event_names[e], sum,
			  least[e], most[e], said);
	}
}

/* The number of the event that this slot emitted last for the span of this round. */
static uint64_t last_of(uint64_t last, uint64_t round)
{
	while (last > 0 && witness_event(last).round != round)
		last--;
	return last;
}

/* Nanoseconds of "219.0 us". */
static double duration_of(const char *text)
{
	static const struct {
		const char *unit;
		double ns;
	} units[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}};
	char *unit;
	double number = strtod(text, &unit);
	for (size_t i = 0; i < 4; i++)
		if (strncmp(unit + strspn(unit, " "), units[i].unit, strlen(units[i].unit)) == 0)
			return number * units[i].ns;
	cr_assert_fail("no duration: %s", text);
	return 0;
}

/* A line of the report: SPAN spanId=N: open for AGE; last EVENT, TIME before the end. */
static void expect_span(const struct witnessed *w, const struct reading *reading, const char *line)
{
	char name[64], event[64];
	uint64_t id;
	const char *age = strstr(line, "open for "), *last = strstr(line, "; last ");
	cr_assert(age && last, "%s", line);
	cr_assert_eq(sscanf(line, " %63s spanId=%lu", name, &id), 2, "%s", line);
	cr_assert_eq(sscanf(last, "; last %63[^,]", event), 1, "%s", line);
	uint64_t slot = (id >> 40) - 1, round = id & 0xffffffffff;
	uint64_t number = last_of(reading->last[slot], round);
	cr_expect_str_eq(name, round % 2 ? "delivery.attempt" : "smtp.connection");
	cr_expect_str_eq(event, event_names[event_of(number)], "%s", line);
	/* By the program's own clock, which it read before and after the start. */
	double since_ns = (double)reading->newest_ns - duration_of(age + strlen("open for "));
	double before_ns = (double)w->page->slot[slot].start[round % WITNESS_STARTS].before_ns;
	double after_ns = (double)w->page->slot[slot].start[round % WITNESS_STARTS].after_ns;
	double error_ns = 1e6 + ((double)reading->newest_ns - since_ns) / 500;
	cr_expect(since_ns > before_ns - error_ns &&
			  (after_ns < before_ns || since_ns < after_ns + error_ns),
		  "%s: %f us before the start", line, (before_ns - since_ns) / 1000);
}

/* All that were started and not ended, by the last number of each slot; and no others. */
static void expect_open(const struct witnessed *w, const struct reading *reading, const char *said)
{
	size_t expected = 0, found = 0;
	for (uint32_t slot = 0; slot < WITNESS_SLOTS; slot++) {
		uint64_t last = reading->last[slot];
		if (last == 0)
			continue;
		uint64_t begun = (last - 1) / WITNESS_ROUND + 1, ended = 0;
		if (begun > WITNESS_OPEN)
			ended = begun - 1 - WITNESS_OPEN + (last % WITNESS_ROUND == 0);
		expected += begun - ended;
		for (uint64_t round = ended; round < begun; round++)
			cr_expect(
				strstr(said, format("spanId=%lu: open", witness_span(slot, round))),
				"round %lu of slot %u is open: %s", round, slot, said);
	}
	for (const char *line = said; (line = strstr(line, " spanId=")) != NULL; line++, found++) {
		const char *begin = line, *end = strchr(line, '\n');
		while (begin > said && begin[-1] != '\n')
			begin--;
		expect_span(w, reading, format("%.*s", (int)(end - begin), begin));
	}
	cr_expect_eq(found, expected, "%zu spans are open, not %zu: %s", expected, found, said);
}

/* No fault but the end that a killed process does not write. */
static void expect_faultless(const struct witnessed *w, const char *folder)
{
	if (!any_file(folder))
		return;
	struct run_result verified = RUN(NULL, built("rill"), "verify", "--quiet", folder);
	for (char *line = strtok(verified.out, "\n"); line; line = strtok(NULL, "\n"))
		cr_expect(strstr(line, "no end") || strstr(line, "1 fault") ||
				  strstr(line, "the file is cut") ||
				  strstr(line, "not a dump of version 1") ||
				  (w->starved && strstr(line, "are missing before")),
			  "%s", line);
	run_free(&verified);
}

char *witnessed_recover(struct witnessed *w)
{
	const struct run_options options = {.directory = w->here, .env = w->env};
	struct run_result recovered = RUN(&options, built("rill"), "recover");
	cr_assert_eq(recovered.code, 0, "%s%s", recovered.out, recovered.err);
	return recovered.out;
}

uint64_t witnessed_recovered(struct witnessed *w)
{
	char *said = witnessed_recover(w);
	struct reading reading = read_dump(w);
	for (uint32_t i = 0; i < WITNESS_SLOTS && !w->discards; i++)
		cr_expect_geq(reading.last[i], w->page->slot[i].committed, "slot %u: lost", i);
	if (reading.all) {
		expect_counts(w, &reading, said);
		/* It may have said so, and then been killed itself. */
		if (!w->discards && strstr(said, " open"))
			expect_open(w, &reading, said);
	}
	expect_faultless(w, w->dump);
	expect_faultless(w, w->here);
	reading_end(w, &reading);
	free(said);
	return reading.all;
}
