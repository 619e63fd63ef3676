/* Keys and values as JSON (RFC 8259); docs/json.md says which value looks how. */
#ifndef RILL_SINK_JSON_VALUE_H
#define RILL_SINK_JSON_VALUE_H

#include "sink/pieces.h"
#include "sink/render.h"

/*
 * What a value's plain form leaves out is noted beside it, by its path in the object: "to[2]".
 * Notes gather while the values are written, and become fields of the object when it ends.
 */
struct json_notes {
	struct buffer types; /* types that the catalog's page leaves open */
	struct buffer raw;   /* bytes of strings that are not UTF-8 */
	struct buffer cut;   /* sizes before the cut */
	struct buffer path;
	size_t path_start;
};

struct json {
	const struct rill_catalogs *catalogs;
	struct json_notes notes;
	struct zone utc; /* of values */
	struct pieces pieces;
};

/* Where an object's notes start among those of the objects around it. */
struct json_mark {
	size_t types, raw, cut, path_start;
};

/* "name": with a comma before it where one belongs. name: a literal. */
void json_field(struct buffer *to, const char *name);
void json_bytes(struct buffer *to, const void *bytes, size_t size);
static inline void json_text(struct buffer *to, const char *text)
{
	json_bytes(to, text, strlen(text));
}
/* In quotes, as all 64-bit integers. */
void json_u64(struct buffer *to, uint64_t value);
void json_i64(struct buffer *to, int64_t value);

struct json_mark json_notes_begin(struct json *json);
/* "types":{}, "raw":{}, "cut":{}: those with something in them. */
void json_notes_end(struct json *json, struct buffer *to, struct json_mark mark);

/* "key": */
void json_key(struct buffer *to, const struct rill_catalog *catalog, uint16_t key);
/* A piece at `at`, and room for as much more behind it, and for one character before it. Both
 * return where it ends, or NULL: no memory. */
char *json_piece(struct json *json, struct buffer *to, char *at, const struct rill_catalog *catalog,
		 enum piece_kind kind, uint16_t id, size_t more);
/* One member of an object of keys, which has begun. before: the first one of the same object, in
 * one array with `item`; NULL: none of them is the same. Room for ROOM_MEMBER behind it. */
#define ROOM_MEMBER (64u + WRITE_SLACK)
char *json_member(struct json *json, struct buffer *to, char *at,
		  const struct rill_catalog *catalog, const struct rill_item *item,
		  const struct rill_item *before);

/* A value by itself; `name` is what notes on it call it, and `typed` notes its type. */
void json_value(struct json *json, struct buffer *to, const char *name,
		const struct rill_item *item, bool typed);

void json_free(struct json *json);

#endif
