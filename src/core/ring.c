/*
 * Rings: making, handing out, taking back.
 *
 * A ring is made once and then passes from thread to thread; its struct stays where it is for ever,
 * so that whoever walks process.rings needs no lock. Spares wait on two lock-free stacks, from
 * which handlers may take too.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/core.h"
#include "core/decode.h"
#include "core/diagnose.h"

#define SPARES_KEPT 2u  /* handlers may need one at any moment */
#define SPARES_MAX  16u /* more are given back */
#define SLAB_RINGS  128u
#define UNMAP_MOST  32u /* at a time: rings fill up meanwhile */

struct ring *ring_at(struct process *process, uint32_t index)
{
	return __atomic_load_n(&process->rings[index], __ATOMIC_ACQUIRE);
}

uint32_t ring_count(struct process *process)
{
	uint32_t count = __atomic_load_n(&process->nrings, __ATOMIC_ACQUIRE);
	return count < MAX_RINGS ? count : MAX_RINGS;
}

uint32_t ring_count_mapped(struct process *process)
{
	uint32_t mapped = 0;
	for (uint32_t i = 0; i < ring_count(process); i++)
		mapped += ring_file(ring_at(process, i)) != NULL;
	return mapped;
}

uint64_t ring_max_record(const struct ring *ring)
{
	uint64_t part = ring->data_bytes / RECORD_FRACTION;
	return part < MAX_RECORD_BYTES ? part : MAX_RECORD_BYTES;
}

/* --- spares: Treiber stacks of indices, tagged against ABA --------------------------------- */

static void stack_push(uint64_t *top, struct ring *ring)
{
	uint64_t old = __atomic_load_n(top, __ATOMIC_RELAXED), new;
	do {
		__atomic_store_n(&ring->next_spare, (uint32_t)old, __ATOMIC_RELAXED);
		new = ((old >> 32) + 1) << 32 | (ring->index + 1);
	} while (!__atomic_compare_exchange_n(top, &old, new, false, __ATOMIC_RELEASE,
					      __ATOMIC_RELAXED));
}

static struct ring *stack_pop(struct process *process, uint64_t *top)
{
	uint64_t old = __atomic_load_n(top, __ATOMIC_ACQUIRE), new;
	struct ring *ring;
	do {
		if ((uint32_t)old == 0)
			return NULL;
		ring = ring_at(process, (uint32_t)old - 1);
		new = ((old >> 32) + 1) << 32 |
		      __atomic_load_n(&ring->next_spare, __ATOMIC_RELAXED);
	} while (!__atomic_compare_exchange_n(top, &old, new, false, __ATOMIC_ACQUIRE,
					      __ATOMIC_ACQUIRE));
	return ring;
}

/* --- making -------------------------------------------------------------------------------- */

static uint64_t header_bytes(uint32_t nlosses)
{
	uint64_t page = prim_page_size();
	uint64_t bytes = sizeof(struct ring_file) + (uint64_t)nlosses * sizeof(struct event_loss);
	return (bytes + page - 1) / page * page;
}

static int ring_file_create(struct process *process, uint64_t serial, size_t size_bytes)
{
	char path[sizeof process->directory + 32];
	if (!process->directory[0])
		return prim_ring_file(NULL, size_bytes);
	snprintf(path, sizeof path, "%s/" REMAINS_RING "%llu", process->directory,
		 (unsigned long long)serial);
	int fd = prim_ring_file(path, size_bytes);
	if (fd < 0) {
		rill__diagnose(__func__,
			       "no ring of %zu bytes in %s (%s): it is kept in anonymous memory, "
			       "which a crash loses",
			       size_bytes, process->directory, strerror(-fd));
		fd = prim_ring_file(NULL, size_bytes);
	}
	return fd;
}

static void ring_unlink(struct process *process, uint64_t file_serial)
{
	char path[sizeof process->directory + 32];
	if (!process->directory[0])
		return;
	snprintf(path, sizeof path, "%s/" REMAINS_RING "%llu", process->directory,
		 (unsigned long long)file_serial);
	unlink(path);
}

