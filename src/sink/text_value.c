#include "sink/text_value.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#include <rill/value.h>

#include "sink/scan.h"

/* What a string may take. */
#define ROOM_STRING(size) (4 * (size_t)(size) + 2 + WRITE_SLACK)

/* What stands behind the backslash. */
#define AS_IS  0
#define HEX    1 /* \xNN */
#define BEYOND 2 /* not ASCII */
static const char escapes[256] = {
	[0 ... 8] = HEX,
	['\t'] = 't',
	['\n'] = 'n',
	[0xb] = HEX,
	[0xc] = HEX,
	['\r'] = 'r',
	[0xe ... 31] = HEX,
	['"'] = '"',
	['\\'] = '\\',
	[0x7f] = HEX,
	[0x80 ... 0xff] = BEYOND,
};

/* A character beyond ASCII, or a byte that begins none. Returns how many bytes it takes. */
static size_t write_beyond(char **to, const unsigned char *bytes, size_t size)
{
	uint32_t c;
	size_t length = utf8_read(bytes, size, &c);
	if (!length) {
		*to = write_hex8(write_literal(*to, "\\x"), bytes[0]);
		return 1;
	}
	if (!character_is_unsafe(c)) {
		memcpy(*to, bytes, length);
		*to += length;
		return length;
	}
	*to = write_literal(*to, "\\u{");
	if (c >= 0x10000)
		*to = write_hex8(*to, (unsigned char)(c >> 16));
	*to = write_hex8(*to, (unsigned char)(c >> 8));
	*to = write_literal(write_hex8(*to, (unsigned char)c), "}");
	return length;
}

/* Four bytes at most for each. */
static char *write_escaped(char *to, const unsigned char *bytes, size_t size)
{
	for (size_t i = 0; i < size;) {
		char escape = escapes[bytes[i]];
		if (escape == BEYOND) {
			i += write_beyond(&to, bytes + i, size - i);
			continue;
		}
		if (escape == AS_IS) {
			*to++ = (char)bytes[i++];
			continue;
		}
		*to++ = '\\';
		if (escape == HEX)
			to = write_hex8(write_literal(to, "x"), bytes[i++]);
		else
			*to++ = (char)(i++, escape);
	}
	return to;
}

static char *write_quoted(char *to, const unsigned char *bytes, size_t size)
{
	*to++ = '"';
	if (size && scan_copy(to, bytes, size) == SCAN_SPECIAL)
		to = write_escaped(to, bytes, size);
	else
		to += size;
	*to++ = '"';
	return to;
}

static void put_quoted(struct buffer *to, const unsigned char *bytes, size_t size)
{
	char *at = buffer_reserve(to, ROOM_STRING(size));
	if (at)
		buffer_end(to, write_quoted(at, bytes, size));
}

#define WORD_MAX 255u

/* Words that stand for values. */
static bool is_taken(const char *word, size_t size)
{
	switch (size) {
	case sizeof "NaN" - 1:
		return strncasecmp(word, "NaN", size) == 0;
	case sizeof "none" - 1:
		return strncasecmp(word, "none", size) == 0 || strncasecmp(word, "true", size) == 0;
	case sizeof "false" - 1:
		return strncasecmp(word, "false", size) == 0;
	case sizeof "Infinity" - 1:
		return strncasecmp(word, "Infinity", size) == 0;
	default:
		return false;
	}
}

/* Numbers, times and addresses start with a digit or a sign, or hold a colon: a bare word does
 * neither. */
static char *write_string(char *to, const unsigned char *bytes, size_t size)
{
	if (!size)
		return write_literal(to, "\"\"");
	enum scan_found found = scan_copy(to, bytes, size);
	/* What may stand in a word and comes before the letters must not begin it. */
	if (found == SCAN_WORD && size <= WORD_MAX && (bytes[0] > '@' || bytes[0] == '/') &&
	    !is_taken((const char *)bytes, size))
		return to + size;
	*to++ = '"';
	if (found != SCAN_SPECIAL) {
		memcpy(to, bytes, size);
		to += size;
	} else {
		to = write_escaped(to, bytes, size);
	}
	*to++ = '"';
	return to;
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
		char *at = write_value(to, buffer_at(to), &element, style, depth + 1);
		if (!at)
			break;
		buffer_end(to, at);
	}
	buffer_char(to, is_list ? ']' : '}');
	return remark;
}

static size_t room_of(const struct rill_item *item)
{
	switch (item->type) {
	case RILL_TYPE_STRING:
		return ROOM_STRING(item->size);
	case RILL_TYPE_BYTES:
		return sizeof "0x" + 2 * (size_t)item->size + WRITE_SLACK;
	default:
		return ROOM_TIME;
	}
}

static char *write_remark(struct buffer *to, char *at, const char *remark, uint32_t size)
{
	at = buffer_more(to, at, 2 * ROOM_NUMBER);
	if (!at)
		return NULL;
	at = write_literal(at, "...(");
	at = write_constant(at, remark, strlen(remark));
	at = write_u64(write_literal(at, ", "), size);
	return write_literal(at, " bytes)");
}

char *write_value(struct buffer *to, char *at, const struct rill_item *item,
		  struct text_style *style, unsigned depth)
{
	const char *remark = item->cut ? "cut" : NULL, *trouble = NULL;
	at = buffer_more(to, at, room_of(item));
	if (!at)
		return NULL;
	switch (item->type) {
	case RILL_TYPE_BOOL:
		at = item->boolean ? write_literal(at, "true") : write_literal(at, "false");
		break;
	case RILL_TYPE_U64:
		at = write_u64(at, item->u64);
		break;
	case RILL_TYPE_I64:
		at = write_i64(at, item->i64);
		break;
	case RILL_TYPE_DURATION:
		at = write_duration(at, item->i64);
		break;
	case RILL_TYPE_TIMESTAMP:
		at = write_time(at, item->u64, &style->zone);
		break;
	case RILL_TYPE_STRING: /* when cut, in quotes, so that it is plain where it ends */
		at = item->cut ? write_quoted(at, item->bytes, item->size)
			       : write_string(at, item->bytes, item->size);
		break;
	case RILL_TYPE_BYTES:
		at = write_hex(write_literal(at, "0x"), item->bytes, item->size);
		break;
	case RILL_TYPE_IP:
		at = write_ip(at, item);
		break;
	case RILL_TYPE_F64:
	case RILL_TYPE_LIST:
	case RILL_TYPE_EVENT:
		buffer_end(to, at);
		if (item->type == RILL_TYPE_F64)
			put_f64(to, item->f64);
		else
			trouble = put_nested(to, item, style, depth);
		if (to->broken)
			return NULL;
		at = buffer_at(to);
		break;
	default:
		at = write_literal(at, "none");
		break;
	}
	if (trouble)
		remark = trouble;
	return remark ? write_remark(to, at, remark, item->original_size) : at;
}

void text_value(struct buffer *to, const struct rill_item *item, struct text_style *style)
{
	char *at = write_value(to, buffer_at(to), item, style, 0);
	if (at)
		buffer_end(to, at);
}
