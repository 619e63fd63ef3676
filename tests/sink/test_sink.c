/* Specs, levels, and the books: every entry of every batch ends as written, filtered or failed. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "../support/entries.h"
#include "../support/files.h"

Test(sink, a_wrong_spec_is_refused_with_a_sentence_that_names_what_is_wrong)
{
	static const struct {
		const char *spec, *error;
	} specs[] = {
		{"", "not of the form TYPE:TARGET, such as text:stderr"},
		{"text", "not of the form TYPE:TARGET, such as text:stderr"},
		{"/var/log/x", "not of the form TYPE:TARGET, such as text:stderr"},
		{"txt:stderr", "no type is called \"txt\"; there are text, json and dump"},
		{":stderr", "no type is called \"\"; there are text, json and dump"},
		{"text:", "there is no target behind the colon"},
		{"text:?color=never", "there is no target behind the colon"},
		{"text:stdrr",
		 "\"stdrr\" is neither stderr, stdout, nor a path (write a file in the "
		 "current directory as \"./stdrr\")"},
		{"text:stderr?colour=never", "no option is called \"colour\"; there are color, "
					     "multiline, time, queue and level"},
		{"json:stderr?color=never",
		 "no option is called \"color\"; there are queue and level"},
		{"text:stderr?color=yes", "color is not \"yes\" but one of auto always never"},
		{"text:stderr?multiline=true", "multiline is not \"true\" but one of 0 1"},
		{"text:stderr?level=warning",
		 "level is not \"warning\" but one of trace debug info warn error"},
		{"text:stderr?level=", "option \"level=\" is not NAME=VALUE"},
		{"text:stderr?level", "option \"level\" is not NAME=VALUE"},
		{"text:stderr?", "option \"\" is not NAME=VALUE"},
		{"text:stderr?level=warn&", "option \"\" is not NAME=VALUE"},
		{"text:stderr?level=warn&level=info", "option \"level\" is given twice"},
		{"json:stderr?queue=big",
		 "queue is not \"big\" but a number of bytes, such as 65536, 64KiB or 4MiB"},
		{"json:stderr?queue=-1",
		 "queue is not \"-1\" but a number of bytes, such as 65536, 64KiB or 4MiB"},
		{"json:stderr?queue=99999999999999999999",
		 "queue is not \"99999999999999999999\" but a number of bytes, such as 65536, "
		 "64KiB "
		 "or 4MiB"},
		{"json:stderr?queue=1", "queue is 0, or from 4KiB to 1GiB, not 1 bytes"},
		{"json:/x/100%/y",
		 "target \"/x/100%/y\": % is followed by two hexadecimal digits (%25 "
		 "is a %)"},
		{"json:/%00",
		 "target \"/%00\": % is followed by two hexadecimal digits (%25 is a %)"},
		{"json:stderr?level=%zz",
		 "value of option \"level\": % is followed by two hexadecimal digits"},
		{"json:/nonexistent/log/x.json",
		 "directory \"/nonexistent/log\" does not exist; rill "
		 "creates files, not directories"},
		{"json:/", "cannot open \"/\": Is a directory"},
	};
	for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++) {
		struct sink *sink = NULL;
		char error[512] = "";
		cr_expect_lt(sink_open(&sink, specs[i].spec, error, sizeof error), 0, "%s",
			     specs[i].spec);
		cr_expect_null(sink);
		cr_expect_str_eq(error, format("sink \"%s\": %s", specs[i].spec, specs[i].error));
	}
}

Test(sink, options_may_stand_in_any_order_and_escapes_stand_for_characters)
{
	char *folder = folder_make();
	char *spec = format("text:%s/a%%3f%%26%%2C%%25?queue=0&level=warn&color=%%6eever&time=utc",
			    folder);
	struct sink *sink = open_sink(spec);
	write_record(sink, RECORD(STEP, 1, item_u64(ID_KEY, 1)));
	write_record(sink, RECORD(WARNING, 1, item_u64(ID_KEY, 2)));
	cr_expect_str_eq(sink_spec(sink), spec);
	sink_close(sink);
	char *text = file_load(format("%s/a?&,%%", folder), NULL);
	cr_expect(strstr(text, "spanId=2") && !strstr(text, "spanId=1"), "%s", text);
	folder_remove(folder);
}

static void expect_count(const struct sink_count *count, uint64_t written, uint64_t filtered,
			 uint64_t failed)
{
	cr_expect_eq(count->written, written, "written %zu", (size_t)count->written);
	cr_expect_eq(count->filtered, filtered, "filtered %zu", (size_t)count->filtered);
	cr_expect_eq(count->failed, failed, "failed %zu", (size_t)count->failed);
}

/* The sum over the events of both catalogs is the total. */
static void expect_sum(const struct sink *sink)
{
	struct sink_count sum = {0};
	struct sink_totals totals;
	for (uint32_t i = 0; i < 300; i++) {
		size_t n = 0;
		const struct sink_count *counts = sink_counts(sink, i, &n);
		for (size_t j = 0; counts && j < n; j++) {
			sum.written += counts[j].written;
			sum.filtered += counts[j].filtered;
			sum.failed += counts[j].failed;
		}
	}
	sink_totals(sink, &totals);
	expect_count(&totals.records, sum.written, sum.filtered, sum.failed);
}

