/* The code of an event's site, as rill_event() and emit_any() of src/core/emit.c have it. */
#include <rill/static/encode.h>

#include "explore/scenario.h"

__attribute__((noinline)) int emit_record(const struct rill__gate *gate, uint32_t event,
					  uint64_t size, uint64_t id)
{
	uint64_t ticks;
	if (!rill__gate_open(gate, event))
		return -1;
	struct rill__place place = rill__reserve(gate, event, size, &ticks);
	if (!rill__reserved(place)) {
		uint64_t mark = (uint64_t)(uintptr_t)__builtin_dwarf_cfa() | 1;
		place = producer_reserve(gate, event, size, mark, rill__stack_mark());
		if (!place.producer)
			return 0;
		ticks = place.producer->ticks;
	}
	unsigned char *at = rill__place_at(place);
	rill__put_header(at, gate, ticks, event, 1, size);
	rill__put32(at + sizeof(struct rill__record), RILL__TAG(0, RILL_TYPE_U64));
	rill__put32(at + sizeof(struct rill__record) + 4, 0);
	for (uint64_t i = RILL__WORDS_AT(1); i < size; i += 8)
		rill__put64(at + i, id);
	rill__commit(place, size);
	return 1;
}
