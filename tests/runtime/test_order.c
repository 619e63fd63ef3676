/* A token handed between eight threads under a mutex: the trace shows it in token order. */
#include <criterion/criterion.h>
#include <string.h>

#include "support/files.h"
#include "support/traced.h"

#define TURNS 20000

Test(order, the_dump_restores_it_exactly, .timeout = 60)
{
	struct traced t = TRACED(0, NULL, "token", "8", "20000");
	struct traced_record record;
	uint64_t turn = 0;
	while (traced_next(&t, &record))
		cr_assert_eq(traced_u64(&record, "total"), turn++);
	cr_expect_eq(turn, TURNS);
	traced_end(&t);
}

/* Live: in token order too, or marked late. */
Test(order, live_text_has_it_or_says_late, .timeout = 60)
{
	char *folder = folder_make(), *path = format("%s/log", folder);
	char *sinks = format("RILL_SINKS=text:%s", path);
	const struct run_options options = {
		.env = (const char *const[]){"RILL_FILTER=*=trace", sinks, NULL}};
	struct run_result run = RUN(&options, built("tests/programs/token"), "8", "20000");
	cr_assert_eq(run.code, 0, "%s", run.err);
	uint64_t lines = 0, late = 0, newest = 0;
	char *text = file_load(path, NULL);
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		char *at = strstr(line, "total=");
		cr_assert(at, "%s", line);
		uint64_t turn = strtoull(at + 6, NULL, 10);
		if (strstr(line, " late")) {
			late++;
		} else {
			cr_assert(lines == 0 || turn > newest, "turn %llu after %llu: %s",
				  (unsigned long long)turn, (unsigned long long)newest, line);
			newest = turn;
		}
		lines++;
	}
	cr_expect_eq(lines, TURNS);
	cr_expect_lt(late, TURNS / 10, "%llu late: order is no use that way",
		     (unsigned long long)late);
	folder_remove(folder);
}
