/* What the scenarios share: one catalog, one gate, one collector, and a count of every record. */
#ifndef EXPLORE_SCENARIO_H
#define EXPLORE_SCENARIO_H

#include "collect/state.h"
#include "core/core.h"
#include "explore/explore.h"

extern struct process the_process;
extern struct collector the_collector;
extern struct rill__gate the_gate;

/* A record's smallest size: header, a tag, an id. */
#define SMALL 32u
/* The largest: eight of them fill a ring to the end. */
#define LARGE (the_scene.ring_bytes / RECORD_FRACTION)

/* Who emits: each thread, and the handler that interrupts it. */
#define SOURCES (2 * THREADS)

/* What has happened; part of the state. */
struct happened {
	uint8_t emitted[SOURCES];
	uint64_t committed[SOURCES]; /* a bit for each event of this source, from its first on */
	uint64_t taken[SOURCES];
	uint8_t losses;    /* events that were emitted and not committed */
	uint8_t ended;     /* threads that have done all they had to */
	uint8_t confirmed; /* filter changes that have returned */
	uint8_t changing;  /* one is under way */
	uint8_t owned[8];  /* rings, by index */
	uint8_t rounds;    /* of the collector */
	/* What the collector has packed and not put yet. */
	struct {
		const unsigned char *at;
		uint64_t size, id;
	} packed[16];
	unsigned npacked;
};
extern struct happened happened;

extern struct scene {
	uint64_t ring_bytes;
	bool outputs; /* instead of a dump */
} the_scene;

/* So many spare rings of both kinds, which is all there ever will be; all events on. */
void scene_make(unsigned main_rings, unsigned nested_rings);
/* A thread that emitted before: all up to `position` was taken, the large records behind it not. */
struct ring *scene_attach(unsigned thread, uint64_t position, unsigned unread);

/* Event 0 of the catalog may be lost, event 1 never. Whether it was committed. */
bool emit(uint32_t event, uint64_t size);
/* The same, by the handler of this thread. */
bool emit_in_handler(uint32_t event, uint64_t size);
/* code_emitter.c: the code of an event's site, 1: committed, 0: lost, -1: it is off. */
int emit_record(const struct rill__gate *gate, uint32_t event, uint64_t size, uint64_t id);

/* collector_run() */
void collect(void);
/* code_collector.c: one pass of it, over everything that is published. */
void collect_pass(void);

/* Every record that was committed was taken once; every other one is counted as lost. */
void check_counts(void);
/* Besides: nobody waits, and the collector sleeps with nothing left to do. */
void check_rest(void);
/* NULL: it is none's. */
struct ring *ring_with_head(const void *address);

#endif