static int ring_map(struct process *process, struct ring *ring, uint64_t data_bytes)
{
	uint32_t nlosses = registry_events();
	uint64_t head = header_bytes(nlosses);
	uint64_t serial = __atomic_add_fetch(&process->next_serial, 1, __ATOMIC_RELAXED);
	int fd = ring_file_create(process, serial, head + data_bytes);
	if (fd < 0)
		return fd;
	void *address;
	int error = prim_map_ring(fd, head, data_bytes, &address);
	close(fd);
	if (error) {
		ring_unlink(process, serial);
		return error;
	}
	struct ring_file *file = address;
	file->version = REMAINS_VERSION;
	file->header_bytes = (uint32_t)head;
	file->data_bytes = data_bytes;
	file->pid = process->pid;
	memcpy(file->id, process->id, sizeof file->id);
	file->nlosses = nlosses;
	ring->data = (unsigned char *)address + head;
	ring->data_bytes = data_bytes;
	ring->serial = ring->file_serial = file->serial = serial;
	/* Behind all else: a file without it is one that was being made. */
	__atomic_signal_fence(__ATOMIC_RELEASE);
	memcpy(file->magic, RING_MAGIC, sizeof file->magic);
	/* Last: whoever walks process.rings takes a ring with a file for a whole one. */
	__atomic_store_n(&ring->file, file, __ATOMIC_RELEASE);
	return 0;
}

/* A struct ring with a number of its own and no memory yet. Under ring_lock. */
static struct ring *ring_slot(struct process *process)
{
	struct ring *ring = stack_pop(process, &process->unused);
	if (ring)
		return ring;
	if (process->nrings >= process->max_rings)
		return NULL;
	if (process->slab_left == 0) {
		process->slab = prim_wiped_pages(SLAB_RINGS * sizeof *ring);
		if (!process->slab)
			return NULL;
		process->slab_left = SLAB_RINGS;
	}
	ring = process->slab++;
	ring->producer.ring = ring;
	process->slab_left--;
	ring->index = process->nrings;
	__atomic_store_n(&process->rings[ring->index], ring, __ATOMIC_RELEASE);
	__atomic_store_n(&process->nrings, ring->index + 1, __ATOMIC_RELEASE);
	return ring;
}

enum { LOCK_FREE, LOCK_TAKEN, LOCK_AWAITED };

#define LOCK_WAIT_NS 10000000u

