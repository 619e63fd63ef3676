/* A disabled site, disassembled: three instructions, at most 20 bytes, and nothing spilled. */
#include <criterion/criterion.h>

#include <stdio.h>

#include "support/compile.h"
#include "support/files.h"
#include "support/sites.h"

#define MAX_SITE_BYTES 20

static const struct {
	const char *level, *model;
} ways[] = {{"-O1", "-fPIE"}, {"-O2", "-fPIE"}, {"-O2", "-fPIC"}, {"-O3", "-fno-pie"}};

/* rill_event() and rill_event_compact(): off, they are the same. */
static const char *const forms[] = {"-UCOMPACT", "-DCOMPACT"};

static struct disasm compiled(const struct compiler *compiler, const char *file, const char *level,
			      const char *model, const char *form)
{
	char *object = format("%s/sites.o", folder_make());
	struct run_result r = COMPILE(compiler, file, level, model, form, "-c", "-o", object);

	cr_assert_eq(r.code, 0, "%s:\n%s", compiler->name, r.err);
	run_free(&r);
	return disasm_load(object);
}

/* Checks that a function has this number of sites, each as it should be. */
static struct sites expect_sites(const struct disasm *disasm, const char *name, size_t count,
				 const char *how)
{
	const struct disasm_function *function = disasm_find(disasm, name);

	cr_assert_not_null(function, "%s: %s is not there", how, name);
	struct sites sites = sites_find(function);
	cr_expect_str_empty(sites.wrong, "%s: %s", how, sites.wrong);
	cr_expect_eq(sites.count, count, "%s: %s has %zu sites, not %zu", how, name, sites.count,
		     count);
	for (size_t i = 0; i < sites.count; i++) {
		const struct site *site = &sites.site[i];

		cr_expect_leq(site->size_bytes, MAX_SITE_BYTES, "%s: %s: a site of %u bytes", how,
			      name, site->size_bytes);
		cr_expect_eq(site->nspills, 0, "%s: %s: a spill inside the site", how, name);
	}
	return sites;
}

static void expect_function(const struct disasm *disasm, const char *name, size_t count,
			    size_t calls, const char *how)
{
	struct sites sites = expect_sites(disasm, name, count, how);

	cr_expect_eq(sites.ncalls, calls, "%s: %s calls something while off", how, name);
}

static void expect_all(const struct disasm *disasm, const char *how)
{
	expect_function(disasm, "plain0", 1, 0, how);
	expect_function(disasm, "plain1", 1, 0, how);
	expect_function(disasm, "plain4", 1, 0, how);
	expect_function(disasm, "unevaluated", 1, 0, how);
	expect_function(disasm, "all_bits", 8, 0, how);
	expect_function(disasm, "nested", 1, 0, how);
	expect_function(disasm, "after", 1, 1, how); /* the program's own call */
}

/* Every compiler, level of optimisation and code model. */
Test(site, three_instructions, .timeout = 120)
{
	for (size_t c = 0; c < STRICT_COMPILERS; c++) {
		for (size_t i = 0; i < 2 * sizeof ways / sizeof *ways; i++) {
			const char *level = ways[i / 2].level, *model = ways[i / 2].model;
			struct disasm disasm =
				compiled(&compilers[c], source("tests/data/gate/sites.c"), level,
					 model, forms[i % 2]);

			expect_all(&disasm, format("%s %s %s %s", compilers[c].name, level, model,
						   forms[i % 2]));
		}
	}
}

/* The same in a linked shared object: the gate is the object's own, no table leads to it. */
Test(site, shared_object, .timeout = 60)
{
	for (size_t c = 0; c < STRICT_COMPILERS; c++) {
		char *object = format("%s/sites.so", folder_make());
		struct run_result r = COMPILE(&compilers[c], source("tests/data/gate/sites.c"),
					      "-O2", "-fPIC", "-shared", "-o", object);

		cr_assert_eq(r.code, 0, "%s:\n%s", compilers[c].name, r.err);
		struct disasm disasm = disasm_load(object);
		expect_all(&disasm, format("%s -shared", compilers[c].name));
	}
}

