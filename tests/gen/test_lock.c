/* The lock file: ids stay, new names are appended, nothing is taken back. */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/stat.h>

#include "../support/files.h"
#include "../support/gen.h"

#define HEAD                                                                                       \
	"# The ids of page.md. rill-gen appends to this file; commit it with the page.\n"          \
	"# Ids stand in dumps and are never changed, reused or deleted. After a merge\n"           \
	"# conflict keep the released lines, delete the others, run rill-gen again.\n"
#define EVENTS "## A\n\n| Event | Level | Short | Long |\n|---|---|---|---|\n"
#define ONE    "| a.one | info | One | The first. |\n"
#define TWO    "| a.two | info | Two | The second. |\n"
#define NEW    "| a.new | info | New | The newest. |\n"
#define KEYS   "\n## Keys\n\n| Key | Type | Description |\n|---|---|---|\n"
#define SPANS  "\n## Spans\n\n| Span | Start | End | Key |\n|---|---|---|---|\n"

static void expect_lock(const char *folder, const char *lock)
{
	char *now = gen_load(folder, "page.ids");

	cr_expect_str_eq(now, lock, "the lock file is\n%s\nbut should be\n%s", now, lock);
}

Test(lock, is_made_in_page_order)
{
	char *folder = gen_folder(EVENTS ONE TWO KEYS "| id | u64\\|string | Id |\n" SPANS
						      "| s | a.one | a.two | id |\n",
				  NULL);
	struct run_result r = GEN_RUN(folder, NULL);

	gen_expect(&r, 0, "");
	expect_lock(folder,
		    HEAD "subsystem 0 A\nevent 0 a.one\nevent 1 a.two\nkey 0 id u64|string\n"
			 "span 0 s\n");
	folder_remove(folder);
}

/* A row put first, or moved, gets or keeps its own id: numbers don't follow places. */
Test(lock, new_names_are_appended)
{
	static const char lock[] = "# mine\n\nsubsystem 0 A\nevent 0 a.one\nevent 1 a.two\n# old\n";
	char *folder =
		gen_folder("## B B\n\n| Event | Level | Short | Long |\n|---|---|---|---|\n" NEW
			   "\n" EVENTS TWO ONE,
			   lock);
	struct run_result r = GEN_RUN(folder, NULL);
	char *header;

	gen_expect(&r, 0, "");
	expect_lock(folder, format("%ssubsystem 1 B B\nevent 2 a.new\n", lock));
	header = gen_load(folder, "page.h");
	cr_expect(strstr(header, "rill__demo_e_a_new = 2,"));
	cr_expect(strstr(header, "rill__demo_e_a_two = 1,"));
	cr_expect(strstr(header, "rill__demo_e_a_one = 0,"));
	cr_expect_lt(strstr(header, "a_new = 2"), strstr(header, "a_two = 1"), "page order");
	r = GEN_RUN(folder, "--locked");
	gen_expect(&r, 0, "");
	folder_remove(folder);
}

Test(lock, without_final_newline_or_with_crlf_is_appended_to)
{
	char *folder = gen_folder(EVENTS ONE TWO, "subsystem 0 A\r\nevent 0 a.one");
	struct run_result r = GEN_RUN(folder, NULL);

	gen_expect(&r, 0, "");
	expect_lock(folder, "subsystem 0 A\r\nevent 0 a.one\nevent 1 a.two\n");
	folder_remove(folder);
}

