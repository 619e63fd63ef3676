#include "read.h"

#include <string.h>

#include "table.h"
#include "text.h"
#include "types.h"

#define MAX_KIND_COLUMNS 6

enum { EVENT, LEVEL, SHORT, LONG, KEYS, LOSS };
enum { KEY, TYPE, DESCRIPTION, LINK, PRIVACY };
enum { SPAN, START, END, SPAN_KEY };

/* A kind of table. The first `required` columns must be there, with text in every cell. */
struct kind {
	const char *what;
	const char *columns[MAX_KIND_COLUMNS];
	size_t ncolumns;
	size_t required;
};

static const struct kind events_kind = {
	"events", {"Event", "Level", "Short", "Long", "Keys", "Loss"}, 6, 4};
static const struct kind keys_kind = {
	"keys", {"Key", "Type", "Description", "Link", "Privacy"}, 5, 3};
static const struct kind spans_kind = {"spans", {"Span", "Start", "End", "Key"}, 4, 4};

struct reader {
	struct page *page;
	struct arena *arena;
	struct report *report;
	const struct kind *kind;
	size_t at[MAX_KIND_COLUMNS]; /* where each column of the kind stands; MAP_NONE: nowhere */
	size_t subsystem;
};

static size_t column_by_name(const struct kind *kind, const char *name)
{
	size_t i = 0;

	while (i < kind->ncolumns && strcmp(kind->columns[i], name) != 0)
		i++;
	return i;
}

static const char *column_list(struct reader *rd)
{
	const char *s = "";

	for (size_t i = 0; i < rd->kind->ncolumns; i++)
		s = arena_print(rd->arena, "%s%s%s", s,
				i == 0                    ? ""
				: i == rd->kind->required ? ", and may have "
							  : ", ",
				rd->kind->columns[i]);
	return s;
}

static bool read_header(struct reader *rd, const struct table *t)
{
	bool good = true;

	for (size_t i = 0; i < MAX_KIND_COLUMNS; i++)
		rd->at[i] = MAP_NONE;
	for (size_t i = 0; i < t->ncolumns; i++) {
		size_t column = column_by_name(rd->kind, t->columns[i]);
		const char *fault = column == rd->kind->ncolumns ? "unknown"
				    : rd->at[column] != MAP_NONE ? "repeated"
								 : NULL;

		if (fault) {
			report_error(rd->report, rd->page->path, t->line,
				     "%s column '%.60s'; a table of %s has the columns %s", fault,
				     t->columns[i], rd->kind->what, column_list(rd));
			good = false;
		} else {
			rd->at[column] = i;
		}
	}
	for (size_t i = 0; i < rd->kind->required && good; i++) {
		if (rd->at[i] != MAP_NONE)
			continue;
		report_error(rd->report, rd->page->path, t->line,
			     "missing column %s; a table of %s has the columns %s",
			     rd->kind->columns[i], rd->kind->what, column_list(rd));
		good = false;
	}
	return good;
}

static const char *cell(const struct reader *rd, const struct table_row *row, size_t column)
{
	return rd->at[column] == MAP_NONE ? "" : row->cells[rd->at[column]];
}

/* Characters of a name: what needs no quoting in filters, lines of text and shells. */
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"

static bool is_name(const char *s)
{
	size_t length = strlen(s);

	return length > 0 && length <= PAGE_MAX_NAME && strchr(LETTERS, s[0]) &&
	       strspn(s, LETTERS ".-") == length;
}

/* The row's name, or NULL when it can't be one. */
static const char *row_name(struct reader *rd, const struct table_row *row)
{
	const char *name = cell(rd, row, 0);

	if (is_name(name))
		return name;
	if (*name)
		report_error(
			rd->report, rd->page->path, row->line,
			"'%.60s' cannot be a name; use letters, digits, _ . and -, begin with a "
			"letter, digit or _, and take at most %u bytes",
			name, PAGE_MAX_NAME);
	return NULL;
}

