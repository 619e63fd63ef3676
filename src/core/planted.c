#include "core/planted.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The folder is sticky, and everybody may write to it. */
static bool is_shared(const char *path, struct stat *folder)
{
	char name[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t length = slash ? (size_t)(slash - path) : 0;
	if (length >= sizeof name)
		return false;
	/* A path may begin with its only slash, or have none. */
	snprintf(name, sizeof name, "%.*s", (int)length, path);
	return stat(length  ? name
		    : slash ? "/"
			    : ".",
		    folder) == 0 &&
	       folder->st_mode & S_ISVTX && folder->st_mode & S_IWOTH;
}

static bool is_anothers(const struct stat *file, const struct stat *folder)
{
	return file->st_uid != geteuid() && file->st_uid != folder->st_uid;
}

int planted_flags(const char *path)
{
	struct stat folder, file;
	if (!is_shared(path, &folder))
		return 0;
	/* What is no link yet may become one: it is not followed then. */
	if (lstat(path, &file) != 0 || !S_ISLNK(file.st_mode))
		return O_NOFOLLOW;
	return is_anothers(&file, &folder) ? -EACCES : 0;
}

bool planted_file(const char *path, int fd)
{
	struct stat folder, file;
	return is_shared(path, &folder) && fstat(fd, &file) == 0 && is_anothers(&file, &folder) &&
	       (S_ISREG(file.st_mode) || S_ISFIFO(file.st_mode));
}
