#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/export/ctf.h"
#include "sink/scan.h"

/* Beyond them an event's keys become one text. */
#define MAX_SHAPES   65536u
#define MAX_OF_EVENT 1024u

#define HEADER   16u /* id, time, thread */
#define CONTEXT  64u /* text, span, id, parent, trace */
#define TRACE_ID 33u /* 32 digits and a NUL */

bool ctf_tells_type(const struct rill_catalog *catalog, uint32_t word)
{
	unsigned form = ctf_form(word);
	if (form >= CTF_SEQUENCE)
		return form - CTF_SEQUENCE != RILL_TYPE_BOOL &&
		       form - CTF_SEQUENCE != RILL_TYPE_STRING;
	return form == CTF_JSON || export_type_is_open(catalog, ctf_key(word), ctf_type(word));
}

unsigned ctf_told_type(uint32_t word)
{
	unsigned form = ctf_form(word);
	return form >= CTF_SEQUENCE ? form - CTF_SEQUENCE : ctf_type(word);
}

static inline char *put64(char *at, uint64_t value)
{
	memcpy(at, &value, sizeof value);
	return at + sizeof value;
}

static inline char *put32(char *at, uint32_t value)
{
	memcpy(at, &value, sizeof value);
	return at + sizeof value;
}

static inline char *put16(char *at, uint16_t value)
{
	memcpy(at, &value, sizeof value);
	return at + sizeof value;
}

/* --- strings ------------------------------------------------------------------------------- */

static char *put_bytes(char *at, const unsigned char *bytes, uint32_t size)
{
	at = put32(at, size);
	if (size)
		memcpy(at, bytes, size);
	return at + size;
}

static char *put_string(struct buffer *to, char *at, const struct rill_item *item,
			enum ctf_form *form)
{
	const unsigned char *bytes = item->bytes;
	size_t size = item->size;
	at = buffer_more(to, at, size + WRITE_SLACK);
	if (!at)
		return NULL;
	if (!size) {
		*form = CTF_EMPTY;
		*at = 0;
		return at + 1;
	}
	if (scan_copy(at, bytes, size) != SCAN_SPECIAL || export_is_text(bytes, size)) {
		at[size] = 0;
		return at + size + 1;
	}
	*form = CTF_RAW;
	at = buffer_more(to, at, 4 * size + WRITE_SLACK);
	if (!at)
		return NULL;
	at = export_put_text(at, bytes, size);
	*at++ = 0;
	return put_bytes(at, bytes, item->size);
}

/* --- lists and nested events --------------------------------------------------------------- */

static bool is_element(const struct rill_item *item)
{
	const unsigned types = RILL_SET_BOOL | RILL_SET_U64 | RILL_SET_I64 | RILL_SET_F64 |
			       RILL_SET_DURATION | RILL_SET_TIMESTAMP | RILL_SET_STRING |
			       RILL_SET_IP;
	return 1u << item->type & types && !item->cut &&
	       (item->type != RILL_TYPE_STRING ||
		(item->size && export_is_text(item->bytes, item->size)));
}

/* How many elements, when they can be a sequence; all have *type. -1: they cannot. */
static int64_t count_elements(const struct rill_item *item, unsigned *type,
			      const struct rill_catalogs *catalogs)
{
	struct rill_nested nested;
	struct rill_item element;
	int more;
	int64_t count = 0;
	*type = RILL_TYPE_STRING;
	if (item->type != RILL_TYPE_LIST || item->cut || rill_nested_open(&nested, item, catalogs))
		return -1;
	for (; (more = rill_nested_next(&nested, &element)) == 1; count++) {
		if (!is_element(&element) || (count && element.type != *type))
			return -1;
		*type = element.type;
	}
	return more < 0 ? -1 : count;
}

static char *put_scalar(char *at, const struct rill_item *item)
{
	switch (item->type) {
	case RILL_TYPE_NONE:
		return at;
	case RILL_TYPE_BOOL:
		*at = item->boolean;
		return at + 1;
	case RILL_TYPE_IP:
		at = write_ip(at, item);
		*at = 0;
		return at + 1;
	default:
		return put64(at, item->u64);
	}
}