/* False when the row's cells can't be told: one is missing, and nobody knows which. */
static bool check_count(struct reader *rd, const struct table *t, const struct table_row *row)
{
	if (row->written < t->ncolumns)
		report_error(
			rd->report, rd->page->path, row->line,
			"missing cell: the row has %zu of the table's %zu; write the others (a "
			"blank line ends a table)",
			row->written, t->ncolumns);
	else if (row->written > t->ncolumns)
		report_error(
			rd->report, rd->page->path, row->line,
			"the row has %zu cells, but the table has %zu columns; remove the others, "
			"or write \\| for a | in a text",
			row->written, t->ncolumns);
	return row->written == t->ncolumns;
}

static void check_cells(struct reader *rd, const struct table_row *row)
{
	for (size_t i = 0; i < rd->kind->ncolumns; i++) {
		const char *s = cell(rd, row, i);

		if (i < rd->kind->required && !*s)
			report_error(rd->report, rd->page->path, row->line,
				     "missing cell: %s is empty; write it", rd->kind->columns[i]);
		if (rd->kind == &events_kind && i == KEYS)
			continue; /* a list of names, each with its own bound */
		if (strlen(s) > PAGE_MAX_TEXT)
			report_error(rd->report, rd->page->path, row->line,
				     "%s is longer than %u bytes; shorten it", rd->kind->columns[i],
				     PAGE_MAX_TEXT);
	}
}

/* A name as part of a C identifier. */
static const char *symbol(struct arena *a, const char *name)
{
	char *s = arena_copy(a, name, strlen(name));

	for (char *p = s; *p; p++) {
		if (*p == '.' || *p == '-')
			*p = '_';
	}
	return s;
}

/* A cell that is empty or one of a few words. Returns the word's number from 1 on, 0 for empty. */
static int read_word(struct reader *rd, const struct table_row *row, size_t column,
		     const char *first, const char *second)
{
	const char *s = cell(rd, row, column);

	if (!*s)
		return 0;
	if (strcmp(s, first) == 0)
		return 1;
	if (second && strcmp(s, second) == 0)
		return 2;
	report_error(rd->report, rd->page->path, row->line,
		     "%s is '%.60s'; write %s%s%s or leave the cell empty",
		     rd->kind->columns[column], s, first, second ? " or " : "",
		     second ? second : "");
	return 0;
}

static void read_event(struct reader *rd, const struct table_row *row)
{
	struct page *page = rd->page;
	struct page_event e = {
		.name = row_name(rd, row),
		.brief = cell(rd, row, SHORT),
		.text = cell(rd, row, LONG),
		.key_names = cell(rd, row, KEYS),
		.subsystem = rd->subsystem,
		.line = row->line,
	};
	const char *level = cell(rd, row, LEVEL);

	while (e.level < RILL_OFF && strcmp(page_level_names[e.level], level) != 0)
		e.level++;
	if (e.level == RILL_OFF && *level)
		report_error(rd->report, page->path, row->line,
			     "unknown level '%.60s'; a level is trace, debug, info, warn or error",
			     level);
	if (read_word(rd, row, LOSS, "never", NULL))
		e.flags = RILL_LOSS_NEVER;
	if (!e.name) {
		page->partial = true;
		return;
	}
	e.symbol = symbol(rd->arena, e.name);
	page->events = arena_grow(rd->arena, page->events, page->nevents, sizeof(e));
	page->events[page->nevents++] = e;
}

static void read_types(struct reader *rd, const struct table_row *row, struct page_key *k)
{
	const char *types = cell(rd, row, TYPE), *bad;
	size_t length;
	int fault;

	if (!*types)
		return;
	fault = types_parse(types, &k->types, k->order, &k->ntypes, &bad, &length);
	if (fault == 1)
		report_error(
			rd->report, rd->page->path, row->line,
			"unknown type '%.*s'; a key's type is one or several, with \\| between, of "
			"bool u64 i64 f64 duration timestamp string bytes ip list event none",
			(int)(length < 60 ? length : 60), bad);
	else if (fault == 2)
		report_error(rd->report, rd->page->path, row->line,
			     "type '%.*s' stands there twice; remove one", (int)length, bad);
}

