/* What is no page at all, in megabytes: refused soon, with file and line, and nothing is written.
 */
#include <criterion/criterion.h>
#include <rill/catalog.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/files.h"
#include "../support/gen.h"

#define NOISE_BYTES ((size_t)5 << 20)
#define SOON_MS     15000

static void expect_refused(const char *what, const void *page, size_t size_bytes, const char *error)
{
	char *folder = folder_make();
	struct run_result r;

	file_store(format("%s/page.md", folder), page, size_bytes);
	r = run_command((const char *const[]){built("rill-gen"), "--name", "demo", "--header",
					      "page.h", "--source", "page.c", "page.md", NULL},
			&(struct run_options){.directory = folder, .timeout_ms = SOON_MS});
	cr_expect_not(r.timed_out, "%s", what);
	cr_expect_eq(r.code, 1, "%s: exit code %d, signal %d", what, r.code, r.signal);
	cr_expect_eq(strncmp(r.err, error, strlen(error)), 0, "%s: %.200s\nbut should be %s", what,
		     r.err, error);
	cr_expect_lt(r.err_bytes, 10000, "%s", what);
	cr_expect_not(file_exists(format("%s/page.h", folder)), "%s", what);
	cr_expect_not(file_exists(format("%s/page.c", folder)), "%s", what);
	cr_expect_not(file_exists(format("%s/page.ids", folder)), "%s", what);
	run_free(&r);
	folder_remove(folder);
}

/* `size_bytes` of a text, again and again, behind `head`. */
static char *repeat(const char *head, const char *text, size_t size_bytes)
{
	size_t at = strlen(head), length = strlen(text);
	char *s = malloc(size_bytes + at + length + 1);

	cr_assert(s);
	strcpy(s, head);
	for (size_t end = at + size_bytes; at < end; at += length)
		memcpy(s + at, text, length + 1);
	return s;
}

static void expect_repeated(const char *head, const char *text, const char *error)
{
	char *page = repeat(head, text, NOISE_BYTES);

	expect_refused(text, page, strlen(page), error);
	free(page);
}

Test(noise, random_bytes)
{
	unsigned char *page = malloc(NOISE_BYTES);

	cr_assert(page);
	for (unsigned seed = 1; seed <= 5; seed++) {
		uint64_t x = seed;

		for (size_t i = 0; i < NOISE_BYTES; i++) {
			x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
			page[i] = (unsigned char)(x >> 56);
		}
		expect_refused(format("seed %u", seed), page, NOISE_BYTES, "page.md:1: error: ");
	}
}

Test(noise, one_long_line)
{
	static const char error[] =
		"page.md:1: error: the line is longer than 64 KiB; shorten it\n";

	expect_repeated("", "|", error);
	expect_repeated("", "[", error);
	expect_repeated("", "![[](", error);
	expect_repeated("", "> - 1. ", error);
}

Test(noise, many_lines)
{
	static const char error[] = "page.md:100001: error: the page has more than 100000 lines";

	expect_repeated("", "|\n", error);
	expect_repeated("", "[\n", error);
	expect_repeated("## A\n| Event |\n|---|\n", "x\n", error);
}

/* Within every bound of the text: the Markdown parser has to cope. */
Test(noise, lines_of_text)
{
	static const char *const texts[] = {"|", "[", "[a](b", "*a **a ", "> ", "- ", "<a href="};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char *line = repeat("", texts[i], 100);

		expect_repeated("", format("%s\n", line), "page.md:1: error: ");
	}
}

/* A table within the bounds of lines and columns, all of it wrong. */
Test(noise, widest_longest_table)
{
	char *head = format("## A\n%s|\n%s|\n", repeat("", "| a ", 32), repeat("", "|---", 32));
	char *page = repeat(head, "y\n", 2 * 99990);

	expect_refused("table", page, strlen(page), "page.md:2: error: unknown column 'a'");
}

Test(noise, quadratic_markdown_is_stopped)
{
	char *line = repeat("", "![[]()", 96);
	char *page = repeat("", format("%s\n", line), (size_t)7 << 20);

	expect_refused("quadratic", page, strlen(page),
		       "page.md:1: error: reading the page takes more than 5 s of processor time");
}

