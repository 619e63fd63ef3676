#include "table.h"

#include <cmark-gfm-core-extensions.h>
#include <cmark-gfm.h>
#include <string.h>

#include "buffer.h"
#include "limit.h"
#include "utf8.h"

struct reader {
	const struct text *text;
	const char *path;
	struct arena *arena;
	struct report *report;
	struct tables *tables;
	const char *heading; /* of the section; NULL before the first */
	size_t heading_line;
	bool complete;
};

static bool is(cmark_node *node, const char *type)
{
	return strcmp(cmark_node_get_type_string(node), type) == 0;
}

/* HTML comments are invisible on the web; any other HTML has no plain text. */
static bool is_comment(const char *html)
{
	return strncmp(html, "<!--", 4) == 0;
}

/* The text of a cell or heading: what a reader of the page sees, without its typography. */
static const char *plain_text(struct reader *rd, cmark_node *node, size_t line)
{
	struct buffer b = {0};
	cmark_iter *it = cmark_iter_new(node);
	const char *refusal = NULL, *text, *end;

	while (cmark_iter_next(it) != CMARK_EVENT_DONE) {
		cmark_node *n = cmark_iter_get_node(it);
		cmark_node_type type = cmark_node_get_type(n);

		if (type == CMARK_NODE_TEXT || type == CMARK_NODE_CODE)
			buffer_puts(&b, cmark_node_get_literal(n));
		else if (type == CMARK_NODE_SOFTBREAK || type == CMARK_NODE_LINEBREAK)
			buffer_puts(&b, " ");
		else if (type == CMARK_NODE_HTML_INLINE && !is_comment(cmark_node_get_literal(n)))
			refusal = "HTML, which has no plain text; write \\< for a plain <";
	}
	cmark_iter_free(it);
	for (size_t i = 0, step; i < b.size && !refusal; i += step) {
		uint32_t c = 0;

		step = utf8_decode(b.data + i, b.size - i, &c);
		if (step == 0 || c == '\n') /* an entity can stand for either */
			refusal = "a character reference that is no character of text; remove it";
		else
			refusal = utf8_refusal(c);
		if (c == '\t')
			b.data[i] = ' ';
	}
	if (refusal)
		report_error(rd->report, rd->path, line, "the text has %s", refusal);
	text = b.data ? b.data : "";
	end = text + strlen(text);
	while (*text == ' ')
		text++;
	while (end > text && end[-1] == ' ')
		end--;
	text = arena_copy(rd->arena, text, (size_t)(end - text));
	buffer_free(&b);
	return text;
}

/* Where the header row stands: two lines above the first row. cmark's own number for it is that of
 * the paragraph above, when no blank line parts the two; a table without rows ends with its second
 * line. */
static size_t header_line(cmark_node *table, cmark_node *header)
{
	cmark_node *first = cmark_node_next(header);
	int line =
		first ? cmark_node_get_start_line(first) - 2 : cmark_node_get_end_line(table) - 1;

	return line > 0 ? (size_t)line : 1;
}

static const char **read_cells(struct reader *rd, cmark_node *row, size_t count, size_t line)
{
	const char **cells = arena_alloc(rd->arena, (count + 1) * sizeof(*cells));
	cmark_node *cell = cmark_node_first_child(row);

	for (size_t i = 0; i < count; i++) {
		cells[i] = cell ? plain_text(rd, cell, line) : "";
		cell = cell ? cmark_node_next(cell) : NULL;
	}
	return cells;
}

static void read_row(struct reader *rd, struct table *t, cmark_node *row)
{
	size_t line = (size_t)cmark_node_get_start_line(row), length;
	const char *source = text_line(rd->text, line, &length);

	t->rows = arena_grow(rd->arena, t->rows, t->nrows, sizeof(*t->rows));
	t->rows[t->nrows++] = (struct table_row){
		.line = line,
		.cells = read_cells(rd, row, t->ncolumns, line),
		.written = text_count_cells(source, length),
	};
}

