/*
 * struck PATH ACTION: led by tests/support/stepper.h. Again and again it goes down PATH between its
 * marks 1 and 2, and somewhere there is struck by SIGUSR1, whose handler does ACTION; until SIGUSR2
 * comes. Then it prints how often it did what, counted here.
 *
 * PATH: fast, compact, string, wrap, full (an event of a thread that has a ring), first (a thread's
 * first), exit (a thread's end), flush. ACTION: emit; fork, whose child emits, goes on where it was
 * interrupted, emits and exits; leave, whose child emits and exits in the handler; copy, the same
 * with clone() and without fork's handlers; jump, out of it all; cancel.
 */
#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/stepper.h"

#define CHILD_EVENTS 3u

static const char *path, *action;
static volatile sig_atomic_t over, in_child;
static volatile uint64_t emitted, by_handler, children, jumps;
static volatile uint64_t failed; /* children */
static volatile pid_t child;
static sigjmp_buf out;

static bool is(const char *what, const char *name)
{
	return strcmp(what, name) == 0;
}

static uint64_t counted(volatile uint64_t *count)
{
	*count = *count + 1;
	return *count;
}

/* What a child emits, from number `from` on, after which it ends. */
static void be_child(unsigned from)
{
	for (unsigned i = from; i < CHILD_EVENTS; i++)
		rill_event(smtp_noop, total(i));
	exit(0);
}

static void make_child(void)
{
	pid_t pid = is(action, "copy") ? (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL)
				       : fork();
	if (pid > 0) {
		child = pid;
		children = children + 1;
		return;
	}
	in_child = 1;
	signal(SIGTRAP, SIG_IGN); /* it may be about to pass a mark */
	if (!is(action, "fork"))
		be_child(0);
	rill_event(smtp_noop, total(0));
}

static void struck(int signal)
{
	(void)signal;
	if (in_child)
		return;
	if (is(action, "emit")) {
		rill_event(smtp_rset, total(counted(&by_handler)), hostname("from the handler"));
	} else if (is(action, "jump")) {
		jumps = jumps + 1;
		siglongjmp(out, 1);
	} else if (is(action, "cancel")) {
		jumps = jumps + 1;
		pthread_cancel(pthread_self());
	} else {
		make_child();
	}
}

static void end(int signal)
{
	(void)signal;
	over = 1;
}

static void mark(int number)
{
	if (!in_child)
		stepper_mark(number);
}

/* So that the next event finds its ring's limit reached. */
static void fill(uint64_t leave)
{
	while (rill__me->position + leave <= rill__me->limit)
		rill_event(smtp_ehlo, total(counted(&emitted)), hostname("filling"));
}

static void go_down(void)
{
	if (is(path, "fast"))
		rill_event(smtp_ehlo, total(counted(&emitted)), hostname("fast"));
	else if (is(path, "compact"))
		rill_event_compact(smtp_ehlo, total(counted(&emitted)), hostname("compact"));
	else if (is(path, "string"))
		rill_event(smtp_ehlo, total(counted(&emitted)),
			   hostname("a name of so many bytes that it is no short one any more"));
	else if (is(path, "flush"))
		rill_flush(UINT64_C(1000000000));
	else
		rill_event(smtp_ehlo, total(counted(&emitted)));
}

static void once(void)
{
	if (is(path, "wrap"))
		fill(64);
	if (is(path, "full"))
		for (uint64_t before = 0; before != rill__me->position;) {
			before = rill__me->position;
			rill_event(smtp_ehlo, total(counted(&emitted)), hostname("filling"));
		}
	if (sigsetjmp(out, 1) == 0) {
		mark(1);
		go_down();
	}
	mark(2);
}

static void *thread(void *argument)
{
	if (is(path, "exit"))
		rill_event(smtp_ehlo, total(counted(&emitted)));
	if (is(action, "cancel"))
		pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	if (is(path, "exit"))
		mark(1);
	else
		once();
	if (in_child)
		be_child(1);
	return argument;
}

static void strike_once(void)
{
	bool threads = is(path, "first") || is(path, "exit") || is(action, "cancel");
	pthread_t id;
	if (!threads) {
		once();
	} else {
		pthread_create(&id, NULL, thread, NULL);
		pthread_join(id, NULL);
		if (is(path, "exit"))
			mark(2);
	}
	if (in_child)
		be_child(1);
	int status = 0;
	if (child && (waitpid(child, &status, 0) != child || status != 0)) {
		printf("a child ended with status %x\n", (unsigned)status);
		failed = failed + 1;
	}
	child = 0;
}

int main(int argc, char **argv)
{
	struct sigaction on_strike = {.sa_handler = struck}, on_end = {.sa_handler = end};
	if (argc != 3)
		return 2;
	path = argv[1];
	action = argv[2];
	sigaction(SIGUSR1, &on_strike, NULL);
	sigaction(SIGUSR2, &on_end, NULL);
	while (!over)
		strike_once();
	struct rill_counts counts;
	rill_flush(UINT64_C(20000000000));
	rill_counts_get(&counts);
	printf("emitted %llu handler %llu children %llu jumps %llu repaired %llu\n",
	       (unsigned long long)emitted, (unsigned long long)by_handler,
	       (unsigned long long)children, (unsigned long long)jumps,
	       (unsigned long long)counts.repaired);
	return failed > 0;
}
