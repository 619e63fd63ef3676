#include "cli/around.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/kept.h"
#include "cli/progress.h"

#define NBUCKETS 4096u
/* Of entries that are kept; beyond it those of the strand that was quiet longest are dropped. */
#define MAX_BYTES (64u << 20)

/* The entries of a thread, or of a span. */
struct strand {
	struct strand *next; /* in its bucket */
	struct strand *older;
	struct strand *newer;
	const void *origin;
	uint64_t id;
	uint64_t count;   /* entries that came */
	uint64_t printed; /* which of them was printed last; 0: none */
	size_t after;     /* how many more are to be printed */
	size_t nkept;     /* the last ones, none of them printed */
	size_t first;     /* of a ring of options.before */
	struct kept_entry **kept;
};

struct around {
	struct around_options options;
	struct strand *buckets[NBUCKETS];
	struct strand *oldest;
	struct strand *newest;
	const struct strand *last; /* printed from */
	bool any;                  /* something was printed */
	size_t bytes;
	size_t waiting; /* strands of which more is to be printed */
};

struct around *around_new(const struct around_options *options)
{
	struct around *around = calloc(1, sizeof *around);
	if (around)
		around->options = *options;
	return around;
}

static void drop_kept(struct around *around, struct strand *strand)
{
	while (strand->nkept) {
		struct kept_entry *kept = strand->kept[strand->first];
		strand->first = (strand->first + 1) % around->options.before;
		strand->nkept--;
		around->bytes -= kept->size;
		free(kept);
	}
}

static void unlink_use(struct around *around, struct strand *strand)
{
	*(strand->older ? &strand->older->newer : &around->oldest) = strand->newer;
	*(strand->newer ? &strand->newer->older : &around->newest) = strand->older;
}

static void append_use(struct around *around, struct strand *strand)
{
	strand->older = around->newest;
	strand->newer = NULL;
	*(around->newest ? &around->newest->newer : &around->oldest) = strand;
	around->newest = strand;
}

static struct strand **place_of(struct around *around, const void *origin, uint64_t id)
{
	uint64_t hash = (id ^ (uint64_t)(uintptr_t)origin) * UINT64_C(0x9e3779b97f4a7c15);
	struct strand **at = &around->buckets[hash >> 52 & (NBUCKETS - 1)];
	while (*at && ((*at)->id != id || (*at)->origin != origin))
		at = &(*at)->next;
	return at;
}

static void drop_strand(struct around *around, struct strand *strand)
{
	drop_kept(around, strand);
	around->waiting -= strand->after > 0;
	*place_of(around, strand->origin, strand->id) = strand->next;
	unlink_use(around, strand);
	if (around->last == strand)
		around->last = NULL;
	around->bytes -= sizeof *strand + around->options.before * sizeof(void *);
	free(strand->kept);
	free(strand);
}

static struct strand *find_strand(struct around *around, const void *origin, uint64_t id)
{
	struct strand **place = place_of(around, origin, id), *strand = *place;
	if (strand) {
		unlink_use(around, strand);
		append_use(around, strand);
		return strand;
	}
	strand = calloc(1, sizeof *strand);
	if (!strand)
		return NULL;
	strand->kept = calloc(around->options.before + 1, sizeof(struct kept_entry *));
	if (!strand->kept) {
		free(strand);
		return NULL;
	}
	strand->origin = origin;
	strand->id = id;
	*place = strand;
	append_use(around, strand);
	around->bytes += sizeof *strand + around->options.before * sizeof(void *);
	while (around->bytes > MAX_BYTES && around->oldest != strand)
		drop_strand(around, around->oldest);
	return strand;
}

static void print(struct around *around, struct strand *strand, uint64_t number,
		  const struct rill_entry *entry, const struct rill_catalogs *catalogs)
{
	progress_hide();
	bool follows = strand && around->last == strand && strand->printed + 1 == number;
	if (around->any && !follows && around->options.between) {
		puts(around->options.between);
		fflush(stdout);
	}
	struct rill_batch batch = {entry, 1, *catalogs};
	around->options.output.write(around->options.output.state, &batch);
	around->any = true;
	around->last = strand;
	if (strand)
		strand->printed = number;
}

static bool keep(struct around *around, struct strand *strand, const struct rill_entry *entry,
		 const struct rill_catalogs *catalogs)
{
	size_t most = around->options.before;
	if (!most)
		return true;
	struct kept_entry *kept = keep_entry(entry, catalogs, strand->origin);
	if (!kept)
		return false;
	if (strand->nkept == most) {
		around->bytes -= strand->kept[strand->first]->size;
		free(strand->kept[strand->first]);
		strand->first = (strand->first + 1) % most;
		strand->nkept--;
	}
	strand->kept[(strand->first + strand->nkept++) % most] = kept;
	around->bytes += kept->size;
	while (around->bytes > MAX_BYTES && around->oldest != strand)
		drop_strand(around, around->oldest);
	return true;
}

static void print_hit(struct around *around, struct strand *strand, const struct rill_entry *entry,
		      const struct rill_catalogs *catalogs)
{
	uint64_t number = strand->count - strand->nkept;
	for (size_t i = 0; i < strand->nkept; i++) {
		size_t at = (strand->first + i) % around->options.before;
		print(around, strand, number + i, &strand->kept[at]->entry,
		      &strand->kept[at]->catalogs);
	}
	drop_kept(around, strand);
	print(around, strand, strand->count, entry, catalogs);
	around->waiting -= strand->after > 0;
	strand->after = around->options.after;
	around->waiting += strand->after > 0;
}

/* 0: it has none. */
static uint64_t strand_id(const struct around *around, const struct rill_entry *entry)
{
	if (!around->options.by_span)
		return entry->record ? entry->record->tid : 0;
	const struct rill_span *span = entry->record ? entry->record->span : entry->span;
	return span ? span->id : 0;
}

bool around_put(struct around *around, const struct rill_entry *entry,
		const struct rill_catalogs *catalogs, const void *origin, bool hit)
{
	uint64_t id = strand_id(around, entry);
	if (!id) {
		if (hit)
			print(around, NULL, 0, entry, catalogs);
		return true;
	}
	struct strand *strand = find_strand(around, origin, id);
	if (!strand)
		return false;
	strand->count++;
	if (hit) {
		print_hit(around, strand, entry, catalogs);
	} else if (strand->after) {
		around->waiting -= --strand->after == 0;
		print(around, strand, strand->count, entry, catalogs);
	} else {
		return keep(around, strand, entry, catalogs);
	}
	return true;
}

bool around_waits(const struct around *around)
{
	return around->waiting > 0;
}

void around_free(struct around *around)
{
	struct strand *strand = around ? around->oldest : NULL;
	while (strand) {
		struct strand *newer = strand->newer;
		drop_kept(around, strand);
		free(strand->kept);
		free(strand);
		strand = newer;
	}
	free(around);
}
