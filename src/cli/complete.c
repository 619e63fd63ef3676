#include "cli/complete.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/predicate.h"

extern const struct rill_catalog rill_catalog_stalwart;

/* The line at hand. */
struct line {
	char **words;
	int nwords;
	const struct command *command;
	const char *word;   /* to be completed, or the part of it behind the = */
	const char *prefix; /* the part before, which candidates repeat */
	struct dump_reader *reader;
};

static void candidate(const struct line *line, const char *text, const char *what)
{
	if (strncmp(text, line->word, strlen(line->word)) != 0)
		return;
	printf("%s%s\t%s\n", line->prefix, text, what);
}

/* --- names of catalogs ------------------------------------------------------------------------ */

/* Control bytes of a dump's names are no candidates for a terminal. */
static bool is_clean(const char *name)
{
	for (; *name; name++)
		if ((unsigned char)*name <= ' ' || *name == 0x7f || (unsigned char)*name >= 0x80)
			return false;
	return true;
}

/* Calls `use` for each catalog: of the dumps on the line, else the built-in one. */
static void each_catalog(struct line *line,
			 void (*use)(const struct line *line, const struct rill_catalog *catalog))
{
	char error[256];
	size_t used = 0;
	for (int i = 1; i + 1 < line->nwords && !line->reader; i++)
		if (line->words[i][0] != '-' && access(line->words[i], R_OK) == 0)
			(void)dump_open(&line->reader, line->words[i], error, sizeof error);
	for (size_t o = 0; line->reader && o < dump_origin_count(line->reader) && o < 16; o++) {
		const struct rill_catalogs *catalogs = &dump_origin(line->reader, o)->catalogs;
		for (uint32_t c = 0; c < catalogs->count; c++) {
			if (!catalogs->catalog[c])
				continue;
			use(line, catalogs->catalog[c]);
			used++;
		}
	}
	if (!used)
		use(line, &rill_catalog_stalwart);
}

static void put_events(const struct line *line, const struct rill_catalog *catalog)
{
	for (size_t i = 0; i < catalog->nevents; i++)
		if (is_clean(catalog->events[i].name) && is_clean(catalog->name))
			candidate(line, catalog->events[i].name, "event");
}

static void put_spans(const struct line *line, const struct rill_catalog *catalog)
{
	for (size_t i = 0; i < catalog->nspans; i++)
		if (is_clean(catalog->spans[i].name))
			candidate(line, catalog->spans[i].name, "span");
}

static void put_keys(const struct line *line, const struct rill_catalog *catalog)
{
	char types[128];
	for (size_t i = 0; i < catalog->nkeys; i++)
		if (is_clean(catalog->keys[i].name))
			candidate(line, catalog->keys[i].name,
				  show_types(types, sizeof types, catalog->keys[i].types));
}

static void put_keys_with_equals(const struct line *line, const struct rill_catalog *catalog)
{
	char name[256];
	for (size_t i = 0; i < catalog->nkeys; i++) {
		int size = snprintf(name, sizeof name, "%s=", catalog->keys[i].name);
		if (size < (int)sizeof name && is_clean(name))
			candidate(line, name, "key");
	}
}

/* --- predicates ------------------------------------------------------------------------------- */

static bool is_name(unsigned char c)
{
	return isalnum(c) || (c && strchr("@._-*?", c));
}

/* The word behind what has been written of the predicate. */
static void complete_predicate(struct line *line)
{
	static const char *const levels[] = {"trace", "debug", "info", "warn", "error", NULL};
	static const char operators[] = "=<>~";
	const char *text = line->word;
	/* The shell's quote, which is still open. */
	if (*text == '\'' || *text == '"')
		text++;
	size_t size = strlen(text), at = size;
	while (at && is_name((unsigned char)text[at - 1]))
		at--;
	size_t before = at;
	while (before && text[before - 1] == ' ')
		before--;
	char *prefix = NULL;
	if (asprintf(&prefix, "%s%.*s", line->prefix, (int)at, text) < 0)
		return;
	struct line inner = *line;
	inner.word = text + at;
	inner.prefix = prefix;
	puts(":nospace");
	if (!before || strchr("(!&|", text[before - 1])) {
		for (size_t i = 0; predicate_words[i]; i++)
			candidate(&inner, predicate_words[i], "built in");
		each_catalog(&inner, put_keys);
		each_catalog(&inner, put_spans);
		each_catalog(&inner, put_events);
	} else if (strchr(operators, text[before - 1])) {
		size_t word = before;
		while (word && strchr("=<>~! ", text[word - 1]))
			word--;
		if (word >= 6 && strncmp(text + word - 6, "@level", 6) == 0)
			for (size_t i = 0; levels[i]; i++)
				candidate(&inner, levels[i], "level");
		if (word >= 6 && strncmp(text + word - 6, "@event", 6) == 0)
			each_catalog(&inner, put_events);
		if (word >= 5 && strncmp(text + word - 5, "@span", 5) == 0)
			each_catalog(&inner, put_spans);
	}
	line->reader = inner.reader;
	free(prefix);
}

