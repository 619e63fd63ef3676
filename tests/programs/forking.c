/*
 * forking HOW CHILDREN: four threads emit and another one changes filters and flushes, while
 * processes are made. HOW: fork (by two threads); grand (each child makes one too); vfork; spawn;
 * daemon; handler (by a timer's handler, which interrupts the four threads); sinks (fork, while
 * recording stops and starts). Each process emits twenty events and ends. Prints how many processes
 * there were, and what the first one emitted, counted here.
 */
#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define EMITTERS 4
#define FORKERS  2
#define EVENTS   20u

static const char *how;
static bool over;
static uint64_t emitted;
static volatile uint64_t made, by_handler;
static uint64_t most;
static int ends[2]; /* a pipe that every process holds until its end */

static bool is(const char *name)
{
	return strcmp(how, name) == 0;
}

static bool is_over(void)
{
	return __atomic_load_n(&over, __ATOMIC_RELAXED);
}

static uint64_t counted(uint64_t *count)
{
	return ++*count;
}

static void *emit(void *argument)
{
	uint64_t count = 0;
	while (!is_over()) {
		for (int i = 0; i < 64; i++)
			rill_event(smtp_ehlo, spanId((uint64_t)(uintptr_t)argument),
				   total(counted(&count)));
		usleep(100);
	}
	__atomic_add_fetch(&emitted, count, __ATOMIC_RELAXED);
	return NULL;
}

static void emit_as_child(void)
{
	for (unsigned i = 0; i < EVENTS; i++)
		rill_event(smtp_noop, total(i));
}

static void be_child(void)
{
	if (is("daemon") && daemon(1, 1) != 0)
		_exit(1);
	emit_as_child();
	if (is("grand") && fork() == 0)
		emit_as_child();
	exit(0);
}

static void be_made(pid_t pid)
{
	if (pid == 0)
		be_child();
	if (pid > 0)
		__atomic_add_fetch(&made, 1, __ATOMIC_RELAXED);
}

/* A child of vfork() is its parent, as far as rill is concerned: so these are counted here. */
static void make_vfork(void)
{
	static volatile uint64_t count;
	pid_t pid = vfork();
	if (pid == 0) {
		count = count + 1;
		rill_event(smtp_rset, total(count));
		_exit(0);
	}
	if (pid < 0)
		return;
	waitpid(pid, NULL, 0);
	__atomic_add_fetch(&made, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&by_handler, count, __ATOMIC_RELAXED);
}

static void make_spawn(void)
{
	pid_t pid;
	char *argv[] = {"true", NULL};
	if (posix_spawn(&pid, "/bin/true", NULL, NULL, argv, environ) != 0)
		return;
	waitpid(pid, NULL, 0);
	__atomic_add_fetch(&made, 1, __ATOMIC_RELAXED);
}

static void *make(void *argument)
{
	if (is("vfork") && argument)
		return NULL; /* one thread: its events have one order */
	while (!is_over() && __atomic_load_n(&made, __ATOMIC_RELAXED) < most) {
		if (is("vfork"))
			make_vfork();
		else if (is("spawn"))
			make_spawn();
		else
			be_made(fork());
		usleep(500);
	}
	return NULL;
}

static void on_alarm(int signal)
{
	(void)signal;
	if (__atomic_load_n(&made, __ATOMIC_RELAXED) < most)
		be_made(fork());
}

static void block_alarm(int change)
{
	sigset_t alarm;
	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	pthread_sigmask(change, &alarm, NULL);
}

static void *change(void *argument)
{
	static const char *const filters[] = {"*=trace", "*=trace,imap.*=off"};
	block_alarm(SIG_BLOCK); /* it takes memory: glibc's fork() there would wait for itself */
	for (unsigned i = 0; !is_over(); i++) {
		if (rill_filter_apply(filters[i % 2]) != 0)
			abort();
		if (rill_flush(UINT64_C(10000000000)) != 0)
			abort();
		if (is("sinks") && i % 8 == 7) {
			rill_stop();
			if (rill_sink_add(getenv("RILL_SINKS")) != 0)
				abort();
		}
		usleep(2000);
	}
	return argument;
}

static void wait_for_all(void)
{
	while (waitpid(-1, NULL, 0) > 0)
		;
	close(ends[1]);
	char byte;
	while (read(ends[0], &byte, 1) > 0)
		;
}

int main(int argc, char **argv)
{
	pthread_t threads[EMITTERS + 1], forkers[FORKERS];
	if (argc != 3 || pipe(ends) != 0)
		return 2;
	how = argv[1];
	most = strtoull(argv[2], NULL, 10);
	for (int i = 0; i < EMITTERS; i++)
		pthread_create(&threads[i], NULL, emit, (void *)(uintptr_t)i);
	block_alarm(SIG_BLOCK);
	pthread_create(&threads[EMITTERS], NULL, change, NULL);
	if (is("handler")) {
		signal(SIGALRM, on_alarm);
		setitimer(ITIMER_REAL, &(struct itimerval){{0, 1700}, {0, 1700}}, NULL);
		while (__atomic_load_n(&made, __ATOMIC_RELAXED) < most)
			usleep(1000);
		setitimer(ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 0}}, NULL);
	} else {
		for (int i = 0; i < FORKERS; i++)
			pthread_create(&forkers[i], NULL, make, (void *)(uintptr_t)i);
		for (int i = 0; i < FORKERS; i++)
			pthread_join(forkers[i], NULL);
	}
	__atomic_store_n(&over, true, __ATOMIC_RELAXED);
	for (int i = 0; i <= EMITTERS; i++)
		pthread_join(threads[i], NULL);
	wait_for_all();
	printf("pid %d made %llu emitted %llu vforked %llu\n", getpid(), (unsigned long long)made,
	       (unsigned long long)emitted, (unsigned long long)by_handler);
	return 0;
}
