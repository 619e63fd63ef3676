/*
 * A disabled site on the CPUs that rill is cross-compiled for: instructions until the function
 * returns, as the compilers write them. clang has all CPUs, and takes musl's headers, which are the
 * same for all; gcc is asked where the packages of its cross compilers are installed (make portable
 * does that).
 */
#include <criterion/criterion.h>

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "support/files.h"
#include "support/run.h"

static const struct {
	const char *command[8];
	const char *program; /* to be there; NULL: it must be */
	size_t instructions; /* of a disabled event, at most */
} cpus[] = {
	{{"clang", "--target=aarch64-linux-gnu", "-nostdinc", "-isystem",
	  "/usr/include/x86_64-linux-musl"},
	 NULL,
	 4},
	{{"clang", "--target=riscv64-linux-gnu", "-nostdinc", "-isystem",
	  "/usr/include/x86_64-linux-musl"},
	 NULL,
	 6},
	/* gcc wants the gate's address for the enabled path, and takes it before the branch. */
	{{"aarch64-linux-gnu-gcc"}, "/usr/bin/aarch64-linux-gnu-gcc", 5},
	{{"riscv64-linux-gnu-gcc"}, "/usr/bin/riscv64-linux-gnu-gcc", 6},
};

/* The function's instructions up to its return. Fails when it calls, stores or
 * jumps in between, but for the one branch. */
static size_t count(const char *assembly, const char *function, const char *how)
{
	char *label = format("\n%s:", function), *text = strstr(assembly, label);
	cr_assert(text, "%s: no %s", how, function);
	size_t instructions = 0, branches = 0;
	text = strdup(text + strlen(label));
	for (char *line; (line = strsep(&text, "\n"));) {
		char op[16];
		if (line[0] != '\t' || sscanf(line, " %15s", op) != 1 || op[0] == '.' ||
		    op[0] == '#' || op[0] == '/')
			continue;
		if (strcmp(op, "ret") == 0)
			break;
		bool of_address = strstr(line, ",rill__") && !strchr(line, '%');
		instructions += op[0] == 'l' && of_address ? 2 : 1; /* the assembler makes two */
		branches += strcmp(op, "tbnz") == 0 || strncmp(op, "bn", 2) == 0;
		cr_assert(strcmp(op, "call") != 0 && strcmp(op, "bl") != 0 && op[0] != 's' &&
				  !strstr(line, "[sp"),
			  "%s: %s: %s", how, function, line);
	}
	cr_expect_eq(branches, 1, "%s: %s: %zu branches", how, function, branches);
	return instructions;
}

Test(cpus, a_disabled_event, .timeout = 60)
{
	static const char *const functions[] = {"plain0", "plain1"};
	static const char *const forms[] = {"-UCOMPACT", "-DCOMPACT"};
	for (size_t i = 0; i < 2 * sizeof cpus / sizeof *cpus; i++) {
		const char *const *command = cpus[i / 2].command;
		if (cpus[i / 2].program && access(cpus[i / 2].program, X_OK) != 0) {
			fprintf(stderr, "%s is not installed: not asked\n", command[0]);
			continue;
		}
		const char *argv[24];
		size_t n = 0;
		while (n < 8 && command[n]) {
			argv[n] = command[n];
			n++;
		}
		const char *const rest[] = {"-std=c11",
					    "-D_GNU_SOURCE",
					    "-O2",
					    forms[i % 2],
					    format("-I%s", source("include")),
					    format("-I%s", built("include")),
					    "-S",
					    "-o",
					    "-",
					    source("tests/data/gate/sites.c"),
					    NULL};
		memcpy(argv + n, rest, sizeof rest);
		struct run_result r = run_command(argv, NULL);
		char *how =
			format("%s %s %s", command[0], command[1] ? command[1] : "", forms[i % 2]);
		cr_assert_eq(r.code, 0, "%s: %.2000s", how, r.err);
		for (size_t f = 0; f < sizeof functions / sizeof *functions; f++) {
			size_t found = count(r.out, functions[f], how);
			cr_expect_leq(found, cpus[i / 2].instructions, "%s: %s: %zu instructions",
				      how, functions[f], found);
		}
		run_free(&r);
	}
}
