/* Running rill-gen on a page in a folder of the test's own. */
#ifndef TESTS_GEN_H
#define TESTS_GEN_H

#include "run.h"

/* A folder with page.md (unless page is NULL) and, if lock isn't NULL, page.ids. */
char *gen_folder(const char *page, const char *lock);

/* rill-gen --name demo --header page.h --source page.c, further arguments, page.md; in the folder.
 */
struct run_result gen_run(const char *folder, const char *const *arguments);
#define GEN_RUN(folder, ...) gen_run(folder, (const char *const[]){__VA_ARGS__, NULL})

/* The text of a file in the folder. */
char *gen_load(const char *folder, const char *name);

/* Fails the test unless rill-gen ended with this exit code and exactly this on standard error. */
void gen_expect(struct run_result *r, int code, const char *err);

/* Fails the test unless this compiles without a warning as C11 and C++17, with gcc and, where there
 * is one, clang: the header page.h alone, the source page.c, and `use`, a file of C that includes
 * both. */
void gen_expect_compiles(const char *folder, const char *use);

#endif
