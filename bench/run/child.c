/* Runs one program of the suite. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/run/run.h"

#define TIMEOUT_MS 300000 /* far more than any row takes: one that hangs must not hang the run */
#define GRACE_MS   5000   /* for a program that is to end, to stop what it has started */

static volatile pid_t running; /* also the process group's id */

void child_interrupt(void)
{
	if (running > 0)
		kill(-running, SIGTERM);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
	(void)status;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* Which row what follows in the log comes from. */
static void head_log(const char *log, const char *name)
{
	FILE *to = fopen(log, "ae");

	if (to) {
		fprintf(to, "--- %s\n", name);
		fclose(to);
	}
}

static pid_t start(const struct row *row, const char *log, const char *directory, int out)
{
	pid_t pid = fork();

	if (pid != 0) {
		if (pid > 0)
			setpgid(pid, pid);
		return pid;
	}
	setpgid(0, 0);
	signal(SIGPIPE, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	int err = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644), in = open("/dev/null", O_RDONLY);
	if (err < 0 || in < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0)
		_exit(126);
	setenv("BENCH_DIR", directory, 1);
	execl("/bin/sh", "sh", "-c", row->command, (char *)NULL);
	_exit(127);
}

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* All that comes until the end; false: it took too long. */
static bool read_all(int from, char **text, long deadline)
{
	size_t size = 0, room = 0;
	char *got = NULL;

	for (;;) {
		struct pollfd ready = {.fd = from, .events = POLLIN};
		long left = deadline - now_ms();

		if (room - size < 4096) {
			room = room ? 2 * room : 8192;
			got = realloc(got, room);
			if (!got)
				abort();
		}
		*text = got;
		got[size] = 0;
		if (left <= 0)
			return false;
		if (poll(&ready, 1, (int)left) <= 0)
			continue; /* a signal, whose handler has told the child, or the deadline */
		ssize_t n = read(from, got + size, room - size - 1);
		if (n == 0)
			return true;
		size += n > 0 ? (size_t)n : 0;
	}
}

/* Its status. What does not end by itself in time is killed. */
static int wait_for(pid_t pid, bool in_time)
{
	int status = 0;
	long deadline = now_ms() + GRACE_MS;
	const struct timespec ten_ms = {0, 10000000};

	if (!in_time)
		kill(-pid, SIGTERM);
	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (now_ms() > deadline) {
			kill(-pid, SIGKILL);
			waitpid(pid, &status, 0);
			break;
		}
		nanosleep(&ten_ms, NULL);
	}
	/* What it has started and left behind. */
	kill(-pid, SIGKILL);
	running = 0;
	return status;
}

static bool add_lines(char *text, size_t index, struct figures *figures, char *why, size_t size)
{
	int number = 0;

	for (char *line; (line = strsep(&text, "\n")) != NULL;) {
		number++;
		const char *wrong = *line ? figures_add_line(figures, index, line) : NULL;
		if (wrong) {
			snprintf(why, size, "line %d of its output: %s", number, wrong);
			return false;
		}
	}
	return true;
}

static bool ended_well(int status, bool in_time, char *why, size_t size)
{
	if (!in_time)
		snprintf(why, size, "it took more than %d s", TIMEOUT_MS / 1000);
	else if (WIFSIGNALED(status))
		snprintf(why, size, "ended by signal %d", WTERMSIG(status));
	else if (WEXITSTATUS(status) != 0)
		snprintf(why, size, "exit code %d", WEXITSTATUS(status));
	else
		return true;
	return false;
}

bool child_run(const struct row *row, size_t index, const char *log, struct figures *figures,
	       char *why, size_t size)
{
	char directory[] = "/dev/shm/rill-bench-XXXXXX", *text = NULL;
	int pipes[2];

	if (!mkdtemp(directory) || pipe2(pipes, O_CLOEXEC) != 0) {
		snprintf(why, size, "%s: %s", directory, strerror(errno));
		return false;
	}
	head_log(log, row->name);
	running = start(row, log, directory, pipes[1]);
	pid_t pid = running;
	close(pipes[1]);
	bool in_time = pid < 0 || read_all(pipes[0], &text, now_ms() + TIMEOUT_MS);
	close(pipes[0]);
	int status = pid > 0 ? wait_for(pid, in_time) : 127 << 8;
	/* A row that fails in one of its parts still has the figures of the others. */
	bool good = !text || add_lines(text, index, figures, why, size);
	good = ended_well(status, in_time, why, size) && good;
	free(text);
	nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return good;
}
