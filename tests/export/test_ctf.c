/* Common Trace Format: babeltrace2 reads what `rill cat -f json` shows. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../support/exported.h"
#include "../support/files.h"
#include "../support/mixed.h"

Test(ctf, babeltrace_reads_every_field, .timeout = 600)
{
	struct exported e = export_mixed("ctf", 1);
	struct run_result r = RUN(&patient, "/usr/bin/python3", source("tests/export/ctf.py"),
				  e.out, e.json, source("docs/events.ids"));
	cr_assert_eq(r.code, 0, "%s%s", r.out, r.err);
	cr_assert_str_eq(r.out, format("%zu events are equal\n", e.count));
	/* An event with too many shapes has one text for all keys. */
	r = RUN(&patient, "grep", "-c", "string _keys;", format("%s/metadata", e.out));
	cr_assert_gt(atol(r.out), 0);
	folder_remove(e.folder);
}

/* Two processes are two traces, which babeltrace2 reads as one. */
Test(ctf, each_process_is_a_trace)
{
	struct exported e = export_mixed("ctf", 2);
	struct run_result r =
		RUN(&patient, "sh", "-c",
		    format("cd %s && echo */metadata && babeltrace2 . | wc -l", e.out));
	cr_assert_eq(r.code, 0, "%s", r.err);
	cr_assert_str_eq(r.out,
			 format("mixed-4711-0102030405060708/metadata "
				"mixed-4712-0102030405060709/metadata\n%zu\n",
				e.count),
			 "%s", r.out);
	/* Both times of the trace, to the nanosecond. */
	r = RUN(&patient, "sh", "-c",
		format("cd %s; babeltrace2 --clock-seconds . | sed -n '1p;$p' | cut -c 2-21;"
		       "grep '^{\"kind\":\"event\"' %s | sed -n '1p;$p' | cut -d '\"' -f 8",
		       e.out, e.json));
	char *line[4] = {strtok(r.out, "\n"), strtok(NULL, "\n"), strtok(NULL, "\n"),
			 strtok(NULL, "\n")};
	for (int i = 0; i < 2; i++) {
		cr_assert_str_eq(strchr(line[i], '.') + 1,
				 strndup(strchr(line[2 + i], '.') + 1, 9));
		cr_assert(strncmp(line[i], "1767225599.", 11) == 0, "%s", line[i]);
	}
	folder_remove(e.folder);
}

/* What a copy that was stopped leaves of a stream is told apart from a whole one. */
Test(ctf, a_cut_stream_is_noticed)
{
	struct exported e = export_mixed("ctf", 1);
	struct run_result r =
		RUN(&patient, "sh", "-c",
		    format("truncate -s -7 %s/thread-7000; babeltrace2 %s", e.out, e.out));
	cr_assert_eq(r.code, 1);
	folder_remove(e.folder);
}
