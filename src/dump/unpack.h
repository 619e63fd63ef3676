/* The decoder of packed chunks. It trusts no byte. */
#ifndef RILL_DUMP_UNPACK_H
#define RILL_DUMP_UNPACK_H

#include <rill/catalog.h>

#include "dump/pack.h"

/* A chunk's body, of which `end` may be where the file was cut. */
struct chunk_view {
	const unsigned char *at;
	const unsigned char *end;
	uint64_t nsegments;
	uint64_t control_bytes;
	uint64_t first; /* ticks of its first record */
	uint64_t raw;   /* bytes of the segments seen */
	uint64_t seen;
	/* After chunk_view_events(). */
	const unsigned char *events; /* pairs of varints */
	const unsigned char *events_end;
	const unsigned char *filter;
	uint32_t nevents;
	uint32_t filter_size;
};

/* 0; -EBADMSG. */
int chunk_view_open(struct chunk_view *view, const unsigned char *body, uint64_t available);
/* The next segment. 1; 0: no more; -EBADMSG. */
int chunk_view_next(struct chunk_view *view, struct pack_segment *segment);

/* What stands behind the segments: events and filter. 0: what follows is records; -EBADMSG. */
int chunk_view_events(struct chunk_view *view);

struct decoder;

/* Behind the records that are decoded there is room for this. */
#define DECODER_SLACK 16u

struct decoder *decoder_new(void); /* NULL: no memory */
void decoder_free(struct decoder *decoder);
/*
 * Decodes a chunk to `raw`, which has room for `room` bytes and slack. *whole: how many bytes of
 * records that are whole. 0: all; -EBADMSG: not all, or its segments need more room: a
 * file may have changed since it was scanned; -ENOMEM.
 */
int decoder_run(struct decoder *decoder, const unsigned char *body, uint64_t available,
		unsigned char *raw, uint64_t room, uint64_t *whole);
/* Whether each record of that chunk has an event and keys that its catalog has, and values that
 * decode. False: nobody knows. */
bool decoder_vouches(const struct decoder *decoder, const struct rill_catalogs *catalogs);

#endif
