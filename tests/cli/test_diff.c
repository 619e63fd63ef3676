/* rill diff: it finds what differs, and keeps quiet about what is chance. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/files.h"
#include "../support/random_trace.h"
#include "../support/run.h"

static const char *const environment[] = {"COLUMNS=110", "LC_ALL=C.UTF-8", "TZ=UTC", NULL};

#define RILL(folder, ...)                                                                          \
	RUN((&(struct run_options){.directory = (folder), .env = environment}), built("rill"),     \
	    __VA_ARGS__)

static void write_like(const struct random_trace *like, const char *folder, const char *file,
		       uint64_t seed)
{
	struct random_trace trace = *like;
	trace.folder = folder;
	trace.file = file;
	trace.seed = seed;
	trace.pid = (uint32_t)seed;
	random_trace_write(&trace);
}

/* Of pairs that differ in nothing but chance, almost none may be told of: one of a hundred. */
static void expect_quiet(const struct random_trace *like, unsigned pairs)
{
	unsigned alarms = 0;
	for (unsigned i = 0; i < pairs; i++) {
		char *folder = folder_make();
		write_like(like, folder, "a.rill", 2 * i + 1);
		write_like(like, folder, "b.rill", 2 * i + 2);
		struct run_result r = RILL(folder, "diff", "--threshold=0", "a.rill", "b.rill");
		cr_assert(r.code == 0 || r.code == 1, "%s", r.err);
		if (r.code)
			printf("%s\n", r.out);
		alarms += r.code == 1;
		run_free(&r);
		folder_remove(folder);
	}
	cr_expect_leq(alarms, 1, "%u of %u", alarms, pairs);
}

Test(diff, chance_is_no_difference)
{
	expect_quiet(&(struct random_trace){.records = 4000, .tempo = 2}, 15);
	expect_quiet(&(struct random_trace){.records = 300, .tempo = 2}, 15);
}

/* Every fifth stretch of 50 ms is ten times as slow: its thousands of slow events are few bursts.
 */
Test(diff, bursts_are_no_difference)
{
	expect_quiet(&(struct random_trace){.records = 30000, .tempo = 10, .burst = 10}, 10);
}

static char *make_pair(const struct random_trace *a, const struct random_trace *b)
{
	char *folder = folder_make();
	write_like(a, folder, "a.rill", 7);
	write_like(b, folder, "b.rill", 8);
	return folder;
}

/* What stands under a heading, up to the next one. */
static char *section(const char *text, const char *heading)
{
	const char *start = strstr(text, format("\n%s\n", heading));
	if (!start)
		return format("%s", "");
	const char *end = strstr(start + 1, "\n\n");
	return format("%.*s", (int)(end ? end + 1 - start : (long)strlen(start)), start);
}

Test(diff, slower_and_faster)
{
	char *folder = make_pair(&(struct random_trace){.records = 20000},
				 &(struct random_trace){.records = 20000, .work_ns = 60000});
	struct run_result r = RILL(folder, "diff", "a.rill", "b.rill");
	cr_expect_eq(r.code, 1);
	char *slower = section(r.out, "SLOWER");
	cr_expect(strstr(slower, "  conn.work  p50 "), "%s", r.out);
	cr_expect(strstr(slower, " p90 ") && strstr(slower, "+5"), "%s", r.out);
	cr_expect_not(strstr(slower, "job.end"), "%s", r.out);
	cr_expect_str_eq(section(r.out, "FASTER"), "");
	cr_expect_str_eq(section(r.out, "MORE OFTEN"), "");
	cr_expect_str_eq(section(r.out, "NEW"), "");
	r = RILL(folder, "diff", "b.rill", "a.rill");
	cr_expect_eq(r.code, 1);
	cr_expect(strstr(section(r.out, "FASTER"), "  conn.work  p50 "), "%s", r.out);
	cr_expect_str_eq(section(r.out, "SLOWER"), "");
	r = RILL(folder, "diff", "--threshold=70", "a.rill", "b.rill");
	cr_expect_eq(r.code, 0, "%s", r.out);
	cr_expect(strstr(r.out, "nothing differs by 70 % or more"), "%s", r.out);
	r = RILL(folder, "diff", "a.rill", "a.rill");
	cr_expect_eq(r.code, 0, "%s", r.out);
}

Test(diff, more_and_less_often)
{
	char *folder = make_pair(&(struct random_trace){.records = 20000},
				 &(struct random_trace){.records = 20000, .work_part = 0.8});
	struct run_result r = RILL(folder, "diff", "a.rill", "b.rill");
	cr_expect_eq(r.code, 1);
	cr_expect(strstr(section(r.out, "MORE OFTEN"), "  conn.work "), "%s", r.out);
	cr_expect(strstr(section(r.out, "LESS OFTEN"), "  conn.end "), "%s", r.out);
	cr_expect(strstr(section(r.out, "LESS OFTEN"), "15.00 % ->   6.00 %  -59 %"), "%s", r.out);
	cr_expect_not(strstr(section(r.out, "LESS OFTEN"), "conn.work"), "%s", r.out);
	r = RILL(folder, "diff", "--limit=1", "a.rill", "b.rill");
	cr_expect(strstr(section(r.out, "LESS OFTEN"), "\n  and "), "%s", r.out);
}

Test(diff, new_and_gone)
{
	char *folder = make_pair(&(struct random_trace){.records = 5000},
				 &(struct random_trace){.records = 5000, .name = "conn.play"});
	struct run_result r = RILL(folder, "diff", "a.rill", "b.rill");
	cr_expect_eq(r.code, 1);
	cr_expect(strstr(section(r.out, "NEW"), "  conn.play "), "%s", r.out);
	cr_expect(strstr(section(r.out, "GONE"), "  conn.work "), "%s", r.out);
	r = RILL(folder, "diff", "--json", "a.rill", "b.rill");
	cr_expect_eq(r.code, 1);
	cr_expect(strstr(r.out, "\"new\":[{\"kind\":\"event\",\"catalog\":\"records\","
				"\"name\":\"conn.play\",\"level\":\"trace\",\"countA\":0,"),
		  "%s", r.out);
}

Test(diff, trouble_has_code_2)
{
	char *folder = make_pair(&(struct random_trace){.records = 50},
				 &(struct random_trace){.records = 1});
	cr_expect_eq(RILL(folder, "diff", "a.rill").code, 2);
	cr_expect_eq(RILL(folder, "diff", "a.rill", "none.rill").code, 2);
	cr_expect_eq(RILL(folder, "diff", "--threshold=x", "a.rill", "a.rill").code, 2);
	cr_expect_eq(RILL(folder, "diff", "a.rill", "b.rill").code, 0);
	const struct run_options here = {.directory = folder};
	struct run_result r =
		RUN(&here, "sh", "-c", format("%s diff a.rill a.rill >/dev/full", built("rill")));
	cr_expect_eq(r.code, 2);
	cr_expect_str_eq(r.err, "rill: cannot write to standard output: No space left on device\n");
	RUN(&here, "truncate", "-s", "-1", "b.rill");
	cr_expect_eq(RILL(folder, "diff", "a.rill", "b.rill").code, 2);
}
