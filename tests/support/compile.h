/* Compiling small files with every compiler and language standard that rill promises. */
#ifndef TESTS_COMPILE_H
#define TESTS_COMPILE_H

#include <stdbool.h>
#include <stddef.h>

#include "run.h"

struct compiler {
	const char *command;  /* "g++" */
	const char *standard; /* "-std=c++17" */
	const char *language; /* "c" or "c++" */
	const char *name;     /* "g++ -std=c++17", for messages */
};

/* gcc and clang, C11 and C++17; then gcc and clang with gnu11. */
extern const struct compiler compilers[];
#define COMPILERS        6
#define STRICT_COMPILERS 4 /* the first of them */

bool compiler_is_cxx(const struct compiler *compiler);

/* Compiles (or whatever the flags say) a file that may include the catalog's header. `flags`: up to
 * a NULL. The file's own folder is the current one. */
struct run_result compile(const struct compiler *compiler, const char *file,
			  const char *const *flags);
#define COMPILE(compiler, file, ...)                                                               \
	compile(compiler, file, (const char *const[]){__VA_ARGS__, NULL})

#endif