Test(lock, types_may_grow_and_never_shrink)
{
	char *folder = gen_folder(EVENTS ONE KEYS "| id | string\\|u64\\|list | Id |\n",
				  "subsystem 0 A\nevent 0 a.one\nkey 0 id u64\n");
	struct run_result r = GEN_RUN(folder, "--locked");

	gen_expect(&r, 1,
		   "page.md:11: error: key 'id' has types that are not in page.ids; run rill-gen "
		   "without "
		   "--locked and --check, and commit the lock file with the page\n");
	r = GEN_RUN(folder, NULL);
	gen_expect(&r, 0, "");
	expect_lock(folder,
		    "subsystem 0 A\nevent 0 a.one\nkey 0 id u64\nkey 0 id string|u64|list\n");
	file_store_text(format("%s/page.md", folder), EVENTS ONE KEYS "| id | u64\\|list | Id |\n");
	r = GEN_RUN(folder, NULL);
	gen_expect(&r, 1,
		   "page.md:11: error: changed type: key 'id' no longer has string, which "
		   "page.ids:4 pins "
		   "and old dumps hold; put it back, or add a key of another name\n");
	file_store_text(format("%s/page.md", folder),
			EVENTS ONE KEYS "| id | list\\|u64\\|string | Id |\n");
	r = GEN_RUN(folder, "--locked"); /* the same set in another order */
	gen_expect(&r, 0, "");
	folder_remove(folder);
}

Test(lock, a_vanished_name_is_refused_and_its_id_not_given_away)
{
	char *folder = gen_folder(EVENTS ONE NEW, "subsystem 0 A\nevent 0 a.one\nevent 1 a.two\n");
	struct run_result r = GEN_RUN(folder, NULL);

	gen_expect(&r, 1,
		   "page.ids:3: error: event 'a.two' has vanished from page.md, but its id 1 "
		   "stands in old "
		   "dumps and is never given away: put it back; if it is not used any more, say so "
		   "in its "
		   "text\n");
	expect_lock(folder, "subsystem 0 A\nevent 0 a.one\nevent 1 a.two\n");
	folder_remove(folder);
}

Test(lock, locked_writes_nothing_when_a_name_is_new)
{
	char *folder = gen_folder(EVENTS ONE TWO, "subsystem 0 A\nevent 0 a.one\n");
	struct run_result r;

	file_make_old(format("%s/page.ids", folder));
	r = GEN_RUN(folder, "--locked");
	gen_expect(&r, 1,
		   "page.md:6: error: event 'a.two' is not in page.ids; run rill-gen without "
		   "--locked and "
		   "--check, and commit the lock file with the page\n");
	cr_expect_not(file_exists(format("%s/page.h", folder)));
	expect_lock(folder, "subsystem 0 A\nevent 0 a.one\n");
	cr_expect_eq(file_time_ns(format("%s/page.ids", folder)), INT64_C(1000000000000000000));
	folder_remove(folder);
}

Test(lock, locked_without_a_lock_file)
{
	char *folder = gen_folder(EVENTS ONE, NULL);
	struct run_result r = GEN_RUN(folder, "--locked");

	cr_expect_eq(r.code, 1);
	cr_expect(strstr(r.err, "page.md:5: error: event 'a.one' is not in page.ids;"), "%s",
		  r.err);
	cr_expect_not(file_exists(format("%s/page.ids", folder)));
	run_free(&r);
	folder_remove(folder);
}

Test(lock, unchanged_is_left_alone)
{
	char *folder = gen_folder(EVENTS ONE, NULL);
	struct run_result r = GEN_RUN(folder, NULL);

	gen_expect(&r, 0, "");
	file_make_old(format("%s/page.ids", folder));
	r = GEN_RUN(folder, NULL);
	gen_expect(&r, 0, "");
	cr_expect_eq(file_time_ns(format("%s/page.ids", folder)), INT64_C(1000000000000000000));
	folder_remove(folder);
}

Test(lock, may_have_any_name)
{
	char *folder = gen_folder(EVENTS ONE, NULL);
	struct run_result r = GEN_RUN(folder, "--lock", "numbers");

	gen_expect(&r, 0, "");
	cr_expect(file_exists(format("%s/numbers", folder)));
	cr_expect_not(file_exists(format("%s/page.ids", folder)));
	folder_remove(folder);
}

Test(lock, unreadable)
{
	char *folder = gen_folder(EVENTS ONE, NULL);
	struct run_result r;

	mkdir(format("%s/page.ids", folder), 0777);
	r = GEN_RUN(folder, NULL);
	gen_expect(&r, 1, "page.ids:1: error: the lock file cannot be read: Is a directory\n");
	cr_expect_not(file_exists(format("%s/page.h", folder)));
	folder_remove(folder);
}
