/*
 * The spans that are open, as far as the dumps hold their starts: what a dump repeats where its
 * reader may begin, and what spans lasted. Not the tracker, which follows every record for live
 * outputs: this one sees only those that start or end spans, in the order in which they are
 * written, and keeps their bytes. One for each process; not thread-safe.
 */
#ifndef RILL_COLLECT_OPEN_H
#define RILL_COLLECT_OPEN_H

#include "collect/line.h"
#include "dump/dump.h"

#define OPEN_MAX_BYTES (16u << 20)
/* Ends whose starts have not been seen: another ring's are written later. */
#define OPEN_MAX_EARLY 8192u

struct open_spans;

struct open_ended {
	uint64_t ns;
	uint32_t files; /* those in which the end stands: a bit each */
	uint16_t span;
	uint8_t catalog;
	bool headless; /* no start is known */
};

struct open_options {
	uint32_t max_spans;
	uint64_t seed;
	/* Called with each span that is over. */
	void (*ended)(void *context, const struct open_ended *ended);
	void *context;
};

/* catalogs: borrowed, may grow. NULL: no memory. */
struct open_spans *open_new(const struct open_options *options,
			    const struct rill_catalogs *catalogs);
void open_free(struct open_spans *open);

/* Whether records of an event start or end spans. */
bool open_watches(struct open_spans *open, uint8_t catalog, uint16_t event);
/* Follows such a record, which has been written to `files`. */
void open_follow(struct open_spans *open, const struct dump_watched *watched,
		 const struct line *line, uint32_t files);
/* No start of an end in this file (a bit) comes any more: those that lack theirs are headless. */
void open_settle(struct open_spans *open, uint32_t file);

size_t open_count(const struct open_spans *open);
/* Bytes of their starts. */
uint64_t open_bytes(const struct open_spans *open);
/* Writes the starts of all that are open. */
int open_put(struct open_spans *open, struct dump_writer *writer);
/* Writes a point of the line; before: the one that was written last, or NULL. */
int open_put_point(struct dump_writer *writer, const struct line_point *point,
		   const struct line_point *before);
/* Writes the points of the line by which the times of those starts are known, and its last few. */
int open_put_clock(const struct open_spans *open, struct dump_writer *writer,
		   const struct line *line);

#endif
