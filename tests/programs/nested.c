/*
 * nested EVENTS: the main thread emits so many events while three timers, 10,000 times a second
 * together, interrupt it and each other: two handlers that block their own signal, and one that
 * does not, which raises its signal again now and then. All emit. Prints how many of each, counted
 * here, and how deep they came.
 */
#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define LEVELS 3

static volatile uint64_t handled[LEVELS];
static volatile unsigned depth, deepest;

static uint64_t counted(volatile uint64_t *count)
{
	*count = *count + 1;
	return *count;
}

static void handler(int signal)
{
	int level = signal - SIGRTMIN;
	depth = depth + 1;
	if (depth > deepest)
		deepest = depth;
	/* A handler of the same signal may come in between: the number is taken once. */
	uint64_t number = __atomic_add_fetch(&handled[level], 1, __ATOMIC_RELAXED);
	rill_event(smtp_rset, spanId(level), total(number), hostname("from a handler"));
	if (level == 2 && number % 50 == 0)
		raise(signal);
	depth = depth - 1;
}

static void start(int level, long period_ns)
{
	struct sigaction action = {.sa_handler = handler,
				   .sa_flags = SA_RESTART | (level == 2 ? SA_NODEFER : 0)};
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + level};
	const struct itimerspec period = {{0, period_ns}, {0, period_ns}};
	timer_t timer;
	sigaction(SIGRTMIN + level, &action, NULL);
	timer_create(CLOCK_MONOTONIC, &event, &timer);
	timer_settime(timer, 0, &period, NULL);
}

int main(int argc, char **argv)
{
	uint64_t most = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
	volatile uint64_t main_count = 0;
	start(0, 277000);
	start(1, 299000);
	start(2, 331000);
	while (main_count < most)
		rill_event(smtp_ehlo, spanId(9), total(counted(&main_count)),
			   hostname("from main"));
	for (int level = 0; level < LEVELS; level++)
		signal(SIGRTMIN + level, SIG_IGN);
	struct rill_counts counts;
	rill_flush(UINT64_C(60000000000));
	rill_counts_get(&counts);
	printf("main %llu first %llu second %llu third %llu deepest %u repaired %llu\n",
	       (unsigned long long)main_count, (unsigned long long)handled[0],
	       (unsigned long long)handled[1], (unsigned long long)handled[2], deepest,
	       (unsigned long long)counts.repaired);
	return 0;
}
