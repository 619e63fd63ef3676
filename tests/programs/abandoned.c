/* abandoned: an event is left in the middle of its section, by siglongjmp() from a SIGSEGV that
 * copying its string raises. Then a filter change, more events, a stop; how long they took, in ms.
 * With an argument: the string is short, so that the section is the site's own, and the next event
 * of the same function passes values on the stack. */
#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "support/form.h"

static sigjmp_buf out;

static void handler(int signal)
{
	(void)signal;
	siglongjmp(out, 1);
}

static long long now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = handler};
	sigaction(SIGSEGV, &action, NULL);
	rill_event(smtp_noop, total(1));
	(void)argv;
	if (argc == 1) {
		if (sigsetjmp(out, 1) == 0)
			rill_event(smtp_ehlo, hostname((const char *)8, (size_t)40));
		rill_event(smtp_noop, total(2));
	} else {
		if (sigsetjmp(out, 1) == 0)
			rill_event(smtp_ehlo, hostname((const char *)8, (size_t)16));
		rill_event(smtp_noop, total(2), size(2), hostname("one", (size_t)3),
			   from("a name of more than thirty-one bytes", (size_t)36), elapsed(2));
	}
	long long start = now_ms();
	int result = rill_filter_apply("smtp.*=trace");
	long long changed = now_ms();
	rill_event(smtp_noop, total(3));
	struct rill_counts counts;
	rill_counts_get(&counts);
	long long stopping = now_ms();
	rill_stop();
	printf("result %d change %lld stop %lld repaired %llu\n", result, changed - start,
	       now_ms() - stopping, (unsigned long long)counts.repaired);
	return 0;
}
