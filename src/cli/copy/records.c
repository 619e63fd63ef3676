/* Records by time, gathered for a while and packed ring by ring. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/copy/copy.h"
#include "dump/filter.h"

static int by_ring(const void *a, const void *b)
{
	const struct held *left = a, *right = b;
	if (left->origin != right->origin)
		return left->origin < right->origin ? -1 : 1;
	if (left->ring != right->ring)
		return left->ring < right->ring ? -1 : 1;
	return left->position < right->position ? -1 : left->position > right->position;
}

static bool is_identity(void *context, uint8_t catalog, uint16_t key)
{
	const struct window *window = context;
	return catalog < window->catalogs->count && window->catalogs->catalog[catalog] &&
	       filter_is_identity(window->catalogs->catalog[catalog], key);
}

static int put_pack(struct copy *copy)
{
	struct window *window = &copy->window;
	int error = dump_pack_empty(window->pack) ? 0 : dump_put_pack(copy->writer, window->pack);
	dump_pack_begin(window->pack);
	return error;
}

static struct ring_end *place_of(const struct copy *copy, uint32_t origin, uint64_t ring)
{
	size_t i = (size_t)((ring + ((uint64_t)origin << 32)) * UINT64_C(0x9e3779b97f4a7c15) >> 20);
	for (;; i++) {
		struct ring_end *at = &copy->rings[i & (copy->rings_room - 1)];
		if (!at->used || (at->origin == origin && at->ring == ring))
			return at;
	}
}

/* NULL: no memory. */
static struct ring_end *end_of(struct copy *copy, uint32_t origin, uint64_t ring)
{
	if (2 * (copy->nrings + 1) > copy->rings_room) {
		struct copy grown = *copy;
		grown.rings_room = copy->rings_room ? 2 * copy->rings_room : 256;
		grown.rings = calloc(grown.rings_room, sizeof *grown.rings);
		if (!grown.rings)
			return NULL;
		for (size_t i = 0; i < copy->rings_room; i++)
			if (copy->rings[i].used)
				*place_of(&grown, copy->rings[i].origin, copy->rings[i].ring) =
					copy->rings[i];
		free(copy->rings);
		copy->rings = grown.rings;
		copy->rings_room = grown.rings_room;
	}
	struct ring_end *at = place_of(copy, origin, ring);
	copy->nrings += !at->used;
	at->used = true;
	at->origin = origin;
	at->ring = ring;
	return at;
}

/* `size` bytes of records that follow each other in one ring, the first of them `first`. */
static int put_segment(struct copy *copy, const struct held *first, uint64_t size,
		       const unsigned char *bytes)
{
	struct ring_end *end = copy->number ? end_of(copy, first->origin, first->ring) : NULL;
	if (copy->number && !end)
		return -ENOMEM;
	uint64_t from = end ? end->position : first->position;
	struct dump_chunk chunk = {
		.ring = first->ring, .tid = first->tid, .from = from, .to = from + size};
	if (end)
		end->position += size;
	for (;;) {
		bool bad = false;
		from = chunk.from;
		chunk.from = dump_pack_add(copy->window.pack, &chunk, bytes, &bad);
		if (bad)
			return -EBADMSG;
		if (chunk.from == chunk.to)
			return 0;
		int error = put_pack(copy);
		if (error)
			return error;
		bytes += chunk.from - from;
	}
}

static int turn_to(struct copy *copy, uint32_t origin)
{
	struct window *window = &copy->window;
	int error = window->pack ? put_pack(copy) : 0;
	/* A pack asks once for each shape whether it has identities, and shapes of another process
	 * may be the same and mean something else. */
	dump_pack_free(window->pack);
	window->pack = dump_pack_new();
	if (!window->pack)
		return -ENOMEM;
	window->origin = origin;
	window->catalogs = &dump_origin(copy->reader, origin)->catalogs;
	dump_pack_hook(window->pack,
		       &(struct dump_pack_hooks){.identity = is_identity, .context = window});
	dump_turn_to(copy->writer, (uint16_t)origin);
	return error;
}

