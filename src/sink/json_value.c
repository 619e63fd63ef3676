#include "sink/json_value.h"

#include <math.h>
#include <string.h>

#include <rill/value.h>

#include "sink/scan.h"

#define MAX_SEEN 64u /* keys of a nested event that are searched for repetitions */

#define BIT(type) (1u << (type))
/* Types that JSON shows by itself. */
#define NATURAL (RILL_SET_NONE | RILL_SET_BOOL | RILL_SET_STRING | RILL_SET_LIST | RILL_SET_EVENT)

/* What a string may take. */
#define ROOM_STRING(size) (6 * (size_t)(size) + 2 + WRITE_SLACK)

/* What stands behind the backslash. */
#define AS_IS   0
#define UNICODE 1 /* \uNNNN */
#define BEYOND  2 /* not ASCII */
static const char escapes[256] = {
	[0 ... 7] = UNICODE, ['\b'] = 'b',  ['\t'] = 't',     ['\n'] = 'n',
	[0xb] = UNICODE,     ['\f'] = 'f',  ['\r'] = 'r',     [0xe ... 31] = UNICODE,
	['"'] = '"',         ['\\'] = '\\', [0x7f] = UNICODE, [0x80 ... 0xff] = BEYOND,
};

static char *write_unicode_escape(char *to, uint32_t unit)
{
	to = write_hex8(write_literal(to, "\\u"), (unsigned char)(unit >> 8));
	return write_hex8(to, (unsigned char)unit);
}

/* A character beyond ASCII; a byte that begins none becomes U+FFFD. Returns how many bytes it
 * takes. */
static size_t write_beyond(char **to, const unsigned char *bytes, size_t size, bool *valid)
{
	uint32_t c;
	size_t length = utf8_read(bytes, size, &c);
	if (!length) {
		*valid = false;
		*to = write_unicode_escape(*to, 0xfffd);
		return 1;
	}
	if (!character_is_unsafe(c)) {
		memcpy(*to, bytes, length);
		*to += length;
	} else if (c >= 0x10000) {
		*to = write_unicode_escape(*to, 0xd800 + ((c - 0x10000) >> 10));
		*to = write_unicode_escape(*to, 0xdc00 + ((c - 0x10000) & 0x3ff));
	} else {
		*to = write_unicode_escape(*to, c);
	}
	return length;
}

/* Six bytes at most for each. *valid: set to false when a byte is not UTF-8. */
static char *write_characters(char *to, const unsigned char *bytes, size_t size, bool *valid)
{
	if (!size || scan_copy(to, bytes, size) != SCAN_SPECIAL)
		return to + size;
	for (size_t i = 0; i < size;) {
		char escape = escapes[bytes[i]];
		if (escape == BEYOND) {
			i += write_beyond(&to, bytes + i, size - i, valid);
		} else if (escape == AS_IS) {
			*to++ = (char)bytes[i++];
		} else if (escape == UNICODE) {
			to = write_unicode_escape(to, bytes[i++]);
		} else {
			*to++ = '\\';
			*to++ = escape;
			i++;
		}
	}
	return to;
}

static char *write_quoted(char *to, const unsigned char *bytes, size_t size, bool *valid)
{
	to = write_characters(write_literal(to, "\""), bytes, size, valid);
	return write_literal(to, "\"");
}

