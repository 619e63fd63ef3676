/*
 * The structures that the files of src/core share, and what the rooms above may call.
 *
 * Two kinds of state. What belongs to one process lies on pages that a child finds zeroed
 * (struct process, struct ring): whatever made the child, it starts afresh. What a child keeps -
 * catalogs, gates, filter, settings - is ordinary memory under one control lock, which fork() holds
 * so that the child finds it whole.
 */
#ifndef RILL_CORE_CORE_H
#define RILL_CORE_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <rill/catalog.h>
#include <rill/control.h>
#include <rill/sink.h>
#include <rill/static/ring.h>

#include "core/prim/prim.h"
#include "core/remains.h"

#define RILL_ASSERT(condition, message)                                                            \
	((condition) ? (void)0 : rill__broken(__FILE__, __LINE__, message))
void rill__broken(const char *file, int line, const char *message) __attribute__((noreturn));

/* --- rings --------------------------------------------------------------------------------- */

#define MAX_RINGS        16384u /* threads with events at once, handlers' rings included */
#define MAX_CATALOGS     255u
#define RING_LEVELS      5u /* of one thread: its own, and of handlers that interrupt each other */
#define MIN_RING_BYTES   65536u /* EASY_LENGTH of encode.h counts on an eighth of it */
#define MAX_RING_BYTES   (1u << 30)
#define NESTED_BYTES     65536u
#define RECORD_FRACTION  8u         /* a record is at most this part of its ring */
#define RESERVE_FRACTION 16u        /* of a ring: kept for events declared `Loss: never` */
#define MAX_RECORD_BYTES (1u << 23) /* the size field has 24 bits */

enum ring_status {
	RING_UNUSED, /* no memory mapped */
	RING_SPARE,  /* on a stack of spares */
	RING_OWNED,  /* a thread's */
	RING_LEFT,   /* its thread is gone: to be drained and made a spare */
};

enum ring_kind {
	RING_MAIN,
	RING_NESTED, /* for a handler that interrupts an emit on another ring of its thread */
	RING_KINDS,
};

/* One stay of a thread inside its section, as others see it. */
struct section {
	uint64_t state;
	uint64_t head;
	uint32_t seq;
};

struct ring {
	struct rill__producer producer; /* first: rill__me points here */
	/* constant while the ring is owned */
	struct ring_file *file;
	unsigned char *data;
	uint64_t data_bytes;
	uint64_t serial;
	uint32_t index; /* in process.rings */
	uint32_t tid;
	uint32_t kind;
	uint32_t next_spare;  /* index + 1 */
	uint64_t file_serial; /* in the name of its file */
	struct ring *older;   /* a ring of the same thread that an abandoned event has stuck */
	bool noticed;         /* its thread's end will be noticed */
	bool ending;          /* taken when that had been: perhaps nobody tells any more */
	uint32_t sleeps;      /* waits for room that are to be spent asleep */
	uint32_t abandoned;   /* this one is such: nobody waits for its section */
	struct section
		given_up; /* under the control lock: a filter change waited long enough for it */
	/* shared */
	uint32_t status;  /* enum ring_status */
	uint32_t waiting; /* the producer waits for room */
	uint32_t room;    /* futex: counts the consumer's advances while somebody waits */
	/* consumer */
	_Alignas(PRIM_CACHE_LINE) uint64_t tail;
	uint64_t idle_since_ns;
	uint64_t newest_ticks; /* of the last record taken */
	bool active;
};

/* --- process ------------------------------------------------------------------------------- */

enum wake {
	WAKE_RUNNING,  /* the collector looks at the rings */
	WAKE_SLEEPING, /* it sleeps until told */
	WAKE_TOLD,     /* somebody has told it */
	WAKE_NAPPING,  /* it sleeps for a moment; only a ring half full tells it */
};

enum collector_state {
	COLLECTOR_NONE,
	COLLECTOR_STARTING, /* by the thread that has set this */
	COLLECTOR_STARTED,
	COLLECTOR_NEVER, /* this child cannot have one */
};

enum process_stage {
	PROCESS_NEW, /* a fresh page: a new process or a child */
	PROCESS_MAKING,
	PROCESS_READY,
};

