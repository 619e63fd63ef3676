/* Values that are too long for a record are cut, say so, and are counted; in small and large rings,
 * and from signal handlers. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "support/cut_cases.h"
#include "support/files.h"
#include "support/traced.h"
#include "support/value.h"

#define RECORD_PART  8          /* a record takes at most this part of its ring */
#define HANDLER_RING (64 << 10) /* of the ring for handlers */
#define ABSURD       (UINT64_C(1) << 40)
/* Header, tags, words and padding of a record with two slots; and what its other value might take.
 */
#define FRAME  64
#define OTHERS 2047
#define SLACK  (FRAME + OTHERS)

struct cut_run {
	struct traced traced;
	size_t record_max;
	uint64_t cut; /* values that were found to be */
	struct page page;
	char *jq;    /* what jq says of the keys, line by line */
	char *lines; /* of the text sink */
};

static uint64_t original_of(uint64_t length)
{
	return length < UINT32_MAX ? length : UINT32_MAX;
}

static void expect_text(struct cut_run *run, const struct cut_text *text,
			const struct rill_item *item)
{
	static char filled[CUT_BYTES];
	size_t width = strlen(text->character),
	       had = text->length < CUT_BYTES ? text->length : CUT_BYTES;
	cut_fill(filled, had, text);
	cr_assert_eq(item->type, text->bytes ? RILL_TYPE_BYTES : RILL_TYPE_STRING, "%s",
		     text->name);
	cr_expect_eq(item->original_size, original_of(text->length), "%s: had %u bytes", text->name,
		     item->original_size);
	cr_expect_eq(item->cut, item->size < text->length, "%s", text->name);
	run->cut += item->cut;
	if (text->length >= ABSURD) {
		cr_expect_eq(item->size, 0, "%s", text->name);
		return;
	}
	cr_assert_leq(item->size, had, "%s", text->name);
	cr_expect_eq(memcmp(item->bytes, filled, item->size), 0, "%s", text->name);
	if (text->length + FRAME <= run->record_max)
		cr_expect_eq(item->size, text->length, "%s has %u", text->name, item->size);
	else
		cr_expect_geq(item->size + SLACK, run->record_max, "%s: only %u of %zu", text->name,
			      item->size, run->record_max);
	if (item->cut && !text->bytes)
		cr_expect_eq((item->size - text->before) % width, 0,
			     "%s: ends in a character, at %u", text->name, item->size);
}

static void expect_sixteen(struct cut_run *run, const uint64_t lengths[4],
			   const struct traced_record *record)
{
	cr_assert_eq(record->nitems, 16);
	for (int i = 0; i < 16; i++) {
		const struct rill_item *item = &record->items[i];
		uint64_t length = lengths[i % 4];
		cr_expect_eq(item->original_size, original_of(length));
		cr_expect_eq(item->cut, item->size < length);
		run->cut += item->cut;
		if (length >= ABSURD)
			cr_expect_eq(item->size, 0);
		else if (length <= 255) /* the short are not cut for the long */
			cr_expect_eq(item->size, length);
		else
			cr_expect_geq(item->size, 255);
		for (uint32_t k = 0; k < item->size; k++)
			cr_assert_eq(item->bytes[k], 'a');
	}
}

/* Elements of a list or event. Returns how many. */
static size_t elements(const struct rill_item *item, const struct rill_catalogs *catalogs,
		       struct rill_item *to, size_t max)
{
	struct rill_nested nested;
	size_t count = 0;
	cr_assert_eq(rill_nested_open(&nested, item, catalogs), 0);
	while (count < max && rill_nested_next(&nested, &to[count]) == 1)
		count++;
	return count;
}

