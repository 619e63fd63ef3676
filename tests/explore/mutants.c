/* Faults that the explorer must find. Each is a piece of the code as it stands, so a change of the
 * code that one of them is about makes its test fail until it is looked at again. */
#include "explore/mutants.h"

#define RING_H      "rill/static/ring.h"
#define PRODUCER    "core/producer.c"
#define SYNCHRONIZE "core/synchronize.c"
#define RING        "core/ring.c"
#define COLLECTOR   "collect/collector.c"
#define DRAIN       "collect/drain.c"

const struct mutant mutants[] = {
	{"a record is published by a relaxed store", RING_H,
	 "__atomic_store_n(place.producer->head, position, __ATOMIC_RELEASE);",
	 "__atomic_store_n(place.producer->head, position, __ATOMIC_RELAXED);", "publish"},
	{"the section is left before the record is published", RING_H,
	 "	__atomic_store_n(place.producer->head, position, __ATOMIC_RELEASE);\n"
	 "	place.producer->position = position;\n"
	 "	__atomic_store_n(&place.producer->state, 0, __ATOMIC_RELEASE);\n",
	 "	__atomic_store_n(&place.producer->state, 0, __ATOMIC_RELEASE);\n"
	 "	__atomic_store_n(place.producer->head, position, __ATOMIC_RELEASE);\n"
	 "	place.producer->position = position;\n",
	 "gate"},
	{"the same, seen by a handler", RING_H,
	 "	__atomic_store_n(place.producer->head, position, __ATOMIC_RELEASE);\n"
	 "	place.producer->position = position;\n"
	 "	__atomic_store_n(&place.producer->state, 0, __ATOMIC_RELEASE);\n",
	 "	__atomic_store_n(&place.producer->state, 0, __ATOMIC_RELEASE);\n"
	 "	__atomic_store_n(place.producer->head, position, __ATOMIC_RELEASE);\n"
	 "	place.producer->position = position;\n",
	 "handler"},
	{"the position is read before the section is entered", RING_H,
	 "		__atomic_store_n(&place.producer->state, rill__stack_mark(), "
	 "__ATOMIC_RELAXED);\n"
	 "		RILL__COMPILER_BARRIER(); /* pairs with membarrier(2) in "
	 "producer_synchronize() */\n"
	 "		place.position = place.producer->position;\n",
	 "		place.position = place.producer->position;\n"
	 "		__atomic_store_n(&place.producer->state, rill__stack_mark(), "
	 "__ATOMIC_RELAXED);\n",
	 "handler"},
	{"the gate is not looked at again inside the section", RING_H,
	 "RILL__LIKELY(rill__gate_open(gate, event)) &&\n", "", "gate"},
	{"the room behind the limit is taken", RING_H,
	 "place.position + size <= place.producer->limit",
	 "place.position <= place.producer->limit", "publish"},
	{"armed is looked at before the record is published", RING_H,
	 "	uint64_t position = place.position + size;\n",
	 "	uint64_t position = place.position + size;\n"
	 "	uint32_t armed = RILL__LOAD(place.producer->armed);\n"
	 "#undef RILL__LOAD\n"
	 "#define RILL__LOAD(place) armed\n",
	 "park-stay"},

	{"tail is read by a relaxed load", PRODUCER,
	 "uint64_t tail = __atomic_load_n(&ring->file->tail, __ATOMIC_ACQUIRE);",
	 "uint64_t tail = __atomic_load_n(&ring->file->tail, __ATOMIC_RELAXED);", "publish"},
	{"a ring has room for one record too many", PRODUCER,
	 "return head + size <= (reserve ? tail + ring->data_bytes : limit);",
	 "return head <= (reserve ? tail + ring->data_bytes : limit);", "publish"},
	{"the slow path does not look at the gate again", PRODUCER,
	 "if (!rill__gate_open(gate, event)) {", "if (0) {", "gate"},
	{"the slow path's section is not entered", PRODUCER, "		enter(me, mark);\n", "",
	 "gate-first"},
	{"the slow path's section begins without a fence", PRODUCER,
	 "	__atomic_thread_fence(__ATOMIC_SEQ_CST); /* pairs with producer_synchronize() */\n",
	 "", "gate-fences"},
	{"the slow path counts itself before its record is published", PRODUCER,
	 "			me->ticks = now_ticks();\n",
	 "			__atomic_store_n(&me->slow_seq, me->slow_seq + 1, "
	 "__ATOMIC_RELAXED);\n"
	 "			me->ticks = now_ticks();\n",
	 "gate"},
	{"a change of the filter does without membarrier", SYNCHRONIZE,
	 "	if (!producer_membarrier())\n", "	if (0)\n", "gate"},
	{"where membarrier does not work nobody takes a fence instead", PRODUCER,
	 "	/* The caller's own half: the other one is in enter(). */\n"
	 "	__atomic_thread_fence(__ATOMIC_SEQ_CST);\n",
	 "", "gate-fences"},
	{"a change of the filter does not wait for sections", SYNCHRONIZE,
	 "if (!section_over(ring_at(process, i), &patience))", "if (0)", "gate"},
	{"pending is set by a relaxed operation", PRODUCER,
	 "__atomic_fetch_or(word, bit, __ATOMIC_SEQ_CST);",
	 "__atomic_fetch_or(word, bit, __ATOMIC_RELAXED);", "park"},
	{"wake is looked at by a relaxed load", PRODUCER,
	 "uint32_t wake = __atomic_load_n(&process->wake, __ATOMIC_SEQ_CST);",
	 "uint32_t wake = __atomic_load_n(&process->wake, __ATOMIC_RELAXED);", "park"},
	{"a ring is given up by a relaxed store", PRODUCER,
	 "__atomic_store_n(&ring->status, RING_LEFT, __ATOMIC_RELEASE);",
	 "__atomic_store_n(&ring->status, RING_LEFT, __ATOMIC_RELAXED);", "reuse"},
	{"a ring is given up without a word", PRODUCER,
	 "	__atomic_store_n(&ring->status, RING_LEFT, __ATOMIC_RELEASE);\n"
	 "	rill__notify(producer);\n",
	 "	__atomic_store_n(&ring->status, RING_LEFT, __ATOMIC_RELEASE);\n", "park"},
	{"a producer says late that it waits", PRODUCER,
	 "		__atomic_store_n(&ring->waiting, 1, __ATOMIC_SEQ_CST);\n"
	 "		if ((int64_t)(__atomic_load_n(&ring->file->tail, __ATOMIC_SEQ_CST) - "
	 "needed) >= 0)\n"
	 "			return true;\n",
	 "		if ((int64_t)(__atomic_load_n(&ring->file->tail, __ATOMIC_SEQ_CST) - "
	 "needed) >= 0)\n"
	 "			return true;\n"
	 "		__atomic_store_n(&ring->waiting, 1, __ATOMIC_SEQ_CST);\n",
	 "room"},
	{"the collector looks without a fence who waits", PRODUCER,
	 "	__atomic_thread_fence(__ATOMIC_SEQ_CST);\n"
	 "	if (__atomic_load_n(&ring->waiting, __ATOMIC_RELAXED)) {",
	 "	if (__atomic_load_n(&ring->waiting, __ATOMIC_RELAXED)) {", "room"},
	{"a producer does not tell who naps", PRODUCER,
	 "	else\n		producer_kick(process_get());\n", "", "nap"},

	{"the stack of spares has no tag", RING,
	 "		new = ((old >> 32) + 1) << 32 | (ring->index + 1);",
	 "		new = ring->index + 1;", "spares"},
	{"a spare is taken by a relaxed operation", RING,
	 "	} while (!__atomic_compare_exchange_n(top, &old, new, false, __ATOMIC_ACQUIRE,\n"
	 "					      __ATOMIC_ACQUIRE));",
	 "	} while (!__atomic_compare_exchange_n(top, &old, new, false, __ATOMIC_RELAXED,\n"
	 "					      __ATOMIC_RELAXED));",
	 "reuse"},
	{"a spare is put by a relaxed operation", RING,
	 "	} while (!__atomic_compare_exchange_n(top, &old, new, false, __ATOMIC_RELEASE,\n",
	 "	} while (!__atomic_compare_exchange_n(top, &old, new, false, __ATOMIC_RELAXED,\n",
	 "reuse"},
	{"a ring is a spare before it is empty", RING,
	 "	__atomic_store_n(&ring->file->head, 0, __ATOMIC_RELEASE);\n"
	 "	ring->serial",
	 "	spare_put(process, ring);\n"
	 "	__atomic_store_n(&ring->file->head, 0, __ATOMIC_RELEASE);\n"
	 "	ring->serial",
	 "reuse"},
	{"a ring that the collector looks at is unmapped", RING,
	 "bool unmap = ring && !ring->active;", "bool unmap = ring;", "unmap-later"},
	{"a ring is unmapped without the control lock", RING,
	 "	if (!control_trylock())\n		return false;\n",
	 "	control_trylock();\n", "unmap-later"},
	{"a recycled ring keeps its old end", RING,
	 "	__atomic_store_n(&ring->file->tail, 0, __ATOMIC_RELEASE);\n"
	 "	ring->tail = 0;\n",
	 "	__atomic_store_n(&ring->file->tail, 0, __ATOMIC_RELEASE);\n", "reuse"},

	{"idle rings are let go without membarrier", COLLECTOR,
	 "	(void)producer_membarrier();\n", "", "park-stay"},
	{"idle rings are let go without another look", COLLECTOR,
	 "		if (!is_empty(ring)) {\n			"
	 "__atomic_store_n(&ring->producer.armed, 0",
	 "		if (0) {\n			__atomic_store_n(&ring->producer.armed, 0",
	 "park-stay"},
	{"whether the thread has left is asked too late", COLLECTOR,
	 "		ring->active = false;\n"
	 "		if (left)\n",
	 "		ring->active = false;\n"
	 "		left = __atomic_load_n(&ring->status, __ATOMIC_ACQUIRE) == RING_LEFT;\n"
	 "		if (left)\n",
	 "park"},
	{"the collector sleeps without a look at pending", COLLECTOR,
	 "	bool told = any_pending(process) ||\n", "	bool told =\n", "park"},
	{"the collector looks at pending before it says that it sleeps", COLLECTOR,
	 "	__atomic_store_n(&process->wake, WAKE_SLEEPING, __ATOMIC_SEQ_CST);\n",
	 "	bool any = any_pending(process);\n"
	 "	__atomic_store_n(&process->wake, WAKE_SLEEPING, __ATOMIC_SEQ_CST);\n"
	 "#define any_pending(process) any\n",
	 "park"},
	{"the collector says by a relaxed store that it sleeps", COLLECTOR,
	 "	__atomic_store_n(&process->wake, WAKE_SLEEPING, __ATOMIC_SEQ_CST);\n",
	 "	__atomic_store_n(&process->wake, WAKE_SLEEPING, __ATOMIC_RELAXED);\n", "park"},
	{"the collector naps without a look at the rings", COLLECTOR, " && !fills_up(collector))\n",
	 ")\n", "nap"},
	{"the collector naps without a fence before it looks", COLLECTOR,
	 "	__atomic_thread_fence(__ATOMIC_SEQ_CST);\n"
	 "	take_pending(collector); /* one that is not active may fill up as well */\n",
	 "	take_pending(collector); /* one that is not active may fill up as well */\n",
	 "nap"},

	{"room is given back before the bytes were taken", DRAIN,
	 "	ring->idle_since_ns = 0;\n"
	 "	*cursor =",
	 "	ring->idle_since_ns = 0;\n"
	 "	__atomic_store_n(&ring->file->tail, end, __ATOMIC_RELEASE);\n"
	 "	*cursor =",
	 "publish"},
	{"room is given back by a relaxed store", DRAIN,
	 "__atomic_store_n(&ring->file->tail, tail, __ATOMIC_RELEASE);",
	 "__atomic_store_n(&ring->file->tail, tail, __ATOMIC_RELAXED);", "publish"},
	{"head is read by a relaxed load", DRAIN,
	 "uint64_t head = __atomic_load_n(&ring->file->head, __ATOMIC_ACQUIRE);\n"
	 "	if (head == ring->tail)",
	 "uint64_t head = __atomic_load_n(&ring->file->head, __ATOMIC_RELAXED);\n"
	 "	if (head == ring->tail)",
	 "publish"},
	{"the outputs do not wait for sections", DRAIN,
	 "		wait_for_sections(collector);\n", "", "order"},
	{"the outputs' time is taken without membarrier", DRAIN,
	 "	(void)producer_membarrier(); ", "	", "order"},
};
const size_t nmutants = sizeof mutants / sizeof *mutants;
