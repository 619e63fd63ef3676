#include <string.h>

#include <rill/value.h>

#include "cli/export/perfetto.h"
#include "cli/export/protobuf.h"

/* Fields of DebugAnnotation (debug_annotation.proto). */
enum annotation {
	ANNOTATION_BOOL = 2,
	ANNOTATION_UINT = 3,
	ANNOTATION_INT = 4,
	ANNOTATION_DOUBLE = 5,
	ANNOTATION_STRING = 6,
	ANNOTATION_NAME = 10,
	ANNOTATION_ENTRIES = 11, /* of a dictionary */
	ANNOTATION_VALUES = 12,  /* of an array */
};

#define MAX_SEEN 64u /* keys of a nested event that are searched for repetitions */

static char *put_string(struct buffer *to, char *at, unsigned field, const char *text, size_t size)
{
	at = buffer_more(to, at, size + PB_ROOM + WRITE_SLACK);
	if (!at)
		return NULL;
	at = pb_head(at, field, size);
	memcpy(at, text, size);
	return at + size;
}

/* *raw: set when the text is not all that the bytes are. */
static char *put_text(struct perfetto *perfetto, struct buffer *to, char *at,
		      const struct rill_item *item, bool *raw)
{
	struct buffer *text = &perfetto->text;
	const unsigned char *bytes = item->bytes;
	if (!item->size || export_is_text(bytes, item->size))
		return put_string(to, at, ANNOTATION_STRING, (const char *)bytes, item->size);
	*raw = true;
	buffer_clear(text);
	char *end = buffer_reserve(text, 3 * (size_t)item->size);
	if (!end)
		return NULL;
	end = export_put_text(end, bytes, item->size);
	return put_string(to, at, ANNOTATION_STRING, text->data, (size_t)(end - text->data));
}

static char *put_hex(struct buffer *to, char *at, const struct rill_item *item)
{
	at = buffer_more(to, at, 2 * (size_t)item->size + PB_ROOM + WRITE_SLACK);
	if (!at)
		return NULL;
	at = pb_head(at, ANNOTATION_STRING, 2 * (size_t)item->size);
	return write_hex(at, item->bytes, item->size);
}

static char *put_ip(char *at, const struct rill_item *item)
{
	char text[ROOM_IP];
	size_t size = (size_t)(write_ip(text, item) - text);
	at = pb_head(at, ANNOTATION_STRING, size);
	memcpy(at, text, size);
	return at + size;
}

static char *put_value(struct perfetto *perfetto, struct buffer *to, char *at,
		       const struct rill_item *item, unsigned depth, bool *raw);

/* Begins a message in a buffer that may move. */
static char *begin(struct buffer *to, char *at, unsigned field, size_t *content)
{
	at = buffer_more(to, at, 2 * PB_ROOM + ROOM_IP);
	if (!at)
		return NULL;
	at = pb_begin(at, field);
	*content = (size_t)(at - to->data);
	return at;
}

static char *end(const struct buffer *to, char *at, size_t content)
{
	if (at)
		pb_end(to->data + content, at);
	return at;
}

static char *put_name(struct buffer *to, char *at, const struct rill_catalog *catalog, uint16_t id,
		      unsigned occurrence, const char *suffix)
{
	const struct rill_catalog_key *key = find_key(catalog, id);
	char name[192];
	if (key && occurrence == 1 && !*suffix)
		return put_string(to, at, ANNOTATION_NAME, key->name, strlen(key->name));
	int size = key ? snprintf(name, sizeof name - 32, "%s", key->name)
		       : snprintf(name, sizeof name, "#%u", id);
	if (size > (int)sizeof name - 33)
		size = (int)sizeof name - 33;
	if (occurrence > 1)
		size += snprintf(name + size, sizeof name - (size_t)size, "#%u", occurrence);
	size += snprintf(name + size, sizeof name - (size_t)size, "%s", suffix);
	return put_string(to, at, ANNOTATION_NAME, name, (size_t)size);
}

