/* What the hot path needs of the CPU: the time stamp counter and the stack pointer. */
#ifndef RILL_STATIC_PRIM_H
#define RILL_STATIC_PRIM_H

#include <stdint.h>

#define RILL__INLINE      static inline __attribute__((always_inline, unused))
#define RILL__LIKELY(x)   __builtin_expect(!!(x), 1)
#define RILL__UNLIKELY(x) __builtin_expect(!!(x), 0)

#ifdef __cplusplus
#define RILL__CAST(type, x) static_cast<type>(x)
#define RILL__ADDRESS(x)    reinterpret_cast<uintptr_t>(x)
#define RILL__NULL          nullptr
#else
#define RILL__CAST(type, x) ((type)(x))
#define RILL__ADDRESS(x)    ((uintptr_t)(x))
#define RILL__NULL          ((void *)0)
#endif

/* Keeps the compiler, not the CPU, from moving memory accesses across. */
#define RILL__COMPILER_BARRIER() __asm__ __volatile__("" ::: "memory")

/*
 * The CPU's invariant counter. Not serialising: it may run a few instructions early or late, but
 * never before the section was entered as membarrier sees it (the asm is volatile, and the
 * collector's membarrier is a serialising interrupt on this CPU).
 */
RILL__INLINE uint64_t rill__ticks(void)
{
#if defined(__x86_64__)
	uint64_t ticks;
	__asm__ __volatile__("rdtsc\n\tshl $32, %%rdx\n\tor %%rdx, %%rax"
			     : "=a"(ticks)::"rdx", "cc");
	return ticks;
#elif defined(__aarch64__)
	uint64_t ticks;
	__asm__ __volatile__("mrs %0, cntvct_el0" : "=r"(ticks));
	return ticks;
#elif defined(__riscv) && __riscv_xlen == 64
	uint64_t ticks;
	__asm__ __volatile__("rdtime %0" : "=r"(ticks));
	return ticks;
#else
#error "rill supports x86-64, aarch64 and riscv64"
#endif
}

/* The stack pointer with its lowest bit set: what a section stores while it is open. */
RILL__INLINE uint64_t rill__stack_mark(void)
{
	uint64_t mark;
#if defined(__x86_64__)
	__asm__ __volatile__("lea 1(%%rsp), %0" : "=r"(mark));
#elif defined(__aarch64__)
	__asm__ __volatile__("add %0, sp, #1" : "=r"(mark));
#elif defined(__riscv)
	__asm__ __volatile__("addi %0, sp, 1" : "=r"(mark));
#endif
	return mark;
}

#endif
