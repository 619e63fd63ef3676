/*
 * The threads of an execution, and who goes on: coroutines on stacks that stay where they are, so
 * that a state is its bytes.
 */
#include <errno.h>
#include <link.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "explore.h"
#include "search.h"

#define STACK_BYTES 65536u
#define STEPS       20000u

int current = -1;
uint64_t now_ns;
unsigned stale_left;

enum status { READY, YIELDING, ASLEEP, ENDED };

static struct thread {
	jmp_buf at, begin;
	enum status status;
	const void *sleeps_on;
	uint64_t timeout_ns;
	unsigned yields_to; /* a bit for each thread that has to go on first */
	bool signals_blocked;
	unsigned char *stack, *low; /* low: the end of what is in use */
	uint64_t stack_hash;        /* of the coroutine while it does not run; 0: to be made */
} threads[THREADS];
static unsigned nthreads;

/* The thread-local variables of the code under test: there is one thread of the system. */
#define LOCALS_MOST 64u
extern __thread void *rill__me;
static unsigned char *locals;
static size_t locals_size;
static unsigned char saved_locals[THREADS][LOCALS_MOST], first_locals[THREADS][LOCALS_MOST];
static void *first_me[THREADS];

unsigned preemptions_left;
static unsigned signals_left, spurious_left, steps, in_handler;

uint64_t threads_hash(uint64_t hash)
{
	for (unsigned i = 0; i < nthreads; i++) {
		struct thread *thread = &threads[i];
		if (!thread->stack_hash) {
			size_t used = (size_t)(thread->stack + STACK_BYTES - thread->low);
			const void *own = (int)i == current ? locals : saved_locals[i];
			uint64_t stack_hash = hash_bytes(i, thread->low, used);
			stack_hash = hash_bytes(stack_hash, own, locals_size);
			thread->stack_hash = hash_bytes(stack_hash, &thread->at, sizeof thread->at);
		}
		const uint64_t words[] = {thread->stack_hash, thread->status, thread->yields_to,
					  (uintptr_t)thread->sleeps_on, thread->signals_blocked};
		hash = hash_bytes(hash, words, sizeof words);
	}
	const uint64_t words[] = {now_ns, (uint64_t)current, signals_left, spurious_left,
				  in_handler};
	return hash_bytes(hash, words, sizeof words);
}

/* --- threads ------------------------------------------------------------------------------- */

static __attribute__((noreturn)) void go(int thread)
{
	if (current >= 0)
		memcpy(saved_locals[current], locals, locals_size);
	current = thread;
	memcpy(locals, saved_locals[thread], locals_size);
	threads[thread].stack_hash = 0;
	_longjmp(threads[thread].at, 1);
}

enum way { RUN, SPURIOUS, TIMEOUT };
static struct {
	int thread;
	enum way way;
} ways[2 * THREADS];
static unsigned nways;

/* Who yielded goes on when each that could have gone on since has done so. */
static void end_yields(void)
{
	unsigned ready = 0;
	for (unsigned i = 0; i < nthreads; i++)
		ready |= (threads[i].status == READY) * 1u << i;
	for (unsigned i = 0; i < nthreads; i++)
		if (threads[i].status == YIELDING && !(threads[i].yields_to & ready))
			threads[i].status = READY;
}

static void offer(enum status status, enum way way)
{
	for (unsigned i = 0; i < nthreads; i++) {
		const struct thread *thread = &threads[i];
		if (nways > 0 && ways[0].thread == (int)i)
			continue; /* the one that runs */
		if (thread->status != status ||
		    (way == TIMEOUT && thread->timeout_ns == UINT64_MAX))
			continue;
		ways[nways].thread = (int)i;
		ways[nways++].way = way;
	}
}

/* Who goes on. Does not return when it is another one: `at` has been set. */
__attribute__((noinline)) void decide(void)
{
	bool stays = false;
	nways = 0;
	if (current >= 0) {
		threads[current].low = __builtin_frame_address(0);
		threads[current].stack_hash = 0;
		stays = threads[current].status == READY;
	}
	if (stays) {
		ways[nways].thread = current;
		ways[nways++].way = RUN;
	}
	if (!stays || preemptions_left > 0) {
		end_yields();
		offer(READY, RUN);
		if (spurious_left > 0)
			offer(ASLEEP, SPURIOUS);
	}
	if (nways == 0)
		offer(ASLEEP, TIMEOUT);
	if (nways == 0)
		leave_execution(RESTED);
	if (nways > 1)
		stop_if_seen();
	unsigned way = choose(nways);
	struct thread *thread = &threads[ways[way].thread];
	spurious_left -= ways[way].way == SPURIOUS;
	preemptions_left -= stays && ways[way].thread != current;
	if (ways[way].way == TIMEOUT)
		now_ns += thread->timeout_ns;
	if (thread->status == ASLEEP)
		trace("%d wakes by itself", ways[way].thread);
	thread->status = READY;
	if (ways[way].thread != current || !stays)
		go(ways[way].thread);
}

