/* The files of a reader: what is given, and what comes to its directories. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "dump/reader.h"

/* A change of a directory is seen by its time, unless another one follows as soon as this. */
#define SAME_TIME_NS INT64_C(1000000000)

/* 0; -EBADMSG, and a phrase on why this is not a dump that can be read; another negative errno. */
static int check_header(struct file *file, char *why, size_t why_size)
{
	unsigned char bytes[FORMAT_HEADER_SIZE] = {0};
	size_t seen = file->size < sizeof bytes ? file->size : sizeof bytes;
	if (!file->size) {
		snprintf(why, why_size, "is empty");
		return -EBADMSG;
	}
	int error = file_read(file, bytes, seen, 0);
	if (error)
		return error;
	if (memcmp(bytes, FORMAT_MAGIC, seen < 8 ? seen : 8) != 0) {
		snprintf(why, why_size, "is not a dump");
		return -EBADMSG;
	}
	if (file->size < FORMAT_HEADER_SIZE) {
		snprintf(why, why_size, "is cut at byte %zu, within the file's header",
			 (size_t)file->size);
		return -EBADMSG;
	}
	unsigned major = bytes[8] | (unsigned)bytes[9] << 8;
	if (major != FORMAT_MAJOR) {
		snprintf(why, why_size,
			 "has format version %u, and this program reads %u: it takes %s rill",
			 major, FORMAT_MAJOR, major > FORMAT_MAJOR ? "a newer" : "an older");
		return -EBADMSG;
	}
	return 0;
}

/* 0; negative errno, with a phrase in `why`. */
static int begin(struct file *file, char *why, size_t why_size)
{
	struct stat status;
	int fd = file_descriptor(file);
	int error = fd < 0 ? fd : fstat(fd, &status) ? -errno : 0;
	if (!error && S_ISDIR(status.st_mode))
		error = -EISDIR;
	if (!error && !S_ISREG(status.st_mode)) {
		snprintf(why, why_size, "is not a dump");
		return -EBADMSG;
	}
	if (!error) {
		file->size = (uint64_t)status.st_size;
		error = check_header(file, why, why_size);
	}
	if (error && !*why)
		snprintf(why, why_size, "cannot be read: %s", strerror(-error));
	return error;
}

static int new_file(struct dump_reader *reader, const char *path, struct file **made)
{
	struct file **grown = array_grow(reader->files, reader->nfiles, sizeof(struct file *));
	if (!grown)
		return -ENOMEM;
	reader->files = grown;
	struct file *file = calloc(1, sizeof *file);
	if (!file)
		return -ENOMEM;
	reader->files[reader->nfiles++] = file;
	*file = (struct file){.reader = reader, .fd = -1, .end = FORMAT_HEADER_SIZE};
	file->path = strdup(path);
	*made = file;
	return file->path ? 0 : -ENOMEM;
}

int reader_begin_file(struct dump_reader *reader, const char *path, struct file **made, char *error,
		      size_t error_size)
{
	char why[160] = "";
	int code = new_file(reader, path, made);
	if (code)
		return code;
	code = begin(*made, why, sizeof why);
	if (code)
		snprintf(error, error_size, "%s %s", path, why);
	return code;
}

int reader_add_file(struct dump_reader *reader, const char *path, bool lenient, char *error,
		    size_t error_size)
{
	char why[160] = "";
	struct share *share;
	struct file *file;
	int code = new_file(reader, path, &file);
	if (code)
		return code;
	code = begin(file, why, sizeof why);
	if (!code)
		return file_scan(file);
	if (!lenient) {
		snprintf(error, error_size, "%s %s", path, why);
		return code;
	}
	file_damage(file, "%s", why);
	file->unreadable = true;
	code = file_share_get(file, 0, &share);
	return code == -EBADMSG ? 0 : code;
}

/* --- directories --------------------------------------------------------------------------- */

static int is_dump_name(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);
	return length > 5 && strcmp(entry->d_name + length - 5, ".rill") == 0;
}

static int64_t changed_ns(const char *path)
{
	struct stat status;
	struct timespec now;
	if (stat(path, &status))
		return 0;
	clock_gettime(CLOCK_REALTIME, &now);
	int64_t changed = status.st_mtim.tv_sec * INT64_C(1000000000) + status.st_mtim.tv_nsec;
	int64_t age = now.tv_sec * INT64_C(1000000000) + now.tv_nsec - changed;
	return age < SAME_TIME_NS ? 0 : changed;
}

