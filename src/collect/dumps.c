/* What the collector writes to dumps: catalogs, clock, records, filter changes. */
#include <errno.h>
#include <string.h>

#include "collect/state.h"
#include "core/diagnose.h"
#include "dump/filter.h"

/* How much of a file stands at most between two places at which a reader may begin. */
#define OPEN_EVERY_BYTES (UINT64_C(64) << 20)

/* One failure is told, not each of a thousand. */
void dump_told(struct dump_slot *dump, int error)
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
	dump_told(dump, error);
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

/* After an error it is tried again before the next records. */
int put_catalogs(struct dump_writer *writer, uint32_t *n)
{
	for (; *n < registry_count(); ++*n) {
		const struct catalog_entry *entry = registry_entry(*n);
		int error = dump_put_catalog(writer, (uint8_t)entry->index, entry->catalog);
		if (error)
			return error;
	}
	return 0;
}

void dumps_clock(struct collector *collector)
{
	const struct line_point *before = line_last(&collector->line);
	/* Calibrated twice at the same moment, or by a clock that gave no answer. */
	if (before && before->at.ticks == collector->clock.point.ticks)
		return;
	line_add(&collector->line, &collector->clock.point, collector->clock.set_ns);
	const struct line_point *point = line_last(&collector->line);
	process_note_clock(collector->process, &collector->clock.point);
	for (uint32_t i = 0; i < collector->ndumps; i++)
		dump_told(&collector->dumps[i],
			  open_put_point(collector->dumps[i].writer, point, before));
}

/* --- what a pack is asked for ---------------------------------------------------------------- */

static bool is_identity(void *context, uint8_t catalog, uint16_t key)
{
	(void)context;
	const struct catalog_entry *entry = registry_entry(catalog);
	return entry && filter_is_identity(entry->catalog, key);
}

static bool is_watched(void *context, uint8_t catalog, uint16_t event)
{
	const struct collector *collector = context;
	return open_watches(collector->open, catalog, event);
}

static int make_pack(struct collector *collector)
{
	const struct dump_pack_hooks hooks = {.identity = is_identity,
					      .watched = is_watched,
					      .context = collector,
					      .forward = true};
	const struct open_options options = {.max_spans = rill__settings.max_open_spans,
					     .seed = collector->process->id[0],
					     .ended = span_ended,
					     .context = collector};
	if (!collector->open)
		collector->open = open_new(&options, registry_catalogs());
	if (collector->open)
		collector->pack = dump_pack_new();
	if (!collector->pack)
		return -ENOMEM;
	dump_pack_hook(collector->pack, &hooks);
	return 0;
}

/* --- the dumps ------------------------------------------------------------------------------- */

int dumps_add(struct collector *collector, struct dump_target *target)
{
	if (!collector->pack && make_pack(collector))
		return -ENOMEM;
	struct dump_slot *dump = &collector->dumps[collector->ndumps];
	memset(dump, 0, sizeof *dump);
	dump->tally = calloc((size_t)collector->ntally + 1, sizeof *dump->tally);
	if (!dump->tally)
		return -ENOMEM;
	dump->target = target;
	dump->writer = target->writer;
	dump->begun_ns = prim_monotonic_ns();
	dump->counted_ticks = collector->process->start_ticks;
	collector->ndumps++;
	dump_told(dump, open_put_point(dump->writer, line_last(&collector->line), NULL));
	tally_fits(collector);
	dump_told(dump, put_catalogs(dump->writer, &dump->ncatalogs));
	dump->first_at = dump_size(dump->writer);
	retain_begin(&dump->retaining, &target->keep, target->directory, target->process.program);
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

/* Follows the spans that the pack starts and ends, which `files` of the dumps now hold. */
static void follow(struct collector *collector, uint32_t files)
{
	struct dump_watched watched;
	for (size_t i = 0; dump_pack_watched(collector->pack, i, &watched); i++)
		open_follow(collector->open, &watched, &collector->line, files);
}

/* Where a reader of a long file may begin, unless that would make it much longer. */
static void put_open(const struct collector *collector, struct dump_slot *dump)
{
	if (dump_size(dump->writer) - dump->open_at < OPEN_EVERY_BYTES ||
	    open_bytes(collector->open) > OPEN_EVERY_BYTES / 16)
		return;
	dump_told(dump, open_put(collector->open, dump->writer));
	dump->open_at = dump_size(dump->writer);
}

void dumps_put(struct collector *collector)
{
	struct dump_pack_count count;
	uint32_t files = 0;
	for (size_t i = 0; dump_pack_count(collector->pack, i, &count); i++)
		collector->counts.drained += count.records;
	tally_fits(collector);
	for (uint32_t i = 0; i < collector->ndumps; i++) {
		struct dump_slot *dump = &collector->dumps[i];
		/* Without its catalog nobody could read a record. */
		int error = put_catalogs(dump->writer, &dump->ncatalogs);
		if (!error)
			error = dump_put_pack(dump->writer, collector->pack);
		told_of_records(dump, error);
		tally(collector, dump, error != 0);
		if (!error)
			files |= 1u << i;
	}
	follow(collector, files);
	dump_pack_begin(collector->pack);
	for (uint32_t i = 0; i < collector->ndumps; i++) {
		put_open(collector, &collector->dumps[i]);
		rotate_if_due(collector, &collector->dumps[i]);
	}
}

void dumps_epoch(struct collector *collector, const struct epoch *epoch, char *expression)
{
	const struct dump_epoch entry = {epoch->published_ticks, epoch->confirmed_ticks,
					 expression};
	for (uint32_t i = 0; i < collector->ndumps; i++)
		dump_told(&collector->dumps[i], dump_put_epoch(collector->dumps[i].writer, &entry));
	free(collector->expression);
	collector->epoch = *epoch;
	collector->expression = expression;
}
