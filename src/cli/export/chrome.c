/* The trace event format of chrome://tracing. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/export/export.h"
#include "sink/json_value.h"

/* Ids of flows that have begun; one that was pushed out begins again. A power of two. */
#define FLOWS (1u << 18)
/* Rows of spans have numbers that no thread has. */
#define FIRST_ROW 1000000000u
/* The same for processes whose number another one has. */
#define FIRST_PID 1000000000u
#define ROOM_HEAD (8 * ROOM_NUMBER)

/* Where spans of one kind are shown: in a row no two overlap. */
struct row {
	uint64_t end_ns; /* of its last span */
	uint32_t tid;
};

/* Those of one kind, as a heap: the row that is free first is at the top. */
struct rows {
	struct rows *next;
	const struct rill_catalog_span *span;
	struct row *heap;
	size_t count;
	size_t capacity;
};

struct chrome_process {
	const struct dump_origin *origin;
	uint32_t pid; /* as it is written */
	bool named;
	struct rows *rows;
};

struct chrome {
	struct export_job *job;
	struct json json;
	struct chrome_process *processes;
	size_t nprocesses;
	struct chrome_process *process; /* of the batch */
	uint32_t nrows;
	uint64_t base_ns;
	bool started;
	uint64_t *flows;
};

/* --- pieces -------------------------------------------------------------------------------- */

static void make(void *context, struct buffer *to, const struct rill_catalog *catalog,
		 enum piece_kind kind, uint16_t id)
{
	(void)context;
	if (kind == PIECE_KEY) {
		json_key(to, catalog, id);
	} else if (kind == PIECE_EVENT) {
		const struct rill_catalog_event *event = &catalog->events[id];
		const char *subsystem = event->subsystem < catalog->nsubsystems
						? catalog->subsystems[event->subsystem]
						: "";
		buffer_text(to, "{\"ph\":\"i\",\"s\":\"t\",\"name\":");
		json_text(to, event->name);
		buffer_text(to, ",\"cat\":");
		json_text(to, subsystem);
		to->size--; /* its quote */
		buffer_char(to, ',');
		buffer_text(to, level_name(event->level));
		buffer_text(to, "\",\"pid\":");
	} else {
		buffer_text(to, "{\"ph\":\"X\",\"cat\":\"span\",\"name\":");
		json_text(to, catalog->spans[id].name);
		buffer_text(to, ",\"pid\":");
	}
}

/* Microseconds with three decimals. */
static char *put_us(char *at, uint64_t ns)
{
	at = write_u64(at, ns / 1000);
	*at++ = '.';
	*at++ = (char)('0' + ns / 100 % 10);
	*at++ = (char)('0' + ns / 10 % 10);
	*at++ = (char)('0' + ns % 10);
	return at;
}

/* Since the beginning of the trace. A span may have begun before what is exported. */
static char *put_time(const struct chrome *chrome, char *at, uint64_t ns)
{
	if (ns >= chrome->base_ns)
		return put_us(at, ns - chrome->base_ns);
	*at++ = '-';
	return put_us(at, chrome->base_ns - ns);
}

/* Members of args. first: what stands there already. */
static char *put_items(struct chrome *chrome, struct buffer *to, char *at,
		       const struct rill_catalog *catalog, const struct rill_item *items,
		       size_t count)
{
	struct json *json = &chrome->json;
	buffer_clear(&json->notes.path);
	struct json_mark mark = json_notes_begin(json);
	at = buffer_more(to, at, ROOM_MEMBER);
	for (size_t i = 0; at && i < count; i++)
		at = json_member(json, to, at, catalog, &items[i], items);
	if (!at)
		return NULL;
	buffer_end(to, at);
	if (json->notes.types.size > mark.types || json->notes.raw.size > mark.raw ||
	    json->notes.cut.size > mark.cut) {
		json_field(to, "#notes");
		buffer_char(to, '{');
		json_notes_end(json, to, mark);
		buffer_char(to, '}');
	} else {
		json_notes_end(json, to, mark);
	}
	return buffer_reserve(to, ROOM_HEAD + ROOM_MEMBER);
}

/* --- head ---------------------------------------------------------------------------------- */

