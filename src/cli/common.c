#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

/* What is in a message, a path or a part of an expression, neither ends its line nor drives a
 * terminal. */
static void print_message(const char *format, va_list arguments)
{
	char *message;
	if (vasprintf(&message, format, arguments) < 0)
		return;
	fputs(shown(message), stderr);
	free(message);
}

int usage_error(const char *command, const char *format, ...)
{
	va_list arguments;
	fprintf(stderr, "rill %s: ", command);
	va_start(arguments, format);
	print_message(format, arguments);
	va_end(arguments);
	fprintf(stderr, "\n`rill %s --help` says how it is used\n", command);
	return EXIT_USAGE;
}

/* getopt_long() has said what is wrong. */
int option_error(const char *command)
{
	fprintf(stderr, "`rill %s --help` says how it is used\n", command);
	return EXIT_USAGE;
}

int trouble(const char *format, ...)
{
	va_list arguments;
	fflush(stdout);
	fputs("rill: ", stderr);
	va_start(arguments, format);
	print_message(format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	return EXIT_TROUBLE;
}

/* Of the paths of this command some could not be read. A command may open its paths more than once,
 * and tells of it once. */
static bool left_out;

/* Those that can be read, one by one. NULL: none. */
static struct dump_reader *open_readable(char *const *paths, size_t npaths,
					 const struct dump_want *want, char *error,
					 size_t error_size)
{
	struct dump_reader *reader = NULL;
	const char **readable = calloc(npaths, sizeof(char *));
	size_t count = 0;
	for (size_t i = 0; readable && i < npaths; i++) {
		if (!dump_open(&reader, paths[i], error, error_size)) {
			dump_reader_close(reader);
			readable[count++] = paths[i];
		} else if (!left_out) {
			trouble("%s", error);
		}
	}
	reader = NULL;
	if (count && dump_open_all(&reader, readable, count, want, error, error_size))
		trouble("%s", error);
	left_out = true;
	free(readable);
	return reader;
}

struct dump_reader *open_dumps(char *const *paths, size_t npaths, const struct dump_want *want)
{
	struct dump_reader *reader;
	char error[512];
	if (!dump_open_all(&reader, (const char *const *)paths, npaths, want, error, sizeof error))
		return reader;
	if (npaths > 1)
		return open_readable(paths, npaths, want, error, sizeof error);
	trouble("%s", error);
	return NULL;
}

int report_damage(const struct dump_reader *reader)
{
	int code = left_out ? EXIT_TROUBLE : EXIT_OK;
	for (size_t i = 0; i < dump_file_count(reader); i++) {
		const struct dump_file *file = dump_file(reader, i);
		if (file->damage)
			code = trouble("%s: %s", file->path, file->damage);
	}
	return code;
}

int finish_output(int code)
{
	if (!fflush(stdout) && !ferror(stdout))
		return code;
	trouble("cannot write to standard output: %s", strerror(errno));
	return code > EXIT_TROUBLE ? code : EXIT_TROUBLE;
}

long long parse_number(const char *text)
{
	char *end;
	errno = 0;
	long long number = strtoll(text, &end, 10);
	return end == text || *end || errno || number < 0 ? -1 : number;
}
