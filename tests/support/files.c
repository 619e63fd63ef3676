#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NS_PER_S INT64_C(1000000000)

static void fail(const char *path)
{
	fprintf(stderr, "%s: %s\n", path, strerror(errno));
	abort();
}

char *format(const char *pattern, ...)
{
	va_list args;
	char *s;

	va_start(args, pattern);
	if (vasprintf(&s, pattern, args) < 0)
		fail("vasprintf");
	va_end(args);
	return s;
}

static char *below(const char *variable, const char *fallback, const char *path)
{
	const char *folder = getenv(variable);
	char *absolute = realpath(folder ? folder : fallback, NULL), *whole;

	if (!absolute)
		fail(folder ? folder : fallback);
	whole = format("%s/%s", absolute, path);
	free(absolute);
	return whole;
}

char *built(const char *path)
{
	return below("BUILD", "build", path);
}

char *source(const char *path)
{
	return below("SRC", ".", path);
}

char *folder_make(void)
{
	const char *parent = getenv("TMPDIR");
	char *path = format("%s/rill-test.XXXXXX", parent ? parent : "/tmp");

	if (!mkdtemp(path))
		fail(path);
	return path;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

void folder_remove(const char *path)
{
	nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

char *file_load(const char *path, size_t *size_bytes)
{
	FILE *f = fopen(path, "rb");
	char *data = NULL;
	size_t size = 0, n;

	if (!f)
		fail(path);
	do {
		data = realloc(data, size + 65537);
		if (!data)
			fail(path);
		n = fread(data + size, 1, 65536, f);
		size += n;
	} while (n);
	if (ferror(f))
		fail(path);
	fclose(f);
	data[size] = '\0';
	if (size_bytes)
		*size_bytes = size;
	return data;
}

void file_store(const char *path, const void *data, size_t size_bytes)
{
	FILE *f = fopen(path, "wb");

	if (!f || fwrite(data, 1, size_bytes, f) != size_bytes || fclose(f) != 0)
		fail(path);
}

void file_store_text(const char *path, const char *text)
{
	file_store(path, text, strlen(text));
}

void file_copy(const char *from, const char *to)
{
	size_t size;
	char *data = file_load(from, &size);

	file_store(to, data, size);
	free(data);
}

bool file_exists(const char *path)
{
	return access(path, F_OK) == 0;
}

int64_t file_time_ns(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return 0;
	return st.st_mtim.tv_sec * NS_PER_S + st.st_mtim.tv_nsec;
}

void file_make_old(const char *path)
{
	struct timespec times[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};

	if (utimensat(AT_FDCWD, path, times, 0) != 0)
		fail(path);
}
