/*
 * Every key of the catalog with every type of argument: what its row on the page allows compiles,
 * everything else does not, and the compiler's message names the key.
 *
 * The uses stand one a line in one generated file, so that one run of a compiler judges them all.
 */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rill/catalog.h"
#include "support/compile.h"
#include "support/files.h"

extern const struct rill_catalog rill_catalog_stalwart;

#define NUMBERS (RILL_SET_U64 | RILL_SET_I64 | RILL_SET_DURATION | RILL_SET_TIMESTAMP)
#define SIZED   (RILL_SET_STRING | RILL_SET_BYTES)

/* What may stand in a key's parentheses, and the types that it may become in C and in C++. */
static const struct argument {
	const char *text;
	unsigned in_c, in_cxx;
	unsigned unsaid; /* as what gcc and clang differ about it */
} arguments[] = {
	{"t.b", RILL_SET_BOOL, RILL_SET_BOOL, 0},
	{"t.i == 3", NUMBERS | RILL_SET_BOOL, RILL_SET_BOOL, 0},
	{"t.c", NUMBERS, NUMBERS, 0},
	{"t.sc", NUMBERS, NUMBERS, 0},
	{"t.uc", NUMBERS, NUMBERS, 0},
	{"t.s", NUMBERS, NUMBERS, 0},
	{"t.us", NUMBERS, NUMBERS, 0},
	{"t.i", NUMBERS | RILL_SET_BOOL, NUMBERS, 0},
	{"t.u", NUMBERS, NUMBERS, 0},
	{"t.l", NUMBERS, NUMBERS, 0},
	{"t.ul", NUMBERS, NUMBERS, 0},
	{"t.ll", NUMBERS, NUMBERS, 0},
	{"t.ull", NUMBERS, NUMBERS, 0},
	{"t.field", NUMBERS, NUMBERS, 0},
	{"t.sfield", NUMBERS, NUMBERS, RILL_SET_BOOL}, /* to clang an int */
	{"GREEN", NUMBERS | RILL_SET_BOOL, NUMBERS, 0},
	{"t.f", RILL_SET_F64, RILL_SET_F64, 0},
	{"t.d", RILL_SET_F64, RILL_SET_F64, 0},
	{"t.ld", 0, 0, 0},
	{"t.cs", RILL_SET_STRING, RILL_SET_STRING, 0},
	{"t.ms", RILL_SET_STRING, RILL_SET_STRING, 0},
	{"t.array", RILL_SET_STRING, RILL_SET_STRING, 0},
	{"\"literal\"", RILL_SET_STRING, RILL_SET_STRING, 0},
	{"t.cs, t.ul", SIZED, SIZED, 0},
	{"t.ms, t.i", SIZED, SIZED, 0},
	{"t.octets, t.ul", SIZED, SIZED, 0},
	{"t.any, t.ul", SIZED, SIZED, 0},
	{"t.cany, t.u", SIZED, SIZED, 0},
	{"t.octets", 0, 0, 0},
	{"t.any", 0, 0, 0},
	{"t.ints", 0, 0, 0},
	{"t.ints, 3", 0, 0, 0},
	{"t.i, 3", 0, 0, 0},
	{"t", 0, 0, 0},
	{"&t", 0, 0, 0},
	{"t.function", 0, 0, 0},
	{"t.in4", RILL_SET_IP, RILL_SET_IP, 0},
	{"&t.in4", RILL_SET_IP, RILL_SET_IP, 0},
	{"&t.in6", RILL_SET_IP, RILL_SET_IP, 0},
	{"&t.v4", RILL_SET_IP, RILL_SET_IP, 0},
	{"&t.v6", RILL_SET_IP, RILL_SET_IP, 0},
	{"&t.storage", RILL_SET_IP, RILL_SET_IP, 0},
	{"t.address", RILL_SET_IP, RILL_SET_IP, 0},
	{"t.caddress", RILL_SET_IP, RILL_SET_IP, 0},
	{"t.v4", 0, 0, 0},
	{"rill_none()", RILL_SET_NONE, RILL_SET_NONE, 0},
	{"rill_bool(1)", RILL_SET_BOOL, RILL_SET_BOOL, 0},
	{"rill_u64(1)", RILL_SET_U64, RILL_SET_U64, 0},
	{"rill_i64(1)", RILL_SET_I64, RILL_SET_I64, 0},
	{"rill_f64(1)", RILL_SET_F64, RILL_SET_F64, 0},
	{"rill_duration(1)", RILL_SET_DURATION, RILL_SET_DURATION, 0},
	{"rill_timestamp(1)", RILL_SET_TIMESTAMP, RILL_SET_TIMESTAMP, 0},
	{"rill_string(\"a\")", RILL_SET_STRING, RILL_SET_STRING, 0},
	{"rill_string(\"a\", 1)", RILL_SET_STRING, RILL_SET_STRING, 0},
	{"rill_bytes(t.any, 1)", RILL_SET_BYTES, RILL_SET_BYTES, 0},
	{"rill_ip(t.address)", RILL_SET_IP, RILL_SET_IP, 0},
	{"rill_list(rill_u64(1))", RILL_SET_LIST, RILL_SET_LIST, 0},
	{"rill_list_of(NULL, 0)", RILL_SET_LIST, RILL_SET_LIST, 0},
	{"rill_nested(smtp_error)", RILL_SET_EVENT, RILL_SET_EVENT, 0},
};