/* All that comes later is no earlier, unless only a part is exported: then spans may have begun at
 * any time. */
static uint64_t find_base(const struct chrome *chrome, const struct rill_entry *first)
{
	uint64_t ns = first->record ? first->record->time_ns : first->span->start_ns;
	for (size_t i = 0; chrome->job->selecting && i < chrome->nprocesses; i++)
		if (chrome->processes[i].origin->process.start_ns < ns)
			ns = chrome->processes[i].origin->process.start_ns;
	return ns;
}

static void put_start(struct chrome *chrome, uint64_t ns)
{
	struct buffer *to = &chrome->job->out.buffer;
	struct zone utc = {0};
	chrome->base_ns = ns;
	chrome->started = true;
	buffer_text(to, "{\"displayTimeUnit\":\"ns\",\"otherData\":{\"product\":\"rill\","
			"\"start\":\"");
	render_time(to, ns, &utc);
	buffer_text(to, "\",\"start_ns\":");
	json_u64(to, ns);
	/* A first element, so that each of the others has a comma before it. */
	buffer_text(to, "},\"traceEvents\":[\n{\"ph\":\"M\",\"name\":\"trace\",\"pid\":0,"
			"\"args\":{}}");
}

static void name_row(struct chrome *chrome, const char *what, uint32_t tid, const char *name,
		     uint32_t number)
{
	struct buffer *to = &chrome->job->out.buffer;
	buffer_text(to, ",\n{\"ph\":\"M\",\"name\":\"");
	buffer_text(to, what);
	buffer_text(to, "\",\"pid\":");
	render_u64(to, chrome->process->pid);
	buffer_text(to, ",\"tid\":");
	render_u64(to, tid);
	buffer_text(to, ",\"args\":{\"name\":");
	json_text(to, name);
	to->size -= !to->broken; /* its quote */
	buffer_char(to, ' ');
	render_u64(to, number);
	buffer_text(to, "\"}}");
}

static int name_process(struct chrome *chrome)
{
	struct chrome_process *process = chrome->process;
	const struct dump_process *of = &process->origin->process;
	process->named = true;
	name_row(chrome, "process_name", of->pid, of->program, of->pid);
	return chrome->job->out.buffer.broken ? -ENOMEM : 0;
}

/* --- flows --------------------------------------------------------------------------------- */

static char *put_flow(struct chrome *chrome, struct buffer *to, char *at,
		      const struct rill_record *record, const struct rill_catalog_key *key,
		      uint64_t id)
{
	uint64_t *place = &chrome->flows[id & (FLOWS - 1)];
	size_t length = strlen(key->name);
	at = buffer_more(to, at, ROOM_HEAD + length);
	if (!at)
		return NULL;
	at = *place == id ? write_literal(at, ",\n{\"ph\":\"t\",\"cat\":\"flow\",\"name\":\"")
			  : write_literal(at, ",\n{\"ph\":\"s\",\"cat\":\"flow\",\"name\":\"");
	*place = id;
	at = write_constant(at, key->name, length);
	at = write_hex64(write_literal(at, "\",\"id\":\"0x"), id);
	at = write_literal(at, "\",\"pid\":");
	at = write_thread(&chrome->json.pieces, at, chrome->process->pid, record->tid);
	at = put_time(chrome, write_literal(at, ",\"ts\":"), record->time_ns);
	return write_literal(at, "}");
}

/* Behind the event, which they lead from and to. */
static char *put_flows(struct chrome *chrome, struct buffer *to, char *at,
		       const struct rill_record *record)
{
	for (size_t i = 0; at && i < record->nitems; i++) {
		uint64_t id;
		if (export_flow(&id, chrome->process->origin, record->catalog, record->items, i))
			at = put_flow(chrome, to, at, record,
				      &record->catalog->keys[record->items[i].key], id);
	}
	return at;
}

/* --- events and spans ---------------------------------------------------------------------- */

