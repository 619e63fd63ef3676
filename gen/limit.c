#include "limit.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "core/characters.h"

static char
	message[ESCAPED_ROOM(PATH_MAX) + 256]; /* made beforehand: a signal handler can't format */

static void expired(int signal_number)
{
	ssize_t written = write(STDERR_FILENO, message, strlen(message));

	(void)signal_number;
	(void)written; /* the exit code says it too */
	_exit(1);
}

void limit_start(const char *path)
{
	struct sigaction action = {.sa_handler = expired};
	struct itimerval timer = {.it_value = {.tv_sec = LIMIT_SECONDS}};

	char printable[ESCAPED_ROOM(PATH_MAX)];

	characters_escape(printable, sizeof(printable), path, strlen(path));
	snprintf(
		message, sizeof(message),
		"%s:1: error: reading the page takes more than %d s of processor time; remove what "
		"is not text\n",
		printable, LIMIT_SECONDS);
	sigaction(SIGPROF, &action, NULL);
	setitimer(ITIMER_PROF, &timer, NULL);
}

void limit_stop(void)
{
	struct itimerval timer = {0};

	setitimer(ITIMER_PROF, &timer, NULL);
	signal(SIGPROF, SIG_DFL);
}
