/*
 * The simulated memory: C11's, as an operational model.
 *
 * Each atomic location has its stores in the order in which they were made (its modification
 * order). A view says for each location which of them is the oldest that may still be seen. A
 * thread has a view of what it has seen (`now`), one that an acquire fence makes its own
 * (`acquired`), and one that a release fence has left for its relaxed stores (`released`). A store
 * carries the view that an acquire load of it takes over. A load may return any store that is not
 * older than its thread's view: which one, is a choice.
 *
 * Sequential consistency is that of RC11 (Lahav et al., PLDI 2017), in the order of execution: an
 * SC store is seen by later SC loads of that location, an SC fence exchanges the whole view with
 * those before it.
 *
 * What C11 allows and this does not show: a load that returns a store that its own thread makes
 * possible later (load buffering), a relaxed store that is put before one that was made earlier,
 * and a weak compare-and-swap that fails without a reason. A read-modify-write reads the newest
 * store; where it fails, any.
 *
 * Plain accesses must be ordered by happens-before, which views carry along as vector clocks
 * (`clock`): one that is not is a data race.
 */
#include <string.h>

#include "explore.h"
#include "memory.h"

#define LOCATIONS 252u
#define MESSAGES  4096u

struct view {
	uint8_t at[LOCATIONS]; /* the oldest message that may be seen */
	uint8_t clock[THREADS];
};

struct message {
	uint64_t value;
	uint32_t older;
	uint16_t location;
	uint8_t at;
	uint8_t thread;
	bool plain; /* the value is that of memory, once it is stored */
	struct view view;
};

struct location {
	void *address;
	size_t size;
	uint32_t newest; /* message + 1; 0: not accessed yet in this execution */
	/* Threads that did so in any execution: a bit for each. */
	uint8_t readers, writers;
	bool shared;
};

static struct {
	struct view now, acquired, released;
} threads[THREADS];
static struct view sc;

static struct location locations[LOCATIONS];
static unsigned nlocations;
static struct message messages[MESSAGES];
static unsigned nmessages, nhashed;

static uint64_t messages_hash;

static uint32_t unsettled[16]; /* messages of plain stores */
static unsigned nunsettled;

/* --- views and messages ----------------------------------------------------------------------- */

void memory_reset(void)
{
	cells_reset();
	for (unsigned i = 0; i < nlocations; i++)
		locations[i].newest = 0;
	nmessages = nhashed = nunsettled = 0;
	messages_hash = 0;
	memset(threads, 0, sizeof threads);
	memset(&sc, 0, sizeof sc);
	for (unsigned i = 0; i < THREADS; i++)
		threads[i].now.clock[i] = threads[i].acquired.clock[i] = 1;
}

static void join(struct view *into, const struct view *from)
{
	uint8_t *to = (uint8_t *)into;
	const uint8_t *other = (const uint8_t *)from;
	for (size_t i = 0; i < sizeof *into; i++)
		to[i] = to[i] < other[i] ? other[i] : to[i];
}

static void join_positions(struct view *into, const struct view *from)
{
	for (size_t i = 0; i < LOCATIONS; i++)
		into->at[i] = into->at[i] < from->at[i] ? from->at[i] : into->at[i];
}

/* What follows is not part of what was released. */
static void tick(void)
{
	struct view *now = &threads[current].now;
	CHECK(now->clock[current] < UINT8_MAX, "more releases than the explorer counts");
	threads[current].acquired.clock[current] = ++now->clock[current];
}

static struct message *append(struct location *location, uint64_t value, const struct view *view)
{
	CHECK(nmessages < MESSAGES, "more stores than the explorer keeps");
	uint32_t older = location->newest;
	unsigned at = older ? messages[older - 1].at + 1u : 0;
	CHECK(at <= UINT8_MAX, "more stores to one place than the explorer counts");
	struct message *message = &messages[nmessages++];
	message->value = value;
	message->older = older;
	message->location = (uint16_t)(location - locations);
	message->at = (uint8_t)at;
	message->thread = (uint8_t)current;
	message->plain = false;
	if (view)
		message->view = *view;
	else
		memset(&message->view, 0, sizeof message->view);
	location->newest = nmessages;
	return message;
}

