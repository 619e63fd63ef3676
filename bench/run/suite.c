/* Reads bench/suite.txt and bench/targets.txt. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "bench/run/run.h"

#define MAX_ROUNDS 1000

struct lines {
	const char *path;
	FILE *file;
	int number;
	char text[1024];
};

__attribute__((noreturn, format(printf, 2, 3))) static void fail(const struct lines *lines,
								 const char *format, ...)
{
	va_list arguments;

	fprintf(stderr, "%s:%d: ", lines->path, lines->number);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(2);
}

static void open_lines(struct lines *lines, const char *path)
{
	lines->path = path;
	lines->number = 0;
	lines->file = fopen(path, "re");
	if (!lines->file) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(2);
	}
}

/* The text without blanks at both ends. */
static char *trim(char *text)
{
	text += strspn(text, " \t");
	size_t length = strlen(text);
	while (length > 0 && strchr(" \t\r\n", text[length - 1]))
		length--;
	text[length] = 0;
	return text;
}

/* The next line that says something; NULL at the end, where the file is closed. */
static char *next_line(struct lines *lines)
{
	while (fgets(lines->text, sizeof lines->text, lines->file)) {
		lines->number++;
		if (!strchr(lines->text, '\n') && !feof(lines->file))
			fail(lines, "the line is longer than %zu bytes", sizeof lines->text - 2);
		char *text = trim(lines->text);
		if (*text && *text != '#')
			return text;
	}
	fclose(lines->file);
	return NULL;
}

static char *copy(const char *text)
{
	char *made = strdup(text);

	if (!made)
		abort();
	return made;
}

static void *grow(void *array, size_t count, size_t size)
{
	void *grown = reallocarray(array, count + 1, size);

	if (!grown)
		abort();
	return grown;
}

static int rounds(const struct lines *lines, const char *word)
{
	char *end;
	long value = word ? strtol(word, &end, 10) : -1;

	if (!word || *end || value < 0 || value > MAX_ROUNDS)
		fail(lines,
		     "'%s' is no number of rounds: NAME QUICK FULL COMMAND, with 0 to %d rounds",
		     word ? word : "", MAX_ROUNDS);
	return (int)value;
}

void suite_load_rows(struct suite *suite, const char *path)
{
	struct lines lines;

	open_lines(&lines, path);
	for (char *text; (text = next_line(&lines));) {
		char *rest = text;
		const char *name = strsep(&rest, " \t");
		struct row row = {0};

		rest = rest ? trim(rest) : rest;
		row.quick = rounds(&lines, strsep(&rest, " \t"));
		rest = rest ? trim(rest) : rest;
		row.full = rounds(&lines, strsep(&rest, " \t"));
		if (!rest || !*trim(rest))
			fail(&lines, "row '%s' has no command", name);
		for (size_t i = 0; i < suite->nrows; i++) {
			if (strcmp(suite->rows[i].name, name) == 0)
				fail(&lines, "there is a row '%s' already", name);
		}
		row.name = copy(name);
		row.command = copy(trim(rest));
		suite->rows = grow(suite->rows, suite->nrows, sizeof *suite->rows);
		suite->rows[suite->nrows++] = row;
	}
	if (suite->nrows == 0)
		fail(&lines, "there are no rows");
}

static void parse_bound(const struct lines *lines, char *text, struct target *target)
{
	char *end;

	if (strncmp(text, "<=", 2) != 0 && strncmp(text, ">=", 2) != 0)
		fail(lines, "'%s' is no bound: <= NUMBER UNIT or >= NUMBER UNIT", text);
	target->at_least = text[0] == '>';
	target->bound = strtod(text + 2, &end);
	if (end == text + 2)
		fail(lines, "'%s' is no bound: no number behind %.2s", text, text);
	target->unit = copy(trim(end));
}

void suite_load_targets(struct suite *suite, const char *path)
{
	struct lines lines;

	open_lines(&lines, path);
	for (char *text; (text = next_line(&lines));) {
		struct target target = {0};
		char *rest = text;
		char *title = strsep(&rest, "|");
		char *expression = strsep(&rest, "|");

		if (!expression || !rest || strchr(rest, '|'))
			fail(&lines, "a target is TITLE | EXPRESSION | BOUND");
		expression = trim(expression);
		const char *wrong = target_check(expression);
		if (wrong)
			fail(&lines, "'%s': %s", expression, wrong);
		parse_bound(&lines, trim(rest), &target);
		target.title = copy(trim(title));
		target.expression = copy(expression);
		suite->targets = grow(suite->targets, suite->ntargets, sizeof *suite->targets);
		suite->targets[suite->ntargets++] = target;
	}
}

void suite_free(struct suite *suite)
{
	for (size_t i = 0; i < suite->nrows; i++) {
		free(suite->rows[i].name);
		free(suite->rows[i].command);
	}
	for (size_t i = 0; i < suite->ntargets; i++) {
		free(suite->targets[i].title);
		free(suite->targets[i].expression);
		free(suite->targets[i].unit);
	}
	free(suite->rows);
	free(suite->targets);
}
