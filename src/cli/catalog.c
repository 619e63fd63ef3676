/* rill catalog: what there is to trace, and what it means. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "core/nearest.h"

extern const struct rill_catalog rill_catalog_stalwart;

static const char usage[] =
	"usage: rill catalog [OPTION...] [list | search TEXT | explain EVENT]\n"
	"\n"
	"  list            all events by subsystem, with level and short text (default)\n"
	"  search TEXT     events that have TEXT in id, short or long text, whatever the case\n"
	"  explain EVENT   level, texts and keys of an event, and the spans it plays a part in\n"
	"\n"
	"  -d, --dump=PATH  the catalogs in a dump, not the built-in one of Stalwart\n"
	"  -h, --help       print this\n"
	"\n"
	"Exit codes: 0 found; 1 nothing found, or the dump cannot be read; 2 wrong usage.\n";

#define MAX_SHOWN 16u /* catalogs; a dump holds each content once for each process */

struct choice {
	const struct rill_catalog *catalogs[MAX_SHOWN];
	size_t count;
};

static void print_event(const struct rill_catalog_event *event, int width)
{
	printf("  %-*s  %-5s  %s\n", width, shown(event->name), level_names[event->level],
	       shown(event->brief));
}

static int name_width(const struct rill_catalog *catalog)
{
	size_t widest = 0;
	for (size_t i = 0; i < catalog->nevents; i++) {
		size_t width = strlen(shown(catalog->events[i].name));
		widest = width > widest ? width : widest;
	}
	return (int)widest;
}

/* Prints the events that contain `text` (all when it is NULL) by subsystem. Returns how many. */
static size_t print_matching(const struct rill_catalog *catalog, const char *text)
{
	size_t found = 0;
	int width = name_width(catalog);
	for (size_t s = 0; s < catalog->nsubsystems; s++) {
		bool headed = false;
		for (size_t i = 0; i < catalog->nevents; i++) {
			const struct rill_catalog_event *event = &catalog->events[i];
			if (event->subsystem != s ||
			    (text && !strcasestr(event->name, text) &&
			     !strcasestr(event->brief, text) && !strcasestr(event->text, text)))
				continue;
			if (!headed)
				printf("%s%s\n", found ? "\n" : "", shown(catalog->subsystems[s]));
			headed = true;
			print_event(event, width);
			found++;
		}
	}
	return found;
}

static int list(const struct choice *choice, const char *text)
{
	size_t found = 0;
	for (size_t i = 0; i < choice->count; i++) {
		if (choice->count > 1)
			printf("%s# catalog %s\n\n", i ? "\n" : "",
			       shown(choice->catalogs[i]->name));
		found += print_matching(choice->catalogs[i], text);
	}
	if (found)
		return EXIT_OK;
	return text ? trouble("no event has \"%s\" in its id or its texts", text)
		    : trouble("there are no events");
}

static const char *link_text(unsigned flags)
{
	return flags & RILL_KEY_GLOBAL ? " (link)"
	       : flags & RILL_KEY_LINK ? " (link of a process)"
				       : "";
}

static void print_keys(const struct rill_catalog *catalog, const struct rill_catalog_event *event,
		       size_t width)
{
	int name_columns = 0, type_columns = 0;
	char types[128];
	for (size_t i = 0; i < event->nkeys; i++) {
		const struct rill_catalog_key *key = &catalog->keys[event->keys[i]];
		int name = (int)strlen(shown(key->name));
		int type = (int)strlen(show_types(types, sizeof types, key->types));
		name_columns = name > name_columns ? name : name_columns;
		type_columns = type > type_columns ? type : type_columns;
	}
	if (event->nkeys)
		puts("  keys");
	for (size_t i = 0; i < event->nkeys; i++) {
		const struct rill_catalog_key *key = &catalog->keys[event->keys[i]];
		printf("    %-*s  %-*s  %s%s%s%s\n", name_columns, shown(key->name), type_columns,
		       show_types(types, sizeof types, key->types), shown(key->text),
		       link_text(key->flags), key->flags & RILL_KEY_PERSONAL ? " (personal)" : "",
		       key->flags & RILL_KEY_SECRET ? " (secret)" : "");
	}
	if (!event->nkeys)
		show_wrapped(stdout, "No keys are known; it may be given any of the catalog's.", 2,
			     width);
}

/* Spans that an event with this key may be inside of. */
static void print_around(const struct rill_catalog *catalog, uint16_t id, uint16_t key,
			 size_t width)
{
	char *text = NULL;
	size_t size = 0;
	FILE *memory = open_memstream(&text, &size);
	if (!memory)
		return;
	fprintf(memory, "by %s in the span of that value:", shown(catalog->keys[key].name));
	bool any = false;
	for (size_t i = 0; i < catalog->nspans; i++) {
		const struct rill_catalog_span *span = &catalog->spans[i];
		if (span->key != key || span->start == id || span->end == id)
			continue;
		fprintf(memory, "%s %s", any ? "," : "", shown(span->name));
		any = true;
	}
	if (!fclose(memory) && any)
		show_wrapped(stdout, text, 2, width);
	free(text);
}

