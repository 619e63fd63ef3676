#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

int usage_error(const char *command, const char *format, ...)
{
	va_list arguments;
	fprintf(stderr, "rill %s: ", command);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
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
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	return EXIT_TROUBLE;
}

struct dump_reader *open_dumps(char *const *paths, size_t npaths, const struct dump_want *want)
{
	struct dump_reader *reader;
	char error[512];
	if (!dump_open_all(&reader, (const char *const *)paths, npaths, want, error, sizeof error))
		return reader;
	trouble("%s", error);
	return NULL;
}

int report_damage(const struct dump_reader *reader)
{
	int code = EXIT_OK;
	for (size_t i = 0; i < dump_file_count(reader); i++) {
		const struct dump_file *file = dump_file(reader, i);
		if (file->damage)
			code = trouble("%s: %s", file->path, file->damage);
	}
	return code;
}

int finish_output(int code)
{
	if (fflush(stdout) || ferror(stdout))
		return trouble("cannot write to standard output: %s", strerror(errno));
	return code;
}

long long parse_number(const char *text)
{
	char *end;
	errno = 0;
	long long number = strtoll(text, &end, 10);
	return end == text || *end || errno || number < 0 ? -1 : number;
}
