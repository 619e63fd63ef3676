#include "support/page_text.h"

#define EVENTS_PER_SUBSYSTEM 100

char *page_text(const struct page *page)
{
	static const char *const levels[] = {"trace", "debug", "info", "warn", "error"};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	for (size_t i = 0; i < page->nevents; i++) {
		if (i % EVENTS_PER_SUBSYSTEM == 0)
			fprintf(out,
				"\n## Subsystem %zu\n\n| Event | Level | Short | Long "
				"|\n|-|-|-|-|\n",
				i / EVENTS_PER_SUBSYSTEM);
		fprintf(out, "| `%s` | %s | Event %zu | It is number %zu. |\n", page->events[i],
			levels[i % 5], i, i);
	}
	fputs("\n## Keys\n\n| Key | Type | Description |\n|-|-|-|\n", out);
	for (size_t i = 0; i < page->nkeys; i++) {
		const char *between = "";
		fprintf(out, "| `%s` | ", page->keys[i].name);
		for (unsigned type = 0; type < RILL_TYPE_COUNT; type++) {
			if (!(page->keys[i].types >> type & 1))
				continue;
			fprintf(out, "%s%s", between, type_word(type));
			between = "\\|";
		}
		fprintf(out, " | Key %zu |\n", i);
	}
	fclose(out);
	return text;
}
