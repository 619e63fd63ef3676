#include "sink/text_value.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#include <rill/value.h>

static void put_escaped(struct buffer *to, const unsigned char *bytes, size_t size)
{
	static const char short_forms[][2] = {
		{'\n', 'n'}, {'\r', 'r'}, {'\t', 't'}, {'"', '"'}, {'\\', '\\'},
	};
	uint32_t c;
	for (size_t i = 0, length; i < size; i += length) {
		length = utf8_read(bytes + i, size - i, &c);
		if (!length) {
			buffer_text(to, "\\x");
			render_hex(to, bytes + i, 1);
			length = 1;
			continue;
		}
		size_t form = 0, nforms = sizeof short_forms / sizeof short_forms[0];
		while (form < nforms && (unsigned char)short_forms[form][0] != c)
			form++;
		if (form < nforms) {
			buffer_char(to, '\\');
			buffer_char(to, short_forms[form][1]);
		} else if (!character_is_unsafe(c)) {
			buffer_put(to, bytes + i, length);
		} else if (c < 0x80) {
			buffer_text(to, "\\x");
			render_hex(to, bytes + i, 1);
		} else {
			unsigned char big_endian[3] = {(unsigned char)(c >> 16),
						       (unsigned char)(c >> 8), (unsigned char)c};
			size_t skip = c < 0x10000;
			buffer_text(to, "\\u{");
			render_hex(to, big_endian + skip, 3 - skip);
			buffer_char(to, '}');
		}
	}
}

static void put_quoted(struct buffer *to, const unsigned char *bytes, size_t size)
{
	buffer_char(to, '"');
	put_escaped(to, bytes, size);
	buffer_char(to, '"');
}

/* Numbers, times and addresses start with a digit or a sign, or hold a colon: a bare word does
 * neither, and is none of the words that stand for values. */
static bool is_word(const unsigned char *bytes, size_t size)
{
	static const char *const taken[] = {"none", "true", "false", "NaN", "Infinity"};
	if (!size || size > 255)
		return false;
	for (size_t i = 0; i < size; i++) {
		unsigned char c = bytes[i];
		bool letter =
			(c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '/';
		bool other = (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '@' || c == '+';
		if (!letter && (!other || i == 0))
			return false;
	}
	for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++) {
		if (strlen(taken[i]) == size &&
		    strncasecmp(taken[i], (const char *)bytes, size) == 0)
			return false;
	}
	return true;
}

void text_string(struct buffer *to, const unsigned char *bytes, size_t size)
{
	if (is_word(bytes, size))
		buffer_put(to, bytes, size);
	else
		put_quoted(to, bytes, size);
}

void text_name(struct buffer *to, const char *name, const char *forbidden)
{
	const unsigned char *bytes = (const unsigned char *)name;
	size_t size = strlen(name);
	bool bare = size && !strstr(name, forbidden) && !strpbrk(name, "\"\\");
	uint32_t c;
	for (size_t i = 0, length; bare && i < size; i += length) {
		length = utf8_read(bytes + i, size - i, &c);
		bare = length && !character_is_unsafe(c);
	}
	if (bare)
		buffer_put(to, bytes, size);
	else
		put_quoted(to, bytes, size);
}

/* An event or key name, which stands before `{` or `=`. */
static void put_identifier(struct buffer *to, const char *name)
{
	for (const char *p = name; *p; p++) {
		bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
			     (*p >= '0' && *p <= '9') || *p == '_' || *p == '-' || *p == '.';
		if (!plain) {
			put_quoted(to, (const unsigned char *)name, strlen(name));
			return;
		}
	}
	if (*name)
		buffer_text(to, name);
	else
		buffer_text(to, "\"\"");
}

void text_key(struct buffer *to, const struct rill_catalog *catalog, uint16_t key)
{
	const struct rill_catalog_key *found = find_key(catalog, key);
	if (found) {
		put_identifier(to, found->name);
	} else {
		buffer_char(to, '#');
		render_u64(to, key);
	}
}

static void put_f64(struct buffer *to, double value)
{
	if (isnan(value)) {
		buffer_text(to, "NaN");
	} else if (isinf(value)) {
		buffer_text(to, value < 0 ? "-Infinity" : "Infinity");
	} else {
		render_f64(to, value);
	}
}

static void put_value(struct buffer *to, const struct rill_item *item, struct text_style *style,
		      unsigned depth);

/* list: [a, b]; event: name{key=a key=b}. Returns what else there is to say. */
static const char *put_nested(struct buffer *to, const struct rill_item *item,
			      struct text_style *style, unsigned depth)
{
	bool is_list = item->type == RILL_TYPE_LIST;
	const char *remark = NULL;
	struct rill_nested nested = {0};
	struct rill_item element;
	if (depth >= RILL_MAX_DEPTH)
		remark = "too deep";
	else if (rill_nested_open(&nested, item, style->catalogs))
		remark = "damaged";
	if (!is_list && nested.event)
		put_identifier(to, nested.event->name);
	else if (!is_list)
		buffer_char(to, '?');
	buffer_char(to, is_list ? '[' : '{');
	for (int more = 0, first = 1; !remark; first = 0) {
		more = rill_nested_next(&nested, &element);
		if (more < 0)
			remark = "damaged";
		if (more <= 0)
			break;
		if (!first)
			buffer_text(to, is_list ? ", " : " ");
		if (!is_list) {
			text_key(to, nested.catalog, element.key);
			buffer_char(to, '=');
		}
		put_value(to, &element, style, depth + 1);
	}
	buffer_char(to, is_list ? ']' : '}');
	return remark;
}

static void put_value(struct buffer *to, const struct rill_item *item, struct text_style *style,
		      unsigned depth)
{
	const char *remark = NULL;
	switch (item->type) {
	case RILL_TYPE_BOOL:
		buffer_text(to, item->boolean ? "true" : "false");
		break;
	case RILL_TYPE_U64:
		render_u64(to, item->u64);
		break;
	case RILL_TYPE_I64:
		render_i64(to, item->i64);
		break;
	case RILL_TYPE_F64:
		put_f64(to, item->f64);
		break;
	case RILL_TYPE_DURATION:
		render_duration(to, item->i64);
		break;
	case RILL_TYPE_TIMESTAMP:
		render_time(to, item->u64, &style->zone);
		break;
	case RILL_TYPE_STRING:
		if (item->cut) /* in quotes, so that it is plain where it ends */
			put_quoted(to, item->bytes, item->size);
		else
			text_string(to, item->bytes, item->size);
		break;
	case RILL_TYPE_BYTES:
		buffer_text(to, "0x");
		render_hex(to, item->bytes, item->size);
		break;
	case RILL_TYPE_IP:
		render_ip(to, item);
		break;
	case RILL_TYPE_LIST:
	case RILL_TYPE_EVENT:
		remark = put_nested(to, item, style, depth);
		break;
	default:
		buffer_text(to, "none");
		break;
	}
	if (!item->cut && !remark)
		return;
	buffer_text(to, "...(");
	buffer_text(to, remark ? remark : "cut");
	buffer_text(to, ", ");
	render_u64(to, item->original_size);
	buffer_text(to, " bytes)");
}

void text_value(struct buffer *to, const struct rill_item *item, struct text_style *style)
{
	put_value(to, item, style, 0);
}