/* Signals are blocked under it: a handler's first event may need it too. */
static void ring_lock(struct process *process, sigset_t *before)
{
	uint32_t free_ = LOCK_FREE;
	prim_block_signals(before);
	if (__atomic_compare_exchange_n(&process->ring_lock, &free_, LOCK_TAKEN, false,
					__ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return;
	while (__atomic_exchange_n(&process->ring_lock, LOCK_AWAITED, __ATOMIC_ACQUIRE) !=
	       LOCK_FREE)
		prim_futex_wait(&process->ring_lock, LOCK_AWAITED, LOCK_WAIT_NS);
}

static void ring_unlock(struct process *process, const sigset_t *before)
{
	if (__atomic_exchange_n(&process->ring_lock, LOCK_FREE, __ATOMIC_RELEASE) == LOCK_AWAITED)
		prim_futex_wake(&process->ring_lock, 1);
	prim_restore_signals(before);
}

static struct ring *ring_make(struct process *process, enum ring_kind kind)
{
	uint64_t bytes = kind == RING_MAIN ? rill__settings.ring_size_bytes : NESTED_BYTES;
	struct ring *ring = NULL;
	sigset_t before;
	ring_lock(process, &before);
	if (process->ring_bytes + bytes <= rill__settings.ring_memory_bytes)
		ring = ring_slot(process);
	if (ring) {
		ring->kind = kind;
		int error = ring_map(process, ring, bytes);
		if (error) {
			rill__diagnose(__func__, "no memory for a ring of %llu bytes (%s)",
				       (unsigned long long)bytes, strerror(-error));
			stack_push(&process->unused, ring);
			ring = NULL;
		} else {
			process->ring_bytes += bytes;
		}
	}
	ring_unlock(process, &before);
	return ring;
}

/* --- handing out and taking back ----------------------------------------------------------- */

static struct ring *ring_hand_out(struct ring *ring)
{
	struct rill__producer *producer = &ring->producer;
	ring->tid = ring->file->tid = prim_tid();
	ring->waiting = 0;
	ring->older = NULL;
	ring->noticed = false;
	__atomic_store_n(&ring->abandoned, 0, __ATOMIC_RELAXED);
	producer->head = &ring->file->head;
	producer->write = ring->data;
	producer->position = 0;
	producer->limit = 0;
	__atomic_store_n(&producer->armed, 1, __ATOMIC_RELAXED); /* nobody looks at it yet */
	producer->nested = NULL;
	__atomic_store_n(&producer->state, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&ring->status, RING_OWNED, __ATOMIC_RELEASE);
	return ring;
}

static struct ring *spare_take(struct process *process, enum ring_kind kind)
{
	struct ring *ring = stack_pop(process, &process->spares[kind]);
	if (ring)
		__atomic_sub_fetch(&process->nspares[kind], 1, __ATOMIC_RELAXED);
	return ring;
}

static void spare_put(struct process *process, struct ring *ring)
{
	__atomic_store_n(&ring->status, RING_SPARE, __ATOMIC_RELAXED);
	__atomic_add_fetch(&process->nspares[ring->kind], 1, __ATOMIC_RELAXED);
	stack_push(&process->spares[ring->kind], ring);
}

struct ring *ring_take(struct process *process, enum ring_kind kind)
{
	struct ring *ring = spare_take(process, kind);
	if (!ring) {
		producer_kick(process); /* threads that have ended may have left some */
		ring = ring_make(process, kind);
	}
	return ring ? ring_hand_out(ring) : NULL;
}

/*
 * Where losses of an event are counted that have no place in a ring. In the process's file, which a
 * crash leaves behind; in memory, while there is none.
 */
static struct event_loss *loss_of(struct process *process, const struct catalog_entry *entry,
				  uint32_t event)
{
	struct process_file *file =
		process ? __atomic_load_n(&process->file, __ATOMIC_ACQUIRE) : NULL;
	uint32_t i = entry->first_event + event;
	if (file && i < __atomic_load_n(&file->nlosses, __ATOMIC_ACQUIRE))
		return &file->losses[i];
	return &entry->losses[event];
}

/* A ring's losses go to their events. Between the two a reader would miss them, hence `moves`. */
static void move_losses(struct process *process, struct ring_file *file)
{
	__atomic_add_fetch(&process->moves, 1, __ATOMIC_SEQ_CST); /* pairs with ring_losses() */
	for (uint32_t catalog = 0; catalog < registry_count(); catalog++) {
		const struct catalog_entry *entry = registry_entry(catalog);
		for (uint32_t event = 0; event < entry->catalog->nevents; event++) {
			uint32_t i = entry->first_event + event;
			if (i >= file->nlosses)
				break;
			struct event_loss *from = &file->losses[i];
			struct event_loss *to = loss_of(process, entry, event);
			__atomic_add_fetch(
				&to->filtered,
				__atomic_exchange_n(&from->filtered, 0, __ATOMIC_RELAXED),
				__ATOMIC_RELAXED);
			__atomic_add_fetch(
				&to->discarded,
				__atomic_exchange_n(&from->discarded, 0, __ATOMIC_RELAXED),
				__ATOMIC_RELAXED);
		}
	}
	__atomic_store_n(&file->lossy, 0, __ATOMIC_RELAXED);
	__atomic_add_fetch(&process->moves, 1, __ATOMIC_RELEASE);
}

void ring_recycle(struct process *process, struct ring *ring)
{
	if (__atomic_load_n(&ring->file->lossy, __ATOMIC_RELAXED))
		move_losses(process, ring->file);
	/* In this order, so that whoever finds the file after a kill -9 never sees records that
	 * were already taken: a head behind tail is an empty ring. */
	__atomic_store_n(&ring->file->head, 0, __ATOMIC_RELEASE);
	ring->serial = ring->file->serial =
		__atomic_add_fetch(&process->next_serial, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&ring->file->tail, 0, __ATOMIC_RELEASE);
	ring->tail = 0;
	ring->newest_ticks = 0;
	spare_put(process, ring);
}

/*
 * Gives a spare's memory back. Not while others look at rings under the control lock, and not one
 * that the collector has on its list because of a pending bit older than the ring's thread.
 */
static bool spare_unmap(struct process *process, enum ring_kind kind)
{
	if (!control_trylock())
		return false;
	struct ring *ring = spare_take(process, kind);
	bool unmap = ring && !ring->active;
	if (unmap) {
		sigset_t before;
		ring_lock(process, &before);
		ring_unlink(process, ring->file_serial);
		process->ring_bytes -= ring->data_bytes;
		prim_unmap_ring(ring->file, ring->file->header_bytes, ring->data_bytes);
		__atomic_store_n(&ring->file, NULL, __ATOMIC_RELEASE);
		__atomic_store_n(&ring->status, RING_UNUSED, __ATOMIC_RELEASE);
		stack_push(&process->unused, ring);
		ring_unlock(process, &before);
	} else if (ring) {
		spare_put(process, ring);
	}
	control_unlock();
	return unmap;
}

bool ring_balance_spares(struct process *process)
{
	bool done = true;
	uint32_t unmapped = 0;
	for (int kind = 0; kind < RING_KINDS; kind++) {
		uint32_t *count = &process->nspares[kind];
		while (__atomic_load_n(count, __ATOMIC_RELAXED) < SPARES_KEPT) {
			struct ring *ring = ring_make(process, (enum ring_kind)kind);
			if (!ring)
				break;
			spare_put(process, ring);
		}
		while (done && __atomic_load_n(count, __ATOMIC_RELAXED) > SPARES_MAX)
			done = unmapped++ < UNMAP_MOST &&
			       spare_unmap(process, (enum ring_kind)kind);
	}
	return done;
}

/* The collector may be taking them meanwhile: what is counted twice or not is at most its pass. */
void ring_rest(struct process *process, struct ring_rest *rest)
{
	*rest = (struct ring_rest){0, 0};
	for (uint32_t i = 0; i < ring_count(process); i++) {
		const struct ring *ring = ring_at(process, i);
		const struct ring_file *file = ring_file(ring);
		if (!file)
			continue;
		uint64_t at = __atomic_load_n(&file->tail, __ATOMIC_ACQUIRE);
		uint64_t head = __atomic_load_n(&file->head, __ATOMIC_ACQUIRE);
		while (at < head) {
			struct raw_record raw;
			const unsigned char *bytes = ring->data + (at & (ring->data_bytes - 1));
			if (raw_record_read(&raw, bytes, head - at) != 0)
				break;
			rest->records++;
			rest->bytes += raw.size;
			at += raw.size;
		}
	}
}

void ring_remove_files(struct process *process)
{
	sigset_t before;
	ring_lock(process, &before);
	for (uint32_t i = 0; i < ring_count(process); i++) {
		struct ring *ring = ring_at(process, i);
		if (ring_file(ring))
			ring_unlink(process, ring->file_serial);
	}
	process_remove_directory(process);
	ring_unlock(process, &before);
}

/* --- losses -------------------------------------------------------------------------------- */

/* Atomic adds: a handler of the same thread may count here in between. */
void ring_count_loss(struct ring *ring, uint32_t catalog, uint32_t event, bool filtered)
{
	const struct catalog_entry *entry = registry_entry(catalog);
	if (!entry)
		return; /* its object is not registered (any more): its gate was closed */
	uint32_t i = entry->first_event + event;
	if (ring && i < ring->file->nlosses) {
		struct event_loss *loss = &ring->file->losses[i];
		__atomic_add_fetch(filtered ? &loss->filtered : &loss->discarded, 1,
				   __ATOMIC_RELAXED);
		__atomic_store_n(&ring->file->lossy, 1, __ATOMIC_RELEASE);
		struct process *process = process_peek();
		if (process && !__atomic_load_n(&process->lossy, __ATOMIC_RELAXED))
			__atomic_store_n(&process->lossy, 1, __ATOMIC_RELEASE);
		return;
	}
	struct event_loss *loss = loss_of(process_peek(), entry, event);
	__atomic_add_fetch(filtered ? &loss->filtered : &loss->discarded, 1, __ATOMIC_RELAXED);
}

static void add_ring_losses(const struct ring *ring, struct event_loss *losses, uint32_t nevents)
{
	const struct ring_file *file = ring_file(ring);
	if (!file || !__atomic_load_n(&file->lossy, __ATOMIC_ACQUIRE))
		return;
	for (uint32_t i = 0; i < nevents && i < file->nlosses; i++) {
		const struct event_loss *loss = &file->losses[i];
		losses[i].filtered += __atomic_load_n(&loss->filtered, __ATOMIC_RELAXED);
		losses[i].discarded += __atomic_load_n(&loss->discarded, __ATOMIC_RELAXED);
	}
}

static void sum_losses(struct process *process, struct event_loss *losses, uint32_t nevents)
{
	for (uint32_t c = 0; c < registry_count(); c++) {
		const struct catalog_entry *entry = registry_entry(c);
		for (uint32_t event = 0; event < entry->catalog->nevents; event++) {
			const struct event_loss *loss = &entry->losses[event];
			const struct event_loss *left = loss_of(process, entry, event);
			uint32_t i = entry->first_event + event;
			if (i >= nevents)
				break;
			losses[i].filtered = __atomic_load_n(&loss->filtered, __ATOMIC_RELAXED);
			losses[i].discarded = __atomic_load_n(&loss->discarded, __ATOMIC_RELAXED);
			if (left == loss)
				continue;
			losses[i].filtered += __atomic_load_n(&left->filtered, __ATOMIC_RELAXED);
			losses[i].discarded += __atomic_load_n(&left->discarded, __ATOMIC_RELAXED);
		}
	}
	/* Most processes lose nothing: then ten thousand rings' headers need no look. */
	if (!process || !__atomic_load_n(&process->lossy, __ATOMIC_ACQUIRE))
		return;
	for (uint32_t r = 0; r < ring_count(process); r++)
		add_ring_losses(ring_at(process, r), losses, nevents);
}

void ring_losses(struct process *process, struct event_loss *losses, uint32_t nevents)
{
	for (;;) {
		uint32_t moves = process ? __atomic_load_n(&process->moves, __ATOMIC_ACQUIRE) : 0;
		sum_losses(process, losses, nevents);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (!process ||
		    (!(moves & 1) && moves == __atomic_load_n(&process->moves, __ATOMIC_RELAXED)))
			return;
	}
}