static uint64_t content(const void *address, size_t size)
{
	uint64_t value = 0;
	memcpy(&value, address, size);
	return value;
}

/* Plain stores happen after they were announced. */
static void settle(void)
{
	for (; nunsettled > 0; nunsettled--) {
		struct message *message = &messages[unsettled[nunsettled - 1]];
		const struct location *location = &locations[message->location];
		message->value = content(location->address, location->size);
	}
}

uint64_t memory_hash(void)
{
	settle();
	for (; nhashed < nmessages; nhashed++) {
		const struct message *message = &messages[nhashed];
		uint64_t hash = hash_bytes(message->location, &message->view, sizeof message->view);
		messages_hash += hash_word(hash_word(hash, message->value), message->at);
	}
	uint64_t hash = hash_word(cells_hash(), messages_hash);
	hash = hash_bytes(hash, threads, sizeof threads);
	return hash_bytes(hash, &sc, sizeof sc);
}

/* NULL: no atomic has been there. */
static struct location *location_at(uintptr_t at)
{
	unsigned location = cell_of(at / CELL)->location[at % CELL];
	return location ? &locations[location - 1] : NULL;
}

static struct location *location_of(void *address, size_t size)
{
	struct location *location = location_at((uintptr_t)address);
	if (location) {
		CHECK(location->address == address && location->size == size,
		      "%p is accessed by %zu bytes and by %zu", address, size, location->size);
	} else {
		CHECK(nlocations < LOCATIONS, "more atomics than the explorer has places for");
		location = &locations[nlocations++];
		*location = (struct location){.address = address, .size = size};
		for (uintptr_t at = (uintptr_t)address; at < (uintptr_t)address + size; at++) {
			CHECK(!location_at(at), "atomics overlap at %p", address);
			cell_of(at / CELL)->location[at % CELL] = (uint16_t)nlocations;
		}
	}
	if (!location->newest)
		append(location, content(address, size), NULL);
	return location;
}

bool memory_is_shared(const void *address)
{
	const struct location *location = location_at(memory_word((uintptr_t)address));
	return location && location->shared;
}

/* --- races --------------------------------------------------------------------------------- */

static bool ordered(const uint8_t *clocks)
{
	const struct view *now = &threads[current].now;
	for (unsigned i = 0; i < THREADS; i++)
		if (i != (unsigned)current && clocks[i] > now->clock[i])
			return false;
	return true;
}

/* A location that nobody else accesses, or nobody changes, is no reason to let others go on. That
 * is found out: the search begins anew when it was not so. */
static void share(struct location *location, bool write)
{
	*(write ? &location->writers : &location->readers) |= (uint8_t)(1u << current);
	unsigned users = location->readers | location->writers;
	if (!location->shared && location->writers && (users & (users - 1))) {
		location->shared = true;
		begin_again();
	}
}

static void atomic_access(struct location *location, bool write)
{
	share(location, write);
	const uint8_t clock = threads[current].now.clock[current];
	uintptr_t at = (uintptr_t)location->address;
	for (const uintptr_t end = at + location->size; at < end; at += CELL) {
		struct cell *cell = cell_of(at / CELL);
		cell->users |= (uint8_t)(1u << current);
		CHECK(ordered(cell->clock.plain_write) &&
			      (!write || ordered(cell->clock.plain_read)),
		      "data race: an atomic %s of %p", write ? "store" : "load", location->address);
		(write ? cell->clock.write : cell->clock.read)[current] = clock;
		if (write)
			cell_written(cell);
	}
}

/* A plain store to a place that is also accessed by atomic operations. */
static void plain_store(struct location *location)
{
	const size_t i = (size_t)(location - locations);
	share(location, true);
	if (!location->newest)
		append(location, content(location->address, location->size), NULL);
	struct message *message = append(location, 0, &threads[current].released);
	message->plain = true;
	message->view.at[i] = message->at;
	threads[current].now.at[i] = threads[current].acquired.at[i] = message->at;
	CHECK(nunsettled < sizeof unsettled / sizeof *unsettled, "a store of too much");
	unsettled[nunsettled++] = nmessages - 1;
}

