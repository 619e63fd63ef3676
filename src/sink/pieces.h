/*
 * Pieces of lines that are the same in every line of an event, key or span: made once, copied from
 * then on. They are found by catalog, which must live as long as its pieces (<rill/sink.h>).
 */
#ifndef RILL_SINK_PIECES_H
#define RILL_SINK_PIECES_H

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

/* Of one catalog; `bytes` NULL: not made yet. */
struct catalog_pieces {
	const struct rill_catalog *catalog;
	struct catalog_pieces *next;
	struct piece *pieces[PIECE_KINDS];
};

#define PIECES_BUCKETS 64u

struct pieces {
	make_piece *make;
	void *context;
	struct catalog_pieces *last; /* asked for */
	struct catalog_pieces *buckets[PIECES_BUCKETS];
	struct arena arena;
	struct buffer scratch;
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

#endif
