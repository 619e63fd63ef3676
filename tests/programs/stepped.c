/*
 * stepped FILE: what tests/support/stepper.h is tried on, without rill. One thread counts, the main
 * one passes marks: 1, ten instructions, 2, three system calls, 3. FILE is mapped: two counters,
 * the thread's and the signal handler's.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "support/stepper.h"

static volatile uint64_t *counters;

static void *count(void *unused)
{
	prctl(PR_SET_NAME, "counter");
	for (;;)
		counters[0]++;
	return unused;
}

static void handler(int signal)
{
	(void)signal;
	counters[1]++;
}

int main(int argc, char **argv)
{
	int fd = argc > 1 ? open(argv[1], O_RDWR) : -1;
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED)
		return 1;
	counters = page;
	struct sigaction action = {.sa_handler = handler};
	sigaction(SIGUSR1, &action, NULL);
	pthread_t thread;
	pthread_create(&thread, NULL, count, NULL);
	while (counters[0] == 0)
		;
	stepper_mark(1);
	__asm__ __volatile__(".rept 10\n\tnop\n\t.endr");
	stepper_mark(2);
	for (int i = 0; i < 3; i++)
		syscall(SYS_getppid);
	stepper_mark(3);
	stepper_mark(4);
	_exit(7);
}
