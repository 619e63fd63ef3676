/* Processors, clocks, files, figures. */
#include <dirent.h>
#include <ftw.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "bench/common/tools.h"

void pin(pid_t task, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	for (unsigned i = 0; i < (unsigned)sysconf(_SC_NPROCESSORS_ONLN); i++) {
		if (cpu < 0 || i == (unsigned)cpu)
			CPU_SET(i, &set);
	}
	/* A task that has ended in the meantime needs none. */
	(void)sched_setaffinity(task, sizeof set, &set);
}

uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void pause_ns(uint64_t ns)
{
	struct timespec left = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};

	while (nanosleep(&left, &left) != 0)
		continue;
}

size_t tasks_list(pid_t *tasks, size_t room)
{
	DIR *folder = opendir("/proc/self/task");
	size_t count = 0;

	if (!folder)
		return 0;
	for (const struct dirent *entry; (entry = readdir(folder)) && count < room;) {
		if (entry->d_name[0] != '.')
			tasks[count++] = (pid_t)atoi(entry->d_name);
	}
	closedir(folder);
	return count;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double quantile(double *samples, size_t count, double share)
{
	qsort(samples, count, sizeof *samples, ascending);
	size_t at = (size_t)(share * (double)count);
	return samples[at < count ? at : count - 1];
}

void print_figure(const char *figure, const char *who, double value, const char *unit)
{
	printf("%s\t%s\t%.6g\t%s\n", figure, who, value, unit);
	fflush(stdout);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
	(void)status;
	(void)type;
	(void)ftw;
	return remove(path);
}

void remove_tree(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
