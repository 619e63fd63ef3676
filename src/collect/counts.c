/* What of each event became what: in the dumps, and on standard error. */
#include <stdlib.h>
#include <string.h>

#include "collect/state.h"
#include "core/diagnose.h"

/* What happened to an event so far. */
static struct dump_count count_of(const struct collector *collector, const struct dump_slot *dump,
				  const struct counting *counting, uint32_t index)
{
	struct dump_count count = {0};
	if (index < counting->nlosses) {
		count.filtered = counting->losses[index].filtered;
		count.discarded = counting->losses[index].discarded;
	}
	if (index < collector->ntally) {
		count.failed = dump->tally[index].failed;
		count.written = dump->tally[index].drained - count.failed;
	}
	return count;
}

/* Lists what is not zero, or only what has changed. Returns how many; *lost: the sum of losses. */
static size_t list(const struct collector *collector, const struct dump_slot *dump,
		   const struct counting *counting, uint32_t ncatalogs, bool all, uint64_t *lost)
{
	size_t n = 0;
	*lost = 0;
	for (uint32_t c = 0; c < ncatalogs; c++) {
		const struct catalog_entry *entry = registry_entry(c);
		for (uint32_t event = 0; event < entry->catalog->nevents; event++) {
			uint32_t i = entry->first_event + event;
			/* Of a catalog that has come since. */
			if (i >= counting->nlosses)
				return n;
			struct dump_count one = count_of(collector, dump, counting, i);
			if (!all && i < collector->ntally) {
				const struct tally *tally = &dump->tally[i];
				if (one.written == tally->said.written &&
				    one.filtered == tally->said.filtered &&
				    one.discarded == tally->said.discarded &&
				    one.failed == tally->said.failed)
					continue;
				*lost += one.discarded - tally->said.discarded + one.failed -
					 tally->said.failed;
			}
			one.catalog = (uint8_t)c;
			one.event = (uint16_t)event;
			if (one.written || one.filtered || one.discarded || one.failed)
				counting->counts[n++] = one;
		}
	}
	return n;
}

/* The numbers of all events whose catalog the dump has. */
static void said(const struct collector *collector, struct dump_slot *dump,
		 const struct counting *counting, uint64_t values_cut)
{
	const struct catalog_entry *last = registry_entry(dump->ncatalogs - 1);
	uint32_t end = last->first_event + last->catalog->nevents;
	for (uint32_t i = 0; i < collector->ntally && i < end; i++) {
		struct dump_count one = count_of(collector, dump, counting, i);
		dump->tally[i].said.written = one.written;
		dump->tally[i].said.filtered = one.filtered;
		dump->tally[i].said.discarded = one.discarded;
		dump->tally[i].said.failed = one.failed;
	}
	dump->values_cut_said = values_cut;
}

int counts_put(const struct collector *collector, struct dump_slot *dump,
	       const struct counting *counting)
{
	uint64_t values_cut = encode_cut_count();
	struct dump_period period = {dump->counted_ticks, counting->ticks, 0};
	if (dump->ncatalogs == 0)
		return 0;
	size_t n = list(collector, dump, counting, dump->ncatalogs, false, &period.lost);
	if (n > 0 || values_cut != dump->values_cut_said) {
		int error = dump_put_counts(dump->writer, counting->counts, n, values_cut, &period);
		if (error)
			return error;
		said(collector, dump, counting, values_cut);
	}
	/* Nothing was lost before, so what comes is not looked for there. */
	dump->counted_ticks = counting->ticks;
	return 0;
}

int counts_put_base(const struct collector *collector, struct dump_slot *dump,
		    struct dump_writer *writer, const struct counting *counting)
{
	struct dump_period period = {counting->ticks, counting->ticks, 0};
	uint64_t values_cut = encode_cut_count(), lost;
	size_t n = list(collector, dump, counting, registry_count(), true, &lost);
	return dump_put_counts(writer, counting->counts, n, values_cut, &period);
}

bool counting_begin(struct collector *collector, struct counting *counting)
{
	uint32_t events = registry_events();
	counting->losses = calloc((size_t)events + 1, sizeof *counting->losses);
	counting->counts = malloc(((size_t)events + 1) * sizeof *counting->counts);
	counting->nlosses = events;
	counting->ticks = clock_now_ticks();
	if (!counting->losses || !counting->counts) {
		counting_end(counting);
		return false;
	}
	ring_losses(collector->process, counting->losses, events);
	return true;
}

void counting_end(struct counting *counting)
{
	free(counting->losses);
	free(counting->counts);
}

/* Says that events are being discarded while there is still time to do something about it. */
static void tell_discards(struct collector *collector, const struct counting *counting)
{
	uint64_t discarded = 0, now_ns = prim_monotonic_ns();
	for (uint32_t i = 0; i < counting->nlosses; i++)
		discarded += counting->losses[i].discarded;
	if (discarded == collector->discards_told || now_ns < collector->tell_due_ns)
		return;
	rill__diagnose(
		__func__,
		"events are being discarded, %llu so far: no room in a ring (RILL_RING_SIZE, "
		"RILL_POLICY), or none for another ring (RILL_RING_MEMORY)",
		(unsigned long long)discarded);
	collector->discards_told = discarded;
	collector->tell_due_ns = now_ns + TELL_EVERY_NS;
}

void dumps_counts(struct collector *collector)
{
	struct counting counting;
	if (!counting_begin(collector, &counting))
		return; /* the next second's will be as good */
	tell_discards(collector, &counting);
	for (uint32_t i = 0; i < collector->ndumps; i++) {
		struct dump_slot *dump = &collector->dumps[i];
		dump_told(dump, counts_put(collector, dump, &counting));
	}
	counting_end(&counting);
}
