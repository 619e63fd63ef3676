/* What the fuzz targets have found, and the least that reaches as much of the code: run again. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "../support/files.h"
#include "../support/run.h"

static void replay(const char *target)
{
	const struct run_options options = {.timeout_ms = 120000};
	char *program = built(format("tests/fuzz/replay_%s", target));
	/* The program is linked with Criterion too, which takes a child of a test for a test. */
	struct run_result r = RUN(&options, "env", "-u", "BXFI_MAP", program,
				  source(format("tests/data/fuzz/%s", target)));
	char *last = r.out + r.out_bytes;
	/* The last line but the count's is that at which it ended. */
	while (last > r.out && r.out + r.out_bytes - last < 300)
		last--;
	cr_assert(r.code == 0, "%s: code %d, signal %d: %s\n%.2000s", target, r.code, r.signal,
		  last, r.err);
	const char *count = strstr(last, " replayed");
	cr_assert(count, "%s", last);
	while (count > last && count[-1] != '\n')
		count--;
	cr_expect_gt(strtoul(count, NULL, 10), 20, "%s", count);
}

Test(replay, reader, .timeout = 200)
{
	replay("reader");
}

Test(replay, index, .timeout = 200)
{
	replay("index");
}

Test(replay, predicate, .timeout = 200)
{
	replay("predicate");
}

Test(replay, export, .timeout = 200)
{
	replay("export");
}

Test(replay, page, .timeout = 200)
{
	replay("page");
}

Test(replay, filter, .timeout = 200)
{
	replay("filter");
}

Test(replay, environment, .timeout = 200)
{
	replay("environment");
}
