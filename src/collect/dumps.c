/* What the collector writes to dumps besides records: catalogs, clock, counts, filter changes. */
#include <errno.h>
#include <string.h>

#include "collect/state.h"
#include "core/diagnose.h"
#include "dump/filter.h"

/* One failure is told, not each of a thousand. */
static void told(struct dump_slot *dump, int error)
{
	if (error && !dump->failing)
		rill__diagnose(__func__,
			       "cannot write %s (%s): records are lost to it, and counted",
			       dump_path(dump->writer), strerror(-error));
	dump->failing |= error != 0;
}

/* The return to health is that of records: what is small may find room where they find none. */
static void told_of_records(struct dump_slot *dump, int error)
{
	told(dump, error);
	if (!error && dump->failing) {
		rill__diagnose(__func__, "writing %s works again", dump_path(dump->writer));
		dump->failing = false;
	}
}

/* Catalogs may be registered while it runs: every tally has a place for each event. */
static bool tally_fits(struct collector *collector)
{
	uint32_t events = registry_events();
	if (events <= collector->ntally)
		return true;
	for (uint32_t i = 0; i < collector->ndumps; i++) {
		struct tally *grown = realloc(collector->dumps[i].tally, events * sizeof *grown);
		if (!grown)
			return false;
		memset(grown + collector->ntally, 0, (events - collector->ntally) * sizeof *grown);
		collector->dumps[i].tally = grown;
	}
	collector->ntally = events;
	return true;
}

/* Those that the dump has not yet. After an error it is tried again before the next records. */
static int put_catalogs(struct dump_slot *dump)
{
	for (; dump->ncatalogs < registry_count(); dump->ncatalogs++) {
		const struct catalog_entry *entry = registry_entry(dump->ncatalogs);
		int error = dump_put_catalog(dump->writer, (uint8_t)entry->index, entry->catalog);
		if (error)
			return error;
	}
	return 0;
}

void dumps_clock(struct collector *collector)
{
	for (uint32_t i = 0; i < collector->ndumps; i++)
		told(&collector->dumps[i],
		     dump_put_clock(collector->dumps[i].writer, &collector->clock.point));
}

static bool is_identity(void *context, uint8_t catalog, uint16_t key)
{
	(void)context;
	const struct catalog_entry *entry = registry_entry(catalog);
	return entry && filter_is_identity(entry->catalog, key);
}

static int make_pack(struct collector *collector)
{
	static const struct dump_pack_hooks hooks = {.identity = is_identity};
	collector->pack = dump_pack_new();
	if (!collector->pack)
		return -ENOMEM;
	dump_pack_hook(collector->pack, &hooks);
	return 0;
}

int dumps_add(struct collector *collector, struct dump_writer *writer)
{
	if (!collector->pack && make_pack(collector))
		return -ENOMEM;
	struct dump_slot *dump = &collector->dumps[collector->ndumps];
	memset(dump, 0, sizeof *dump);
	dump->writer = writer;
	dump->tally = calloc((size_t)collector->ntally + 1, sizeof *dump->tally);
	if (!dump->tally)
		return -ENOMEM;
	collector->ndumps++;
	told(dump, dump_put_clock(writer, &collector->clock.point));
	tally_fits(collector);
	told(dump, put_catalogs(dump));
	return 0;
}

/* Adds what the pack holds to a dump's tally. */
static void tally(const struct collector *collector, struct dump_slot *dump, bool failed)
{
	struct dump_pack_count count;
	for (size_t i = 0; dump_pack_count(collector->pack, i, &count); i++) {
		const struct catalog_entry *entry = registry_entry(count.catalog);
		if (!entry || count.event >= entry->catalog->nevents ||
		    entry->first_event + count.event >= collector->ntally)
			continue;
		struct tally *tally = &dump->tally[entry->first_event + count.event];
		tally->drained += count.records;
		if (failed)
			tally->failed += count.records;
	}
}

void dumps_put(struct collector *collector)
{
	struct dump_pack_count count;
	for (size_t i = 0; dump_pack_count(collector->pack, i, &count); i++)
		collector->counts.drained += count.records;
	tally_fits(collector);
	for (uint32_t i = 0; i < collector->ndumps; i++) {
		struct dump_slot *dump = &collector->dumps[i];
		/* Without its catalog nobody could read a record. */
		int error = put_catalogs(dump);
		if (!error)
			error = dump_put_pack(dump->writer, collector->pack);
		told_of_records(dump, error);
		tally(collector, dump, error != 0);
	}
	dump_pack_begin(collector->pack);
}

static void dump_counts(struct collector *collector, struct dump_slot *dump,
			const struct catalog_loss *losses, uint32_t nlosses)
{
	struct dump_count counts[256];
	size_t n = 0;
	for (uint32_t c = 0; c < dump->ncatalogs; c++) {
		const struct catalog_entry *entry = registry_entry(c);
		for (uint32_t event = 0; event < entry->catalog->nevents; event++) {
			uint32_t i = entry->first_event + event;
			struct dump_count one = {.catalog = (uint8_t)c, .event = (uint16_t)event};
			if (i < nlosses) {
				one.filtered = losses[i].filtered;
				one.discarded = losses[i].discarded;
			}
			if (i < collector->ntally) {
				one.failed = dump->tally[i].failed;
				one.written = dump->tally[i].drained - one.failed;
			}
			if (one.written || one.filtered || one.discarded || one.failed)
				counts[n++] = one;
			if (n == 256) {
				told(dump, dump_put_counts(dump->writer, counts, n,
							   encode_cut_count(), NULL));
				n = 0;
			}
		}
	}
	if (n)
		told(dump, dump_put_counts(dump->writer, counts, n, encode_cut_count(), NULL));
}

/* Says that events are being discarded while there is still time to do something about it. */
static void tell_discards(struct collector *collector, const struct catalog_loss *losses,
			  uint32_t nlosses)
{
	uint64_t discarded = 0, now_ns = prim_monotonic_ns();
	for (uint32_t i = 0; i < nlosses; i++)
		discarded += losses[i].discarded;
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
	uint32_t nlosses = registry_events();
	struct catalog_loss *losses = calloc((size_t)nlosses + 1, sizeof *losses);
	if (!losses)
		return; /* the next second's will be as good */
	ring_losses(collector->process, losses, nlosses);
	tell_discards(collector, losses, nlosses);
	for (uint32_t i = 0; i < collector->ndumps; i++)
		dump_counts(collector, &collector->dumps[i], losses, nlosses);
	free(losses);
}

void dumps_epoch(struct collector *collector, const struct epoch *epoch, const char *expression)
{
	const struct dump_epoch entry = {epoch->published_ticks, epoch->confirmed_ticks,
					 expression};
	for (uint32_t i = 0; i < collector->ndumps; i++)
		told(&collector->dumps[i], dump_put_epoch(collector->dumps[i].writer, &entry));
}
