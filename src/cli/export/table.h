/*
 * Events and spans as the rows of two tables, whose columns are the same for every row: what JSON
 * lines and CSV have in common. docs/export.md describes the columns.
 */
#ifndef RILL_CLI_EXPORT_TABLE_H
#define RILL_CLI_EXPORT_TABLE_H

#include "cli/export/export.h"
#include "sink/json_value.h"

/* --- which keys occur: survey.c ------------------------------------------------------------ */

struct survey_key {
	char *name;
	bool span; /* in events that start or end spans */
};

struct survey {
	struct survey_key *keys; /* by name */
	size_t nkeys;
};

/* Reads what the job reads, once. */
int survey_make(struct survey *survey, const struct export_job *job);
void survey_free(struct survey *survey);

/* --- columns and rows: table.c ------------------------------------------------------------- */

enum column_kind {
	COLUMN_TEXT, /* what has several types as well */
	COLUMN_BOOL,
	COLUMN_INTEGER, /* durations and points in time too: nanoseconds */
	COLUMN_FLOAT,
};

/* Of a key: the same one in all catalogs that have a key of this name. */
struct column {
	const char *key; /* the survey's */
	char *name;      /* the key's, and behind it as many _ as make it the only one */
	unsigned types;  /* enum rill_type_set, of all catalogs */
	enum column_kind kind;
	char *field; /* the format's own: what stands before a value; or NULL */
	size_t field_size;
};

#define NO_COLUMN   UINT16_MAX
#define MAX_COLUMNS 4096u /* keys beyond stand in the notes */

struct table_catalog {
	const struct rill_catalog *catalog;
	struct table_catalog *next;
	uint16_t columns[]; /* by key */
};

#define TABLE_BUCKETS 64u

struct table {
	const char *const *fixed; /* names of the columns before those, NULL at the end */
	struct column *columns;   /* in the order of their names */
	size_t ncolumns;
	struct table_catalog *buckets[TABLE_BUCKETS];
	struct table_catalog *last;
	/* of the row that is being made */
	struct json json;
	struct json_mark mark;
	bool exact;              /* the notes have begun an object of exact values */
	struct buffer notes;     /* as JSON: what the columns cannot say; empty: nothing */
	struct buffer inherited; /* as JSON */
	struct buffer value;     /* scratch */
};

/* An item in its column. */
struct cell {
	const struct column *column;
	const struct rill_item *item;
};

#define TABLE_CELLS   (2 * RILL_MAX_ITEMS)
#define INHERITED_MAX 64u

struct row {
	struct cell cells[TABLE_CELLS];
	size_t ncells;
};

extern const char *const event_columns[];
extern const char *const span_columns[];

/* fixed: one of those two. */
int table_open(struct table *table, const struct dump_reader *reader, const struct survey *survey,
	       const char *const *fixed);
void table_close(struct table *table);

/* Which items stand in which column. Everything else goes to the notes. */
void table_record(struct table *table, struct row *row, const struct rill_batch *batch,
		  const struct rill_record *record);
/* The keys of both its ends: what the end says counts. */
void table_span(struct table *table, struct row *row, const struct rill_batch *batch,
		const struct rill_span *span);
/* For a value that its column can't show as it is. */
void table_note_exact(struct table *table, const struct rill_catalog *catalog,
		      const struct cell *cell);
/* After the row's values were written: table->notes is whole. False: no memory. */
bool table_row_end(struct table *table);

/* The value as text, in table->value; strings are not among them. */
void table_text(struct table *table, const struct cell *cell);
/* A type that the column does not tell. Where strings may stand, what is not noted is one. */
static inline bool cell_is_typed(const struct cell *cell)
{
	unsigned types = cell->column->types & ~(unsigned)RILL_SET_NONE,
		 type = 1u << cell->item->type;
	return types != type && !(type == RILL_SET_STRING && (types & RILL_SET_STRING));
}

const char *table_state(const struct rill_span *span);
/* "2026-01-31 23:59:59.123456": what DuckDB and ClickHouse know by themselves. */
char *table_time(char *to, uint64_t ns, struct zone *zone);

#endif
