/* Values as the page shows them: docs/report.md. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/report/report.h"
#include "sink/render.h"

#define ITEM_DEPTH 8u

static void put_number(struct column *to, uint64_t value)
{
	char text[ROOM_NUMBER];
	column_bytes(to, text, (size_t)(write_u64(text, value) - text));
}

/* Text stays text; controls, what reorders text and what is not UTF-8 become \u{1b} and \xff. */
static void put_string(struct column *to, const unsigned char *bytes, size_t size, size_t max)
{
	size_t shown = size < max ? size : max;
	for (size_t i = 0; i < shown;) {
		uint32_t character = 0;
		size_t length = utf8_read(bytes + i, size - i, &character);
		char escape[16];
		if (!length) {
			snprintf(escape, sizeof escape, "\\x%02x", bytes[i++]);
			column_text(to, escape);
			continue;
		}
		const char *common = strchr("\nn\rr\tt", (int)character);
		if (character < 0x20 && character && common) {
			column_bytes(to, (const char[]){'\\', common[1]}, 2);
		} else if (character_is_unsafe(character)) {
			snprintf(escape, sizeof escape, "\\u{%" PRIx32 "}", character);
			column_text(to, escape);
		} else {
			column_bytes(to, bytes + i, length);
		}
		i += length;
	}
	if (shown < size)
		column_text(to, "\xe2\x80\xa6");
}

static void put_nested(struct column *to, const struct rill_catalogs *catalogs,
		       const struct rill_item *item, size_t max, unsigned depth);

static void put_value(struct column *to, const struct rill_catalogs *catalogs,
		      const struct rill_item *item, size_t max, unsigned depth)
{
	char text[256];
	switch (item->type) {
	case RILL_TYPE_STRING:
		put_string(to, item->bytes, item->size, max);
		break;
	case RILL_TYPE_BYTES:
		for (size_t i = 0; i < item->size && i < max; i++)
			column_bytes(to, text, (size_t)(write_hex8(text, item->bytes[i]) - text));
		if (item->size > max)
			column_text(to, "\xe2\x80\xa6");
		break;
	case RILL_TYPE_LIST:
	case RILL_TYPE_EVENT:
		put_nested(to, catalogs, item, max, depth);
		break;
	default:
		column_text(to, show_item(text, sizeof text, item));
	}
}

/* Within a list or an event nothing but text tells a duration from a number. */
static void put_element(struct column *to, const struct rill_catalogs *catalogs,
			const struct rill_item *item, size_t max, unsigned depth)
{
	char text[ROOM_DURATION];
	if (item->type == RILL_TYPE_DURATION)
		column_bytes(to, text, (size_t)(write_duration(text, item->i64) - text));
	else if (item->type == RILL_TYPE_TIMESTAMP)
		column_text(to, show_time((char[SHOW_TIME]){0}, item->u64));
	else
		put_value(to, catalogs, item, max, depth);
}

static void put_nested(struct column *to, const struct rill_catalogs *catalogs,
		       const struct rill_item *item, size_t max, unsigned depth)
{
	struct rill_nested nested;
	struct rill_item element;
	bool event = item->type == RILL_TYPE_EVENT;
	const char *between = "";
	size_t end = to->size + max;
	if (depth == ITEM_DEPTH || rill_nested_open(&nested, item, catalogs)) {
		column_text(to, "?");
		return;
	}
	if (event)
		column_text(to, nested.event ? nested.event->name : "?");
	column_text(to, event ? " {" : "[");
	while (rill_nested_next(&nested, &element) == 1) {
		column_text(to, between);
		between = ", ";
		if (to->size > end) {
			column_text(to, "\xe2\x80\xa6");
			break;
		}
		if (event) {
			const struct rill_catalog_key *key = find_key(nested.catalog, element.key);
			column_text(to, key ? key->name : "?");
			column_text(to, "=");
		}
		put_element(to, catalogs, &element, max, depth + 1);
	}
	column_text(to, event ? "}" : "]");
}

void item_write(struct column *to, const struct report_catalog *catalog,
		const struct rill_catalogs *catalogs, const struct rill_item *item, size_t max)
{
	static const char types[RILL_TYPE_COUNT + 1] = "nbuifdtsxple";
	if (item->key >= catalog->nkeys || item->type >= RILL_TYPE_COUNT)
		return;
	put_number(to, catalog->first_key + item->key);
	column_bytes(to, &types[item->type], 1);
	put_value(to, catalogs, item, max, 0);
	if (item->cut) {
		column_text(to, "\x1e");
		put_number(to, item->original_size);
	}
}
