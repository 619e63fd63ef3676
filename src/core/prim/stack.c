/*
 * Whether a signal handler runs, by what the kernel leaves on the stack: the address that a handler
 * returns to. Without it anywhere between here and the end of the stack there is none.
 */
#include "core/prim/prim.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define WORD          sizeof(uint64_t)
#define SMALLEST_PAGE 4096u /* of the supported CPUs; larger ones are multiples */

/* Words of others' frames: AddressSanitizer would see overruns. */
#define OTHERS_FRAMES __attribute__((no_sanitize("address", "thread")))

/* A deeper stack is not looked through. */
#define MAX_STACK (UINT64_C(8) << 20)

/* No such way to change a mask: the kernel says so after it has read the mask. */
#define NO_SUCH_HOW 0x7fff

static bool readable(uint64_t address)
{
	const long mask_bytes = 8;
	return syscall(SYS_rt_sigprocmask, NO_SUCH_HOW, address, NULL, mask_bytes) != 0 &&
	       errno != EFAULT;
}

/* Stacks end with a page that cannot be read. */
#define MAX_DISTANCE (UINT64_C(1) << 20)

bool prim_one_stack(uint64_t low, uint64_t high)
{
	if (high - low > MAX_DISTANCE)
		return false;
	for (uint64_t page = low / SMALLEST_PAGE * SMALLEST_PAGE; page <= high;
	     page += SMALLEST_PAGE)
		if (!readable(page))
			return false;
	return true;
}

/* Of the thread's own stack, or of the process's first; else what lies behind is looked through as
 * well, which may only find too much. */
static uint64_t stack_end(uint64_t from)
{
	uint64_t first = getauxval(AT_RANDOM), own = (uint64_t)(uintptr_t)pthread_self();
	if (from < first && first - from < MAX_STACK)
		return first / WORD * WORD;
	if (from < own && own - from < MAX_STACK)
		return own / WORD * WORD;
	return from + MAX_STACK;
}

#if defined(__x86_64__) || defined(__aarch64__)

/* The kernel's struct sigaction: signal(7) leaves it to the libraries. On aarch64 glibc leaves the
 * restorer to the kernel, musl has its own. */
struct kernel_action {
	uint64_t handler;
	uint64_t flags;
	uint64_t restorer;
	uint64_t mask;
};

/* Where handlers return to, each library has its own. Kept by children, as handlers are. */
#define MAX_RESTORERS 8u
static uint64_t restorers[MAX_RESTORERS];

static bool is_restorer(uint64_t word)
{
	for (unsigned i = 0; i < MAX_RESTORERS; i++) {
		uint64_t known = __atomic_load_n(&restorers[i], __ATOMIC_RELAXED);
		if (!known)
			return false;
		if (known == word)
			return true;
	}
	return false;
}

static unsigned known_restorers(void)
{
	unsigned count = 0;
	while (count < MAX_RESTORERS && __atomic_load_n(&restorers[count], __ATOMIC_ACQUIRE))
		count++;
	return count;
}

/* A new one. False: there is no room for it. */
static bool add_restorer(uint64_t restorer)
{
	for (unsigned i = 0; i < MAX_RESTORERS; i++) {
		uint64_t known = 0;
		if (__atomic_compare_exchange_n(&restorers[i], &known, restorer, false,
						__ATOMIC_ACQ_REL, __ATOMIC_RELAXED) ||
		    known == restorer)
			return true;
	}
	return false;
}

/* The kernel keeps it when an action is reset. False: there are too many. */
static bool learn_restorers(void)
{
	bool all = true;
	for (int number = 1; number < NSIG; number++) {
		struct kernel_action action = {0, 0, 0, 0};
		if (syscall(SYS_rt_sigaction, number, NULL, &action, sizeof action.mask) == 0 &&
		    action.restorer)
			all = add_restorer(action.restorer) && all;
	}
	return all;
}

#else /* riscv64: handlers return to the kernel's own code */

static bool is_restorer(uint64_t word)
{
	(void)word;
	return false;
}

static unsigned known_restorers(void)
{
	return 0;
}

static bool learn_restorers(void)
{
	return true;
}

#endif

#if defined(__x86_64__)

/*
 * What a handler that has returned left behind may stand in a later function's frame where that has
 * not written yet. So a few words are asked that the kernel always writes alike: arch/x86's struct
 * rt_sigframe is this address and then the context.
 */
OTHERS_FRAMES static bool is_signal_frame(const volatile uint64_t *at, uint64_t end)
{
	if (!is_restorer(*at))
		return false;
	const volatile ucontext_t *context = (const volatile ucontext_t *)(at + 1);
	uint64_t last = (uint64_t)(uintptr_t)(context + 1) - WORD;
	if (last >= end || !readable(last))
		return true;
	return context->uc_link == NULL &&
	       (context->uc_mcontext.gregs[REG_CSGSFS] & 0xffff) == 0x33;
}

static bool can_be_told(void)
{
	return true;
}

#else

/* The kernel's own code, in the pages that it maps into each process; with the bits taken away that
 * sign a return address on aarch64. */
OTHERS_FRAMES static bool is_signal_frame(const volatile uint64_t *at, uint64_t end)
{
	const uint64_t code = getauxval(AT_SYSINFO_EHDR), code_bytes = 2 * 65536;
	uint64_t word = *at & ((UINT64_C(1) << 48) - 1);
	(void)end;
	return (code && word > code && word < code + code_bytes) || is_restorer(word);
}

static bool can_be_told(void)
{
	return getauxval(AT_SYSINFO_EHDR) != 0;
}

#endif

OTHERS_FRAMES static bool finds_signal_frame(uint64_t from, uint64_t end)
{
	for (uint64_t at = from; at < end; at += WORD) {
		if ((at == from || at % SMALLEST_PAGE == 0) && !readable(at))
			return false; /* behind the stack */
		if (is_signal_frame((const volatile uint64_t *)(uintptr_t)at, end))
			return true;
	}
	return end - from >= MAX_STACK; /* who knows */
}

__attribute__((noinline)) bool prim_in_signal_handler(void)
{
	uint64_t from = (uint64_t)(uintptr_t)__builtin_frame_address(0) / WORD * WORD;
	uint64_t end = stack_end(from);
	if (!can_be_told())
		return true;
	unsigned known;
	do {
		known = known_restorers();
		if (finds_signal_frame(from, end) || !learn_restorers())
			return true;
		/* A handler may have learnt them meanwhile. */
	} while (known_restorers() != known);
	return false;
}