#define NARGUMENTS (sizeof arguments / sizeof *arguments)

static const char preamble[] =
	"#define RILL_CATALOG stalwart\n"
	"#include <rill/stalwart.h>\n"
	"enum colour { RED, GREEN };\n"
	"struct all {\n"
	"\tbool b; char c; signed char sc; unsigned char uc; short s; unsigned short us; int i;\n"
	"\tunsigned u; long l; unsigned long ul; long long ll; unsigned long long ull;\n"
	"\tunsigned field : 7; int sfield : 7; float f; double d; long double ld; const char *cs; "
	"char *ms;\n"
	"\tchar array[8]; unsigned char octets[8]; void *any; const void *cany; int *ints;\n"
	"\tvoid (*function)(void); struct in_addr in4; struct in6_addr in6; struct sockaddr_in "
	"v4;\n"
	"\tstruct sockaddr_in6 v6; struct sockaddr_storage storage; struct sockaddr *address;\n"
	"\tconst struct sockaddr *caddress;\n"
	"};\n"
	"void use(struct all t);\n"
	"void use(struct all t)\n"
	"{\n";

/* Where the key and its argument stand. */
enum how { PLAIN, COMPACT, NESTED };
static const char *const hows[] = {
	"\trill_event(smtp_error, %s(%s));\n",
	"\trill_event_compact(smtp_error, %s(%s));\n",
	"\trill_event(smtp_error, causedBy(rill_nested(smtp_error, %s(%s))));\n",
};

/* A generated file: which use stands on which line. */
struct uses {
	char *file;
	size_t first_line, count;
	struct use {
		const struct rill_catalog_key *key;
		const struct argument *argument;
	} * use;
};

/* All uses that are right, or all that are wrong, for this language; in the event itself, or
 * every fourth in one that is nested in it. (There no further rill_nested() can be written.) */
static struct uses uses_write(const struct compiler *compiler, bool right, enum how how)
{
	const struct rill_catalog *catalog = &rill_catalog_stalwart;
	struct uses uses = {.file = format("%s/use.c", folder_make()), .first_line = 1};
	FILE *f = fopen(uses.file, "w");

	cr_assert_not_null(f);
	uses.use = calloc(catalog->nkeys * NARGUMENTS, sizeof *uses.use);
	fputs(preamble, f);
	for (const char *p = preamble; *p; p++)
		uses.first_line += *p == '\n';
	for (size_t k = 0; k < catalog->nkeys; k++) {
		for (size_t a = 0; a < NARGUMENTS; a++) {
			const struct argument *argument = &arguments[a];
			unsigned types =
				compiler_is_cxx(compiler) ? argument->in_cxx : argument->in_c;

			if (((types & catalog->keys[k].types) != 0) != right ||
			    (argument->unsaid & catalog->keys[k].types) ||
			    (how == NESTED && (argument->in_c == RILL_SET_EVENT || (k + a) % 4)))
				continue;
			fprintf(f, hows[how], catalog->keys[k].name, argument->text);
			uses.use[uses.count++] = (struct use){&catalog->keys[k], argument};
		}
	}
	fputs("}\n", f);
	fclose(f);
	return uses;
}

