/* Opening a dump or a directory of them. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dump/reader.h"

struct dump_reader {
	struct file **files;
	size_t nfiles;
	struct segment *segments; /* of all files */
	struct cache cache;
	struct merge *merge;
};

/* Maps the file when it is one. */
static int file_map(struct file *file, int fd)
{
	struct stat status;
	if (fstat(fd, &status))
		return -errno;
	if (S_ISDIR(status.st_mode))
		return -EISDIR;
	file->size = file->info.bytes = (uint64_t)status.st_size;
	if (!S_ISREG(status.st_mode) || !file->size)
		return 0;
	void *map = mmap(NULL, file->size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	file->map = map;
	return 0;
}

/* 0; -EBADMSG, and a phrase on why this is not a dump that can be read. */
static int check_header(const struct file *file, char *why, size_t why_size)
{
	size_t seen = file->size < 8 ? file->size : 8;
	if (!file->size) {
		snprintf(why, why_size, "is empty");
		return -EBADMSG;
	}
	if (!file->map || memcmp(file->map, FORMAT_MAGIC, seen) != 0) {
		snprintf(why, why_size, "is not a dump");
		return -EBADMSG;
	}
	if (file->size < FORMAT_HEADER_SIZE) {
		snprintf(why, why_size, "is cut at byte %zu, within the file's header",
			 (size_t)file->size);
		return -EBADMSG;
	}
	unsigned major = file->map[8] | (unsigned)file->map[9] << 8;
	if (major != FORMAT_MAJOR) {
		snprintf(why, why_size,
			 "has format version %u, and this program reads %u: it takes %s rill",
			 major, FORMAT_MAJOR, major > FORMAT_MAJOR ? "a newer" : "an older");
		return -EBADMSG;
	}
	return 0;
}

/* Adds a file. In a directory (`lenient`) one that cannot be read is listed with its damage. */
static int add_file(struct dump_reader *reader, const char *path, bool lenient, char *error,
		    size_t error_size)
{
	char why[160] = "";
	void *grown = array_grow(reader->files, reader->nfiles, sizeof(struct file *));
	if (!grown)
		return -ENOMEM;
	reader->files = grown;
	struct file *file = calloc(1, sizeof *file);
	if (!file)
		return -ENOMEM;
	reader->files[reader->nfiles] = file;
	file->index = (uint32_t)reader->nfiles++;
	file->info.path = strdup(path);
	if (!file->info.path)
		return -ENOMEM;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int code = fd < 0 ? -errno : file_map(file, fd);
	if (fd >= 0)
		close(fd);
	if (code)
		snprintf(why, sizeof why, "cannot be read: %s", strerror(-code));
	else
		code = check_header(file, why, sizeof why);
	if (code && lenient) {
		file_damage(file, "%s", why);
		file->info.process.program = "";
		return 0;
	}
	if (code) {
		snprintf(error, error_size, "%s %s", path, why);
		return code;
	}
	code = file_scan(file);
	return code ? code : file_index(file, &reader->cache);
}

static int is_dump_name(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);
	return length > 5 && strcmp(entry->d_name + length - 5, ".rill") == 0;
}

static int add_directory(struct dump_reader *reader, const char *path, char *error,
			 size_t error_size)
{
	struct dirent **entries;
	int count = scandir(path, &entries, is_dump_name, alphasort);
	if (count < 0) {
		int code = -errno;
		snprintf(error, error_size, "%s cannot be read: %s", path, strerror(-code));
		return code;
	}
	int code = 0;
	for (int i = 0; i < count; i++) {
		char *name = NULL;
		if (!code && asprintf(&name, "%s/%s", path, entries[i]->d_name) < 0)
			code = -ENOMEM;
		else if (!code)
			code = add_file(reader, name, true, error, error_size);
		free(name);
		free(entries[i]);
	}
	free(entries);
	if (!code && count == 0) {
		snprintf(error, error_size, "%s holds no dump: no file there ends in .rill", path);
		code = -ENOENT;
	}
	return code;
}

/* Ends a sentence on damage with how much more there is. */
static void count_damages(struct file *file)
{
	size_t length = strlen(file->damage);
	if (file->ndamages > 1)
		snprintf(file->damage + length, sizeof file->damage - length,
			 " (and %zu more fault%s)", file->ndamages - 1,
			 file->ndamages == 2 ? "" : "s");
}

static int start_merge(struct dump_reader *reader)
{
	size_t count = 0;
	for (size_t i = 0; i < reader->nfiles; i++)
		count += reader->files[i]->nsegments;
	reader->segments = malloc((count + 1) * sizeof *reader->segments);
	if (!reader->segments)
		return -ENOMEM;
	count = 0;
	for (size_t i = 0; i < reader->nfiles; i++) {
		struct file *file = reader->files[i];
		count_damages(file);
		file->info.origin = file->index;
		file->origin = (struct dump_origin){file->info.process, file->info.catalogs,
						    file->info.epochs, file->info.nepochs};
		if (file->nsegments)
			memcpy(reader->segments + count, file->segments,
			       file->nsegments * sizeof *file->segments);
		count += file->nsegments;
		free(file->segments);
		file->segments = NULL;
	}
	reader->merge = merge_new(&reader->cache, reader->segments, count);
	return reader->merge ? 0 : -ENOMEM;
}

static int add_path(struct dump_reader *reader, const char *path, char *error, size_t error_size)
{
	struct stat status;
	snprintf(error, error_size, "no memory to read %s", path);
	if (!stat(path, &status) && S_ISDIR(status.st_mode))
		return add_directory(reader, path, error, error_size);
	return add_file(reader, path, false, error, error_size);
}

int dump_open_all(struct dump_reader **made, const char *const *paths, size_t npaths,
		  const struct dump_want *want, char *error, size_t error_size)
{
	(void)want;
	struct dump_reader *reader = calloc(1, sizeof *reader);
	*made = NULL;
	snprintf(error, error_size, "no memory to read a dump");
	if (!reader)
		return -ENOMEM;
	int code = 0;
	for (size_t i = 0; !code && i < npaths; i++)
		code = add_path(reader, paths[i], error, error_size);
	if (!code)
		code = start_merge(reader);
	if (code) {
		dump_reader_close(reader);
		return code;
	}
	*made = reader;
	return 0;
}

int dump_open(struct dump_reader **made, const char *path, char *error, size_t error_size)
{
	return dump_open_all(made, &path, 1, NULL, error, error_size);
}

size_t dump_origin_count(const struct dump_reader *reader)
{
	return reader->nfiles;
}

const struct dump_origin *dump_origin(const struct dump_reader *reader, size_t index)
{
	return &reader->files[index]->origin;
}

size_t dump_file_count(const struct dump_reader *reader)
{
	return reader->nfiles;
}

const struct dump_file *dump_file(const struct dump_reader *reader, size_t index)
{
	return &reader->files[index]->info;
}

int dump_next(struct dump_reader *reader, struct dump_record *record)
{
	return merge_next(reader->merge, record);
}

bool dump_expires(const struct dump_reader *reader)
{
	return cache_is_full(&reader->cache);
}

void dump_reader_close(struct dump_reader *reader)
{
	merge_free(reader->merge);
	for (size_t i = 0; i < reader->nfiles; i++)
		file_close(reader->files[i]);
	free(reader->files);
	free(reader->segments);
	decoder_free(reader->cache.decoder);
	free(reader);
}
