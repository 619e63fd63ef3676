/* The files of a dump: each ends with what it adds up to, and the next one begins with all that is
 * needed to read it alone. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collect/state.h"
#include "core/diagnose.h"

/* After another file could not be begun. */
#define RETRY_NS UINT64_C(1000000000)

/* --- targets ------------------------------------------------------------------------------- */

int dump_target_begin(struct dump_target *target, char *error, size_t error_size)
{
	/* Names are in the order of the files even when somebody sets the clock back. */
	uint64_t now_ns = prim_realtime_ns();
	target->process.begun_ns =
		now_ns > target->process.begun_ns ? now_ns : target->process.begun_ns + 1;
	int result = dump_create(&target->writer, target->directory, &target->process, error,
				 error_size);
	if (result)
		return result;
	result = dump_compress(target->writer, target->level);
	if (result) {
		snprintf(error, error_size, "no memory to compress a dump");
		dump_discard(target->writer);
		target->writer = NULL;
	}
	return result;
}

void dump_target_free(struct dump_target *target)
{
	if (!target)
		return;
	if (target->writer)
		dump_discard(target->writer);
	free(target->directory);
	free(target);
}

/* --- the end of a file --------------------------------------------------------------------- */

void span_ended(void *context, const struct open_ended *ended)
{
	struct collector *collector = context;
	for (uint32_t i = 0; i < collector->ndumps; i++) {
		struct dump_span_summary **spans = &collector->dumps[i].spans[ended->catalog];
		const struct rill_catalog *catalog = registry_entry(ended->catalog)->catalog;
		if (!(ended->files & 1u << i))
			continue;
		if (!*spans)
			*spans = calloc(catalog->nspans, sizeof **spans);
		if (!*spans)
			continue; /* a summary is no more than that */
		struct dump_span_summary *span = &(*spans)[ended->span];
		span->catalog = ended->catalog;
		span->span = ended->span;
		if (ended->headless) {
			span->headless++;
			continue;
		}
		if (!span->ended || ended->ns < span->shortest_ns)
			span->shortest_ns = ended->ns;
		if (ended->ns > span->longest_ns)
			span->longest_ns = ended->ns;
		span->ended++;
		span->sum_ns += ended->ns;
		span->lasted[63 - __builtin_clzll(ended->ns | 1)]++;
	}
}

/* Of all kinds of spans of which there are some, one after the other. */
static int put_spans(struct dump_slot *dump)
{
	size_t room = 0, n = 0;
	for (uint32_t c = 0; c < registry_count(); c++)
		room += dump->spans[c] ? registry_entry(c)->catalog->nspans : 0;
	struct dump_span_summary *all = malloc((room + 1) * sizeof *all);
	if (!all)
		return -ENOMEM;
	for (uint32_t c = 0; c < registry_count(); c++) {
		const struct dump_span_summary *spans = dump->spans[c];
		for (uint32_t i = 0; spans && i < registry_entry(c)->catalog->nspans; i++)
			if (spans[i].ended || spans[i].headless)
				all[n++] = spans[i];
		free(dump->spans[c]);
		dump->spans[c] = NULL;
	}
	int error = dump_put_spans(dump->writer, all, n);
	free(all);
	return error;
}

/* What stands before its END. */
static void put_last(struct collector *collector, struct dump_slot *dump,
		     const struct counting *counting)
{
	if (counting)
		dump_told(dump, counts_put(collector, dump, counting));
	open_settle(collector->open, 1u << (dump - collector->dumps));
	dump_told(dump, put_spans(dump));
}

static void close_file(struct dump_writer *writer)
{
	int error = dump_close(writer);
	if (error)
		rill__diagnose(__func__, "cannot finish a dump (%s)", strerror(-error));
}

void dumps_close(struct collector *collector)
{
	struct counting counting;
	bool counted = counting_begin(collector, &counting);
	while (collector->ndumps > 0) {
		struct dump_slot *dump = &collector->dumps[collector->ndumps - 1];
		put_last(collector, dump, counted ? &counting : NULL);
		/* First out of the table, where a child would close it as well. */
		collector->ndumps--;
		close_file(dump->writer);
		free(dump->tally);
		sync_forget(dump);
		retain_end(&dump->retaining);
		dump->target->writer = NULL;
		dump_target_free(dump->target);
	}
	if (counted)
		counting_end(&counting);
}