static int flush(struct copy *copy)
{
	struct window *window = &copy->window;
	size_t used = 0;
	int error = 0;
	qsort(window->held, window->count, sizeof *window->held, by_ring);
	for (size_t i = 0, n; i < window->count && !error; i = n) {
		const struct held *first = &window->held[i];
		size_t from = used;
		for (n = i; n < window->count; n++) {
			const struct held *at = &window->held[n];
			if (at->origin != first->origin || at->ring != first->ring ||
			    at->tid != first->tid ||
			    at->position != first->position + (used - from))
				break;
			memcpy(window->order + used, window->bytes + at->at, at->size);
			used += at->size;
		}
		if (!window->pack || first->origin != window->origin)
			error = turn_to(copy, first->origin);
		if (!error)
			error = put_segment(copy, first, used - from, window->order + from);
	}
	if (!error && window->pack)
		error = put_pack(copy);
	window->count = window->used = 0;
	return error;
}

static bool hold(struct window *window, const struct dump_record *record)
{
	if (window->count == WINDOW_RECORDS ||
	    (window->count && window->used + record->raw.size > WINDOW_BYTES))
		return false;
	window->held[window->count++] = (struct held){.ring = record->ring,
						      .position = record->position,
						      .origin = record->origin,
						      .tid = record->tid,
						      .at = (uint32_t)window->used,
						      .size = record->raw.size};
	memcpy(window->bytes + window->used, record->raw.bytes, record->raw.size);
	window->used += record->raw.size;
	return true;
}

static int count(struct copy *copy, const struct dump_record *record)
{
	const struct rill_catalogs *catalogs = &dump_origin(copy->reader, record->origin)->catalogs;
	uint8_t index = record->raw.catalog;
	uint64_t **events = &copy->taken[record->origin].events[index];
	copy->records++;
	if (index >= catalogs->count || !catalogs->catalog[index] ||
	    record->raw.event >= catalogs->catalog[index]->nevents)
		return 0;
	if (!*events)
		*events = calloc(catalogs->catalog[index]->nevents, sizeof **events);
	if (!*events)
		return -ENOMEM;
	(*events)[record->raw.event]++;
	return 0;
}

static void follow(struct copy *copy, const struct dump_record *record)
{
	struct before *before = &copy->before[record->origin];
	const struct dump_watched watched = {
		.record = record->raw.bytes, .size = record->raw.size, .tid = record->tid};
	if (before->open)
		open_follow(before->open, &watched, &before->line, 0);
}

/* Before the first record: the spans that are open there. */
static int begin(struct copy *copy)
{
	int error = 0;
	copy->begun = true;
	for (uint32_t i = 0; i < dump_origin_count(copy->reader) && !error; i++) {
		struct open_spans *open = copy->before[i].open;
		if (!open || !open_count(open))
			continue;
		dump_turn_to(copy->writer, (uint16_t)i);
		error = open_put(open, copy->writer);
	}
	return error;
}

static int take(struct copy *copy, const struct dump_record *record)
{
	int error = copy->begun ? 0 : begin(copy);
	if (!error)
		error = count(copy, record);
	if (!error && !hold(&copy->window, record) && !(error = flush(copy)))
		hold(&copy->window, record);
	return error;
}

int copy_records(struct copy *copy, copy_takes *takes, void *context)
{
	struct window *window = &copy->window;
	struct dump_record record;
	int more, error = 0;
	window->held = calloc(WINDOW_RECORDS, sizeof *window->held);
	window->bytes = malloc(WINDOW_ROOM);
	window->order = malloc(WINDOW_ROOM);
	if (!window->held || !window->bytes || !window->order)
		error = -ENOMEM;
	while (!error && (more = dump_next(copy->reader, &record)) != 0) {
		if (more < 0)
			error = more;
		else if (copy_stopped)
			error = -EINTR;
		else if (takes && !takes(context, &record))
			continue;
		else if (!record.context)
			error = take(copy, &record);
		else if (!copy->begun)
			follow(copy, &record);
	}
	if (!error)
		error = flush(copy);
	dump_pack_free(window->pack);
	free(window->held);
	free(window->bytes);
	free(window->order);
	free(copy->rings);
	return error;
}
