/*
 * fork() in a handler that interrupted an event.
 *
 * The child returns into that event, which is the parent's: the parent's thread writes it, and
 * nobody is to see what the child writes of it. But the child must come through. The memory of
 * rings is not passed on to children, the structures are wiped. So the child gets them back as they
 * were, over private memory at the same addresses, which also takes the stores whose addresses were
 * in registers already. Such a ring is a ghost: it has room for everything, and is in no list.
 */
#include <stddef.h>

#include "core/core.h"

/* Ahead of every head: there is always room. */
#define GHOST_TAIL (UINT64_C(1) << 62)

/* From before the fork to the child's handler; under the control lock. */
static struct {
	struct ring was;
	struct ring *ring;
	size_t size_bytes;
	uint32_t nlosses;
} ghosts[RING_LEVELS];
static uint32_t nghosts;

void forked_before(void)
{
	nghosts = 0;
	for (struct rill__producer *producer = producer_inside(); producer && nghosts < RING_LEVELS;
	     producer = producer->nested) {
		struct ring *ring = producer->ring;
		ghosts[nghosts].ring = ring;
		ghosts[nghosts].was = *ring;
		ghosts[nghosts].nlosses = ring->file->nlosses;
		ghosts[nghosts++].size_bytes = ring->file->header_bytes + 2 * ring->data_bytes;
	}
}

void forked_in_child(void)
{
	for (uint32_t i = 0; i < nghosts; i++) {
		struct ring *ring = ghosts[i].ring;
		if (!prim_private_memory(ghosts[i].was.file, ghosts[i].size_bytes))
			continue; /* somebody has mapped something there */
		*ring = ghosts[i].was;
		ring->file->tail = GHOST_TAIL;
		ring->file->nlosses = ghosts[i].nlosses; /* counted here are the parent's */
		ring->kind = RING_NESTED;                /* never waits */
		ring->older = NULL;
		ring->producer.armed = 0;
	}
	if (nghosts > 0)
		producer_detach(); /* the next event makes a ring of the child's */
	nghosts = 0;
}
