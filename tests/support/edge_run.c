#include "support/edge_run.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dump/dump.h"
#include "support/files.h"
#include "support/run.h"

#define COMPILE_TIMEOUT_MS 400000u
#define MAX_COMPLAINTS     20u

struct check {
	const struct plan *plan;
	char *folder; /* in /dev/shm: a slow disk must not decide what is lost */
	size_t emitted;
	size_t values;
	uint32_t index[PLAN_PAGES]; /* of each page's catalog in the dump */
	size_t complaints;
};

/* The records that are to come, one after the other. */
struct expected {
	const struct plan *plan;
	size_t next_site;
	size_t next_round;
	const struct site *site;
	const struct page *page;
	size_t round;
};

static bool expected_next(struct expected *e)
{
	if (e->next_site == e->plan->nsites)
		return false;
	e->site = &e->plan->sites[e->next_site];
	e->page = e->plan->pages[e->site->page];
	e->round = e->next_round++;
	if (e->next_round == site_rounds(e->plan, e->site) + site_has_literal(e->site)) {
		e->next_site++;
		e->next_round = 0;
	}
	return true;
}

static const struct value *expected_value(const struct expected *e, size_t slot)
{
	return site_value(e->plan, e->site, slot, e->round);
}

static void complain(struct check *check, const char *where, const struct expected *e, size_t slot,
		     const char *what)
{
	const struct value *value = expected_value(e, slot);
	cr_expect_fail("%s: %s %s, %s, edge '%s': %s", where, e->page->events[e->site->event],
		       e->page->keys[e->site->slots[slot].key].name, type_word(value->type),
		       value->edge, what);
	cr_assert_lt(++check->complaints, MAX_COMPLAINTS, "and so on");
}

/* --- building and running
 * --------------------------------------------------------------------------- */

static double seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void expect_success(const struct run_result *result, const char *what)
{
	cr_assert_eq(result->code, 0, "%s (%d, signal %d): %.3000s", what, result->code,
		     result->signal, result->err);
}

static void generate(const struct check *check, size_t page, const char *text)
{
	const char *name = check->plan->pages[page]->catalog;
	char *path = format("%s/%s.md", check->folder, name);
	if (!text) { /* librill has its tables */
		file_store_text(format("%s/%s.h", check->folder, name),
				"#include <rill/stalwart.h>\n");
		return;
	}
	file_store_text(path, text);
	struct run_result r = RUN(NULL, built("rill-gen"), "--name", name, "--header",
				  format("%s/%s.h", check->folder, name), "--source",
				  format("%s/%s.c", check->folder, name), path);
	expect_success(&r, "rill-gen");
	cr_assert_str_eq(r.err, "");
	run_free(&r);
}

static void compile(const struct check *check, const char *const *texts, const char *optimization)
{
	size_t parts = program_write(check->plan, check->folder);
	char *makefile = NULL;
	size_t size;
	FILE *file = open_memstream(&makefile, &size);
	fprintf(file,
		"CFLAGS = %s %s -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -I%s -I%s -pthread\n"
		"OBJECTS = main.o",
		optimization, TEST_SANITIZE, source("include"), built("include"));
	for (size_t i = 0; i < parts; i++)
		fprintf(file, " part%zu.o", i);
	for (size_t i = 0; i < check->plan->npages; i++)
		if (texts[i])
			fprintf(file, " %s.o", check->plan->pages[i]->catalog);
	fprintf(file,
		"\nprogram: $(OBJECTS)\n\t%s $(CFLAGS) -o $@ $(OBJECTS) %s -lm -lzstd\n"
		"%%.o: %%.c\n\t%s $(CFLAGS) -c -o $@ $<\n",
		TEST_CC, built("librill.a"), TEST_CC);
	fclose(file);
	file_store_text(format("%s/Makefile", check->folder), makefile);
	const struct run_options options = {.directory = check->folder,
					    .timeout_ms = COMPILE_TIMEOUT_MS};
	unsetenv("MAKEFLAGS"); /* of the make that runs the tests */
	struct run_result r = RUN(&options, "make", "-s", "-j2");
	expect_success(&r, "make");
	run_free(&r);
}

static void run_program(struct check *check)
{
	const char *folder = check->folder;
	const struct run_options options = {
		.env = (const char *const[]){
			"RILL_FILTER=*=trace", "RILL_POLICY=block", "RILL_BLOCK_TIMEOUT=60s",
			"RILL_RING_SIZE=1MiB", format("RILL_RUNTIME_DIR=%s", folder),
			format("RILL_SINKS=text:%s/text,json:%s/json,dump:%s/dump", folder, folder,
			       folder),
			NULL}};
	struct run_result r = RUN(&options, format("%s/program", folder));
	expect_success(&r, "the program");
	cr_expect_str_eq(r.err, "", "it said: %s", r.err);
	cr_assert_eq(sscanf(r.out, "emitted %zu", &check->emitted), 1, "%s", r.out);
	run_free(&r);
}

/* --- the dump, read twice
 * ----------------------------------------------------------------------------- */

