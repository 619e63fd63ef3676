/*
 * The explorer's scenarios, all of which the code must pass, and its mutants, each of which must be
 * found. What a scenario is about stands in scenarios.c, what the explorer does in explore.h.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "explore/mutants.h"
#include "support/files.h"
#include "support/run.h"

/* A scenario ends by itself before that. */
#define LIMIT_MS 400000u

static bool medium(void)
{
	const char *tier = getenv("RILL_TEST_TIER");
	return tier && strcmp(tier, "short") != 0;
}

static void scenario(const char *name)
{
	struct run_options options = {.timeout_ms = LIMIT_MS};
	const char *const explorer = built("explore/explorer");
	struct run_result result =
		medium() ? RUN(&options, explorer, name, "medium") : RUN(&options, explorer, name);
	cr_assert(result.code == 0 && strstr(result.out, " executions, "), "%s%s", result.out,
		  result.err);
	fputs(result.out, stderr);
	run_free(&result);
}

#define SCENARIO(test, name)                                                                       \
	Test(explore, test)                                                                        \
	{                                                                                          \
		scenario(name);                                                                    \
	}
SCENARIO(publish, "publish")
SCENARIO(park, "park")
SCENARIO(park_stay, "park-stay")
SCENARIO(park_two, "park-two")
SCENARIO(reuse, "reuse")
SCENARIO(unmap, "unmap")
SCENARIO(unmap_later, "unmap-later")
SCENARIO(nap, "nap")
SCENARIO(room, "room")
SCENARIO(handler, "handler")
SCENARIO(handler_first, "handler-first")
SCENARIO(gate, "gate")
SCENARIO(gate_first, "gate-first")
SCENARIO(gate_fences, "gate-fences")
SCENARIO(spares, "spares")
SCENARIO(order, "order")

/* The explorer's own memory. */
Test(explore, litmus)
{
	const char *const programs[] = {
		"buffers",         "buffers_fenced", "buffers_half_fenced", "buffers_membarrier",
		"buffers_seq_cst", "message",        "message_released",    "message_acquired",
		"coherence",       "writers",        "writers_seq_cst",
	};
	for (size_t i = 0; i < sizeof programs / sizeof *programs; i++)
		scenario(programs[i]);
}

/* --- mutants ------------------------------------------------------------------------------- */

static void must(const char *const *command)
{
	struct run_result result = run_command(command, NULL);
	cr_assert(result.code == 0, "%s: %s%s", command[0], result.out, result.err);
	run_free(&result);
}
#define MUST(...) must((const char *const[]){__VA_ARGS__, NULL})

/* Writes the changed file below `folder`, where an include finds it first. */
static void change(const struct mutant *mutant, const char *path, const char *folder)
{
	char *text = file_load(path, NULL);
	char *at = strstr(text, mutant->from);
	cr_assert(at && !strstr(at + 1, mutant->from),
		  "%s: what it changes does not stand in %s once any more", mutant->what, path);
	char *changed =
		format("%.*s%s%s", (int)(at - text), text, mutant->to, at + strlen(mutant->from));
	char *to = format("%s/%s", folder, mutant->file);
	MUST("mkdir", "-p", format("%.*s", (int)(strrchr(to, '/') - to), to));
	file_store_text(to, changed);
}

/* Links the explorer with this file's object, changed, instead of its own. */
static void compile(const char *folder, const char *from)
{
	const char *name = strrchr(from, '/') + 1;
	MUST("gcc", format("-I%s", folder), format("@%s", built("explore/flags")), "-c", "-o",
	     format("%s/%.*s.o", folder, (int)strlen(name) - 2, name), from);
}

static void build(const struct mutant *mutant, const char *folder)
{
	bool header = strncmp(mutant->file, "rill/", 5) == 0;
	bool collector = strcmp(mutant->file, "collect/collector.c") == 0;
	change(mutant, source(format("%s/%s", header ? "include" : "src", mutant->file)), folder);
	if (header) {
		compile(folder, source("tests/explore/code_emitter.c"));
		compile(folder, source("src/core/producer.c"));
	} else if (collector) {
		compile(folder, source("tests/explore/code_collector.c"));
	} else {
		compile(folder, format("%s/%s", folder, mutant->file));
	}
	const char *own = "cd $0; for o in $1/tests/explore/*.o $1/code/*/*/*.o; do "
			  "[ -e ${o##*/} ] || echo $o; done | xargs gcc -no-pie -o explorer *.o";
	MUST("sh", "-c", own, folder, built("explore"));
}

static void expect_found(const struct mutant *mutant)
{
	char *folder = folder_make();
	build(mutant, folder);
	struct run_options options = {.timeout_ms = LIMIT_MS};
	struct run_result result = RUN(&options, format("%s/explorer", folder), mutant->scenario);
	char *line = strtok(result.out, "\n");
	cr_expect(result.code == 1 && line && strstr(line, " broken after "),
		  "not found by %s: %s (%s)", mutant->scenario, mutant->what, line);
	fprintf(stderr, "%s: %s\n", mutant->what, line);
	run_free(&result);
	folder_remove(folder);
}

static void expect_all_found(const char *file)
{
	for (size_t i = 0; i < nmutants; i++)
		if (strcmp(mutants[i].file, file) == 0)
			expect_found(&mutants[i]);
}

Test(explore, mutants_of_the_hot_path)
{
	expect_all_found("rill/static/ring.h");
}

Test(explore, mutants_of_the_slow_path)
{
	expect_all_found("core/producer.c");
	expect_all_found("core/synchronize.c");
}

Test(explore, mutants_of_the_rings)
{
	expect_all_found("core/ring.c");
}

Test(explore, mutants_of_the_collector)
{
	expect_all_found("collect/collector.c");
	expect_all_found("collect/drain.c");
}