/* {"event": its name, "keys": {...}} */
static char *put_event(struct perfetto *perfetto, struct buffer *to, char *at,
		       struct rill_nested *nested, unsigned depth, bool *raw)
{
	struct rill_item item;
	size_t keys = 0, entry = 0, count = 0;
	uint16_t seen[MAX_SEEN];
	if (nested->event)
		at = perfetto_put_text(to, at, ANNOTATION_ENTRIES, "event", nested->event->name);
	at = at ? begin(to, at, ANNOTATION_ENTRIES, &keys) : NULL;
	at = at ? put_string(to, at, ANNOTATION_NAME, "keys", 4) : NULL;
	while (at && rill_nested_next(nested, &item) == 1) {
		at = begin(to, at, ANNOTATION_ENTRIES, &entry);
		unsigned occurrence = 1;
		for (size_t i = 0; i < count; i++)
			occurrence += seen[i] == item.key;
		if (count < MAX_SEEN)
			seen[count++] = item.key;
		at = at ? put_name(to, at, nested->catalog, item.key, occurrence, "") : NULL;
		at = at ? put_value(perfetto, to, at, &item, depth + 1, raw) : NULL;
		at = end(to, at, entry);
	}
	return end(to, at, keys);
}

static char *put_list(struct perfetto *perfetto, struct buffer *to, char *at,
		      struct rill_nested *nested, unsigned depth, bool *raw)
{
	struct rill_item element;
	size_t content = 0;
	/* An array without elements would be nothing. */
	if (!nested->count)
		return put_string(to, at, ANNOTATION_STRING, "[]", 2);
	while (at && rill_nested_next(nested, &element) == 1) {
		at = begin(to, at, ANNOTATION_VALUES, &content);
		at = at ? put_value(perfetto, to, at, &element, depth + 1, raw) : NULL;
		at = end(to, at, content);
	}
	return at;
}

/* At `at` is room for any value that is not text or bytes. */
static char *put_value(struct perfetto *perfetto, struct buffer *to, char *at,
		       const struct rill_item *item, unsigned depth, bool *raw)
{
	struct rill_nested nested;
	at = buffer_more(to, at, PB_ROOM + ROOM_IP);
	if (!at)
		return NULL;
	switch (item->type) {
	case RILL_TYPE_BOOL:
		return pb_number(at, ANNOTATION_BOOL, item->boolean);
	case RILL_TYPE_U64:
	case RILL_TYPE_TIMESTAMP:
		return pb_number(at, ANNOTATION_UINT, item->u64);
	case RILL_TYPE_I64:
	case RILL_TYPE_DURATION:
		return pb_number(at, ANNOTATION_INT, item->u64);
	case RILL_TYPE_F64:
		return pb_fixed64(at, ANNOTATION_DOUBLE, item->u64);
	case RILL_TYPE_STRING:
		return put_text(perfetto, to, at, item, raw);
	case RILL_TYPE_BYTES:
		return put_hex(to, at, item);
	case RILL_TYPE_IP:
		return put_ip(at, item);
	case RILL_TYPE_LIST:
	case RILL_TYPE_EVENT:
		if (depth >= RILL_MAX_DEPTH ||
		    rill_nested_open(&nested, item, perfetto->json.catalogs))
			break;
		return item->type == RILL_TYPE_LIST
			       ? put_list(perfetto, to, at, &nested, depth, raw)
			       : put_event(perfetto, to, at, &nested, depth, raw);
	default:
		break;
	}
	return put_string(to, at, ANNOTATION_STRING, "none", 4);
}

static unsigned occurrence_of(const struct rill_item *items, size_t index)
{
	unsigned occurrence = 1;
	for (size_t i = 0; i < index; i++)
		occurrence += items[i].key == items[index].key;
	return occurrence;
}

/* One more annotation beside a key's own: what its value's plain form leaves out. */
static char *put_note(struct buffer *to, char *at, unsigned field,
		      const struct rill_catalog *catalog, uint16_t key, unsigned occurrence,
		      const char *suffix, const char *text, size_t size)
{
	size_t content = 0;
	at = begin(to, at, field, &content);
	at = at ? put_name(to, at, catalog, key, occurrence, suffix) : NULL;
	at = at ? put_string(to, at, ANNOTATION_STRING, text, size) : NULL;
	return end(to, at, content);
}

