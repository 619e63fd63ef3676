/* What a chunk says of itself before its records. */
#include <errno.h>

#include "dump/filter.h"
#include "dump/unpack.h"

#define MAX_EVENT 0xffffffu /* catalog and event */

static bool get_varint(struct chunk_view *view, uint64_t *value)
{
	*value = 0;
	for (uint32_t shift = 0; shift < 64 && view->at < view->end; shift += 7) {
		unsigned char byte = *view->at++;
		*value |= (uint64_t)(byte & 127) << shift;
		if (byte < 128)
			return true;
	}
	return false;
}

int chunk_view_open(struct chunk_view *view, const unsigned char *body, uint64_t available)
{
	*view = (struct chunk_view){.at = body, .end = body + available};
	if (!get_varint(view, &view->nsegments) || !get_varint(view, &view->control_bytes) ||
	    view->nsegments > PACK_MAX_SEGMENTS || view->end - view->at < 8)
		return -EBADMSG;
	view->first = pack_get64(view->at);
	view->at += 8;
	return 0;
}

int chunk_view_next(struct chunk_view *view, struct pack_segment *segment)
{
	uint64_t tid, words, records, first, below, above;
	if (view->seen == view->nsegments)
		return 0;
	view->seen++;
	if (!get_varint(view, &segment->ring) || !get_varint(view, &tid) ||
	    !get_varint(view, &segment->from) || !get_varint(view, &words) ||
	    !get_varint(view, &records) || !get_varint(view, &first) || !get_varint(view, &below) ||
	    !get_varint(view, &above))
		return -EBADMSG;
	segment->tid = (uint32_t)tid;
	segment->size = 8 * words;
	segment->records = records >> 1;
	segment->sorted = records & 1;
	segment->first = view->first + unzigzag(first);
	segment->low = segment->first - below;
	segment->high = segment->first + above;
	/* A record takes two words at least. */
	if (words > PACK_MAX_RAW / 8 || segment->size > PACK_MAX_RAW - view->raw ||
	    segment->records == 0 || segment->records > words / 2 ||
	    segment->from + segment->size < segment->from)
		return -EBADMSG;
	view->raw += segment->size;
	return 1;
}

int chunk_view_events(struct chunk_view *view)
{
	uint64_t count, event, records, last = 0, filter;
	if (!get_varint(view, &count) || count > PACK_MAX_SHAPES)
		return -EBADMSG;
	view->nevents = (uint32_t)count;
	view->events = view->at;
	for (uint64_t i = 0; i < count; i++) {
		if (!get_varint(view, &event) || !get_varint(view, &records) ||
		    event > MAX_EVENT - last || (i && event == 0))
			return -EBADMSG;
		last += event;
	}
	view->events_end = view->at;
	if (!get_varint(view, &filter) || !filter_size_valid(filter) ||
	    filter > (size_t)(view->end - view->at))
		return -EBADMSG;
	view->filter = view->at;
	view->filter_size = (uint32_t)filter;
	view->at += filter;
	return 0;
}
