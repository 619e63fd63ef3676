/* Files of a test: where things are, and a folder of its own. All returned strings are the caller's
 * to free, or to leave: each Criterion test is a process. Whatever fails aborts the test with a
 * message. */
#ifndef TESTS_FILES_H
#define TESTS_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* printf() into a new string. */
char *format(const char *pattern, ...) __attribute__((format(printf, 1, 2)));

/* An absolute path below the build folder ($BUILD, or build) and the source folder ($SRC, or .). */
char *built(const char *path);
char *source(const char *path);

/* A new folder below $TMPDIR or /tmp. */
char *folder_make(void);
/* Removes a folder and everything in it. */
void folder_remove(const char *path);

char *file_load(const char *path, size_t *size_bytes); /* NUL-terminated; size_bytes may be NULL */
void file_store(const char *path, const void *data, size_t size_bytes);
void file_store_text(const char *path, const char *text);
void file_copy(const char *from, const char *to);
bool file_exists(const char *path);

/* Modification time in nanoseconds since the epoch; 0 when there is no such file. */
int64_t file_time_ns(const char *path);
/* Sets the modification time to a day in the past, so that a rewrite shows. */
void file_make_old(const char *path);

#endif
