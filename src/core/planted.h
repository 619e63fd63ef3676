/*
 * Files and links that another user put into a folder in which everybody may put something (/tmp):
 * what Linux refuses by fs.protected_symlinks, protected_regular and protected_fifos, where it is
 * told to. A folder's owner and one's own self are trusted.
 */
#ifndef RILL_CORE_PLANTED_H
#define RILL_CORE_PLANTED_H

#include <stdbool.h>

/* O_NOFOLLOW for open(), or 0. -EACCES: there is a link of another user's. */
int planted_flags(const char *path);

/* Whether the open file is another user's. */
bool planted_file(const char *path, int fd);

#endif