static char *put_sequence(struct buffer *to, char *at, const struct rill_item *item, uint32_t count,
			  const struct rill_catalogs *catalogs)
{
	struct rill_nested nested;
	struct rill_item element;
	if (!(at = buffer_more(to, at, WRITE_SLACK)))
		return NULL;
	at = put32(at, count);
	rill_nested_open(&nested, item, catalogs);
	while (at && rill_nested_next(&nested, &element) == 1) {
		at = buffer_more(to, at, ROOM_IP + element.size);
		if (at && element.type == RILL_TYPE_STRING) {
			if (element.size)
				memcpy(at, element.bytes, element.size);
			at[element.size] = 0;
			at += element.size + 1;
		} else if (at) {
			at = put_scalar(at, &element);
		}
	}
	return at;
}

/* An object of these items and the notes on them, with a NUL behind it. */
static char *put_json(struct ctf_encoder *encoder, struct buffer *to, char *at,
		      const struct rill_catalog *catalog, const struct rill_item *items,
		      size_t count)
{
	struct json *json = &encoder->json;
	struct buffer *text = &encoder->text;
	buffer_clear(text);
	buffer_clear(&json->notes.path);
	buffer_text(text, "{\"keys\":{");
	struct json_mark mark = json_notes_begin(json);
	char *member = buffer_reserve(text, ROOM_MEMBER);
	for (size_t i = 0; member && i < count; i++)
		member = json_member(json, text, member, catalog, &items[i],
				     count > 1 ? items : NULL);
	if (member)
		buffer_end(text, member);
	buffer_char(text, '}');
	json_notes_end(json, text, mark);
	buffer_put(text, "}", 2);
	at = text->broken ? NULL : buffer_more(to, at, text->size + WRITE_SLACK);
	return at ? write_constant(at, text->data, text->size) : NULL;
}

static char *put_nested(struct ctf_encoder *encoder, struct buffer *to, char *at,
			const struct rill_catalog *catalog, const struct rill_item *item,
			unsigned *form)
{
	unsigned type;
	int64_t count = count_elements(item, &type, encoder->json.catalogs);
	*form = count < 0 ? CTF_JSON : CTF_SEQUENCE + type;
	uint32_t word = (uint32_t)item->key << 16 | (uint32_t)item->type << 8 | *form << 1;
	if (!(at = buffer_more(to, at, WRITE_SLACK)))
		return NULL;
	if (ctf_tells_type(catalog, word))
		*at++ = (char)ctf_told_type(word);
	return count < 0 ? put_json(encoder, to, at, catalog, item, 1)
			 : put_sequence(to, at, item, (uint32_t)count, encoder->json.catalogs);
}

/* --- records ------------------------------------------------------------------------------- */

static char *put_item(struct ctf_encoder *encoder, struct buffer *to, char *at,
		      const struct rill_catalog *catalog, const struct rill_item *item,
		      uint32_t *word)
{
	*word = (uint32_t)item->key << 16 | (uint32_t)item->type << 8;
	enum ctf_form form = CTF_PLAIN;
	if (!(at = buffer_more(to, at, ROOM_IP + WRITE_SLACK)))
		return NULL;
	if (item->type == RILL_TYPE_LIST || item->type == RILL_TYPE_EVENT) {
		unsigned nested;
		at = put_nested(encoder, to, at, catalog, item, &nested);
		*word |= nested << 1;
		return at;
	}
	if (ctf_tells_type(catalog, *word))
		*at++ = (char)item->type;
	if (item->type == RILL_TYPE_STRING) {
		at = put_string(to, at, item, &form);
		*word |= (uint32_t)form << 1;
	} else if (item->type == RILL_TYPE_BYTES) {
		at = buffer_more(to, at, item->size + WRITE_SLACK);
		at = at ? put_bytes(at, item->bytes, item->size) : NULL;
	} else {
		at = put_scalar(at, item);
	}
	if (item->cut && at) {
		*word |= 1;
		at = buffer_more(to, at, WRITE_SLACK);
		at = at ? put64(at, item->original_size) : NULL;
	}
	return at;
}

static char *put_context(char *at, const struct rill_span *span, uint32_t *word)
{
	*word = 0;
	*at++ = 0; /* the text */
	if (!span)
		return at;
	*word |= CTF_SPAN;
	at = put16(at, (uint16_t)(span->span - span->catalog->spans));
	at = put64(at, span->id);
	if (span->parent_id) {
		*word |= CTF_PARENT;
		at = put64(at, span->parent_id);
	}
	at = write_hex64(write_hex64(at, span->trace_id[0]), span->trace_id[1]);
	*at++ = 0;
	return at;
}

