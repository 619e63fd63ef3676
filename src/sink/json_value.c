#include "sink/json_value.h"

#include <math.h>
#include <string.h>

#include <rill/value.h>

#define MAX_SEEN 64u /* keys of a nested event that are searched for repetitions */

#define BIT(type) (1u << (type))
/* Types that JSON shows by itself. */
#define NATURAL (RILL_SET_NONE | RILL_SET_BOOL | RILL_SET_STRING | RILL_SET_LIST | RILL_SET_EVENT)

static void put_unicode_escape(struct buffer *to, uint32_t unit)
{
	unsigned char bytes[2] = {(unsigned char)(unit >> 8), (unsigned char)unit};
	buffer_text(to, "\\u");
	render_hex(to, bytes, sizeof bytes);
}

static void put_character(struct buffer *to, uint32_t c)
{
	static const char short_forms[][2] = {
		{'"', '"'},  {'\\', '\\'}, {'\b', 'b'}, {'\f', 'f'},
		{'\n', 'n'}, {'\r', 'r'},  {'\t', 't'},
	};
	for (size_t i = 0; i < sizeof short_forms / sizeof short_forms[0]; i++) {
		if ((unsigned char)short_forms[i][0] == c) {
			buffer_char(to, '\\');
			buffer_char(to, short_forms[i][1]);
			return;
		}
	}
	if (c >= 0x10000) {
		put_unicode_escape(to, 0xd800 + ((c - 0x10000) >> 10));
		put_unicode_escape(to, 0xdc00 + ((c - 0x10000) & 0x3ff));
	} else {
		put_unicode_escape(to, c);
	}
}

/* A byte that is not UTF-8 becomes U+FFFD. False: there was one. */
static bool put_characters(struct buffer *to, const unsigned char *bytes, size_t size)
{
	bool valid = true;
	uint32_t c;
	size_t plain = 0; /* where the run of characters starts that stand as they are */
	for (size_t i = 0, length; i < size; i += length) {
		length = utf8_read(bytes + i, size - i, &c);
		if (length && c != '"' && c != '\\' && !character_is_unsafe(c))
			continue;
		buffer_put(to, bytes + plain, i - plain);
		if (!length) {
			valid = false;
			c = 0xfffd;
			length = 1;
		}
		put_character(to, c);
		plain = i + length;
	}
	buffer_put(to, bytes + plain, size - plain);
	return valid;
}

static bool put_string(struct buffer *to, const unsigned char *bytes, size_t size)
{
	buffer_char(to, '"');
	bool valid = put_characters(to, bytes, size);
	buffer_char(to, '"');
	return valid;
}

static void comma(struct buffer *to)
{
	if (to->size && to->data[to->size - 1] != '{' && to->data[to->size - 1] != '[')
		buffer_char(to, ',');
}

void json_field(struct buffer *to, const char *name)
{
	comma(to);
	buffer_char(to, '"');
	buffer_text(to, name);
	buffer_text(to, "\":");
}

void json_text(struct buffer *to, const char *text)
{
	put_string(to, (const unsigned char *)text, strlen(text));
}

void json_time(struct buffer *to, uint64_t ns)
{
	buffer_char(to, '"');
	struct zone utc = {0};
	render_time(to, ns, &utc);
	buffer_char(to, '"');
}

void json_u64(struct buffer *to, uint64_t value)
{
	buffer_char(to, '"');
	render_u64(to, value);
	buffer_char(to, '"');
}

void json_i64(struct buffer *to, int64_t value)
{
	buffer_char(to, '"');
	render_i64(to, value);
	buffer_char(to, '"');
}

static void put_f64(struct buffer *to, double value)
{
	if (isnan(value))
		buffer_text(to, "\"NaN\"");
	else if (isinf(value))
		buffer_text(to, value < 0 ? "\"-Infinity\"" : "\"Infinity\"");
	else
		render_f64(to, value);
}

/* "path": in the list of notes. */
static struct buffer *note(struct json *json, struct buffer *list, const char *suffix)
{
	const struct buffer *path = &json->notes.path;
	if (list->size)
		buffer_char(list, ',');
	buffer_char(list, '"');
	buffer_put(list, path->data + json->notes.path_start, path->size - json->notes.path_start);
	buffer_text(list, suffix);
	buffer_text(list, "\":");
	return list;
}