static void check_record(struct check *check, const struct expected *e,
			 const struct dump_record *record, const struct rill_catalogs *catalogs)
{
	struct rill_item items[RILL_MAX_ITEMS];
	const struct rill_catalog *catalog = catalogs->catalog[record->raw.catalog];
	cr_assert_str_eq(catalog->name, e->page->catalog);
	cr_assert_str_eq(catalog->events[record->raw.event].name, e->page->events[e->site->event]);
	int count = raw_record_items(&record->raw, items);
	cr_assert_eq(count, (int)e->site->nslots, "%s", e->page->events[e->site->event]);
	for (size_t i = 0; i < e->site->nslots; i++) {
		const char *key = e->page->keys[e->site->slots[i].key].name;
		const char *differs =
			strcmp(catalog->keys[items[i].key].name, key) != 0
				? "another key"
				: value_differs_item(expected_value(e, i), &items[i], catalogs);
		if (differs)
			complain(check, "dump", e, i, differs);
		check->values++;
	}
}

static void check_dump(struct check *check)
{
	struct dump_reader *reader;
	struct dump_record record;
	struct expected e = {.plan = check->plan};
	char error[512];
	size_t records = 0, written = 0, lost = 0;
	cr_assert_eq(dump_open(&reader, format("%s/dump", check->folder), error, sizeof error), 0,
		     "%s", error);
	const struct dump_file *file = dump_file(reader, 0);
	for (uint32_t i = 0; i < file->catalogs.count; i++)
		for (size_t p = 0; p < check->plan->npages; p++)
			if (file->catalogs.catalog[i] &&
			    strcmp(file->catalogs.catalog[i]->name,
				   check->plan->pages[p]->catalog) == 0)
				check->index[p] = i;
	while (dump_next(reader, &record) == 1) {
		cr_assert(expected_next(&e), "more records than expected");
		check_record(check, &e, &record, &file->catalogs);
		records++;
	}
	for (size_t i = 0; i < file->ncounts; i++) {
		written += file->counts[i].written;
		lost += file->counts[i].discarded + file->counts[i].filtered +
			file->counts[i].failed + file->counts[i].overwritten;
	}
	cr_expect_not(expected_next(&e), "fewer records than expected");
	cr_expect_eq(records, check->emitted, "%zu of %zu in the dump", records, check->emitted);
	cr_expect_eq(written, check->emitted);
	cr_expect_eq(lost, 0);
	cr_expect_eq(file->values_cut, 0);
	cr_expect(file->finished);
	cr_expect_null(file->damage);
	dump_reader_close(reader);
}

/* Takes `text` away from the front of *line; else complains about the value with what is there. */
static void take(struct check *check, const char *where, const struct expected *e, size_t slot,
		 char **line, const char *text)
{
	if (strncmp(*line, text, strlen(text)) == 0) {
		*line += strlen(text);
		return;
	}
	size_t same = 0;
	while ((*line)[same] == text[same])
		same++;
	size_t from = same > 60 ? same - 60 : 0;
	complain(check, where, e, slot,
		 format("at byte %zu: is %.100s, not %.100s", same, *line + from, text + from));
	*line += strlen(*line);
}

static char *next_line(char **rest)
{
	char *line = *rest, *end = line ? strchr(line, '\n') : NULL;
	if (!end)
		return NULL;
	*end = '\0';
	*rest = end + 1;
	return line;
}

static void check_second(struct check *check)
{
	struct expected e = {.plan = check->plan};
	char *path = format("%s/dump", check->folder), *line;
	size_t records = 0;
	struct run_result files = RUN(NULL, "find", path, "-name", "*.rill");
	files.out[strcspn(files.out, "\n")] = '\0';
	struct run_result r =
		RUN(NULL, "python3", source("tests/dump/second_reader.py"), files.out);
	expect_success(&r, "second_reader.py");
	for (char *rest = r.out; (line = next_line(&rest));) {
		unsigned catalog, event;
		int at = 0;
		if (sscanf(line, "%*u %*u %*u %u %u %n", &catalog, &event, &at) != 2 || !at)
			continue;
		cr_assert(expected_next(&e));
		cr_assert_eq(catalog, check->index[e.site->page]);
		cr_assert_eq(event, e.site->event);
		line += at;
		for (size_t i = 0; i < e.site->nslots; i++) {
			const struct value *value = expected_value(&e, i);
			char *text = NULL;
			size_t size;
			FILE *out = open_memstream(&text, &size);
			fprintf(out, "%s%zu:%s=", i ? " " : "", e.site->slots[i].key,
				type_word(type_seen(value)));
			value_second(out, value, check->index[e.site->page]);
			fclose(out);
			take(check, "second reader", &e, i, &line, text);
			free(text);
		}
		cr_expect_str_empty(line, "more than expected: %.200s", line);
		records++;
	}
	cr_expect_eq(records, check->emitted, "%zu of %zu", records, check->emitted);
	run_free(&files);
	run_free(&r);
}

/* --- JSON, read by jq
 * --------------------------------------------------------------------------------- */

