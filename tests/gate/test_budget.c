/* Instructions and bytes of event sites stay within what bench/gate/budgets.txt allows, and that
 * within what was promised. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "support/files.h"
#include "support/run.h"

Test(budget, no_site_has_grown, .timeout = 300)
{
	const struct run_options options = {.timeout_ms = 280000};
	struct run_result run = RUN(&options, "make", "-s", "-C", source(""), "bench-gate",
				    format("BUILD=%s", built("")));
	cr_expect_eq(run.code, 0, "%s%s", run.out, run.err);
}

/* bytes: of the whole site, also of what a compiler puts elsewhere. 0: nothing was promised. */
static const struct promise {
	const char *name;
	unsigned instructions, bytes;
} promises[] = {
	{"off", 3, 0}, {"w1", 40, 220}, {"w4", 70, 512}, {"compact1", 0, 100}, {"compact4", 0, 100},
};

struct budget {
	char compiler[16], name[16];
	unsigned instructions, hot, cold;
};

static bool next_budget(char **rest, struct budget *b)
{
	for (char *line; (line = strsep(rest, "\n"));)
		if (sscanf(line, "%15s %15s %u %u %u", b->compiler, b->name, &b->instructions,
			   &b->hot, &b->cold) == 5)
			return true;
	return false;
}

Test(budget, promises_are_kept)
{
	char *rest = file_load(source("bench/gate/budgets.txt"), NULL);
	struct budget b;
	size_t seen = 0;
	while (next_budget(&rest, &b)) {
		for (size_t i = 0; i < sizeof promises / sizeof *promises; i++) {
			const struct promise *p = &promises[i];
			if (strcmp(p->name, b.name) != 0)
				continue;
			seen++;
			cr_expect(!p->instructions || b.instructions <= p->instructions,
				  "%s %s: %u instructions", b.compiler, b.name, b.instructions);
			cr_expect(!p->bytes || b.hot + b.cold <= p->bytes, "%s %s: %u bytes",
				  b.compiler, b.name, b.hot + b.cold);
		}
	}
	cr_expect_eq(seen, 6 * sizeof promises / sizeof *promises, "%zu rows", seen);
}

/* A shared object's sites: at most a twentieth more than the program's. */
Test(budget, shared_objects_cost_the_same)
{
	static const char suffix[] = "-fPIC";
	struct budget shared, program;
	size_t compared = 0, rows = 0;
	char *text = file_load(source("bench/gate/budgets.txt"), NULL);
	char *rest = strdup(text);
	while (next_budget(&rest, &shared)) {
		char *end = strstr(shared.compiler, suffix);
		if (!end)
			continue;
		*end = '\0';
		rows++;
		for (char *again = strdup(text); next_budget(&again, &program);) {
			if (strcmp(program.compiler, shared.compiler) != 0 ||
			    strcmp(program.name, shared.name) != 0)
				continue;
			compared++;
			cr_expect_leq(20 * shared.instructions, 21 * program.instructions, "%s %s",
				      shared.compiler, shared.name);
			cr_expect_leq(20 * (shared.hot + shared.cold),
				      21 * (program.hot + program.cold), "%s %s bytes",
				      shared.compiler, shared.name);
		}
	}
	cr_expect(rows > 0 && compared == rows, "%zu of %zu rows", compared, rows);
}
