/*
 * signals SECONDS: one thread emits as fast as it can while a timer interrupts it 10,000 times a
 * second with a handler that emits too. Prints how many of each, counted here.
 */
#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "support/form.h"

static volatile uint64_t handled;

static uint64_t counted(volatile uint64_t *count)
{
	*count = *count + 1;
	return *count;
}

static void handler(int signal)
{
	(void)signal;
	int before = errno;
	rill_event(smtp_rset, total(counted(&handled)), hostname("from the handler"));
	if (errno != before)
		abort();
}

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 1;
	struct sigaction action = {.sa_handler = handler};
	sigaction(SIGALRM, &action, NULL);
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
	const struct itimerspec period = {{0, 100000}, {0, 100000}};
	timer_t timer;
	timer_create(CLOCK_MONOTONIC, &event, &timer);
	timer_settime(timer, 0, &period, NULL);
	volatile uint64_t main_count = 0;
	for (double end = now() + seconds; now() < end;)
		for (int i = 0; i < 2000; i++)
			rill_event(smtp_ehlo, total(counted(&main_count)), hostname("from main"));
	timer_delete(timer);
	struct rill_counts counts;
	rill_flush(UINT64_C(60000000000));
	rill_counts_get(&counts);
	printf("main %llu handler %llu drained %llu discarded %llu filtered %llu repaired %llu\n",
	       (unsigned long long)main_count, (unsigned long long)handled,
	       (unsigned long long)counts.drained, (unsigned long long)counts.discarded,
	       (unsigned long long)counts.filtered, (unsigned long long)counts.repaired);
	return 0;
}
