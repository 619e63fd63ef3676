/* Running a command and looking at what it did: no shell in between, never for longer than a limit.
 */
#ifndef TESTS_RUN_H
#define TESTS_RUN_H

#include <stdbool.h>
#include <stddef.h>

#define RUN_TIMEOUT_MS 60000 /* what RUN() allows; a test that hangs must not hang the run */

struct run_options {
	const char *directory; /* to run in; NULL: the current one */
	const char *const
		*env;        /* "NAME=value" added to the environment, NULL at its end; or NULL */
	const char *input;   /* what standard input says; NULL: nothing */
	size_t input_bytes;  /* 0: up to the input's NUL */
	unsigned timeout_ms; /* 0: RUN_TIMEOUT_MS */
};

struct run_result {
	int code;       /* exit code, or -1 */
	int signal;     /* that ended it, or 0 */
	bool timed_out; /* it was killed: signal is SIGKILL */
	char *out;      /* standard output, with a NUL behind it */
	size_t out_bytes;
	char *err; /* standard error, likewise */
	size_t err_bytes;
};

/* Runs argv[0], found by PATH, until it has ended and both its outputs are closed. A command that
 * can't be started at all has code 127 and says so on err. The caller frees with run_free(). Aborts
 * the test when the machine has no more processes, pipes or memory. */
struct run_result run_command(const char *const *argv, const struct run_options *options);
void run_free(struct run_result *result);

/*
 * Programs of another machine's CPU: RILL_TEST_EMULATOR="qemu-aarch64 -L ...". Returns argv, or,
 * when argv[0] is a program of another CPU and there is an emulator, the emulator's words and argv
 * behind them: for execvp() right after. run_command() does so by itself.
 */
const char *const *emulated(const char *const *argv);

/* struct run_result r = RUN(NULL, "ls", "-l"); */
#define RUN(options, ...) run_command((const char *const[]){__VA_ARGS__, NULL}, options)

#endif
