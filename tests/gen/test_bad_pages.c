/* Every page under tests/data/gen/bad is refused with exactly the errors beside it, and nothing
 * else happens: exit code 1, and header, source and lock file keep their bytes and times. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/files.h"
#include "../support/gen.h"

static const char *const outputs[] = {"page.h", "page.c", "page.ids"};

/* NAME.md and, where there is one, its lock file NAME.ids; expected: NAME.err. */
static void try_page(const char *name)
{
	char *data = source(format("tests/data/gen/bad/%s", name)), *folder = folder_make();
	char *before[3] = {NULL}, *errors = file_load(format("%s.err", data), NULL);
	struct run_result r;

	file_copy(format("%s.md", data), format("%s/page.md", folder));
	if (file_exists(format("%s.ids", data)))
		file_copy(format("%s.ids", data), format("%s/page.ids", folder));
	file_store_text(format("%s/page.h", folder), "/* old header */\n");
	file_store_text(format("%s/page.c", folder), "/* old source */\n");
	for (int i = 0; i < 3; i++) {
		char *path = format("%s/%s", folder, outputs[i]);

		if (file_exists(path)) {
			file_make_old(path);
			before[i] = file_load(path, NULL);
		}
	}
	r = GEN_RUN(folder, NULL);
	cr_expect_str_eq(r.err, errors, "%s: standard error is\n%s\nbut should be\n%s", name, r.err,
			 errors);
	cr_expect_str_empty(r.out, "%s", name);
	cr_expect_eq(r.code, 1, "%s: exit code %d", name, r.code);
	for (int i = 0; i < 3; i++) {
		char *path = format("%s/%s", folder, outputs[i]);

		cr_assert_eq(file_exists(path), before[i] != NULL, "%s: %s", name, outputs[i]);
		if (!before[i])
			continue;
		cr_expect_str_eq(file_load(path, NULL), before[i], "%s: %s", name, outputs[i]);
		cr_expect_eq(file_time_ns(path), INT64_C(1000000000000000000), "%s: %s", name,
			     outputs[i]);
	}
	run_free(&r);
	folder_remove(folder);
}

Test(bad_pages, each_is_refused_with_its_errors)
{
	DIR *d = opendir(source("tests/data/gen/bad"));
	const struct dirent *entry;
	size_t pages = 0;

	cr_assert(d);
	while ((entry = readdir(d))) {
		const char *end = strrchr(entry->d_name, '.');

		if (!end || strcmp(end, ".md") != 0)
			continue;
		try_page(format("%.*s", (int)(end - entry->d_name), entry->d_name));
		pages++;
	}
	closedir(d);
	cr_expect_geq(pages, 50, "only %zu pages", pages);
}

/* Every error points at a line that is there. */
Test(bad_pages, every_error_has_file_and_line)
{
	DIR *d = opendir(source("tests/data/gen/bad"));
	const struct dirent *entry;

	while ((entry = readdir(d))) {
		const char *end = strrchr(entry->d_name, '.');
		char *rest, *line;

		if (!end || strcmp(end, ".err") != 0)
			continue;
		rest = file_load(source(format("tests/data/gen/bad/%s", entry->d_name)), NULL);
		while ((line = strsep(&rest, "\n")) && *line) {
			int at = 0;

			if (strncmp(line, "rill-gen: ", 10) == 0)
				continue; /* how many more there are */
			sscanf(line, "page.%*[mids]:%*[0-9]: error: %n", &at);
			cr_expect_gt(at, 0, "%s: %s", entry->d_name, line);
		}
	}
	closedir(d);
}
