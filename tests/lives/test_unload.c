/* Objects with events of their own that come and go while everything else goes on. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "support/files.h"
#include "support/run.h"
#include "support/traced.h"

#define SANITIZED (strstr(TEST_SANITIZE, "sanitize") != NULL)
#define PATIENT   "RILL_POLICY=block", "RILL_BLOCK_TIMEOUT=60s"

static void must(const char *const *command, const char *folder)
{
	const struct run_options options = {.directory = folder};
	struct run_result run = run_command(command, &options);
	cr_assert(run.code == 0, "%s: %s%s", command[0], run.out, run.err);
	run_free(&run);
}
#define MUST(folder, ...) must((const char *const[]){__VA_ARGS__, NULL}, folder)

/* The plugin of tests/data/lives with a catalog in which `brief` stands; its name is `wares`
 * whatever that is. library: "-lrill", or a librill.a. */
static char *plugin_with(const char *brief, const char *library)
{
	char *folder = folder_make();
	char *page = file_load(source("tests/data/lives/wares.md"), NULL);
	char *at = strstr(page, "| Made |");
	cr_assert(at);
	*at = 0;
	file_store_text(format("%s/wares.md", folder),
			format("%s| %s |%s", page, brief, at + strlen("| Made |")));
	file_copy(source("tests/data/lives/wares.c"), format("%s/plugin.c", folder));
	MUST(folder, built("rill-gen"), "--name", "wares", "--header", "wares.h", "--source",
	     "wares.c", "wares.md");
	MUST(folder, "sh", "-c",
	     format("%s %s -O2 -g -std=gnu11 -fPIC -shared -I%s -I%s -o plugin.so plugin.c wares.c "
		    "-L%s %s -Wl,-rpath,%s -pthread",
		    TEST_CC, TEST_SANITIZE, source("include"), built("include"), built("."),
		    library, built(".")));
	return format("%s/plugin.so", folder);
}

static char *plugin(const char *brief)
{
	return plugin_with(brief, "-lrill");
}

static unsigned tier(unsigned when_short, unsigned when_medium)
{
	const char *name = getenv("RILL_TEST_TIER");
	return !name || strcmp(name, "short") == 0 ? when_short : when_medium;
}

/* Two catalogs of one name; each is in the dump once however often its object was loaded, and what
 * was emitted through it can be read. */
Test(unload, while_others_emit_and_change_the_filter, .timeout = 900)
{
	unsigned times = tier(2000, 25000);
	char *a = plugin("Made of wood"), *b = plugin("Made of stone");
	/* Not under sanitizers: they do not go together with RTLD_DEEPBIND. */
	struct traced t = TRACED(0, ENV(PATIENT, SANITIZED ? "NO_DEEPBIND=1" : "DEEPBIND=1"),
				 "unloads", "many", format("%u", times), a, b);
	struct traced_record record;
	uint64_t found[2][3] = {{0}}, others = 0;
	while (traced_next(&t, &record)) {
		if (strncmp(record.event, "ware.", 5) != 0) {
			others++;
			continue;
		}
		bool stone = strcmp(record.catalog->events[1].brief, "Made of stone") == 0;
		unsigned event = record.at.raw.event;
		cr_assert_lt(event, 3);
		if (event == 1)
			cr_assert_eq(traced_u64(&record, "number"), found[stone][event],
				     "one is missing, or there twice");
		found[stone][event]++;
	}
	for (int i = 0; i < 6; i++)
		cr_expect_eq(found[i / 3][i % 3], times, "%d", i);
	struct traced_counts counts = traced_counts(&t);
	cr_expect_eq(dump_file(t.dump, 0)->catalogs.count, 3);
	cr_expect_eq(counts.written, others + 6 * times);
	cr_expect_eq(traced_number(&t, "emitted") + 6 * times + 1,
		     counts.written + counts.filtered + counts.discarded + counts.failed);
	cr_expect_gt(others, times);
	long early = (long)traced_number(&t, "early"), late = (long)traced_number(&t, "late");
	if (!SANITIZED) /* which keep what was freed for a while */
		cr_expect_lt(late - early, 1024, "%ld KiB, then %ld KiB", early, late);
	traced_end(&t);
}

Test(unload, from_a_namespace_of_its_own, .timeout = 60)
{
	if (SANITIZED)
		cr_skip_test("sanitizers do not go together with dlmopen()");
	struct traced t = TRACED(0, NULL, "unloads", "namespace", plugin("Made"));
	struct traced_record record;
	uint64_t wares = 0, others = 0;
	while (traced_next(&t, &record))
		*(strncmp(record.event, "ware.", 5) == 0 ? &wares : &others) += 1;
	cr_expect_eq(dump_file_count(t.dump), 2, "each copy of librill.so has a dump");
	cr_expect_eq(wares, 3);
	cr_expect_eq(others, 1);
	traced_end(&t);
}

/* That event is not one of the object's: there is nothing to wait for. */
Test(unload, does_not_wait_long_for_an_abandoned_event, .timeout = 60)
{
	struct traced t = TRACED(0, NULL, "unloads", "abandoned", plugin("Made"));
	cr_expect_lt(traced_number(&t, "first"), 500, "%s", t.run.out);
	cr_expect_lt(traced_number(&t, "then"), 500, "%s", t.run.out);
	traced_end(&t);
}

/* The program has one, too. Beyond 255 an object's events are off, which is told. */
Test(unload, the_256th_catalog, .timeout = 60)
{
	struct traced t = TRACED(0, NULL, "unloads", "crowd", "300");
	cr_expect_eq(traced_number(&t, "taken"), 254);
	cr_expect_eq(traced_number(&t, "again"), 254);
	cr_expect(strstr(t.run.err, "is the 256th of this process: its events stay off"), "%s",
		  t.run.err);
	struct traced_record record;
	uint64_t n = 0;
	while (traced_next(&t, &record))
		n++;
	cr_expect_eq(n, 2, "the program's own go on");
	cr_expect_eq(dump_file(t.dump, 0)->catalogs.count, 255);
	traced_end(&t);
}
