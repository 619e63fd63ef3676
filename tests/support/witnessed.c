#include "support/witnessed.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dump/dump.h"
#include "support/files.h"

/* --- running ------------------------------------------------------------------------------- */

struct witnessed witnessed_make(const char *options, bool discards)
{
	struct witnessed w = {.folder = strdup("/dev/shm/rill-test-XXXXXX"), .discards = discards};
	cr_assert(mkdtemp(w.folder), "no folder in /dev/shm");
	w.dump = format("%s/dump", w.folder);
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

static struct reading read_dump(const struct witnessed *w)
{
	struct reading reading = {0};
	struct dump_record record;
	char error[512];
	int result = dump_open(&reading.dump, w->dump, error, sizeof error);
	if (result == -ENOENT)
		return reading; /* killed before it made one */
	cr_assert_eq(result, 0, "%s", error);
	while (dump_next(reading.dump, &record) == 1) {
		const struct rill_catalog *catalog = dump_origin(reading.dump, record.origin)
							     ->catalogs.catalog[record.raw.catalog];
		cr_assert(catalog, "a record without a catalog");
		if (catalog != reading.catalog)
			learn(&reading, catalog);
		if (!record.context)
			take(w, &reading, &record);
	}
	return reading;
}

uint64_t witnessed_dump(struct witnessed *w)
{
	struct reading reading = read_dump(w);
	w->ntold = 0;
	for (size_t i = 0; reading.dump && i < dump_file_count(reading.dump); i++)
		w->ntold += dump_file(reading.dump, i)->damage != NULL;
	if (reading.dump)
		dump_reader_close(reading.dump);
	for (size_t i = 0; i < WITNESS_SLOTS; i++)
		free(reading.seen[i]);
	return reading.all;
}