struct process {
	uint32_t stage;
	uint32_t pid;
	bool is_child;       /* made by a process that had one of these already */
	uint32_t forked_pid; /* set by the handler of fork(): a child of clone() has 0 */
	uint64_t id[2];
	uint64_t start_ns;
	uint64_t start_ticks;
	char directory[256]; /* of the ring files; empty: rings are anonymous memory */
	int lock_fd;
	struct process_file *file; /* in the directory; NULL: there is none */
	uint32_t ncatalogs_left;   /* catalogs in the directory, */
	uint32_t ncatalog_files;   /* and their files */
	uint64_t control;          /* src/core/lock.c */
	uint32_t control_waiters;
	int control_cancel_state; /* the owner's, before it took the lock */
	uint32_t ring_lock;       /* making rings: with signals blocked */
	uint32_t max_rings;
	uint32_t nrings;
	uint64_t ring_bytes;
	uint64_t next_serial;
	struct ring *slab; /* memory for struct ring: what is left of it */
	uint32_t slab_left;
	uint64_t spares[RING_KINDS]; /* stacks: index + 1, and a tag against ABA above it */
	uint64_t unused;             /* the same, of rings without memory */
	uint32_t nspares[RING_KINDS];
	uint32_t wake;       /* enum wake: futex of the collector */
	uint64_t told_ticks; /* when WAKE_TOLD was set */
	uint32_t collector;  /* enum collector_state */
	uint64_t repaired;
	uint32_t ending;                  /* rings of which that is so */
	uint32_t main_ended;              /* the first thread has, the others go on */
	uint32_t stops;                   /* calls of rill_stop() going on: core/stopping.c */
	uint64_t stop_began_ns;           /* the first of them */
	uint64_t stop_moved_ns;           /* when a sink last took something */
	uint32_t lossy;                   /* not 0: some ring's losses are not zero */
	uint32_t moves;                   /* odd: losses are moving from a ring to their events */
	uint64_t pending[MAX_RINGS / 64]; /* rings that told of a first record, by index */
	struct ring *rings[MAX_RINGS];
};

/* The process's state, ready for use. Signal-safe unless it has to be made, which takes a few
 * system calls. Never fails: without memory for it there is one in the data segment. */
struct process *process_get(void);
/* The same without making it: NULL in a process that has not emitted yet. */
struct process *process_peek(void);
/* Takes note of a point of the clock. The collector. */
void process_note_clock(struct process *process, const struct clock_point *point);
/* Makes room for the losses of all events. Under the control lock. */
void process_grow_losses(void);
/* Its memory, made or not. */
struct process *process_page(void);
/* By its random number: a child may have its parent's pid, in another namespace; and a child of
 * vfork() is its parent here. */
bool process_is(const uint64_t id[2]);
/* Whether it, made or not, comes from a process that had been made. */
bool process_is_child(void);
/* In a child, before anything else. */
void process_in_child(void);
/* Under the ring lock. */
void process_remove_directory(struct process *process);
/* Where the runtime directories are. */
const char *runtime_prefix(void);
/* Removes those of dead processes: at once what was drained, the rest after a day or when it is too
 * much. */
void sweep(void);

struct catalog_entry;

/* --- rings: src/core/ring.c ---------------------------------------------------------------- */

/* A ring for the calling thread: a spare, else a new one. NULL: the bounds are reached.
 * Signal-safe. */
struct ring *ring_take(struct process *process, enum ring_kind kind);
/* Collector: a drained ring becomes a spare, and its losses go to its events' process-wide counts.
 */
void ring_recycle(struct process *process, struct ring *ring);
/* Collector: keeps a few spares on the stacks, and gives the memory of more than that back. False:
 * not of all yet. */
bool ring_balance_spares(struct process *process);
struct ring *ring_at(struct process *process, uint32_t index);
/* NULL: no memory. Others than its owner: the collector, or under the control lock. */
static inline struct ring_file *ring_file(const struct ring *ring)
{
	return __atomic_load_n(&ring->file, __ATOMIC_ACQUIRE);
}
uint32_t ring_count(struct process *process);
/* Those that have memory. */
uint32_t ring_count_mapped(struct process *process);
/* Largest record of a ring. */
uint64_t ring_max_record(const struct ring *ring);
void ring_count_loss(struct ring *ring, uint32_t catalog, uint32_t event, bool filtered);
/* Losses so far, by event index: in the rings that exist, and process-wide. process may be NULL.
 * For the collector, which may unmap rings, and under the control lock, which keeps it from that.
 */