void point(void)
{
	if (current < 0)
		return;
	CHECK(++steps < STEPS, "it goes on for ever");
	if (!_setjmp(threads[current].at))
		decide();
	for (unsigned i = 0; i < nthreads; i++)
		threads[i].yields_to &= ~(1u << current);
}

void yield(void)
{
	if (current < 0)
		return;
	CHECK(++steps < STEPS, "it goes on for ever");
	threads[current].status = YIELDING;
	threads[current].yields_to = ~0u;
	if (!_setjmp(threads[current].at))
		decide();
}

void block(const void *address, uint64_t timeout_ns)
{
	CHECK(current >= 0, "nobody can sleep here");
	struct thread *me = &threads[current];
	trace("sleeps on %p", address);
	me->sleeps_on = address;
	me->timeout_ns = timeout_ns;
	me->status = ASLEEP;
	if (!_setjmp(me->at))
		decide();
	threads[current].sleeps_on = NULL;
}

void wake(const void *address, unsigned count)
{
	for (unsigned i = 0; i < nthreads && count > 0; i++)
		if (is_asleep(i, address)) {
			threads[i].status = READY;
			count--;
		}
}

bool is_asleep(unsigned thread, const void *address)
{
	return threads[thread].status == ASLEEP && threads[thread].sleeps_on == address;
}

/* --- signals ------------------------------------------------------------------------------- */

void block_signals(bool on)
{
	if (current >= 0)
		threads[current].signals_blocked = on;
}

static __attribute__((noinline)) void stop_if_seen_here(void)
{
	threads[current].low = __builtin_frame_address(0);
	threads[current].stack_hash = 0;
	stop_if_seen();
}

void interrupt_here(void)
{
	if (current < 0 || signals_left == 0 || current != (int)scenario->handler_thread ||
	    threads[current].signals_blocked)
		return;
	if (_setjmp(threads[current].at))
		abort();
	stop_if_seen_here();
	if (!choose(2))
		return;
	trace("signal");
	signals_left--;
	in_handler++;
	scenario->handler();
	in_handler--;
	trace("end of handler");
}

/* --- an execution -------------------------------------------------------------------------- */

static ucontext_t here, coroutine;
static unsigned made;

/* The bottom of each coroutine: begin leads back here. */
static void bottom(void)
{
	struct thread *me = &threads[made];
	me->low = __builtin_frame_address(0);
	if (!_setjmp(me->begin))
		setcontext(&here);
	scenario->threads[current]();
	end_thread();
	threads[current].status = ENDED;
	decide();
	abort();
}

void begin_with(unsigned thread, void *me)
{
	first_me[thread] = me;
}

/* The first object is the program: it has all that is under test. */
static int find_locals(struct dl_phdr_info *program, size_t size, void *argument)
{
	(void)size;
	(void)argument;
	for (unsigned i = 0; i < program->dlpi_phnum; i++)
		if (program->dlpi_phdr[i].p_type == PT_TLS)
			locals_size = program->dlpi_phdr[i].p_memsz;
	locals = program->dlpi_tls_data;
	return 1;
}

static void make_locals(void)
{
	dl_iterate_phdr(find_locals, NULL);
	size_t me = (size_t)((unsigned char *)&rill__me - locals);
	CHECK(locals && locals_size <= LOCALS_MOST && me < locals_size,
	      "thread-local variables of %zu bytes", locals_size);
	for (unsigned i = 0; i < THREADS; i++) {
		memcpy(first_locals[i], locals, locals_size);
		if (first_me[i])
			memcpy(first_locals[i] + me, &first_me[i], sizeof first_me[i]);
	}
	memory_private(locals, locals_size);
}

void make_threads(void)
{
	unsigned char *stacks = mmap(NULL, (size_t)THREADS * STACK_BYTES, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (stacks == MAP_FAILED)
		abort();
	memory_private(stacks, (size_t)THREADS * STACK_BYTES);
	make_locals();
	memory_private(&errno, sizeof errno);
	for (nthreads = 0; nthreads < THREADS && scenario->threads[nthreads]; nthreads++) {
		threads[nthreads].stack = stacks + (size_t)nthreads * STACK_BYTES;
		getcontext(&coroutine);
		coroutine.uc_stack.ss_sp = threads[nthreads].stack;
		coroutine.uc_stack.ss_size = STACK_BYTES;
		makecontext(&coroutine, bottom, 0);
		made = nthreads;
		swapcontext(&here, &coroutine);
	}
}

void begin_threads(const struct bounds *bounds)
{
	for (unsigned i = 0; i < nthreads; i++) {
		struct thread *thread = &threads[i];
		memcpy(&thread->at, &thread->begin, sizeof thread->at);
		thread->low = thread->stack + STACK_BYTES;
		thread->status = READY;
		thread->sleeps_on = NULL;
		thread->yields_to = 0;
		thread->signals_blocked = false;
		thread->stack_hash = 0;
		memcpy(saved_locals[i], first_locals[i], locals_size);
	}
	now_ns = 1000000000;
	steps = in_handler = 0;
	preemptions_left = bounds->preemptions;
	stale_left = bounds->stale;
	signals_left = bounds->signals;
	spurious_left = scenario->spurious;
}
