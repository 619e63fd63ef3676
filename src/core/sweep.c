/*
 * Sweeping the runtime directories of dead processes. A process holds a lock on its directory's
 * file `lock` while it lives. Rings that a dead one left drained go at once; those with records, or
 * with losses, stay for whoever wants to recover them: for a day, and all of them together no
 * larger than a setting says. Beyond that the one that died first goes first.
 */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/core.h"
#include "core/diagnose.h"

#define KEEP_NS  (UINT64_C(24) * 3600 * 1000000000)
#define YOUNG_NS UINT64_C(10000000000) /* its process may be about to take the lock */
/* More are left for the next sweep. */
#define MOST_LEFT 4096u

/* What stays of a dead process. */
struct left {
	char name[72];
	uint64_t bytes;
	uint64_t died_ns; /* when it was last seen alive */
};

struct sweeping {
	int prefix;
	struct left *left;
	size_t nleft;
	uint64_t bytes;
	uint32_t unrecovered; /* processes whose records were thrown away */
};

static bool begins_with(const char *name, const char *with)
{
	return strncmp(name, with, strlen(with)) == 0;
}

static bool is_ours(const char *name)
{
	return begins_with(name, REMAINS_RING) || begins_with(name, REMAINS_CATALOGS) ||
	       strcmp(name, REMAINS_PROCESS) == 0 || strcmp(name, REMAINS_DUMPS) == 0 ||
	       strcmp(name, REMAINS_LOCK) == 0;
}

/* --- what is worth keeping ----------------------------------------------------------------- */

static bool read_head(int directory, const char *name, void *to, size_t size)
{
	int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	bool read_all = fd >= 0 && pread(fd, to, size, 0) == (ssize_t)size;
	if (fd >= 0)
		close(fd);
	return read_all;
}

/* A ring without its magic was being made. */
static bool ring_is_worth(int directory, const char *name)
{
	struct ring_file file;
	return read_head(directory, name, &file, sizeof file) &&
	       memcmp(file.magic, RING_MAGIC, sizeof file.magic) == 0 &&
	       (file.head > file.tail || file.lossy);
}

static uint64_t realtime_of(const struct timespec *time)
{
	return (uint64_t)time->tv_sec * 1000000000u + (uint64_t)time->tv_nsec;
}

static bool is_young(const struct stat *status)
{
	return prim_realtime_ns() - realtime_of(&status->st_mtim) < YOUNG_NS;
}

/* The last point of its clock: stores into mapped files move no time stamp. */
static uint64_t died_at(int directory, const struct stat *status)
{
	struct process_file file;
	if (!read_head(directory, REMAINS_PROCESS, &file, sizeof file) ||
	    memcmp(file.magic, PROCESS_MAGIC, sizeof file.magic) != 0)
		return realtime_of(&status->st_mtim);
	return file.npoints ? file.last[(file.npoints - 1) % 2].ns : file.start_ns;
}

/* --- one directory, under its lock --------------------------------------------------------- */

static void remove_all(struct sweeping *sweeping, const char *name, int directory, DIR *entries)
{
	rewinddir(entries);
	for (struct dirent *entry; (entry = readdir(entries)) != NULL;)
		if (is_ours(entry->d_name))
			unlinkat(directory, entry->d_name, 0);
	unlinkat(sweeping->prefix, name, AT_REMOVEDIR);
}

/* Removes the rings that hold nothing. Returns how many others there are. */
static uint32_t remove_drained(int directory, DIR *entries, uint64_t *bytes)
{
	uint32_t worth = 0;
	for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
		struct stat status;
		bool ring = begins_with(entry->d_name, REMAINS_RING);
		if (ring && !ring_is_worth(directory, entry->d_name)) {
			unlinkat(directory, entry->d_name, 0);
			continue;
		}
		worth += ring;
		if (is_ours(entry->d_name) &&
		    fstatat(directory, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0)
			*bytes += (uint64_t)status.st_blocks * 512;
	}
	return worth;
}

static void clear(struct sweeping *sweeping, const char *name, int directory, DIR *entries)
{
	struct stat status;
	uint64_t now_ns = prim_realtime_ns(), bytes = 0;
	if (fstat(directory, &status) != 0 || is_young(&status))
		return;
	uint64_t died_ns = died_at(directory, &status);
	if (remove_drained(directory, entries, &bytes) == 0) {
		remove_all(sweeping, name, directory, entries);
	} else if (died_ns < now_ns && now_ns - died_ns > KEEP_NS) {
		remove_all(sweeping, name, directory, entries);
		sweeping->unrecovered++;
	} else if (sweeping->left && sweeping->nleft < MOST_LEFT) {
		struct left *left = &sweeping->left[sweeping->nleft++];
		snprintf(left->name, sizeof left->name, "%s", name);
		left->bytes = bytes;
		left->died_ns = died_ns;
		sweeping->bytes += bytes;
	}
}

typedef void with_directory(struct sweeping *sweeping, const char *name, int directory,
			    DIR *entries);

/* Calls back if the directory is ours and its process is dead. */
static void sweep_one(struct sweeping *sweeping, const char *name, with_directory *run)
{
	struct stat status;
	int directory =
		openat(sweeping->prefix, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (directory < 0)
		return;
	int lock = openat(directory, REMAINS_LOCK, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	bool mine = fstat(directory, &status) == 0 && status.st_uid == geteuid();
	if (mine && lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) == 0) {
		int copy = dup(directory);
		DIR *entries = copy >= 0 ? fdopendir(copy) : NULL;
		if (entries) {
			run(sweeping, name, directory, entries);
			closedir(entries);
		}
	} else if (mine && lock < 0 && !is_young(&status)) {
		/* Its process died before it had made a lock: then it is empty. */
		unlinkat(sweeping->prefix, name, AT_REMOVEDIR);
	}
	if (lock >= 0)
		close(lock);
	close(directory);
}

/* --- all of them --------------------------------------------------------------------------- */

static int by_death(const void *left, const void *right)
{
	const struct left *a = left, *b = right;
	return (a->died_ns > b->died_ns) - (a->died_ns < b->died_ns);
}

static void remove_most(struct sweeping *sweeping)
{
	qsort(sweeping->left, sweeping->nleft, sizeof *sweeping->left, by_death);
	for (size_t i = 0; i < sweeping->nleft && sweeping->bytes > rill__settings.remains_bytes;
	     i++) {
		sweep_one(sweeping, sweeping->left[i].name, remove_all);
		sweeping->bytes -= sweeping->left[i].bytes;
		sweeping->unrecovered++;
	}
}

void sweep(void)
{
	struct sweeping sweeping = {.left = malloc(MOST_LEFT * sizeof(struct left))};
	char mine[32];
	snprintf(mine, sizeof mine, "rill-%u-", (unsigned)geteuid());
	DIR *entries = opendir(runtime_prefix());
	if (entries) {
		sweeping.prefix = dirfd(entries);
		for (struct dirent *entry; (entry = readdir(entries)) != NULL;)
			if (begins_with(entry->d_name, mine) &&
			    strlen(entry->d_name) < sizeof sweeping.left->name)
				sweep_one(&sweeping, entry->d_name, clear);
		if (sweeping.left)
			remove_most(&sweeping);
		closedir(entries);
	}
	free(sweeping.left);
	if (sweeping.unrecovered)
		rill__diagnose(__func__,
			       "records that %u dead process%s left in %s were thrown away, older "
			       "than a day or beyond RILL_REMAINS_MEMORY: `rill recover` had not "
			       "been run",
			       sweeping.unrecovered, sweeping.unrecovered == 1 ? "" : "es",
			       runtime_prefix());
}
