#include "compile.h"

#include <stdlib.h>
#include <string.h>

#include "files.h"

#define MAX_FLAGS 48

const struct compiler compilers[COMPILERS] = {
	{"gcc", "-std=c11", "c", "gcc -std=c11"},
	{"g++", "-std=c++17", "c++", "g++ -std=c++17"},
	{"clang", "-std=c11", "c", "clang -std=c11"},
	{"clang++", "-std=c++17", "c++", "clang++ -std=c++17"},
	{"gcc", "-std=gnu11", "c", "gcc -std=gnu11"},
	{"clang", "-std=gnu11", "c", "clang -std=gnu11"},
};

bool compiler_is_cxx(const struct compiler *compiler)
{
	return strcmp(compiler->language, "c++") == 0;
}

struct run_result compile(const struct compiler *compiler, const char *file,
			  const char *const *flags)
{
	char *folder = strdup(file), *slash = strrchr(folder, '/');
	const char *argv[MAX_FLAGS + 16] = {compiler->command,
					    compiler->standard,
					    "-D_GNU_SOURCE",
					    format("-I%s", source("include")),
					    format("-I%s", built("include")),
					    "-x",
					    compiler->language,
					    file};
	size_t n = 8;
	struct run_result result;

	if (slash)
		*slash = '\0';
	while (*flags) {
		if (n == MAX_FLAGS + 8)
			abort();
		argv[n++] = *flags++;
	}
	result = run_command(argv, &(struct run_options){.directory = slash ? folder : NULL});
	free(folder);
	return result;
}
