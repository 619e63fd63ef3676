/*
 * The producer's side of a ring: enter, reserve, write, publish, leave.
 *
 * Synchronisation (P: the owning thread, H: a signal handler on it, C: the collector, U: whoever
 * changes a filter):
 *
 *   state     P writes, U and C read. Even: idle, and the value is the ring's head. Odd: inside a
 *             section; the value is the stack pointer with its lowest bit set.
 *             P stores odd, compiler barrier, loads the gate again. U stores the gate,
 * membarrier(2), loads state. So either P sees the new gate, or U sees P inside and waits for it.
 *   head      P writes (release), C reads (acquire): the bytes before head are whole.
 *   tail      C writes (release), P reads (acquire), seldom: only when `limit` has been reached.
 *   armed     C sets it to 1, membarrier, reads head again, and looks away. P publishes head,
 *             compiler barrier, reads armed: if P missed the 1, C sees the head.
 *   H         finds state odd and takes the thread's second ring; never touches this one.
 *
 * The page that holds this structure is MADV_WIPEONFORK: in a child every field is zero, so the
 * first reservation fails (limit 0) and the slow path makes the child its own rings.
 */
#ifndef RILL_STATIC_RING_H
#define RILL_STATIC_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rill/static/prim.h>
#include <rill/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Layout of a record: this header, nslots tags (padded to 8 bytes), as many 8-byte words, then the
 * bytes of strings, byte strings, IPv6 addresses, lists and events in the order of their slots, all
 * padded to 8 bytes. docs/dump-format.md specifies it.
 */
struct rill__record {
	uint64_t ticks;
	uint16_t event;
	uint8_t nslots;
	uint8_t flags;         /* zero in a ring */
	uint32_t catalog_size; /* catalog's index in the process << 24 | bytes of the record */
};

/* Tag of a slot: key id in bits 0 to 15, enum rill_type in bits 16 to 23, rest zero. */
#define RILL__TAG(key, type) (((type) + 0u) * 0x10000u + (key))

#define RILL__MAX_SLOTS   16u
#define RILL__WORDS_AT(n) (sizeof(struct rill__record) + (((n)*4u + 7u) & ~7u))
#define RILL__TAIL_AT(n)  (RILL__WORDS_AT(n) + (n)*8u)

struct rill__producer {
	uint64_t state;
	uint64_t position;    /* where the next record goes, in bytes since the ring was made */
	uint64_t limit;       /* position may advance to here without a look at tail */
	unsigned char *write; /* write + position is where the record goes */
	uint64_t *head;       /* position, published: in the ring's file */
	uint32_t armed;       /* the collector wants to be told of the next record */
	uint32_t slow_seq;    /* counts sections that the slow path left without a record: progress
				 that head does not show */
	uint64_t ticks;       /* time stamp of a record that the slow path reserved */
	void *ring;           /* struct ring of src/core/ring.h; NULL on a wiped page */
	struct rill__producer *nested; /* main producer: the one for handlers; of that one: NULL */
};

/* One per catalog and object (executable or shared object), hidden in it. */
struct rill__gate {
	const unsigned char *bits; /* one per event; the bytes are never freed */
	uint32_t catalog_tag;      /* catalog's index in the process << 24 */
	uint32_t registered;       /* registration has succeeded */
	struct rill__gate *next;   /* of the same catalog: src/core/registry.c */
};

/* This thread's producer. Before its first event: one whose state is odd for ever. */
extern RILL_API __thread struct rill__producer *rill__me __attribute__((tls_model("initial-exec")));

struct rill__place {
	struct rill__producer *producer; /* NULL: there is none */
	uint64_t position;
};

extern RILL_API const unsigned char rill__closed[]; /* all off: the bits of a gate not registered */

struct rill_catalog;

/*
 * Joins an object's gate to the process's catalog of that content, and takes it away again; then no
 * section of any thread still reads the gate. layout and size: of the headers that the object was
 * compiled with; if they are not the library's, the gate stays closed and a diagnostic says so.
 */
