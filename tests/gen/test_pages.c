/* Good pages, plain and odd: what rill-gen writes for them, byte by byte, and that it compiles. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "../support/files.h"
#include "../support/gen.h"

#define EVENTS "## A\n\n| Event | Level | Short | Long |\n|---|---|---|---|\n"
#define ONE    "| a.one | info | One | The first. |\n"

static void expect_file(const char *folder, const char *name, const char *expected)
{
	char *now = gen_load(folder, name), *then = file_load(source(expected), NULL);

	cr_expect_str_eq(now, then, "%s is\n%s\nbut should be as in %s", name, now, expected);
}

/* tests/data/gen/small.md has one of everything that may stand on a page. */
Test(pages, small_page_gives_the_golden_files)
{
	char *folder = gen_folder(file_load(source("tests/data/gen/small.md"), NULL), NULL);
	struct run_result r = GEN_RUN(folder, NULL);

	gen_expect(&r, 0, "");
	expect_file(folder, "page.h", "tests/data/gen/small.h");
	expect_file(folder, "page.c", "tests/data/gen/small.c");
	expect_file(folder, "page.ids", "tests/data/gen/small.ids");
	folder_remove(folder);
}

Test(pages, small_page_compiles)
{
	char *folder = gen_folder(file_load(source("tests/data/gen/small.md"), NULL), NULL);
	struct run_result r = GEN_RUN(folder, NULL);

	gen_expect(&r, 0, "");
	gen_expect_compiles(folder, "#include \"page.h\"\n"
				    "#include \"page.h\"\n"
				    "int first(void);\n"
				    "int first(void) { return rill__demo_e_text_plain; }\n");
	folder_remove(folder);
}

/* The text that a C compiler makes of the tables is the page's, also where C has its own view of
 * ??/ and backslashes (-std=c11 has trigraphs, gnu11 has none). */
Test(pages, texts_survive_the_compiler)
{
	static const char program[] = "#include <stdio.h>\n#include <rill/catalog.h>\n"
				      "extern const struct rill_catalog rill_catalog_demo;\n"
				      "int main(void) { puts(rill_catalog_demo.events[3].text);\n"
				      "puts(rill_catalog_demo.keys[3].text); return 0; }\n";
	static const char *const standards[] = {"-std=c11", "-std=gnu11"};
	char *folder = gen_folder(file_load(source("tests/data/gen/small.md"), NULL), NULL);
	struct run_result r = GEN_RUN(folder, NULL);

	gen_expect(&r, 0, "");
	file_store_text(format("%s/main.c", folder), program);
	for (int i = 0; i < 2; i++) {
		r = RUN(&(struct run_options){.directory = folder}, "gcc", standards[i],
			format("-I%s", source("include")), "-o", "main", "main.c", "page.c");
		gen_expect(&r, 0, "");
		r = RUN(NULL, format("%s/main", folder));
		cr_expect_str_eq(r.out, "*/ int x; /* **/ //*/ ?"
					"?/ ?"
					"?"
					"?/ a backslash \\ in the middle "
					"and \\n %s \\\n\"Quoted\" ?"
					"?/ */\n");
		run_free(&r);
	}
	folder_remove(folder);
}

/* Writes the same page differently; header and source must be the same. */
static void expect_same(const char *what, const char *page, size_t size_bytes)
{
	char *folder = folder_make(), *plain = gen_folder(EVENTS ONE, NULL);
	struct run_result r = GEN_RUN(plain, NULL);

	gen_expect(&r, 0, "");
	file_store(format("%s/page.md", folder), page, size_bytes);
	r = GEN_RUN(folder, NULL);
	gen_expect(&r, 0, "");
	cr_expect_str_eq(gen_load(folder, "page.h"), gen_load(plain, "page.h"), "%s", what);
	cr_expect_str_eq(gen_load(folder, "page.c"), gen_load(plain, "page.c"), "%s", what);
	cr_expect_str_eq(gen_load(folder, "page.ids"), gen_load(plain, "page.ids"), "%s", what);
	folder_remove(folder);
	folder_remove(plain);
}

