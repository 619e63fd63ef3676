/*
 * What a compiler calls with -fsanitize=thread (compiler-rt/lib/tsan/rtl/tsan_interface*.h):
 * carried out by the explorer.
 */
#include "explore.h"

/* Memory orders are those of __ATOMIC_*; this one is clang's bit for hardware lock elision. */
#define ORDER(order) ((order)&0x7fff)

#define PLAIN(n)                                                                                   \
	void __tsan_read##n(const void *address);                                                  \
	void __tsan_read##n(const void *address)                                                   \
	{                                                                                          \
		interrupt_here();                                                                  \
		memory_plain(address, n, false);                                                   \
	}                                                                                          \
	void __tsan_write##n(void *address);                                                       \
	void __tsan_write##n(void *address)                                                        \
	{                                                                                          \
		interrupt_here();                                                                  \
		memory_plain(address, n, true);                                                    \
	}                                                                                          \
	void __tsan_unaligned_read##n(const void *address);                                        \
	void __tsan_unaligned_read##n(const void *address)                                         \
	{                                                                                          \
		__tsan_read##n(address);                                                           \
	}                                                                                          \
	void __tsan_unaligned_write##n(void *address);                                             \
	void __tsan_unaligned_write##n(void *address)                                              \
	{                                                                                          \
		__tsan_write##n(address);                                                          \
	}
PLAIN(1)
PLAIN(2)
PLAIN(4)
PLAIN(8)
PLAIN(16)

void __tsan_read_range(const void *address, size_t size);
void __tsan_read_range(const void *address, size_t size)
{
	interrupt_here();
	memory_plain(address, size, false);
}

void __tsan_write_range(void *address, size_t size);
void __tsan_write_range(void *address, size_t size)
{
	interrupt_here();
	memory_plain(address, size, true);
}

void __tsan_init(void);
void __tsan_init(void)
{
}

void __tsan_func_entry(void *caller);
void __tsan_func_entry(void *caller)
{
	(void)caller;
}

void __tsan_func_exit(void);
void __tsan_func_exit(void)
{
}

static void before(const void *address)
{
	interrupt_here();
	if (memory_is_shared(address))
		point();
}

#define RMW(bits, name, how)                                                                       \
	uint##bits##_t __tsan_atomic##bits##_##name(uint##bits##_t *address, uint##bits##_t value, \
						    int order);                                    \
	uint##bits##_t __tsan_atomic##bits##_##name(uint##bits##_t *address, uint##bits##_t value, \
						    int order)                                     \
	{                                                                                          \
		before(address);                                                                   \
		return (uint##bits##_t)memory_rmw(address, bits / 8, how, value, ORDER(order));    \
	}
#define ATOMIC(bits)                                                                               \
	uint##bits##_t __tsan_atomic##bits##_load(const uint##bits##_t *address, int order);       \
	uint##bits##_t __tsan_atomic##bits##_load(const uint##bits##_t *address, int order)        \
	{                                                                                          \
		before(address);                                                                   \
		return (uint##bits##_t)memory_load(address, bits / 8, ORDER(order));               \
	}                                                                                          \
	void __tsan_atomic##bits##_store(uint##bits##_t *address, uint##bits##_t value,            \
					 int order);                                               \
	void __tsan_atomic##bits##_store(uint##bits##_t *address, uint##bits##_t value, int order) \
	{                                                                                          \
		before(address);                                                                   \
		memory_store(address, bits / 8, value, ORDER(order));                              \
	}                                                                                          \
	int __tsan_atomic##bits##_compare_exchange_strong(                                         \
		uint##bits##_t *address, uint##bits##_t *expected, uint##bits##_t value,           \
		int order, int failure_order);                                                     \
	int __tsan_atomic##bits##_compare_exchange_strong(                                         \
		uint##bits##_t *address, uint##bits##_t *expected, uint##bits##_t value,           \
		int order, int failure_order)                                                      \
	{                                                                                          \
		before(address);                                                                   \
		uint64_t found = *expected;                                                        \
		bool won = memory_swap(address, bits / 8, &found, value, ORDER(order),             \
				       ORDER(failure_order));                                      \
		*expected = (uint##bits##_t)found;                                                 \
		return won;                                                                        \
	}                                                                                          \
	RMW(bits, exchange, RMW_EXCHANGE)                                                          \
	RMW(bits, fetch_add, RMW_ADD)                                                              \
	RMW(bits, fetch_sub, RMW_SUB)                                                              \
	RMW(bits, fetch_or, RMW_OR)                                                                \
	RMW(bits, fetch_and, RMW_AND)
ATOMIC(8)
ATOMIC(32)
ATOMIC(64)

void __tsan_atomic_signal_fence(int order);
void __tsan_atomic_signal_fence(int order)
{
	(void)order; /* handlers run in the order of their thread's program */
}

void __tsan_atomic_thread_fence(int order);
void __tsan_atomic_thread_fence(int order)
{
	interrupt_here();
	point();
	memory_fence(ORDER(order));
}
