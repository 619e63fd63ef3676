/* A runtime directory: whether its process is dead, and what it left. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/recover/recover.h"

#define DUMPS_BYTES (1u << 20)

static bool begins_with(const char *name, const char *with)
{
	return strncmp(name, with, strlen(with)) == 0;
}

/* --- alive or dead ------------------------------------------------------------------------- */

static enum remains_state lock_directory(struct remains *remains, const char **why)
{
	struct stat status;
	remains->directory = open(remains->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (remains->directory < 0 || fstat(remains->directory, &status)) {
		*why = strerror(errno);
		return REMAINS_NONE;
	}
	if (status.st_uid != geteuid()) {
		*why = "it is another user's";
		return REMAINS_NONE;
	}
	remains->lock = remains_open(remains->directory, REMAINS_LOCK);
	if (remains->lock < 0) {
		*why = remains->lock == -ENOENT ? "it is no runtime directory: there is no lock"
						: "its lock is no file of this user";
		return REMAINS_NONE;
	}
	return flock(remains->lock, LOCK_EX | LOCK_NB) == 0 ? REMAINS_DEAD : REMAINS_ALIVE;
}

/* --- the file of the process --------------------------------------------------------------- */

static void read_process(struct remains *remains)
{
	struct process_file *file = &remains->process;
	int fd = remains_open(remains->directory, REMAINS_PROCESS);
	bool whole = fd >= 0 && pread(fd, file, sizeof *file, 0) == (ssize_t)sizeof *file &&
		     memcmp(file->magic, PROCESS_MAGIC, sizeof file->magic) == 0 &&
		     file->version == REMAINS_VERSION && file->header_bytes == sizeof *file;
	if (fd >= 0)
		close(fd);
	if (!whole)
		memset(file, 0, sizeof *file);
}

/* --- where the dumps are ------------------------------------------------------------------- */

static void take_place(struct remains *remains, char *line)
{
	struct dump_place place;
	const char *folder = remains_take_place(line, &place.series, &place.level);
	if (!folder || remains->ndumps == RECOVER_DUMPS)
		return;
	place.level = place.level < 0 || place.level > 19 ? 0 : place.level;
	place.folder = strdup(folder);
	if (place.folder)
		remains->dumps[remains->ndumps++] = place;
}

/* The last line may be torn: then it has no end. */
static void read_places(struct remains *remains)
{
	int fd = remains_open(remains->directory, REMAINS_DUMPS);
	char *text = calloc(1, DUMPS_BYTES + 1);
	if (fd >= 0 && text && read(fd, text, DUMPS_BYTES) > 0) {
		char *line = text;
		for (char *end; (end = strchr(line, '\n')); line = end + 1) {
			*end = 0;
			take_place(remains, line);
		}
	}
	free(text);
	if (fd >= 0)
		close(fd);
}

int remains_note(struct remains *remains, const struct dump_place *place)
{
	char line[REMAINS_LINE];
	size_t length =
		remains_put_place(line, sizeof line, place->series, place->level, place->folder);
	if (!length)
		return -ENAMETOOLONG;
	int fd = openat(remains->directory, REMAINS_DUMPS,
			O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	ssize_t written = write(fd, line, length);
	int error = written == (ssize_t)length ? 0 : written < 0 ? -errno : -ENOSPC;
	close(fd);
	return error;
}

/* --- catalogs ------------------------------------------------------------------------------ */

static void number_events(struct remains *remains)
{
	remains->nevents = 0;
	remains->catalogs.catalog = remains->catalog;
	for (uint32_t i = 0; i < RECOVER_CATALOGS; i++) {
		remains->first_event[i] = remains->nevents;
		if (!remains->catalog[i])
			continue;
		remains->catalogs.count = i + 1;
		remains->nevents += remains->catalog[i]->nevents;
	}
}

/* The process of the reader that this directory is of. NULL: there is none. */
static const struct dump_origin *origin_in(const struct remains *remains,
					   const struct dump_reader *reader)
{
	for (size_t i = 0; i < dump_origin_count(reader); i++) {
		const struct dump_origin *at = dump_origin(reader, i);
		if (!memcmp(at->process.id, remains->is.id, sizeof at->process.id) ||
		    !(remains->process.magic[0] || remains->is_known))
			return at;
	}
	return NULL;
}

void remains_learn(struct remains *remains, struct dump_reader *reader)
{
	const struct dump_origin *origin = origin_in(remains, reader);
	remains->readers[remains->nreaders++] = reader;
	if (!origin)
		return;
	if (!remains->is_known)
		remains->is = origin->process;
	remains->is_known = true;
	const struct rill_catalogs *catalogs = &origin->catalogs;
	for (uint32_t i = 0; i < catalogs->count && i < RECOVER_CATALOGS; i++) {
		if (remains->catalog[i] || !catalogs->catalog[i])
			continue;
		remains->catalog[i] = catalogs->catalog[i];
		free(remains->losses);
		remains->losses = NULL;
	}
	number_events(remains);
}

/* By the directory that is locked, whatever its name leads to by now. */
static void read_catalogs(struct remains *remains)
{
	char path[64], error[512];
	struct dump_reader *reader;
	snprintf(path, sizeof path, "/proc/self/fd/%d", remains->directory);
	remains->is = (struct dump_process){
		.pid = remains->process.pid,
		.id = {remains->process.id[0], remains->process.id[1]},
		.start_ns = remains->process.start_ns,
		.program = "",
		.host = "",
		.clock = "",
		.writer = "",
	};
	number_events(remains);
	if (dump_open(&reader, path, error, sizeof error) == 0)
		remains_learn(remains, reader);
}

/* --- rings --------------------------------------------------------------------------------- */

static int by_serial(const void *left, const void *right)
{
	const struct ring_remains *a = left, *b = right;
	return (a->serial > b->serial) - (a->serial < b->serial);
}

static void tell(struct remains *remains, const char *name, const char *why)
{
	char shown[300];
	remains->ntrouble++;
	trouble("%s/%s: %s", remains->path, show_label(shown, sizeof shown, name), why);
}

static int add_ring(struct remains *remains, const char *name)
{
	if (remains->nrings == RECOVER_RINGS || strlen(name) >= sizeof remains->rings->name) {
		tell(remains, name, "there are too many rings, or it is none");
		return 0;
	}
	if (!(remains->nrings & (remains->nrings - 1))) {
		size_t room = remains->nrings ? 2 * remains->nrings : 1;
		struct ring_remains *grown = realloc(remains->rings, room * sizeof *remains->rings);
		if (!grown)
			return -ENOMEM;
		remains->rings = grown;
	}
	const char *wrong =
		ring_remains_read(&remains->rings[remains->nrings], remains->directory, name,
				  remains->process.magic[0] ? remains->process.id : NULL);
	if (wrong)
		tell(remains, name, wrong);
	else
		remains->nrings += !remains->rings[remains->nrings].unmade;
	return 0;
}

/* No two rings have the same serial number: what a second one says would be there twice. */
static void leave_doubles(struct remains *remains)
{
	size_t kept = 0;
	qsort(remains->rings, remains->nrings, sizeof *remains->rings, by_serial);
	for (size_t i = 0; i < remains->nrings; i++) {
		if (kept && remains->rings[kept - 1].serial == remains->rings[i].serial)
			tell(remains, remains->rings[i].name, "another ring has its number");
		else
			remains->rings[kept++] = remains->rings[i];
	}
	remains->nrings = kept;
}

static int read_rings(struct remains *remains)
{
	int copy = dup(remains->directory), error = 0;
	DIR *entries = copy >= 0 ? fdopendir(copy) : NULL;
	if (!entries)
		return -errno;
	for (struct dirent *entry; !error && (entry = readdir(entries)) != NULL;)
		if (begins_with(entry->d_name, REMAINS_RING))
			error = add_ring(remains, entry->d_name);
	closedir(entries);
	if (!error && remains->nrings)
		leave_doubles(remains);
	return error;
}

/* --- losses -------------------------------------------------------------------------------- */

int remains_losses(struct remains *remains)
{
	remains->losses = calloc((size_t)remains->nevents + 1, sizeof *remains->losses);
	if (!remains->losses)
		return -ENOMEM;
	int fd = remains_open(remains->directory, REMAINS_PROCESS);
	if (fd >= 0) {
		/* They stand there as those of a ring do, behind another header. */
		uint32_t n = remains->process.nlosses < remains->nevents ? remains->process.nlosses
									 : remains->nevents;
		if (pread(fd, remains->losses, n * sizeof *remains->losses,
			  sizeof(struct process_file)) < 0)
			memset(remains->losses, 0, n * sizeof *remains->losses);
		close(fd);
	}
	for (size_t i = 0; i < remains->nrings; i++) {
		fd = remains->rings[i].nlosses
			     ? remains_open(remains->directory, remains->rings[i].name)
			     : -1;
		if (fd < 0)
			continue;
		ring_remains_losses(&remains->rings[i], fd, remains->losses, remains->nevents);
		close(fd);
	}
	return 0;
}

/* --- the whole ----------------------------------------------------------------------------- */

enum remains_state remains_begin(struct remains *remains, const char *path, const char **why)
{
	*remains = (struct remains){.path = path, .directory = -1, .lock = -1};
	enum remains_state state = lock_directory(remains, why);
	if (state == REMAINS_DEAD) {
		read_process(remains);
		read_places(remains);
		read_catalogs(remains);
		int error = read_rings(remains);
		if (error) {
			trouble("%s: %s", path, strerror(-error));
			state = REMAINS_TROUBLE;
		}
	}
	if (state != REMAINS_DEAD)
		remains_end(remains);
	return state;
}

/* False: it has no place in a runtime directory. */
static bool is_of(const char *name, int round)
{
	if (round == 0)
		return begins_with(name, REMAINS_RING);
	return begins_with(name, REMAINS_CATALOGS) || strcmp(name, REMAINS_PROCESS) == 0 ||
	       strcmp(name, REMAINS_DUMPS) == 0;
}

/* Whoever comes after this was interrupted must not find rings without knowing where their records
 * went. */
int remains_remove(struct remains *remains)
{
	int copy = dup(remains->directory);
	DIR *entries = copy >= 0 ? fdopendir(copy) : NULL;
	if (!entries)
		return -errno;
	for (int round = 0; round < 2; round++) {
		rewinddir(entries);
		for (struct dirent *entry; (entry = readdir(entries)) != NULL;)
			if (is_of(entry->d_name, round))
				unlinkat(remains->directory, entry->d_name, 0);
	}
	closedir(entries);
	unlinkat(remains->directory, REMAINS_LOCK, 0);
	return rmdir(remains->path) ? -errno : 0;
}

void remains_end(struct remains *remains)
{
	for (size_t i = 0; i < remains->nreaders; i++)
		dump_reader_close(remains->readers[i]);
	for (size_t i = 0; i < remains->ndumps; i++)
		free(remains->dumps[i].folder);
	free(remains->rings);
	free(remains->losses);
	if (remains->lock >= 0)
		close(remains->lock);
	if (remains->directory >= 0)
		close(remains->directory);
}
