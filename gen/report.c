#include "report.h"

#include <stdarg.h>
#include <string.h>

#include "core/characters.h"

void report_error(struct report *r, const char *file, size_t line, const char *format, ...)
{
	va_list args;

	if (r->count++ >= REPORT_MAX_ERRORS)
		return;
	va_start(args, format);
	r->errors[r->count - 1] = (struct report_error){
		.file = file,
		.line = line ? line : 1,
		.text = arena_vprint(r->arena, format, args),
	};
	va_end(args);
}

/* Insertion sort within each file: stable, and there are at most REPORT_MAX_ERRORS. */
static void sort_by_line(struct report_error *errors, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		struct report_error e = errors[i];
		size_t at = i;

		while (at > 0 && strcmp(errors[at - 1].file, e.file) == 0 &&
		       errors[at - 1].line > e.line) {
			errors[at] = errors[at - 1];
			at--;
		}
		errors[at] = e;
	}
}

/* Names of files and what stands on a page can neither end a line nor drive a terminal. */
static const char *printable(struct arena *a, const char *text)
{
	size_t size = strlen(text);
	char *copy = arena_alloc(a, ESCAPED_ROOM(size));

	characters_escape(copy, ESCAPED_ROOM(size), text, size);
	return copy;
}

void report_print(struct report *r, FILE *out)
{
	size_t shown = r->count < REPORT_MAX_ERRORS ? r->count : REPORT_MAX_ERRORS;

	sort_by_line(r->errors, shown);
	for (size_t i = 0; i < shown; i++)
		fprintf(out, "%s:%zu: error: %s\n", printable(r->arena, r->errors[i].file),
			r->errors[i].line, printable(r->arena, r->errors[i].text));
	if (r->count > shown)
		fprintf(out, "rill-gen: %zu more errors are not shown; fix these first\n",
			r->count - shown);
}