static void note_type(struct json *json, unsigned type, const char *suffix)
{
	json_text(note(json, &json->notes.types, suffix), type_name(type));
}

static void note_cut(struct json *json, uint32_t size)
{
	render_u64(note(json, &json->notes.cut, ""), size);
}

static void put_value(struct json *json, struct buffer *to, const struct rill_item *item,
		      unsigned depth);

/* The type that all elements have, if they have one that JSON does not show; else RILL_TYPE_COUNT.
 */
static unsigned common_type(struct rill_nested nested)
{
	struct rill_item element;
	unsigned type = RILL_TYPE_COUNT;
	while (rill_nested_next(&nested, &element) == 1) {
		if ((BIT(element.type) & NATURAL) ||
		    (type != RILL_TYPE_COUNT && type != element.type))
			return RILL_TYPE_COUNT;
		type = element.type;
	}
	return type;
}

/* Returns -EBADMSG when the elements end where no encoder ends them. */
static int put_list(struct json *json, struct buffer *to, struct rill_nested *nested,
		    unsigned depth)
{
	struct buffer *path = &json->notes.path;
	struct rill_item element;
	int more;
	unsigned common = common_type(*nested);
	size_t length = path->size;
	if (common != RILL_TYPE_COUNT)
		note_type(json, common, "[]");
	for (uint32_t i = 0; (more = rill_nested_next(nested, &element)) == 1; i++) {
		comma(to);
		buffer_char(path, '[');
		render_u64(path, i);
		buffer_char(path, ']');
		if (common == RILL_TYPE_COUNT && !(BIT(element.type) & NATURAL))
			note_type(json, element.type, "");
		put_value(json, to, &element, depth + 1);
		path->size = length;
	}
	return more;
}

static void put_member(struct json *json, struct buffer *to, const struct rill_catalog *catalog,
		       const struct rill_item *item, unsigned occurrence, unsigned depth);

static int put_event(struct json *json, struct buffer *to, struct rill_nested *nested,
		     unsigned depth)
{
	struct json_mark mark = json_notes_begin(json);
	uint16_t seen[MAX_SEEN];
	struct rill_item item;
	int more;
	json_field(to, "event");
	if (nested->event)
		json_text(to, nested->event->name);
	else
		buffer_text(to, "null");
	json_field(to, "keys");
	buffer_char(to, '{');
	for (unsigned i = 0; (more = rill_nested_next(nested, &item)) == 1; i++) {
		unsigned occurrence = i < MAX_SEEN ? 1 : i;
		for (unsigned j = 0; i < MAX_SEEN && j < i; j++)
			occurrence += seen[j] == item.key;
		if (i < MAX_SEEN)
			seen[i] = item.key;
		put_member(json, to, nested->catalog, &item, occurrence, depth + 1);
	}
	buffer_char(to, '}');
	json_notes_end(json, to, mark);
	return more;
}

static void put_nested(struct json *json, struct buffer *to, const struct rill_item *item,
		       unsigned depth)
{
	bool is_list = item->type == RILL_TYPE_LIST;
	struct rill_nested nested;
	if (depth >= RILL_MAX_DEPTH || rill_nested_open(&nested, item, json->catalogs)) {
		buffer_text(to, "null");
		note_cut(json, item->original_size);
		return;
	}
	buffer_char(to, is_list ? '[' : '{');
	int result =
		is_list ? put_list(json, to, &nested, depth) : put_event(json, to, &nested, depth);
	buffer_char(to, is_list ? ']' : '}');
	if (result < 0 || item->cut)
		note_cut(json, item->original_size);
}

