/*
 * Sweeping the runtime directories of dead processes. A process holds a lock on its directory's
 * file `lock` while it lives. What a dead one left undrained stays for a day, for whoever wants to
 * recover it.
 */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/core.h"

#define KEEP_S  (24 * 3600)
#define YOUNG_S 10 /* its process may be about to take the lock */

/* A ring's file whose records have all been taken. */
static bool ring_is_drained(int directory, const char *name)
{
	struct ring_file file;
	int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	bool drained = fd >= 0 && read(fd, &file, sizeof file) == (ssize_t)sizeof file &&
		       memcmp(file.magic, RING_MAGIC, sizeof file.magic) == 0 &&
		       file.head <= file.tail;
	if (fd >= 0)
		close(fd);
	return drained;
}

static bool is_ring(const char *name)
{
	return strncmp(name, REMAINS_RING, sizeof REMAINS_RING - 1) == 0;
}

static bool is_ours(const char *name)
{
	return is_ring(name) || strncmp(name, REMAINS_CATALOGS, sizeof REMAINS_CATALOGS - 1) == 0 ||
	       strcmp(name, REMAINS_PROCESS) == 0 || strcmp(name, REMAINS_DUMPS) == 0 ||
	       strcmp(name, REMAINS_LOCK) == 0;
}

/* Under the directory's lock. */
static void clear(int prefix, const char *name, int directory, DIR *entries)
{
	struct stat status;
	if (fstat(directory, &status) != 0 || time(NULL) - status.st_mtime < YOUNG_S)
		return;
	bool old = time(NULL) - status.st_mtime > KEEP_S;
	for (struct dirent *entry; !old && (entry = readdir(entries)) != NULL;)
		if (is_ring(entry->d_name) && !ring_is_drained(directory, entry->d_name))
			return;
	rewinddir(entries);
	for (struct dirent *entry; (entry = readdir(entries)) != NULL;)
		if (is_ours(entry->d_name))
			unlinkat(directory, entry->d_name, 0);
	unlinkat(prefix, name, AT_REMOVEDIR);
}

static void sweep_one(int prefix, const char *name)
{
	int directory = openat(prefix, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (directory < 0)
		return;
	int lock = openat(directory, REMAINS_LOCK, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) == 0) {
		int copy = dup(directory);
		DIR *entries = copy >= 0 ? fdopendir(copy) : NULL;
		if (entries) {
			clear(prefix, name, directory, entries);
			closedir(entries);
		}
	}
	if (lock >= 0)
		close(lock);
	close(directory);
}

void sweep(void)
{
	const char *prefix = runtime_prefix();
	char mine[32];
	int length = snprintf(mine, sizeof mine, "rill-%u-", (unsigned)geteuid());
	DIR *entries = opendir(prefix);
	if (!entries)
		return;
	for (struct dirent *entry; (entry = readdir(entries)) != NULL;)
		if (strncmp(entry->d_name, mine, (size_t)length) == 0)
			sweep_one(dirfd(entries), entry->d_name);
	closedir(entries);
}
