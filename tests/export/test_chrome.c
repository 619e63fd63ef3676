/* Chrome's trace events: the file and trace_processor say what `rill cat -f json` shows. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "../support/exported.h"
#include "../support/files.h"

Test(chrome, trace_processor_reads_every_argument, .timeout = 600)
{
	struct exported e = export_mixed("chrome", 2);
	struct run_result r =
		RUN(&patient, "/usr/bin/python3", source("tests/export/slices.py"), "chrome", e.out,
		    e.json, TEST_NODE "/trace_processor.mjs", source("docs/events.md"));
	cr_assert_eq(r.code, 0, "%s%s", r.out, r.err);
	cr_assert(strstr(r.out, format("%zu events, ", e.count)) == r.out, "%s", r.out);
	folder_remove(e.folder);
}

/* Spans that overlap stand in rows of their own; with a start of its own, time stays exact. */
Test(chrome, a_selection_keeps_its_times, .timeout = 120)
{
	struct exported e = export_mixed("chrome", 1);
	struct run_result r =
		RUN(&patient, built("rill"), "export", "--to=chrome", "-o",
		    format("%s.part", e.out), "--since=@1767225599.01", "--event=imap.*", e.dump);
	cr_assert_eq(r.code, 0, "%s", r.err);
	r = RUN(&patient, "jq", "-r",
		"[.otherData.start_ns, ([.traceEvents[] | select(.ph == \"X\" and .ts < 0)] | "
		"length),"
		" ([.traceEvents[] | select(.ph == \"X\" or .ph == \"i\")] | length > 10)] | @csv",
		format("%s.part", e.out));
	cr_assert_str_eq(r.out, "\"1767225599000000000\",0,true\n");
	folder_remove(e.folder);
}