/* False: a byte is not UTF-8. */
static bool put_characters(struct buffer *to, const unsigned char *bytes, size_t size)
{
	bool valid = true;
	char *at = buffer_reserve(to, ROOM_STRING(size));
	if (at)
		buffer_end(to, write_characters(at, bytes, size, &valid));
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

void json_bytes(struct buffer *to, const void *bytes, size_t size)
{
	put_string(to, bytes, size);
}

static void put_time(struct json *json, struct buffer *to, uint64_t ns)
{
	buffer_char(to, '"');
	render_time(to, ns, &json->utc);
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
		put_time(json, to, item->u64);
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

void json_value(struct json *json, struct buffer *to, const char *name,
		const struct rill_item *item, bool typed)
{
	struct buffer *path = &json->notes.path;
	size_t start = path->size;
	put_characters(path, (const unsigned char *)name, strlen(name));
	if (typed)
		note_type(json, item->type, "");
	put_value(json, to, item, 0);
	path->size = start;
}

/* A value that nothing is to be noted of. NULL: it is none, or has no room. */
static char *write_simple(struct json *json, struct buffer *to, char *at,
			  const struct rill_item *item)
{
	bool valid = true;
	at = buffer_more(to, at,
			 item->type == RILL_TYPE_STRING ? ROOM_STRING(item->size) : ROOM_TIME);
	if (!at || item->cut)
		return NULL;
	switch (item->type) {
	case RILL_TYPE_BOOL:
		return item->boolean ? write_literal(at, "true") : write_literal(at, "false");
	case RILL_TYPE_U64:
		return write_literal(write_u64(write_literal(at, "\""), item->u64), "\"");
	case RILL_TYPE_I64:
	case RILL_TYPE_DURATION:
		return write_literal(write_i64(write_literal(at, "\""), item->i64), "\"");
	case RILL_TYPE_TIMESTAMP:
		at = write_time(write_literal(at, "\""), item->u64, &json->utc);
		return write_literal(at, "\"");
	case RILL_TYPE_STRING:
		at = write_quoted(at, item->bytes, item->size, &valid);
		return valid ? at : NULL;
	case RILL_TYPE_IP:
		return write_literal(write_ip(write_literal(at, "\""), item), "\"");
	case RILL_TYPE_NONE:
		return write_literal(at, "null");
	default:
		return NULL;
	}
}

void json_key(struct buffer *to, const struct rill_catalog *catalog, uint16_t key)
{
	const char *name = catalog->keys[key].name;
	put_string(to, (const unsigned char *)name, strlen(name));
	buffer_char(to, ':');
}

static void note_type_of_key(struct json *json, const struct rill_catalog_key *key, unsigned type)
{
	struct buffer *path = &json->notes.path;
	size_t start = path->size;
	put_characters(path, (const unsigned char *)key->name, strlen(key->name));
	note_type(json, type, "");
	path->size = start;
}

static unsigned occurrence_of(const struct rill_item *item, const struct rill_item *before)
{
	unsigned occurrence = 1;
	for (; before && before < item; before++)
		occurrence += before->key == item->key;
	return occurrence;
}

char *json_member(struct json *json, struct buffer *to, char *at,
		  const struct rill_catalog *catalog, const struct rill_item *item,
		  const struct rill_item *before)
{
	unsigned occurrence = occurrence_of(item, before);
	const struct rill_catalog_key *key = find_key(catalog, item->key);
	size_t start = (size_t)(at - to->data);
	if (key && occurrence == 1) {
		if (at[-1] != '{')
			at = write_literal(at, ",");
		at = json_piece(json, to, at, catalog, PIECE_KEY, item->key, 0);
		at = at ? write_simple(json, to, at, item) : NULL;
		if (at && type_is_open(key, item->type))
			note_type_of_key(json, key, item->type);
		if (at || to->broken)
			return at;
	}
	/* From the beginning again, in full. */
	to->size = start;
	put_member(json, to, catalog, item, occurrence, 0);
	return to->broken ? NULL : buffer_reserve(to, ROOM_MEMBER);
}

char *json_piece(struct json *json, struct buffer *to, char *at, const struct rill_catalog *catalog,
		 enum piece_kind kind, uint16_t id, size_t more)
{
	struct catalog_pieces *pieces = pieces_of(&json->pieces, catalog);
	const struct piece *piece = pieces ? piece_of(&json->pieces, pieces, kind, id) : NULL;
	if (!piece) {
		to->broken = true;
		return NULL;
	}
	at = buffer_more(to, at, piece->size + WRITE_BLOCK + more);
	return at ? write_blocks(at, piece->bytes, piece->size) : NULL;
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
	pieces_free(&json->pieces);
}