static void read_key(struct reader *rd, const struct table_row *row)
{
	static const uint8_t privacy[] = {0, RILL_KEY_PERSONAL, RILL_KEY_SECRET};
	struct page *page = rd->page;
	struct page_key k = {
		.name = row_name(rd, row),
		.text = cell(rd, row, DESCRIPTION),
		.link_name = cell(rd, row, LINK),
		.refers = MAP_NONE,
		.line = row->line,
	};

	read_types(rd, row, &k);
	if (*k.link_name)
		k.flags = RILL_KEY_LINK;
	if (strcmp(k.link_name, "yes") == 0)
		k.flags |= RILL_KEY_GLOBAL;
	if (strcmp(k.link_name, "process") == 0 || strcmp(k.link_name, "yes") == 0)
		k.link_name = "";
	k.flags |= privacy[read_word(rd, row, PRIVACY, "personal", "secret")];
	if (!k.name) {
		page->partial = true;
		return;
	}
	k.symbol = symbol(rd->arena, k.name);
	page->keys = arena_grow(rd->arena, page->keys, page->nkeys, sizeof(k));
	page->keys[page->nkeys++] = k;
}

static void read_span(struct reader *rd, const struct table_row *row)
{
	struct page *page = rd->page;
	struct page_span s = {
		.name = row_name(rd, row),
		.start_name = cell(rd, row, START),
		.end_name = cell(rd, row, END),
		.key_name = cell(rd, row, SPAN_KEY),
		.line = row->line,
	};

	if (!s.name)
		return;
	page->spans = arena_grow(rd->arena, page->spans, page->nspans, sizeof(s));
	page->spans[page->nspans++] = s;
}

static void read_subsystem(struct reader *rd, const struct table *t)
{
	struct page *page = rd->page;

	if (!*t->heading || strlen(t->heading) > PAGE_MAX_NAME)
		report_error(rd->report, page->path, t->heading_line,
			     "a subsystem's heading has between 1 and %u bytes", PAGE_MAX_NAME);
	rd->subsystem = page->nsubsystems;
	page->subsystems = arena_grow(rd->arena, page->subsystems, page->nsubsystems,
				      sizeof(*page->subsystems));
	page->subsystems[page->nsubsystems++] =
		(struct page_subsystem){.name = t->heading, .line = t->heading_line};
}

static void read_table(struct reader *rd, const struct table *t)
{
	void (*read_row)(struct reader *, const struct table_row *) = read_event;

	rd->kind = &events_kind;
	if (strcmp(t->heading, "Keys") == 0) {
		rd->kind = &keys_kind;
		read_row = read_key;
	} else if (strcmp(t->heading, "Spans") == 0) {
		rd->kind = &spans_kind;
		read_row = read_span;
	} else {
		read_subsystem(rd, t);
	}
	if (!read_header(rd, t)) {
		rd->page->partial = true;
		return;
	}
	for (size_t i = 0; i < t->nrows; i++) {
		if (!check_count(rd, t, &t->rows[i])) {
			rd->page->partial = true;
			continue;
		}
		check_cells(rd, &t->rows[i]);
		read_row(rd, &t->rows[i]);
	}
}

/* One table a section, and one section of each name: a second one is a slip of the pen. */
static bool is_second(struct reader *rd, struct map *headings, const struct table *tables, size_t i)
{
	size_t first = map_add(headings, rd->arena, tables[i].heading, i);

	if (first == MAP_NONE)
		return false;
	if (tables[first].heading_line == tables[i].heading_line)
		report_error(
			rd->report, rd->page->path, tables[i].line,
			"second table under '## %.60s', the first is on line %zu; join them, or "
			"give this one a heading of its own",
			tables[i].heading, tables[first].line);
	else
		report_error(rd->report, rd->page->path, tables[i].heading_line,
			     "second section '## %.60s', the first is on line %zu; join them",
			     tables[i].heading, tables[first].heading_line);
	return true;
}

void page_read(struct page *page, struct arena *a, struct report *r)
{
	struct reader rd = {.page = page, .arena = a, .report = r};
	struct map headings = {0};
	struct tables tables = {0};
	struct text text;

	page->partial = true;
	if (!text_read(&text, page->path, a, r))
		return;
	page->partial = !tables_read(&tables, &text, page->path, a, r);
	for (size_t i = 0; i < tables.count; i++) {
		if (is_second(&rd, &headings, tables.items, i))
			page->partial = true;
		else
			read_table(&rd, &tables.items[i]);
	}
}
