#include "text.h"

#include <errno.h>
#include <string.h>

#include "file.h"
#include "utf8.h"

/* The page without byte-order mark, and with LF for CRLF: so that positions in what the Markdown
 * parser sees are lines of the file, and content does not depend on how it was checked out. */
static void normalise(struct text *t, const char *data, size_t size, struct arena *a)
{
	t->data = arena_alloc(a, size + 1);
	if (size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0) {
		data += 3;
		size -= 3;
	}
	for (size_t i = 0; i < size; i++) {
		if (data[i] == '\r' && i + 1 < size && data[i + 1] == '\n')
			continue;
		t->data[t->size++] = data[i];
	}
}

static bool split(struct text *t, const char *path, struct arena *a, struct report *r)
{
	size_t count = 1;

	for (size_t i = 0; i < t->size; i++)
		count += t->data[i] == '\n';
	if (count > PAGE_MAX_LINES + 1) {
		report_error(r, path, PAGE_MAX_LINES + 1,
			     "the page has more than %zu lines; split it into several catalogs",
			     PAGE_MAX_LINES);
		return false;
	}
	t->starts = arena_alloc(a, (count + 1) * sizeof(*t->starts));
	for (size_t i = 0; i < t->size; i++) {
		if (t->data[i] == '\n')
			t->starts[++t->nlines] = i + 1;
	}
	if (t->starts[t->nlines] < t->size)
		t->starts[++t->nlines] = t->size + 1; /* the last line has no line feed */
	return true;
}

const char *text_line(const struct text *t, size_t line, size_t *length)
{
	if (line == 0 || line > t->nlines) {
		*length = 0;
		return "";
	}
	*length = t->starts[line] - t->starts[line - 1] - 1;
	return t->data + t->starts[line - 1];
}

/* One error a line is enough: what follows the first bad byte is often noise. */
static void check_characters(const char *line, size_t length, const char *path, size_t number,
			     struct report *r)
{
	size_t step;

	for (size_t i = 0; i < length; i += step) {
		uint32_t c = 0;
		const char *refusal;

		step = utf8_decode(line + i, length - i, &c);
		if (step == 0) {
			report_error(
				r, path, number,
				"byte 0x%02x at column %zu is not UTF-8; save the page as UTF-8",
				(unsigned char)line[i], i + 1);
			return;
		}
		refusal = c == '\r' ? "a carriage return without a line feed; end lines with LF "
				      "or CRLF"
				    : utf8_refusal(c);
		if (refusal) {
			report_error(r, path, number, "U+%04X at column %zu is %s", (unsigned)c,
				     i + 1, refusal);
			return;
		}
	}
}

/* A line of nothing but | : - can be a table's second line, and each of its columns costs memory in
 * every row of the table. */
static bool too_many_columns(const char *line, size_t length)
{
	size_t pipes = 0;

	for (size_t i = 0; i < length; i++) {
		if (!strchr("|:- \t", line[i]))
			return false;
		pipes += line[i] == '|';
	}
	return pipes > PAGE_MAX_COLUMNS + 1;
}

bool text_read(struct text *t, const char *path, struct arena *a, struct report *r)
{
	struct file_content file;
	size_t before = r->count;
	int error = file_read(a, path, PAGE_MAX_BYTES, &file);

	*t = (struct text){0};
	if (error == -EFBIG)
		report_error(r, path, 1,
			     "the page is larger than %zu MiB; split it into several catalogs",
			     PAGE_MAX_BYTES >> 20);
	else if (error)
		report_error(r, path, 1, "the page cannot be read: %s", strerror(-error));
	if (error)
		return false;
	normalise(t, file.data, file.size, a);
	if (!split(t, path, a, r))
		return false;
	for (size_t number = 1; number <= t->nlines; number++) {
		size_t length;
		const char *line = text_line(t, number, &length);

		if (length > PAGE_MAX_LINE_BYTES)
			report_error(r, path, number, "the line is longer than %zu KiB; shorten it",
				     PAGE_MAX_LINE_BYTES >> 10);
		else if (too_many_columns(line, length))
			report_error(r, path, number, "a table has at most %d columns",
				     PAGE_MAX_COLUMNS);
		else
			check_characters(line, length, path, number, r);
	}
	return r->count == before;
}

size_t text_count_cells(const char *line, size_t length)
{
	size_t cells = 1, i = 0;

	while (length && (line[length - 1] == ' ' || line[length - 1] == '\t'))
		length--;
	while (i < length && (line[i] == ' ' || line[i] == '\t'))
		i++;
	if (i < length && line[i] == '|')
		i++;
	if (i == length)
		return 0;
	if (line[length - 1] == '|' && line[length - 2] != '\\')
		length--;
	for (; i < length; i++)
		cells += line[i] == '|' && line[i - 1] != '\\';
	return cells;
}