/* --- options ---------------------------------------------------------------------------------- */

/* What the usage text says of an option. */
struct described {
	char letter;     /* 0: there is none */
	char value[128]; /* the word behind its =, or "" */
	char what[160];
};

static bool describe(struct described *described, const struct command *command, const char *name)
{
	char wanted[80];
	*described = (struct described){0};
	snprintf(wanted, sizeof wanted, "--%s", name);
	size_t length = strlen(wanted);
	for (const char *at = command->usage; (at = strchr(at, '\n'));) {
		at++;
		size_t indent = strspn(at, " ");
		if (!indent || at[indent] != '-')
			continue;
		const char *option = at + indent;
		bool has_letter = option[1] != '-' && option[2] == ',';
		char letter = has_letter ? option[1] : 0;
		option += has_letter ? 2 + strspn(option + 2, ", ") : 0;
		if (strncmp(option, wanted, length) != 0 || !strchr("=[ \n", option[length]))
			continue;
		described->letter = letter;
		option += length;
		size_t value = strcspn(option, " \n");
		if (value)
			snprintf(described->value, sizeof described->value, "%.*s",
				 (int)(value - strcspn(option, "=") - 1),
				 option + strcspn(option, "=") + 1);
		described->value[strcspn(described->value, "]")] = 0;
		option += value;
		/* Where nothing stands behind a long one, it stands in the next line. */
		option += strspn(option, " \n");
		snprintf(described->what, sizeof described->what, "%.*s",
			 (int)strcspn(option, "\n"), option);
		return true;
	}
	return false;
}

static void complete_files(const struct line *line)
{
	printf(":files %s\n", line->prefix);
}

static void complete_value(struct line *line, const char *value)
{
	static const char *const levels = "trace|debug|info|warn|error";
	const char *choices = strcmp(value, "LEVEL") == 0 ? levels : value;
	for (size_t i = 0; line->command->value && line->command->value(value, i); i++)
		candidate(line, line->command->value(value, i), "");
	if (strchr(choices, '|')) {
		char choice[64];
		for (const char *at = choices; *at; at += strspn(at, "|")) {
			size_t size = strcspn(at, "|");
			snprintf(choice, sizeof choice, "%.*s", (int)size, at);
			candidate(line, choice, "");
			at += size;
		}
	} else if (strcmp(value, "GLOB") == 0) {
		each_catalog(line, put_spans);
		each_catalog(line, put_events);
	} else if (strcmp(value, "KEY") == 0) {
		each_catalog(line, put_keys);
	} else if (strcmp(value, "NAME=VALUE") == 0) {
		puts(":nospace");
		each_catalog(line, put_keys_with_equals);
	} else if (strcmp(value, "PREDICATE") == 0) {
		complete_predicate(line);
	} else if (strcmp(value, "PATH") == 0 || strcmp(value, "OUT") == 0) {
		complete_files(line);
	}
}

/* The option whose value the word is, when the word before is an option that takes one. */
static const struct option *option_before(const struct line *line)
{
	const char *word = line->nwords > 2 ? line->words[line->nwords - 2] : "";
	const struct option *option = line->command->options;
	if (word[0] != '-' || !word[1] || strchr(word, '='))
		return NULL;
	for (; option->name; option++) {
		struct described described;
		if (option->has_arg != required_argument ||
		    !describe(&described, line->command, option->name))
			continue;
		/* "-ce": the last letter. */
		if (word[1] == '-' ? strcmp(word + 2, option->name) == 0
				   : described.letter && word[strlen(word) - 1] == described.letter)
			return option;
	}
	return NULL;
}

