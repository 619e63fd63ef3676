/*
 * What rill_flush() promises of dumps: what was written before it outlives a power failure. That
 * takes the file that is being written, those that were finished since the last flush, and the
 * names of both in their folder.
 *
 * Nothing is synced without being asked for: a slow disk would hold up the collector.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collect/state.h"

/* By then it has been removed, or replaced by what does not concern us. */
static bool is_gone(int error)
{
	return error == ENOENT || error == ELOOP;
}

static int sync_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return is_gone(errno) ? 0 : -errno;
	int error = fdatasync(fd) ? -errno : 0;
	close(fd);
	return error;
}

/* all: everything else on its file system, too. The folder's own name may be new as well. */
static int sync_folder(const char *path, bool all)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int above = fd < 0 ? -1 : openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int error = fd < 0 || (all ? syncfs(fd) : fsync(fd)) ? -errno : 0;
	/* Somebody else's may be closed to us; then its entry is theirs to care for. */
	if (above >= 0 && !error && fsync(above) && errno != EACCES && errno != EINVAL)
		error = -errno;
	if (above >= 0)
		close(above);
	if (fd >= 0)
		close(fd);
	return error;
}

void sync_later(struct dump_slot *dump, const char *path)
{
	dump->named = false;
	if (dump->nunsynced < UNSYNCED_MOST) {
		char **place = &dump->unsynced[dump->nunsynced];
		*place = strdup(path);
		dump->many_unsynced |= !*place;
		dump->nunsynced += *place != NULL;
	} else {
		dump->many_unsynced = true;
	}
}

int sync_now(struct dump_slot *dump)
{
	int error = 0;
	for (uint32_t i = 0; i < dump->nunsynced && !error; i++)
		error = sync_file(dump->unsynced[i]);
	if (!error && !dump->named)
		error = sync_folder(dump->target->directory, dump->many_unsynced);
	if (!error)
		error = dump_sync(dump->writer);
	if (!error) {
		sync_forget(dump);
		dump->named = true;
	}
	return error;
}

void sync_forget(struct dump_slot *dump)
{
	while (dump->nunsynced > 0)
		free(dump->unsynced[--dump->nunsynced]);
	dump->many_unsynced = false;
}
