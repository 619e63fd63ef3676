/* One chunk: whether what stands in its head is what comes out of it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/verify.h"
#include "dump/filter.h"
#include "dump/unpack.h"

#define MOST_EVENTS 4096u

/* What is counted of a chunk's records, to be held against its head. */
struct counted {
	struct {
		uint32_t event; /* catalog and event */
		uint64_t records;
	} events[MOST_EVENTS];
	size_t nevents;
	uint64_t records;
	uint64_t low;
	uint64_t high;
	bool undecodable;
	bool missing_identity;
};

static void count_event(struct counted *counted, const struct raw_record *raw)
{
	uint32_t event = (uint32_t)raw->catalog << 16 | raw->event;
	size_t i = 0;
	while (i < counted->nevents && counted->events[i].event != event)
		i++;
	if (i == MOST_EVENTS)
		return;
	if (i == counted->nevents) {
		counted->events[counted->nevents].event = event;
		counted->events[counted->nevents++].records = 0;
	}
	counted->events[i].records++;
}

/* Whether the chunk's filter knows every identity of the record. */
static bool is_filtered(const struct chunk_view *view, const struct raw_record *raw,
			const struct rill_catalog *catalog, const struct rill_item *items,
			int count)
{
	for (int i = 0; view->filter_size && i < count; i++) {
		const struct rill_item *item = &items[i];
		uint64_t value = item->u64;
		if (!filter_is_identity(catalog, item->key) || item->type == RILL_TYPE_NONE)
			continue;
		if (item->type == RILL_TYPE_LIST || item->type == RILL_TYPE_EVENT)
			return false;
		if (item->type == RILL_TYPE_BOOL || (item->type == RILL_TYPE_IP && item->size == 4))
			continue; /* the word is not in the item */
		if (item->bytes)
			value = filter_value(item->bytes, item->size);
		if (!filter_may_hold(view->filter, view->filter_size,
				     filter_hash(value, raw->catalog, item->key)))
			return false;
	}
	return true;
}

static void count_record(struct counted *counted, const struct chunk_view *view,
			 const struct verify_process *process, const struct raw_record *raw)
{
	const struct rill_catalog *catalog = process->catalogs[raw->catalog];
	struct rill_item items[RILL_MAX_ITEMS];
	counted->records++;
	counted->low = raw->ticks < counted->low ? raw->ticks : counted->low;
	counted->high = raw->ticks > counted->high ? raw->ticks : counted->high;
	count_event(counted, raw);
	if (!catalog || raw->event >= catalog->nevents ||
	    !raw_record_decodes(raw, catalog->nkeys)) {
		counted->undecodable = true;
		return;
	}
	int count = raw_record_items(raw, items);
	counted->missing_identity |= !is_filtered(view, raw, catalog, items, count);
}

/* --- streams ------------------------------------------------------------------------------- */

static struct verify_ring *ring_place(const struct verify *verify, const uint64_t *process,
				      uint64_t series, uint64_t ring)
{
	uint64_t hash = (process[0] ^ process[1] ^ series ^ ring) * UINT64_C(0x9e3779b97f4a7c15);
	for (size_t i = hash >> 20;; i++) {
		struct verify_ring *place = &verify->rings[i & (verify->rings_room - 1)];
		if (!place->used ||
		    (place->ring == ring && place->series == series &&
		     place->process[0] == process[0] && place->process[1] == process[1]))
			return place;
	}
}

static bool grow_rings(struct verify *verify)
{
	struct verify old = *verify;
	if (2 * (verify->nrings + 1) <= verify->rings_room)
		return true;
	verify->rings_room = old.rings_room ? 2 * old.rings_room : 256;
	verify->rings = calloc(verify->rings_room, sizeof *verify->rings);
	if (!verify->rings) {
		verify->rings = old.rings;
		verify->rings_room = old.rings_room;
		verify->no_memory = true;
		return false;
	}
	for (size_t i = 0; i < old.rings_room; i++)
		if (old.rings[i].used)
			*ring_place(verify, old.rings[i].process, old.rings[i].series,
				    old.rings[i].ring) = old.rings[i];
	free(old.rings);
	return true;
}

/* A ring's first piece in a file may begin anywhere, unless the part before was read as well. */
static void check_position(struct verify *verify, const struct verify_process *process,
			   const struct pack_segment *segment)
{
	if (!grow_rings(verify))
		return;
	struct verify_ring *ring =
		ring_place(verify, process->is.id, process->is.series, segment->ring);
	bool follows =
		ring->used && (ring->file == verify->file || ring->part + 1 == process->is.part);
	/* Readers take what is whole of a chunk that its file's end cuts: what follows that in the
	 * next part is no gap. */
	bool behind_cut = follows && ring->file != verify->file && verify->cut_file >= ring->file;
	uint64_t at = verify->blocks.from;
	if (follows && segment->from > ring->to && !behind_cut)
		verify_fault(verify, at,
			     "%" PRIu64 " bytes of records of ring %" PRIu64
			     " are missing before its position %" PRIu64,
			     segment->from - ring->to, segment->ring, segment->from);
	if (follows && segment->from < ring->to)
		verify_fault(verify, at,
			     "%" PRIu64 " bytes of records of ring %" PRIu64
			     " from its position %" PRIu64 " on stand in a chunk before as well",
			     ring->to - segment->from, segment->ring, segment->from);
	verify->nrings += !ring->used;
	*ring = (struct verify_ring){.process = {process->is.id[0], process->is.id[1]},
				     .series = process->is.series,
				     .ring = segment->ring,
				     .to = segment->from + segment->size,
				     .file = verify->file,
				     .part = process->is.part,
				     .used = true};
}