void memory_plain(const void *address, size_t size, bool write)
{
	settle();
	uintptr_t from = (uintptr_t)address;
	if (memory_is_private(address))
		return;
	from = memory_first(from);
	if (current < 0) {
		if (write)
			cells_written(from, size);
		return;
	}
	const uint8_t clock = threads[current].now.clock[current];
	unsigned last = 0;
	for (uintptr_t at = from / CELL * CELL; at < from + size; at += CELL) {
		struct cell *cell = cell_of(at / CELL);
		cell->users |= (uint8_t)(1u << current);
		CHECK(cell->users == 1u << current ||
			      (ordered(cell->clock.plain_write) && ordered(cell->clock.write) &&
			       (!write ||
				(ordered(cell->clock.plain_read) && ordered(cell->clock.read)))),
		      "data race: a %s of %zu bytes at %p", write ? "store" : "load", size,
		      address);
		(write ? cell->clock.plain_write : cell->clock.plain_read)[current] = clock;
		if (!write)
			continue;
		cell_written(cell);
		for (uintptr_t byte = at < from ? from : at; byte < at + CELL && byte < from + size;
		     byte++) {
			unsigned location = cell->location[byte % CELL];
			if (location && location != last)
				plain_store(&locations[location - 1]);
			last = location;
		}
	}
}

/* --- atomics ------------------------------------------------------------------------------- */

static bool acquires(int order)
{
	return order == __ATOMIC_ACQUIRE || order == __ATOMIC_CONSUME ||
	       order == __ATOMIC_ACQ_REL || order == __ATOMIC_SEQ_CST;
}

static bool releases(int order)
{
	return order == __ATOMIC_RELEASE || order == __ATOMIC_ACQ_REL || order == __ATOMIC_SEQ_CST;
}

static void see(const struct message *message, int order)
{
	struct view *now = &threads[current].now, *acquired = &threads[current].acquired;
	if (now->at[message->location] < message->at)
		now->at[message->location] = message->at;
	join(acquired, &message->view);
	if (acquires(order))
		join(now, &message->view);
	if (acquired->at[message->location] < message->at)
		acquired->at[message->location] = message->at;
}

/* The oldest that a load may return. */
static unsigned oldest(unsigned location, int order)
{
	unsigned at = threads[current].now.at[location];
	return order == __ATOMIC_SEQ_CST && sc.at[location] > at ? sc.at[location] : at;
}

/* `but`: not one with this value, unless it is the newest; NULL: whichever. */
static const struct message *pick(const struct location *location, int order, const uint64_t *but)
{
	const struct message *message = &messages[location->newest - 1];
	const unsigned floor = oldest(message->location, order);
	unsigned count = 1;
	if (stale_left > 0)
		for (const struct message *m = message; m->at > floor;
		     count += !but || m->value != *but)
			m = &messages[m->older - 1];
	unsigned taken = choose(count);
	stale_left -= taken > 0;
	while (taken > 0) {
		message = &messages[message->older - 1];
		taken -= !but || message->value != *but;
	}
	return message;
}

uint64_t memory_load(const void *address, size_t size, int order)
{
	settle();
	uintptr_t at = (uintptr_t)address;
	if (current < 0 || memory_is_private(address))
		return content(address, size);
	at = memory_word(at);
	size_t shift = (uintptr_t)address - at, whole = memory_is_wide(at) ? 8 : size;
	struct location *location = location_of((void *)at, whole);
	atomic_access(location, false);
	const struct message *message = pick(location, order, NULL);
	see(message, order);
	uint64_t value = message->value >> 8 * shift;
	if (size < 8)
		value &= (UINT64_C(1) << 8 * size) - 1;
	trace("load %p = %llx%s", address, (unsigned long long)value,
	      message == &messages[location->newest - 1] ? "" : " (stale)");
	return value;
}

