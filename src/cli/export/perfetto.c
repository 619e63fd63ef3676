/* A track for each thread, with its events; a track for each span, with a slice. */
#include "cli/export/perfetto.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/export/protobuf.h"

/* Numbers of fields, by message (protos/perfetto/trace in Perfetto's repository). */
enum {
	TRACE_PACKET = 1,

	PACKET_CLOCKS = 6,
	PACKET_TIME = 8,
	PACKET_SEQUENCE = 10,
	PACKET_EVENT = 11,
	PACKET_INTERNED = 12,
	PACKET_FLAGS = 13,
	PACKET_TRACK = 60,

	CLOCKS_CLOCK = 1,
	CLOCKS_PRIMARY = 2,
	CLOCK_ID = 1,
	CLOCK_TIME = 2,

	TRACK_UUID = 1,
	TRACK_NAME = 2,
	TRACK_PROCESS = 3,
	TRACK_THREAD = 4,
	TRACK_PARENT = 5,
	PROCESS_PID = 1,
	PROCESS_NAME = 6,
	THREAD_PID = 1,
	THREAD_TID = 2,

	EVENT_CATEGORY_ID = 3,
	EVENT_ANNOTATION = 4,
	EVENT_TYPE = 9,
	EVENT_NAME_ID = 10,
	EVENT_TRACK = 11,
	EVENT_LOG = 21,
	EVENT_CATEGORY = 22,
	EVENT_NAME = 23,
	EVENT_FLOW = 47,
	LOG_BODY_ID = 2,
	LOG_PRIORITY = 3,

	INTERNED_CATEGORY = 1,
	INTERNED_NAME = 2,
	INTERNED_BODY = 20,
	INTERNED_ID = 1,
	INTERNED_TEXT = 2,
};

enum { SLICE_BEGIN = 1, SLICE_END = 2, INSTANT = 3 };
enum { REALTIME = 1, BOOTTIME = 6 }; /* the second is what trace_processor counts in */
enum { STATE_CLEARED = 1, NEEDS_STATE = 2 };

#define SEQUENCE 1u
/* What numbers and heads of a packet take. */
#define ROOM_PACKET 256u

/* --- packets ------------------------------------------------------------------------------- */

/* Where the messages begin that a packet ends with. */
struct packet {
	struct buffer *to;
	size_t packet;
	size_t inner;
};

static char *begin_packet(struct perfetto *perfetto, struct packet *packet, size_t room)
{
	struct buffer *to = packet->to = &perfetto->job->out.buffer;
	char *at = buffer_reserve(to, room + ROOM_PACKET);
	if (!at)
		return NULL;
	at = pb_begin(at, TRACE_PACKET);
	packet->packet = (size_t)(at - to->data);
	at = pb_number(at, PACKET_SEQUENCE, SEQUENCE);
	at = pb_number(at, PACKET_FLAGS, perfetto->started ? NEEDS_STATE : STATE_CLEARED);
	perfetto->started = true;
	return at;
}

static char *begin_inner(struct packet *packet, char *at, unsigned field)
{
	at = pb_begin(at, field);
	packet->inner = (size_t)(at - packet->to->data);
	return at;
}

/* at: NULL, there was no memory. */
static int end_packet(struct packet *packet, char *at)
{
	if (!at)
		return -ENOMEM;
	pb_end(packet->to->data + packet->inner, at);
	pb_end(packet->to->data + packet->packet, at);
	buffer_end(packet->to, at);
	return 0;
}

static char *put_string(struct buffer *to, char *at, unsigned field, const char *text)
{
	size_t size = strlen(text);
	at = buffer_more(to, at, size + ROOM_PACKET);
	if (!at)
		return NULL;
	at = pb_head(at, field, size);
	memcpy(at, text, size);
	return at + size;
}

/* Times are those of the real clock, and so that a viewer knows it, both clocks show the same. */
static int put_clocks(struct perfetto *perfetto, uint64_t ns)
{
	static const unsigned clocks[] = {BOOTTIME, REALTIME};
	struct packet packet;
	char *at = begin_packet(perfetto, &packet, 0);
	if (!at)
		return -ENOMEM;
	at = begin_inner(&packet, at, PACKET_CLOCKS);
	for (size_t i = 0; i < 2; i++) {
		char *clock = pb_begin(at, CLOCKS_CLOCK);
		at = pb_number(clock, CLOCK_ID, clocks[i]);
		at = pb_number(at, CLOCK_TIME, ns);
		pb_end(clock, at);
	}
	at = pb_number(at, CLOCKS_PRIMARY, BOOTTIME);
	return end_packet(&packet, at);
}

