#include "exported.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "mixed.h"

const struct run_options patient = {.timeout_ms = 400000};

struct exported export_mixed(const char *to, unsigned nprocesses)
{
	const char *tier = getenv("RILL_TEST_TIER");
	struct exported e = {.folder = folder_make()};
	e.count = !tier || !strcmp(tier, "short") ? 20000 : 100000;
	e.dump = format("%s/dump", e.folder);
	e.json = format("%s/json", e.folder);
	e.out = format("%s/out", e.folder);
	mixed_write(e.dump, e.count, nprocesses);
	struct run_result r = RUN(&patient, "sh", "-c",
				  format("%s cat -f json %s >%s", built("rill"), e.dump, e.json));
	cr_assert_eq(r.code, 0, "%s", r.err);
	r = RUN(&patient, built("rill"), "export", format("--to=%s", to), "-o", e.out, e.dump);
	cr_assert_eq(r.code, 0, "%s", r.err);
	cr_assert_str_empty(r.err);
	return e;
}
