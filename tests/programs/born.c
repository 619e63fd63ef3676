/*
 * born CHILDREN HOW HANDLER: children whose first event is emitted by a signal handler, which as a
 * rule interrupts malloc(). HOW: fork; clone or _Fork (without fork's handlers, while a thread of
 * the parent's takes memory; such children take none). HANDLER: plain, nodefer (its signal is not
 * blocked), stack (on a stack of its own). Prints how many children there were, how many did not
 * end within ten seconds, and how many events they emitted, counted here.
 */
#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIGNALS 100u
#define BLOCKS  64u

/* Shared with the children. */
static struct shared {
	volatile uint64_t emitted;
} * shared;

static bool over;
static volatile uint64_t handled;
static const char *how;

static void on_alarm(int signal)
{
	(void)signal;
	/* The same handler may interrupt this one. */
	rill_event(smtp_rset, total(__atomic_add_fetch(&handled, 1, __ATOMIC_RELAXED)));
}

static void interrupt_often(const char *handler, suseconds_t microseconds)
{
	struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
	if (strcmp(handler, "nodefer") == 0)
		action.sa_flags |= SA_NODEFER;
	if (strcmp(handler, "stack") == 0)
		action.sa_flags |= SA_ONSTACK;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &(struct itimerval){{0, microseconds}, {0, microseconds}}, NULL);
}

static bool is_forked(void)
{
	return strcmp(how, "fork") == 0;
}

static void work(void)
{
	static void *blocks[BLOCKS];
	for (unsigned i = 0; handled < SIGNALS; i++) {
		if (!is_forked())
			continue;
		free(blocks[i % BLOCKS]);
		blocks[i % BLOCKS] = malloc(1 + i * 7919 % 3000);
	}
}

static void child(const char *handler)
{
	interrupt_often(handler, 50);
	work();
	signal(SIGALRM, SIG_IGN);
	for (unsigned i = 0; i < 10; i++)
		rill_event(smtp_noop, total(i));
	__atomic_add_fetch(&shared->emitted, handled + 10, __ATOMIC_RELAXED);
	exit(0);
}

static pid_t make_child(void)
{
	if (is_forked())
		return fork();
	if (strcmp(how, "_Fork") == 0)
		return _Fork();
	return (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
}

/* The arena of the main thread: its first blocks are given back from here. */
static void *take_memory(void *blocks)
{
	void **of_main = blocks;
	while (!__atomic_load_n(&over, __ATOMIC_RELAXED))
		for (unsigned i = 0; i < BLOCKS; i++) {
			of_main[i] = realloc(of_main[i], 1 + i * 7919 % 100000);
			rill_event(smtp_ehlo, total(i));
		}
	return NULL;
}

/* False: it had to be killed. */
static bool ends(pid_t pid)
{
	int status;
	for (int i = 0; i < 10000; i++) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return status == 0;
		usleep(1000);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return false;
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	how = argv[2];
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	static char own_stack[65536];
	sigaltstack(&(stack_t){.ss_sp = own_stack, .ss_size = sizeof own_stack}, NULL);
	static void *blocks[BLOCKS];
	for (unsigned i = 0; i < BLOCKS; i++)
		blocks[i] = malloc(2000);
	pthread_t thread;
	if (!is_forked())
		pthread_create(&thread, NULL, take_memory, blocks);
	rill_event(smtp_ehlo, total(0));
	int children = atoi(argv[1]), hung = 0;
	for (int i = 0; i < children; i++) {
		pid_t pid = make_child();
		if (pid == 0)
			child(argv[3]);
		hung += !ends(pid);
	}
	__atomic_store_n(&over, true, __ATOMIC_RELAXED);
	if (!is_forked())
		pthread_join(thread, NULL);
	printf("pid %d children %d hung %d emitted %llu\n", getpid(), children, hung,
	       (unsigned long long)shared->emitted);
	return 0;
}
