#include "run.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_WORDS 128

enum { IN, OUT, ERR, STREAMS };

struct run {
	pid_t pid;
	int fds[STREAMS]; /* our ends of the pipes; -1 once closed */
	const char *input;
	size_t input_bytes;
	struct run_result result;
};

static void fail(const char *what)
{
	perror(what);
	abort();
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* EM_NONE: no ELF file. */
static unsigned machine(const char *path)
{
	Elf64_Ehdr header = {0};
	FILE *file = fopen(path, "rb");
	if (!file)
		return EM_NONE;
	size_t n = fread(&header, sizeof header, 1, file);
	fclose(file);
	if (n != 1 || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
		return EM_NONE;
	return header.e_machine;
}

const char *const *emulated(const char *const *argv)
{
	static const char *words[MAX_WORDS + 1];
	const char *emulator = getenv("RILL_TEST_EMULATOR");
	unsigned theirs = emulator && *emulator ? machine(argv[0]) : EM_NONE;
	if (theirs == EM_NONE || theirs == machine("/bin/sh"))
		return argv;
	size_t n = 0;
	char *rest = strdup(emulator);
	for (char *word; (word = strsep(&rest, " "));) {
		if (n == MAX_WORDS)
			abort();
		if (*word)
			words[n++] = word;
	}
	for (; *argv; argv++) {
		if (n == MAX_WORDS)
			abort();
		words[n++] = *argv;
	}
	words[n] = NULL;
	return words;
}

static void child(const char *const *argv, const struct run_options *o, const int theirs[STREAMS])
{
	/* A process group of its own, so that a time limit ends what it has started too. */
	setpgid(0, 0);
	signal(SIGPIPE, SIG_DFL);
	for (int i = 0; i < STREAMS; i++) {
		if (dup2(theirs[i], i) < 0)
			_exit(127);
	}
	for (size_t i = 0; o->env && o->env[i]; i++)
		putenv((char *)(uintptr_t)o->env[i]);
	if (o->directory && chdir(o->directory) != 0) {
		dprintf(2, "%s: %s\n", o->directory, strerror(errno));
		_exit(127);
	}
	argv = emulated(argv);
	execvp(argv[0], (char *const *)(uintptr_t)argv);
	dprintf(2, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

static void start(struct run *run, const char *const *argv, const struct run_options *o)
{
	int theirs[STREAMS];

	for (int i = 0; i < STREAMS; i++) {
		int ends[2];

		if (pipe2(ends, O_CLOEXEC) != 0)
			fail("pipe2");
		theirs[i] = ends[i == IN ? 0 : 1];
		run->fds[i] = ends[i == IN ? 1 : 0];
		fcntl(run->fds[i], F_SETFL, O_NONBLOCK);
	}
	fflush(NULL);
	run->pid = fork();
	if (run->pid < 0)
		fail("fork");
	if (run->pid == 0)
		child(argv, o, theirs);
	setpgid(run->pid, run->pid); /* whoever comes first; the other one's fails harmlessly */
	for (int i = 0; i < STREAMS; i++)
		close(theirs[i]);
}

static void end_stream(struct run *run, int stream)
{
	close(run->fds[stream]);
	run->fds[stream] = -1;
}

static void feed(struct run *run)
{
	ssize_t n = write(run->fds[IN], run->input, run->input_bytes);

	if (n > 0) {
		run->input += n;
		run->input_bytes -= (size_t)n;
	}
	if (run->input_bytes == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		end_stream(run, IN);
}

static void collect(struct run *run, int stream)
{
	char **data = stream == OUT ? &run->result.out : &run->result.err;
	size_t *bytes = stream == OUT ? &run->result.out_bytes : &run->result.err_bytes;
	char piece[65536], *grown;
	ssize_t n = read(run->fds[stream], piece, sizeof(piece));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		end_stream(run, stream);
		return;
	}
	grown = realloc(*data, *bytes + (size_t)n + 1);
	if (!grown)
		fail("realloc");
	*data = grown;
	memcpy(*data + *bytes, piece, (size_t)n);
	*bytes += (size_t)n;
	(*data)[*bytes] = '\0';
}

/* Moves bytes until both outputs are closed. False when time is up. */
static bool pump(struct run *run, uint64_t deadline_ms)
{
	while (run->fds[OUT] >= 0 || run->fds[ERR] >= 0) {
		struct pollfd polled[STREAMS];
		uint64_t now = now_ms();

		if (now >= deadline_ms)
			return false;
		for (int i = 0; i < STREAMS; i++)
			polled[i] = (struct pollfd){run->fds[i], i == IN ? POLLOUT : POLLIN, 0};
		if (poll(polled, STREAMS, (int)(deadline_ms - now)) < 0 && errno != EINTR)
			fail("poll");
		if (run->fds[IN] >= 0 && polled[IN].revents)
			feed(run);
		for (int i = OUT; i < STREAMS; i++) {
			if (run->fds[i] >= 0 && polled[i].revents)
				collect(run, i);
		}
	}
	return true;
}

/* Waits for the end; a command may close its outputs and live on. */
static bool reap(struct run *run, int *status, uint64_t deadline_ms)
{
	for (;;) {
		pid_t pid = waitpid(run->pid, status, WNOHANG);

		if (pid == run->pid)
			return true;
		if (pid < 0 && errno != EINTR)
			fail("waitpid");
		if (now_ms() >= deadline_ms)
			return false;
		nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
	}
}

struct run_result run_command(const char *const *argv, const struct run_options *options)
{
	static const struct run_options none;
	const struct run_options *o = options ? options : &none;
	struct run run = {.input = o->input, .input_bytes = o->input_bytes};
	uint64_t deadline_ms = now_ms() + (o->timeout_ms ? o->timeout_ms : RUN_TIMEOUT_MS);
	void (*old)(int) = signal(SIGPIPE, SIG_IGN);
	int status = 0;

	if (o->input && !o->input_bytes)
		run.input_bytes = strlen(o->input);
	run.result.out = calloc(1, 1);
	run.result.err = calloc(1, 1);
	if (!run.result.out || !run.result.err)
		fail("calloc");
	start(&run, argv, o);
	if (run.input_bytes == 0)
		end_stream(&run, IN);
	if (!pump(&run, deadline_ms) || !reap(&run, &status, deadline_ms)) {
		run.result.timed_out = true;
		kill(-run.pid, SIGKILL);
		while (waitpid(run.pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	for (int i = 0; i < STREAMS; i++) {
		if (run.fds[i] >= 0)
			end_stream(&run, i);
	}
	signal(SIGPIPE, old);
	run.result.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	run.result.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	return run.result;
}

void run_free(struct run_result *result)
{
	free(result->out);
	free(result->err);
	*result = (struct run_result){0};
}