static void put_value(struct json *json, struct buffer *to, const struct rill_item *item,
		      unsigned depth)
{
	switch (item->type) {
	case RILL_TYPE_BOOL:
		buffer_text(to, item->boolean ? "true" : "false");
		return;
	case RILL_TYPE_U64:
		json_u64(to, item->u64);
		return;
	case RILL_TYPE_I64:
	case RILL_TYPE_DURATION:
		json_i64(to, item->i64);
		return;
	case RILL_TYPE_F64:
		put_f64(to, item->f64);
		return;
	case RILL_TYPE_TIMESTAMP:
		json_time(to, item->u64);
		return;
	case RILL_TYPE_STRING:
		if (!put_string(to, item->bytes, item->size)) {
			struct buffer *raw = note(json, &json->notes.raw, "");
			buffer_char(raw, '"');
			render_hex(raw, item->bytes, item->size);
			buffer_char(raw, '"');
		}
		break;
	case RILL_TYPE_BYTES:
		buffer_char(to, '"');
		render_hex(to, item->bytes, item->size);
		buffer_char(to, '"');
		break;
	case RILL_TYPE_IP:
		buffer_char(to, '"');
		render_ip(to, item);
		buffer_char(to, '"');
		return;
	case RILL_TYPE_LIST:
	case RILL_TYPE_EVENT:
		put_nested(json, to, item, depth);
		return;
	default:
		buffer_text(to, "null");
		return;
	}
	if (item->cut)
		note_cut(json, item->original_size);
}

/* The page says what a key's type is, unless it allows several. */
static bool type_is_open(const struct rill_catalog_key *key, unsigned type)
{
	unsigned types = key ? key->types : 0;
	if (types == BIT(type) || type == RILL_TYPE_NONE)
		return false;
	return !(BIT(type) & NATURAL) || !(BIT(type) & types);
}

static void put_member(struct json *json, struct buffer *to, const struct rill_catalog *catalog,
		       const struct rill_item *item, unsigned occurrence, unsigned depth)
{
	struct buffer *path = &json->notes.path;
	const struct rill_catalog_key *key = find_key(catalog, item->key);
	size_t start = path->size;
	if (key) {
		put_characters(path, (const unsigned char *)key->name, strlen(key->name));
	} else {
		buffer_char(path, '#');
		render_u64(path, item->key);
	}
	if (occurrence > 1) {
		buffer_char(path, '#');
		render_u64(path, occurrence);
	}
	comma(to);
	buffer_char(to, '"');
	buffer_put(to, path->data + start, path->size - start);
	buffer_text(to, "\":");
	if (type_is_open(key, item->type))
		note_type(json, item->type, "");
	put_value(json, to, item, depth);
	path->size = start;
}

void json_member(struct json *json, struct buffer *to, const struct rill_catalog *catalog,
		 const struct rill_item *item, const uint16_t *seen, size_t nseen)
{
	unsigned occurrence = 1;
	for (size_t i = 0; i < nseen; i++)
		occurrence += seen[i] == item->key;
	put_member(json, to, catalog, item, occurrence, 0);
}

struct json_mark json_notes_begin(struct json *json)
{
	struct json_notes *notes = &json->notes;
	struct json_mark mark = {notes->types.size, notes->raw.size, notes->cut.size,
				 notes->path_start};
	notes->path_start = notes->path.size;
	return mark;
}

static void end_list(struct json *json, struct buffer *to, const char *name, struct buffer *list,
		     size_t start)
{
	if (list->broken || json->notes.path.broken)
		to->broken = true;
	list->broken = false;
	if (list->size == start)
		return;
	json_field(to, name);
	buffer_char(to, '{');
	/* Between the notes of the object around it and these stands a comma. */
	size_t skip = start && list->data[start] == ',';
	buffer_put(to, list->data + start + skip, list->size - start - skip);
	buffer_char(to, '}');
	list->size = start;
}

void json_notes_end(struct json *json, struct buffer *to, struct json_mark mark)
{
	end_list(json, to, "types", &json->notes.types, mark.types);
	end_list(json, to, "raw", &json->notes.raw, mark.raw);
	end_list(json, to, "cut", &json->notes.cut, mark.cut);
	json->notes.path_start = mark.path_start;
}

void json_free(struct json *json)
{
	buffer_free(&json->notes.types);
	buffer_free(&json->notes.raw);
	buffer_free(&json->notes.cut);
	buffer_free(&json->notes.path);
}
