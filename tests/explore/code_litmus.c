/*
 * The explorer itself: the small programs that memory models are told apart by. Each is run in all
 * executions; which results it may have, and all of which it must have, is what C11 says of it.
 */
#include "core/prim/prim.h"
#include "explore/litmus.h"

#define RELAXED __ATOMIC_RELAXED
#define ACQUIRE __ATOMIC_ACQUIRE
#define RELEASE __ATOMIC_RELEASE
#define SEQ_CST __ATOMIC_SEQ_CST

static uint32_t x, y;

#define STORE(place, order)        __atomic_store_n(&place, 1, order)
#define LOAD(result, place, order) saw(result, __atomic_load_n(&place, order))

/* Store buffering. */
#define BUFFERS(name, order, fence_0, fence_1)                                                     \
	void name##_0(void)                                                                        \
	{                                                                                          \
		STORE(x, order);                                                                   \
		fence_0;                                                                           \
		LOAD(0, y, order);                                                                 \
	}                                                                                          \
	void name##_1(void)                                                                        \
	{                                                                                          \
		STORE(y, order);                                                                   \
		fence_1;                                                                           \
		LOAD(1, x, order);                                                                 \
	}
BUFFERS(buffers, RELAXED, , )
BUFFERS(buffers_fenced, RELAXED, __atomic_thread_fence(SEQ_CST), __atomic_thread_fence(SEQ_CST))
BUFFERS(buffers_half_fenced, RELAXED, , __atomic_thread_fence(SEQ_CST))
BUFFERS(buffers_membarrier, RELAXED, , prim_membarrier())
BUFFERS(buffers_seq_cst, SEQ_CST, , )

/* Message passing. */
#define MESSAGE(name, release, acquire)                                                            \
	void name##_0(void)                                                                        \
	{                                                                                          \
		STORE(x, RELAXED);                                                                 \
		STORE(y, release);                                                                 \
	}                                                                                          \
	void name##_1(void)                                                                        \
	{                                                                                          \
		LOAD(0, y, acquire);                                                               \
		LOAD(1, x, RELAXED);                                                               \
	}
MESSAGE(message, RELEASE, ACQUIRE)
MESSAGE(message_released, RELEASE, RELAXED)
MESSAGE(message_acquired, RELAXED, ACQUIRE)

/* Coherence of reads of one place. */
void coherence_0(void)
{
	STORE(x, RELAXED);
}

void coherence_1(void)
{
	LOAD(0, x, RELAXED);
	LOAD(1, x, RELAXED);
}

/* Two writers, and two readers that do not agree on who was first. */
#define WRITERS(name, order)                                                                       \
	void name##_0(void)                                                                        \
	{                                                                                          \
		STORE(x, order);                                                                   \
	}                                                                                          \
	void name##_1(void)                                                                        \
	{                                                                                          \
		STORE(y, order);                                                                   \
	}                                                                                          \
	void name##_2(void)                                                                        \
	{                                                                                          \
		LOAD(0, x, order == RELEASE ? ACQUIRE : order);                                    \
		LOAD(1, y, order == RELEASE ? ACQUIRE : order);                                    \
	}                                                                                          \
	void name##_3(void)                                                                        \
	{                                                                                          \
		LOAD(2, y, order == RELEASE ? ACQUIRE : order);                                    \
		LOAD(3, x, order == RELEASE ? ACQUIRE : order);                                    \
	}
WRITERS(writers, RELEASE)
WRITERS(writers_seq_cst, SEQ_CST)