Test(noise, too_large)
{
	char *page = repeat("", "prose\n", ((size_t)8 << 20) + 1);

	expect_refused("9 MiB", page, strlen(page),
		       "page.md:1: error: the page is larger than 8 MiB");
}

/* One more than catalog.h allows of each, and exactly as many. */
static char *big_page(unsigned events, unsigned keys, unsigned spans)
{
	char *page = NULL;
	size_t size;
	FILE *f = open_memstream(&page, &size);

	cr_assert(f);
	fputs("## A\n\n| Event | Level | Short | Long |\n|---|---|---|---|\n", f);
	for (unsigned i = 0; i < events; i++)
		fprintf(f, "| a.%u | info | S | L |\n", i);
	fputs("\n## Keys\n\n| Key | Type | Description |\n|---|---|---|\n", f);
	for (unsigned i = 0; i < keys; i++)
		fprintf(f, "| k%u | u64 | D |\n", i);
	fputs("\n## Spans\n\n| Span | Start | End | Key |\n|---|---|---|---|\n", f);
	for (unsigned i = 0; i < spans; i++)
		fprintf(f, "| s%u | a.%u | a.%u | k0 |\n", i, 2 * i, 2 * i + 1);
	fclose(f);
	return page;
}

Test(bounds, one_too_many)
{
	const unsigned events = RILL_CATALOG_MAX_EVENTS, keys = RILL_CATALOG_MAX_KEYS,
		       spans = RILL_CATALOG_MAX_SPANS;
	char *page = big_page(events + 1, 1, 0);

	expect_refused(
		"events", page, strlen(page),
		format("page.md:%u: error: the page has more than %u events", 5 + events, events));
	page = big_page(1, keys + 1, 0);
	expect_refused(
		"keys", page, strlen(page),
		format("page.md:%u: error: the page has more than %u keys", 11 + keys, keys));
	page = big_page(events, 1, spans + 1);
	expect_refused("spans", page, strlen(page),
		       format("page.md:%u: error: the page has more than %u spans",
			      16 + events + spans, spans));
}

Test(bounds, as_many_as_allowed)
{
	char *folder = gen_folder(
		big_page(RILL_CATALOG_MAX_EVENTS, RILL_CATALOG_MAX_KEYS, RILL_CATALOG_MAX_SPANS),
		NULL);
	struct run_result r = GEN_RUN(folder, NULL);

	gen_expect(&r, 0, "");
	cr_expect(strstr(gen_load(folder, "page.h"), "rill__demo_e_a_16383 = 16383,"));
	r = RUN(&(struct run_options){.directory = folder}, "gcc",
		format("-I%s", source("include")), "-c", "-o", "page.o", "page.c");
	gen_expect(&r, 0, "");
	folder_remove(folder);
}

Test(unreadable, page)
{
	char *folder = gen_folder(NULL, NULL);
	struct run_result r = GEN_RUN(folder, NULL);

	gen_expect(&r, 1, "page.md:1: error: the page cannot be read: No such file or directory\n");
	mkdir(format("%s/page.md", folder), 0777);
	r = GEN_RUN(folder, NULL);
	gen_expect(&r, 1, "page.md:1: error: the page cannot be read: Is a directory\n");
	folder_remove(folder);
	if (geteuid() == 0)
		return; /* who may read everything */
	folder = gen_folder("## A\n", NULL);
	chmod(format("%s/page.md", folder), 0);
	r = GEN_RUN(folder, NULL);
	gen_expect(&r, 1, "page.md:1: error: the page cannot be read: Permission denied\n");
	folder_remove(folder);
}

Test(unreadable, endless_page)
{
	char *folder = gen_folder(NULL, NULL);
	struct run_result r;

	cr_assert_eq(symlink("/dev/zero", format("%s/page.md", folder)), 0);
	r = GEN_RUN(folder, NULL);
	gen_expect(&r, 1,
		   "page.md:1: error: the page is larger than 8 MiB; split it into several "
		   "catalogs\n");
	folder_remove(folder);
}