static void print_parts(const struct rill_catalog *catalog, uint16_t id, size_t width)
{
	const struct rill_catalog_event *event = &catalog->events[id];
	for (size_t i = 0; i < catalog->nspans; i++) {
		const struct rill_catalog_span *span = &catalog->spans[i];
		bool starts = span->start == id, ends = span->end == id;
		if (!starts && !ends)
			continue;
		printf("  %s span %s", starts ? ends ? "starts and ends" : "starts" : "ends",
		       shown(span->name));
		if (span->key == RILL_NO_KEY)
			fputs(", one at a time per process", stdout);
		else
			printf(", by %s", shown(catalog->keys[span->key].name));
		if (starts != ends)
			printf("; its %s is %s", starts ? "end" : "start",
			       shown(catalog->events[starts ? span->end : span->start].name));
		putchar('\n');
	}
	for (size_t i = 0; i < event->nkeys; i++)
		print_around(catalog, id, event->keys[i], width);
}

static void print_explained(const struct rill_catalog *catalog, uint16_t id)
{
	const struct rill_catalog_event *event = &catalog->events[id];
	size_t width = terminal_width();
	printf("%s  [%s]  %s\n", shown(event->name), level_names[event->level],
	       shown(catalog->subsystems[event->subsystem]));
	show_wrapped(stdout, shown(event->brief), 2, width);
	if (*event->text)
		show_wrapped(stdout, shown(event->text), 2, width);
	if (event->flags & RILL_LOSS_NEVER)
		puts("  kept longest when space runs out");
	print_keys(catalog, event, width);
	print_parts(catalog, id, width);
}

static const char *event_name(const void *context, size_t i)
{
	const struct choice *choice = context;
	size_t c = 0;
	for (; i >= choice->catalogs[c]->nevents; c++)
		i -= choice->catalogs[c]->nevents;
	return choice->catalogs[c]->events[i].name;
}

static int suggest(const struct choice *choice, const char *name)
{
	const char *near[3];
	size_t count = 0;
	for (size_t i = 0; i < choice->count; i++)
		count += choice->catalogs[i]->nevents;
	size_t found = nearest_names(name, event_name, choice, count, near, 3);
	fflush(stdout);
	fprintf(stderr, "rill: there is no event \"%s\"", shown(name));
	for (size_t i = 0; i < found; i++)
		fprintf(stderr, "%s%s",
			!i              ? "; did you mean "
			: i + 1 < found ? ", "
					: " or ",
			shown(near[i]));
	fprintf(stderr, "%s\n", found ? "?" : "; `rill catalog search` may find it");
	return EXIT_TROUBLE;
}

static int explain(const struct choice *choice, const char *name)
{
	size_t found = 0;
	for (size_t i = 0; i < choice->count; i++) {
		const struct rill_catalog *catalog = choice->catalogs[i];
		for (uint16_t e = 0; e < catalog->nevents; e++) {
			if (strcmp(catalog->events[e].name, name) != 0)
				continue;
			if (choice->count > 1)
				printf("%s# catalog %s\n", found ? "\n" : "", shown(catalog->name));
			print_explained(catalog, e);
			found++;
		}
	}
	return found ? EXIT_OK : suggest(choice, name);
}

/* Each content once. */
static void gather(struct choice *choice, const struct dump_reader *reader)
{
	for (size_t f = 0; f < dump_file_count(reader); f++) {
		const struct rill_catalogs *catalogs = &dump_file(reader, f)->catalogs;
		for (uint32_t c = 0; c < catalogs->count && choice->count < MAX_SHOWN; c++) {
			const struct rill_catalog *catalog = catalogs->catalog[c];
			bool known = !catalog;
			for (size_t i = 0; i < choice->count && !known; i++)
				known = choice->catalogs[i]->hash == catalog->hash;
			if (!known)
				choice->catalogs[choice->count++] = catalog;
		}
	}
}

static int act(const struct choice *choice, int argc, char **argv)
{
	const char *action = argc ? argv[0] : "list";
	if (strcmp(action, "list") == 0 && argc < 2)
		return list(choice, NULL);
	if (strcmp(action, "search") == 0 && argc == 2)
		return list(choice, argv[1]);
	if (strcmp(action, "explain") == 0 && argc == 2)
		return explain(choice, argv[1]);
	return usage_error("catalog", "\"%s\" is not list, search TEXT or explain EVENT", action);
}

static const struct option options[] = {
	{"dump", required_argument, NULL, 'd'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static int catalog_main(int argc, char **argv)
{
	struct choice choice = {.catalogs = {&rill_catalog_stalwart}, .count = 1};
	struct dump_reader *reader = NULL;
	const char *dump = NULL;
	int option;
	optind = 1;
	while ((option = getopt_long(argc, argv, "d:h", options, NULL)) >= 0) {
		if (option == 'd') {
			dump = optarg;
		} else if (option == 'h') {
			fputs(usage, stdout);
			return EXIT_OK;
		} else {
			return option_error("catalog");
		}
	}
	if (dump) {
		reader = open_dumps((char *const *)&dump, 1, NULL);
		if (!reader)
			return EXIT_TROUBLE;
		choice.count = 0;
		gather(&choice, reader);
	}
	int code = act(&choice, argc - optind, argv + optind);
	if (reader) {
		if (report_damage(reader) && code == EXIT_OK)
			code = EXIT_TROUBLE;
		dump_reader_close(reader);
	}
	return code;
}

const struct command catalog_command = {
	.name = "catalog",
	.run = catalog_main,
	.brief = "list, search and explain events",
	.usage = usage,
	.options = options,
};
