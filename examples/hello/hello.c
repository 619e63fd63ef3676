/* hello: counts the words of files, and can tell what it does. Its events: hello.md.
 *
 *     RILL_FILTER='*=debug' RILL_SINKS=text:stderr hello README.md
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RILL_CATALOG hello
#include "hello_events.h"

static size_t count(FILE *text, unsigned number)
{
	size_t words = 0, lines = 0, size = 0;
	char *line = NULL;

	while (getline(&line, &size, text) >= 0) {
		lines++;
		if (strlen(line) > 1000)
			rill_event(count_long_line, file(number), line(lines), size(strlen(line)));
		for (char *rest = line; strtok_r(rest, " \t\r\n", &rest);)
			words++;
	}
	free(line);
	rill_event(count_end, file(number), words(words), lines(lines));
	return words;
}

int main(int argc, char **argv)
{
	int status = 0;

	for (int i = 1; i < argc; i++) {
		FILE *text = fopen(argv[i], "r");

		if (!text) {
			rill_event(count_failed, file(i), path(argv[i]), reason(strerror(errno)));
			status = 1;
			continue;
		}
		rill_event(count_start, file(i), path(argv[i]));
		printf("%zu %s\n", count(text, (unsigned)i), argv[i]);
		if (ferror(text)) {
			rill_event(count_failed, file(i), path(argv[i]), reason(strerror(errno)));
			status = 1;
		}
		fclose(text);
	}
	return status;
}
