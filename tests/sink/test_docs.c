/* The examples in docs/text.md and docs/json.md are what the sinks write. */
#include <criterion/criterion.h>
#include <string.h>

#include "../support/entries.h"
#include "../support/files.h"

/* Each ```LANGUAGE block of the page stands as it is somewhere in `written`. */
static void expect_examples(const char *page, const char *language, const char *written,
			    int at_least)
{
	char *text = file_load(source(page), NULL), *fence = format("\n```%s\n", language);
	int found = 0;
	for (char *start; (start = strstr(text, fence)); found++) {
		start += strlen(fence);
		char *end = strstr(start, "```\n");
		cr_assert(end, "%s: a block has no end", page);
		*end = '\0';
		cr_expect(strstr(written, start), "%s: the sink does not write\n%s", page, start);
		text = end + 1;
	}
	cr_expect_geq(found, at_least, "%s has %d examples", page, found);
}

Test(docs, examples_are_what_the_sinks_write)
{
	const struct rill_entry *entries;
	size_t count = story(&entries);
	char *text = format("%s%s", render_entries("text", "", entries, count),
			    render_entries("text", "?multiline=1", entries, count));
	expect_examples("docs/text.md", "text", text, 5);
	expect_examples("docs/json.md", "json", render_entries("json", "", entries, count), 3);
}
