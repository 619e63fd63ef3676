/* The files that a peer has written. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bench/sustained/sustained.h"

static uint64_t bytes, newest_ns;
static size_t folder_length;

static int look(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
	(void)ftw;
	if (type != FTW_F || strstr(path + folder_length, "/."))
		return 0;
	uint64_t ns =
		(uint64_t)status->st_mtim.tv_sec * 1000000000u + (uint64_t)status->st_mtim.tv_nsec;
	newest_ns = ns > newest_ns ? ns : newest_ns;
	bytes += (uint64_t)status->st_size;
	return 0;
}

static void walk(const char *folder)
{
	bytes = newest_ns = 0;
	folder_length = strlen(folder);
	nftw(folder, look, 16, FTW_PHYS);
}

uint64_t trace_written_ns(const char *folder)
{
	walk(folder);
	return newest_ns;
}

uint64_t trace_bytes(const char *folder, bool packed)
{
	char command[512];
	unsigned long long size = 0;

	walk(folder);
	if (!packed)
		return bytes;
	snprintf(command, sizeof command,
		 "find '%s' -type f ! -path '*/.*' -print0 | sort -z | xargs -0 cat | zstd -1 -q "
		 "-c | wc -c",
		 folder);
	FILE *from = popen(command, "re");
	if (from && fscanf(from, "%llu", &size) != 1)
		size = 0;
	if (from)
		pclose(from);
	return size;
}
