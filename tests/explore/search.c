/*
 * The search: executions one after the other, depth first over the choices that were made, each one
 * from the beginning. A state that was seen before, with bounds that were no tighter, is not gone
 * on from.
 */
#include "search.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define CHOICES 4096u
#define STATES  (1u << 23)
#define SECONDS 300 /* then it is too much for the bounds */

bool tracing;
const struct scenario *scenario;

static jmp_buf out; /* of an execution */
static char message[512];

static struct choice {
	uint8_t taken, count;
} path[CHOICES];
static unsigned depth, known; /* choices made, and how many of them were given */

static unsigned long executions, states;

static struct {
	void *state, *first;
	size_t size;
} kept[8];
static unsigned nkept;

/* What has been seen: a state's hash, and a bit for each (preemptions, stale) that was left. */
static struct seen {
	uint64_t hash, left;
} * seen;
static uint64_t as_good[MOST + 1][MOST + 1];

/* --- what a scenario calls ----------------------------------------------------------------- */

void trace(const char *pattern, ...)
{
	va_list args;
	if (!tracing)
		return;
	va_start(args, pattern);
	printf("  %d: ", current);
	vprintf(pattern, args);
	printf("\n");
	va_end(args);
}

void leave_execution(enum ending ending)
{
	longjmp(out, (int)ending);
}

void broken(const char *pattern, ...)
{
	va_list args;
	va_start(args, pattern);
	vsnprintf(message, sizeof message, pattern, args);
	va_end(args);
	leave_execution(BROKEN);
}

void begin_again(void)
{
	leave_execution(AGAIN);
}

void keep_state(void *state, size_t size)
{
	void *first = malloc(size);
	memcpy(first, state, size);
	kept[nkept].state = state;
	kept[nkept].first = first;
	kept[nkept++].size = size;
}

/* --- states -------------------------------------------------------------------------------- */

static uint64_t state_hash(void)
{
	uint64_t hash = threads_hash(memory_hash());
	for (unsigned i = 0; i < nkept; i++)
		hash = hash_bytes(hash, kept[i].state, kept[i].size);
	return hash | 1;
}

void stop_if_seen(void)
{
	if (depth < known || tracing)
		return;
	uint64_t hash = state_hash(), i = hash >> 20;
	while (seen[i % STATES].hash != hash && seen[i % STATES].hash)
		i++;
	struct seen *entry = &seen[i % STATES];
	if (entry->left & as_good[preemptions_left][stale_left])
		leave_execution(SEEN);
	if (!entry->hash) {
		CHECK(++states < STATES / 2, "more states than the explorer keeps");
		entry->hash = hash;
	}
	entry->left |= UINT64_C(1) << (preemptions_left * (MOST + 1) + stale_left);
}

unsigned choose(unsigned count)
{
	if (count == 1)
		return 0;
	CHECK(depth < CHOICES, "more choices than the explorer keeps");
	if (depth < known)
		CHECK(path[depth].count == count, "the program does not do the same again: %u, %u",
		      path[depth].count, count);
	else
		path[depth] = (struct choice){0, (uint8_t)count};
	return path[depth++].taken;
}

/* The next path that was not taken yet. */
static bool next_path(void)
{
	while (depth > 0 && path[depth - 1].taken + 1u == path[depth - 1].count)
		depth--;
	if (depth == 0)
		return false;
	path[depth - 1].taken++;
	known = depth;
	return true;
}

/* --- an execution -------------------------------------------------------------------------- */

/* Memory that is not there any more. */
static void fault(int signal)
{
	(void)signal;
	broken("an access to memory that is not mapped");
}

static void catch_faults(void)
{
	static unsigned char bytes[65536];
	const stack_t stack = {.ss_sp = bytes, .ss_size = sizeof bytes};
	struct sigaction action = {.sa_handler = fault, .sa_flags = SA_ONSTACK | SA_NODEFER};
	sigaltstack(&stack, NULL);
	sigaction(SIGSEGV, &action, NULL);
}

static enum ending execute(const struct bounds *bounds)
{
	memory_reset();
	for (unsigned i = 0; i < nkept; i++)
		memcpy(kept[i].state, kept[i].first, kept[i].size);
	depth = 0;
	begin_threads(bounds);
	prims_begin();
	enum ending ending = (enum ending)setjmp(out);
	if (!ending)
		decide();
	current = -1;
	if (ending == RESTED) {
		ending = (enum ending)setjmp(out);
		if (!ending) {
			scenario->monitor();
			ending = RESTED;
		}
	}
	executions++;
	return ending;
}

/* Whether it ended well. */
static bool search(const struct bounds *bounds)
{
	time_t end = time(NULL) + SECONDS;
	for (;;) {
		enum ending ending = execute(bounds);
		if (ending == BROKEN) {
			printf("%s: broken after %lu executions: %s\n", scenario->name, executions,
			       message);
			known = depth;
			tracing = true;
			execute(bounds);
			return false;
		}
		if (ending == AGAIN) {
			madvise(seen, STATES * sizeof *seen, MADV_DONTNEED);
			executions = states = known = 0;
			continue;
		}
		if (!next_path())
			break;
		if (executions % 256 == 0 && time(NULL) > end) {
			printf("%s: not searched to the end after %u s, %lu executions\n",
			       scenario->name, SECONDS, executions);
			return false;
		}
	}
	if (scenario->as_expected && !scenario->as_expected()) {
		printf("%s: broken after %lu executions: not the results that C11 gives it\n",
		       scenario->name, executions);
		return false;
	}
	printf("%s: %lu executions, %lu states; at most %u preemptions, %u stale reads, %u "
	       "signals\n",
	       scenario->name, executions, states, bounds->preemptions, bounds->stale,
	       bounds->signals);
	return true;
}

int main(int argc, char **argv)
{
	for (unsigned i = 0; i < nscenarios + nlitmus && argc > 1; i++) {
		const struct scenario *s = i < nscenarios ? &scenarios[i] : &litmus[i - nscenarios];
		if (strcmp(s->name, argv[1]) == 0)
			scenario = s;
	}
	if (!scenario) {
		fprintf(stderr,
			"usage: %s SCENARIO [medium | PREEMPTIONS STALE]\nscenarios:", *argv);
		for (unsigned i = 0; i < nscenarios; i++)
			fprintf(stderr, " %s", scenarios[i].name);
		fprintf(stderr, "\n");
		return 2;
	}
	struct bounds bounds = scenario->bounds[argc == 3];
	if (argc > 3) {
		bounds.preemptions = (unsigned)atoi(argv[2]);
		bounds.stale = (unsigned)atoi(argv[3]);
	}
	for (unsigned p = 0; p <= MOST; p++)
		for (unsigned s = 0; s <= MOST; s++)
			for (unsigned bit = 0; bit < 64; bit++)
				if (bit / (MOST + 1) >= p && bit % (MOST + 1) >= s)
					as_good[p][s] |= UINT64_C(1) << bit;
	seen = mmap(NULL, STATES * sizeof *seen, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (seen == MAP_FAILED)
		abort();
	if (setjmp(out)) {
		fprintf(stderr, "%s: %s\n", scenario->name, message);
		return 2;
	}
	/* The monitor runs on this stack. */
	memory_private((char *)__builtin_frame_address(0) - (1 << 20), 2 << 20);
	scenario->setup();
	make_threads();
	catch_faults();
	return search(&bounds) ? 0 : 1;
}
