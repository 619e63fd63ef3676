#include "emit.h"

#include <string.h>

#include "types.h"

#define LAST_COLUMN          96
#define CONTINUATION         "\n\t * "
#define CONTINUATION_COLUMNS 11

const char *emit_page_name(const struct page *page)
{
	const char *slash = strrchr(page->path, '/');

	return slash ? slash + 1 : page->path;
}

void emit_upper(struct buffer *out, const char *text)
{
	for (; *text; text++) {
		char c = *text;

		if (c >= 'a' && c <= 'z')
			c = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[c - 'a'];
		buffer_add(out, &c, 1);
	}
}

void emit_type_set(struct buffer *out, const struct page_key *key)
{
	for (size_t i = 0; i < key->ntypes; i++) {
		buffer_puts(out, i ? " | RILL_SET_" : "RILL_SET_");
		emit_upper(out, page_type_names[key->order[i]]);
	}
}

/* The character that must not follow directly here, or 0. */
static char forbidden_after(const char *begin, const char *at)
{
	if (*at == '*')
		return '/';
	if (*at == '/')
		return '*';
	if (at > begin && at[-1] == '?' && *at == '?') /* ??/ is a backslash to C11 */
		return '/';
	return '\0';
}

static void add_comment(struct buffer *out, const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		char forbidden = forbidden_after(text, text + i);

		buffer_add(out, text + i, 1);
		if (forbidden && i + 1 < length && text[i + 1] == forbidden)
			buffer_add(out, " ", 1);
	}
}

/* A backslash at a line's end would join the next line to it. */
static bool ends_in_backslash(const struct buffer *out)
{
	return out->size && out->data[out->size - 1] == '\\';
}

void emit_comment(struct buffer *out, const char *text)
{
	add_comment(out, text, strlen(text));
	if (ends_in_backslash(out))
		buffer_puts(out, ".");
}

void emit_string(struct buffer *out, const char *text)
{
	buffer_puts(out, "\"");
	for (const char *s = text; *s; s++) {
		bool trigraph = *s == '?' && s > text && s[-1] == '?';

		if (*s == '"' || *s == '\\' || trigraph)
			buffer_puts(out, "\\");
		buffer_add(out, s, 1);
	}
	buffer_puts(out, "\"");
}

static size_t columns(const char *s, size_t length)
{
	size_t n = 0;

	for (size_t i = 0; i < length; i++)
		n += ((unsigned char)s[i] & 0xc0) != 0x80;
	return n;
}

void emit_wrapped(struct buffer *out, const char *text, size_t column)
{
	const char *space = "";

	while (*text) {
		size_t length = strcspn(text, " ");
		size_t width = columns(text, length);

		if (*space && column + 1 + width > LAST_COLUMN && !ends_in_backslash(out)) {
			buffer_puts(out, CONTINUATION);
			column = CONTINUATION_COLUMNS;
			space = "";
		}
		buffer_puts(out, space);
		add_comment(out, text, length);
		column += strlen(space) + width;
		space = " ";
		text += length;
		text += strspn(text, " ");
	}
	if (ends_in_backslash(out))
		buffer_puts(out, ".");
}
