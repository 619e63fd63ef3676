/* Programs of users: every public header in any order under strict warnings, and a C++ program with
 * all that C++ has, by both compilers in many ways of compiling and linking. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/compile.h"
#include "support/files.h"
#include "support/traced.h"

static const char *const headers[] = {"catalog", "control", "rill",    "sink",
				      "types",   "value",   "stalwart"};
#define HEADERS (sizeof headers / sizeof *headers)

/* Both orders of every two, and each alone. */
static char *includes(size_t order)
{
	char *text = format("%s", "");
	for (size_t i = 0; i < HEADERS; i++)
		if (order >= HEADERS || i == order)
			text = format("%s#include <rill/%s.h>\n", text,
				      headers[order == HEADERS ? HEADERS - 1 - i : i]);
	return format("%sint rill_user(void);\nint rill_user(void)\n{\n\treturn 0;\n}\n", text);
}

/* What is on in -Weverything and would be in anybody's way: C++98, padding of structures, the GNU
 * extensions that design.md lists. */
#define EVERYTHING                                                                                 \
	"-Weverything", "-Wno-c++98-compat", "-Wno-c++98-compat-pedantic", "-Wno-padded",          \
		"-Wno-declaration-after-statement", "-Wno-gnu-zero-variadic-macro-arguments",      \
		"-Wno-reserved-identifier", "-Wno-reserved-macro-identifier", "-Wno-comma",        \
		"-Wno-used-but-marked-unused"
#define STRICT                                                                                     \
	"-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wsign-conversion", "-Wshadow",         \
		"-Wundef", "-Wcast-qual", "-Wcast-align", "-Wfloat-equal", "-Wswitch-default",     \
		"-Wredundant-decls"
#define STRICT_CXX STRICT, "-Wold-style-cast", "-Wuseless-cast", "-Wzero-as-null-pointer-constant"

static const struct {
	struct compiler compiler;
	const char *flags[24];
} judges[] = {
	{{"gcc", "-std=c11", "c", "gcc -std=c11"}, {STRICT, "-Wstrict-prototypes"}},
	{{"gcc", "-std=c17", "c", "gcc -std=c17"}, {STRICT, "-O2"}},
	{{"clang", "-std=c11", "c", "clang -std=c11"}, {EVERYTHING}},
	{{"g++", "-std=c++17", "c++", "g++ -std=c++17"}, {STRICT_CXX}},
	{{"g++", "-std=c++20", "c++", "g++ -std=c++20"},
	 {STRICT_CXX, "-fno-exceptions", "-fno-rtti"}},
	{{"clang++", "-std=c++17", "c++", "clang++ -std=c++17"}, {EVERYTHING}},
	{{"clang++", "-std=c++20", "c++", "clang++ -std=c++20"},
	 {EVERYTHING, "-fno-exceptions", "-fno-rtti"}},
};

Test(users, headers_in_any_order, .timeout = 240)
{
	char *folder = folder_make(), *file = format("%s/use.c", folder);
	for (size_t order = 0; order <= HEADERS + 1; order++) {
		file_store_text(file, includes(order));
		for (size_t i = 0; i < sizeof judges / sizeof *judges; i++) {
			const char *flags[32] = {"-fsyntax-only", "-Werror"};
			memcpy(flags + 2, judges[i].flags, sizeof judges[i].flags);
			struct run_result r = compile(&judges[i].compiler, file, flags);
			cr_expect(r.code == 0 && r.err_bytes == 0, "%s, order %zu:\n%.2000s",
				  judges[i].compiler.name, order, r.err);
			run_free(&r);
		}
	}
	folder_remove(folder);
}

/* `short_tier`: in the short tier too. */
static const struct {
	const char *standard;
	bool short_tier;
	const char *flags[6];
} ways[] = {
	{"-std=c++17", true, {"-O0"}},
	{"-std=c++17", false, {"-O1"}},
	{"-std=c++17", true, {"-O2", "-flto"}},
	{"-std=c++20", false, {"-O3"}},
	{"-std=c++17", true, {"-Os", "-fno-exceptions", "-fno-rtti"}},
	{"-std=c++17", false, {"-O2", "-fPIC", "-fno-plt"}},
	{"-std=c++17", false, {"-O2", "-fPIE", "-pie"}},
	{"-std=c++17", false, {"-O2", "-fno-pie", "-no-pie"}},
	{"-std=c++17", false, {"-O2", "-static"}},
	{"-std=c++20", true, {"-O3", "-static-pie", "-fPIE"}},
	{"-std=c++17",
	 false,
	 {"-O2", "-D_FORTIFY_SOURCE=3", "-fstack-protector-all", "-fcf-protection"}},
};

/* Each event arrived once, by its number; the nested one has its inner event. */
static void expect_all(const char *program, const char *how)
{
	struct traced t = TRACED(0, ENV("RILL_POLICY=block"), program);
	struct traced_record record;
	uint64_t emitted = traced_number(&t, "emitted"), count = 0;
	bool *seen = calloc(emitted, sizeof *seen);
	cr_assert_gt(emitted, 3000, "%s", how);
	while (traced_next(&t, &record)) {
		uint64_t number = traced_u64(&record, "total");
		cr_assert(number < emitted && !seen[number], "%s: %llu", how,
			  (unsigned long long)number);
		seen[number] = true;
		count++;
	}
	cr_expect_eq(count, emitted, "%s: %llu of %llu", how, (unsigned long long)count,
		     (unsigned long long)emitted);
	cr_expect_str_eq(t.run.err, "", "%s", how);
	free(seen);
	traced_end(&t);
}

static void expect_way(const char *command, size_t way)
{
	struct compiler compiler = {command, ways[way].standard, "c++", command};
	char *program = built("tests/portable/user");
	const char *flags[24] = {"-Wall", "-Wextra", "-Werror",
				 "-Wno-unused-command-line-argument"};
	size_t n = 4;
	if (strcmp(command, "g++") == 0)
		n--;
	char *how = format("%s %s", command, ways[way].standard);
	for (size_t i = 0; i < 6 && ways[way].flags[i]; i++) {
		flags[n++] = ways[way].flags[i];
		how = format("%s %s", how, ways[way].flags[i]);
	}
	/* clang 14's linker here cannot read its own intermediate code without lld. */
	if (strstr(how, "clang++") && strstr(how, "-flto"))
		flags[n++] = "-fuse-ld=lld";
	const char *const rest[] = {
		"-x", "none", built("librill.a"), "-lzstd", "-lm", "-pthread", "-o", program, NULL};
	memcpy(flags + n, rest, sizeof rest);
	struct run_result r = compile(&compiler, source("tests/data/portable/user.cc"), flags);
	cr_assert_eq(r.code, 0, "%s:\n%.3000s", how, r.err);
	run_free(&r);
	expect_all("../portable/user", how);
	unlink(program);
}

static void expect_ways(const char *command)
{
	const char *tier = getenv("RILL_TEST_TIER");
	bool all = tier && strcmp(tier, "short") != 0;
#ifdef __SANITIZE_ADDRESS__
	cr_skip_test("librill.a is built with AddressSanitizer");
#endif
	for (size_t way = 0; way < sizeof ways / sizeof *ways; way++)
		if (all || ways[way].short_tier)
			expect_way(command, way);
}

Test(users, of_g_plus_plus, .timeout = 240)
{
	expect_ways("g++");
}

Test(users, of_clang_plus_plus, .timeout = 240)
{
	expect_ways("clang++");
}