Test(pages, odd_ones_are_the_same_page)
{
	static const char *const pages[][2] = {
		{"CRLF", "## A\r\n\r\n| Event | Level | Short | Long |\r\n|---|---|---|---|\r\n"
			 "| a.one | info | One | The first. |\r\n"},
		{"no final newline", EVENTS "| a.one | info | One | The first. |"},
		{"byte-order mark", "\xef\xbb\xbf" EVENTS ONE},
		{"byte-order mark, CRLF, no final newline",
		 "\xef\xbb\xbf## A\r\n\r\n| Event | Level | Short | Long |\r\n|---|---|---|---|\r\n"
		 "| a.one | info | One | The first. |"},
		{"no outer bars",
		 "## A\n\nEvent|Level|Short|Long\n-|-|-|-\na.one|info|One|The first."},
		{"aligned", "## A\n\n|  Event  | Level | Short |    Long    |\n"
			    "| :------ | :---: | ----: | ---------- |\n"
			    "| `a.one` | info  | *One* | The first. |\n"},
		{"setext heading", "A\n---\n\nprose\n\n"
				   "| Event | Level | Short | Long |\n|---|---|---|---|\n" ONE
				   "\n### More\n\nprose | with | bars\n"},
		{"closed heading",
		 "Title\n===\n\n## *A* ##\nprose right above\n"
		 "| Event | Level | Short | Long |\n|---|---|---|---|\n" ONE "# End\n"},
		{"prose sections",
		 "## Contents\n\n- [A](#a)\n\n" EVENTS ONE "\n## Notes\n\nNone.\n"},
	};

	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
		expect_same(pages[i][0], pages[i][1], strlen(pages[i][1]));
}

/* Names that mean something to C, C++, or the preprocessor. */
Test(pages, keywords_are_names)
{
	static const char *const words[] = {
		"default",  "class",    "errno", "int",      "NULL",     "linux", "unix",
		"stdin",    "assert",   "true",  "operator", "template", "this",  "and",
		"xor",      "register", "asm",   "restrict", "id",       "type",  "size",
		"hostname", "main",     "_Bool", "__LINE__", "signed",
	};
	char *events = strdup(""), *keys = strdup(""), *folder;
	struct run_result r;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		events = format("%s| %s | info | S | L |\n", events, words[i]);
		keys = format("%s| %s | u64 | D |\n", keys, words[i]);
	}
	folder = gen_folder(format(EVENTS
				   "%s\n## Keys\n\n| Key | Type | Description |\n|---|---|---|\n%s",
				   events, keys),
			    NULL);
	r = GEN_RUN(folder, NULL);
	gen_expect(&r, 0, "");
	gen_expect_compiles(folder,
			    "#include <errno.h>\n#include <assert.h>\n#include <stdbool.h>\n"
			    "#include <stdio.h>\n#include \"page.h\"\n"
			    "int first(void);\n"
			    "int first(void) { return rill__demo_e_default + rill__demo_e_class"
			    " + rill__demo_e_errno + rill__demo_e_linux; }\n");
	folder_remove(folder);
}

/* The same input gives the same bytes: from another folder, by another path, in another locale. */
Test(pages, output_is_deterministic)
{
	static const char *const outputs[] = {"page.h", "page.c", "page.ids"};
	static const char *const env[] = {"LC_ALL=tr_TR.UTF-8", "TZ=Asia/Tokyo", NULL};
	char *page = file_load(source("docs/events.md"), NULL);
	char *one = gen_folder(page, NULL), *other = gen_folder(page, NULL);
	struct run_result r = GEN_RUN(one, NULL);

	gen_expect(&r, 0, "");
	r = RUN((&(struct run_options){.env = env}), built("rill-gen"), format("%s/page.md", other),
		"--source", format("%s/page.c", other), "--header", format("%s/page.h", other),
		"--name", "demo");
	gen_expect(&r, 0, "");
	for (int i = 0; i < 3; i++)
		cr_expect_str_eq(gen_load(one, outputs[i]), gen_load(other, outputs[i]), "%s",
				 outputs[i]);
	folder_remove(one);
	folder_remove(other);
}

