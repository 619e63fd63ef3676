/* A page as clean text: checked byte by byte, without byte-order mark and carriage returns, by
 * line. */
#ifndef GEN_TEXT_H
#define GEN_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "arena.h"
#include "report.h"

/* Bounds of a page, so that no page takes rill-gen minutes or gigabytes. */
#define PAGE_MAX_BYTES      ((size_t)8 << 20)
#define PAGE_MAX_LINES      ((size_t)100000)
#define PAGE_MAX_LINE_BYTES ((size_t)64 << 10)
#define PAGE_MAX_COLUMNS    8

struct text {
	char *data;
	size_t size;
	size_t *starts; /* of each line in data; one more than there are lines */
	size_t nlines;
};

/* Every line that can't stand on a page is an error in the report. */
bool text_read(struct text *t, const char *path, struct arena *a, struct report *r);

/* A line without its line feed; lines count from 1. */
const char *text_line(const struct text *t, size_t line, size_t *length);

/* How many cells a table's row has as written. (GFM drops those that the header has no column for,
 * and fills up those that are missing: both are mistakes that the parsed table no longer shows.) */
size_t text_count_cells(const char *line, size_t length);

#endif