static struct ctf_shape **shapes_of(struct ctf_trace *trace, const struct rill_record *record)
{
	uint32_t catalog = record->catalog_index;
	if (catalog >= trace->ncatalogs)
		return NULL;
	if (!trace->shapes[catalog])
		trace->shapes[catalog] =
			calloc(record->catalog->nevents, sizeof(struct ctf_shape *));
	return trace->shapes[catalog] ? &trace->shapes[catalog][record->event_id] : NULL;
}

/* *count: how many were looked at. */
static struct ctf_shape *find_shape(struct ctf_shape **place, const uint32_t *words, size_t nwords,
				    size_t *count)
{
	*count = 0;
	for (struct ctf_shape **at = place; *at; at = &(*at)->next, ++*count) {
		struct ctf_shape *shape = *at;
		if (shape->nwords != nwords || memcmp(shape->words, words, 4 * nwords) != 0)
			continue;
		/* What comes often is found first. */
		*at = shape->next;
		shape->next = *place;
		return *place = shape;
	}
	return NULL;
}

static struct ctf_shape *add_shape(struct ctf_encoder *encoder, struct ctf_trace *trace,
				   struct ctf_shape **place, const struct rill_record *record,
				   const uint32_t *words, size_t nwords)
{
	struct ctf_shape *shape = malloc(sizeof *shape + 4 * nwords);
	if (!shape)
		return NULL;
	shape->id = trace->nshapes++;
	shape->event = record->event_id;
	shape->catalog = (uint8_t)record->catalog_index;
	shape->nwords = (uint8_t)nwords;
	memcpy(shape->words, words, 4 * nwords);
	shape->next = *place;
	*place = shape;
	encoder->nshapes++;
	return shape;
}

int ctf_put_record(struct ctf_encoder *encoder, struct ctf_trace *trace, struct buffer *to,
		   const struct rill_record *record, const struct rill_catalogs *catalogs)
{
	uint32_t words[CTF_WORDS];
	size_t start = to->size, nwords = 1, fields, count = 0;
	struct ctf_shape **place = shapes_of(trace, record), *shape;
	encoder->json.catalogs = catalogs;
	char *at = place ? buffer_reserve(to, HEADER + CONTEXT + WRITE_SLACK) : NULL;
	if (!at)
		return -ENOMEM;
	at = put64(at + 4, record->time_ns);
	at = put_context(put32(at, record->tid), record->span, words);
	fields = (size_t)(at - to->data);
	for (size_t i = 0; at && i < record->nitems; i++)
		at = put_item(encoder, to, at, record->catalog, &record->items[i],
			      &words[nwords++]);
	shape = at ? find_shape(place, words, nwords, &count) : NULL;
	if (at && !shape && (encoder->nshapes >= MAX_SHAPES || count >= MAX_OF_EVENT)) {
		words[0] |= CTF_WHOLE_JSON;
		nwords = 1;
		at = put_json(encoder, to, to->data + fields, record->catalog, record->items,
			      record->nitems);
		shape = find_shape(place, words, nwords, &count);
	}
	if (at && !shape)
		shape = add_shape(encoder, trace, place, record, words, nwords);
	if (!shape || !at)
		return -ENOMEM;
	put32(to->data + start, shape->id);
	buffer_end(to, at);
	return 0;
}

void ctf_free_shapes(struct ctf_trace *trace)
{
	for (uint32_t catalog = 0; trace->shapes && catalog < trace->ncatalogs; catalog++) {
		const struct rill_catalog *of = trace->origin->catalogs.catalog[catalog];
		for (size_t event = 0; trace->shapes[catalog] && event < of->nevents; event++) {
			struct ctf_shape *shape = trace->shapes[catalog][event], *next;
			for (; shape; shape = next) {
				next = shape->next;
				free(shape);
			}
		}
		free(trace->shapes[catalog]);
	}
	free(trace->shapes);
}

void ctf_encoder_init(struct ctf_encoder *encoder)
{
	*encoder = (struct ctf_encoder){.json.pieces.make = export_make_key};
}

void ctf_encoder_free(struct ctf_encoder *encoder)
{
	json_free(&encoder->json);
	buffer_free(&encoder->text);
}
