/*
 * forks HOW: two threads emit while the main thread forks four children, each of which emits 1,000
 * events. HOW: fork, clone (without atfork handlers), or daemon (the parent leaves at once). Prints
 * a line for each process: pid and how many it emitted.
 */
#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int stop;
static uint64_t threads_emitted;

static void *emit(void *argument)
{
	uint64_t count = 0;
	(void)argument;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		rill_event(smtp_ehlo, total(++count));
		if (count % 64 == 0)
			usleep(100);
	}
	__atomic_add_fetch(&threads_emitted, count, __ATOMIC_RELAXED);
	return NULL;
}

static void child(void)
{
	for (uint64_t i = 0; i < 1000; i++)
		rill_event(smtp_noop, total(i));
	printf("pid %d emitted 1000\n", getpid());
	fflush(stdout);
	exit(0);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "fork";
	pthread_t threads[2];
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, emit, NULL);
	int bad = 0;
	for (int i = 0; i < 4; i++) {
		usleep(5000);
		pid_t pid = strcmp(how, "clone") == 0
				    ? (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL)
				    : fork();
		if (pid == 0)
			child();
		int status = 0;
		if (strcmp(how, "daemon") != 0)
			bad += waitpid(pid, &status, 0) != pid || status != 0;
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	printf("pid %d emitted %llu\n", getpid(), (unsigned long long)threads_emitted);
	return bad;
}