Test(sink, counts_by_catalog_and_event_and_spans_apart)
{
	const struct rill_entry *entries;
	size_t count = story(&entries), n;
	char *folder = folder_make();
	struct sink *sink = open_sink(format("json:%s/log?level=info", folder));
	struct rill_record *other = RECORD(WARNING, 1, item_u64(ID_KEY, 1));
	struct sink_totals totals;
	other->catalog_index = 255;
	cr_expect_null(sink_counts(sink, 0, &n));
	write_entries(sink, entries, count);
	write_entries(sink, entries, 0);
	write_record(sink, other);
	const struct sink_count *counts = sink_counts(sink, 0, &n);
	cr_assert_eq(n, DEMO_EVENTS);
	expect_count(&counts[CONNECT], 1, 0, 0);
	expect_count(&counts[STEP], 0, 1, 0);
	expect_count(&counts[WARNING], 1, 0, 0);
	expect_count(&counts[ODD], 0, 1, 0);
	expect_count(&sink_counts(sink, 255, &n)[WARNING], 1, 0, 0);
	sink_totals(sink, &totals);
	expect_count(&totals.records, 4, 2, 0);
	/* demo.tick starts with a trace event: its span goes, whatever the level of its end. */
	expect_count(&totals.spans, 2, 1, 0);
	expect_sum(sink);
	struct output output = sink_output(sink);
	cr_expect_eq(output.flush(output.state), 0);
	output.close(output.state);
	folder_remove(folder);
}

/* Events in runs of all lengths, of two catalogs, with spans between them. */
Test(sink, each_of_a_batch_is_counted)
{
	static struct rill_entry batch[500];
	uint64_t should[2][DEMO_EVENTS] = {0}, nspans = 0;
	const struct rill_entry *entries;
	struct sink_totals totals;
	const struct rill_span *span = NULL;
	for (size_t i = 0, count = story(&entries); i < count; i++)
		if (entries[i].span)
			span = entries[i].span;
	for (size_t i = 0, left = 0; i < 500; i++, left--) {
		static uint16_t event;
		static size_t catalog;
		if (!left) {
			left = 1 + random_u64() % 9;
			event = (uint16_t)(random_u64() % DEMO_EVENTS);
			catalog = random_u64() % 2;
		}
		struct rill_record *r = RECORD(event, i, item_u64(ID_KEY, i));
		r->catalog_index = (uint16_t)catalog;
		bool is_span = random_u64() % 20 == 0;
		batch[i] = is_span ? (struct rill_entry){.span = span}
				   : (struct rill_entry){.record = r};
		*(is_span ? &nspans : &should[catalog][event]) += 1;
	}
	struct sink *sink = open_sink("text:/dev/null");
	write_entries(sink, batch, 500);
	for (uint32_t catalog = 0; catalog < 2; catalog++) {
		size_t n;
		const struct sink_count *counts = sink_counts(sink, catalog, &n);
		for (size_t event = 0; event < n; event++)
			expect_count(&counts[event], should[catalog][event], 0, 0);
	}
	sink_totals(sink, &totals);
	expect_count(&totals.records, 500 - nspans, 0, 0);
	expect_count(&totals.spans, nspans, 0, 0);
	sink_close(sink);
}

Test(sink, what_a_full_device_does_not_take_counts_as_failed)
{
	const struct rill_entry *entries;
	size_t count = story(&entries), n;
	struct sink *sink = open_sink("text:/dev/full?level=info");
	struct sink_totals totals;
	write_entries(sink, entries, count);
	write_entries(sink, entries, count);
	expect_count(&sink_counts(sink, 0, &n)[CONNECT], 0, 0, 2);
	expect_count(&sink_counts(sink, 0, &n)[STEP], 0, 2, 0);
	sink_totals(sink, &totals);
	expect_count(&totals.records, 0, 4, 6);
	expect_count(&totals.spans, 0, 2, 4);
	expect_sum(sink);
	sink_close(sink);
}

Test(sink, keys_are_inherited_once_from_the_inside_out)
{
	const struct rill_entry *entries;
	const struct rill_item *items[8];
	size_t count = story(&entries);
	cr_assert_geq(count, 3);
	/* The start of a span has its keys as its own. */
	cr_expect_eq(rill_record_inherited(entries[0].record, items, 8), 0);
	struct rill_record inside = *entries[2].record;
	inside.nitems = 1; /* details */
	inside.event_id = STEP;
	cr_assert_eq(rill_record_inherited(&inside, items, 8), 4);
	cr_expect_eq(items[0]->key, ID_KEY);
	cr_expect_eq(items[1]->key, STRING_KEY); /* of demo.tick */
	cr_expect_eq(items[2]->key, IP_KEY);     /* of demo.connection */
	cr_expect_eq(items[3]->key, BOOL_KEY);
	cr_expect_eq(rill_record_inherited(&inside, items, 2), 2);
	inside.event_id = TICK_END; /* of its own span too */
	cr_expect_eq(rill_record_inherited(&inside, items, 8), 4);
	inside.event_id = TICK_START; /* of the spans around it only */
	cr_expect_eq(rill_record_inherited(&inside, items, 8), 3);
	inside.catalog = NULL; /* another catalog's keys are not these */
	cr_expect_eq(rill_record_inherited(&inside, items, 8), 0);
}
