/* What a reader leaves out: against a reader of everything. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "../support/files.h"
#include "../support/records.h"
#include "dump/dump.h"
#include "dump/filter.h"

#define SESSIONS 40u
#define CHUNKS   2600u
#define EACH     20u
#define MOST     (CHUNKS * EACH)

struct seen {
	uint64_t ns;
	uint64_t id;
	uint16_t event;
	bool context;
	bool plain;
};

struct sample {
	char *folder;
	unsigned char starts[SESSIONS][128]; /* of the open ones */
	size_t sizes[SESSIONS];
	uint64_t ids[SESSIONS];
};

static uint64_t random_state = 88172645463325252u;

static uint64_t random_next(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	return random_state ^= random_state << 17;
}

static bool is_identity(void *context, uint8_t catalog, uint16_t key)
{
	(void)context;
	return catalog == 0 && filter_is_identity(&records_catalog, key);
}

static void put_open(struct sample *sample, struct dump_writer *writer, struct dump_pack *pack)
{
	uint64_t at = 0;
	bool bad;
	dump_pack_begin(pack);
	for (size_t s = 0; s < SESSIONS; s++) {
		if (!sample->sizes[s])
			continue;
		struct dump_chunk chunk = {s, 1, at, at + sample->sizes[s]};
		at = dump_pack_add(pack, &chunk, sample->starts[s], &bad);
		cr_assert_eq(at, chunk.to);
	}
	cr_assert_eq(dump_put_open(writer, pack), 0);
}

static size_t put_step(struct sample *sample, unsigned char *to, uint64_t ticks)
{
	static uint64_t id;
	size_t s = random_next() % SESSIONS;
	bool start = !sample->sizes[s], end = !start && random_next() % 30 == 0;
	if (start)
		sample->ids[s] = ++id;
	struct slot slots[] = {slot_u64(KEY_ID, sample->ids[s]), slot_text(KEY_NOTE, "step")};
	uint16_t event = start ? EVENT_CONN_START : end ? EVENT_CONN_END : EVENT_WORK;
	size_t size = record_put(to, ticks, 0, event, slots, 2);
	sample->sizes[s] = end ? 0 : start ? size : sample->sizes[s];
	if (start)
		memcpy(sample->starts[s], to, size);
	return size;
}

/* Ticks are nanoseconds: a record at 10, 20, 30... */
static void make(struct sample *sample)
{
	const struct dump_process process = {.pid = 1, .id = {1, 2}, .start_ns = 3, .program = "p"};
	const struct clock_point plain = {.rate = (uint64_t)1 << 32};
	const struct dump_pack_hooks hooks = {.identity = is_identity};
	static unsigned char bytes[EACH * 128];
	struct dump_pack *pack = dump_pack_new();
	struct dump_writer *writer;
	char error[256];
	uint64_t ticks = 0, position = 0;
	memset(sample, 0, sizeof *sample);
	sample->folder = folder_make();
	dump_pack_hook(pack, &hooks);
	cr_assert_eq(dump_create(&writer, sample->folder, &process, error, sizeof error), 0);
	cr_assert_eq(dump_put_catalog(writer, 0, &records_catalog), 0);
	cr_assert_eq(dump_put_clock(writer, &plain), 0);
	for (size_t c = 0; c < CHUNKS; c++) {
		size_t size = 0;
		bool bad;
		for (size_t i = 0; i < EACH; i++)
			size += put_step(sample, bytes + size, ticks += 10);
		struct dump_chunk chunk = {1, 1, position, position + size};
		dump_pack_begin(pack);
		position = dump_pack_add(pack, &chunk, bytes, &bad);
		cr_assert_eq(position, chunk.to);
		cr_assert_eq(dump_put_pack(writer, pack), 0);
		if (c % 300 == 299)
			put_open(sample, writer, pack);
	}
	cr_assert_eq(dump_close(writer), 0);
	dump_pack_free(pack);
}

static size_t read_wanted(const char *folder, const struct dump_want *want, struct seen *seen)
{
	struct dump_reader *reader;
	struct dump_record record;
	struct rill_item items[RILL_MAX_ITEMS];
	char error[256];
	size_t count = 0;
	cr_assert_eq(
		dump_open_all(&reader, (const char *const *)&folder, 1, want, error, sizeof error),
		0, "%s", error);
	while (dump_next(reader, &record) == 1) {
		cr_assert_lt(count, MOST + SESSIONS);
		cr_assert_eq(raw_record_items(&record.raw, items), 2);
		seen[count++] = (struct seen){record.ns, items[0].u64, record.raw.event,
					      record.context, record.plain};
	}
	cr_expect_null(dump_file(reader, 0)->damage, "%s", dump_file(reader, 0)->damage);
	cr_expect(dump_file(reader, 0)->indexed);
	dump_reader_close(reader);
	return count;
}

static struct seen all[MOST + SESSIONS], some[MOST + SESSIONS];

/* The spans that are open at a time, by id, are those whose start is context and whose end is not.
 */