/* --- the chunk ----------------------------------------------------------------------------- */

/* The records of one segment. Returns where they end; NULL: they are not what it says. */
static const unsigned char *check_segment(struct counted *counted, const struct chunk_view *view,
					  const struct verify_process *process,
					  const struct pack_segment *segment,
					  const unsigned char *at)
{
	const unsigned char *end = at + segment->size;
	uint64_t records = counted->records, before = 0, low = UINT64_MAX, high = 0;
	bool sorted = true, first = true;
	struct raw_record raw;
	for (; at < end; at += raw.size) {
		if (raw_record_read(&raw, at, (size_t)(end - at)) || !raw.size)
			return NULL;
		sorted &= first || raw.ticks >= before;
		first = false;
		before = raw.ticks;
		low = raw.ticks < low ? raw.ticks : low;
		high = raw.ticks > high ? raw.ticks : high;
		count_record(counted, view, process, &raw);
	}
	return counted->records - records == segment->records && low == segment->low &&
			       high == segment->high && (sorted || !segment->sorted)
		       ? end
		       : NULL;
}

static bool events_agree(const struct counted *counted, const struct chunk_view *view)
{
	struct unpacker from = {view->events, view->events_end, false};
	uint32_t event = 0;
	if (view->nevents != counted->nevents)
		return false;
	for (uint32_t n = 0; n < view->nevents; n++) {
		uint64_t pair[2] = {0, 0};
		for (size_t i = 0; i < 2; i++)
			for (unsigned shift = 0, more = 1; more && shift < 64; shift += 7) {
				uint64_t byte = unpack_int(&from, 1);
				pair[i] |= (byte & 127) << shift;
				more = byte > 127;
			}
		event += (uint32_t)pair[0];
		size_t i = 0;
		while (i < counted->nevents && counted->events[i].event != event)
			i++;
		if (i == counted->nevents || counted->events[i].records != pair[1])
			return false;
	}
	return !from.failed;
}

static const char *check_records(struct verify *verify, const struct verify_process *process,
				 struct chunk_view view, const unsigned char *body, size_t size,
				 struct counted *counted)
{
	struct chunk_view segments;
	struct pack_segment segment;
	uint64_t whole = 0;
	const unsigned char *at = verify->raw;
	if (decoder_run(verify->decoder, body, size, verify->raw, view.raw, &whole) ||
	    whole != view.raw || chunk_view_open(&segments, body, size))
		return "its records cannot be unpacked";
	while (chunk_view_next(&segments, &segment) == 1) {
		at = check_segment(counted, &view, process, &segment, at);
		if (!at)
			return "its records are not what its segments say";
	}
	if (!events_agree(counted, &view))
		return "its list of events is not that of its records";
	if (counted->missing_identity)
		return "its filter lacks a value that its records have";
	if (counted->undecodable)
		return "a record of it is of no event in the catalogs, or has values that none has";
	if (counted->records && (counted->low != verify->blocks.block.first ||
				 counted->high != verify->blocks.block.last))
		return "its times are not those of its records";
	return NULL;
}

void verify_chunk(struct verify *verify, const struct verify_process *process,
		  const unsigned char *body, size_t size, struct verify_entry *entry)
{
	struct chunk_view view;
	struct pack_segment segment;
	bool is_records = verify->blocks.block.type == BLOCK_RECORDS;
	int error = chunk_view_open(&view, body, size), more = 0;
	while (!error && (more = chunk_view_next(&view, &segment)) == 1)
		if (is_records)
			check_position(verify, process, &segment);
	if (error || more || chunk_view_events(&view)) {
		verify_fault(verify, verify->blocks.from, "the head of this chunk is broken");
		return;
	}
	struct counted *counted = calloc(1, sizeof *counted);
	if (verify->raw_room < view.raw + DECODER_SLACK) {
		free(verify->raw);
		verify->raw_room = (size_t)view.raw + DECODER_SLACK;
		verify->raw = malloc(verify->raw_room);
	}
	if (!counted || !verify->raw) {
		verify->raw_room = verify->raw ? verify->raw_room : 0;
		verify->no_memory = true;
	} else {
		counted->low = UINT64_MAX;
		const char *wrong = check_records(verify, process, view, body, size, counted);
		if (wrong)
			verify_fault(verify, verify->blocks.from, "%s (%" PRIu64 " are good)",
				     wrong, counted->records);
		if (is_records)
			verify->nrecords += counted->records;
		size_t events = (size_t)(view.events_end - view.events);
		entry->entry.records = (uint32_t)counted->records;
		entry->entry.raw = (uint32_t)view.raw;
		entry->entry.events = events <= UINT16_MAX ? (uint16_t)events : 0;
		entry->entry.filter8 = (uint16_t)(view.filter_size / 8);
		entry->events_check = format_crc(0, view.events, entry->entry.events);
		entry->filter_check = format_crc(0, view.filter, view.filter_size);
	}
	free(counted);
}