/* The hash stands for the content: any change of it changes the hash, and nothing else does. */
static char *hash_of(const char *page)
{
	char *folder = gen_folder(page, NULL), *hash;
	struct run_result r = GEN_RUN(folder, NULL);

	gen_expect(&r, 0, "");
	hash = strstr(gen_load(folder, "page.c"), "UINT64_C(0x");
	cr_assert(hash);
	hash = format("%.29s", hash);
	folder_remove(folder);
	return hash;
}

Test(pages, hash_follows_the_content)
{
	static const char *const changed[][2] = {
		{"a.one", "a.eno"},
		{"| info |", "| warn |"},
		{"| One", "| Eno"},
		{"The first.", "The first"},
		{"| id |", "| to |"},
		{"| u64 |", "| i64 |"},
		{"| Id |", "| ID |"},
		{"| yes |", "| |"},
		{"## A", "## B"},
		{"| never |", "| |"},
		{"| s |", "| t |"},
		{"| - |", "| to |"},
		{"| secret |", "| personal |"},
	};
	static const char page[] =
		"## A\n\n| Event | Level | Short | Long | Keys | Loss "
		"|\n|---|---|---|---|---|---|\n"
		"| a.one | info | One | The first. | id | never |\n| a.two | info | Two | Second. "
		"| | |\n\n"
		"## Keys\n\n| Key | Type | Description | Link | Privacy |\n|---|---|---|---|---|\n"
		"| id | u64 | Id | yes | |\n| to | string | To | | |\n| on | string | On | | "
		"secret |\n\n"
		"## Spans\n\n| Span | Start | End | Key |\n|---|---|---|---|\n| s | a.two | "
		"a.three | - |\n\n"
		"## C\n\n| Event | Level | Short | Long |\n|---|---|---|---|\n| a.three | info | "
		"Three | 3. |\n";
	char *original = hash_of(page);

	cr_expect_str_eq(hash_of(format("# Title\n\nProse.\n\n%s", page)), original);
	for (size_t i = 0; i < sizeof(changed) / sizeof(changed[0]); i++) {
		const char *at = strstr(page, changed[i][0]);

		if (strcmp(changed[i][0], "| id |") == 0)
			at = strstr(page,
				    "| id | never |"); /* the event's key, not the key's name */
		cr_assert(at, "%s", changed[i][0]);
		cr_expect_str_neq(hash_of(format("%.*s%s%s", (int)(at - page), page, changed[i][1],
						 at + strlen(changed[i][0]))),
				  original, "%s", changed[i][0]);
	}
}

/* The block of code behind a mark in docs/catalog.md. */
static char *example(const char *mark)
{
	char *text = file_load(source("docs/catalog.md"), NULL), *end;

	text = strstr(text, mark);
	cr_assert(text, "%s", mark);
	text = strstr(text, "```");
	text = strchr(text, '\n') + 1;
	end = strstr(text, "\n```");
	cr_assert(end);
	end[1] = '\0';
	return text;
}

Test(pages, example_of_the_manual_works)
{
	char *folder = gen_folder(example("<!-- example page -->"), NULL);
	struct run_result r = GEN_RUN(folder, "--name", "queue", "--header", "queue.h");

	gen_expect(&r, 0, "");
	gen_expect_compiles(folder, example("<!-- example program -->"));
	cr_expect(strstr(gen_load(folder, "queue.h"), "rill__queue_e_job_lost = 4,"));
	folder_remove(folder);
}
