/* A second reader of the text form, written from docs/text.md: knows no catalog and no types. */
#ifndef TESTS_TEXT_PARSER_H
#define TESTS_TEXT_PARSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum text_kind { TEXT_WORD, TEXT_STRING, TEXT_LIST, TEXT_EVENT };

/* TEXT_WORD: bare, as it stands; TEXT_STRING: in quotes, without its escapes. */
struct text_parsed {
	enum text_kind kind;
	char *bytes; /* word, string, name of the event */
	size_t size;
	bool remark; /* ...(cut, N bytes) */
	uint64_t remark_size;
	struct text_pair *pairs; /* elements (no key) and keys */
	size_t npairs;
};

struct text_pair {
	char *key;
	size_t key_size;
	bool inherited;
	struct text_parsed value;
};

struct text_line {
	char *time, *level, *event, *brief, *place;
	struct text_pair *pairs;
	size_t npairs;
};

/* Parses one line of an event, without its newline. NULL: it parsed; else where it did not. */
const char *text_parse(struct text_line *line, const char *text);

#endif