static void expect_context(size_t nall, size_t nsome, uint64_t since_ns)
{
	static bool open[MOST], told[MOST];
	memset(open, 0, sizeof open);
	memset(told, 0, sizeof told);
	for (size_t i = 0; i < nall && all[i].ns < since_ns; i++)
		if (all[i].event != EVENT_WORK)
			open[all[i].id] = all[i].event == EVENT_CONN_START;
	for (size_t i = 0; i < nsome; i++) {
		cr_expect_eq(some[i].context, some[i].ns < since_ns);
		cr_expect(!some[i].context || some[i].event != EVENT_WORK);
		if (some[i].context && some[i].event == EVENT_CONN_START)
			cr_expect(!told[some[i].id], "a start comes twice");
		if (some[i].context)
			told[some[i].id] = some[i].event == EVENT_CONN_START;
	}
	cr_expect_arr_eq(open, told, sizeof open);
}

Test(want, a_time_range_has_its_records_and_the_spans_around_it)
{
	struct sample sample;
	make(&sample);
	size_t nall = read_wanted(sample.folder, NULL, all);
	cr_assert_eq(nall, MOST);
	for (int round = 0; round < 40; round++) {
		uint64_t since = random_next() % (10 * MOST), until = since + random_next() % 50000;
		struct dump_want want = {.since_ns = since, .until_ns = until};
		size_t n = read_wanted(sample.folder, &want, some), first = 0, at = 0;
		expect_context(nall, n, since);
		size_t context = 0;
		/* From the last set of open spans on, context is what has changed since. */
		while (at < n && some[at].context)
			at++;
		context = at;
		cr_expect_leq(at, SESSIONS + 302 * EACH / 10);
		while (first < nall && all[first].ns < since)
			first++;
		for (; first < nall && all[first].ns < until; first++, at++)
			cr_assert(at < n && some[at].ns == all[first].ns);
		cr_expect_eq(at, n);
		want.alone = true;
		cr_expect_eq(read_wanted(sample.folder, &want, some), n - context);
	}
	folder_remove(sample.folder);
}

static bool is_end(void *context, const struct rill_catalog *catalog, uint16_t event)
{
	(void)context;
	(void)catalog;
	return event == EVENT_CONN_END;
}

Test(want, events_that_are_not_wanted_come_as_context_or_not_at_all)
{
	struct sample sample;
	make(&sample);
	size_t nall = read_wanted(sample.folder, NULL, all), ends = 0, starts = 0;
	for (size_t i = 0; i < nall; i++) {
		ends += all[i].event == EVENT_CONN_END;
		starts += all[i].event == EVENT_CONN_START;
	}
	struct dump_want want = {.event = is_end};
	size_t n = read_wanted(sample.folder, &want, some);
	cr_expect_eq(n, ends + starts);
	for (size_t i = 0; i < n; i++)
		cr_expect_eq(some[i].context, some[i].event == EVENT_CONN_START);
	want.alone = true;
	cr_expect_eq(read_wanted(sample.folder, &want, some), ends);
	folder_remove(sample.folder);
}

Test(want, an_id_has_all_its_records_and_few_others)
{
	struct sample sample;
	make(&sample);
	size_t nall = read_wanted(sample.folder, NULL, all);
	for (uint64_t wanted = 1; wanted < 400; wanted += 57) {
		struct dump_id id = {.key = "id", .word = wanted};
		struct dump_want want = {.ids = &id, .nids = 1};
		size_t n = read_wanted(sample.folder, &want, some), mine = 0, found = 0;
		for (size_t i = 0; i < nall; i++)
			mine += all[i].id == wanted;
		for (size_t i = 0; i < n; i++)
			found += some[i].id == wanted;
		cr_expect(mine > 0 && found == mine, "%zu of %zu", found, mine);
		cr_expect_lt(n, nall / 4);
	}
	/* Nothing is said of a key that is no identity; of one that is not there, that it is not.
	 */
	struct dump_id note = {.key = "note", .word = 7}, none = {.key = "nothing", .word = 7};
	struct dump_want want = {.ids = &note, .nids = 1};
	cr_expect_eq(read_wanted(sample.folder, &want, some), nall);
	want.ids = &none;
	cr_expect_eq(read_wanted(sample.folder, &want, some), 0);
	folder_remove(sample.folder);
}

static int by_time(const void *left, const void *right)
{
	const struct seen *a = left, *b = right;
	return (a->ns > b->ns) - (a->ns < b->ns);
}

Test(want, in_any_order_all_come_once_and_those_of_spans_in_order)
{
	struct sample sample;
	make(&sample);
	struct dump_want want = {.any_order = true};
	size_t nall = read_wanted(sample.folder, NULL, all);
	size_t n = read_wanted(sample.folder, &want, some), late = 0;
	uint64_t role_ns = 0, ns = 0;
	cr_assert_eq(n, nall);
	for (size_t i = 0; i < n; i++) {
		late += some[i].ns < ns;
		ns = some[i].ns;
		cr_expect_eq(some[i].plain, some[i].event == EVENT_WORK);
		if (some[i].event == EVENT_WORK)
			continue;
		cr_expect_gt(some[i].ns, role_ns);
		role_ns = some[i].ns;
	}
	cr_expect_gt(late, CHUNKS / 4, "nothing was read out of order");
	qsort(some, n, sizeof *some, by_time);
	for (size_t i = 0; i < n; i++)
		cr_assert(some[i].ns == all[i].ns && some[i].id == all[i].id &&
			  some[i].event == all[i].event && some[i].plain == all[i].plain);
	folder_remove(sample.folder);
}