/* --- tracks -------------------------------------------------------------------------------- */

static int put_track(struct perfetto *perfetto, uint64_t uuid, uint64_t parent, const char *name,
		     uint32_t pid, const uint32_t *tid)
{
	struct packet packet;
	char *at = begin_packet(perfetto, &packet, strlen(name)), *inner;
	if (!at)
		return -ENOMEM;
	at = begin_inner(&packet, at, PACKET_TRACK);
	at = pb_number(at, TRACK_UUID, uuid);
	if (parent)
		at = pb_number(at, TRACK_PARENT, parent);
	if (tid) {
		inner = pb_begin(at, TRACK_THREAD);
		at = pb_number(pb_number(inner, THREAD_PID, pid), THREAD_TID, *tid);
		pb_end(inner, at);
	} else if (pid) {
		inner = pb_begin(at, TRACK_PROCESS);
		/* The buffer may move. */
		size_t content = (size_t)(inner - packet.to->data);
		at = pb_number(inner, PROCESS_PID, pid);
		at = put_string(packet.to, at, PROCESS_NAME, name);
		if (at)
			pb_end(packet.to->data + content, at);
	} else {
		at = put_string(packet.to, at, TRACK_NAME, name);
	}
	return end_packet(&packet, at);
}

static int grow(struct perfetto *perfetto)
{
	size_t size = perfetto->described_size ? 2 * perfetto->described_size : 1024;
	uint64_t *larger = calloc(size, sizeof *larger);
	if (!larger)
		return -ENOMEM;
	for (size_t i = 0; i < perfetto->described_size; i++) {
		uint64_t uuid = perfetto->described[i];
		size_t at = uuid & (size - 1);
		while (uuid && larger[at])
			at = (at + 1) & (size - 1);
		if (uuid)
			larger[at] = uuid;
	}
	free(perfetto->described);
	perfetto->described = larger;
	perfetto->described_size = size;
	return 0;
}

/* *found: it was there before. */
static int remember(struct perfetto *perfetto, uint64_t uuid, bool *found)
{
	if (2 * perfetto->ndescribed >= perfetto->described_size && grow(perfetto))
		return -ENOMEM;
	size_t mask = perfetto->described_size - 1, at = uuid & mask;
	while (perfetto->described[at] && perfetto->described[at] != uuid)
		at = (at + 1) & mask;
	*found = perfetto->described[at] != 0;
	perfetto->ndescribed += !*found;
	perfetto->described[at] = uuid;
	return 0;
}

static int describe_process(struct perfetto *perfetto, uint64_t *uuid)
{
	const struct dump_origin *origin = perfetto->job->feed.origin;
	bool found;
	*uuid = export_process_id(origin);
	int error = remember(perfetto, *uuid, &found);
	return error || found ? error
			      : put_track(perfetto, *uuid, 0, origin->process.program,
					  origin->process.pid, NULL);
}

static int describe_thread(struct perfetto *perfetto, uint32_t tid, uint64_t *uuid)
{
	uint64_t process = export_process_id(perfetto->job->feed.origin), thread;
	bool found;
	thread = export_mix(process, tid) | 1;
	*uuid = thread;
	if (thread == perfetto->last_thread)
		return 0;
	int error = describe_process(perfetto, &process);
	error = error ? error : remember(perfetto, thread, &found);
	if (!error && !found)
		error = put_track(perfetto, thread, process, "",
				  perfetto->job->feed.origin->process.pid, &tid);
	perfetto->last_thread = thread;
	return error;
}

/*
 * Each once, when it is over: which span is around it may change until then. The one around it is
 * described later, which readers mind as little as times that go back; but they mind one that is
 * never described, as it may be when not everything is exported.
 */
static int describe_span(struct perfetto *perfetto, const struct rill_span *span)
{
	uint64_t parent;
	int error = describe_process(perfetto, &parent);
	if (span->parent_id && !perfetto->job->selecting)
		parent = span->parent_id;
	return error ? error : put_track(perfetto, span->id, parent, span->span->name, 0, NULL);
}

/* --- flows --------------------------------------------------------------------------------- */

