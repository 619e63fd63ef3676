/*
 * What gate_bench runs under callgrind, compiled as C and as C++, into the program and into a
 * shared object (-fPIC): run_cases(N) calls functions case_CASE(), each a loop of N turns around
 * one event site.
 *
 * Only the fast path is to be counted, and the same number in every run. So the collector's wish to
 * be woken is taken back while the loops run (armed, which otherwise only the collector writes),
 * and all events together fit into less than half of a ring: nobody looks at the tail.
 */
#include <stdio.h>
#include <time.h>

#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#define MAX_EVENTS 200 /* of all cases together, in half of 256 KiB */

#ifdef __clang__
#define ALONE __attribute__((noinline, used))
#define WHOLE
#else
#define ALONE __attribute__((noinline, noclone, used))
/* A cold part elsewhere would be another function to callgrind. */
#define WHOLE __attribute__((optimize("no-reorder-blocks-and-partition")))
#endif
#ifdef __cplusplus
#define SYMBOL extern "C" ALONE
#else
#define SYMBOL ALONE
#endif

/* In memory, so that no compiler knows them. */
struct arguments {
	uint64_t id;
	struct in_addr address;
	uint16_t port;
	const char *text;
	size_t length;
	const char *longer;
	size_t longer_length;
};

/* case_NAME() for the instructions, site_NAME() for the bytes. */
#define CASE(name, ...)                                                                            \
	SYMBOL WHOLE void case_##name(const struct arguments *a, unsigned n);                      \
	SYMBOL void case_##name(const struct arguments *a, unsigned n)                             \
	{                                                                                          \
		do {                                                                               \
			__asm__ __volatile__("" ::"r"(a) : "memory");                              \
			__VA_ARGS__;                                                               \
		} while (--n);                                                                     \
	}                                                                                          \
	SYMBOL void site_##name(const struct arguments *a);                                        \
	SYMBOL void site_##name(const struct arguments *a)                                         \
	{                                                                                          \
		(void)a;                                                                           \
		__VA_ARGS__;                                                                       \
	}

CASE(none, )
CASE(off, rill_event(smtp_noop, spanId(a->id)))
CASE(w0, rill_event(smtp_ehlo))
CASE(w1, rill_event(smtp_ehlo, spanId(a->id)))
CASE(w2, rill_event(smtp_ehlo, spanId(a->id), size(a->length)))
CASE(w4, rill_event(smtp_ehlo, spanId(a->id), remoteIp(a->address), remotePort(a->port),
		    hostname(a->text, a->length)))
/* A string that the inline path leaves to rill__emit(). */
CASE(long, rill_event(smtp_ehlo, spanId(a->id), hostname(a->longer, a->longer_length)))
CASE(compact1, rill_event_compact(smtp_ehlo, spanId(a->id)))
CASE(compact4, rill_event_compact(smtp_ehlo, spanId(a->id), remoteIp(a->address),
				  remotePort(a->port), hostname(a->text, a->length)))
CASE(compactlong,
     rill_event_compact(smtp_ehlo, spanId(a->id), hostname(a->longer, a->longer_length)))

static void rest(void)
{
	const struct timespec ten_ms = {0, 10000000};
	nanosleep(&ten_ms, NULL);
}

SYMBOL int run_cases(unsigned n);
SYMBOL int run_cases(unsigned n)
{
	static const char text[] = "mail-01.customers.org.uk";
	static const char longer[] =
		"250-PIPELINING 250-SIZE 10485760 250-ENHANCEDSTATUSCODES 250-8BIT";
	struct arguments a = {1, {0x010200c0}, 25, text, sizeof text - 1, longer, 64};
	if (n == 0 || n > MAX_EVENTS || rill_sink_add("text:/dev/null") != 0 ||
	    rill_filter_apply("smtp.ehlo=trace,smtp.noop=off") != 0)
		return 1;
	/* The thread's ring, and a collector that has seen it and sleeps again. */
	rill_event(smtp_ehlo);
	for (int i = 0; i < 1000 && !__atomic_load_n(&rill__me->armed, __ATOMIC_ACQUIRE); i++)
		rest();
	for (int i = 0; i < 10; i++)
		rest();
	uint64_t limit = rill__me->limit;
	__atomic_store_n(&rill__me->armed, 0, __ATOMIC_RELAXED);
	case_none(&a, n);
	case_off(&a, n);
	case_w0(&a, n);
	case_w1(&a, n);
	case_w2(&a, n);
	case_w4(&a, n);
	case_long(&a, n);
	case_compact1(&a, n);
	case_compact4(&a, n);
	case_compactlong(&a, n);
	bool undisturbed = limit == rill__me->limit && rill__me->position < limit;
	__atomic_store_n(&rill__me->armed, 1, __ATOMIC_RELAXED);
	rill_event(smtp_ehlo);
	if (!undisturbed)
		fputs("the collector woke up, or the ring was filled\n", stderr);
	return undisturbed ? 0 : 1;
}
