/* The parts of `rill spans`. */
#ifndef RILL_CLI_SPANS_H
#define RILL_CLI_SPANS_H

#include "cli/select.h"

#define SPAN_VALUE_SIZE 40u

enum { SPAN_OPEN_AT_END = RILL_SPAN_HEADLESS + 1, SPAN_STATES };

/* What is printed of a span, and nothing else of it. */
struct span_row {
	uint64_t duration_ns;
	uint64_t start_ns;
	uint64_t nevents;
	uint64_t id;
	uint64_t parent_id;
	uint64_t trace_id[2];
	const char *name; /* in the reader's catalog */
	const char *key;  /* or NULL */
	const struct dump_origin *origin;
	uint32_t state; /* enum rill_span_state, or SPAN_OPEN_AT_END */
	uint8_t level;  /* of its start event */
	char value[SPAN_VALUE_SIZE];
};

struct span_options {
	const char *name;            /* glob */
	struct selection *selection; /* a span's id, predicates and times */
	bool open;                   /* only those that are open at the end */
	bool by_start;               /* else the slowest first */
	bool waterfall;
	bool ascii;
	bool color;
	size_t limit; /* of spans, or of traces */
	char *const *paths;
	size_t npaths;
};

/* By enum rill_span_state, and SPAN_OPEN_AT_END. */
extern const char *const span_states[SPAN_STATES];

uint32_t span_state(const struct feed *feed, const struct rill_span *span);
/* Opens the dumps that the options name. NULL: *code, with a message. feed: that will run them. */
struct dump_reader *span_open(const struct span_options *options, const struct feed *feed,
			      int *code);
/* Whether it is asked for. */
bool span_is_chosen(const struct span_options *options, const struct feed *feed,
		    const struct rill_span *span);
void span_row_make(struct span_row *row, const struct feed *feed, const struct rill_span *span);
#define SPAN_KEY_SIZE (SPAN_VALUE_SIZE + 64u)
/* "id=7", or "-". Returns its columns. */
size_t span_key_text(char *to, size_t size, const struct span_row *row);
/* "named x*", or nothing: what was asked for and is not there. */
int span_none(const struct span_options *options);

/* An exit code. */
int spans_list(const struct span_options *options);
/* As a tree, or a waterfall: the traces that the chosen spans are in. */
int spans_tree(const struct span_options *options);

#endif
