/* kill -9 at any moment: what was committed is there, once, in order. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/files.h"
#include "support/witnessed.h"

static uint64_t random_state;

static uint64_t random_below(uint64_t bound)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % bound;
}

static void kill_once(void)
{
	static const char *const options[] = {"rotate=64KiB", "rotate=64KiB&zstd=1",
					      "rotate=256KiB", "rotate=1MiB&zstd=3"};
	struct witnessed w = witnessed_make(options[random_below(4)], random_below(2) == 0);
	const char *arguments[] = {format("threads=%lu", 1 + random_below(WITNESS_SLOTS)),
				   "rate=2000", random_below(4) == 0 ? "churn" : "", NULL};
	if (random_below(2))
		witnessed_env(&w, "RILL_RING_SIZE=64KiB");
	pid_t pid = witnessed_start(&w, arguments);
	if (random_below(8) > 0)
		witnessed_wait(&w, pid);
	usleep((useconds_t)random_below(40000));
	int status = witnessed_kill(pid);
	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	witnessed_dump(&w);
	witnessed_end(&w);
}

Test(kill, at_any_moment, .timeout = 400)
{
	const char *tier = getenv("RILL_TEST_TIER");
	unsigned kills = !tier || strcmp(tier, "short") == 0 ? 60 : 2000;
	random_state = 88172645463325252u;
	for (unsigned i = 0; i < kills; i++)
		kill_once();
}
