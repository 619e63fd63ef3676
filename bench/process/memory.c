/*
 * Memory of a process with N threads that have emitted: memory.N in all, memory.N.thread what rill
 * adds, a thread: the difference to the same process with the gate closed.
 *
 * usage: memory, and for itself: memory THREADS on|off, which prints bytes.
 *
 * Counted is the proportional set size without shared memory, the page tables, and the blocks of
 * the ring files, which are taken from the start whether they are touched or not.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rill/control.h>

#include "crowd.h"
#include "process.h"

/* A line `NAME: N kB` of a file below /proc. */
static uint64_t proc_bytes(const char *path, const char *name)
{
	char line[256];
	uint64_t kib = 0;
	FILE *file = fopen(path, "r");
	if (!file)
		give_up(path, errno);
	while (fgets(line, sizeof line, file))
		if (strncmp(line, name, strlen(name)) == 0)
			kib = strtoull(line + strlen(name), NULL, 10);
	fclose(file);
	return kib * 1024;
}

static uint64_t blocks;

static int add_blocks(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)path, (void)walk;
	if (type == FTW_F)
		blocks += (uint64_t)status->st_blocks * 512;
	return 0;
}

/* In a process of its own, whose runtime directory is the scratch folder from its start. */
static uint64_t measure(unsigned threads, bool on)
{
	const struct rill_settings settings = {.ring_memory_bytes = UINT64_C(4) << 30};
	if (rill_settings_apply(&settings) != 0)
		give_up("rill_settings_apply", EINVAL);
	if (on)
		start_rill("text:/dev/null", "*=trace");
	crowd_start(threads);
	if (on) {
		sleep_for(10000000);
		if (!wait_parked(5000000000))
			give_up("the collector does not park", ETIMEDOUT);
		if (lost_events() != 0)
			give_up("not every thread has a ring", EPROTO);
	}
	nftw(getenv("RILL_RUNTIME_DIR"), add_blocks, 16, FTW_PHYS);
	return blocks + proc_bytes("/proc/self/status", "VmPTE:") +
	       proc_bytes("/proc/self/smaps_rollup", "Pss:") -
	       proc_bytes("/proc/self/smaps_rollup", "Pss_Shmem:");
}

static double measure_apart(unsigned threads, const char *state)
{
	char number[16], answer[64] = "", *end;
	int answers[2], status;
	snprintf(number, sizeof number, "%u", threads);
	if (pipe2(answers, O_CLOEXEC) != 0)
		give_up("pipe", errno);
	pid_t child = fork_bound();
	if (child == 0) {
		dup2(answers[1], STDOUT_FILENO);
		execl("/proc/self/exe", "memory", number, state, (char *)NULL);
		_exit(127);
	}
	close(answers[1]);
	ssize_t got = read(answers[0], answer, sizeof answer - 1);
	close(answers[0]);
	double bytes = strtod(answer, &end);
	if (waitpid(child, &status, 0) != child || status != 0 || got <= 0 || *end != '\n')
		give_up("a process of this benchmark failed", ECHILD);
	return bytes;
}

static void compare(const void *argument)
{
	unsigned threads = *(const unsigned *)argument;
	double off = measure_apart(threads, "off"), on = measure_apart(threads, "on");
	figure(on, "bytes", "memory.%u", threads);
	figure((on - off) / threads, "bytes", "memory.%u.thread", threads);
}

int main(int argc, char **argv)
{
	static const unsigned threads[] = {1, 100, 10000};
	if (argc == 3) {
		printf("%llu\n", (unsigned long long)measure((unsigned)atoi(argv[1]),
							     strcmp(argv[2], "on") == 0));
		return 0;
	}
	if (setenv("RILL_RUNTIME_DIR", scratch(), 1) != 0)
		give_up("setenv", errno);
	for (size_t i = 0; i < sizeof threads / sizeof *threads; i++)
		run_apart(compare, &threads[i]);
	scratch_remove();
	return 0;
}
