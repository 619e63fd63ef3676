/*
 * The models of the protocols between threads, checked by spin: no reachable state of the right
 * model violates an assertion or is stuck, and each deliberately broken variant is found out. So
 * that a model cannot be right by doing nothing, all of the right one's monitor must have been
 * reached: it looks at the state in which everything has come to rest.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "support/files.h"
#include "support/run.h"

#define MEMORY_MIB "1024" /* pan ends when it needs more */
#define DEPTH      "-m100000"

struct outcome {
	unsigned errors;
	char *report; /* what pan printed */
};

static void run_in(const char *folder, const char *const *command)
{
	struct run_options options = {.directory = folder};
	struct run_result result = run_command(command, &options);
	cr_assert(result.code == 0, "%s: exit code %d\n%s%s", command[0], result.code, result.out,
		  result.err);
	run_free(&result);
}

#define RUN_IN(folder, ...) run_in(folder, (const char *const[]){__VA_ARGS__, NULL})

/* `variant`: a -D option, or "" for the model as it stands; `memory`: another one. A fault is found
 * in less time than the compiler would take to make the search for it fast: hence `optimise`. */
static struct outcome check(const char *model, const char *memory, const char *variant,
			    const char *optimise)
{
	char *folder = folder_make();
	file_copy(source(format("tests/models/%s.pml", model)), format("%s/model.pml", folder));
	file_copy(source("tests/models/cpu.pml"), format("%s/cpu.pml", folder));
	RUN_IN(folder, "spin", "-a", memory, *variant ? variant : "-DAS_IT_STANDS", "model.pml");
	RUN_IN(folder, "gcc", "-w", optimise, "-DSAFETY", "-DCOLLAPSE", "-DMEMLIM=" MEMORY_MIB,
	       "-o", "pan", "pan.c");

	struct run_options options = {.directory = folder};
	struct run_result result = RUN(&options, "./pan", DEPTH);
	const char *errors = strstr(result.out, "errors: ");
	struct outcome outcome = {0, result.out};
	cr_assert(errors, "%s %s: pan says\n%s%s", model, variant, result.out, result.err);
	cr_assert_eq(sscanf(errors, "errors: %u", &outcome.errors), 1);
	folder_remove(folder);
	return outcome;
}

static void expect_right_in(const char *model, const char *memory, const char *variant)
{
	struct outcome outcome = check(model, memory, variant, "-O2");
	cr_expect_eq(outcome.errors, 0, "%s %s %s:\n%s", model, memory, variant, outcome.report);
	cr_expect(!strstr(outcome.report, "search not completed") &&
			  !strstr(outcome.report, "max search depth too small"),
		  "%s %s %s was not searched to the end:\n%s", model, memory, variant,
		  outcome.report);
	cr_expect(strstr(outcome.report, "unreached in proctype monitor\n\t(0 of "),
		  "%s %s %s never comes to rest:\n%s", model, memory, variant, outcome.report);
}

static void expect_broken_in(const char *model, const char *memory, const char *variant)
{
	struct outcome outcome = check(model, memory, variant, "-O0");
	cr_expect(outcome.errors > 0 && strstr(outcome.report, "assertion violated"),
		  "%s %s %s is not found to be broken:\n%s", model, memory, variant,
		  outcome.report);
}

/* Models with a memory of their own. */
static void expect_right(const char *model, const char *variant)
{
	expect_right_in(model, "-DOWN", variant);
}

static void expect_broken(const char *model, const char *variant)
{
	expect_broken_in(model, "-DOWN", variant);
}

Test(models, gate)
{
	expect_right("gate", "");
	expect_right("gate", "-DWEAK_LOADS");
	expect_broken("gate", "-DNO_MEMBARRIER");
	expect_broken("gate", "-DNO_WAIT");
	expect_broken("gate", "-DSEQ_INSIDE");
}

static const char *const memories[] = {"-DTSO", "-DWEAK"};

Test(models, ring)
{
	for (size_t i = 0; i < 2; i++) {
		expect_right_in("ring", memories[i], "");
		expect_broken_in("ring", memories[i], "-DEARLY_HEAD");
		expect_broken_in("ring", memories[i], "-DEARLY_TAIL");
		expect_broken_in("ring", memories[i], "-DLATE_LIMIT");
		expect_broken_in("ring", memories[i], "-DPOSITION_FIRST");
		expect_broken_in("ring", memories[i], "-DONE_RING");
	}
	expect_broken_in("ring", "-DWEAK", "-DRELAXED_HEAD");
	expect_broken_in("ring", "-DWEAK", "-DRELAXED_LOAD");
}

Test(models, exit)
{
	for (size_t i = 0; i < 2; i++) {
		expect_right_in("exit", memories[i], "");
		expect_broken_in("exit", memories[i], "-DSTATUS_LATE");
		expect_broken_in("exit", memories[i], "-DPUSH_EARLY");
		expect_broken_in("exit", memories[i], "-DKEEP_TAIL");
	}
	expect_broken_in("exit", "-DWEAK", "-DRELAXED_STATUS");
	expect_broken_in("exit", "-DWEAK", "-DRELAXED_PUSH");
}

Test(models, park)
{
	expect_right("park", "");
	expect_broken("park", "-DNO_MEMBARRIER");
	expect_broken("park", "-DNO_RECHECK");
	expect_broken("park", "-DNO_PENDING_CHECK");
	expect_broken("park", "-DSTATUS_LATE");
	expect_broken("park", "-DUNMAP_ACTIVE");
}

Test(models, park_with_two_rings)
{
	expect_right("park", "-DRINGS=2");
}

Test(models, spares)
{
	expect_right("spares", "");
	expect_broken("spares", "-DNO_TAG");
}

Test(models, room)
{
	expect_right("room", "");
	expect_broken("room", "-DLATE_WAITING");
	expect_broken("room", "-DNO_FENCE");
	expect_broken("room", "-DLATE_ROOM");
}

Test(models, nap)
{
	expect_right("nap", "");
	expect_broken("nap", "-DNO_FENCE");
	expect_broken("nap", "-DNO_CHECK");
	expect_broken("nap", "-DCHECK_FIRST");
	expect_broken("nap", "-DNO_PENDING");
}

Test(models, handler)
{
	expect_right("handler", "");
	expect_right("handler", "-DTHREE_RINGS");
	expect_broken("handler", "-DHEAD_BEFORE_MARK");
	expect_broken("handler", "-DSTATE_BEFORE_HEAD");
}

/* The next `...` of a row, with \| as |. */
static char *next_code(char **row)
{
	char *from = strchr(*row, '`') + 1, *to = strchr(from, '`'), *code = format("%.*s", 0, "");
	for (*row = to + 1; from < to; from++)
		if (from[0] != '\\' || from[1] != '|')
			code = format("%s%c", code, *from);
	return code;
}

static bool stands_in(const char *path, const char *fragment)
{
	return strstr(file_load(source(path), NULL), fragment) != NULL;
}

/* docs/models.md says which line of the code each model's line stands for: both are there. */
Test(models, table)
{
	unsigned rows = 0;
	char *page = file_load(source("docs/models.md"), NULL), *rest = NULL;
	for (char *row = strtok_r(page, "\n", &rest); row; row = strtok_r(NULL, "\n", &rest)) {
		if (strncmp(row, "| `", 3) != 0)
			continue;
		for (int side = 0; side < 2; side++) {
			char *path = next_code(&row), *fragment = next_code(&row);
			cr_expect(stands_in(path, fragment), "%s has no `%s` any more", path,
				  fragment);
		}
		rows++;
	}
	cr_expect(rows >= 20, "%u rows", rows);
}