static void read_table(struct reader *rd, cmark_node *node)
{
	cmark_node *row = cmark_node_first_child(node);
	struct table *t;
	size_t line = header_line(node, row);

	if (!rd->heading) {
		rd->complete = false;
		report_error(rd->report, rd->path, line,
			     "the table stands under no heading; put it under `## ` and a "
			     "subsystem's name, or under `## Keys` or `## Spans`");
		return;
	}
	rd->tables->items = arena_grow(rd->arena, rd->tables->items, rd->tables->count,
				       sizeof(*rd->tables->items));
	t = &rd->tables->items[rd->tables->count++];
	*t = (struct table){
		.heading = rd->heading,
		.heading_line = rd->heading_line,
		.line = line,
		.ncolumns = cmark_gfm_extensions_get_table_columns(node),
	};
	t->columns = read_cells(rd, row, t->ncolumns, line);
	while ((row = cmark_node_next(row)))
		read_row(rd, t, row);
}

static void read_heading(struct reader *rd, cmark_node *node)
{
	int level = cmark_node_get_heading_level(node);

	if (level > 2)
		return;
	rd->heading_line = (size_t)cmark_node_get_start_line(node);
	rd->heading = level == 2 ? plain_text(rd, node, rd->heading_line) : NULL;
}

/* Lines that begin like a row but belong to no table: their table lacks its head, has a second line
 * with another number of columns, or was ended by a blank line. Silently losing them is no choice.
 */
static void check_paragraph(struct reader *rd, cmark_node *node)
{
	size_t last = (size_t)cmark_node_get_end_line(node);

	for (size_t line = (size_t)cmark_node_get_start_line(node); line <= last; line++) {
		size_t length, skip = 0;
		const char *s = text_line(rd->text, line, &length);

		while (skip < length && skip < 3 && s[skip] == ' ')
			skip++;
		if (skip == length || s[skip] != '|')
			continue;
		rd->complete = false;
		report_error(rd->report, rd->path, line,
			     "a row outside of a table: a table begins with a row of column names "
			     "and a row of --- with as many cells, and ends at a blank line");
		return; /* once for all the rows that follow */
	}
}

/* Tables in lists and quotes are tables to a reader of the page. */
static void refuse_inner_tables(struct reader *rd, cmark_node *block)
{
	cmark_iter *it = cmark_iter_new(block);
	cmark_event_type event;

	while ((event = cmark_iter_next(it)) != CMARK_EVENT_DONE) {
		cmark_node *n = cmark_iter_get_node(it);

		if (event != CMARK_EVENT_ENTER || !is(n, "table"))
			continue;
		rd->complete = false;
		report_error(rd->report, rd->path, (size_t)cmark_node_get_start_line(n),
			     "the table stands in a list or quotation; move it to the left margin");
	}
	cmark_iter_free(it);
}

static void read_block(struct reader *rd, cmark_node *n)
{
	if (is(n, "table")) {
		read_table(rd, n);
	} else if (cmark_node_get_type(n) == CMARK_NODE_HEADING) {
		read_heading(rd, n);
	} else if (cmark_node_get_type(n) == CMARK_NODE_PARAGRAPH) {
		check_paragraph(rd, n);
	} else {
		refuse_inner_tables(rd, n);
	}
}

bool tables_read(struct tables *tables, const struct text *t, const char *path, struct arena *a,
		 struct report *r)
{
	struct reader rd = {t, path, a, r, tables, NULL, 0, true};
	cmark_parser *parser;
	cmark_node *document;

	cmark_gfm_core_extensions_ensure_registered();
	parser = cmark_parser_new(CMARK_OPT_DEFAULT);
	cmark_parser_attach_syntax_extension(parser, cmark_find_syntax_extension("table"));
	limit_start(path);
	cmark_parser_feed(parser, t->data, t->size);
	document = cmark_parser_finish(parser);
	limit_stop();
	for (cmark_node *n = cmark_node_first_child(document); n; n = cmark_node_next(n))
		read_block(&rd, n);
	cmark_node_free(document);
	cmark_parser_free(parser);
	return rd.complete;
}
