/* Instructions and bytes of event sites stay within what bench/gate/budgets.txt allows. */
#include <criterion/criterion.h>

#include "support/files.h"
#include "support/run.h"

Test(budget, no_site_has_grown, .timeout = 300)
{
	const struct run_options options = {.timeout_ms = 280000};
	struct run_result run = RUN(&options, "make", "-s", "-C", source(""), "bench-gate",
				    format("BUILD=%s", built("")));
	cr_expect_eq(run.code, 0, "%s%s", run.out, run.err);
}
