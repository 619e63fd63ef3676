/* The golden dumps of format 1 read as they did on the first day: docs/dump-format.md. */
#include <criterion/criterion.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "support/dump_lines.h"
#include "support/files.h"

#define FILES 11

static void expect_same(const char *path, const char *reader, const char *is, const char *should_be)
{
	while (*is && *is == *should_be)
		is++, should_be++;
	cr_assert(*is == *should_be, "%s, %s: '%.80s' instead of '%.80s'", path, reader, is,
		  should_be);
}

Test(golden, both_readers_say_what_they_said_on_the_first_day, .timeout = 120)
{
	glob_t found;
	cr_assert_eq(glob(source("tests/data/dump/*.rill"), 0, NULL, &found), 0);
	cr_assert_eq(found.gl_pathc, FILES);
	for (size_t i = 0; i < FILES; i++) {
		const char *path = found.gl_pathv[i];
		char *text = format("%.*s.txt", (int)(strlen(path) - strlen(".rill")), path);
		char *expected = file_load(text, NULL);
		expect_same(path, "second", second_lines(path), expected);
		expect_same(path, "first", dump_lines(path), second_common(expected));
	}
	globfree(&found);
}
