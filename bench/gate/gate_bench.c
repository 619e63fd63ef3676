/*
 * gate_bench BUDGETS BUILD: instructions and bytes of event sites, against what is committed.
 *
 * BUILD/bench/gate/emit-COMPILER (bench/gate/emit.c; -fPIC: in a shared object beside it) runs
 * under callgrind with N and with 2 N events. What a loop takes more in the second run, less what
 * the empty loop takes more, is N times the instructions of one event. Bytes are those of a
 * function that is nothing but the site: `hot` what lies in the function, `cold` what gcc moved out
 * of it, to .text.unlikely.
 *
 * BUDGETS has a line `COMPILER CASE INSTRUCTIONS HOT COLD` for each. Exits with 1 when a figure is
 * above its budget. With --write, BUDGETS is written anew instead.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/disasm.h"
#include "support/files.h"
#include "support/run.h"

#define EVENTS 100

static const char *const compilers[] = {"gcc", "g++", "clang", "clang++", "gcc-fPIC", "clang-fPIC"};
static const char *const cases[] = {"off",  "w0",       "w1",       "w2",         "w4",
				    "long", "compact1", "compact4", "compactlong"};

#define COMPILERS (sizeof compilers / sizeof *compilers)
#define CASES     (sizeof cases / sizeof *cases)

struct figures {
	unsigned instructions, hot_bytes, cold_bytes;
};

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "gate_bench: %s: %s\n", what, why);
	exit(2);
}

/* Instructions in a function and in what it called: all costs below its name. */
static unsigned long inclusive(const char *profile, const char *name)
{
	char *heading = format("\nfn=%s\n", name);
	unsigned long sum = 0;

	for (const char *block = profile; (block = strstr(block, heading));) {
		block += strlen(heading);
		for (const char *line = block; *line && strncmp(line, "fn=", 3) != 0;) {
			unsigned long position, cost;

			if (sscanf(line, "%lu %lu", &position, &cost) == 2)
				sum += cost;
			line += strcspn(line, "\n");
			line += *line == '\n';
		}
	}
	free(heading);
	return sum;
}

/* The profile of `program EVENTS`. */
static char *profile(const char *program, unsigned events)
{
	char *folder = folder_make(), *file = format("%s/profile", folder), *text;
	/* valgrind runs one thread at a time: one that waits for its turn looks as if it hung. */
	static const char *const env[] = {"RILL_EXIT_TIMEOUT=50s", NULL};
	const struct run_options options = {.env = env};
	struct run_result r =
		RUN(&options, "valgrind", "--tool=callgrind", "--toggle-collect=case_*",
		    "--compress-strings=no", "--compress-pos=no",
		    format("--callgrind-out-file=%s", file), program, format("%u", events));

	if (r.code != 0)
		fail(program, r.err);
	text = file_load(file, NULL);
	run_free(&r);
	folder_remove(folder);
	return text;
}

static void measure(const char *program, struct figures *figures)
{
	char *once = profile(program, EVENTS), *twice = profile(program, 2 * EVENTS);
	char *shared = format("%s.so", program);
	struct disasm disasm = disasm_load(access(shared, R_OK) == 0 ? shared : program);
	unsigned long none = inclusive(twice, "case_none") - inclusive(once, "case_none");

	for (size_t i = 0; i < CASES; i++) {
		char *name = format("case_%s", cases[i]);
		unsigned long cost = inclusive(twice, name) - inclusive(once, name) - none;

		if (none == 0 || cost % EVENTS != 0)
			fail(program, "not every event took the same number of instructions");
		figures[i].instructions = (unsigned)(cost / EVENTS);
		const struct disasm_function *hot =
			disasm_find(&disasm, format("site_%s", cases[i]));
		const struct disasm_function *cold =
			disasm_find(&disasm, format("site_%s.cold", cases[i]));
		if (!hot)
			fail(program, "a function is missing");
		figures[i].hot_bytes = disasm_bytes(hot);
		figures[i].cold_bytes = cold ? disasm_bytes(cold) : 0;
	}
	free(once);
	free(twice);
}

/* The budget's line for a compiler's case; all zero when there is none. */
static struct figures budget(const char *budgets, const char *compiler, const char *name)
{
	struct figures found = {0, 0, 0};

	for (const char *line = budgets; *line;) {
		char of[16], what[16];
		struct figures f;

		if (sscanf(line, "%15s %15s %u %u %u", of, what, &f.instructions, &f.hot_bytes,
			   &f.cold_bytes) == 5 &&
		    strcmp(of, compiler) == 0 && strcmp(what, name) == 0)
			found = f;
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
	return found;
}

static bool over(const char *what, unsigned is, unsigned allowed)
{
	if (is > allowed)
		printf("  %s: %u, budget %u", what, is, allowed);
	return is > allowed;
}

static void write_budgets(const char *path, struct figures all[COMPILERS][CASES])
{
	FILE *f = fopen(path, "w");

	if (!f)
		fail(path, "cannot be written");
	fputs("# Instructions an event, and bytes of its site, by make bench-gate\n"
	      "# (gcc 12, clang 14, -O2, x86-64). Written by gate_bench --write.\n"
	      "# compiler case instructions hot cold\n",
	      f);
	for (size_t i = 0; i < COMPILERS; i++) {
		for (size_t k = 0; k < CASES; k++)
			fprintf(f, "%s %s %u %u %u\n", compilers[i], cases[k],
				all[i][k].instructions, all[i][k].hot_bytes, all[i][k].cold_bytes);
	}
	fclose(f);
}

int main(int argc, char **argv)
{
	bool rewrite = argc == 4 && strcmp(argv[3], "--write") == 0, grown = false;
	struct figures all[COMPILERS][CASES];

	if (argc != 3 && !rewrite)
		fail("usage", "gate_bench BUDGETS BUILD [--write]");
	char *budgets = rewrite ? format("%s", "") : file_load(argv[1], NULL);
	printf("%-10s %-11s %12s %9s %10s\n", "compiler", "case", "instructions", "bytes hot",
	       "bytes cold");
	for (size_t i = 0; i < COMPILERS; i++) {
		measure(format("%s/bench/gate/emit-%s", argv[2], compilers[i]), all[i]);
		for (size_t k = 0; k < CASES; k++) {
			const struct figures *is = &all[i][k];
			struct figures may = budget(budgets, compilers[i], cases[k]);

			printf("%-10s %-11s %12u %9u %10u", compilers[i], cases[k],
			       is->instructions, is->hot_bytes, is->cold_bytes);
			if (!rewrite) {
				grown |= over("instructions", is->instructions, may.instructions);
				grown |= over("hot", is->hot_bytes, may.hot_bytes);
				grown |= over("cold", is->cold_bytes, may.cold_bytes);
			}
			putchar('\n');
		}
	}
	if (rewrite)
		write_budgets(argv[1], all);
	return grown;
}
