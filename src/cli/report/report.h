/*
 * `rill report`: a dump is read twice. The first pass counts everything (the model), and after it
 * the head of the page and its summary are written; the second writes the details, block by block.
 * So the page shows its overview before the browser has read the rest, and memory holds neither
 * events nor spans.
 */
#ifndef RILL_CLI_REPORT_REPORT_H
#define RILL_CLI_REPORT_REPORT_H

#include <stdio.h>

#include "cli/cli.h"
#include "cli/histogram.h"

/* --- counts over time: series.c -------------------------------------------------------------- */

#define SERIES_BINS 2048u
#define SERIES_MAX  2048u /* of events that have their own */

struct series {
	uint64_t bins[SERIES_BINS];
};

/* All series have the same bins, which grow as time goes on. */
struct timeline {
	uint64_t start_ns;
	unsigned width_bits; /* a bin is 2^width_bits nanoseconds */
	bool begun;
	struct series **series;
	size_t nseries;
	struct series *others[RILL_OFF]; /* by level, of those beyond SERIES_MAX */
};

/* NULL: no memory. */
struct series *timeline_series(struct timeline *timeline, unsigned level);
/* The bin of this time; makes the bins wider when there is none for it. */
size_t timeline_bin(struct timeline *timeline, uint64_t ns);
void timeline_free(struct timeline *timeline);

#define REPORT_HISTOGRAM_BYTES ((size_t)64 << 20)

/* --- what is counted: model.c ---------------------------------------------------------------- */

struct report_event {
	struct dump_count counts; /* what the traced processes counted; `written` is unused */
	uint64_t count;
	struct series *series;
	struct histogram *latency; /* of its key `elapsed` */
};

struct report_span {
	uint64_t states[RILL_SPAN_HEADLESS + 1];
	uint64_t open; /* at the end */
	struct histogram latency;
};

struct report_catalog {
	const struct rill_catalog *catalog; /* of the pass's reader */
	char *name;
	uint64_t hash;
	uint32_t first_event, first_key, first_span; /* in the page's tables */
	uint16_t nevents, nkeys, nspans;
	uint16_t elapsed; /* key, or RILL_NO_KEY */
};

struct report_process {
	struct dump_process process;
	uint64_t count;
	uint64_t first_ns;
	uint64_t last_ns;
	uint64_t late;
};

struct report_thread {
	uint32_t process; /* index */
	uint32_t tid;
	uint64_t count;
};

#define REPORT_THREADS 65536u /* more are shown as one */

/* One of the slowest spans. */
struct slow_span {
	uint64_t duration_ns;
	uint64_t id;
	uint64_t nevents;
};

#define SLOW_SPANS 512u /* of one type */

struct slow_spans {
	struct slow_span spans[SLOW_SPANS]; /* a heap: the fastest first */
	size_t count;
};

/* Which catalog, process or thread the pass saw last. */
struct report_seen {
	const struct rill_catalog *catalog;
	const struct report_catalog *found;
	const struct dump_origin *origin;
	uint32_t process;
};

struct model {
	struct report_catalog *catalogs;
	size_t ncatalogs;
	struct report_event *events;
	size_t nevents;
	struct report_span *spans;
	struct slow_spans **slow; /* by span type; made when needed */
	size_t nspans;
	size_t nkeys;
	struct report_process *processes;
	size_t nprocesses;
	struct report_thread *threads;
	size_t nthreads;
	uint32_t *thread_table; /* index + 1 */
	struct timeline timeline;
	size_t histogram_bytes; /* that histograms may still take */
	uint64_t total;         /* events */
	uint64_t urgent;        /* of them, of level warn or error */
	uint64_t total_spans;   /* over, and open at the end */
	uint64_t first_ns;
	uint64_t last_ns;
	uint64_t values_cut;
	uint64_t bad_records;
	struct report_seen seen;
	bool no_memory;
};

/* Learns the reader's catalogs, processes and counts. -ENOMEM. */
int model_begin(struct model *model, const struct dump_reader *reader);
/* The catalogs are another reader's from now on. */
void model_second_pass(struct model *model, const struct dump_reader *reader);
void model_add_record(struct model *model, const struct dump_origin *origin,
		      const struct rill_record *record);
