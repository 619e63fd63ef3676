/* Pages of another size, and pages that a child does not find wiped. */
#include <criterion/criterion.h>

#include "support/files.h"
#include "support/traced.h"

static void expect_all(const char *page_size, const char *ring_size)
{
	struct traced t = TRACED(0,
				 ENV(format("RILL_RING_SIZE=%s", ring_size), "RILL_POLICY=block",
				     "RILL_BLOCK_TIMEOUT=10s", format("PAGE_SIZE=%s", page_size)),
				 "pages");
	struct traced_record record;
	uint64_t next[64] = {0}, all = 0;
	while (traced_next(&t, &record)) {
		uint32_t thread = record.at.tid % 64;
		cr_assert_eq(traced_u64(&record, "total"), next[thread]++);
		all++;
	}
	cr_expect_eq(all, traced_number(&t, "emitted"), "%s, %s", page_size, ring_size);
	cr_expect_str_eq(t.run.err, "");
	traced_end(&t);
}

Test(pages, of_4_16_and_64_kib, .timeout = 120)
{
	static const char *const sizes[] = {"4096", "16384", "65536"};
	for (size_t i = 0; i < 3; i++) {
		expect_all(sizes[i], "64KiB");
		expect_all(sizes[i], "256KiB");
	}
}

/* A dump for each process, with what it emitted itself. */
Test(pages, a_child_that_finds_them_unwiped, .timeout = 60)
{
	struct traced t = TRACED(0, ENV("ASAN_OPTIONS=detect_leaks=0"), "unwiped", "fork");
	struct traced_record record;
	uint64_t found[16] = {0};
	cr_assert_eq(dump_file_count(t.dump), 5, "%zu dumps: one parent, four children",
		     dump_file_count(t.dump));
	while (traced_next(&t, &record))
		found[record.at.file]++;
	for (size_t i = 0; i < 5; i++) {
		const struct dump_file *file = dump_file(t.dump, i);
		cr_expect_eq(found[i],
			     traced_number(&t, format("pid %u emitted", file->process.pid)),
			     "pid %u", file->process.pid);
		cr_expect(file->finished);
	}
	traced_end(&t);
}