static int put_record(struct chrome *chrome, const struct rill_record *record)
{
	struct buffer *to = &chrome->job->out.buffer;
	char *at = buffer_reserve(to, ROOM_HEAD);
	at = at ? json_piece(&chrome->json, to, write_literal(at, ",\n"), record->catalog,
			     PIECE_EVENT, record->event_id, ROOM_HEAD)
		: NULL;
	if (!at)
		return -ENOMEM;
	at = write_thread(&chrome->json.pieces, at, chrome->process->pid, record->tid);
	at = put_time(chrome, write_literal(at, ",\"ts\":"), record->time_ns);
	at = write_literal(at, ",\"args\":{");
	if (record->span) {
		at = write_hex64(write_literal(at, "\"span#id\":\""), record->span->id);
		at = write_literal(at, "\"");
	}
	at = put_items(chrome, to, at, record->catalog, record->items, record->nitems);
	at = at ? put_flows(chrome, to, write_literal(at, "}}"), record) : NULL;
	if (!at)
		return -ENOMEM;
	buffer_end(to, at);
	return 0;
}

static void move_down(struct rows *rows)
{
	size_t at = 0;
	for (;;) {
		size_t least = at;
		for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < rows->count; child++)
			if (rows->heap[child].end_ns < rows->heap[least].end_ns)
				least = child;
		if (least == at)
			return;
		struct row row = rows->heap[at];
		rows->heap[at] = rows->heap[least];
		rows->heap[least] = row;
		at = least;
	}
}

static void move_up(struct rows *rows, size_t at)
{
	struct row row = rows->heap[at];
	for (; at && rows->heap[(at - 1) / 2].end_ns > row.end_ns; at = (at - 1) / 2)
		rows->heap[at] = rows->heap[(at - 1) / 2];
	rows->heap[at] = row;
}

static struct rows *rows_of(struct chrome_process *process, const struct rill_catalog_span *span)
{
	struct rows **place = &process->rows;
	while (*place && (*place)->span != span)
		place = &(*place)->next;
	if (!*place && (*place = calloc(1, sizeof **place)))
		(*place)->span = span;
	return *place;
}

/* In a row spans come in order: it is free from the end of its last one on. 0: no memory. */
static uint32_t take_row(struct chrome *chrome, const struct rill_span *span)
{
	struct rows *rows = rows_of(chrome->process, span->span);
	if (!rows)
		return 0;
	if (rows->count && rows->heap[0].end_ns <= span->start_ns) {
		uint32_t tid = rows->heap[0].tid;
		rows->heap[0].end_ns = span->end_ns;
		move_down(rows);
		return tid;
	}
	if (rows->count == rows->capacity) {
		size_t capacity = rows->capacity ? 2 * rows->capacity : 16;
		struct row *larger = realloc(rows->heap, capacity * sizeof *larger);
		if (!larger)
			return 0;
		rows->heap = larger;
		rows->capacity = capacity;
	}
	uint32_t tid = FIRST_ROW + chrome->nrows++;
	rows->heap[rows->count] = (struct row){span->end_ns, tid};
	move_up(rows, rows->count++);
	name_row(chrome, "thread_name", tid, span->span->name, (uint32_t)rows->count);
	return tid;
}

static char *put_span_ids(char *at, const struct rill_span *span)
{
	at = write_hex64(write_literal(at, "\"span#id\":\""), span->id);
	if (span->parent_id)
		at = write_hex64(write_literal(at, "\",\"span#parent\":\""), span->parent_id);
	at = write_hex64(write_literal(at, "\",\"span#trace\":\""), span->trace_id[0]);
	at = write_hex64(at, span->trace_id[1]);
	at = write_u64(write_literal(at, "\",\"span#events\":\""), span->nevents);
	if (span->state == RILL_SPAN_ABANDONED)
		at = write_literal(at, "\",\"span#state\":\"abandoned");
	else if (span->state == RILL_SPAN_HEADLESS)
		at = write_literal(at, "\",\"span#state\":\"headless");
	return write_literal(at, "\"");
}

