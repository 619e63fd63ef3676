/*
 * Values at the edges of their types, and what each form in which rill hands them out must say of
 * them: the dump's reader, a second reader, JSON read by jq, text. Written from docs; nothing here
 * calls rill but to walk what the reader has returned.
 */
#ifndef TESTS_VALUE_H
#define TESTS_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <rill/sink.h>
#include <rill/types.h>

#include "support/text_parser.h"

/* A catalog page as the test knows it: ids are indexes. */
struct page_key {
	const char *name;
	unsigned types; /* enum rill_type_set */
};
struct page {
	const char *catalog;
	struct page_key *keys;
	const char **events;
	size_t nkeys;
	size_t nevents;
};

/* One value. Elements of a list are members without keys. */
struct value {
	enum rill_type type;
	const char *edge;           /* what is special about it, for messages */
	uint64_t word;              /* numbers */
	const unsigned char *bytes; /* string, bytes, ip */
	size_t size;
	uint64_t original; /* size before it was cut; 0: it is whole */
	const char *text;  /* f64, duration, timestamp, ip: as text shows it */
	size_t index;      /* among the edges of its type */
	const struct page *page;
	size_t event;
	size_t nmembers;
	const struct value **members; /* room for 16 at least */
	size_t *keys;
	bool too_deep; /* to be shown at all */
};

/* All edges of all types. Those of events and lists use keys and events of the page. */
struct edges {
	const struct value *of[RILL_TYPE_COUNT][24];
	size_t count[RILL_TYPE_COUNT];
};
struct edges edges_make(const struct page *page);

const char *type_word(unsigned type); /* "u64" */
unsigned type_of_word(const char *word, size_t size);
/* "u64|string": a set of types. Fails the test at a word that is no type. */
unsigned types_of(const char *text);
/* The type that a reader sees: an address that is none is `none`. */
enum rill_type type_seen(const struct value *value);

/* As tests/dump/second_reader.py prints it. catalog: the index of its events. */
void value_second(FILE *to, const struct value *value, uint32_t catalog);
/* A key and its value as a line: [KEY,VALUE,TYPES,RAW,CUT], as `jq -c` prints it. Adds the number
 * of notes. */
void value_jq(FILE *to, const struct page *page, size_t key, const struct value *value,
	      size_t *notes);

/* NULL: it is this value. Else a sentence. */
const char *value_differs_item(const struct value *value, const struct rill_item *item,
			       const struct rill_catalogs *catalogs);
const char *value_differs_text(const struct value *value, const struct text_parsed *parsed);

#endif