RILL_API void rill__register(struct rill__gate *gate, const struct rill_catalog *catalog,
			     uint32_t layout, size_t size);
RILL_API void rill__unregister(struct rill__gate *gate);

RILL_API void rill__notify(struct rill__producer *producer) __attribute__((cold));

#if defined(__SANITIZE_THREAD__)
#define RILL__SANITIZE_THREAD 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define RILL__SANITIZE_THREAD 1
#endif
#endif

/*
 * Loads that race by design and must fold into one instruction. What they read is either constant
 * or a hint that is looked at again; ThreadSanitizer, which cannot know, gets an atomic load.
 */
#ifdef RILL__SANITIZE_THREAD
#define RILL__LOAD(place) __atomic_load_n(&(place), __ATOMIC_RELAXED)
#else
#define RILL__LOAD(place) (place)
#endif

/* Not 0: the event is on. No bool: gcc for riscv64 would take an instruction more to make one. */
RILL__INLINE unsigned rill__gate_open(const struct rill__gate *gate, uint32_t event)
{
	/* Bitmaps are never freed, so a stale pointer only means an old filter. */
	const unsigned char *bits = __atomic_load_n(&gate->bits, __ATOMIC_RELAXED);
	return RILL__LOAD(bits[event >> 3]) & (1u << (event & 7));
}

/* Leaves the section without a record. */
RILL__INLINE void rill__leave(struct rill__place place)
{
	__atomic_store_n(&place.producer->state, 0, __ATOMIC_RELEASE);
}

/*
 * Enters the section and reserves size bytes (a multiple of 8) for a record of this event. Nobody
 * (NULL): not so quickly; then it has left the section again, and rill__emit() does the rest.
 */
RILL__INLINE struct rill__place rill__reserve(const struct rill__gate *gate, uint32_t event,
					      uint64_t size, uint64_t *ticks)
{
	struct rill__place place;
	place.producer = rill__me;
	if (RILL__LIKELY((__atomic_load_n(&place.producer->state, __ATOMIC_RELAXED) & 1) == 0)) {
		__atomic_store_n(&place.producer->state, rill__stack_mark(), __ATOMIC_RELAXED);
		RILL__COMPILER_BARRIER(); /* pairs with membarrier(2) in producer_synchronize() */
		place.position = place.producer->position;
		if (RILL__LIKELY(rill__gate_open(gate, event)) &&
		    RILL__LIKELY(place.position + size <= place.producer->limit)) {
			*ticks = rill__ticks();
			return place;
		}
		rill__leave(place);
	}
	place.producer = RILL__NULL;
	place.position = 0;
	*ticks = 0;
	return place;
}

/*
 * The macros of event.h call these instead of naming a member: they may stand where the program has
 * a macro of that name.
 */
RILL__INLINE bool rill__reserved(struct rill__place place)
{
	return RILL__LIKELY(place.producer != RILL__NULL);
}

RILL__INLINE unsigned char *rill__place_at(struct rill__place place)
{
	return place.producer->write + place.position;
}

RILL__INLINE uint32_t rill__catalog_tag(const struct rill__gate *gate)
{
	return gate->catalog_tag;
}

/* Publishes the record and leaves the section. */
RILL__INLINE void rill__commit(struct rill__place place, uint64_t size)
{
	uint64_t position = place.position + size;
	__atomic_store_n(place.producer->head, position, __ATOMIC_RELEASE);
	place.producer->position = position;
	__atomic_store_n(&place.producer->state, 0, __ATOMIC_RELEASE);
	RILL__COMPILER_BARRIER(); /* pairs with membarrier(2) in disarm_idle() */
	if (RILL__UNLIKELY(RILL__LOAD(place.producer->armed)))
		rill__notify(place.producer);
}

#ifdef __cplusplus
}
#endif
#endif