static char *put_flows(struct perfetto *perfetto, struct buffer *to, char *at,
		       const struct rill_record *record)
{
	for (size_t i = 0; at && i < record->nitems; i++) {
		uint64_t id;
		if (!export_flow(&id, perfetto->job->feed.origin, record->catalog, record->items,
				 i))
			continue;
		at = buffer_more(to, at, ROOM_PACKET);
		at = at ? pb_fixed64(at, EVENT_FLOW, id) : NULL;
	}
	return at;
}

/* --- events -------------------------------------------------------------------------------- */

static struct perfetto_names *names_of(struct perfetto *perfetto,
				       const struct rill_catalog *catalog)
{
	struct perfetto_names **place = &perfetto->names, *names;
	while (*place && (*place)->catalog != catalog)
		place = &(*place)->next;
	names = *place;
	if (names)
		*place = names->next;
	else
		names = calloc(1, sizeof *names + catalog->nevents * sizeof(uint32_t));
	if (!names)
		return NULL;
	names->catalog = catalog;
	names->next = perfetto->names;
	return perfetto->names = names;
}

static char *put_interned(struct packet *packet, char *at, unsigned field, uint32_t id,
			  const char *text)
{
	at = at ? buffer_more(packet->to, at, ROOM_PACKET) : NULL;
	if (!at)
		return NULL;
	at = pb_begin(at, field);
	size_t content = (size_t)(at - packet->to->data);
	at = put_string(packet->to, pb_number(at, INTERNED_ID, id), INTERNED_TEXT, text);
	if (at)
		pb_end(packet->to->data + content, at);
	return at;
}

/* The number under which an event's name, text and subsystem have been written. 0: no memory. */
static uint32_t intern(struct perfetto *perfetto, const struct rill_record *record)
{
	const struct rill_catalog *catalog = record->catalog;
	struct perfetto_names *names = perfetto->names;
	if (!names || names->catalog != catalog)
		names = names_of(perfetto, catalog);
	if (!names || names->events[record->event_id])
		return names ? names->events[record->event_id] : 0;
	struct packet packet;
	uint32_t id = ++perfetto->interned;
	uint16_t subsystem = record->event->subsystem;
	char *at = begin_packet(perfetto, &packet, 0);
	if (!at)
		return 0;
	at = begin_inner(&packet, at, PACKET_INTERNED);
	at = put_interned(&packet, at, INTERNED_NAME, id, record->event->name);
	at = put_interned(&packet, at, INTERNED_BODY, id, record->event->brief);
	at = put_interned(&packet, at, INTERNED_CATEGORY, id,
			  subsystem < catalog->nsubsystems ? catalog->subsystems[subsystem] : "");
	if (end_packet(&packet, at))
		return 0;
	return names->events[record->event_id] = id;
}

static int put_record(struct perfetto *perfetto, const struct rill_record *record)
{
	uint64_t track;
	struct packet packet;
	uint32_t id = intern(perfetto, record);
	int error = id ? describe_thread(perfetto, record->tid, &track) : -ENOMEM;
	char *at = error ? NULL : begin_packet(perfetto, &packet, 0), *inner;
	if (!at)
		return -ENOMEM;
	at = pb_number(at, PACKET_TIME, record->time_ns);
	at = begin_inner(&packet, at, PACKET_EVENT);
	at = pb_number(at, EVENT_TYPE, INSTANT);
	at = pb_number(at, EVENT_TRACK, track);
	at = pb_number(at, EVENT_NAME_ID, id);
	at = pb_number(at, EVENT_CATEGORY_ID, id);
	inner = pb_begin(at, EVENT_LOG);
	/* Verbose, debug, info, warning, error: from 2 on. */
	at = pb_number(pb_number(inner, LOG_BODY_ID, id), LOG_PRIORITY, 2u + record->event->level);
	pb_end(inner, at);
	at = put_flows(perfetto, packet.to, at, record);
	if (record->span && at) {
		char digits[17];
		*write_hex64(digits, record->span->id) = 0;
		at = perfetto_put_text(packet.to, at, EVENT_ANNOTATION, "span#id", digits);
	}
	if (at)
		at = perfetto_put_items(perfetto, packet.to, at, EVENT_ANNOTATION, record->catalog,
					record->items, record->nitems);
	return end_packet(&packet, at);
}

/* --- spans --------------------------------------------------------------------------------- */