void model_add_span(struct model *model, const struct rill_span *span, bool ending);
/* NULL: it is none of those that model_begin() saw. */
const struct report_catalog *model_catalog(struct model *model, const struct rill_catalog *catalog);
/* UINT32_MAX: likewise. */
uint32_t model_process(struct model *model, const struct dump_origin *origin);
uint32_t model_thread(struct model *model, uint32_t process, uint32_t tid);
void model_free(struct model *model);

/* --- sets of span ids: ids.c ----------------------------------------------------------------- */

struct span_number {
	uint64_t id; /* 0: free */
	uint32_t number;
	uint32_t level; /* highest of its events */
};

struct span_numbers {
	struct span_number *slots;
	size_t capacity; /* a power of two */
	size_t count;
};

struct span_number *numbers_find(const struct span_numbers *numbers, uint64_t id);
/* Finds or adds. NULL: no memory. */
struct span_number *numbers_get(struct span_numbers *numbers, uint64_t id);
void numbers_remove(struct span_numbers *numbers, struct span_number *number);
void numbers_free(struct span_numbers *numbers);

/* --- which details the page holds: choose.c --------------------------------------------------- */

struct choice {
	bool all;
	uint64_t limit;
	uint64_t total;         /* events */
	uint64_t sample_budget; /* events */
	uint64_t urgent_budget;
	uint64_t sample_below;    /* hashes of what belongs to the sample */
	uint64_t urgent_below;    /* of what is urgent */
	struct span_numbers slow; /* numbers are not used */
	/* what was taken */
	uint64_t seen;
	uint64_t of_slow, of_urgent, of_sample;
};

/* -ENOMEM. */
int choice_make(struct choice *choice, const struct model *model, uint64_t limit);
bool choice_has_record(struct choice *choice, const struct rill_record *record);
bool choice_has_span(const struct choice *choice, const struct rill_span *span);
void choice_free(struct choice *choice);

/* --- writing: block.c, detail.c, item.c, summary.c, page.S ------------------------------------ */

/* A part of a block: numbers or text, one behind the other. */
struct column {
	unsigned char *bytes;
	size_t size;
	size_t capacity;
	bool broken; /* no memory */
};

void column_number(struct column *column, uint64_t value); /* LEB128 */
void column_signed(struct column *column, int64_t value);  /* zigzag */
void column_bytes(struct column *column, const void *bytes, size_t size);
void column_text(struct column *column, const char *text);
/* Writes the columns, each behind its length of 4 bytes, as a data block of this name: deflated, in
 * base64. Empties them. 0; -ENOMEM; what failed in `out` is asked with ferror(). */
int block_write(FILE *out, const char *name, uint64_t number, struct column *columns,
		size_t ncolumns);

/* "12u25": a key of the page's table, a type, a value as it is shown; the next one behind \x1f.
 * What could break lines or drive a terminal is escaped. */
void item_write(struct column *to, const struct report_catalog *catalog,
		const struct rill_catalogs *catalogs, const struct rill_item *item, size_t max);

struct detail;
/* NULL: no memory. */
struct detail *detail_new(FILE *out, struct model *model, struct choice *choice);
void detail_add_record(struct detail *detail, const struct dump_origin *origin,
		       const struct rill_record *record);
void detail_add_span(struct detail *detail, const struct dump_origin *origin,
		     const struct rill_span *span, bool ending);
/* The span is over: after detail_add_span(), if that was called at all. */
void detail_forget_span(struct detail *detail, const struct rill_span *span);
/* Writes what is left and the index of all blocks. 0; -ENOMEM. */
int detail_end(struct detail *detail);
void detail_free(struct detail *detail);

/* A string as JSON, that can stand within a script element. */
void json_string(FILE *out, const char *text);
void summary_write(FILE *out, struct model *model, const struct choice *choice,
		   const struct dump_reader *reader, const char *selected);

/* The page up to its summary, and what follows that: its script. */
extern const char report_head[], report_script[];
extern const uint64_t report_head_size, report_script_size;

#endif
