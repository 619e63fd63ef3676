/*
 * exits HOW N WITNESS [HANG]: emits N events and ends in one of many ways; says "leaving NS" on
 * standard output just before, by the monotonic clock. How many events passed the gate stands in
 * the file WITNESS, a word a thread, whenever the process ends.
 *
 * HANG: from the last event on, what the sinks write to files hangs ("all"), or each write takes so
 * many milliseconds.
 */
#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <rill/control.h>

#define SLOTS 64

static uint64_t *witness; /* of SLOTS threads */
static unsigned long long count;
static volatile int hang_ms; /* -1: for ever */

static void slow_down(void)
{
	if (hang_ms < 0)
		for (;;)
			pause();
	if (hang_ms > 0)
		nanosleep(&(struct timespec){0, hang_ms * 1000000L}, NULL);
}

/* In place of the C library's: the disk of this program. */
ssize_t pwritev(int fd, const struct iovec *parts, int n, off_t at)
{
	slow_down();
	return syscall(SYS_pwritev, fd, parts, n, at, 0L);
}

ssize_t writev(int fd, const struct iovec *parts, int n)
{
	struct {
		char path[64], target[64];
	} is = {"", ""};
	snprintf(is.path, sizeof is.path, "/proc/self/fd/%d", fd);
	/* A pipe hangs by itself. */
	if (readlink(is.path, is.target, sizeof is.target - 1) > 0 && is.target[0] == '/')
		slow_down();
	return syscall(SYS_writev, fd, parts, n);
}

static uint64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void leave(void)
{
	char line[64];
	int length = snprintf(line, sizeof line, "leaving %llu\n", (unsigned long long)now_ns());
	if (write(STDOUT_FILENO, line, (size_t)length) < 0)
		_exit(9);
}

static uint64_t emit(unsigned slot)
{
	rill_event(smtp_noop, total(++witness[slot]));
	return witness[slot];
}

static void emit_all(void)
{
	for (unsigned long long i = 0; i < count; i++)
		emit(0);
}

/* --- threads ------------------------------------------------------------------------------- */

static void *emitter(void *slot)
{
	for (;;)
		/* With a breath now and then: the time that the end takes is measured. */
		if (emit((unsigned)(uintptr_t)slot) % 128 == 0)
			nanosleep(&(struct timespec){0, 50000}, NULL);
	return NULL;
}

static void *emitter_of_few(void *slot)
{
	for (int i = 0; i < 1000; i++)
		emit((unsigned)(uintptr_t)slot);
	nanosleep(&(struct timespec){0, 50000000}, NULL);
	for (int i = 0; i < 1000; i++)
		emit((unsigned)(uintptr_t)slot);
	leave();
	return NULL;
}

static void *flusher(void *argument)
{
	for (;;)
		rill_flush(UINT64_MAX);
	return argument;
}

static void *filterer(void *argument)
{
	for (int i = 0;; i++)
		rill_filter_apply(i % 2 ? "*=trace" : "*=debug");
	return argument;
}

static char *added; /* a sink */

static void *adder(void *argument)
{
	for (;;)
		rill_sink_add(added);
	return argument;
}

static void start(void *(*run)(void *), uintptr_t slot)
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, run, (void *)slot) != 0)
		exit(9);
	pthread_detach(thread);
}

/* --- ways to end --------------------------------------------------------------------------- */

static void exit_in_handler(int number)
{
	(void)number;
	leave();
	exit(0);
}

/* The timer interrupts emits: nearly all the time is spent in one. */
static void by_handler(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct itimerspec after = {.it_value = {.tv_nsec = 3000000}};
	timer_t timer;
	signal(SIGUSR1, exit_in_handler);
	timer_create(CLOCK_MONOTONIC, &event, &timer);
	timer_settime(timer, 0, &after, NULL);
	for (;;)
		emit(0);
}

static sigjmp_buf back;

static void jump(int number)
{
	(void)number;
	siglongjmp(back, 1);
}

static uint64_t interrupt(void)
{
	raise(SIGUSR2);
	return 1;
}

/* Leaves a handler's event in the middle, and does not emit again. */
static void abandon(void)
{
	signal(SIGUSR2, jump);
	if (sigsetjmp(back, 1) == 0)
		rill_event(smtp_noop, total(({ interrupt(); })));
}

static void again(void)
{
	emit(0);
	exit(3);
}

static void last_words(void)
{
	emit(0);
}

static void end(const char *how)
{
	leave();
	if (strcmp(how, "quick_exit") == 0)
		quick_exit(0);
	if (strcmp(how, "_exit") == 0)
		_exit(0);
	if (strcmp(how, "abort") == 0)
		abort();
	if (strcmp(how, "segv") == 0)
		raise(SIGSEGV);
	exit(0);
}

static void prepare(const char *how)
{
	if (strcmp(how, "threads") == 0)
		for (uintptr_t i = 1; i <= 4; i++)
			start(emitter, i);
	if (strcmp(how, "flush") == 0)
		start(flusher, 0);
	if (strcmp(how, "filter") == 0)
		start(filterer, 0);
	if (strcmp(how, "sink") == 0)
		start(adder, 0);
	if (strcmp(how, "twice") == 0)
		atexit(again);
	if (strcmp(how, "atexit") == 0)
		atexit(last_words);
	if (strcmp(how, "abandon") == 0)
		abandon();
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 9;
	int fd = open(argv[3], O_RDWR | O_CREAT, 0600);
	if (fd < 0 || ftruncate(fd, SLOTS * 8) != 0)
		return 9;
	witness = mmap(NULL, SLOTS * 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (witness == MAP_FAILED)
		return 9;
	count = strtoull(argv[2], NULL, 10);
	added = getenv("ADDED");
	const char *how = argv[1], *hang = argc > 4 ? argv[4] : "0";
	emit(0);
	rill_flush(1000000000); /* all is open, and the rings are there */
	hang_ms = strcmp(hang, "all") == 0 ? -1 : atoi(hang);
	prepare(how);
	if (strcmp(how, "handler") == 0)
		by_handler();
	emit_all();
	if (strcmp(how, "threads") == 0 || strcmp(how, "filter") == 0 || strcmp(how, "sink") == 0 ||
	    strcmp(how, "flush") == 0)
		nanosleep(&(struct timespec){0, 20000000}, NULL);
	if (strcmp(how, "main_thread") == 0) {
		start(emitter_of_few, 1);
		pthread_exit(NULL);
	}
	if (strcmp(how, "return") == 0) {
		leave();
		return 0;
	}
	end(how);
	return 9;
}