static char *put_span_ids(struct packet *packet, char *at, const struct rill_span *span)
{
	static const char *const states[] = {
		[RILL_SPAN_ABANDONED] = "abandoned",
		[RILL_SPAN_HEADLESS] = "headless",
	};
	struct buffer *to = packet->to;
	char digits[33];
	*write_hex64(digits, span->id) = 0;
	at = perfetto_put_text(to, at, EVENT_ANNOTATION, "span#id", digits);
	if (span->parent_id && at) {
		*write_hex64(digits, span->parent_id) = 0;
		at = perfetto_put_text(to, at, EVENT_ANNOTATION, "span#parent", digits);
	}
	*write_hex64(write_hex64(digits, span->trace_id[0]), span->trace_id[1]) = 0;
	at = at ? perfetto_put_text(to, at, EVENT_ANNOTATION, "span#trace", digits) : NULL;
	at = at ? perfetto_put_number(to, at, EVENT_ANNOTATION, "span#events", span->nevents)
		: NULL;
	if (at && span->state != RILL_SPAN_ENDED)
		at = perfetto_put_text(to, at, EVENT_ANNOTATION, "span#state", states[span->state]);
	return at;
}

static char *begin_slice(struct perfetto *perfetto, struct packet *packet, uint64_t ns,
			 unsigned type, uint64_t track)
{
	char *at = begin_packet(perfetto, packet, 0);
	if (!at)
		return NULL;
	at = begin_inner(packet, pb_number(at, PACKET_TIME, ns), PACKET_EVENT);
	return pb_number(pb_number(at, EVENT_TYPE, type), EVENT_TRACK, track);
}

static int put_span(struct perfetto *perfetto, const struct rill_span *span)
{
	struct packet packet;
	int error = describe_span(perfetto, span);
	char *at = error ? NULL
			 : begin_slice(perfetto, &packet, span->start_ns, SLICE_BEGIN, span->id);
	at = at ? put_string(packet.to, at, EVENT_NAME, span->span->name) : NULL;
	at = at ? put_string(packet.to, at, EVENT_CATEGORY, "span") : NULL;
	at = at ? put_span_ids(&packet, at, span) : NULL;
	at = at ? perfetto_put_items(perfetto, packet.to, at, EVENT_ANNOTATION, span->catalog,
				     span->start_items, span->nstart_items)
		: NULL;
	if (!at || end_packet(&packet, at))
		return -ENOMEM;
	at = begin_slice(perfetto, &packet, span->end_ns, SLICE_END, span->id);
	if (at && span->nend_items)
		at = perfetto_put_dictionary(perfetto, packet.to, at, EVENT_ANNOTATION, "end",
					     span->catalog, span->end_items, span->nend_items);
	return at ? end_packet(&packet, at) : -ENOMEM;
}

/* --- the format ---------------------------------------------------------------------------- */

static int perfetto_open(void **state, struct export_job *job)
{
	struct perfetto *perfetto = calloc(1, sizeof *perfetto);
	if (!perfetto)
		return -ENOMEM;
	perfetto->job = job;
	perfetto->json.pieces.make = export_make_key;
	*state = perfetto;
	return 0;
}

static int perfetto_write(void *state, const struct rill_batch *batch)
{
	struct perfetto *perfetto = state;
	int error = 0;
	perfetto->json.catalogs = &batch->catalogs;
	for (size_t i = 0; i < batch->count && !error; i++) {
		const struct rill_entry *entry = &batch->entries[i];
		uint64_t ns = entry->record ? entry->record->time_ns : entry->span->start_ns;
		if (!perfetto->started)
			error = put_clocks(perfetto, ns);
		if (!error)
			error = entry->record ? put_record(perfetto, entry->record)
					      : put_span(perfetto, entry->span);
		if (!error)
			error = export_out_drain(&perfetto->job->out);
	}
	return error;
}

static int perfetto_close(void *state, bool complete)
{
	struct perfetto *perfetto = state;
	(void)complete;
	while (perfetto->names) {
		struct perfetto_names *names = perfetto->names;
		perfetto->names = names->next;
		free(names);
	}
	free(perfetto->described);
	json_free(&perfetto->json);
	buffer_free(&perfetto->text);
	free(perfetto);
	return 0;
}

const struct export_format export_perfetto = {
	.name = "perfetto",
	.brief = "Perfetto's protobuf: ui.perfetto.dev, trace_processor",
	.open = perfetto_open,
	.write = perfetto_write,
	.close = perfetto_close,
};