static int by_name(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

/* The paths of a folder's files in the order of their names. Their number; negative errno. */
static int list_folder(const char *path, char ***paths)
{
	struct dirent **entries;
	int count = scandir(path, &entries, is_dump_name, alphasort), made = 0;
	if (count < 0)
		return -errno;
	*paths = calloc((size_t)count + 1, sizeof **paths);
	for (int i = 0; i < count; i++) {
		if (*paths && made == i &&
		    asprintf(&(*paths)[i], "%s/%s", path, entries[i]->d_name) >= 0)
			made++;
		free(entries[i]);
	}
	free(entries);
	return *paths && made == count ? count : -ENOMEM;
}

static void free_paths(char **paths)
{
	for (size_t i = 0; paths && paths[i]; i++)
		free(paths[i]);
	free(paths);
}

static int add_folder(struct dump_reader *reader, const char *path, char *error, size_t error_size)
{
	char **paths = NULL;
	struct folder *grown = array_grow(reader->folders, reader->nfolders, sizeof *grown);
	if (!grown)
		return -ENOMEM;
	reader->folders = grown;
	struct folder *folder = &grown[reader->nfolders];
	*folder = (struct folder){strdup(path), changed_ns(path)};
	if (!folder->path)
		return -ENOMEM;
	reader->nfolders++;
	int count = list_folder(path, &paths), code = 0;
	if (count < 0) {
		free_paths(paths);
		snprintf(error, error_size, "%s cannot be read: %s", path, strerror(-count));
		return count;
	}
	for (int i = 0; !code && i < count; i++)
		code = reader_add_file(reader, paths[i], true, error, error_size);
	free_paths(paths);
	if (!code && count == 0) {
		snprintf(error, error_size, "%s holds no dump: no file there ends in .rill", path);
		code = -ENOENT;
	}
	return code;
}

int reader_add_path(struct dump_reader *reader, const char *path, char *error, size_t error_size)
{
	struct stat status;
	snprintf(error, error_size, "no memory to read %s", path);
	if (!stat(path, &status) && S_ISDIR(status.st_mode))
		return add_folder(reader, path, error, error_size);
	return reader_add_file(reader, path, false, error, error_size);
}

/* Whether its first blocks are there already. */
static bool has_begun(const char *path)
{
	struct stat status;
	return !stat(path, &status) && S_ISREG(status.st_mode) &&
	       status.st_size > FORMAT_HEADER_SIZE + BLOCK_HEADER_SIZE;
}

static int add_new_of(struct dump_reader *reader, struct folder *folder, char **known,
		      size_t count_known)
{
	char **paths = NULL;
	int64_t changed = changed_ns(folder->path);
	if (changed && changed == folder->changed_ns)
		return 0;
	int count = list_folder(folder->path, &paths), added = 0;
	/* A folder that is gone has nothing new. */
	int code = count == -ENOMEM ? count : 0;
	for (int i = 0; paths && !code && i < count; i++) {
		if (known && bsearch(&paths[i], known, count_known, sizeof *known, by_name))
			continue;
		if (!has_begun(paths[i])) {
			changed = 0;
			continue;
		}
		code = reader_add_file(reader, paths[i], true, NULL, 0);
		added++;
	}
	free_paths(paths);
	folder->changed_ns = changed;
	return code ? code : added;
}

int reader_add_new(struct dump_reader *reader)
{
	size_t count_known = reader->nfiles;
	char **known = malloc((count_known + 1) * sizeof *known);
	int added = 0;
	if (!known)
		return -ENOMEM;
	for (size_t i = 0; i < count_known; i++)
		known[i] = reader->files[i]->path;
	qsort(known, count_known, sizeof *known, by_name);
	for (size_t i = 0; added >= 0 && i < reader->nfolders; i++) {
		int more = add_new_of(reader, &reader->folders[i], known, count_known);
		added = more < 0 ? more : added + more;
	}
	free(known);
	return added;
}

void file_free(struct file *file)
{
	file_put_away(file);
	for (size_t i = 0; i < file->ngroups; i++) {
		free(file->groups[i]->pending);
		free(file->groups[i]);
	}
	free(file->groups);
	free(file->shares);
	free(file->path);
	free(file);
}
