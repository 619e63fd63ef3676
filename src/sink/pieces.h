/*
 * Pieces of lines that are the same in every line of an event, key or span: made once, copied from
 * then on. They are found by catalog, which must live as long as its pieces (<rill/sink.h>).
 */
#ifndef RILL_SINK_PIECES_H
#define RILL_SINK_PIECES_H

#include <string.h>

#include <rill/sink.h>

#include "dump/arena.h"
#include "sink/buffer.h"

/* write_blocks() may read behind its end. */
struct piece {
	const char *bytes;
	size_t size;
};

enum piece_kind { PIECE_EVENT, PIECE_KEY, PIECE_SPAN, PIECE_KINDS };

/* Appends a piece. */
typedef void make_piece(void *context, struct buffer *to, const struct rill_catalog *catalog,
			enum piece_kind kind, uint16_t id);

#define THREAD_ROOM 36u

/* Of one catalog; `bytes` NULL: not made yet. */
struct catalog_pieces {
	const struct rill_catalog *catalog;
	struct catalog_pieces *next;
	struct piece *pieces[PIECE_KINDS];
};

#define PIECES_BUCKETS 64u

/* Process and thread, as they stand in every line of the thread: "PID/TID". */
struct thread_piece {
	uint32_t pid;
	uint32_t tid;
	uint32_t size;
	char bytes[THREAD_ROOM];
};

#define PIECES_THREADS 64u /* a power of two */

struct pieces {
	make_piece *make;
	void *context;
	const char *between;         /* process and thread */
	struct catalog_pieces *last; /* asked for */
	struct catalog_pieces *buckets[PIECES_BUCKETS];
	struct arena arena;
	struct buffer scratch;
	struct thread_piece threads[PIECES_THREADS];
};

/* NULL: no memory. */
struct catalog_pieces *pieces_find(struct pieces *pieces, const struct rill_catalog *catalog);
const struct piece *pieces_make(struct pieces *pieces, struct catalog_pieces *of,
				enum piece_kind kind, uint16_t id);
void pieces_free(struct pieces *pieces);

static inline struct catalog_pieces *pieces_of(struct pieces *pieces,
					       const struct rill_catalog *catalog)
{
	if (pieces->last && pieces->last->catalog == catalog)
		return pieces->last;
	return pieces_find(pieces, catalog);
}

/* id: one that the catalog has. NULL: no memory. */
static inline const struct piece *piece_of(struct pieces *pieces, struct catalog_pieces *of,
					   enum piece_kind kind, uint16_t id)
{
	const struct piece *piece = &of->pieces[kind][id];
	return piece->bytes ? piece : pieces_make(pieces, of, kind, id);
}

void thread_piece_make(struct thread_piece *piece, const char *between, uint32_t pid, uint32_t tid);

/* Writes THREAD_ROOM bytes at most. */
static inline char *write_thread(struct pieces *pieces, char *to, uint32_t pid, uint32_t tid)
{
	/* Threads of a process have neighbouring numbers. */
	struct thread_piece *piece = &pieces->threads[tid % PIECES_THREADS];
	if (piece->tid != tid || piece->pid != pid || !piece->size)
		thread_piece_make(piece, pieces->between, pid, tid);
	memcpy(to, piece->bytes, THREAD_ROOM);
	return to + piece->size;
}

#endif