/* `over`: what a read-modify-write has read; its release sequence goes on. */
static void put(struct location *location, uint64_t value, int order, const struct message *over)
{
	const unsigned i = (unsigned)(location - locations);
	atomic_access(location, true);
	struct view *now = &threads[current].now;
	struct message *message = append(location, value, &threads[current].released);
	now->at[i] = threads[current].acquired.at[i] = message->at;
	if (releases(order))
		join(&message->view, now);
	if (over)
		join(&message->view, &over->view);
	message->view.at[i] = message->at;
	if (order == __ATOMIC_SEQ_CST)
		sc.at[i] = message->at;
	memcpy(location->address, &value, location->size);
	if (scenario->stored)
		scenario->stored(location->address);
	if (releases(order))
		tick();
}

void memory_store(void *address, size_t size, uint64_t value, int order)
{
	settle();
	if (current < 0 || memory_is_private(address)) {
		cells_written((uintptr_t)address, size);
		memcpy(address, &value, size);
		return;
	}
	trace("store %p := %llx", address, (unsigned long long)value);
	put(location_of(address, size), value, order, NULL);
}

static uint64_t changed(enum rmw how, uint64_t old, uint64_t value)
{
	switch (how) {
	case RMW_ADD:
		return old + value;
	case RMW_SUB:
		return old - value;
	case RMW_OR:
		return old | value;
	case RMW_AND:
		return old & value;
	case RMW_EXCHANGE:
		break;
	}
	return value;
}

uint64_t memory_rmw(void *address, size_t size, enum rmw how, uint64_t value, int order)
{
	settle();
	if (current < 0 || memory_is_private(address)) {
		uint64_t old = content(address, size), new = changed(how, old, value);
		cells_written((uintptr_t)address, size);
		memcpy(address, &new, size);
		return old;
	}
	struct location *location = location_of(address, size);
	const struct message *message = &messages[location->newest - 1];
	uint64_t old = message->value, new = changed(how, old, value);
	if (size < 8)
		new &= (UINT64_C(1) << 8 * size) - 1;
	see(message, order);
	trace("change %p: %llx to %llx", address, (unsigned long long)old, (unsigned long long)new);
	put(location, new, order, message);
	return old;
}

bool memory_swap(void *address, size_t size, uint64_t *expected, uint64_t value, int order,
		 int failure_order)
{
	settle();
	if (current < 0 || memory_is_private(address)) {
		uint64_t old = content(address, size);
		bool same = old == *expected;
		cells_written((uintptr_t)address, size);
		if (same)
			memcpy(address, &value, size);
		*expected = old;
		return same;
	}
	struct location *location = location_of(address, size);
	const struct message *message = pick(location, failure_order, expected);
	if (message->value != *expected) {
		atomic_access(location, false);
		see(message, failure_order);
		trace("swap %p: found %llx", address, (unsigned long long)message->value);
		*expected = message->value;
		return false;
	}
	see(message, order);
	trace("swap %p: %llx to %llx", address, (unsigned long long)*expected,
	      (unsigned long long)value);
	put(location, value, order, message);
	return true;
}

/* --- fences -------------------------------------------------------------------------------- */

static void full_fence(unsigned thread)
{
	struct view *now = &threads[thread].now;
	join_positions(now, &sc);
	join_positions(&sc, now);
	join_positions(&threads[thread].acquired, now);
}

void memory_fence(int order)
{
	settle();
	if (current < 0)
		return;
	trace("fence");
	if (acquires(order))
		threads[current].now = threads[current].acquired;
	if (order == __ATOMIC_SEQ_CST)
		full_fence((unsigned)current);
	if (releases(order)) {
		threads[current].released = threads[current].now;
		tick();
	}
}

void memory_membarrier(void)
{
	settle();
	if (current < 0)
		return;
	trace("membarrier");
	for (int pass = 0; pass < 2; pass++)
		for (unsigned i = 0; i < THREADS; i++)
			full_fence(i);
}
