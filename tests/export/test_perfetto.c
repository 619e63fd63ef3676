/* Perfetto's protobuf: trace_processor finds what `rill cat -f json` shows. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "../support/exported.h"
#include "../support/files.h"

Test(perfetto, trace_processor_reads_every_argument, .timeout = 600)
{
	struct exported e = export_mixed("perfetto", 2);
	struct run_result r =
		RUN(&patient, "/usr/bin/python3", source("tests/export/slices.py"), "perfetto",
		    e.out, e.json, TEST_NODE "/trace_processor.mjs", source("docs/events.md"));
	cr_assert_eq(r.code, 0, "%s%s", r.out, r.err);
	cr_assert(strstr(r.out, format("%zu events, ", e.count)) == r.out, "%s", r.out);
	folder_remove(e.folder);
}

/* A part of a trace is whole in itself: no track is missing, nothing refers to what is not there.
 */
Test(perfetto, a_selection_has_no_faults, .timeout = 120)
{
	struct exported e = export_mixed("perfetto", 2);
	struct run_result r =
		RUN(&patient, "sh", "-c",
		    format("%s export --to=perfetto --event='*.connection*' %s >%s.part",
			   built("rill"), e.dump, e.out));
	cr_assert_eq(r.code, 0, "%s", r.err);
	r = RUN(&patient, "node", TEST_NODE "/trace_processor.mjs", format("%s.part", e.out),
		"select name, value from stats where severity != 'info' and value > 0",
		"select count(*) > 1000 as many, sum(name not like '%.connection%') as others"
		" from slice");
	cr_assert_eq(r.code, 0, "%s", r.err);
	cr_assert_str_eq(r.out, "{\"many\":\"1\",\"others\":\"0\"}\n");
	folder_remove(e.folder);
}
