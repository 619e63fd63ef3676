/* Where a dump goes: its folder and its name. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "dump/writer.h"

/* Makes a directory and those above it. */
int make_directories(const char *directory)
{
	char *path = strdup(directory);
	if (!path)
		return -ENOMEM;
	int error = 0;
	for (char *slash = path + 1; !error && *path; slash++) {
		slash = strchrnul(slash, '/');
		char kept = *slash;
		*slash = 0;
		if (mkdir(path, 0700) && errno != EEXIST)
			error = -errno;
		*slash = kept;
		if (!kept)
			break;
	}
	free(path);
	return error;
}

/* START as 20260131T235959.123456789Z. */
char *dump_name(const char *directory, const struct dump_process *process, int try)
{
	char program[64], when[32], again[16] = "";
	const char *from = process->program ? process->program : "";
	size_t n = 0;
	for (; from[n] && n + 1 < sizeof program; n++) {
		unsigned char c = (unsigned char)from[n];
		bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
			     (c >= 'a' && c <= 'z') || c == '_' || c == '.' || c == '-';
		program[n] = plain && !(n == 0 && c == '.') ? (char)c : '_';
	}
	program[n] = 0;
	uint64_t begun = process->begun_ns ? process->begun_ns : process->start_ns;
	time_t seconds = (time_t)(begun / 1000000000);
	struct tm utc;
	if (!gmtime_r(&seconds, &utc) || !strftime(when, sizeof when, "%Y%m%dT%H%M%S", &utc))
		when[0] = 0;
	if (try)
		snprintf(again, sizeof again, "-%d", try + 1);
	char *path;
	if (asprintf(&path, "%s/%s.%09uZ-%s-%u%s.rill", directory, when,
		     (unsigned)(begun % 1000000000), n ? program : "unknown", process->pid,
		     again) < 0)
		return NULL;
	return path;
}
