/* The demo is what a newcomer sees first: it checks itself, and this checks that its check can
 * fail. */
#include <criterion/criterion.h>
#include <string.h>

#include "support/files.h"
#include "support/run.h"

Test(demo, two_hundred_mails_all_accounted_for, .timeout = 120)
{
	struct run_result run = RUN(NULL, source("examples/smtpd/demo.sh"), built(""));
	cr_assert_eq(run.code, 0, "%s%s", run.out, run.err);
	cr_expect(strstr(run.out, "200 of 200"), "%s", run.out);
	cr_expect(strstr(run.out, "all of it agrees; 0 events lost"), "%s", run.out);
}

/* A demo whose trace lacks one event says so. */
Test(demo, a_missing_event_is_noticed, .timeout = 120)
{
	char *folder = folder_make(), *script = format("%s/demo.sh", folder);
	char *text = file_load(source("examples/smtpd/demo.sh"), NULL);
	char *at = strstr(text, "RILL_FILTER='*=trace'");
	cr_assert(at);
	char *rest = at + strlen("RILL_FILTER='*=trace'");
	*at = 0;
	/* Off after smtpd has counted it: the dump is cut instead, as a full disk would. */
	file_store_text(script, format("%sRILL_FILTER='*=trace'%s", text, rest));
	char *cut = file_load(script, NULL);
	char *json = strstr(cut, "written=$(grep -c");
	cr_assert(json);
	*json = 0;
	file_store_text(script, format("%ssed -i 1d \"$demo/json\"\nwritten=$(grep -c%s", cut,
				       json + strlen("written=$(grep -c")));
	struct run_result run = RUN(NULL, "bash", script, built(""));
	cr_expect_eq(run.code, 1, "%s", run.out);
	cr_expect(strstr(run.err, "missing"), "%s", run.err);
	folder_remove(folder);
}
