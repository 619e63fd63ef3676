/* What the sinks that write lines share: a batch is rendered into one buffer and handed to the out
 * in large pieces. */
#ifndef RILL_SINK_LINES_H
#define RILL_SINK_LINES_H

#include "sink/buffer.h"
#include "sink/out.h"
#include "sink/spec.h"

#define LINES_MAX 512u

struct lines {
	struct out *out;
	struct buffer text;
	struct out_line ends[LINES_MAX];
};

/* Appends the entry's line, newline included, to the buffer. */
typedef void render_entry(void *state, struct buffer *to, const struct rill_entry *entry,
			  const struct rill_catalogs *catalogs);

/* Opens spec->target; takes the option `queue` out of the spec. */
int lines_open(struct lines *lines, struct spec *spec, const struct rill_sink_owner *owner,
	       char *error, size_t error_size);
int lines_write(struct lines *lines, const struct rill_batch *batch, render_entry *render,
		void *state, size_t *taken);
void lines_close(struct lines *lines);
void lines_forget(struct lines *lines);

#endif
