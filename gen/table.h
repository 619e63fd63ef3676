/* The tables of a page, as plain text by cell: what the Markdown says, before anybody asks what it
 * means. */
#ifndef GEN_TABLE_H
#define GEN_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "arena.h"
#include "report.h"
#include "text.h"

struct table_row {
	size_t line;
	const char **cells; /* ncolumns of them */
	size_t written;     /* how many cells the row has as written; the parser hides it */
};

struct table {
	const char *heading; /* of the `##` section that it stands in */
	size_t heading_line;
	size_t line; /* of the header row */
	size_t ncolumns;
	const char **columns;
	struct table_row *rows;
	size_t nrows;
};

struct tables {
	struct table *items;
	size_t count;
};

/* Reads the page's Markdown into `tables`, which is zeroed. False when something that is a table in
 * appearance can't be read as one: rows may be missing then. */
bool tables_read(struct tables *tables, const struct text *t, const char *path, struct arena *a,
		 struct report *r);

#endif