/* --- the next file ------------------------------------------------------------------------- */

/* What its reader must know before the first record. */
static int put_first(struct collector *collector, struct dump_slot *dump,
		     struct dump_writer *writer, const struct counting *counting)
{
	const struct dump_epoch epoch = {collector->epoch.published_ticks,
					 collector->epoch.confirmed_ticks, collector->expression};
	uint32_t ncatalogs = 0;
	int error = put_catalogs(writer, &ncatalogs);
	if (!error)
		error = open_put_clock(collector->open, writer, &collector->line);
	if (!error && epoch.expression)
		error = dump_put_epoch(writer, &epoch);
	if (!error)
		error = counts_put_base(collector, dump, writer, counting);
	if (!error)
		error = open_put(collector->open, writer);
	return error;
}

/* 0, and the target's writer is another one; else all is as it was. */
static int begin(struct collector *collector, struct dump_slot *dump,
		 const struct counting *counting, char *error, size_t error_size)
{
	struct dump_target *target = dump->target;
	target->process.part++;
	int result = dump_target_begin(target, error, error_size);
	if (!result) {
		result = put_first(collector, dump, target->writer, counting);
		if (result) {
			snprintf(error, error_size, "cannot write %s: %s",
				 dump_path(target->writer), strerror(-result));
			dump_discard(target->writer);
		}
	}
	if (result) {
		target->process.part--;
		target->writer = dump->writer;
	}
	return result;
}

static void rotate(struct collector *collector, struct dump_slot *dump, uint64_t now_ns)
{
	struct counting counting;
	char error[512];
	dump->retry_ns = now_ns + RETRY_NS;
	if (!counting_begin(collector, &counting))
		return;
	if (begin(collector, dump, &counting, error, sizeof error) != 0) {
		if (!dump->stays)
			rill__diagnose(__func__,
				       "a dump goes on in %s, though it is time for "
				       "another file: %s",
				       dump_path(dump->writer), error);
		dump->stays = true;
		counting_end(&counting);
		return;
	}
	put_last(collector, dump, &counting);
	struct dump_writer *old = dump->writer;
	dump->writer = dump->target->writer;
	sync_later(dump, dump_path(old));
	close_file(old);
	counting_end(&counting);
	dump->ncatalogs = registry_count();
	dump->stays = false;
	dump->begun_ns = now_ns;
	dump->retry_ns = 0;
	dump->first_at = dump->open_at = dump_size(dump->writer);
	retain_begin(&dump->retaining, &dump->target->keep, dump->target->directory,
		     dump->target->process.program);
}

/* When its age says so; an empty file is never too old. */
static uint64_t old_at_ns(const struct dump_slot *dump)
{
	if (!dump->target->rotate_ns || dump_records(dump->writer) == 0)
		return UINT64_MAX;
	uint64_t due_ns = dump->begun_ns + dump->target->rotate_ns;
	if (due_ns < dump->begun_ns)
		return UINT64_MAX;
	return due_ns > dump->retry_ns ? due_ns : dump->retry_ns;
}

void rotate_if_due(struct collector *collector, struct dump_slot *dump)
{
	const struct dump_target *target = dump->target;
	uint64_t size = dump_size(dump->writer);
	/* However much a file begins with: at least half of it comes behind that. */
	bool large = target->rotate_bytes && size >= target->rotate_bytes &&
		     size - dump->first_at >= dump->first_at;
	if (!large && !target->rotate_ns)
		return;
	uint64_t now_ns = prim_monotonic_ns();
	if ((large && now_ns >= dump->retry_ns) || now_ns >= old_at_ns(dump))
		rotate(collector, dump, now_ns);
}

uint64_t dumps_rotate_old(struct collector *collector)
{
	uint64_t next_ns = UINT64_MAX;
	for (uint32_t i = 0; i < collector->ndumps; i++) {
		struct dump_slot *dump = &collector->dumps[i];
		if (!dump->target->rotate_ns)
			continue;
		rotate_if_due(collector, dump);
		uint64_t at_ns = old_at_ns(dump);
		next_ns = at_ns < next_ns ? at_ns : next_ns;
	}
	return next_ns;
}
