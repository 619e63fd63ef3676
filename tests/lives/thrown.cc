// Exceptions that leave events: from an argument, and from a signal handler that interrupts one
// (-fnon-call-exceptions). Prints how often, and what was emitted, counted here.
#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>

struct thrown {
};

static volatile bool may_throw;
static volatile uint64_t from_handler;

static void handler(int)
{
	if (may_throw) {
		may_throw = false;
		from_handler = from_handler + 1;
		throw thrown();
	}
}

static uint64_t number(uint64_t value, bool throws)
{
	if (throws)
		throw thrown();
	return value;
}

// Without a handler of exceptions of its own: in a function that has one, a compiler's table says
// at which instructions an exception may come, and those of a signal handler may come at any.
static __attribute__((noinline)) void emit_until_thrown(volatile uint64_t *count)
{
	may_throw = true;
	for (;;) {
		*count = *count + 1;
		rill_event(smtp_rset, total(*count), hostname("thrown out of"));
	}
}

int main(int argc, char **argv)
{
	const uint64_t most = argc > 1 ? strtoull(argv[1], nullptr, 10) : 1000;
	volatile uint64_t emitted = 0, from_argument = 0;
	struct sigaction action = {};
	action.sa_handler = handler;
	action.sa_flags = SA_NODEFER;
	sigaction(SIGALRM, &action, nullptr);
	for (volatile uint64_t i = 0; i < most; i = i + 1) {
		try {
			rill_event(smtp_ehlo, total(number(i, i % 2 == 0)), hostname("thrown"));
			emitted = emitted + 1;
		} catch (const thrown &) {
			from_argument = from_argument + 1;
		}
	}
	sigevent event = {};
	event.sigev_notify = SIGEV_SIGNAL;
	event.sigev_signo = SIGALRM;
	const itimerspec period = {{0, 100000}, {0, 100000}};
	timer_t timer;
	timer_create(CLOCK_MONOTONIC, &event, &timer);
	timer_settime(timer, 0, &period, nullptr);
	volatile uint64_t count = 0;
	while (from_handler < most) {
		try {
			emit_until_thrown(&count);
		} catch (const thrown &) {
		}
	}
	timer_delete(timer);
	rill_counts counts;
	rill_flush(UINT64_C(20000000000));
	rill_counts_get(&counts);
	printf("emitted %llu arguments %llu begun %llu handler %llu repaired %llu\n",
	       static_cast<unsigned long long>(emitted),
	       static_cast<unsigned long long>(from_argument),
	       static_cast<unsigned long long>(count),
	       static_cast<unsigned long long>(from_handler),
	       static_cast<unsigned long long>(counts.repaired));
}