static void expect_nested(struct cut_run *run, size_t which, const struct rill_item *item,
			  const struct rill_catalogs *catalogs)
{
	static struct rill_item found[CUT_ELEMENTS], inner[CUT_ELEMENTS];
	size_t count = elements(item, catalogs, found, CUT_ELEMENTS), in;
	bool cut = which != CUT_ABSURD_TEXT && which != CUT_ABSURD_INNER && which != CUT_DEPTH;
	cr_expect_eq(item->cut, cut, "case %zu", which);
	run->cut += cut;
	switch (which) {
	case CUT_NUMBERS:
		cr_expect_eq(item->original_size, 8 + 12 * CUT_ELEMENTS);
		cr_expect_geq(12 * count + 2 * FRAME + OTHERS, run->record_max, "only %zu kept",
			      count);
		for (size_t i = 0; i < count; i++)
			cr_assert_eq(found[i].u64, i);
		break;
	case CUT_STRINGS:
		cr_expect_eq(item->original_size, 8 + 112 * CUT_STRING_ELEMENTS);
		cr_expect_geq(112 * count + 112 + SLACK, run->record_max, "only %zu kept", count);
		for (size_t i = 0; i < count; i++)
			cr_assert(found[i].size == 100 && !found[i].cut);
		break;
	case CUT_IN_LIST:
		cr_assert_eq(count, 2, "what is behind the cut list has no room");
		cr_expect_eq(found[0].u64, 1);
		cr_expect(found[1].cut);
		cr_expect_eq(found[1].original_size, 8 + 12 * CUT_ELEMENTS);
		in = elements(&found[1], catalogs, inner, CUT_ELEMENTS);
		cr_expect_geq(12 * in + 2 * FRAME + OTHERS, run->record_max, "only %zu kept", in);
		run->cut++;
		break;
	case CUT_IN_EVENT:
		cr_assert_eq(count, 1, "a key that does not fit is left out, and those behind it");
		cr_expect_eq(found[0].u64, 1);
		break;
	case CUT_ABSURD_TEXT:
	case CUT_ABSURD_INNER:
		cr_assert_eq(count, 3);
		cr_expect(found[1].cut, "an element of absurd length");
		cr_expect_eq(found[0].u64 + found[2].u64, 3);
		run->cut++;
		break;
	case CUT_ABSURD_COUNT:
		cr_expect_eq(count, 0);
		break;
	default:
		for (int depth = 1; depth < 9; depth++) {
			cr_assert_eq(count, 2);
			cr_expect_eq(found[0].u64, 1);
			cr_expect_eq(found[1].cut, depth == 8, "depth %d", depth);
			struct rill_item next = found[1];
			count = elements(&next, catalogs, found, 2);
		}
		cr_expect_eq(count, 0, "nothing is kept 9 deep");
		run->cut++;
	}
}

/* --- the dump's value in text and JSON
 * ------------------------------------------------------------- */

static struct value *value_of(const struct cut_run *run, const struct rill_item *item,
			      const struct rill_catalogs *catalogs, unsigned depth)
{
	struct value *value = calloc(1, sizeof *value);
	value->type = (enum rill_type)item->type;
	value->edge = "";
	value->word = item->type < RILL_TYPE_STRING ? item->u64 : 0;
	value->bytes = item->bytes;
	value->size = item->size;
	value->original = item->cut ? item->original_size : 0;
	value->too_deep = depth >= 8;
	if (item->type != RILL_TYPE_LIST && item->type != RILL_TYPE_EVENT)
		return value;
	struct rill_nested nested;
	struct rill_item element;
	cr_assert_eq(rill_nested_open(&nested, item, catalogs), 0);
	if (item->type == RILL_TYPE_EVENT) {
		value->page = &run->page;
		value->event = (size_t)(nested.event - nested.catalog->events);
	}
	value->members = calloc(nested.count + 1, sizeof *value->members);
	value->keys = calloc(nested.count + 1, sizeof *value->keys);
	while (rill_nested_next(&nested, &element) == 1) {
		value->keys[value->nmembers] = element.key;
		value->members[value->nmembers++] = value_of(run, &element, catalogs, depth + 1);
	}
	return value;
}

static char *take_line(char **rest)
{
	char *line = *rest, *end = strchr(line, '\n');
	cr_assert(end, "no more lines");
	*end = '\0';
	*rest = end + 1;
	return line;
}

static void expect_marked(struct cut_run *run, const struct traced_record *record,
			  const struct rill_catalogs *catalogs)
{
	struct text_line line;
	const char *wrong = text_parse(&line, take_line(&run->lines));
	cr_assert_null(wrong, "%.100s", wrong);
	cr_assert_str_eq(line.event, record->event);
	cr_assert_eq(line.npairs, (size_t)record->nitems);
	for (int i = 0; i < record->nitems; i++) {
		const struct rill_item *item = &record->items[i];
		const struct value *value = value_of(run, item, catalogs, 0);
		const char *differs = value_differs_text(value, &line.pairs[i].value);
		char *expected = NULL, *json = take_line(&run->jq);
		size_t size, notes = 0, same = 0;
		FILE *out = open_memstream(&expected, &size);
		value_jq(out, &run->page, item->key, value, &notes);
		fclose(out);
		cr_expect_null(differs, "text of %s: %s", line.pairs[i].key, differs);
		while (json[same] && json[same] == expected[same])
			same++;
		cr_expect_str_eq(json + same, expected + same, "JSON is %.90s, not %.90s",
				 json + same, expected + same);
		free(expected);
	}
}

