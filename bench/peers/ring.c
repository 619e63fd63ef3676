/*
 * A reference: the ideal ring. Nothing but a time stamp, a record of the size of rill's and a
 * release store, in a ring of the size of rill's, one a thread, mapped twice so that no record
 * wraps. No gate, no section, no accounting, no wake-up, no format. Its consumer reads every byte,
 * writes them to a file when asked to be lossless, and pauses between looks.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "bench/peers/emit.h"
#include "bench/peers/record.h"

#define RING_BYTES  (256u << 10)
#define MAX_RINGS   64
#define LOOKS_AWAKE 1000 /* looks without finding anything, until it sleeps between looks */
#define PAUSES      1000 /* a consumer that spins on head slows the producer */

struct ring {
	_Alignas(64) uint64_t position, limit; /* the producer's own */
	unsigned char *bytes;
	uint64_t dropped;
	_Alignas(64) _Atomic uint64_t head;
	_Alignas(64) _Atomic uint64_t tail;
};

static __thread struct ring *mine __attribute__((tls_model("initial-exec")));
static struct ring *rings[MAX_RINGS];
static atomic_size_t nrings;
static pthread_t consumer;
static atomic_bool stopping;
static bool lossless;
static int file = -1;
static atomic_int write_error;
static volatile uint64_t checksum; /* so that the bytes are really read */

static struct ring *make_ring(void)
{
	struct ring *ring = aligned_alloc(64, sizeof *ring);
	int memory = memfd_create("ring", MFD_CLOEXEC);
	size_t index = atomic_fetch_add(&nrings, 1);

	if (!ring || memory < 0 || ftruncate(memory, RING_BYTES) != 0 || index >= MAX_RINGS)
		abort();
	memset(ring, 0, sizeof *ring);
	ring->limit = RING_BYTES;
	ring->bytes =
		mmap(NULL, 2 * (size_t)RING_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (size_t i = 0; i < 2; i++) {
		if (mmap(ring->bytes + i * RING_BYTES, RING_BYTES, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED | MAP_POPULATE, memory, 0) == MAP_FAILED)
			abort();
	}
	close(memory);
	mine = ring;
	__atomic_store_n(&rings[index], ring, __ATOMIC_RELEASE);
	return ring;
}

/* A place for size bytes; NULL: dropped. */
__attribute__((noinline, cold)) static struct ring *slow(size_t size)
{
	const struct timespec nap = {0, 20000};
	struct ring *ring = mine ? mine : make_ring();

	for (;;) {
		ring->limit = atomic_load_explicit(&ring->tail, memory_order_acquire) + RING_BYTES;
		if (ring->position + size <= ring->limit)
			return ring;
		if (!lossless) {
			ring->dropped++;
			return NULL;
		}
		nanosleep(&nap, NULL);
	}
}

RILL__INLINE struct ring *reserve(size_t size)
{
	struct ring *ring = mine;

	if (RILL__LIKELY(ring && ring->position + size <= ring->limit))
		return ring;
	return slow(size);
}

RILL__INLINE void publish(struct ring *ring, size_t size)
{
	ring->position += size;
	atomic_store_explicit(&ring->head, ring->position, memory_order_release);
}

BENCH_LOOP(w1, {
	struct ring *ring = reserve(RECORD_W1);

	if (ring)
		publish(ring, record_w1(ring->bytes + ring->position % RING_BYTES,
					BENCH_NUMBER(data, i)));
})

BENCH_LOOP(w4, {
	const struct bench_text *text = BENCH_TEXT(data, i);
	struct ring *ring = reserve(RECORD_W4 + text->length);

	if (ring)
		publish(ring, record_w4(ring->bytes + ring->position % RING_BYTES,
					BENCH_SESSION(data, i), text));
})

static bool take(struct ring *ring)
{
	uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed), sum = 0;
	uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
	const unsigned char *from = ring->bytes + tail % RING_BYTES;
	size_t size = head - tail;

	if (size == 0)
		return false;
	/* Writing reads every byte, too. */
	if (lossless && write(file, from, size) != (ssize_t)size)
		write_error = EIO;
	for (size_t k = 0; !lossless && k < size; k += 8) {
		uint64_t word;
		memcpy(&word, from + k, 8);
		sum += word;
	}
	checksum += sum;
	atomic_store_explicit(&ring->tail, head, memory_order_release);
	return true;
}

static void *consume(void *argument)
{
	const struct timespec millisecond = {0, 1000000};
	int idle = 0;

	while (!stopping) {
		bool found = false;

		for (size_t i = 0; i < nrings; i++) {
			struct ring *ring = __atomic_load_n(&rings[i], __ATOMIC_ACQUIRE);
			found |= ring && take(ring);
		}
		idle = found ? 0 : idle + 1;
		for (int i = 0; i < PAUSES; i++)
			__builtin_ia32_pause();
		if (idle > LOOKS_AWAKE)
			nanosleep(&millisecond, NULL);
	}
	return argument;
}

static int start(const struct bench_setup *setup)
{
	char path[PATH_MAX];

	snprintf(path, sizeof path, "%s/records", setup->dir);
	file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (file < 0)
		return -errno;
	lossless = setup->lossless;
	stopping = false;
	write_error = 0;
	return -pthread_create(&consumer, NULL, consume, NULL);
}

static int drained(void)
{
	const struct timespec pause = {0, 50000};

	for (size_t i = 0; i < nrings; i++) {
		while (rings[i]->tail != rings[i]->head)
			nanosleep(&pause, NULL);
	}
	return -write_error;
}

static uint64_t dropped(void)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < nrings; i++)
		sum += rings[i]->dropped;
	return sum;
}

/* Rings stay: their threads may live on. */
static int stop(void)
{
	stopping = true;
	pthread_join(consumer, NULL);
	close(file);
	return -write_error;
}

struct bench_peer bench_peer = {
	.version = BENCH_PEER_VERSION,
	.name = "ring",
	.init = start,
	.w1 = w1,
	.w4 = w4,
	.flush = drained,
	.close = stop,
	.strict = true,
	.lost = dropped,
};
