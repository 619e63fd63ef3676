/* After rill_filter_apply() has returned, no event decided under the old filter is recorded. */
#include <criterion/criterion.h>
#include <string.h>

#include "support/traced.h"

static void expect_sharp(const char *program)
{
	struct traced t = TRACED(0, NULL, program, "10000");
	const struct dump_file *file = dump_file(t.dump, 0);
	struct traced_record record;
	uint64_t records = 0, old = 0;
	size_t epoch = 0;
	cr_assert_geq(file->nepochs, 10000, "each change is in the trace");
	while (traced_next(&t, &record)) {
		/* The last change that was confirmed when the record got its time, in its section.
		 */
		uint64_t ticks = record.at.raw.ticks;
		while (epoch + 1 < file->nepochs &&
		       file->epochs[epoch + 1].confirmed_ticks <= ticks)
			epoch++;
		bool off = strcmp(file->epochs[epoch].expression, "smtp.*=trace") != 0 &&
			   strcmp(file->epochs[epoch].expression, "*=trace") != 0;
		old += off && file->epochs[epoch].confirmed_ticks <= ticks &&
		       (epoch + 1 == file->nepochs ||
			ticks < file->epochs[epoch + 1].published_ticks);
		records++;
	}
	cr_expect_eq(old, 0);
	cr_expect_gt(records, 10000, "too few events to show anything");
	cr_expect_eq(traced_counts(&t).written, records);

	for (size_t i = 1; i < file->nepochs; i++) {
		cr_assert_leq(file->epochs[i - 1].confirmed_ticks, file->epochs[i].published_ticks);
		cr_assert_leq(file->epochs[i].published_ticks, file->epochs[i].confirmed_ticks);
	}
	traced_end(&t);
}

Test(filters, ten_thousand_changes_under_load, .timeout = 300)
{
	expect_sharp("filters");
}

Test(filters, ten_thousand_changes_under_compact_load, .timeout = 300)
{
	expect_sharp("filters-compact");
}