static void read_page(struct cut_run *run, const struct rill_catalog *catalog)
{
	run->page = (struct page){catalog->name, calloc(catalog->nkeys, sizeof(struct page_key)),
				  calloc(catalog->nevents, sizeof(char *)), catalog->nkeys,
				  catalog->nevents};
	for (size_t i = 0; i < catalog->nkeys; i++)
		run->page.keys[i] =
			(struct page_key){catalog->keys[i].name, catalog->keys[i].types};
	for (size_t i = 0; i < catalog->nevents; i++)
		run->page.events[i] = catalog->events[i].name;
}

static void expect_case(struct cut_run *run, size_t number, const struct traced_record *record,
			const struct rill_catalogs *catalogs)
{
	if (number < CUT_TEXTS)
		expect_text(run, &cut_texts[number], &record->items[1]);
	else if (number < CUT_TEXTS + CUT_SIXTEENS)
		expect_sixteen(run, cut_sixteens[number - CUT_TEXTS], record);
	else
		expect_nested(run, number - CUT_TEXTS - CUT_SIXTEENS, &record->items[1], catalogs);
	cr_expect_leq(record->at.raw.size, run->record_max, "case %zu", number);
}

static void expect_all(struct cut_run *run)
{
	struct traced_record record;
	size_t number = 0;
	const struct dump_file *file = dump_file(run->traced.dump, 0);
	while (traced_next(&run->traced, &record)) {
		if (strcmp(record.event, "smtp.noop") == 0)
			continue; /* what the handler has interrupted */
		if (number == 0)
			read_page(run, record.catalog);
		cr_assert_lt(number, CUT_CASES);
		expect_case(run, number++, &record, &file->catalogs);
		expect_marked(run, &record, &file->catalogs);
	}
	cr_expect_eq(number, CUT_CASES, "%zu of %zu cases", number, CUT_CASES);
	cr_expect_eq(traced_number(&run->traced, "discarded"), 0);
	cr_expect_eq(traced_number(&run->traced, "cut"), run->cut, "%zu cut, %zu counted",
		     (size_t)run->cut, (size_t)traced_number(&run->traced, "cut"));
	cr_expect_eq(file->values_cut, run->cut);
}

/* Lines of a text file without those that name the event. */
static char *lines_without(char *text, const char *event)
{
	char *to = text;
	for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
		size_t size = (size_t)(end - line) + 1;
		if (memmem(line, size, event, strlen(event)))
			continue;
		memmove(to, line, size);
		to += size;
	}
	*to = '\0';
	return text;
}

static void expect_cuts_of(const char *program_name, const char *ring_size, size_t ring_bytes,
			   const char *where)
{
	static const char program[] =
		"def of($n; $k): ($n // {}) | with_entries(select(.key == $k or"
		" (.key | startswith($k + \"[\"))));"
		"select(.event != \"smtp.noop\") | . as $e | (.keys | to_entries[] |"
		" [.key, .value, of($e.types; .key), of($e.raw; .key), of($e.cut; .key)])";
	bool handler = strcmp(where, "handler") == 0;
	struct cut_run run = {.record_max = (handler ? HANDLER_RING : ring_bytes) / RECORD_PART};
	char *folder = folder_make();
	char *text = format("%s/text", folder), *json = format("%s/json", folder);
	run.traced = TRACED(0,
			    ENV(format("RILL_RING_SIZE=%s", ring_size), "RILL_POLICY=block",
				"RILL_BLOCK_TIMEOUT=30s"),
			    program_name, where, format("text:%s", text), format("json:%s", json));
	struct run_result jq = RUN(NULL, "jq", "-c", program, json);
	cr_assert_eq(jq.code, 0, "%s", jq.err);
	run.jq = jq.out;
	run.lines = lines_without(file_load(text, NULL), " smtp.noop ");
	expect_all(&run);
	folder_remove(folder);
	traced_end(&run.traced);
}

/* In both forms of an event. */
static void expect_cuts(const char *ring_size, size_t ring_bytes, const char *where)
{
	expect_cuts_of("cut", ring_size, ring_bytes, where);
	expect_cuts_of("cut-compact", ring_size, ring_bytes, where);
}

Test(cut, in_small_rings, .timeout = 120)
{
	expect_cuts("64KiB", 64 << 10, "main");
}

Test(cut, in_rings_of_the_default_size, .timeout = 120)
{
	expect_cuts("256KiB", 256 << 10, "main");
}

Test(cut, in_large_rings, .timeout = 120)
{
	expect_cuts("4MiB", 4 << 20, "main");
}

/* The ring for handlers is small, whatever the thread's own is. */
Test(cut, from_a_handler_in_small_rings, .timeout = 120)
{
	expect_cuts("64KiB", 64 << 10, "handler");
}

Test(cut, from_a_handler_in_large_rings, .timeout = 120)
{
	expect_cuts("4MiB", 4 << 20, "handler");
}
