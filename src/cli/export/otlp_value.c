/* Values as opentelemetry.proto.common.v1.AnyValue, in the JSON form of Protocol Buffers. */
#include <math.h>
#include <string.h>

#include <rill/value.h>

#include "cli/export/otlp.h"

#define MAX_SEEN 64u /* keys of a nested event that are searched for repetitions */

static void put_value(struct otlp_values *values, struct buffer *to, const struct rill_item *item,
		      unsigned depth);

static void put_base64(struct buffer *to, const unsigned char *bytes, size_t size)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *at = buffer_reserve(to, (size + 2) / 3 * 4 + 1);
	if (!at)
		return;
	for (size_t i = 0; i < size; i += 3) {
		size_t left = size - i;
		uint32_t three = (uint32_t)bytes[i] << 16 |
				 (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
				 (left > 2 ? bytes[i + 2] : 0);
		*at++ = digits[three >> 18];
		*at++ = digits[three >> 12 & 63];
		*at++ = left > 1 ? digits[three >> 6 & 63] : '=';
		*at++ = left > 2 ? digits[three & 63] : '=';
	}
	buffer_end(to, at);
}

/* AnyValue has no unsigned integers: what does not fit is text. */
static void put_u64(struct buffer *to, uint64_t value)
{
	buffer_text(to, value <= INT64_MAX ? "{\"intValue\":" : "{\"stringValue\":");
	json_u64(to, value);
	buffer_char(to, '}');
}

static void put_f64(struct buffer *to, double value)
{
	buffer_text(to, "{\"doubleValue\":");
	if (isfinite(value))
		render_f64(to, value);
	else
		buffer_text(to, isnan(value) ? "\"NaN\""
				: value < 0  ? "\"-Infinity\""
					     : "\"Infinity\"");
	buffer_char(to, '}');
}

void otlp_key(struct buffer *to, const char *name)
{
	buffer_text(to, "{\"key\":");
	json_text(to, name);
	buffer_text(to, ",\"value\":");
}

static void put_list(struct otlp_values *values, struct buffer *to, struct rill_nested *nested,
		     unsigned depth)
{
	struct rill_item element;
	buffer_text(to, "{\"arrayValue\":{\"values\":[");
	for (uint32_t i = 0; rill_nested_next(nested, &element) == 1; i++) {
		if (i)
			buffer_char(to, ',');
		put_value(values, to, &element, depth + 1);
	}
	buffer_text(to, "]}}");
}

/* KEY, KEY#2 for the second one, #NUMBER for one that the catalog does not have. */
static void put_name(struct buffer *to, const struct rill_catalog *catalog, uint16_t id,
		     unsigned occurrence, const char *suffix)
{
	const struct rill_catalog_key *key = find_key(catalog, id);
	buffer_text(to, "{\"key\":");
	if (key) {
		json_text(to, key->name);
		to->size -= !to->broken; /* the quote */
	} else {
		buffer_text(to, "\"#");
		render_u64(to, id);
	}
	if (occurrence > 1) {
		buffer_char(to, '#');
		render_u64(to, occurrence);
	}
	buffer_text(to, suffix);
	buffer_text(to, "\",\"value\":");
}

static void put_event(struct otlp_values *values, struct buffer *to, struct rill_nested *nested,
		      unsigned depth)
{
	uint16_t seen[MAX_SEEN];
	struct rill_item item;
	buffer_text(to, "{\"kvlistValue\":{\"values\":[");
	otlp_key(to, "event");
	buffer_char(to, '{');
	if (nested->event) {
		buffer_text(to, "\"stringValue\":");
		json_text(to, nested->event->name);
	}
	buffer_text(to, "}},");
	otlp_key(to, "keys");
	buffer_text(to, "{\"kvlistValue\":{\"values\":[");
	for (unsigned i = 0; rill_nested_next(nested, &item) == 1; i++) {
		unsigned occurrence = i < MAX_SEEN ? 1 : i;
		for (unsigned j = 0; i < MAX_SEEN && j < i; j++)
			occurrence += seen[j] == item.key;
		if (i < MAX_SEEN)
			seen[i] = item.key;
		if (i)
			buffer_char(to, ',');
		put_name(to, nested->catalog, item.key, occurrence, "");
		put_value(values, to, &item, depth + 1);
		buffer_char(to, '}');
	}
	buffer_text(to, "]}}}]}}");
}

