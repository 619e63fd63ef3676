/* Instead of include/rill/static/prim.h, for the explorer: a counter and a stack pointer that are
 * the same in each execution. */
#ifndef RILL_STATIC_PRIM_H
#define RILL_STATIC_PRIM_H

#include <stdint.h>

#define RILL__INLINE      static inline __attribute__((always_inline, unused))
#define RILL__LIKELY(x)   __builtin_expect(!!(x), 1)
#define RILL__UNLIKELY(x) __builtin_expect(!!(x), 0)

#define RILL__CAST(type, x) ((type)(x))
#define RILL__ADDRESS(x)    ((uintptr_t)(x))
#define RILL__NULL          ((void *)0)

/* The explorer's threads are interleaved as the program says: compilers reorder nothing. */
#define RILL__COMPILER_BARRIER() __asm__ __volatile__("" ::: "memory")

uint64_t clock_now_ticks(void);

RILL__INLINE uint64_t rill__ticks(void)
{
	return clock_now_ticks();
}

RILL__INLINE uint64_t rill__stack_mark(void)
{
	return (uint64_t)(uintptr_t)__builtin_frame_address(0) | 1;
}

#endif
