/* hello FILE...: counts words, and can tell what it does. Its events: hello.md.
 *
 *     RILL_FILTER='*=debug' RILL_SINKS=text:stderr hello README.md
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define RILL_CATALOG hello
#include "hello_events.h"

int main(int argc, char **argv)
{
	int failed = 0;
	for (int i = 1; i < argc; i++) {
		size_t words = 0, longest = 0;
		char word[1000];
		FILE *text = fopen(argv[i], "r");
		if (!text) {
			rill_event(count_failed, file(i), path(argv[i]), reason(strerror(errno)));
			failed = 1;
			continue;
		}
		rill_event(count_start, file(i), path(argv[i]));
		for (; fscanf(text, "%999s", word) == 1; words++)
			if (strlen(word) > longest)
				longest = strlen(word);
		rill_event(count_end, file(i), words(words), longest(longest));
		printf("%zu %s\n", words, argv[i]);
		fclose(text);
	}
	return failed;
}
