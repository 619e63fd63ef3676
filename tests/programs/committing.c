/*
 * committing PAGE [threads=N] [rate=N] [churn] [flush] [stop=MS] [end=segv|abort|memory] [ms=N]
 *
 * Threads that emit, rate events a millisecond together, and keep on PAGE (struct witness) what
 * they have. churn: a thread ends after some thousand events, and another takes its slot. flush:
 * one calls rill_flush() again and again; stop: rill_stop() after so long. end: how the process
 * ends after ms; without, it runs on for a minute, for whoever kills it.
 */
#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "support/stepper.h"
#include "support/witness.h"

#define CHURN_EVENTS 3000u
#define LONGEST_MS   60000u

static struct witness *witness;
static uint64_t threads = 2, rate = 2000, stop_ms, end_ms;
static bool churns, flushes;
static const char *end = "", *at = "";
static uint64_t looks = 1; /* slow: which one */
static uint32_t running;
static int marked; /* the mark before an event; 0: none */
static int *volatile nowhere;

static uint64_t clock_of(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Evaluated as an argument, once, and only when the event is on. */
static uint64_t take(struct witness_slot *slot)
{
	uint64_t number = slot->taken + 1;
	__atomic_store_n(&slot->taken, number, __ATOMIC_RELAXED);
	return number;
}

/* With marks around it, where a stepper is to lead the thread through just this. */
#define EMIT(...)                                                                                  \
	do {                                                                                       \
		if (marked)                                                                        \
			stepper_mark(marked);                                                      \
		rill_event(__VA_ARGS__);                                                           \
		if (marked)                                                                        \
			stepper_mark(marked + 1);                                                  \
	} while (0)

static void emit_start(struct witness_slot *slot, uint64_t number, uint64_t span, const char *text,
		       size_t size)
{
	uint64_t round = (number - 1) / WITNESS_ROUND;
	slot->start[round % WITNESS_STARTS].before_ns = clock_of(CLOCK_REALTIME);
	if (round % 2)
		EMIT(delivery_attempt_start, total(take(slot)), spanId(span), hostname(text, size));
	else
		EMIT(smtp_connection_start, total(take(slot)), spanId(span), hostname(text, size));
	slot->start[round % WITNESS_STARTS].after_ns = clock_of(CLOCK_REALTIME);
}

static void emit_note(struct witness_slot *slot, uint64_t number, uint64_t span, const char *text,
		      size_t size)
{
	switch (number % 3) {
	case 0:
		EMIT(smtp_ehlo, total(take(slot)), spanId(span), hostname(text, size));
		break;
	case 1:
		EMIT(smtp_noop, total(take(slot)), spanId(span), hostname(text, size));
		break;
	default:
		EMIT(smtp_rset, total(take(slot)), spanId(span), hostname(text, size), size(number),
		     elapsed((int64_t)number));
	}
}

/* False: the event is off. */
static bool emit(uint32_t index)
{
	struct witness_slot *slot = &witness->slot[index];
	uint64_t number = slot->taken + 1;
	struct witness_event event = witness_event(number);
	uint64_t span = witness_span(index, event.round);
	char text[WITNESS_TEXT];
	uint32_t size = witness_text_bytes(number);
	for (uint32_t i = 0; i < size; i++)
		text[i] = (char)witness_text_byte(number, i);
	if (event.kind == WITNESS_START)
		emit_start(slot, number, span, text, size);
	else if (event.kind == WITNESS_NOTE)
		emit_note(slot, number, span, text, size);
	else if (event.round % 2)
		EMIT(delivery_attempt_end, total(take(slot)), spanId(span), hostname(text, size));
	else
		EMIT(smtp_connection_end, total(take(slot)), spanId(span), hostname(text, size));
	if (slot->taken != number)
		return false;
	__atomic_store_n(&slot->committed, number, __ATOMIC_RELEASE);
	return true;
}

/* Sleeps when it is ahead of its rate. */
static void keep_rate(uint64_t begun_ns, uint64_t emitted)
{
	uint64_t due_ns = begun_ns + emitted * threads * 1000000 / rate;
	uint64_t now_ns = clock_of(CLOCK_MONOTONIC);
	if (due_ns > now_ns)
		usleep((useconds_t)((due_ns - now_ns) / 1000));
}

static void *run(void *argument)
{
	uint32_t index = (uint32_t)(uintptr_t)argument;
	uint64_t begun_ns = clock_of(CLOCK_MONOTONIC);
	for (uint64_t i = 1; !churns || i <= CHURN_EVENTS; i++) {
		if (!emit(index))
			usleep(1000);
		if (i == 1 && __atomic_add_fetch(&running, 1, __ATOMIC_RELAXED) == threads)
			__atomic_store_n(&witness->ready, 1, __ATOMIC_RELEASE);
		if (i % 256 == 0)
			keep_rate(begun_ns, i);
	}
	return NULL;
}

/* The slot's threads, one after the other. */
static void *run_slot(void *argument)
{
	for (;;) {
		pthread_t thread;
		pthread_create(&thread, NULL, run, argument);
		pthread_join(thread, NULL);
	}
	return NULL;
}

static void *flush(void *unused)
{
	for (;;)
		if (rill_flush(UINT64_C(10000000000)) == 0)
			__atomic_add_fetch(&witness->flushes, 1, __ATOMIC_RELEASE);
	return unused;
}

/* Takes memory until the kernel ends the process. */
static void eat(void)
{
	for (;;) {
		char *memory = malloc(1 << 20);
		if (memory)
			memset(memory, 1, 1 << 20);
	}
}

static void read_arguments(char **argv)
{
	for (; *argv; argv++) {
		if (sscanf(*argv, "threads=%lu", &threads) == 1 ||
		    sscanf(*argv, "rate=%lu", &rate) == 1 ||
		    sscanf(*argv, "stop=%lu", &stop_ms) == 1 ||
		    sscanf(*argv, "looks=%lu", &looks) == 1 ||
		    sscanf(*argv, "ms=%lu", &end_ms) == 1)
			continue;
		churns |= strcmp(*argv, "churn") == 0;
		flushes |= strcmp(*argv, "flush") == 0;
		if (strncmp(*argv, "end=", 4) == 0)
			end = *argv + 4;
		if (strncmp(*argv, "at=", 3) == 0)
			at = *argv + 3;
	}
}

static void handler(int signal)
{
	(void)signal;
	int before = marked;
	marked = 4;
	emit(1);
	marked = before;
}

/* Bytes of the record of the event with this number. */
static uint64_t record_bytes(uint64_t number)
{
	unsigned values = witness_event(number).kind == WITNESS_NOTE && number % 3 == 2 ? 5 : 3;
	return RILL__TAIL_AT(values) + ((witness_text_bytes(number) + 7u) & ~7u);
}

/* The next one does not fit up to the limit. */
static void emit_until_look(void)
{
	while (rill__me->position + record_bytes(witness->slot[0].taken + 1) <= rill__me->limit)
		emit(0);
}

static void fill(void)
{
	stepper_mark(3);
	uint64_t before;
	do {
		before = rill__me->position;
		emit(0);
	} while (rill__me->position != before);
}

static void *emit_and_end(void *unused)
{
	if (strcmp(at, "lossy") == 0)
		fill();
	for (int i = 0; i < 50; i++)
		emit(0);
	stepper_mark(1);
	return unused;
}

static void leave_a_ring(void)
{
	pthread_t thread;
	emit(1);
	rill_flush(UINT64_C(10000000000));
	pthread_create(&thread, NULL, emit_and_end, NULL);
	sleep(LONGEST_MS / 1000);
}

static void emit_between_marks(void)
{
	struct sigaction action = {.sa_handler = handler};
	sigaction(SIGUSR1, &action, NULL);
	if (strcmp(at, "left") == 0 || strcmp(at, "lossy") == 0)
		leave_a_ring();
	for (int i = 0; i < 20 && strcmp(at, "first") != 0; i++)
		emit(0);
	if (strcmp(at, "armed") == 0)
		usleep(200000); /* more than the collector lingers */
	for (uint64_t i = 0; i < looks && strcmp(at, "slow") == 0; i++) {
		if (i)
			emit(0);
		emit_until_look();
		rill_flush(UINT64_C(10000000000));
	}
	if (strcmp(at, "full") == 0)
		fill();
	marked = 1;
	emit(0);
	marked = 0;
	emit(0);
	rill_flush(UINT64_C(10000000000));
	stepper_mark(6);
}

int main(int argc, char **argv)
{
	int fd = argc > 1 ? open(argv[1], O_RDWR) : -1;
	void *page = mmap(NULL, sizeof *witness, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED)
		return 1;
	witness = page;
	read_arguments(argv + 2);
	if (*at) {
		emit_between_marks();
		return 0;
	}
	pthread_t thread;
	for (uintptr_t i = 0; i < threads; i++)
		pthread_create(&thread, NULL, churns ? run_slot : run, (void *)i);
	if (flushes)
		pthread_create(&thread, NULL, flush, NULL);
	if (stop_ms) {
		usleep((useconds_t)stop_ms * 1000);
		rill_stop();
	}
	while (*end && !__atomic_load_n(&witness->ready, __ATOMIC_ACQUIRE))
		usleep(100);
	usleep((useconds_t)(end_ms ? end_ms : LONGEST_MS) * 1000);
	if (strcmp(end, "segv") == 0)
		*nowhere = 0;
	else if (strcmp(end, "abort") == 0)
		abort();
	else if (strcmp(end, "memory") == 0)
		eat();
	return 0;
}