/* The notes that JSON has on a list or event, if it has any. */
static char *put_nested_notes(struct perfetto *perfetto, struct buffer *to, char *at,
			      unsigned field, const struct rill_catalog *catalog,
			      const struct rill_item *item, unsigned occurrence)
{
	struct json *json = &perfetto->json;
	struct buffer *text = &perfetto->text;
	buffer_clear(text);
	buffer_clear(&json->notes.path);
	buffer_char(text, '{');
	struct json_mark mark = json_notes_begin(json);
	char *member = buffer_reserve(text, ROOM_MEMBER);
	member = member ? json_member(json, text, member, catalog, item, NULL) : NULL;
	if (member)
		buffer_end(text, member);
	size_t start = text->size;
	json_notes_end(json, text, mark);
	buffer_char(text, '}');
	if (text->broken)
		return NULL;
	if (text->size == start + 1)
		return at;
	text->data[start] = '{'; /* it was a comma */
	return put_note(to, at, field, catalog, item->key, occurrence, "#notes", text->data + start,
			text->size - start);
}

static char *put_notes(struct perfetto *perfetto, struct buffer *to, char *at, unsigned field,
		       const struct rill_catalog *catalog, const struct rill_item *item,
		       unsigned occurrence, bool raw)
{
	if (item->type == RILL_TYPE_LIST || item->type == RILL_TYPE_EVENT)
		return put_nested_notes(perfetto, to, at, field, catalog, item, occurrence);
	if (item->type == RILL_TYPE_NONE || export_type_is_open(catalog, item->key, item->type)) {
		const char *name = type_name(item->type);
		at = put_note(to, at, field, catalog, item->key, occurrence, "#type", name,
			      strlen(name));
	}
	if (raw && at) {
		struct buffer *text = &perfetto->text;
		buffer_clear(text);
		render_hex(text, item->bytes, item->size);
		at = text->broken ? NULL
				  : put_note(to, at, field, catalog, item->key, occurrence, "#raw",
					     text->data, text->size);
	}
	if (item->cut && at) {
		char digits[ROOM_NUMBER];
		size_t size = (size_t)(write_u64(digits, item->original_size) - digits);
		at = put_note(to, at, field, catalog, item->key, occurrence, "#cut", digits, size);
	}
	return at;
}

char *perfetto_put_items(struct perfetto *perfetto, struct buffer *to, char *at, unsigned field,
			 const struct rill_catalog *catalog, const struct rill_item *items,
			 size_t count)
{
	for (size_t i = 0; at && i < count; i++) {
		unsigned occurrence = occurrence_of(items, i);
		size_t content;
		bool raw = false;
		at = begin(to, at, field, &content);
		at = at ? put_name(to, at, catalog, items[i].key, occurrence, "") : NULL;
		at = at ? put_value(perfetto, to, at, &items[i], 0, &raw) : NULL;
		at = end(to, at, content);
		at = at ? put_notes(perfetto, to, at, field, catalog, &items[i], occurrence, raw)
			: NULL;
	}
	return at;
}

char *perfetto_put_dictionary(struct perfetto *perfetto, struct buffer *to, char *at,
			      unsigned field, const char *name, const struct rill_catalog *catalog,
			      const struct rill_item *items, size_t count)
{
	size_t content = 0;
	at = begin(to, at, field, &content);
	at = at ? put_string(to, at, ANNOTATION_NAME, name, strlen(name)) : NULL;
	at = at ? perfetto_put_items(perfetto, to, at, ANNOTATION_ENTRIES, catalog, items, count)
		: NULL;
	return end(to, at, content);
}

char *perfetto_put_text(struct buffer *to, char *at, unsigned field, const char *name,
			const char *text)
{
	size_t content = 0;
	at = begin(to, at, field, &content);
	at = at ? put_string(to, at, ANNOTATION_NAME, name, strlen(name)) : NULL;
	at = at ? put_string(to, at, ANNOTATION_STRING, text, strlen(text)) : NULL;
	return end(to, at, content);
}

char *perfetto_put_number(struct buffer *to, char *at, unsigned field, const char *name,
			  uint64_t number)
{
	size_t content = 0;
	at = begin(to, at, field, &content);
	at = at ? put_string(to, at, ANNOTATION_NAME, name, strlen(name)) : NULL;
	at = at ? pb_number(at, ANNOTATION_UINT, number) : NULL;
	return end(to, at, content);
}
