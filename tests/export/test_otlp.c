/* OTLP JSON lines: OpenTelemetry's own .proto files read what `rill cat -f json` shows. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "../support/files.h"
#include "../support/mixed.h"
#include "../support/run.h"

/* How many records are compared. */
static unsigned long count(void)
{
	const char *tier = getenv("RILL_TEST_TIER");
	return !tier || strcmp(tier, "short") == 0 ? 20000 : 100000;
}

#define PROTO TEST_NODE "/node_modules/@elastic/mockotlpserver"

static const struct run_options patient = {.timeout_ms = 300000};

Test(otlp, protoc_reads_every_attribute, .timeout = 600)
{
	char *folder = folder_make(), *dump = format("%s/dump", folder);
	char *json = format("%s/json", folder), *out = format("%s/out", folder);
	mixed_write(dump, count(), 1);
	struct run_result r = RUN(&patient, "sh", "-c",
				  format("%s cat -f json %s >%s", built("rill"), dump, json));
	cr_assert_eq(r.code, 0, "%s", r.err);
	r = RUN(&patient, built("rill"), "export", "--to=otlp-json", "-o", out, dump);
	cr_assert_eq(r.code, 0, "%s", r.err);
	cr_assert_str_empty(r.err);
	r = RUN(&patient, "/usr/bin/python3", source("tests/export/otlp.py"), PROTO, out, json,
		source("docs/events.ids"));
	cr_assert_eq(r.code, 0, "%s%s", r.out, r.err);
	cr_assert_not_null(strstr(r.out, format("%lu records are equal\n", count())), "%s", r.out);
	cr_assert_not_null(strstr(r.out, " spans are equal\n"), "%s", r.out);
	folder_remove(folder);
}