static void complete_options(struct line *line)
{
	struct described described;
	char text[160];
	bool takes_value = false;
	for (const struct option *option = line->command->options; option->name; option++) {
		/* What the usage text does not say, no one shall find here. */
		if (!describe(&described, line->command, option->name))
			continue;
		bool required = option->has_arg == required_argument;
		snprintf(text, sizeof text, "--%s%s", option->name, required ? "=" : "");
		candidate(line, text, described.what);
		takes_value |= required && strncmp(text, line->word, strlen(line->word)) == 0;
		snprintf(text, sizeof text, "-%c", described.letter);
		if (described.letter && line->word[1] != '-')
			candidate(line, text, described.what);
	}
	if (takes_value)
		puts(":nospace");
}

/* --option=VALUE. */
static void complete_long(struct line *line, const char *equals)
{
	struct described described;
	char name[80];
	char *prefix = strndup(line->word, (size_t)(equals + 1 - line->word));
	snprintf(name, sizeof name, "%.*s", (int)(equals - line->word - 2), line->word + 2);
	if (prefix && describe(&described, line->command, name)) {
		line->word = equals + 1;
		line->prefix = prefix;
		complete_value(line, described.value);
	}
	line->prefix = "";
	free(prefix);
}

/* --- words that are no options ---------------------------------------------------------------- */

/* How many such words stand before the one to be completed. */
static int operands_before(const struct line *line)
{
	int count = 0;
	for (int i = 1; i + 1 < line->nwords; i++) {
		struct line shorter = *line;
		shorter.nwords = i + 1;
		count += line->words[i][0] != '-' && !option_before(&shorter);
	}
	return count;
}

static bool is_given(const struct line *line, const char *letters, const char *name)
{
	for (int i = 1; i + 1 < line->nwords; i++) {
		const char *word = line->words[i];
		if (word[0] == '-' && word[1] != '-' && strpbrk(word + 1, letters))
			return true;
		if (strncmp(word, "--", 2) == 0 && !strncmp(word + 2, name, strlen(name)))
			return true;
	}
	return false;
}

static void complete_operand(struct line *line)
{
	static const char *const actions[] = {"list", "search", "explain"};
	static const char *const shells[] = {"bash", "zsh", "fish"};
	const char *name = line->command->name;
	int before = operands_before(line);
	if (strcmp(name, "catalog") == 0) {
		for (size_t i = 0; before == 0 && i < 3; i++)
			candidate(line, actions[i], "");
		if (before == 1)
			each_catalog(line, put_events);
	} else if (strcmp(name, "completion") == 0) {
		for (size_t i = 0; before == 0 && i < 3; i++)
			candidate(line, shells[i], "");
	} else if (strcmp(name, "grep") == 0 && before == 0 && !is_given(line, "we", "where") &&
		   !is_given(line, "we", "event")) {
		complete_predicate(line);
		/* Options may say all that is asked for. */
		complete_files(line);
	} else {
		complete_files(line);
	}
}

static void complete_command(const struct line *line)
{
	for (size_t i = 0; commands[i]; i++)
		candidate(line, commands[i]->name, commands[i]->brief);
}

int complete_main(int argc, char **argv)
{
	struct line line = {.words = argv + 1, .nwords = argc - 1, .prefix = ""};
	if (line.nwords < 1)
		return EXIT_USAGE;
	line.word = argv[argc - 1];
	for (size_t i = 0; commands[i]; i++)
		if (strcmp(commands[i]->name, argv[1]) == 0)
			line.command = commands[i];
	const char *equals = strchr(line.word, '=');
	const struct option *option = NULL;
	if (line.nwords == 1 || (line.nwords == 2 && strcmp(argv[1], "help") == 0)) {
		complete_command(&line);
		if (line.nwords == 1)
			candidate(&line, "help", "how a command is used");
	} else if (!line.command) {
		return EXIT_TROUBLE;
	} else if ((option = option_before(&line))) {
		struct described described;
		if (describe(&described, line.command, option->name))
			complete_value(&line, described.value);
	} else if (strncmp(line.word, "--", 2) == 0 && equals) {
		complete_long(&line, equals);
	} else if (line.word[0] == '-') {
		complete_options(&line);
	} else {
		complete_operand(&line);
	}
	if (line.reader)
		dump_reader_close(line.reader);
	return EXIT_OK;
}