/*
 * gcc enters the function only behind the branch: while off, an event is the three instructions.
 * (clang 14 saves registers for the enabled path first, at the function's entry, when that path
 * needs any.)
 */
Test(site, nothing_around)
{
	for (size_t c = 0; c < 4; c++) {
		struct disasm disasm =
			compiled(&compilers[c / 2], source("tests/data/gate/sites.c"), "-O2",
				 "-fPIE", forms[c % 2]);
		static const char *const names[] = {"plain0", "plain1", "plain4", "unevaluated",
						    "nested"};

		for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
			struct sites sites = sites_find(disasm_find(&disasm, names[i]));

			cr_expect_eq(sites.nreached, 4, "%s: %s: %zu instructions and a return",
				     compilers[c / 2].name, names[i], sites.nreached - 1);
			cr_expect_eq(sites.nwrites, 0);
		}
	}
}

/*
 * Loops with eight values, two pointers and the gate in registers: as without the event, nothing of
 * them is on the stack. (The enabled path needs registers too; with eleven values gcc and clang
 * both keep some of them on the stack all the time, though never between load and branch.)
 */
Test(site, loop_with_many_live_registers, .timeout = 60)
{
	static const char *const loops[] = {"loop8", "loopf"};
	static const char *const events[] = {"w0", "w1", "w3", "text"};

	for (size_t c = 0; c < 2 * STRICT_COMPILERS; c++) {
		const struct compiler *compiler = &compilers[c / 2];
		struct disasm disasm = compiled(compiler, source("tests/data/gate/sites.c"), "-O2",
						"-fPIE", forms[c % 2]);

		for (size_t i = 0; i < 8; i++) {
			char *name = format("%s_%s", loops[i / 4], events[i % 4]);
			struct sites sites = expect_sites(&disasm, name, 1, compiler->name);
			struct site_loop loop = sites_loop(disasm_find(&disasm, name), &sites);

			cr_expect_gt(loop.ninsns, 12, "%s: %s: the loop is not seen",
				     compiler->name, name);
			cr_expect_eq(loop.nwrites, 0, "%s: %s: %zu stores to the stack",
				     compiler->name, name, loop.nwrites);
			cr_expect_leq(loop.nreads, 1, "%s: %s: %zu loads from the stack",
				      compiler->name, name, loop.nreads);
		}
		for (size_t i = 0; i < 4; i++)
			expect_sites(&disasm, format("loop11_%s", events[i]), 1, compiler->name);
	}
}

/* A catalog so large that the event's byte is far behind the pointer: still at most 20 bytes. */
Test(site, large_catalog, .timeout = 60)
{
	char *folder = folder_make(), *page = format("%s/large.md", folder);
	FILE *f = fopen(page, "w");

	fputs("# Large\n\n## All\n\n| Event | Level | Short | Long |\n|---|---|---|---|\n", f);
	for (int i = 0; i < 3000; i++)
		fprintf(f, "| `large.e%d` | info | Event | Text |\n", i);
	fputs("\n## Keys\n\n| Key | Type | Description |\n|---|---|---|\n| `n` | `u64` | N |\n", f);
	fclose(f);
	struct run_result r =
		RUN(&(struct run_options){.directory = folder}, built("rill-gen"), "--name",
		    "large", "--header", "large.h", "--source", "large.c", page);
	cr_assert_eq(r.code, 0, "%s", r.err);
	char *file = format("%s/use.c", folder);
	file_store_text(file, "#define RILL_CATALOG large\n#include \"large.h\"\n"
			      "#ifdef __cplusplus\nextern \"C\"\n#endif\n"
			      "void far_away(uint64_t x);\n"
			      "void far_away(uint64_t x)\n"
			      "{\n\trill_event(large_e2999, n(x));\n}\n");
	for (size_t c = 0; c < STRICT_COMPILERS; c++) {
		struct disasm disasm = compiled(&compilers[c], file, "-O2", "-fPIC", "-UCOMPACT");

		expect_function(&disasm, "far_away", 1, 0, compilers[c].name);
	}
}