/* Counts, for each use, the error messages on its line that name its key. */
static void count_messages(const struct uses *uses, char *text, unsigned *named, unsigned *all)
{
	for (char *rest = text, *line; (line = strsep(&rest, "\n"));) {
		char *number = strstr(line, "use.c:"), *error = strstr(line, " error: ");

		if (!number || !error)
			continue;
		size_t i = strtoul(number + 6, NULL, 10) - uses->first_line;
		cr_assert_lt(i, uses->count, "an error outside: %s", line);
		all[i]++;
		named[i] += strstr(error, format("rill: key %s takes ", uses->use[i].key->name)) !=
			    NULL;
	}
}

static struct run_result check(const struct compiler *compiler, const struct uses *uses)
{
	bool clang = strncmp(compiler->command, "clang", 5) == 0;

	/* The message at the place of the use, however many there are. */
	return COMPILE(compiler, uses->file, "-fsyntax-only", "-w",
		       clang ? "-ferror-limit=0" : "-ftrack-macro-expansion=0",
		       clang ? "-fno-caret-diagnostics" : "-fno-diagnostics-show-caret");
}

static void expect_refused(const struct compiler *compiler, enum how how)
{
	struct uses uses = uses_write(compiler, false, how);
	struct run_result r = check(compiler, &uses);
	unsigned *named = calloc(uses.count, sizeof *named);
	unsigned *all = calloc(uses.count, sizeof *all);
	size_t silent = 0, noisy = 0;

	cr_expect_gt(uses.count, how == NESTED ? 500 : 2000);
	count_messages(&uses, r.err, named, all);
	for (size_t i = 0; i < uses.count; i++) {
		/* C looks at a nested event's keys more than once. */
		if ((how == NESTED ? named[i] == 0 : named[i] != 1) && silent++ < 8)
			cr_log_error("%s: %s(%s): %u messages name the key, of %u", compiler->name,
				     uses.use[i].key->name, uses.use[i].argument->text, named[i],
				     all[i]);
		noisy += all[i] > 1;
	}
	cr_expect_eq(silent, 0, "%s: of %zu wrong uses %zu are not refused by name", compiler->name,
		     uses.count, silent);
	cr_log_info("%s: %zu of %zu wrong uses give more than that one error", compiler->name,
		    noisy, uses.count);
	run_free(&r);
}

static void expect_taken(const struct compiler *compiler, enum how how)
{
	struct uses uses = uses_write(compiler, true, how);
	struct run_result r = COMPILE(compiler, uses.file, "-fsyntax-only", "-Wall", "-Wextra",
				      "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror");

	cr_expect_gt(uses.count, how == NESTED ? 200 : 900, "only %zu right uses", uses.count);
	cr_expect_eq(r.code, 0, "%s:\n%.4000s", compiler->name, r.err);
	run_free(&r);
}

Test(keys, wrong_types_gcc, .timeout = 120)
{
	expect_refused(&compilers[0], PLAIN);
	expect_refused(&compilers[1], PLAIN);
	expect_refused(&compilers[0], COMPACT);
	expect_refused(&compilers[1], COMPACT);
}

Test(keys, wrong_types_clang, .timeout = 120)
{
	expect_refused(&compilers[2], PLAIN);
	expect_refused(&compilers[3], PLAIN);
	expect_refused(&compilers[2], COMPACT);
	expect_refused(&compilers[3], COMPACT);
}

Test(keys, wrong_types_in_nested_events, .timeout = 240)
{
	for (size_t i = 0; i < STRICT_COMPILERS; i++)
		expect_refused(&compilers[i], NESTED);
}

Test(keys, right_types, .timeout = 240)
{
	for (size_t i = 0; i < COMPILERS; i++)
		for (enum how how = PLAIN; how <= COMPACT; how++)
			expect_taken(&compilers[i], how);
}

Test(keys, right_types_in_nested_events, .timeout = 240)
{
	for (size_t i = 0; i < STRICT_COMPILERS; i++)
		expect_taken(&compilers[i], NESTED);
}
