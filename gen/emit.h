/* What rill-gen writes for a page. Both depend on the page's content, its file name (without
 * folder), the lock file and --name, and on nothing else. */
#ifndef GEN_EMIT_H
#define GEN_EMIT_H

#include "arena.h"
#include "buffer.h"
#include "page.h"

void emit_header(struct buffer *out, const struct page *page);
void emit_source(struct buffer *out, const struct page *page, struct arena *a);

/* FNV-1a 64 of the catalog's content, in the order that docs/catalog.md lays down. */
uint64_t emit_hash(const struct page *page, struct arena *a);

/* The page's file name without its folders. */
const char *emit_page_name(const struct page *page);

/* Adds text with A to Z for a to z, whatever the locale. */
void emit_upper(struct buffer *out, const char *text);

/* Adds "RILL_SET_STRING | RILL_SET_U64". */
void emit_type_set(struct buffer *out, const struct page_key *key);

/* Adds text as the inside of a comment: nothing in it can end or start one, or join lines. */
void emit_comment(struct buffer *out, const char *text);

/* Adds text as a C string literal; UTF-8 stays as it is. */
void emit_string(struct buffer *out, const char *text);

/* Adds text as emit_comment() does, broken between words where a line would pass column 96: each
 * new line begins with a tab and ` * `. The line that it begins on is `column` columns wide
 * already. */
void emit_wrapped(struct buffer *out, const char *text, size_t column);

#endif