/* For each event a line, and one for each of its keys with the notes on that key. */
static const char jq_program[] =
	"def of($notes; $key): ($notes // {}) |"
	" with_entries(select(.key == $key or (.key | startswith($key + \"[\"))));"
	"select(.kind == \"event\") | . as $e |"
	"[\"@\", .catalog, .event, (.keys | length),"
	" ([.types, .raw, .cut] | map(. // {} | keys[] | split(\"[\")[0]) |"
	"  map(select(in($e.inherited // {}) | not)) | length)],"
	"(.keys | to_entries[] |"
	" [.key, .value, of($e.types; .key), of($e.raw; .key), of($e.cut; .key)])";

/* The lines of one event, as they should be. */
static char *expected_jq(const struct expected *e)
{
	char *keys = NULL, *all;
	size_t size, notes = 0;
	FILE *out = open_memstream(&keys, &size);
	for (size_t i = 0; i < e->site->nslots; i++) {
		value_jq(out, e->page, e->site->slots[i].key, expected_value(e, i), &notes);
		fputc('\n', out);
	}
	fclose(out);
	all = format("[\"@\",\"%s\",\"%s\",%zu,%zu]\n%s", e->page->catalog,
		     e->page->events[e->site->event], e->site->nslots, notes, keys);
	free(keys);
	return all;
}

static void check_json(struct check *check)
{
	struct expected e = {.plan = check->plan};
	size_t events = 0;
	struct run_result r = RUN(NULL, "jq", "-c", jq_program, format("%s/json", check->folder));
	expect_success(&r, "jq");
	char *rest = r.out, *line;
	while (expected_next(&e)) {
		char *text = expected_jq(&e), *head = text;
		char *first = next_line(&head);
		line = next_line(&rest);
		cr_assert(line, "JSON ends after %zu events", events);
		cr_assert_str_eq(line, first, "is\n%s, not\n%s", line, first);
		for (size_t i = 0; i < e.site->nslots; i++) {
			first = next_line(&head);
			line = next_line(&rest);
			cr_assert(line);
			take(check, "JSON", &e, i, &line, first);
		}
		free(text);
		events++;
	}
	cr_expect_null(next_line(&rest), "more events in JSON than expected");
	cr_expect_eq(events, check->emitted);
	run_free(&r);
}

/* --- text
 * -----------------------------------------------------------------------------------------------
 */

#define LEVEL_AT 31 /* a time stamp always has 30 characters */

static void text_free(struct text_pair *pairs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		text_free(pairs[i].value.pairs, pairs[i].value.npairs);
		free(pairs[i].value.bytes);
		free(pairs[i].key);
	}
	free(pairs);
}

static void check_line(struct check *check, const struct expected *e, const char *text)
{
	struct text_line line;
	size_t own = 0;
	const char *wrong = text_parse(&line, text);
	cr_assert_null(wrong, "not text: %.300s", wrong);
	cr_assert_str_eq(line.event, e->page->events[e->site->event]);
	while (own < line.npairs && !line.pairs[own].inherited)
		own++;
	cr_assert_eq(own, e->site->nslots, "%zu keys: %.300s", own, text);
	for (size_t i = 0; i < own; i++) {
		const char *key = e->page->keys[e->site->slots[i].key].name;
		const char *differs =
			strcmp(line.pairs[i].key, key) != 0
				? format("its key is %s", line.pairs[i].key)
				: value_differs_text(expected_value(e, i), &line.pairs[i].value);
		if (differs)
			complain(check, "text", e, i, differs);
	}
	text_free(line.pairs, line.npairs);
	free(line.time);
	free(line.level);
	free(line.event);
	free(line.brief);
	free(line.place);
}

static void check_text(struct check *check)
{
	struct expected e = {.plan = check->plan};
	size_t lines = 0;
	char *rest = file_load(format("%s/text", check->folder), NULL), *line;
	while ((line = next_line(&rest))) {
		if (strncmp(line + LEVEL_AT, "SPAN ", 5) == 0)
			continue;
		cr_assert(expected_next(&e), "more lines than expected");
		check_line(check, &e, line);
		lines++;
	}
	cr_expect_eq(lines, check->emitted, "%zu of %zu", lines, check->emitted);
}

void plan_check(const struct plan *plan, const char *const *page_texts, const char *optimization)
{
	struct check check = {.plan = plan, .folder = strdup("/dev/shm/rill-test-XXXXXX")};
	double start = seconds(), compiled, ran;
	cr_assert(mkdtemp(check.folder), "no folder in /dev/shm");
	for (size_t i = 0; i < plan->npages; i++)
		generate(&check, i, page_texts[i]);
	compile(&check, page_texts, optimization);
	compiled = seconds();
	run_program(&check);
	ran = seconds();
	check_dump(&check);
	check_second(&check);
	check_json(&check);
	check_text(&check);
	fprintf(stderr,
		"%zu events and %zu values, each read back four times: compiled in %.1f s, ran "
		"%.1f s, "
		"compared in %.1f s\n",
		check.emitted, check.values, compiled - start, ran - compiled, seconds() - ran);
	if (!check.complaints)
		folder_remove(check.folder);
}
