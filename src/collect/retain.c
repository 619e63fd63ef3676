#include "collect/retain.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/diagnose.h"
#include "core/prim/prim.h"
#include "core/stopping.h"
#include "dump/dump.h"

#define END_TIMEOUT_NS UINT64_C(2000000000)
#define SLICE_NS       UINT64_C(10000000)

struct retaining {
	struct retention keep;
	char *directory;
	char *program;
	uint32_t done;   /* futex */
	uint32_t owners; /* the last one frees it */
};

/* A finished dump of the program. */
struct finished {
	char *name;
	uint64_t bytes;
	uint64_t changed_ns;
};

struct finished_list {
	struct finished *files;
	size_t count;
	size_t room;
};

/*
 * Whether a file is the program's and nobody writes to it. What is in it is looked at before the
 * lock: a file that has just been made may not be locked yet, but is empty then.
 */
static bool is_finished(int directory, const char *name, const char *program, struct stat *status)
{
	char whose[256];
	int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return false;
	/* Another user's would count, and so have one's own removed. */
	bool finished = fstat(fd, status) == 0 && S_ISREG(status->st_mode) &&
			status->st_uid == geteuid() && dump_program(fd, whose, sizeof whose) == 0 &&
			strcmp(whose, program) == 0 && flock(fd, LOCK_EX | LOCK_NB) == 0;
	close(fd);
	return finished;
}

static void list_add(struct finished_list *list, const char *name, const struct stat *status)
{
	if (list->count == list->room) {
		size_t room = list->room ? 2 * list->room : 64;
		struct finished *grown = realloc(list->files, room * sizeof *grown);
		if (!grown)
			return; /* it stays for the next round */
		list->files = grown;
		list->room = room;
	}
	struct finished *file = &list->files[list->count];
	file->name = strdup(name);
	file->bytes = (uint64_t)status->st_size;
	file->changed_ns =
		(uint64_t)status->st_mtim.tv_sec * 1000000000u + (uint64_t)status->st_mtim.tv_nsec;
	list->count += file->name != NULL;
}

static int by_name(const void *a, const void *b)
{
	const struct finished *left = a, *right = b;
	return strcmp(left->name, right->name);
}

/* Names begin with the time: the first one is the oldest. */
static void list_files(struct finished_list *list, DIR *entries, const char *program)
{
	for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
		struct stat status;
		if (dump_is_name(entry->d_name) &&
		    is_finished(dirfd(entries), entry->d_name, program, &status))
			list_add(list, entry->d_name, &status);
	}
	if (list->count)
		qsort(list->files, list->count, sizeof *list->files, by_name);
}

/* A power failure must not take those that stay when it leaves those before them removed. */
static void sync_those_from(const struct finished_list *list, size_t first, int directory)
{
	for (size_t i = first; i < list->count; i++) {
		int fd = openat(directory, list->files[i].name,
				O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
		if (fd < 0)
			continue;
		(void)fdatasync(fd);
		close(fd);
	}
}

static void remove_some(const struct finished_list *list, int directory,
			const struct retention *keep, const char *path)
{
	uint64_t left = list->count, bytes = 0, now_ns = prim_realtime_ns();
	bool synced = false;
	for (size_t i = 0; i < list->count; i++)
		bytes += list->files[i].bytes;
	for (size_t i = 0; i < list->count; i++) {
		const struct finished *file = &list->files[i];
		bool old = now_ns > file->changed_ns && now_ns - file->changed_ns > keep->age_ns;
		if (!(keep->files && left > keep->files) && !(keep->bytes && bytes > keep->bytes) &&
		    !(keep->age_ns && old))
			continue;
		if (!synced)
			sync_those_from(list, i + 1, directory);
		synced = true;
		if (unlinkat(directory, file->name, 0) != 0 && errno != ENOENT) {
			rill__diagnose(__func__, "cannot remove %s/%s (%s)", path, file->name,
				       strerror(errno));
			continue;
		}
		left--;
		bytes -= file->bytes;
	}
}

void retain(const struct retention *keep, const char *directory, const char *program)
{
	struct finished_list list = {0};
	DIR *entries = opendir(directory);
	if (!entries)
		return;
	list_files(&list, entries, program);
	remove_some(&list, dirfd(entries), keep, directory);
	for (size_t i = 0; i < list.count; i++)
		free(list.files[i].name);
	free(list.files);
	closedir(entries);
}

/* --- the thread ---------------------------------------------------------------------------- */

static void let_go(struct retaining *retaining)
{
	if (__atomic_sub_fetch(&retaining->owners, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	free(retaining->directory);
	free(retaining->program);
	free(retaining);
}

static void run(void *argument)
{
	struct retaining *retaining = argument;
	retain(&retaining->keep, retaining->directory, retaining->program);
	__atomic_store_n(&retaining->done, 1, __ATOMIC_RELEASE);
	prim_futex_wake(&retaining->done, 1);
	let_go(retaining);
}

void retain_begin(struct retaining **place, const struct retention *keep, const char *directory,
		  const char *program)
{
	if (!keep->files && !keep->bytes && !keep->age_ns)
		return;
	if (*place && !__atomic_load_n(&(*place)->done, __ATOMIC_ACQUIRE))
		return;
	if (*place)
		let_go(*place);
	struct retaining *retaining = *place = calloc(1, sizeof *retaining);
	if (!retaining)
		return;
	*retaining = (struct retaining){*keep, strdup(directory), strdup(program), 0, 2};
	if (retaining->directory && retaining->program &&
	    prim_thread_start(run, retaining, "rill-retain") == 0)
		return;
	retaining->owners = 1;
	let_go(retaining);
	*place = NULL;
}

void retain_end(struct retaining **place)
{
	struct retaining *retaining = *place;
	if (!retaining)
		return;
	uint64_t start_ns = prim_monotonic_ns();
	while (!__atomic_load_n(&retaining->done, __ATOMIC_ACQUIRE)) {
		uint64_t now_ns = prim_monotonic_ns();
		if (now_ns - start_ns >= END_TIMEOUT_NS ||
		    (stopping() && now_ns >= stopping_sink_until_ns(0, false)))
			break;
		prim_futex_wait(&retaining->done, 0, SLICE_NS);
	}
	let_go(retaining);
	*place = NULL;
}