static int put_span(struct chrome *chrome, const struct rill_span *span)
{
	struct buffer *to = &chrome->job->out.buffer;
	uint32_t tid = take_row(chrome, span);
	char *at = tid ? buffer_reserve(to, ROOM_HEAD) : NULL;
	at = at ? json_piece(&chrome->json, to, write_literal(at, ",\n"), span->catalog, PIECE_SPAN,
			     (uint16_t)(span->span - span->catalog->spans), ROOM_HEAD)
		: NULL;
	if (!at)
		return -ENOMEM;
	at = write_thread(&chrome->json.pieces, at, chrome->process->pid, tid);
	at = put_time(chrome, write_literal(at, ",\"ts\":"), span->start_ns);
	at = put_us(write_literal(at, ",\"dur\":"), span->end_ns - span->start_ns);
	at = put_span_ids(write_literal(at, ",\"args\":{"), span);
	at = put_items(chrome, to, at, span->catalog, span->start_items, span->nstart_items);
	if (at && span->nend_items) {
		at = write_literal(at, ",\"end\":{");
		at = put_items(chrome, to, at, span->catalog, span->end_items, span->nend_items);
		at = at ? write_literal(at, "}") : NULL;
	}
	if (!at)
		return -ENOMEM;
	buffer_end(to, write_literal(at, "}}"));
	return 0;
}

/* --- the format ---------------------------------------------------------------------------- */

static void number_processes(struct chrome *chrome)
{
	for (size_t i = 0; i < chrome->nprocesses; i++) {
		struct chrome_process *process = &chrome->processes[i];
		process->origin = dump_origin(chrome->job->reader, i);
		process->pid = process->origin->process.pid;
		for (size_t k = 0; k < i; k++)
			if (chrome->processes[k].pid == process->pid)
				process->pid = FIRST_PID + (uint32_t)i;
	}
}

static int chrome_open(void **state, struct export_job *job)
{
	struct chrome *chrome = calloc(1, sizeof *chrome);
	if (!chrome)
		return -ENOMEM;
	chrome->job = job;
	chrome->nprocesses = dump_origin_count(job->reader);
	chrome->processes = calloc(chrome->nprocesses + 1, sizeof *chrome->processes);
	chrome->flows = calloc(FLOWS, sizeof *chrome->flows);
	if (!chrome->processes || !chrome->flows) {
		free(chrome->processes);
		free(chrome->flows);
		free(chrome);
		return -ENOMEM;
	}
	chrome->json.pieces = (struct pieces){.make = make, .between = ",\"tid\":"};
	number_processes(chrome);
	*state = chrome;
	return 0;
}

static int chrome_write(void *state, const struct rill_batch *batch)
{
	struct chrome *chrome = state;
	int error = 0;
	chrome->json.catalogs = &batch->catalogs;
	if (!chrome->started && batch->count)
		put_start(chrome, find_base(chrome, &batch->entries[0]));
	if (!chrome->process || chrome->process->origin != chrome->job->feed.origin)
		for (size_t i = 0; i < chrome->nprocesses; i++)
			if (chrome->processes[i].origin == chrome->job->feed.origin)
				chrome->process = &chrome->processes[i];
	if (!chrome->process)
		return -EINVAL;
	if (!chrome->process->named)
		error = name_process(chrome);
	for (size_t i = 0; i < batch->count && !error; i++) {
		const struct rill_entry *entry = &batch->entries[i];
		error = entry->record ? put_record(chrome, entry->record)
				      : put_span(chrome, entry->span);
		if (!error)
			error = export_out_drain(&chrome->job->out);
	}
	return error;
}

static int chrome_close(void *state, bool complete)
{
	struct chrome *chrome = state;
	if (complete && !chrome->started)
		put_start(chrome, 0);
	if (complete)
		buffer_text(&chrome->job->out.buffer, "\n]}\n");
	for (size_t i = 0; i < chrome->nprocesses; i++) {
		while (chrome->processes[i].rows) {
			struct rows *rows = chrome->processes[i].rows;
			chrome->processes[i].rows = rows->next;
			free(rows->heap);
			free(rows);
		}
	}
	free(chrome->processes);
	free(chrome->flows);
	json_free(&chrome->json);
	free(chrome);
	return 0;
}

const struct export_format export_chrome = {
	.name = "chrome",
	.brief = "Chrome's trace event JSON: chrome://tracing, speedscope",
	.open = chrome_open,
	.write = chrome_write,
	.close = chrome_close,
};
