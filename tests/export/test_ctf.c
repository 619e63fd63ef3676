/* Common Trace Format: babeltrace2 reads what `rill cat -f json` shows. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../support/files.h"
#include "../support/mixed.h"
#include "../support/run.h"

#define COUNT 100000

static const struct run_options patient = {.timeout_ms = 300000};

Test(ctf, babeltrace_reads_every_field, .timeout = 600)
{
	char *folder = folder_make(), *dump = format("%s/dump", folder);
	char *json = format("%s/json", folder), *out = format("%s/ctf", folder);
	mixed_write(dump, COUNT, 1);
	struct run_result r = RUN(&patient, "sh", "-c",
				  format("%s cat -f json %s >%s", built("rill"), dump, json));
	cr_assert_eq(r.code, 0, "%s", r.err);
	r = RUN(&patient, built("rill"), "export", "--to=ctf", "-o", out, dump);
	cr_assert_eq(r.code, 0, "%s", r.err);
	cr_assert_str_empty(r.err);
	r = RUN(&patient, "/usr/bin/python3", source("tests/export/ctf.py"), out, json);
	cr_assert_eq(r.code, 0, "%s%s", r.out, r.err);
	cr_assert_str_eq(r.out, format("%d events are equal\n", COUNT));
	folder_remove(folder);
}
