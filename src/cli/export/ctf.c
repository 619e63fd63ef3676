/* A trace of a process: a file for each of its threads, one for losses, and their description. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/export/ctf.h"

#define PACKET_SIZE (1u << 18)
/* What all threads may have waiting together; then everything is written. */
#define MAX_WAITING (96u << 20)
#define HEAD_SIZE   80u /* packet header and packet context */
#define MAX_LANES   64u

/* A file: its packets lie behind each other. */
struct ctf_stream {
	struct ctf_stream *next; /* in the bucket */
	uint32_t tid;
	uint64_t begin_ns;
	uint64_t end_ns;
	uint64_t packets;
	uint64_t discarded; /* so far */
	struct buffer packet;
};

struct ctf {
	struct export_job *job;
	struct ctf_encoder encoder;
	struct ctf_trace *traces;
	size_t ntraces;
	struct ctf_trace *trace; /* of the last record */
	size_t waiting;          /* capacity of all packets */
};

/* --- packets ------------------------------------------------------------------------------- */

static int append(const struct ctf *ctf, const struct ctf_trace *trace, const char *name,
		  struct buffer *content)
{
	char path[320];
	snprintf(path, sizeof path, "%s%s", trace->prefix, name);
	struct export_out out = {.buffer = *content};
	out.fd = openat(ctf->job->directory, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (out.fd < 0)
		return -errno;
	int error = export_out_flush(&out);
	if (close(out.fd) && !error)
		error = -errno;
	*content = out.buffer;
	return error;
}

static void put_bytes(char **to, const void *bytes, size_t size)
{
	memcpy(*to, bytes, size);
	*to += size;
}

static void put64(char **to, uint64_t value)
{
	put_bytes(to, &value, sizeof value);
}

static void put32(char **to, uint32_t value)
{
	put_bytes(to, &value, sizeof value);
}

static int begin_packet(struct ctf_stream *stream, uint64_t ns)
{
	char *at = buffer_reserve(&stream->packet, HEAD_SIZE);
	if (!at)
		return -ENOMEM;
	buffer_end(&stream->packet, at + HEAD_SIZE);
	stream->begin_ns = ns;
	return 0;
}

static int end_packet(struct ctf *ctf, const struct ctf_trace *trace, struct ctf_stream *stream,
		      uint32_t class, uint64_t instance, const char *name)
{
	const uint64_t *id = trace->origin->process.id;
	uint64_t big[2] = {__builtin_bswap64(id[0]), __builtin_bswap64(id[1])};
	char *at = stream->packet.data;
	put32(&at, 0xc1fc1fc1);
	put_bytes(&at, big, sizeof big);
	put32(&at, class);
	put64(&at, instance);
	put64(&at, stream->begin_ns);
	put64(&at, stream->end_ns);
	put64(&at, 8 * (uint64_t)stream->packet.size);
	put64(&at, 8 * (uint64_t)stream->packet.size);
	put64(&at, stream->packets++);
	put64(&at, stream->discarded);
	return append(ctf, trace, name, &stream->packet);
}

static int end_thread_packet(struct ctf *ctf, const struct ctf_trace *trace,
			     struct ctf_stream *stream)
{
	char name[32];
	if (!stream->packet.size)
		return 0;
	snprintf(name, sizeof name, "thread-%" PRIu32, stream->tid);
	return end_packet(ctf, trace, stream, CTF_THREADS, stream->tid, name);
}

/* --- threads ------------------------------------------------------------------------------- */

static size_t bucket_of(const struct ctf_trace *trace, uint32_t tid)
{
	return (size_t)(tid * 2654435761u) & (trace->nbuckets - 1);
}

static int grow(struct ctf_trace *trace)
{
	size_t nbuckets = trace->nbuckets, more = nbuckets ? 4 * nbuckets : 64;
	struct ctf_stream **old = trace->streams, *stream, *next;
	struct ctf_stream **streams = calloc(more, sizeof(struct ctf_stream *));
	if (!streams)
		return -ENOMEM;
	trace->streams = streams;
	trace->nbuckets = more;
	for (size_t i = 0; i < nbuckets; i++) {
		for (stream = old[i]; stream; stream = next) {
			size_t bucket = bucket_of(trace, stream->tid);
			next = stream->next;
			stream->next = streams[bucket];
			streams[bucket] = stream;
		}
	}
	free(old);
	return 0;
}

/* NULL: no memory. */
static struct ctf_stream *stream_of(struct ctf_trace *trace, uint32_t tid)
{
	struct ctf_stream *stream = NULL;
	if (trace->nbuckets)
		stream = trace->streams[bucket_of(trace, tid)];
	while (stream && stream->tid != tid)
		stream = stream->next;
	if (stream || (trace->nstreams >= trace->nbuckets && grow(trace)))
		return stream;
	stream = calloc(1, sizeof *stream);
	if (!stream)
		return NULL;
	stream->tid = tid;
	stream->next = trace->streams[bucket_of(trace, tid)];
	trace->streams[bucket_of(trace, tid)] = stream;
	trace->nstreams++;
	return stream;
}

/* Ends the packets of all threads, and gives their memory back. */
static int end_packets(struct ctf *ctf)
{
	int error = 0;
	for (size_t i = 0; i < ctf->ntraces; i++) {
		struct ctf_trace *trace = &ctf->traces[i];
		for (size_t bucket = 0; bucket < trace->nbuckets; bucket++) {
			struct ctf_stream *stream = trace->streams[bucket];
			for (; stream && !error; stream = stream->next) {
				error = end_thread_packet(ctf, trace, stream);
				buffer_free(&stream->packet);
				stream->packet = (struct buffer){0};
			}
		}
	}
	ctf->waiting = 0;
	return error;
}

/* --- losses -------------------------------------------------------------------------------- */

/*
 * A reader takes what a packet's count has grown by as lost between the end of the packet before
 * and its own end. So a loss is two packets without events: an empty time, and the time of the
 * loss. Losses whose times overlap are in different files, as long as these are not too many.
 */
struct lane {
	struct ctf_stream stream;
	struct dump_loss loss; /* not written yet; discarded: all of them */
};

static int by_time(const void *a, const void *b)
{
	const struct dump_loss *x = a, *y = b;
	if (x->from_ns != y->from_ns)
		return x->from_ns < y->from_ns ? -1 : 1;
	return x->to_ns < y->to_ns ? -1 : x->to_ns > y->to_ns;
}

static int write_loss(struct ctf *ctf, const struct ctf_trace *trace, struct lane *lane,
		      size_t index)
{
	struct ctf_stream *stream = &lane->stream;
	const struct dump_loss *loss = &lane->loss;
	char name[32];
	int error = 0;
	snprintf(name, sizeof name, "losses-%zu", index);
	for (int part = 0; part < 2 && !error; part++) {
		error = begin_packet(stream, loss->from_ns);
		stream->end_ns = part ? loss->to_ns : loss->from_ns;
		stream->discarded += part ? loss->discarded : 0;
		if (!error)
			error = end_packet(ctf, trace, stream, CTF_LOSSES,
					   ((uint64_t)1 << 32) + index, name);
	}
	return error;
}

/* The first that is free by then, else the one that will be first. */
static size_t choose_lane(const struct lane *lanes, uint64_t from_ns)
{
	size_t best = 0;
	for (size_t i = 0; i < MAX_LANES; i++) {
		if (lanes[i].loss.to_ns <= from_ns)
			return i;
		if (lanes[i].loss.to_ns < lanes[best].loss.to_ns)
			best = i;
	}
	return best;
}

static int write_losses(struct ctf *ctf, const struct ctf_trace *trace,
			const struct dump_loss *losses, size_t nlosses)
{
	struct lane *lanes = calloc(MAX_LANES, sizeof *lanes);
	int error = lanes ? 0 : -ENOMEM;
	for (size_t i = 0; i < nlosses && !error; i++) {
		size_t index = choose_lane(lanes, losses[i].from_ns);
		struct lane *lane = &lanes[index];
		if (lane->loss.discarded && lane->loss.to_ns > losses[i].from_ns) {
			/* One time around both. */
			if (lane->loss.to_ns < losses[i].to_ns)
				lane->loss.to_ns = losses[i].to_ns;
			lane->loss.discarded += losses[i].discarded;
			continue;
		}
		if (lane->loss.discarded)
			error = write_loss(ctf, trace, lane, index);
		lane->loss = losses[i];
	}
	for (size_t i = 0; lanes && i < MAX_LANES; i++) {
		if (lanes[i].loss.discarded && !error)
			error = write_loss(ctf, trace, &lanes[i], i);
		buffer_free(&lanes[i].stream.packet);
	}
	free(lanes);
	return error;
}

/* Those of a process, from all its files, of the same time as one. Returns how many; -ENOMEM. */
static int64_t gather_losses(const struct ctf *ctf, const struct ctf_trace *trace,
			     struct dump_loss **losses)
{
	struct dump_reader *reader = ctf->job->reader;
	size_t total = 0, count = 0;
	for (size_t i = 0; i < dump_file_count(reader); i++)
		total += dump_file(reader, i)->nlosses;
	*losses = calloc(total + 1, sizeof **losses);
	if (!*losses)
		return -ENOMEM;
	for (size_t i = 0; i < dump_file_count(reader); i++) {
		const struct dump_file *file = dump_file(reader, i);
		if (dump_origin(reader, file->origin) != trace->origin)
			continue;
		for (size_t k = 0; k < file->nlosses; k++) {
			struct dump_loss *loss = &(*losses)[count];
			*loss = file->losses[k];
			loss->discarded += loss->overwritten + loss->failed;
			count += loss->discarded != 0;
		}
	}
	qsort(*losses, count, sizeof **losses, by_time);
	size_t kept = 0;
	for (size_t i = 0; i < count; i++) {
		if (kept && by_time(&(*losses)[kept - 1], &(*losses)[i]) == 0)
			(*losses)[kept - 1].discarded += (*losses)[i].discarded;
		else
			(*losses)[kept++] = (*losses)[i];
	}
	return (int64_t)kept;
}

static int tell_losses(struct ctf *ctf, const struct ctf_trace *trace)
{
	struct dump_loss *losses;
	int64_t count = gather_losses(ctf, trace, &losses);
	int error = count < 0 ? (int)count : write_losses(ctf, trace, losses, (size_t)count);
	free(losses);
	return error;
}

/* --- the format ---------------------------------------------------------------------------- */

/* Several processes: a folder for each. */
static int name_trace(struct ctf *ctf, struct ctf_trace *trace)
{
	const struct dump_process *process = &trace->origin->process;
	char name[256];
	if (ctf->ntraces == 1) {
		trace->prefix = strdup("");
		return trace->prefix ? 0 : -ENOMEM;
	}
	int used = snprintf(name, sizeof name, "%.64s-%" PRIu32 "-%016" PRIx64 "/",
			    process->program, process->pid, process->id[0]);
	for (int i = 0; i < used - 1; i++)
		if (!isalnum((unsigned char)name[i]) && name[i] != '-')
			name[i] = '_';
	trace->prefix = strdup(name);
	if (!trace->prefix)
		return -ENOMEM;
	return mkdirat(ctf->job->directory, name, 0700) ? -errno : 0;
}

static int ctf_close(void *state, bool complete);

static int ctf_open(void **state, struct export_job *job)
{
	size_t ntraces = dump_origin_count(job->reader);
	struct ctf *ctf = calloc(1, sizeof *ctf);
	if (!ctf)
		return -ENOMEM;
	ctf->job = job;
	ctf_encoder_init(&ctf->encoder);
	ctf->traces = calloc(ntraces + 1, sizeof *ctf->traces);
	int error = ctf->traces ? 0 : -ENOMEM;
	ctf->ntraces = ctf->traces ? ntraces : 0;
	for (size_t i = 0; i < ctf->ntraces && !error; i++) {
		struct ctf_trace *trace = &ctf->traces[i];
		trace->origin = dump_origin(job->reader, i);
		trace->ncatalogs = trace->origin->catalogs.count;
		trace->shapes = calloc(trace->ncatalogs + 1u, sizeof(struct ctf_shape **));
		error = trace->shapes ? name_trace(ctf, trace) : -ENOMEM;
	}
	if (error) {
		ctf_close(ctf, false);
		return error;
	}
	*state = ctf;
	return 0;
}

static struct ctf_trace *trace_of(struct ctf *ctf, const struct dump_origin *origin)
{
	for (size_t i = 0; i < ctf->ntraces; i++)
		if (ctf->traces[i].origin == origin)
			return &ctf->traces[i];
	return NULL;
}

static int write_record(struct ctf *ctf, const struct rill_record *record,
			const struct rill_catalogs *catalogs)
{
	struct ctf_stream *stream = stream_of(ctf->trace, record->tid);
	if (!stream)
		return -ENOMEM;
	struct buffer *packet = &stream->packet;
	size_t before = packet->capacity;
	int error = packet->size ? 0 : begin_packet(stream, record->time_ns);
	if (!error)
		error = ctf_put_record(&ctf->encoder, ctf->trace, packet, record, catalogs);
	stream->end_ns = record->time_ns;
	ctf->waiting += packet->capacity - before;
	if (!error && packet->size >= PACKET_SIZE)
		error = end_thread_packet(ctf, ctf->trace, stream);
	return error || ctf->waiting < MAX_WAITING ? error : end_packets(ctf);
}

static int ctf_write(void *state, const struct rill_batch *batch)
{
	struct ctf *ctf = state;
	int error = 0;
	if (!ctf->trace || ctf->trace->origin != ctf->job->feed.origin)
		ctf->trace = trace_of(ctf, ctf->job->feed.origin);
	for (size_t i = 0; i < batch->count && !error; i++)
		if (batch->entries[i].record)
			error = write_record(ctf, batch->entries[i].record, &batch->catalogs);
	return error;
}

static int finish(struct ctf *ctf)
{
	struct buffer text = {0};
	int error = end_packets(ctf);
	for (size_t i = 0; i < ctf->ntraces && !error; i++) {
		buffer_clear(&text);
		error = tell_losses(ctf, &ctf->traces[i]);
		ctf_put_metadata(&text, &ctf->traces[i]);
		if (!error)
			error = append(ctf, &ctf->traces[i], "metadata", &text);
	}
	buffer_free(&text);
	return error;
}

static void free_trace(struct ctf_trace *trace)
{
	struct ctf_stream *next;
	for (size_t bucket = 0; bucket < trace->nbuckets; bucket++) {
		for (struct ctf_stream *stream = trace->streams[bucket]; stream; stream = next) {
			next = stream->next;
			buffer_free(&stream->packet);
			free(stream);
		}
	}
	ctf_free_shapes(trace);
	free(trace->streams);
	free(trace->prefix);
}

static int ctf_close(void *state, bool complete)
{
	struct ctf *ctf = state;
	int error = complete ? finish(ctf) : 0;
	for (size_t i = 0; i < ctf->ntraces; i++)
		free_trace(&ctf->traces[i]);
	free(ctf->traces);
	ctf_encoder_free(&ctf->encoder);
	free(ctf);
	return error;
}

const struct export_format export_ctf = {
	.name = "ctf",
	.brief = "Common Trace Format 1.8, a directory: babeltrace2, Trace Compass",
	.directory = true,
	.open = ctf_open,
	.write = ctf_write,
	.close = ctf_close,
};