void ring_losses(struct process *process, struct event_loss *losses, uint32_t nevents);
/* What is in the rings and was not taken. */
struct ring_rest {
	uint64_t records;
	uint64_t bytes;
};
void ring_rest(struct process *process, struct ring_rest *rest);
/* Removes the files of all rings and their directory: the memory stays until the process ends. */
void ring_remove_files(struct process *process);

/* --- producers: src/core/producer.c, synchronize.c ----------------------------------------- */

/* Waits until no thread is inside a section that began before the call. -EBUSY after ten seconds;
 * `briefly`, and while stopping, after some hundredths of one, unless the thread only wants for a
 * core. Under the control lock, which keeps the collector from unmapping rings. */
int producer_synchronize(bool briefly);
/* The collector advanced tail: lets a waiting producer on. */
void producer_room(struct ring *ring);
/* Tells a napping collector that a ring fills up. */
void producer_kick(struct process *process);
/* Collector: gives up the rings of threads that have ended after their last notice. */
void producer_reap(struct process *process);
/* What rill__reserve() could not do: first event, handler, fork, wrap, full, off by now. mark: the
 * emitting site's stack pointer; inside: the state while the section is open. No producer: the
 * event is lost, and counted. */
struct rill__place producer_reserve(const struct rill__gate *gate, uint32_t event, uint64_t size,
				    uint64_t mark, uint64_t inside);
/* A new process, or a child: finds out what the kernel and the CPU offer. */
void producer_new_process(void);
/* The calling thread's first ring, if a fork() now would be in the middle of an event of it. */
struct rill__producer *producer_inside(void);
/* The calling thread has no ring any more. */
void producer_detach(void);
bool producer_fences(void); /* true: membarrier does not work, so sections take a full fence */
/* Every running thread executes a full fence. False: that cannot be had (any more), only the caller
 * has executed one. */
bool producer_membarrier(void);

/* --- forks in the middle of an event: src/core/forked.c ------------------------------------- */

/* Around fork(), under the control lock. */
void forked_before(void);
void forked_in_child(void);

/* --- catalogs, gates, bitmaps: src/core/registry.c ----------------------------------------- */

struct catalog_entry {
	struct rill_catalog *catalog; /* our copy */
	uint32_t index;
	uint32_t first_event; /* index of its event 0 among all events of the process */
	struct rill__gate *gates;
	unsigned char *bits; /* in force */
	unsigned char *bits_spare;
	size_t bits_bytes;
	struct event_loss *losses; /* by event */
};

const struct catalog_entry *registry_entry(uint32_t index);
uint32_t registry_count(void);
uint32_t registry_events(void); /* of all catalogs */
/* All of them; grows. */
const struct rill_catalogs *registry_catalogs(void);
/* In a child: its losses are its own. */
void registry_count_anew(void);

/* Decides for each event of a catalog whether it is on: called by registry_publish(). */
typedef void (*registry_decide)(const struct rill_catalog *catalog, unsigned char *bits,
				void *context);

/* Computes all bitmaps anew, swaps them, waits for the sections as producer_synchronize() does. 0
 * or -EBUSY. `epoch`: when. */
struct epoch {
	uint64_t published_ticks;
	uint64_t confirmed_ticks;
};
int registry_publish(registry_decide decide, void *context, bool briefly, struct epoch *epoch);

/* --- the lock of everything that a child keeps: src/core/lock.c ------------------------------ */

/* Recursive: registration configures. Keeps the thread from being cancelled. */
void control_lock(void);
bool control_trylock(void);
void control_unlock(void);

/* --- called by core, defined above it ------------------------------------------------------ */

/* src/control: the first catalog was registered, or another one: apply what is configured. */
void rill__configure(void);
/* src/control: an event of a child that has no collector, not from a handler: starts it, if it can
 * be done now. */
void rill__need_collector(struct process *process);

/* --- settings (src/core/settings.c) -------------------------------------------------------- */

struct settings {
	uint64_t ring_size_bytes;
	uint64_t ring_memory_bytes;
	uint64_t remains_bytes; /* what all dead processes of the user may leave in their rings */
	uint64_t block_timeout_ns;
	uint64_t exit_timeout_ns; /* 0: none is set, see core/stopping.h */
	enum rill_policy policy;
	uint32_t max_open_spans;
	char runtime_directory[200]; /* empty: /dev/shm */
};
extern struct settings rill__settings;

/* Values that were shortened, process-wide (and in the child anew). */
uint64_t encode_cut_count(void);
void encode_count_anew(void);

#endif