static void put_nested(struct otlp_values *values, struct buffer *to, const struct rill_item *item,
		       unsigned depth)
{
	struct rill_nested nested;
	if (depth >= RILL_MAX_DEPTH || rill_nested_open(&nested, item, values->json.catalogs))
		buffer_text(to, "{}");
	else if (item->type == RILL_TYPE_LIST)
		put_list(values, to, &nested, depth);
	else
		put_event(values, to, &nested, depth);
}

static void put_value(struct otlp_values *values, struct buffer *to, const struct rill_item *item,
		      unsigned depth)
{
	switch (item->type) {
	case RILL_TYPE_BOOL:
		buffer_text(to, item->boolean ? "{\"boolValue\":true}" : "{\"boolValue\":false}");
		return;
	case RILL_TYPE_U64:
	case RILL_TYPE_TIMESTAMP:
		put_u64(to, item->u64);
		return;
	case RILL_TYPE_I64:
	case RILL_TYPE_DURATION:
		buffer_text(to, "{\"intValue\":");
		json_i64(to, item->i64);
		break;
	case RILL_TYPE_F64:
		put_f64(to, item->f64);
		return;
	case RILL_TYPE_STRING:
		buffer_text(to, "{\"stringValue\":");
		json_bytes(to, item->bytes, item->size);
		break;
	case RILL_TYPE_BYTES:
		buffer_text(to, "{\"bytesValue\":\"");
		put_base64(to, item->bytes, item->size);
		buffer_char(to, '"');
		break;
	case RILL_TYPE_IP:
		buffer_text(to, "{\"stringValue\":\"");
		render_ip(to, item);
		buffer_char(to, '"');
		break;
	case RILL_TYPE_LIST:
	case RILL_TYPE_EVENT:
		put_nested(values, to, item, depth);
		return;
	default:
		buffer_char(to, '{');
	}
	buffer_char(to, '}');
}

static bool is_ascii(const unsigned char *bytes, size_t size)
{
	unsigned char all = 0;
	for (size_t i = 0; i < size; i++)
		all |= bytes[i];
	return all < 0x80;
}

/* False: there is certainly nothing to note. */
static bool may_be_noted(const struct rill_catalog_key *key, const struct rill_item *item)
{
	if (!key || item->cut || key->types != 1u << item->type)
		return true;
	switch (item->type) {
	case RILL_TYPE_STRING:
		return !is_ascii(item->bytes, item->size);
	case RILL_TYPE_LIST:
	case RILL_TYPE_EVENT:
		return true;
	default:
		return false;
	}
}

static void note(struct otlp_values *values, const struct rill_catalog *catalog,
		 const struct rill_item *item, const struct rill_item *before)
{
	buffer_clear(&values->unread);
	buffer_char(&values->unread, '{');
	char *at = buffer_reserve(&values->unread, ROOM_MEMBER);
	if (!at || !json_member(&values->json, &values->unread, at, catalog, item, before))
		values->json.notes.path.broken = true;
}

void otlp_attribute(struct otlp_values *values, struct buffer *to,
		    const struct rill_catalog *catalog, const struct rill_item *item,
		    const struct rill_item *before, const char *suffix)
{
	const struct rill_catalog_key *key = find_key(catalog, item->key);
	unsigned occurrence = 1;
	for (const struct rill_item *at = before; at && at < item; at++)
		occurrence += at->key == item->key;
	if (may_be_noted(key, item))
		note(values, catalog, item, before);
	put_name(to, catalog, item->key, occurrence, suffix);
	put_value(values, to, item, 0);
	buffer_char(to, '}');
}

void otlp_values_free(struct otlp_values *values)
{
	json_free(&values->json);
	buffer_free(&values->unread);
	pieces_free(&values->pieces);
}
